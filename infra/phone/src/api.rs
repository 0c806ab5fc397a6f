//! The calls of an app (contract, C1, C31-C47).

use std::{sync::Arc, time::Duration};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};
use ureq::tls::TlsConfig;

use crate::{
    home::Device,
    key::{Key, context_hash, pairing_code, pairing_statement, statement},
    trouble::{Trouble, Why},
};

/// A server, as one device or one token speaks to it.
struct Api {
    base: String,
    authorization: String,
    agent: ureq::Agent,
}

/// What was said of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Approved,
    Denied,
    WrongNumber,
    /// The number was not looked at: too many were wrong.
    NoMoreNumbers,
}

/// What the person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Approve,
    Deny,
    /// It was not them who asked.
    Report,
}

impl Api {
    fn new(base: &str, authorization: String) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build())
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(15)))
            // A connection that the server closes meanwhile would fail the next call.
            .max_idle_connections(0);
        Self { base: base.trim_end_matches('/').to_owned(), authorization, agent: config.build().into() }
    }

    fn read(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Trouble> {
        let unreachable = |error: ureq::Error| {
            Trouble::because(Why::Unreachable, format!("{} cannot be reached: {error}", self.base))
        };
        let mut answer = answer.map_err(unreachable)?;
        let text = answer.body_mut().read_to_string().map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = serde_json::from_str::<Value>(&text);
        if let (200, Ok(body)) = (status, &body) {
            return Ok(body.clone());
        }
        let why = match status {
            403 => Why::Forgotten,
            409 => Why::Over,
            500.. => Why::Unreachable,
            _ => Why::Wrong,
        };
        let said = body.unwrap_or_default();
        let line = said["errorDescription"].as_str().map(str::to_owned);
        let line =
            line.unwrap_or_else(|| format!("{} answered {status}, and nothing that this phone understands", self.base));
        let why = if why == Why::Forgotten && said["errorCode"] != "invalid_credential" { Why::Wrong } else { why };
        // What was typed can be no number; nothing was counted.
        match line.strip_prefix("verificationCode: ") {
            Some(expected) => Err(Trouble::because(Why::Number, expected)),
            None => Err(Trouble::because(why, line)),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("authorization", &self.authorization);
        self.read(request.header("content-type", "application/json").send(body.to_string()))
    }

    fn patch(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        let request = self.agent.patch(format!("{}{path}", self.base)).header("authorization", &self.authorization);
        self.read(request.header("content-type", "application/json").send(body.to_string()))
    }

    fn get(&self, path: &str, signature: Option<&str>) -> Result<Value, Trouble> {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("authorization", &self.authorization);
        if let Some(signature) = signature {
            request = request.header("x-authsignal-signature", signature);
        }
        self.read(request.call())
    }
}

/// One device, and its way to its server.
pub struct Line {
    pub device: Device,
    key: Key,
    api: Api,
}

impl Line {
    /// Spells tenant and key as the SDK of its platform does (contract, sections 2.0 and 2.6).
    pub fn of(device: Device) -> Result<Self, Trouble> {
        let name = format!("{}:", device.tenant_id);
        let spelling = if device.platform == "ios" { BASE64URL_NOPAD } else { BASE64 };
        let api = Api::new(&device.api, format!("Basic {}", spelling.encode(name.as_bytes())));
        Ok(Self { key: Key::read(&device.key)?, api, device })
    }

    fn path(&self, rest: &str) -> String {
        format!("/client/user-authenticators/{}{rest}", self.device.kind)
    }

    /// The path with the key in its query: base64 once more over the base64 text.
    fn path_of_key(&self, rest: &str) -> String {
        let text = self.key.public();
        let key = match self.device.platform.as_str() {
            "ios" => BASE64URL_NOPAD.encode(text.as_bytes()),
            _ => BASE64.encode(text.as_bytes()).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        };
        self.path(&format!("{rest}?publicKey={key}"))
    }

    /// What waits for this device, if anything does.
    pub fn pending(&self) -> Result<Option<Value>, Trouble> {
        let ask = || {
            let message = self.api.post(&self.path_of_key("/challenge/sign"), &json!({}))?;
            let signature = self.key.sign(message["message"].as_str().unwrap_or_default().as_bytes())?;
            self.api.get(&self.path_of_key("/challenge"), Some(&signature))
        };
        let mut shown = ask();
        // The server keeps one message a device: another `phone` that asks at this moment takes its place.
        for _ in 0..3 {
            if shown.as_ref().is_err_and(|error| error.why == Why::Forgotten) {
                shown = ask();
            }
        }
        let shown = shown?;
        Ok(shown["challengeId"].is_string().then_some(shown))
    }

    /// What the server knows of this key.
    pub fn known(&self) -> Result<Value, Trouble> {
        self.api.get(&self.path_of_key(""), None)
    }

    /// Claims a scanned code.
    pub fn claim(&self, challenge: &str) -> Result<Value, Trouble> {
        let signature = self.key.sign(challenge.as_bytes())?;
        let body = json!({"challengeId": challenge, "publicKey": self.key.public(), "signature": signature});
        let mut shown = self.api.post(&self.path("/challenge/claim"), &body)?;
        shown["challengeId"] = challenge.into();
        Ok(shown)
    }

    /// Approves or denies what was shown, and signs all of it.
    pub fn answer(&self, shown: &Value, decision: Choice, number: Option<&str>) -> Result<Said, Trouble> {
        if shown["contextHash"].as_str().is_some_and(|hash| hash != context_hash(shown)) {
            return Err(Trouble::new("what the server shows is not what it would have signed; nothing was answered"));
        }
        let challenge = shown["challengeId"].as_str().unwrap_or_default();
        let approved = decision == Choice::Approve;
        let whole = statement(&self.device.tenant_id, shown, approved, number.unwrap_or_default());
        let body = json!({
            "challengeId": challenge, "publicKey": self.key.public(), "approved": approved,
            "report": decision == Choice::Report,
            "signature": self.key.sign(challenge.as_bytes())?, "signatureV2": self.key.sign(&whole)?,
            "verificationCode": number,
        });
        let said = self.api.post(&self.path("/challenge"), &body)?;
        Ok(match said["failureReason"].as_str() {
            None if said["isVerified"] == true => Said::Approved,
            None => Said::Denied,
            Some("MAX_ATTEMPTS_EXCEEDED") => Said::NoMoreNumbers,
            Some(_) => Said::WrongNumber,
        })
    }

    /// Answers a challenge that the app itself begins; the token that it gives to its backend.
    pub fn verify(&self, action: &str, key: Option<&str>) -> Result<Value, Trouble> {
        let begun = self.api.post("/client/challenge", &json!({"action": action, "idempotencyKey": key}))?;
        let challenge = begun["challengeId"].as_str().unwrap_or_default();
        let signature = self.key.sign(challenge.as_bytes())?;
        let body = json!({"challengeId": challenge, "publicKey": self.key.public(), "signature": signature});
        self.api.post("/client/verify/in-app", &body)
    }

    /// Tells the server where the push service finds the device now.
    pub fn update(&self, push_token: &str) -> Result<Value, Trouble> {
        let signing = self.api.post(&self.path_of_key("/sign"), &json!({}))?;
        let signature = self.key.sign(signing["message"].as_str().unwrap_or_default().as_bytes())?;
        let body = json!({
            "challengeId": signing["challengeId"], "publicKey": self.key.public(), "signature": signature,
            "pushToken": push_token,
        });
        self.api.patch(&self.path(""), &body)
    }

    /// Takes the key off the server; `now` in Unix seconds.
    pub fn remove(&self, now: u64) -> Result<Value, Trouble> {
        let signature = self.key.sign(format!("{}.0", now / 600).as_bytes())?;
        self.api.post(&self.path("/remove"), &json!({"publicKey": self.key.public(), "signature": signature}))
    }

    /// Uses the link of a page with the key. Until the page has said that the phone is its user's, the key is enrolled
    /// nowhere.
    pub fn redeem(&self, pairing: &str, model: &str, push_token: Option<&str>) -> Result<Value, Trouble> {
        let body = json!({
            "pairingId": pairing, "publicKey": self.key.public(), "signature": self.sign_pairing("redeem", pairing)?,
            "deviceName": self.device.name, "devicePlatform": self.device.platform, "deviceModel": model,
            "pushToken": push_token, "takesNumbers": true,
        });
        self.api.post("/client/pairing", &body)
    }

    /// What the page has said.
    pub fn pairing_status(&self, pairing: &str) -> Result<Value, Trouble> {
        let signature = self.sign_pairing("status", pairing)?;
        let body = json!({"pairingId": pairing, "publicKey": self.key.public(), "signature": signature});
        self.api.post("/client/pairing/status", &body)
    }

    fn sign_pairing(&self, purpose: &str, pairing: &str) -> Result<String, Trouble> {
        self.key.sign(&pairing_statement(purpose, &self.device.tenant_id, pairing, &self.key.fingerprint()))
    }

    /// The number that this phone and the page both show.
    pub fn pairing_code(&self, pairing: &str) -> String {
        pairing_code(pairing, &self.key.fingerprint())
    }

    /// Enrols the key for the user of a token.
    pub fn enrol(&self, token: &str, model: &str, push_token: Option<&str>) -> Result<Value, Trouble> {
        let body = json!({
            "publicKey": self.key.public(), "deviceName": self.device.name, "devicePlatform": self.device.platform,
            "deviceModel": model, "pushToken": push_token, "takesNumbers": true,
        });
        Api::new(&self.device.api, format!("Bearer {token}")).post(&self.path(""), &body)
    }
}
