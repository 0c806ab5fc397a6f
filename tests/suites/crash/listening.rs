//! Where it listens, whom it lets in, and how many.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use countersign_tests::http::{Auth, Http};

use super::process::{Directory, Server, countersign, countersign_under};

/// Anybody may be anybody in the demo: it is for the machine that it runs on.
#[tokio::test]
async fn the_demo_is_for_loopback() {
    for (listen, has_demo) in [("127.0.0.1:0", true), ("[::1]:0", true), ("0.0.0.0:0", false), ("[::]:0", false)] {
        let directory = Directory::new();
        let mut command = countersign(&["--listen", listen, "--data", &directory.data()]);
        let server = Server::run(command.env("RUST_LOG", "off"));
        assert_eq!(server.welcome.contains("/demo"), has_demo, "{listen}: {}", server.welcome);
        let loopback = if server.address.is_ipv6() { "[::1]" } else { "127.0.0.1" };
        let http = Http::to(format!("{loopback}:{}", server.address.port()).parse().expect("an address"));
        let status = if has_demo { 200 } else { 404 };
        assert_eq!(http.get("/demo", &Auth::None).await.status, status, "{listen}");
        assert_eq!(http.get("/healthz", &Auth::None).await.status, 200, "{listen}");
        let front = http.get("/", &Auth::None).await;
        assert_eq!(front.text().contains("href=\"/demo\""), has_demo, "{listen}");
    }
    let directory = Directory::new();
    let mut command = countersign(&["--listen", "127.0.0.1:0", "--no-demo", "--data", &directory.data()]);
    let server = Server::run(command.env("RUST_LOG", "off"));
    assert_eq!(server.http().get("/demo", &Auth::None).await.status, 404);
}

/// Programs differ in what they take `localhost` for.
#[tokio::test]
async fn localhost_is_both_loopbacks() {
    let directory = Directory::new();
    let mut command = countersign(&["--listen", "0", "--data", &directory.data()]);
    let server = Server::run(command.env("RUST_LOG", "off"));
    let port = server.address.port();
    assert!(server.welcome.contains(&format!("http://localhost:{port}/v1\n")), "{}", server.welcome);
    for loopback in ["127.0.0.1", "[::1]"] {
        let http = Http::to(format!("{loopback}:{port}").parse().expect("an address"));
        assert_eq!(http.get("/demo", &Auth::None).await.status, 200, "{loopback}");
        let tracked = http.post("/v1/users/ada/actions/signIn", &server.key(), serde_json::json!({})).await.ok();
        let url = tracked["url"].as_str().expect("a URL");
        assert!(url.starts_with(&format!("http://localhost:{port}/challenge?")), "{url}");
    }
}

fn healthy(address: SocketAddr) -> String {
    let mut client = TcpStream::connect(address).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    let mut said = String::new();
    client.read_to_string(&mut said).unwrap_or_else(|error| panic!("/healthz: {error}"));
    said
}

/// With few descriptors, half-sent requests must not take those that the store and the log need.
#[test]
fn half_sent_requests_stop_nobody_where_descriptors_are_few() {
    for descriptors in [64, 256] {
        let directory = Directory::new();
        let arguments = ["--listen", "127.0.0.1:0", "--data", &directory.data()];
        let mut command = countersign_under(&format!("ulimit -n {descriptors}"), &arguments);
        let server = Server::run(command.env("RUST_LOG", "off"));
        let mut held = Vec::new();
        for _ in 0..5 {
            for _ in 0..100 {
                let mut client = TcpStream::connect(server.address).expect("a connection");
                client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a").expect("sent");
                held.push(client);
            }
            assert!(healthy(server.address).starts_with("HTTP/1.1 200"), "{descriptors} with {}", held.len());
        }
    }
}
