//! A server of one's own, whose connections are bounded in number, in size and in time.
//!
//! axum's `serve` waits for a client as long as the client likes. Here each connection knows whose turn it is: ours
//! lasts as long as a handler works, and the client's has an end. Where there is no room for one more, the connection
//! that has waited longest for its client is closed, so that half-sent requests keep nobody out.

mod certificate;
mod connection;
mod forwarded;
mod lent;
mod refusal;
mod room;
mod turn;

use std::{
    future::{Future, poll_fn},
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub use certificate::Certificate;
pub use forwarded::Proxies;
pub use lent::TooSlow;

use connection::Connection;
use room::Room;

/// What a client may take of a server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Start line and header fields of a request, in bytes; more is 431.
    pub head_bytes: usize,
    /// How many bytes of a body that no handler has read are read before the answer. Without that a client that is
    /// still sending would get a reset in place of its answer.
    pub unread_bytes: u64,
    /// How long start line and header fields may take, from the first byte; on a new connection, from the beginning.
    pub head: Duration,
    /// How long a body may take.
    pub body: Duration,
    /// How long a connection stays open between an answer and the next request.
    pub idle: Duration,
    /// How long a client is heard out that goes on sending after its last answer (RFC 9112, section 9.6).
    pub linger: Duration,
}

/// How a server lets its clients in.
#[derive(Clone, Default)]
pub struct Door {
    pub limits: Limits,
    /// Whose word on a client's address is taken.
    pub proxies: Proxies,
    /// Speaks TLS, and shows this; without one it is plain HTTP.
    pub certificate: Option<Arc<Certificate>>,
}

impl From<Limits> for Door {
    fn from(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// The most connections at a time. More wait for a place, which is soon free: a handler takes a millisecond.
const MOST_CONNECTIONS: usize = 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: room_for(open_files().unwrap_or(256)),
            head_bytes: 64 * 1024,
            unread_bytes: 1024 * 1024,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            linger: Duration::from_secs(2),
        }
    }
}

/// How many connections a process with so many descriptors may hold: the store, its own calls and the log need some
/// too, and without them it could answer nobody.
fn room_for(descriptors: usize) -> usize {
    (descriptors.saturating_sub(32) / 3 * 2).clamp(8, MOST_CONNECTIONS)
}

/// How many files this process may have open (`ulimit -n`), where the system says so.
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    // "unlimited" is no number, and room enough.
    Some(soft.parse().unwrap_or(usize::MAX))
}

/// Serves until `stop`; then nobody new is let in, and who is being served is served to the end.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, door: impl Into<Door>, stop: impl Future<Output = ()>) {
    let (tell, told) = watch::channel(());
    let door = Arc::new(door.into());
    let room = Room::for_connections(door.limits.connections);
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listeners) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    wait_after(&error).await;
                    continue;
                }
            },
        };
        let place = tokio::select! {
            () = &mut stop => break,
            place = room.take() => place,
        };
        let connection = Connection { router: router.clone(), door: door.clone(), peer, stop: told.clone() };
        tokio::spawn(connection.serve(stream, place));
    }
    drop((listeners, told));
    let _ = tell.send(());
    tell.closed().await;
}

/// The next connection, at whichever address it comes.
async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|cx| {
        let ready = listeners.iter().map(|listener| listener.poll_accept(cx)).find(Poll::is_ready);
        ready.unwrap_or(Poll::Pending)
    })
    .await
}

/// Waits after a failed accept. A client that is gone needs no wait; without free descriptors, trying again at once
/// would only burn time.
async fn wait_after(error: &io::Error) {
    let of_the_client = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused];
    if !of_the_client.contains(&error.kind()) {
        tracing::error!(event = "accept_failed", cause = %error);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        for (descriptors, connections) in [(0, 8), (64, 20), (256, 148), (1024, 660), (usize::MAX, 1024)] {
            assert_eq!(room_for(descriptors), connections, "{descriptors}");
        }
    }
}
