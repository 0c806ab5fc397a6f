//! A data directory that is not what one server left: a part is gone, or is another's. Whoever is enrolled must not be
//! let in because their server forgot them.

use std::{fs, path::Path, process::Command};

use countersign_tests::http::Auth;
use rusqlite::Connection;
use serde_json::json;

use super::process::{Directory, Server, call, countersign, ends, refuses};

const AHEAD: &str = "countersign.db-wal";
const DATABASE: [&str; 3] = ["countersign.db", AHEAD, "countersign.db-shm"];

fn start_again(directory: &Directory) -> Command {
    countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()])
}

fn copy(from: &Directory, to: &Directory, files: &[&str]) {
    for file in files {
        let _ = fs::remove_file(to.file(file));
        let _ = fs::copy(from.file(file), to.file(file));
    }
}

/// A server with a user who has enrolled.
async fn with_ada(directory: &Directory) -> Server {
    let server = Server::start(directory);
    let sms = json!({"verificationMethod": "SMS", "phoneNumber": "+64211234567"});
    call(&server.http(), "POST", "/v1/users/ada/authenticators", &server.key(), Some(sms)).await.expect("enrolled");
    server
}

async fn knows_ada(directory: &Directory) {
    let server = Server::start(directory);
    let ada = call(&server.http(), "GET", "/v1/users/ada", &server.key(), None).await.expect("an answer");
    assert_eq!(ada["isEnrolled"], true, "{ada}");
    server.kill();
}

fn tenants(directory: &Directory) -> i64 {
    let database = Connection::open(directory.file("countersign.db")).expect("a database");
    let count = "SELECT count(*) FROM countersign WHERE sk = 'S:TENANT'";
    database.query_row(count, [], |row| row.get(0)).expect("a count")
}

/// SQLite writes to a second file first. Without it the database opens well, and has forgotten its last users.
#[tokio::test]
async fn a_database_without_what_was_written_ahead_is_refused() {
    // The file is lost after a kill, be it all that was ever written or the last of it.
    for earlier in [false, true] {
        let directory = Directory::new();
        if earlier {
            Server::start(&directory).stop();
        }
        with_ada(&directory).await.kill();
        for lost in [AHEAD, "countersign.db-shm"] {
            fs::remove_file(directory.file(lost)).expect("removed");
        }
        let before = fs::read(directory.file("countersign.db")).expect("a file");
        let trouble = refuses(&mut start_again(&directory), AHEAD);
        assert!(trouble.contains("backup") && trouble.contains("missing"), "{trouble}");
        let (status, _, trouble) = ends(&mut countersign(&["tenant", "show", "nobody", "--data", &directory.data()]));
        assert!(!status.success() && trouble.contains(AHEAD), "{trouble}");
        assert!(
            !directory.file(AHEAD).exists() && fs::read(directory.file("countersign.db")).expect("a file") == before
        );
    }
    // Nor was it in the copy that somebody made meanwhile.
    let (directory, backup) = (Directory::new(), Directory::new());
    let server = with_ada(&directory).await;
    fs::create_dir(backup.data()).expect("a directory");
    copy(&directory, &backup, &["countersign.db", "keyring.json", "credentials.json"]);
    refuses(&mut start_again(&backup), AHEAD);
    // With it, the copy is whole; and so are the three files of a server that ended by itself.
    copy(&directory, &backup, &[AHEAD]);
    knows_ada(&backup).await;
    server.stop();
    let backup = Directory::new();
    fs::create_dir(backup.data()).expect("a directory");
    copy(&directory, &backup, &["countersign.db", "keyring.json", "credentials.json"]);
    knows_ada(&backup).await;
}

/// What an operator's command leaves is whole, and after a kill it can be started again.
#[tokio::test]
async fn an_operators_command_leaves_what_can_be_started() {
    let rotate = |directory: &Directory| {
        let (status, _, trouble) = ends(&mut countersign(&["key", "rotate", "secret", "--data", &directory.data()]));
        assert!(status.success(), "{trouble}");
    };
    let directory = Directory::new();
    with_ada(&directory).await.kill();
    let (status, _, _) = ends(&mut countersign(&["tenant", "show", "nobody", "--data", &directory.data()]));
    assert!(!status.success());
    rotate(&directory);
    let backup = Directory::new();
    fs::create_dir(backup.data()).expect("a directory");
    copy(&directory, &backup, &["countersign.db", "keyring.json", "credentials.json"]);
    knows_ada(&backup).await;
    // Beside a server the file stays where it is.
    let server = Server::start(&directory);
    rotate(&directory);
    assert!(directory.file(AHEAD).exists());
    server.kill();
    fs::remove_file(directory.file(AHEAD)).expect("removed");
    refuses(&mut start_again(&directory), AHEAD);
}

/// SQLite's own shell writes the second file back and removes it. That cannot be told from a loss, so the operator says it.
#[tokio::test]
async fn what_another_program_has_written_back_is_taken_on_the_operators_word() {
    let directory = Directory::new();
    with_ada(&directory).await.kill();
    tenants(&directory);
    assert!(!directory.file(AHEAD).exists(), "SQLite has written it back");
    let trouble = refuses(&mut start_again(&directory), "an empty");
    assert!(trouble.contains(AHEAD), "{trouble}");
    fs::write(directory.file(AHEAD), "").expect("the operator's word");
    knows_ada(&directory).await;
}

/// Files of two installations: nothing is made of them.
#[tokio::test]
async fn files_of_another_installation_are_refused() {
    let mixes: [&[&str]; 5] = [
        &["credentials.json"],
        &["keyring.json"],
        &["credentials.json", "keyring.json"],
        &DATABASE,
        &["countersign.db", AHEAD, "countersign.db-shm", "keyring.json"],
    ];
    for files in mixes {
        let (ours, theirs) = (Directory::new(), Directory::new());
        with_ada(&ours).await.stop();
        with_ada(&theirs).await.stop();
        copy(&theirs, &ours, files);
        let before = fs::read(ours.file("credentials.json")).expect("a file");
        let trouble = refuses(&mut start_again(&ours), "one backup");
        assert!(trouble.contains(".json"), "{files:?}: {trouble}");
        let (status, _, _) = ends(&mut countersign(&["key", "revoke", "secret", "--data", &ours.data()]));
        assert!(!status.success(), "{files:?}: an operator's command works on it");
        assert_eq!(tenants(&ours), 1, "{files:?}");
        assert!(fs::read(ours.file("credentials.json")).expect("a file") == before, "{files:?}");
    }
    // A first start of another directory that was cut short: its tenant is not made here.
    let (ours, theirs) = (Directory::new(), Directory::new());
    with_ada(&ours).await.stop();
    Server::start(&theirs).stop();
    copy(&theirs, &ours, &["credentials.json"]);
    set_pending(&ours.file("credentials.json"));
    refuses(&mut start_again(&ours), "one backup");
    assert_eq!(tenants(&ours), 1);
}

/// As a first start leaves it that ends before its tenant is made.
pub fn set_pending(credentials: &Path) {
    let mut file: serde_json::Value =
        serde_json::from_slice(&fs::read(credentials).expect("credentials")).expect("JSON");
    file["isPending"] = true.into();
    fs::write(credentials, file.to_string()).expect("written");
}

/// Once its tenant was made, a database without it has lost its users too.
#[tokio::test]
async fn a_database_that_lost_its_tenant_is_not_given_it_anew() {
    let directory = Directory::new();
    let server = with_ada(&directory).await;
    let secret = server.credential("secretKey");
    server.stop();
    let database = Connection::open(directory.file("countersign.db")).expect("a database");
    database.execute("DELETE FROM countersign", []).expect("emptied");
    drop(database);
    let trouble = refuses(&mut start_again(&directory), "credentials.json");
    assert!(trouble.contains("one backup") && trouble.contains("move the whole directory away"), "{trouble}");
    assert_eq!(tenants(&directory), 0);
    // What it says is enough.
    fs::rename(directory.data(), directory.path().join("aside")).expect("moved");
    let server = Server::start(&directory);
    assert_ne!(server.credential("secretKey"), secret);
    call(&server.http(), "GET", "/v1/users/ada", &server.key(), None).await.expect("an answer");
    let known = Auth::Key(secret);
    assert_eq!(server.http().get("/v1/users/ada", &known).await.status, 401);
}

/// SQLite would lay what is left of an old database over a new one.
#[test]
fn what_was_written_ahead_of_a_database_that_is_gone_is_not_laid_over_a_new_one() {
    let directory = Directory::new();
    Server::start(&directory).kill();
    for gone in ["countersign.db", "keyring.json", "credentials.json"] {
        fs::remove_file(directory.file(gone)).expect("removed");
    }
    refuses(&mut start_again(&directory), "countersign.db");
    assert!(!directory.file("countersign.db").exists());
}
