//! A disk that is full, a directory that is gone, a lock that somebody else holds: told, and told once.

use std::{
    fs::{self, File},
    process::Stdio,
    time::{Duration, Instant},
};

use countersign_tests::http::Auth;
use rusqlite::Connection;
use serde_json::json;

use super::process::{Directory, Server, countersign, countersign_under};

/// Writes fail from a size on, as they do on a full disk.
#[tokio::test]
async fn a_full_disk_is_no_health_and_one_line_a_refusal() {
    let directory = Directory::new();
    let log = directory.path().join("log");
    let arguments = ["--listen", "127.0.0.1:0", "--data", &directory.data()];
    // The signal is ignored, so that the write fails instead.
    let mut command = countersign_under("trap '' XFSZ; ulimit -f 600", &arguments);
    let server = Server::run(command.stderr(Stdio::from(File::create(&log).expect("a log"))));
    let (http, key) = (server.http(), server.key());
    let track = async |n: u32| {
        let path = format!("/v1/users/user{n}/actions/signIn");
        http.post(&path, &key, json!({ "custom": { "text": "x".repeat(5_000) } })).await.status.as_u16()
    };
    let mut refused = None;
    for n in 0..200 {
        if track(n).await != 200 {
            refused = Some(n);
            break;
        }
    }
    let refused = refused.expect("the disk gets full");
    // A write of one small item may find room still, and takes it.
    let mut room = 0;
    while http.get("/healthz", &Auth::None).await.status == 200 {
        room += 1;
        assert!(room < 100, "the disk is full, and all is said to be well");
    }
    let lines = || {
        let text = fs::read_to_string(&log).expect("a log");
        text.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = lines().len();
    assert_eq!(http.get("/healthz", &Auth::None).await.refusal(), (503, "service_unavailable".into()));
    assert_eq!(track(refused).await, 503);
    let after = lines();
    assert_eq!(after.len(), before + 2, "{after:#?}");
    // Who only reads is served.
    assert_eq!(http.get("/openapi.json", &Auth::None).await.status, 200);
}

/// SQLite writes on to deleted files, and what it says is there is gone with the process.
#[tokio::test]
async fn nothing_is_acknowledged_once_the_directory_is_gone() {
    for gone in ["", "countersign.db", "countersign.db-wal"] {
        let directory = Directory::new();
        let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
        let server = Server::run(command.env("RUST_LOG", "off"));
        let (http, key) = (server.http(), server.key());
        assert_eq!(http.get("/healthz", &Auth::None).await.status, 200);
        if gone.is_empty() {
            fs::remove_dir_all(directory.data()).expect("removed");
        } else {
            fs::remove_file(directory.file(gone)).expect("removed");
        }
        assert_eq!(http.get("/healthz", &Auth::None).await.status, 503, "without {gone:?}");
        assert_eq!(http.post("/v1/users/ada/actions/signIn", &key, json!({})).await.status, 503, "without {gone:?}");
    }
}

/// A backup, or a hand that looks into the database, may hold its lock: who needs no store does not wait for it.
#[tokio::test]
async fn a_lock_that_is_held_elsewhere_stops_only_who_writes() {
    for durable in [&[][..], &["--durable"]] {
        let directory = Directory::new();
        let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
        let server = Server::run(command.args(durable).env("RUST_LOG", "off"));
        let (http, key) = (server.http(), server.key());
        // Known by now, so that the requests below come as far as their write.
        assert_eq!(http.post("/v1/users/ada/actions/signIn", &key, json!({})).await.status, 200);
        let database = Connection::open(directory.file("countersign.db")).expect("a database");
        database.execute_batch("BEGIN IMMEDIATE").expect("the lock");
        let waiting: Vec<_> = (0..16)
            .map(|n| {
                let (http, key) = (http.clone(), key.clone());
                let path = format!("/v1/users/user{n}/actions/signIn");
                tokio::spawn(async move { http.post(&path, &key, json!({})).await.status })
            })
            .collect();
        for _ in 0..50 {
            let page = tokio::time::timeout(Duration::from_secs(3), http.get("/openapi.json", &Auth::None)).await;
            assert_eq!(page.expect("an answer while others wait").status, 200, "{durable:?}");
        }
        database.execute_batch("ROLLBACK").expect("given back");
        for request in waiting {
            assert_eq!(request.await.expect("no panic"), 200, "{durable:?}");
        }
    }
}

/// While another program holds SQLite's lock, everybody who has to write is told within the time of one call, and whoever
/// reads is served once that is known.
#[tokio::test]
async fn a_lock_that_is_not_given_back_is_told_in_time() {
    let directory = Directory::new();
    let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
    let server = Server::run(command.env("RUST_LOG", "off"));
    let (http, key) = (server.http(), server.key());
    assert_eq!(http.post("/v1/users/ada/actions/signIn", &key, json!({})).await.status, 200);
    let database = Connection::open(directory.file("countersign.db")).expect("a database");
    database.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let begun = Instant::now();
    let waiting: Vec<_> = (0..12)
        .map(|n| {
            let (http, key) = (http.clone(), key.clone());
            tokio::spawn(async move {
                match n % 3 {
                    0 => http.get("/healthz", &Auth::None).await.status,
                    _ => http.post(&format!("/v1/users/user{n}/actions/signIn"), &key, json!({})).await.status,
                }
            })
        })
        .collect();
    for request in waiting {
        assert_eq!(request.await.expect("no panic"), 503);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "all of them: {:?}", begun.elapsed());
    // The first that waited for the lock has given up by now, or will at once.
    let known = Instant::now();
    while http.get("/v1/users/ada", &key).await.status != 200 {
        assert!(known.elapsed() < Duration::from_secs(5), "who reads is not served");
    }
    let later = Instant::now();
    for n in 0..20 {
        assert_eq!(http.post(&format!("/v1/users/late{n}/actions/signIn"), &key, json!({})).await.status, 503);
        assert_eq!(http.get("/healthz", &Auth::None).await.status, 503);
        assert_eq!(http.get("/v1/users/ada", &key).await.status, 200);
    }
    assert!(later.elapsed() < Duration::from_secs(4), "nobody waits again: {:?}", later.elapsed());
    database.execute_batch("ROLLBACK").expect("given back");
    assert_eq!(http.get("/healthz", &Auth::None).await.status, 200);
    assert_eq!(http.post("/v1/users/user1/actions/signIn", &key, json!({})).await.status, 200);
}
