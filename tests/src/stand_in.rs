//! Stand-ins for services of others: some routes on a free port of the loopback, until they are dropped.

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};

pub struct StandIn {
    /// Its origin, as in `http://127.0.0.1:1234`.
    pub url: String,
    server: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl StandIn {
    pub async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { url, server }
    }
}
