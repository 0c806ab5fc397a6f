//! The functions as processes of their own: the same routes as a plain server and on Lambda's runtime API.

use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, response::IntoResponse, routing};
use countersign_tests::http::{Auth, Http};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

/// Every function, and one of its routes.
const FUNCTIONS: [(&str, &str, &str); 7] = [
    ("track", "POST", "/v1/users/ada/actions/signIn"),
    ("validate-challenge", "POST", "/v1/validate"),
    ("enroll", "POST", "/v1/client/user-authenticators/totp"),
    ("verify", "POST", "/v1/client/verify/totp"),
    ("directory", "GET", "/v1/users/ada"),
    ("management", "GET", "/v1/management/tenant"),
    ("hosted-ui", "GET", "/openapi.json"),
];

fn binary(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this test's path");
    let binary = tests.ancestors().nth(2).expect("target/release").join(name);
    assert!(binary.exists(), "{} is missing; run: cargo build --release --workspace", binary.display());
    binary
}

/// The environment of a function whose table cannot be reached.
fn environment(keyring: &std::path::Path) -> Vec<(&'static str, String)> {
    [
        ("COUNTERSIGN_TABLE", "countersign"),
        ("COUNTERSIGN_PUBLIC_URL", "http://pages.example"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_MAX_ATTEMPTS", "1"),
        // Port 1 of this machine: nobody listens there.
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into_iter()
    .chain([("COUNTERSIGN_KEYRING", keyring.display().to_string())])
    .collect()
}

/// A keyring in a folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn with_keyring(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-functions-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        let (_, text) = countersign_core::keyring::Keyring::generate().expect("a keyring");
        std::fs::write(path.join("keyring.json"), text.as_bytes()).expect("a file");
        Self(path)
    }
    fn keyring(&self) -> PathBuf {
        self.0.join("keyring.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that ends with the test, however that ends.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(command.stderr(Stdio::null()).spawn().expect("the function starts"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_without(environment: &[(&'static str, String)], missing: &[&str]) -> Output {
    let mut command = Command::new(binary("verify"));
    command.env_clear().envs(environment.iter().filter(|(name, _)| !missing.contains(name)).cloned());
    command.output().expect("the function runs")
}

#[test]
fn what_is_missing_at_the_start_is_one_line_that_names_all_of_it() {
    let folder = Folder::with_keyring("missing");
    let all = environment(&folder.keyring());
    let output = run_without(&all, &["COUNTERSIGN_TABLE", "COUNTERSIGN_KEYRING", "COUNTERSIGN_PUBLIC_URL"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert_eq!(said.lines().count(), 1, "{said}");
    for name in ["COUNTERSIGN_TABLE", "COUNTERSIGN_KEYRING", "COUNTERSIGN_PUBLIC_URL"] {
        assert!(said.contains(name), "{said}");
    }
    std::fs::write(folder.keyring(), "{}").expect("a file");
    let output = run_without(&all, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.lines().count() == 1 && said.contains("keyring"), "{said}");
}

async fn plain_server(name: &str, folder: &Folder) -> (Running, Http) {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let mut command = Command::new(binary(name));
    command.env_clear().envs(environment(&folder.keyring())).env("COUNTERSIGN_LISTEN", port.to_string());
    let child = Running::start(command);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while tokio::net::TcpStream::connect(port).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "{name} does not listen");
        tokio::task::yield_now().await;
    }
    (child, Http::to(port))
}

#[tokio::test]
async fn each_function_is_a_plain_server_that_fails_closed() {
    let folder = Folder::with_keyring("plain");
    for (name, method, path) in FUNCTIONS {
        let (mut child, http) = plain_server(name, &folder).await;
        let nobody = http.call(method, path, &Auth::None, None).await;
        let somebody = http.call(method, path, &Auth::Key("some-key-that-may-exist".into()), None).await;
        if name == "hosted-ui" {
            assert_eq!(nobody.ok()["openapi"], "3.1.0");
        } else {
            assert_eq!(nobody.status, 401, "{name}: {}", nobody.text());
            let client = path.starts_with("/v1/client/");
            if client {
                // A key is no tenant id; with one, the table would be asked.
                assert_eq!(somebody.status, 503, "{name}: {}", somebody.text());
            } else {
                assert_eq!(somebody.refusal(), (503, "service_unavailable".into()), "{name}");
            }
            assert_eq!(somebody.headers["retry-after"], "1", "{name}");
        }
        let pid = child.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        assert!(child.0.wait().expect("it ends").success(), "{name} ends well");
    }
}

/// The part of Lambda's runtime API that a function needs: one event, and what was answered.
#[derive(Clone)]
struct Runtime {
    event: Arc<Mutex<Option<Value>>>,
    answer: Arc<Mutex<Option<oneshot::Sender<Value>>>>,
}

async fn next(State(runtime): State<Runtime>) -> impl IntoResponse {
    let event = runtime.event.lock().expect("no panic").take();
    let Some(event) = event else { return std::future::pending().await };
    let headers = [
        ("lambda-runtime-aws-request-id", "request-1"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:f"),
        ("content-type", "application/json"),
    ];
    (headers, event.to_string())
}

async fn answered(State(runtime): State<Runtime>, body: String) -> impl IntoResponse {
    if let Some(answer) = runtime.answer.lock().expect("no panic").take() {
        let _ = answer.send(serde_json::from_str(&body).unwrap_or(Value::String(body)));
    }
    axum::http::StatusCode::ACCEPTED
}

fn event(method: &str, path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"host": "api.example"}, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "api.example", "requestId": "r", "stage": "$default",
            "routeKey": "$default", "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_255_200_000_u64,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"},
        },
    })
}

#[tokio::test]
async fn each_function_answers_on_lambda() {
    let folder = Folder::with_keyring("lambda");
    for (name, method, path) in FUNCTIONS {
        let (sender, receiver) = oneshot::channel();
        let runtime = Runtime {
            event: Arc::new(Mutex::new(Some(event(method, path)))),
            answer: Arc::new(Mutex::new(Some(sender))),
        };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", routing::get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", routing::post(answered))
            .with_state(runtime);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        let mut command = Command::new(binary(name));
        command.env_clear().envs(environment(&folder.keyring())).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        for variable in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"] {
            command.env(variable, "f");
        }
        command.env("AWS_LAMBDA_FUNCTION_VERSION", "1").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        let _child = Running::start(command);
        let answer = receiver.await.expect("an answer");
        let expected = if name == "hosted-ui" { 200 } else { 401 };
        assert_eq!(answer["statusCode"], expected, "{name}: {answer}");
        assert_eq!(answer["headers"]["content-type"], "application/json", "{name}: {answer}");
        server.abort();
    }
}
