//! TLS with a certificate from files, and a new one while the server runs. openssl makes them, and is the client.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use super::process::{Directory, Server, countersign, refuses};

/// A certificate of localhost by this name, and its key.
fn certificate(directory: &Directory, name: &str) -> [String; 2] {
    let [certificate, key] = ["pem", "key"].map(|end| {
        let path = directory.path().join(format!("{name}.{end}"));
        path.to_str().expect("UTF-8").to_owned()
    });
    let subject = format!("/CN={name}");
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-subj", &subject, "-addext", "subjectAltName=DNS:localhost", "-out", &certificate, "-keyout", &key]);
    let made = command.stderr(Stdio::null()).status().expect("openssl runs");
    assert!(made.success(), "no certificate");
    [certificate, key]
}

/// What a client is told that asks whether all is well, and whose certificate it is shown.
fn ask(server: &Server) -> String {
    let address = server.address.to_string();
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", &address, "-servername", "localhost", "-alpn", "http/1.1", "-ign_eof"]);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut client = client.spawn().expect("openssl runs");
    let mut asked = client.stdin.take().expect("a pipe");
    asked.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut said = String::new();
    client.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    client.wait().expect("it ends");
    said
}

#[track_caller]
fn shows(server: &Server, name: &str) {
    let said = ask(server);
    assert!(said.contains("HTTP/1.1 200 OK") && said.contains("ALPN protocol: http/1.1"), "{said}");
    let subject = said.lines().find(|line| line.starts_with("subject=")).expect("a subject");
    assert!(subject.ends_with(name), "{subject}, and not {name}");
}

/// Puts other files in their place, as whoever renews a certificate does. Their time is another one, whatever the clock of
/// the disk is worth.
fn put(from: &[String; 2], to: &[String; 2], seconds: u64) {
    for (from, to) in from.iter().zip(to) {
        fs::copy(from, to).expect("copied");
        let time = SystemTime::now() + Duration::from_secs(seconds);
        File::options().write(true).open(to).and_then(|file| file.set_modified(time)).expect("its time is set");
    }
}

fn errors(log: &Path) -> Vec<String> {
    let log = fs::read_to_string(log).expect("a log");
    log.lines().filter(|line| line.contains("certificate_refused")).map(str::to_owned).collect()
}

#[test]
fn a_new_certificate_is_shown_and_a_broken_one_is_not() {
    let directory = Directory::new();
    let [first, second] = ["first", "second"].map(|name| certificate(&directory, name));
    let [used, log] = ["used", "log"].map(|name| directory.path().join(name));
    let files = ["pem", "key"].map(|end| used.with_extension(end).to_str().expect("UTF-8").to_owned());
    put(&first, &files, 0);
    let [cert, key] = &files;
    let mut command = countersign(&["--listen", "127.0.0.1:0", "--data", &directory.data()]);
    command.args(["--tls-cert", cert, "--tls-key", key]).stderr(File::create(&log).expect("a log"));
    let server = Server::run(&mut command);
    assert!(server.welcome.contains("API URL        https://127.0.0.1:"), "{}", server.welcome);
    shows(&server, "first");
    put(&second, &files, 10);
    shows(&server, "second");
    assert!(errors(&log).is_empty());
    // The certificate of one with the key of the other, no certificate at all, and none that is there.
    put(&[first[0].clone(), second[1].clone()], &files, 20);
    shows(&server, "second");
    shows(&server, "second");
    assert_eq!(errors(&log).len(), 1, "told once");
    fs::write(cert, "no certificate").expect("written");
    shows(&server, "second");
    fs::remove_file(key).expect("removed");
    shows(&server, "second");
    assert_eq!(errors(&log).len(), 3, "{:?}", errors(&log));
    put(&first, &files, 30);
    shows(&server, "first");
}

/// Somebody who speaks no TLS, or says nothing, stops nobody.
#[test]
fn whoever_shakes_no_hand_stops_nobody() {
    let directory = Directory::new();
    let [cert, key] = certificate(&directory, "only");
    let arguments = ["--listen", "127.0.0.1:0", "--data", &directory.data(), "--tls-cert", &cert, "--tls-key", &key];
    let server = Server::run(countersign(&arguments).env("RUST_LOG", "off"));
    let mut held = Vec::new();
    for said in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"] {
        let mut client = TcpStream::connect(server.address).expect("a connection");
        client.write_all(said).expect("sent");
        held.push(client);
    }
    shows(&server, "only");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn files_that_are_no_certificate_are_named() {
    let directory = Directory::new();
    let [[cert, key], [_, other]] = ["one", "other"].map(|name| certificate(&directory, name));
    let missing = directory.path().join("missing").to_str().expect("UTF-8").to_owned();
    for (cert, key, named) in
        [(&missing, &key, &missing), (&cert, &missing, &missing), (&key, &key, &key), (&cert, &other, &other)]
    {
        let arguments = ["--listen", "127.0.0.1:0", "--data", &directory.data(), "--tls-cert", cert, "--tls-key", key];
        refuses(&mut countersign(&arguments), named);
        assert!(!Path::new(&directory.data()).exists(), "nothing is left behind");
    }
}
