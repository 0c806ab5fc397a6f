//! A stand-in for KMS that speaks its protocol over HTTP, writes down what it gets, and answers wrongly on command.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing,
};
use countersign_core::keyring::{Keyring, KmsKeyring};
use countersign_tests::stand_in::StandIn;
use data_encoding::BASE64;
use serde_json::{Value, json};

pub const TOKEN_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/tokens";
pub const SECRETS_KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/secrets";

#[derive(Default)]
struct Inner {
    /// Messages that a MAC was made of, and the MACs.
    macs: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is answered instead: a status and a body.
    wrong: Option<(u16, String)>,
}

pub struct FakeKms {
    inner: Arc<Mutex<Inner>>,
    service: StandIn,
}

impl FakeKms {
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().route("/", routing::post(answer)).with_state(inner.clone());
        Self { inner, service: StandIn::serve(router).await }
    }

    /// The keyring of a process of its own, which sends each call once.
    pub fn keyring(&self) -> Keyring {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::for_tests())
            .endpoint_url(&self.service.url)
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Keyring::Kms(KmsKeyring::new(config, Some(SECRETS_KEY.into()), vec![TOKEN_KEY.into()]).into())
    }

    /// From now on every call is answered so.
    pub fn answer_wrongly(&self, status: u16, body: &str) {
        self.inner.lock().unwrap().wrong = Some((status, body.into()));
    }
    pub fn heal(&self) {
        self.inner.lock().unwrap().wrong = None;
    }

    /// What MACs were made of, and the MACs.
    pub fn macs(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.inner.lock().unwrap().macs.clone()
    }
}

/// The key that never leaves.
fn mac(message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"a key that never leaves"), message).as_ref().to_vec()
}

/// A data key is a MAC of its encryption context, and the cipher text is the context itself.
async fn answer(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let mut inner = inner.lock().unwrap();
    if let Some((status, body)) = &inner.wrong {
        return (StatusCode::from_u16(*status).expect("a status"), body.clone());
    }
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let operation = headers["x-amz-target"].to_str().expect("ASCII").to_owned();
    let decoded = |name: &str| BASE64.decode(request[name].as_str().expect(name).as_bytes()).expect("base64");
    let context = request["EncryptionContext"].to_string();
    let answer = match operation.as_str() {
        "TrentService.GenerateMac" => {
            let message = decoded("Message");
            let made = mac(&message);
            inner.macs.push((message, made.clone()));
            json!({"Mac": BASE64.encode(&made), "MacAlgorithm": "HMAC_SHA_256", "KeyId": request["KeyId"]})
        }
        "TrentService.GenerateDataKeyWithoutPlaintext" => {
            json!({"CiphertextBlob": BASE64.encode(context.as_bytes()), "KeyId": request["KeyId"]})
        }
        "TrentService.Decrypt" if decoded("CiphertextBlob") == context.as_bytes() => {
            json!({"Plaintext": BASE64.encode(&mac(context.as_bytes())), "KeyId": request["KeyId"]})
        }
        _ => return (StatusCode::BAD_REQUEST, json!({"__type": "InvalidCiphertextException"}).to_string()),
    };
    (StatusCode::OK, answer.to_string())
}
