//! Where it listens, whom it lets in, and how many.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Stdio,
    time::Duration,
};

use countersign_tests::http::{Auth, Http};

use super::process::{Directory, Server, countersign, countersign_under, refuses};

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

/// What others reach by another name is not for this machine alone, though the proxy that they come through is on it.
#[test]
fn the_demo_is_for_names_of_this_machine() {
    for (public, has_demo) in [("http://localhost:3000", true), ("https://mfa.example.com", false)] {
        let directory = Directory::new();
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let listen = free.to_string();
        let mut command = countersign(&["--listen", &listen, "--public-url", public, "--data", &directory.data()]);
        let mut child = command.env("RUST_LOG", "off").stdout(Stdio::null()).spawn().expect("it starts");
        while TcpStream::connect(free).is_err() {
            assert!(child.try_wait().expect("a child").is_none(), "it ended");
            std::thread::yield_now();
        }
        for (path, found) in [("/demo", 200), ("/demo/back?token=x", 303)] {
            for (host, is_own) in
                [("localhost", true), ("127.0.0.1:3000", true), ("[::1]:3000", true), ("mfa.example.com", false)]
            {
                let status = if has_demo && is_own { found } else { 404 };
                let said = asked(free, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
                assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{public} as {host}: {said}");
            }
        }
        let said = asked(free, "GET /healthz HTTP/1.1\r\nHost: mfa.example.com\r\nConnection: close\r\n\r\n");
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        child.kill().expect("it was running");
        child.wait().expect("it ends");
    }
}

/// Nobody is asked for a key there: whoever reaches it has every user.
#[test]
fn the_store_alone_is_served_to_this_machine_alone() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let directory = Directory::new();
        let trouble = refuses(
            &mut countersign(&["--store-only", "--listen", listen, "--data", &directory.data()]),
            "--store-only",
        );
        assert!(trouble.contains("--listen 127.0.0.1") && trouble.contains("key"), "{trouble}");
        assert!(!std::path::Path::new(&directory.data()).exists(), "{listen}: something was made");
    }
    let directory = Directory::new();
    let mut command = countersign(&["--store-only", "--listen", "127.0.0.1:0", "--data", &directory.data()]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("AWS_ENDPOINT_URL_DYNAMODB")).expect("where it listens");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
    let address = address.parse().expect("an address");
    let body = r#"{"TableName":"countersign","Limit":1}"#;
    // A stranger's site may lead a browser of this machine here, by a name of its own.
    for (host, status) in [("127.0.0.1:8000", 200), ("localhost:8000", 200), ("rebound.example.com", 404)] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: DynamoDB_20120810.Scan\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let said = asked(address, &request);
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {said}");
    }
    child.kill().expect("it was running");
    child.wait().expect("it ends");
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
    asked(address, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

fn asked(address: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(address).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    client.write_all(request.as_bytes()).expect("sent");
    let mut said = String::new();
    client.read_to_string(&mut said).unwrap_or_else(|error| panic!("{request}: {error}"));
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
