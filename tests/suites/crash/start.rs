//! The first start, later ones, and the ones that cannot be.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use countersign_tests::http::Auth;
use serde_json::{Value, json};

use super::process::{Directory, Server, binary, call, countersign, ends, refuses};

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
    let names = ["tenantId", "secretKey", "managementKey"];
    let first = names.map(|name| server.credential(name));
    let [_, secret, management] = &first;
    assert!(server.welcome.contains(secret) && server.welcome.contains(management), "{}", server.welcome);
    server.kill();
    let server = Server::start(&directory);
    assert_eq!(names.map(|name| server.credential(name)), first);
    // What each start says is kept in a journal, where keys must not be.
    assert!(!server.welcome.contains(secret) && !server.welcome.contains(management), "{}", server.welcome);
    let file = directory.file("credentials.json").display().to_string();
    assert!(server.welcome.contains(&format!("Secret key     kept in {file}")), "{}", server.welcome);
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
    assert_eq!(server.credential("tenantId"), "acme");
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
        server.credential("secretKey").into_bytes(),
        server.credential("managementKey").into_bytes(),
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
    let shown = server.credential("secretKey");
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
    let trouble = refuses(&mut countersign(&["--listen", &address, "--data", &directory.data()]), &address);
    assert!(trouble.contains("another program listens") && trouble.contains("--listen "), "{trouble}");
    let port = taken.local_addr().expect("an address").port().to_string();
    refuses(&mut countersign(&["--listen", &port, "--data", &directory.data()]), &address);
    assert!(!Path::new(&directory.data()).exists());
}

/// A file where the data directory should be.
#[test]
fn a_file_is_no_data_directory() {
    let directory = Directory::new();
    fs::write(directory.data(), "").expect("a file");
    for command in [&["--listen", "127.0.0.1:0"][..], &["tenant", "show"], &["env"]] {
        let trouble = refuses(countersign(command).args(["--data", &directory.data()]), &directory.data());
        assert!(trouble.contains("is a file") && trouble.contains("--data"), "{trouble}");
    }
}

/// What is mistyped is answered with an example.
#[test]
fn options_that_cannot_be_read_show_how_they_are_written() {
    for (arguments, example) in [
        (["--listen", "example.com:80"], "localhost:3000"),
        (["--listen", "localhost"], "localhost:3000"),
        (["--public-url", "foo"], "https://mfa.example.com"),
        (["--public-url", "https://a.example/path"], "https://mfa.example.com"),
        (["--trusted-proxies", "proxy.example"], "10.0.0.0/8"),
        (["--trusted-proxies", "0.0.0.0/0"], "every address"),
        (["--tls-cert", "cert.pem"], "--tls-key"),
    ] {
        let (status, _, trouble) = ends(&mut countersign(&arguments));
        assert!(!status.success() && trouble.contains(example), "{arguments:?}: {trouble}");
    }
}

/// What AWS does not answer is told in one line, with what to do, and no log beside it.
#[test]
fn a_stack_that_is_not_reached_is_told_in_one_line() {
    let of_a_stack = ["--table", "t", "--secrets-key", "arn:a", "--token-keys", "arn:b"];
    let queues = ["--queue", "http://127.0.0.1:1/0/queue", "--dead-letters", "http://127.0.0.1:1/0/dead"];
    for (command, more) in [
        (&["queue", "show"][..], &queues[..]),
        (&["queue", "redrive"], &queues),
        (&["tenant", "show", "acme"], &of_a_stack),
        (&["key", "rotate", "token", "--tenant", "acme"], &of_a_stack),
        (&["users", "reindex", "--tenant", "acme"], &of_a_stack),
        (&["rules", "export", "--tenant", "acme"], &of_a_stack),
    ] {
        let mut command = countersign(command);
        command.args(more).args(["--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:1"]);
        command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        let trouble = refuses(&mut command, "--endpoint-url");
        assert!(trouble.len() < 400 && !trouble.contains('{'), "{trouble}");
    }
}

/// A data directory knows its first tenant.
#[test]
fn one_tenant_needs_no_name() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    for command in [&["tenant", "show"][..], &["tenant", "set", "--redirect-url", "https://app.example"]] {
        let (status, said, trouble) =
            ends(countersign(command).args(["--output", "json", "--data", &directory.data()]));
        assert!(status.success(), "{trouble}");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(said["tenantId"], server.credential("tenantId"));
    }
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

/// `eval "$(countersign env)"` in a shell: where the server is, and its keys.
#[test]
fn a_shell_is_told_where_the_server_is_and_its_keys() {
    let directory = Directory::new();
    refuses(&mut countersign(&["env", "--data", &directory.data()]), "--data");
    let given = "a$secret's$long$key";
    let server = Server::start_with(&directory, &[("COUNTERSIGN_SECRET_KEY", given)]);
    assert!(!server.welcome.contains(given), "{}", server.welcome);
    let script =
        "eval \"$(\"$0\" env --data \"$1\")\" && printf '%s\n' \"$API\" \"$TENANT_ID\" \"$KEY\" \"$MANAGEMENT_KEY\"";
    let mut shell = std::process::Command::new("/bin/sh");
    let (status, said, trouble) = ends(shell.args(["-c", script]).arg(binary()).arg(directory.data()));
    assert!(status.success(), "{trouble}");
    let expected = [
        format!("http://{}/v1", server.address),
        server.credential("tenantId"),
        given.to_owned(),
        server.credential("managementKey"),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_key_of_nothing_cannot_be_rotated() {
    let directory = Directory::new();
    refuses(
        &mut countersign(&["key", "rotate", "secret", "--output", "json", "--data", &directory.data()]),
        "credentials.json",
    );
}
