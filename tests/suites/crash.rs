//! The program itself: killed in the middle of its work, and told to start where it cannot (T30).

#[path = "crash/directory.rs"]
mod directory;
#[path = "crash/first_start.rs"]
mod first_start;
#[path = "crash/listening.rs"]
mod listening;
#[path = "crash/mixed.rs"]
mod mixed;
#[path = "support/process.rs"]
mod process;
#[path = "crash/start.rs"]
mod start;
#[path = "crash/tls.rs"]
mod tls;
#[path = "crash/traffic.rs"]
mod traffic;
#[path = "crash/trouble.rs"]
mod trouble;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use countersign_tests::faults::Draw;
use process::{Directory, Server};
use tokio::{sync::watch, task::JoinSet};
use traffic::{Log, Traffic, check, resolve};

const ROUNDS: u64 = 22;
const CLIENTS: u64 = 4;

/// kill -9, again and again, in the middle of everything.
#[tokio::test]
async fn a_killed_server_forgets_nothing_it_acknowledged() {
    let directory = Directory::new();
    let mut draw = Draw::from(1);
    let mut everything = Vec::new();
    let mut doubts = 0;
    for round in 0..ROUNDS {
        let server = Server::start(&directory);
        let (facts, mut enough) = watch::channel(0);
        let traffic = Traffic { http: server.http(), key: server.key(), log: Mutex::default(), facts };
        let traffic = Arc::new(traffic);
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            clients.spawn(traffic.clone().flow(format!("r{round}c{client}")));
        }
        let until = usize::try_from(10 + draw.below(30)).expect("few");
        enough.wait_for(|facts| *facts >= until).await.expect("facts");
        server.kill();
        clients.join_all().await;

        let server = Server::start(&directory);
        let (http, key) = (server.http(), server.key());
        let log: Log = std::mem::take(&mut *traffic.log.lock().expect("no panic"));
        for fact in &log.facts {
            check(&http, &key, fact, true).await;
        }
        doubts += log.doubts.len();
        for doubt in log.doubts.values() {
            resolve(&http, &key, doubt).await;
        }
        everything.extend(log.facts);
        server.kill();
    }
    let server = Server::start(&directory);
    for fact in &everything {
        check(&server.http(), &server.key(), fact, false).await;
    }
    assert!(doubts > 0, "no kill hit a code on its way");
}

/// A deployment asks a server to end: who is being served is served first.
#[test]
fn a_server_that_is_asked_to_end_finishes_what_it_began() {
    for signal in ["TERM", "INT"] {
        let directory = Directory::new();
        let server = Server::start(&directory);
        let mut client = TcpStream::connect(server.address).expect("a connection");
        let secret = server.credential("secretKey");
        let basic = data_encoding::BASE64.encode(format!("{secret}:").as_bytes());
        let head = format!(
            "POST /v1/users/ada/actions/signIn HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {basic}\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        );
        client.write_all(head.as_bytes()).expect("sent");
        let mut answer = BufReader::new(client.try_clone().expect("a clone"));
        let mut line = String::new();
        answer.read_line(&mut line).expect("a line");
        assert!(line.starts_with("HTTP/1.1 100"), "the handler reads the body by now: {line}");
        server.signal(signal);
        // Nobody new is let in: by then the signal has arrived.
        while TcpStream::connect(server.address).is_ok() {
            std::thread::yield_now();
        }
        client.write_all(b"{}").expect("sent");
        let mut rest = String::new();
        answer.read_to_string(&mut rest).expect("the rest");
        assert!(rest.contains("HTTP/1.1 200") && rest.contains("\"token\""), "{signal}: {rest}");
        assert_eq!(server.wait().code(), Some(0), "{signal}");
    }
}
