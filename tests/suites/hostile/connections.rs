//! Clients that take their time, send too much, or do not come to an end.

use std::time::Duration;

use countersign_core::http::serving::Limits;
use countersign_tests::World;
use data_encoding::BASE64;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Nothing here takes so long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);
const HEALTHZ: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Times that a test can wait for.
fn short() -> Limits {
    Limits { head: SHORT, body: SHORT, idle: SHORT, linger: SHORT, ..Limits::default() }
}

/// Times that no test waits for.
fn long() -> Limits {
    let long = Duration::from_secs(600);
    Limits { head: long, body: long, idle: long, ..Limits::default() }
}

async fn send(world: &World, bytes: &str) -> TcpStream {
    let mut client = TcpStream::connect(world.address()).await.expect("a connection");
    client.write_all(bytes.as_bytes()).await.expect("sent");
    client
}

/// What comes until the server closes the connection.
async fn until_closed(client: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset closes it too.
    let _ = timeout(PATIENCE, client.read_to_end(&mut all)).await.expect("the connection stays open");
    String::from_utf8_lossy(&all).into_owned()
}

/// One answer: its head, and a body as long as its head says.
async fn answer(client: &mut TcpStream) -> String {
    let read = async {
        let mut all = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&all).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
                if body.len() >= length {
                    return text;
                }
            }
            let mut some = [0; 4096];
            match client.read(&mut some).await {
                Ok(count) if count > 0 => all.extend(&some[..count]),
                ended => panic!("{ended:?} after {text:?}"),
            }
        }
    };
    timeout(PATIENCE, read).await.expect("an answer")
}

fn post(path: &str, authorization: &str, kind: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\n"
    )
}

fn basic(key: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{key}:").as_bytes()))
}

const TRACK: &str = "/v1/users/ada/actions/signIn";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_half_sent_request_does_not_stay_open() {
    let world = World::start().await.limited(Limits { idle: PATIENCE, ..short() }).await;
    for half in ["", "GET", "GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: "] {
        let mut client = send(&world, half).await;
        assert_eq!(until_closed(&mut client).await, "", "{half:?}");
    }
    // Nor does the second on a connection that has answered the first.
    let mut client = send(&world, HEALTHZ).await;
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"));
    client.write_all(b"GET /healthz HTTP/1.1\r\n").await.expect("sent");
    assert_eq!(until_closed(&mut client).await, "");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_is_closed() {
    let world = World::start().await.limited(Limits { head: PATIENCE, ..short() }).await;
    let mut client = send(&world, HEALTHZ).await;
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"));
    assert_eq!(until_closed(&mut client).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::start().await.limited(Limits { head: PATIENCE, idle: PATIENCE, ..short() }).await;
    let key = basic(&world.tenant.secret_key);
    for (path, authorization, kind) in [(TRACK, key.as_str(), JSON), ("/challenge", "", FORM), ("/settings", "", FORM)]
    {
        let mut client = send(&world, &format!("{}\r\na=", post(path, authorization, kind, 100))).await;
        let said = until_closed(&mut client).await;
        assert!(said.starts_with("HTTP/1.1 400") && said.contains("connection: close"), "{path}: {said}");
        assert_eq!(path == TRACK, said.contains("The body took too long to arrive."), "{said}");
    }
}

/// The place of whoever waits longest goes to whoever comes next.
#[tokio::test]
async fn half_sent_requests_keep_nobody_out() {
    let world = World::start().await.limited(Limits { connections: 16, ..long() }).await;
    let half_head = "GET /healthz HTTP/1.1\r\nHost: ".to_owned();
    let half_body = format!("{}\r\n{{", post(TRACK, &basic(&world.tenant.secret_key), JSON, 100));
    let half_form = format!("{}\r\ntoken=", post("/challenge", "", FORM, 100));
    let mut held = Vec::new();
    for half in [half_head, half_body, half_form] {
        for _ in 0..100 {
            held.push(send(&world, &half).await);
        }
        let mut client = send(&world, HEALTHZ).await;
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"), "{half}");
    }
    let last = held.split_off(held.len() - 8);
    for mut client in held.drain(..280) {
        assert_eq!(until_closed(&mut client).await, "");
    }
    drop(last);
}

/// RFC 6585, section 5.
#[tokio::test]
async fn more_header_than_anybody_needs_is_431() {
    let world = World::start().await;
    let one = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "a".repeat(300_000));
    let many: String = (0..60).map(|n| format!("X-{n}: {}\r\n", "a".repeat(5_000))).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    let little_too_much = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "a".repeat(70_000));
    for head in [one, many, little_too_much] {
        let mut client = TcpStream::connect(world.address()).await.expect("a connection");
        // It may be told before it has sent all.
        let _ = client.write_all(head.as_bytes()).await;
        let said = until_closed(&mut client).await;
        let length = head.len();
        assert!(said.starts_with("HTTP/1.1 431"), "{length} bytes: {said}");
        refused_in_words(&said, "request_too_large");
    }
    let enough = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "a".repeat(60_000));
    assert!(answer(&mut send(&world, &enough).await).await.starts_with("HTTP/1.1 200"));
}

/// The contract's error body, as long as the head says, and the headers of every answer.
fn refused_in_words(said: &str, code: &str) {
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    let body_said: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!((&body_said["error"], &body_said["errorCode"]), (&code.into(), &code.into()), "{said}");
    assert!(body_said["errorDescription"].as_str().is_some_and(|text| text.len() > 20), "{said}");
    for header in [
        "content-type: application/json",
        "connection: close",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(head.contains(header), "{header}: {said}");
    }
    assert!(head.contains(&format!("content-length: {}", body.len())) && head.contains("date: "), "{said}");
}

/// What is no request is told so like everything else, also as the second one of a connection.
#[tokio::test]
async fn what_is_no_request_is_refused_in_words() {
    let world = World::start().await;
    for first in ["", HEALTHZ] {
        for bad in ["GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", "\u{1}\r\n\r\n"] {
            let mut client = send(&world, first).await;
            if !first.is_empty() {
                assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"));
            }
            client.write_all(bad.as_bytes()).await.expect("sent");
            let said = until_closed(&mut client).await;
            assert!(said.starts_with("HTTP/1.1 400"), "{bad:?}: {said}");
            refused_in_words(&said, "invalid_request");
        }
    }
}

/// A client reads its answer when it has sent everything, and then goes on.
#[tokio::test]
async fn what_nobody_wanted_is_read_before_the_answer() {
    let world = World::start().await;
    let key = basic(&world.tenant.secret_key);
    for (path, authorization, kind, status) in [
        (TRACK, key.as_str(), JSON, 413),
        ("/challenge", "", FORM, 413),
        (TRACK, "Basic bm9ib2R5Og==", JSON, 401),
        (TRACK, key.as_str(), "text/plain", 413),
        ("/v1/validate/nothing", key.as_str(), JSON, 404),
        ("/healthz", "", JSON, 405),
    ] {
        for length in [100_000, 1_000_000, 1 << 20] {
            let mut client = send(&world, &format!("{}\r\n", post(path, authorization, kind, length))).await;
            client.write_all(&vec![b'a'; length]).await.unwrap_or_else(|e| panic!("{path} {status} {length}: {e}"));
            let said = answer(&mut client).await;
            assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{path} {status} {length}: {said}");
            client.write_all(HEALTHZ.as_bytes()).await.expect("sent");
            assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"), "{path} {status} {length}");
        }
    }
}

/// RFC 9112, section 9.6: a last answer says so, and is not lost to a reset.
#[tokio::test]
async fn what_is_too_long_to_be_read_ends_the_connection_in_words() {
    let world = World::start().await;
    for authorization in ["Basic bm9ib2R5Og==".to_owned(), basic(&world.tenant.secret_key)] {
        let length = 20 << 20;
        let mut client = send(&world, &format!("{}\r\n", post(TRACK, &authorization, JSON, length))).await;
        client.write_all(&vec![b'a'; length]).await.expect("sent");
        let said = until_closed(&mut client).await;
        assert!(said.starts_with("HTTP/1.1 4") && said.contains("connection: close"), "{said}");
    }
}

/// RFC 9110, section 10.1.1: a client that asks first is not told to go on with what nobody will read.
#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let world = World::start().await;
    let head = post(TRACK, "Basic bm9ib2R5Og==", JSON, 100_000);
    let mut client = send(&world, &format!("{head}Expect: 100-continue\r\n\r\n")).await;
    let said = answer(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 401") && said.contains("connection: close"), "{said}");
}
