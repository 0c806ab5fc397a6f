//! The calls of an app (contract, C1, C31-C47).

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::{
    Trouble,
    home::Device,
    key::{Key, context_hash, statement},
};

/// A server, as one device or one token speaks to it.
pub struct Api {
    base: String,
    authorization: String,
    agent: ureq::Agent,
}

/// What was said of an answer.
pub struct Said {
    pub is_verified: bool,
    pub failure: Option<String>,
}

impl Api {
    fn new(base: &str, authorization: String) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(15)))
            // A connection that the server closes meanwhile would fail the next call.
            .max_idle_connections(0);
        Self { base: base.trim_end_matches('/').to_owned(), authorization, agent: config.build().into() }
    }
    pub fn of_token(base: &str, token: &str) -> Self {
        Self::new(base, format!("Bearer {token}"))
    }
    /// As Android spells it: the tenant id as user name, an empty password.
    pub fn of_tenant(base: &str, tenant: &str) -> Self {
        Self::new(base, format!("Basic {}", BASE64.encode(format!("{tenant}:").as_bytes())))
    }

    fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Trouble> {
        let mut answer = answer.map_err(|error| Trouble::new(format!("the server cannot be reached: {error}")))?;
        let text = answer.body_mut().read_to_string().map_err(|error| Trouble::new(error.to_string()))?;
        let unreadable = |error| Trouble::new(format!("the server answered {} and no JSON: {error}", answer.status()));
        let body: Value = serde_json::from_str(&text).map_err(unreadable)?;
        if answer.status() == 200 {
            return Ok(body);
        }
        let why = body["errorDescription"].as_str().unwrap_or("the server refused");
        Err(Trouble::new(format!("{why} ({})", body["errorCode"].as_str().unwrap_or("no code"))))
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("authorization", &self.authorization);
        Self::read(request.header("content-type", "application/json").send(body.to_string()))
    }

    fn get(&self, path: &str, signature: &str) -> Result<Value, Trouble> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", &self.authorization);
        Self::read(request.header("x-authsignal-signature", signature).call())
    }
}

/// The key in a query: base64 once more over the base64 text, with what is syntax in a query encoded.
fn query(key: &Key) -> String {
    BASE64.encode(key.public().as_bytes()).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// One enrolled device.
pub struct Line {
    pub device: Device,
    key: Key,
    api: Api,
}

impl Line {
    pub fn of(device: Device) -> Result<Self, Trouble> {
        let (key, api) = (Key::read(&device.key)?, Api::of_tenant(&device.api, &device.tenant_id));
        Ok(Self { device, key, api })
    }

    fn path(&self, rest: &str) -> String {
        format!("/client/user-authenticators/{}{rest}", self.device.kind)
    }

    /// What waits for this device, if anything does.
    pub fn pending(&self) -> Result<Option<Value>, Trouble> {
        let key = query(&self.key);
        let message = self.api.post(&self.path(&format!("/challenge/sign?publicKey={key}")), &json!({}))?;
        let signature = self.key.sign(message["message"].as_str().unwrap_or_default().as_bytes())?;
        let shown = self.api.get(&self.path(&format!("/challenge?publicKey={key}")), &signature)?;
        Ok(shown["challengeId"].is_string().then_some(shown))
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
    pub fn answer(
        &self,
        shown: &Value,
        (approved, report): (bool, bool),
        number: Option<&str>,
    ) -> Result<Said, Trouble> {
        if shown["contextHash"].as_str().is_some_and(|hash| hash != context_hash(shown)) {
            return Err(Trouble::new("what the server shows is not what it would have signed; nothing was answered"));
        }
        let challenge = shown["challengeId"].as_str().unwrap_or_default();
        let whole = statement(&self.device.tenant_id, shown, approved, number.unwrap_or_default());
        let body = json!({
            "challengeId": challenge, "publicKey": self.key.public(), "approved": approved, "report": report,
            "signature": self.key.sign(challenge.as_bytes())?, "signatureV2": self.key.sign(&whole)?,
            "verificationCode": number,
        });
        let said = self.api.post(&self.path("/challenge"), &body)?;
        let failure = said["failureReason"].as_str().map(str::to_owned);
        Ok(Said { is_verified: said["isVerified"] == true, failure })
    }

    /// Answers a challenge that the app itself begins; the token that it gives to its backend.
    pub fn verify(&self, action: &str, key: Option<&str>) -> Result<Value, Trouble> {
        let begun = self.api.post("/client/challenge", &json!({"action": action, "idempotencyKey": key}))?;
        let challenge = begun["challengeId"].as_str().unwrap_or_default();
        let signature = self.key.sign(challenge.as_bytes())?;
        let body = json!({"challengeId": challenge, "publicKey": self.key.public(), "signature": signature});
        self.api.post("/client/verify/in-app", &body)
    }

    /// Takes the key off the server; `now` in Unix seconds.
    pub fn remove(&self, now: u64) -> Result<Value, Trouble> {
        let signature = self.key.sign(format!("{}.0", now / 600).as_bytes())?;
        self.api.post(&self.path("/remove"), &json!({"publicKey": self.key.public(), "signature": signature}))
    }

    /// Enrols the key for the user of a token.
    pub fn enrol(&self, token: &str, name: &str, push_token: Option<&str>) -> Result<Value, Trouble> {
        let body = json!({
            "publicKey": self.key.public(), "deviceName": name, "devicePlatform": "android", "pushToken": push_token,
            "deviceModel": "phone (command line)",
        });
        Api::of_token(&self.device.api, token).post(&self.path(""), &body)
    }
}
