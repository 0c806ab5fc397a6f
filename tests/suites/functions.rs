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
const FUNCTIONS: [(&str, &str, &str); 9] = [
    ("track", "POST", "/v1/users/ada/actions/signIn"),
    ("validate-challenge", "POST", "/v1/validate"),
    ("enroll", "POST", "/v1/client/user-authenticators/totp"),
    ("verify", "POST", "/v1/client/verify/totp"),
    ("challenge", "POST", "/v1/client/challenge"),
    ("push-approve", "POST", "/v1/client/user-authenticators/push/challenge"),
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

/// Each push goes to SNS once; what cannot be read or sent comes back, and nothing else does.
#[tokio::test]
async fn deliver_gives_back_the_messages_that_failed_alone() {
    let heard = Arc::new(Mutex::new(Vec::<String>::new()));
    let aws = {
        let heard = heard.clone();
        Router::new().route("/", routing::post(move |body: String| aws(heard.clone(), body)))
    };
    let (aws, aws_server) = listen(aws).await;
    let world = countersign_tests::World::start().await;
    // The function has a clock of its own.
    world.clock.set(countersign_core::clock::Timestamp::now().as_second());
    let application = "arn:aws:sns:eu-central-1:000000000000:app/GCM/stack-app";
    let platform = countersign_core::delivery::Platform::Gcm;
    world.settings(|settings| drop(settings.push.applications.insert(platform, application.into()))).await;
    let mut bodies = vec![("poison", "no JSON".to_owned())];
    for (name, user) in [("good", "ada"), ("refused", "bob")] {
        let token = if name == "good" { "phone" } else { "unreachable" };
        world.device_with(user, "push", json!({"pushToken": token})).await;
        world.pushed(user, json!({})).await;
        bodies.extend(world.queue.receive(world.app.now()).into_iter().map(|message| (name, message.body)));
    }
    let good = bodies[1].1.clone();
    let mut over: Value = serde_json::from_str(&good).expect("JSON");
    over["expiresAt"] = json!(1);
    bodies.push(("over", over.to_string()));
    bodies.push(("newer", good.replace("\"version\":2", "\"version\":3")));
    let (store, store_server) = listen(countersign_local::store_only::service(world.embedded.clone())).await;
    let record = |id: &str, body: &str| json!({"messageId": id, "body": body, "receiptHandle": id, "attributes": {"ApproximateReceiveCount": "1"}});
    let records: Vec<Value> = bodies.iter().map(|(id, body)| record(id, body)).collect();
    let environment = vec![
        ("AWS_ENDPOINT_URL", format!("http://{aws}")),
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{store}")),
        ("COUNTERSIGN_TABLE", countersign_local::embedded::TABLE.to_owned()),
        ("COUNTERSIGN_DELIVERY_QUEUE", format!("http://{aws}/000000000000/queue")),
        ("AWS_MAX_ATTEMPTS", "1".to_owned()),
    ];
    let answer = invoke("deliver", json!({ "Records": records }), environment).await;
    let failed =
        answer["batchItemFailures"].as_array().expect("a list").iter().map(|one| one["itemIdentifier"].as_str());
    assert_eq!(failed.collect::<Vec<_>>(), [Some("poison"), Some("refused"), Some("newer")]);
    let heard = heard.lock().expect("no panic").clone();
    assert_eq!(heard.iter().filter(|body| body.contains("Action=Publish")).count(), 1, "{heard:?}");
    let later: Vec<_> = heard.iter().filter(|body| body.contains("VisibilityTimeout")).collect();
    assert!(later.len() == 1 && later[0].contains("refused"), "{heard:?}");
    assert!(heard.iter().all(|body| !body.contains("ada") && !body.contains("bob")), "{heard:?}");
    aws_server.abort();
    store_server.abort();
}

/// SNS and SQS, as far as one run of `deliver` asks them; what is not reached is throttled.
async fn aws(heard: Arc<Mutex<Vec<String>>>, body: String) -> (axum::http::StatusCode, String) {
    heard.lock().expect("no panic").push(body.clone());
    if body.contains("unreachable") {
        let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>";
        return (axum::http::StatusCode::BAD_REQUEST, refusal.to_owned());
    }
    let answer = if body.contains("Action=CreatePlatformEndpoint") {
        "<CreatePlatformEndpointResponse><CreatePlatformEndpointResult><EndpointArn>arn:aws:sns:eu-central-1:000000000000:endpoint/GCM/stack-app/1</EndpointArn></CreatePlatformEndpointResult></CreatePlatformEndpointResponse>"
    } else if body.contains("Action=Publish") {
        "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"
    } else {
        "{}"
    };
    (axum::http::StatusCode::OK, answer.to_owned())
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
    let missing =
        ["COUNTERSIGN_TABLE", "COUNTERSIGN_KEYRING", "COUNTERSIGN_PUBLIC_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID"];
    let output = run_without(&all, &missing);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert_eq!(said.lines().count(), 1, "{said}");
    for name in missing.iter().chain(&["COUNTERSIGN_TOKEN_KEYS", "COUNTERSIGN_SECRETS_KEY"]) {
        assert!(said.contains(name), "{said}");
    }
    std::fs::write(folder.keyring(), "{}").expect("a file");
    let output = run_without(&all, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.lines().count() == 1 && said.contains("keyring"), "{said}");
}

/// A function that stops at its start, badly, with one line.
async fn stops(environment: Vec<(&'static str, String)>) -> String {
    let mut command = tokio::process::Command::new(binary("verify"));
    command.env_clear().envs(environment).kill_on_drop(true);
    let output = command.output().await.expect("the function runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn with_kms(token_keys: &str, endpoint: &str) -> Vec<(&'static str, String)> {
    let mut all = environment(std::path::Path::new(""));
    all.retain(|(name, _)| !["COUNTERSIGN_KEYRING", "AWS_ENDPOINT_URL"].contains(name));
    all.extend([
        ("COUNTERSIGN_TOKEN_KEYS", token_keys.to_owned()),
        ("COUNTERSIGN_SECRETS_KEY", "arn:aws:kms:eu-central-1:000000000000:key/secrets".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
    ]);
    all
}

const TOKEN_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/tokens";

#[tokio::test]
async fn keys_that_cannot_be_used_stop_a_function_at_its_start() {
    // Not the name of a key.
    let said = stops(with_kms("alias/tokens", "http://127.0.0.1:1")).await;
    assert!(said.contains("COUNTERSIGN_TOKEN_KEYS is not the ARN"), "{said}");
    // Nobody answers.
    let said = stops(with_kms(TOKEN_KEY, "http://127.0.0.1:1")).await;
    assert!(said.contains("COUNTERSIGN_TOKEN_KEYS") && said.contains(TOKEN_KEY), "{said}");
    // KMS knows no such key.
    let refusal = || async {
        (
            axum::http::StatusCode::BAD_REQUEST,
            r#"{"__type":"NotFoundException","message":"Key 'tokens' does not exist"}"#,
        )
    };
    let (address, server) = listen(Router::new().route("/", routing::post(refusal))).await;
    let said = stops(with_kms(TOKEN_KEY, &format!("http://{address}"))).await;
    assert!(said.contains("does not exist") && said.contains(TOKEN_KEY), "{said}");
    server.abort();
}

/// Our own lines follow `RUST_LOG`; what a library is told it never writes (infra/decisions/0026).
#[tokio::test]
async fn no_variable_makes_a_library_write_down_what_it_is_told() {
    let mac = "Y2FuYXJ5IG9mIGFuIGFuc3dlciBvZiBLTVMsIGEga2U=";
    let answer = move |headers: axum::http::HeaderMap| async move {
        if headers["x-amz-target"].as_bytes().starts_with(b"TrentService.") {
            return (axum::http::StatusCode::OK, json!({"Mac": mac, "KeyId": TOKEN_KEY}).to_string());
        }
        let missing = json!({"__type": "ResourceNotFoundException", "message": "no such table", "item": mac});
        (axum::http::StatusCode::BAD_REQUEST, missing.to_string())
    };
    let (address, server) = listen(Router::new().route("/", routing::post(answer))).await;
    for wanted in ["trace", "trace,hyper=trace,aws_smithy_runtime=trace,aws_smithy_runtime_api=trace,aws_sdk_kms=trace"]
    {
        let mut all = with_kms(TOKEN_KEY, &format!("http://{address}"));
        all.push(("RUST_LOG", wanted.to_owned()));
        // One line in all, and that is ours.
        let said = stops(all).await;
        assert!(said.contains("ResourceNotFoundException") && !said.contains(mac), "{said}");
    }
    server.abort();
}

#[tokio::test]
async fn a_table_that_is_missing_stops_a_function_at_its_start() {
    let folder = Folder::with_keyring("table");
    let embedded = countersign_local::embedded::Embedded::memory().expect("a store");
    let (address, server) = listen(countersign_local::store_only::service(embedded)).await;
    let mut all = environment(&folder.keyring());
    all.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    all.push(("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{address}")));
    let said = stops(all).await;
    assert!(said.contains("COUNTERSIGN_TABLE") && said.contains("ResourceNotFoundException"), "{said}");
    server.abort();
}

async fn listen(routes: Router) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, routes).await;
    });
    (address, server)
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

/// What a function answers to one event of Lambda's runtime API.
async fn invoke(name: &str, event: Value, environment: Vec<(&'static str, String)>) -> Value {
    let (sender, receiver) = oneshot::channel();
    let runtime = Runtime { event: Arc::new(Mutex::new(Some(event))), answer: Arc::new(Mutex::new(Some(sender))) };
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", routing::get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{what}", routing::post(answered))
        .with_state(runtime);
    let (address, server) = listen(routes).await;
    let mut command = Command::new(binary(name));
    command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address.to_string());
    for variable in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"] {
        command.env(variable, "f");
    }
    command.env("AWS_LAMBDA_FUNCTION_VERSION", "1").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
    for (variable, value) in
        [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]
    {
        command.env(variable, value);
    }
    command.envs(environment);
    let _child = Running::start(command);
    let answer = receiver.await.expect("an answer");
    server.abort();
    answer
}

#[tokio::test]
async fn each_function_answers_on_lambda() {
    let folder = Folder::with_keyring("lambda");
    for (name, method, path) in FUNCTIONS {
        let answer = invoke(name, event(method, path), environment(&folder.keyring())).await;
        let expected = if name == "hosted-ui" { 200 } else { 401 };
        assert_eq!(answer["statusCode"], expected, "{name}: {answer}");
        assert_eq!(answer["headers"]["content-type"], "application/json", "{name}: {answer}");
    }
}

/// An HTTP API hands the path over decoded: the id is still the one that was sent.
#[tokio::test]
async fn an_id_with_syntax_in_it_reaches_its_handler_whole() {
    let folder = Folder::with_keyring("path");
    let embedded = countersign_local::embedded::Embedded::memory().expect("a store");
    let store = countersign_core::store::Store::create_table(embedded.client(), countersign_local::embedded::TABLE);
    let keyring = countersign_core::keyring::Keyring::read(&folder.keyring()).expect("a keyring");
    let clock = countersign_core::clock::Clock::System;
    let app = countersign_core::app::App::new(
        store.await.expect("a table"),
        keyring,
        clock,
        "http://pages.example",
        countersign_core::outbox::Outbox::None,
    );
    let tenant = countersign_tests::add_tenant(&app, "t1").await;
    let (address, server) = listen(countersign_local::store_only::service(embedded)).await;
    let mut all = environment(&folder.keyring());
    all.push(("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{address}")));
    let key = data_encoding::BASE64.encode(format!("{}:", tenant.secret_key).as_bytes());
    for (id, decoded) in [("a b#c", "a b#c"), ("ada@example.com", "ada@example.com"), ("50%", "50%25"), ("ü+", "ü+")]
    {
        let path = format!("/v1/users/{decoded}/actions/signIn");
        let mut event = event("POST", &path);
        event["routeKey"] = json!("POST /v1/users/{userId}/actions/{action}");
        event["requestContext"]["routeKey"] = event["routeKey"].clone();
        event["pathParameters"] = json!({"userId": decoded, "action": "signIn"});
        event["headers"]["authorization"] = json!(format!("Basic {key}"));
        event["headers"]["content-type"] = json!("application/json");
        event["body"] = json!("{}");
        let answer = invoke("track", event, all.clone()).await;
        assert_eq!(answer["statusCode"], 200, "{id}: {answer}");
        let user = countersign_core::id::UserId::parse(id).expect("an id");
        assert!(app.store().tenant(&tenant.tenant_id).user(&user).await.expect("a store").is_some(), "{id}");
    }
    server.abort();
}
