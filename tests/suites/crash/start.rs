//! The first start, later ones, and the ones that cannot be.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use countersign_tests::http::Auth;
use serde_json::{Value, json};

use super::process::{Directory, Server, call, countersign, ends, refuses, said};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode() & 0o777
}

#[tokio::test]
async fn a_first_start_makes_keys_for_its_owner_alone_and_a_later_one_finds_them() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    for file in ["credentials.json", "keyring.json"] {
        assert_eq!(mode(&directory.file(file)), 0o600, "{file}");
    }
    assert_eq!(mode(Path::new(&directory.data())), 0o700);
    let health = call(&server.http(), "GET", "/healthz", &Auth::None, None).await;
    assert_eq!(health, Some(json!({ "status": "ok" })));
    let names = ["Tenant id", "Secret key", "Management key"];
    let first = names.map(|name| said(&server.welcome, name));
    server.kill();
    let server = Server::start(&directory);
    assert_eq!(names.map(|name| said(&server.welcome, name)), first);
    call(&server.http(), "GET", "/v1/users/ada", &server.key(), None).await.expect("an answer");
}

#[tokio::test]
async fn the_environment_may_fix_the_credentials() {
    let directory = Directory::new();
    let fixed = [
        ("COUNTERSIGN_TENANT_ID", "acme"),
        ("COUNTERSIGN_SECRET_KEY", "a-secret-key-of-acme"),
        ("COUNTERSIGN_MANAGEMENT_KEY", "a-management-key-of-acme"),
    ];
    let server = Server::start_with(&directory, &fixed);
    assert_eq!(said(&server.welcome, "Tenant id"), "acme");
    let key = Auth::Key("a-secret-key-of-acme".into());
    call(&server.http(), "GET", "/v1/users/ada", &key, None).await.expect("an answer");
    let management = Auth::Key("a-management-key-of-acme".into());
    let tenant = call(&server.http(), "GET", "/v1/management/tenant", &management, None).await.expect("an answer");
    assert_eq!(tenant["tenantId"], "acme");
    server.kill();
    // Another key than the one the data was made with is a mistake, not a new tenant.
    let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
    refuses(command.env("COUNTERSIGN_SECRET_KEY", "another-secret-key-of-acme"), "COUNTERSIGN_SECRET_KEY");
    let other = Directory::new();
    let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &other.data()]);
    refuses(command.env("COUNTERSIGN_SECRET_KEY", "short"), "16");
}

/// Who gets hold of the database gets hold of nothing that opens anything.
#[tokio::test]
async fn the_database_holds_no_key_and_no_secret_in_the_clear() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    let http = server.http();
    let tracked = call(&http, "POST", "/v1/users/ada/actions/enrol", &server.key(), Some(json!({}))).await;
    let token = tracked.expect("an answer")["token"].as_str().expect("a token").to_owned();
    let path = "/v1/client/user-authenticators/totp";
    let offer = call(&http, "POST", path, &Auth::Token(token.clone()), None).await.expect("an answer");
    let secret = offer["secret"].as_str().expect("a secret").to_owned();
    let keyring: Value =
        serde_json::from_slice(&fs::read(directory.file("keyring.json")).expect("a file")).expect("JSON");
    let master = keyring["masterKeys"][0]["key"].as_str().expect("a key").to_owned();
    let hidden = [
        said(&server.welcome, "Secret key").into_bytes(),
        said(&server.welcome, "Management key").into_bytes(),
        data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).expect("base32"),
        data_encoding::BASE64.decode(master.as_bytes()).expect("base64"),
        data_encoding::BASE64.encode(&data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).expect("base32")).into(),
        secret.into_bytes(),
        master.into_bytes(),
        token.into_bytes(),
    ];
    server.kill();
    let mut read = 0;
    for entry in fs::read_dir(directory.data()).expect("a directory") {
        let path = entry.expect("an entry").path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("countersign.db")) {
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        read += bytes.len();
        for (index, hidden) in hidden.iter().enumerate() {
            assert!(!bytes.windows(hidden.len()).any(|w| w == hidden), "{} holds secret {index}", path.display());
        }
    }
    assert!(read > 4096, "only {read} bytes were read");
}

#[tokio::test]
async fn a_key_rolls_over_while_the_server_runs() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    let old = server.key();
    let user = async |key: &Auth| call(&server.http(), "GET", "/v1/users/ada", key, None).await.expect("an answer");
    user(&old).await;
    let (status, new, trouble) =
        ends(&mut countersign(&["key", "rotate", "secret", "--output", "json", "--data", &directory.data()]));
    assert!(status.success(), "{trouble}");
    let new: serde_json::Value = serde_json::from_str(&new).expect("JSON");
    let new = Auth::Key(new["secretKey"].as_str().expect("a key").to_owned());
    for key in [&old, &new, &old] {
        user(key).await;
    }
    assert_eq!(mode(&directory.file("credentials.json")), 0o600);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let server = Server::start(&directory);
    let shown = said(&server.welcome, "Secret key");
    assert!(matches!(&new, Auth::Key(new) if *new == shown), "the newest key is shown");
    for key in [&old, &new] {
        call(&server.http(), "GET", "/v1/users/ada", key, None).await.expect("an answer");
    }
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_left_behind() {
    let directory = Directory::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    refuses(&mut countersign(&["--listen", &address, "--data", &directory.data()]), &address);
    assert!(!Path::new(&directory.data()).exists());
}

/// Below a file there is no directory, not even for root.
#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = Directory::new();
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a file");
    let below = file.join("data").to_str().expect("UTF-8").to_owned();
    refuses(&mut countersign(&["--listen", "127.0.0.1:0", "--data", &below]), &below);
}

#[test]
fn what_is_damaged_is_said_to_be_and_is_left_as_it_is() {
    for file in ["countersign.db", "keyring.json", "credentials.json"] {
        let directory = Directory::new();
        let server = Server::start(&directory);
        server.signal("TERM");
        server.wait();
        for more in ["countersign.db-wal", "countersign.db-shm"] {
            let _ = fs::remove_file(directory.file(more));
        }
        let damaged = directory.file(file);
        let garbage = "not what it should be, ".repeat(1000);
        fs::write(&damaged, &garbage).expect("written");
        let name = if file == "countersign.db" { "database" } else { "restore it from a backup" };
        let said = refuses(&mut countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]), name);
        assert!(!said.contains("encrypt"), "{said}");
        assert_eq!(fs::read_to_string(&damaged).expect("a file"), garbage, "{file} was changed");
    }
}

/// Without its keys a database opens nothing: new ones beside it would hide that.
#[test]
fn a_keyring_that_is_gone_is_not_made_anew() {
    let directory = Directory::new();
    Server::start(&directory).kill();
    fs::remove_file(directory.file("keyring.json")).expect("removed");
    refuses(&mut countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]), "keyring.json");
    assert!(!directory.file("keyring.json").exists());
}

#[test]
fn a_key_of_nothing_cannot_be_rotated() {
    let directory = Directory::new();
    refuses(
        &mut countersign(&["key", "rotate", "secret", "--output", "json", "--data", &directory.data()]),
        "credentials.json",
    );
}
