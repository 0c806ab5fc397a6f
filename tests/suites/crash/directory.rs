//! The data directory: one server, its owner alone, and nothing made anew that was lost.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use countersign_tests::http::Auth;
use rusqlite::Connection;
use serde_json::json;

use super::process::{Directory, Server, call, countersign, ends, refuses};

const DATABASE: [&str; 3] = ["countersign.db", "countersign.db-wal", "countersign.db-shm"];

fn start_again(directory: &Directory) -> std::process::Command {
    countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()])
}

fn remove(directory: &Directory, files: &[&str]) {
    for file in files {
        let _ = fs::remove_file(directory.file(file));
    }
}

/// Names and bytes of all but the lock.
fn all(directory: &Directory) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory.data()).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> = entries
        .filter(|path| !path.ends_with("server.lock"))
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a file")))
        .collect();
    all.sort();
    all
}

#[test]
fn nobody_else_reads_the_database() {
    let directory = Directory::new();
    fs::create_dir(directory.data()).expect("a directory");
    fs::set_permissions(directory.data(), fs::Permissions::from_mode(0o755)).expect("as most make it");
    let is_private = |when: &str| {
        for file in DATABASE.iter().chain(&["credentials.json", "keyring.json", "server.lock"]) {
            let mode =
                fs::metadata(directory.file(file)).unwrap_or_else(|e| panic!("{file}: {e}")).permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file} {when}");
        }
    };
    let server = Server::start(&directory);
    is_private("at first");
    server.kill();
    // As earlier versions made it.
    for file in DATABASE {
        fs::set_permissions(directory.file(file), fs::Permissions::from_mode(0o644)).expect("changed");
    }
    let server = Server::start(&directory);
    is_private("later");
    server.kill();
}

#[tokio::test]
async fn a_directory_is_served_by_one_server() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    for more in [&[][..], &["--store-only"]] {
        let trouble = refuses(start_again(&directory).args(more), &directory.data());
        assert!(trouble.contains(&server.id().to_string()) && trouble.contains("--data"), "{trouble}");
    }
    // The operator is no server.
    let command = ["key", "rotate", "management", "--output", "json", "--data", &directory.data()];
    let (status, _, trouble) = ends(&mut countersign(&command));
    assert!(status.success(), "{trouble}");
    call(&server.http(), "GET", "/v1/users/ada", &server.key(), None).await.expect("an answer");
    // However it ends, the next may begin.
    server.kill();
    Server::start(&directory).kill();
}

/// A new database beside old keys answers ALLOW for everybody who is enrolled.
#[test]
fn a_database_that_is_gone_is_not_made_anew() {
    let others = [&[][..], &["keyring.json"], &["credentials.json"]];
    for also in others {
        let directory = Directory::new();
        Server::start(&directory).kill();
        remove(&directory, &DATABASE);
        remove(&directory, also);
        let before = all(&directory);
        let trouble = refuses(&mut start_again(&directory), "countersign.db");
        assert!(trouble.contains("backup") && trouble.contains("missing"), "{trouble}");
        assert_eq!(all(&directory), before, "something was made");
        let command = ["tenant", "create", "--name", "x", "--data", &directory.data()];
        let (status, _, _) = ends(&mut countersign(&command));
        assert!(!status.success() && all(&directory) == before, "an operator's command made something");
    }
    // An empty file is none.
    let directory = Directory::new();
    Server::start(&directory).kill();
    remove(&directory, &DATABASE);
    fs::write(directory.file("countersign.db"), "").expect("written");
    refuses(&mut start_again(&directory), "countersign.db");
}

/// New credentials would make a second tenant, which has none of the first one's users.
#[tokio::test]
async fn credentials_that_are_gone_are_not_made_anew() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    let names = ["tenantId", "secretKey", "managementKey"];
    let [tenant, secret, management] = names.map(|name| server.credential(name));
    let path = "/v1/users/ada/actions/signIn";
    call(&server.http(), "POST", path, &server.key(), Some(json!({"idempotencyKey": "k"}))).await.expect("an answer");
    server.signal("TERM");
    server.wait();
    remove(&directory, &["credentials.json"]);
    let before = items(&directory);
    let trouble = refuses(&mut start_again(&directory), "credentials.json");
    assert!(trouble.contains("backup") && trouble.contains("COUNTERSIGN_SECRET_KEY"), "{trouble}");
    // Nor with half of them, or with others.
    refuses(start_again(&directory).env("COUNTERSIGN_SECRET_KEY", &secret), "credentials.json");
    let fixed = |management: &str| {
        [
            ("COUNTERSIGN_TENANT_ID", tenant.clone()),
            ("COUNTERSIGN_SECRET_KEY", secret.clone()),
            ("COUNTERSIGN_MANAGEMENT_KEY", management.to_owned()),
        ]
    };
    refuses(start_again(&directory).envs(fixed("another-management-key")), "credentials.json");
    assert!(!directory.file("credentials.json").exists());
    assert_eq!(items(&directory), before, "something was made");
    let given = fixed(&management);
    let given: Vec<_> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::start_with(&directory, &given);
    let path = "/v1/users/ada/actions/signIn/k";
    call(&server.http(), "GET", path, &Auth::Key(secret), None).await.expect("the first tenant's users");
    server.kill();
    Server::start(&directory).kill();
}

/// How many items the database holds.
fn items(directory: &Directory) -> i64 {
    let database = Connection::open(directory.file("countersign.db")).expect("a database");
    database.query_row("SELECT count(*) FROM countersign", [], |row| row.get(0)).expect("a count")
}

/// What a disk has lost of a database is said before anybody is served.
#[test]
fn a_torn_database_is_told_at_the_start() {
    let tear: [fn(&Path); 3] = [
        // Half of it is gone.
        |file| {
            let length = fs::metadata(file).expect("a file").len();
            fs::OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(length / 2)).expect("cut");
        },
        // A page of it holds something else.
        |file| {
            let mut bytes = fs::read(file).expect("a file");
            let last = bytes.len() - 4096;
            bytes[last..].fill(0x5a);
            fs::write(file, bytes).expect("written");
        },
        // Its header says nothing that makes sense.
        |file| {
            let mut bytes = fs::read(file).expect("a file");
            bytes[16..100].fill(0xff);
            fs::write(file, bytes).expect("written");
        },
    ];
    for (index, tear) in tear.into_iter().enumerate() {
        let directory = Directory::new();
        let server = Server::start(&directory);
        server.signal("TERM");
        server.wait();
        // All of it in the one file.
        let file = directory.file("countersign.db");
        let database = Connection::open(&file).expect("a database");
        database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("written back");
        drop(database);
        tear(&file);
        let before = fs::read(&file).expect("a file");
        let trouble = refuses(&mut start_again(&directory), "damaged");
        assert!(trouble.contains("backup") && !trouble.contains("encrypt"), "{index}: {trouble}");
        assert!(fs::read(&file).expect("a file") == before, "{index}: it was written to");
    }
}
