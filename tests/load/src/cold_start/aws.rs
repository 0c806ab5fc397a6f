//! The AWS that the functions see: DynamoDB, the embedded one; KMS, SQS and SNS, as much of them as is called.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing,
    serve::ListenerExt,
};
use countersign_local::embedded::Embedded;
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Result;

pub const REGION: &str = "eu-central-1";
pub const SECRETS_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-4000-8000-000000000001";
pub const TOKEN_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-4000-8000-000000000002";

/// What was asked since the last look.
#[derive(Clone, Debug, Default)]
pub struct AwsCalls {
    pub store_calls: u64,
    pub key_calls: u64,
    pub queue_calls: u64,
    pub pushes: u64,
    /// How long these fakes took over it.
    pub took: Duration,
    /// DynamoDB's units, where they are counted.
    pub read_units: f64,
    pub write_units: f64,
}

#[derive(Clone)]
pub struct Aws {
    pub address: SocketAddr,
    pub embedded: Embedded,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Default)]
struct Ledger {
    asked: AwsCalls,
    counts_units: bool,
}

#[derive(Clone)]
struct Desk {
    embedded: Embedded,
    ledger: Arc<Mutex<Ledger>>,
}

impl Aws {
    pub async fn start() -> Result<Self> {
        let embedded = Embedded::memory().map_err(|error| error.to_string())?;
        let desk = Desk { embedded: embedded.clone(), ledger: Arc::default() };
        let ledger = desk.ledger.clone();
        let address = listen(Router::new().route("/", routing::post(answer)).with_state(desk)).await?.0;
        Ok(Self { address, embedded, ledger })
    }

    /// What was asked since the last call of this.
    pub fn asked(&self) -> AwsCalls {
        std::mem::take(&mut lock(&self.ledger).asked)
    }

    /// Whether DynamoDB's units are counted: it takes time, so not while time is measured.
    pub fn count_units(&self, counts: bool) {
        lock(&self.ledger).counts_units = counts;
    }
}

/// Serves on a port of the loopback, without Nagle's delay, until the task is ended.
pub async fn listen(routes: Router) -> Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let server = async move {
        let _ = axum::serve(listener, routes).await;
    };
    Ok((address, tokio::spawn(server)))
}

pub fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    let began = Instant::now();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let response = match target.split_once('.') {
        Some((service, operation)) if service.starts_with("DynamoDB") => desk.store(operation, &body),
        Some(("TrentService", operation)) => desk.keys(operation, &body),
        Some(("AmazonSQS", operation)) => desk.queue(operation, &body),
        _ => desk.notifications(&body),
    };
    lock(&desk.ledger).asked.took += began.elapsed();
    response
}

fn refuse(what: &str) -> Response {
    let body = json!({"__type": "ValidationException", "message": what});
    (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response()
}

impl Desk {
    fn store(&self, operation: &str, body: &[u8]) -> Response {
        let counts_units = {
            let mut ledger = lock(&self.ledger);
            ledger.asked.store_calls += 1;
            ledger.counts_units
        };
        let answer = if counts_units {
            let Ok(mut request) = serde_json::from_slice::<Value>(body) else { return refuse("not JSON") };
            request["ReturnConsumedCapacity"] = "TOTAL".into();
            let answer = self.embedded.answer(operation, request.to_string().as_bytes());
            let units = units(answer.body().bytes().unwrap_or_default());
            let mut ledger = lock(&self.ledger);
            match operation {
                "GetItem" | "BatchGetItem" | "Query" => ledger.asked.read_units += units,
                _ => ledger.asked.write_units += units,
            }
            answer
        } else {
            self.embedded.answer(operation, body)
        };
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = answer.body().bytes().unwrap_or_default().to_vec();
        (status, [("content-type", "application/x-amz-json-1.0")], body).into_response()
    }

    /// A data key and a MAC are the same for all; a cipher text is its encryption context.
    fn keys(&self, operation: &str, body: &[u8]) -> Response {
        lock(&self.ledger).asked.key_calls += 1;
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let context = |of: &Value| {
            let pairs = of["EncryptionContext"].as_object().cloned().unwrap_or_default();
            BASE64.encode(json!(pairs.into_iter().collect::<BTreeMap<_, _>>()).to_string().as_bytes())
        };
        let secret = BASE64.encode(&[7; 32]);
        let mut answer = match operation {
            "GenerateMac" if request["KeyId"] == TOKEN_KEY => {
                json!({"Mac": secret, "MacAlgorithm": request["MacAlgorithm"]})
            }
            "GenerateDataKeyWithoutPlaintext" if request["KeyId"] == SECRETS_KEY => {
                json!({"CiphertextBlob": context(&request)})
            }
            "Decrypt" if request["KeyId"] == SECRETS_KEY && request["CiphertextBlob"] == context(&request) => {
                json!({"Plaintext": secret, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
            }
            _ => return refuse(operation),
        };
        answer["KeyId"] = request["KeyId"].clone();
        ([("content-type", "application/x-amz-json-1.1")], answer.to_string()).into_response()
    }

    /// Takes every message.
    fn queue(&self, operation: &str, body: &[u8]) -> Response {
        lock(&self.ledger).asked.queue_calls += 1;
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(entries), "SendMessageBatch") = (request["Entries"].as_array(), operation) else {
            return refuse(operation);
        };
        let taken = |entry: &Value| {
            json!({"Id": entry["Id"], "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
                "MD5OfMessageBody": "e4e68fb7bd0e697a0ae8f1bb342846b3"})
        };
        let answer = json!({"Successful": entries.iter().map(taken).collect::<Vec<_>>(), "Failed": []});
        ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response()
    }

    fn notifications(&self, body: &[u8]) -> Response {
        if !body.split(|byte| *byte == b'&').any(|pair| pair == b"Action=Publish") {
            return refuse("this AWS has DynamoDB, KMS, SQS and SNS's Publish alone");
        }
        lock(&self.ledger).asked.pushes += 1;
        let body = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
            <MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
            </PublishResponse>";
        ([("content-type", "text/xml")], body).into_response()
    }
}

/// `ConsumedCapacity` of an answer: of one table, or a list of tables.
fn units(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let consumed = &answer["ConsumedCapacity"];
    let tables = consumed.as_array().map_or_else(|| std::slice::from_ref(consumed), Vec::as_slice);
    tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum()
}
