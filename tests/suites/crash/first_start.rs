//! A first start that is cut short anywhere is repeated by the next one.

use std::{fs, process::Stdio};

use countersign_tests::http::Auth;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    mixed::set_pending,
    process::{Directory, Server, call, countersign, countersign_under},
};

/// Starts it again, and looks whether nothing is missing.
async fn comes_up(directory: &Directory, when: &str) {
    let server = Server::start(directory);
    let file = fs::read(directory.file("credentials.json")).expect("credentials");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(file["secretKey"], server.credential("secretKey"), "{when}");
    let http = server.http();
    let health = call(&http, "GET", "/healthz", &Auth::None, None).await;
    assert_eq!(health, Some(json!({ "status": "ok" })), "{when}");
    let tracked = call(&http, "POST", "/v1/users/ada/actions/enrol", &server.key(), Some(json!({}))).await;
    let token = tracked.expect("an answer")["token"].as_str().expect("a token").to_owned();
    let path = "/v1/client/user-authenticators/totp";
    call(&http, "POST", path, &Auth::Token(token), None).await.expect("a secret: the keyring opens the tenant's key");
    server.kill();
    assert_eq!(ends_items(directory), 1, "{when}: nothing old is ever removed");
    assert_eq!(tenants(directory), 1, "{when}");
    let left: Vec<_> =
        fs::read_dir(directory.data()).expect("a directory").map(|e| e.expect("an entry").path()).collect();
    assert!(!left.iter().any(|path| path.extension().is_some_and(|end| end == "new")), "{when}: {left:?}");
}

fn ask(directory: &Directory, sql: &str) -> i64 {
    let database = Connection::open(directory.file("countersign.db")).expect("a database");
    database.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn ends_items(directory: &Directory) -> i64 {
    ask(directory, "SELECT count(*) FROM _tables WHERE ttl_enabled = 1 AND ttl_attribute = 'ttl'")
}

fn tenants(directory: &Directory) -> i64 {
    ask(directory, "SELECT count(*) FROM countersign WHERE sk = 'S:TENANT'")
}

/// The kernel ends a process that writes a file beyond its limit: so it is killed in the middle of each write that a
/// file of the first start grows by.
#[tokio::test]
async fn killed_in_the_middle_of_a_write() {
    let mut kills = 0;
    for kilobytes in (0..400).step_by(4) {
        let directory = Directory::new();
        let arguments = ["--listen", "127.0.0.1:0", "--data", &directory.data()];
        let limit = format!("ulimit -c 0; ulimit -f {}", kilobytes * 2);
        let mut child = countersign_under(&limit, &arguments);
        let mut child =
            child.env("RUST_LOG", "off").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        // It ends by the limit, or it says that it is running and needs no more.
        let mut first = [0; 1];
        let is_running = std::io::Read::read(child.stdout.as_mut().expect("a pipe"), &mut first).expect("a pipe") > 0;
        let _ = child.kill();
        child.wait().expect("it ends");
        comes_up(&directory, &format!("after {kilobytes} KB")).await;
        if is_running {
            break;
        }
        kills += 1;
    }
    assert!(kills > 4, "the limit killed it {kills} times only");
}

/// Killed as soon as a file of the first start is there, and some moments later.
#[tokio::test]
async fn killed_after_each_file() {
    let files =
        ["server.lock", "countersign.new", "countersign.db", "countersign.db-wal", "keyring.json", "credentials.json"];
    for file in files {
        for moments in [0, 100, 1_000, 5_000] {
            let directory = Directory::new();
            let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
            let mut child = command.env("RUST_LOG", "off").stdout(Stdio::null()).spawn().expect("it starts");
            while !directory.file(file).exists() && !directory.file("credentials.json").exists() {
                assert!(child.try_wait().expect("a child").is_none(), "it ended before {file}");
            }
            for _ in 0..moments {
                std::hint::black_box(directory.file(file).exists());
            }
            child.kill().expect("it was running");
            child.wait().expect("it ends");
            comes_up(&directory, &format!("after {file} and {moments} moments")).await;
        }
    }
}

/// Each thing that a first start makes may be the last one that it made.
#[tokio::test]
async fn ended_after_each_thing_that_it_makes() {
    for (last, missing) in [
        ("the database", &["keyring.json", "credentials.json"][..]),
        ("the keyring", &["credentials.json"]),
        ("the credentials", &[]),
        ("the tenant", &[]),
    ] {
        let directory = Directory::new();
        Server::start(&directory).stop();
        let database = Connection::open(directory.file("countersign.db")).expect("a database");
        if last != "the tenant" {
            database.execute("DELETE FROM countersign", []).expect("no tenant yet");
        }
        drop(database);
        set_pending(&directory.file("credentials.json"));
        for file in missing {
            fs::remove_file(directory.file(file)).expect("removed");
        }
        for half in ["countersign.new", "keyring.new", "credentials.new"] {
            fs::write(directory.file(half), "{\"half\":").expect("written");
        }
        if last == "the database" {
            fs::remove_file(directory.file("server.lock")).expect("removed");
        }
        comes_up_with_leftovers(&directory, last).await;
    }
}

/// What half-written files are there of things that are whole stays, and harms nobody.
async fn comes_up_with_leftovers(directory: &Directory, last: &str) {
    let first = Server::start(directory);
    first.kill();
    for half in ["countersign.new", "keyring.new", "credentials.new"] {
        let _ = fs::remove_file(directory.file(half));
    }
    comes_up(directory, last).await;
}

/// As earlier versions may have left it: a table whose items never end.
#[tokio::test]
async fn a_table_whose_items_never_end_is_mended() {
    let directory = Directory::new();
    Server::start(&directory).stop();
    let database = Connection::open(directory.file("countersign.db")).expect("a database");
    database.execute("UPDATE _tables SET ttl_enabled = 0, ttl_attribute = NULL", []).expect("changed");
    drop(database);
    comes_up(&directory, "without TTL").await;
}
