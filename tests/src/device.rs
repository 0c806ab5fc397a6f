//! A phone, as far as its key goes: it enrols, asks what is pending, and answers.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use countersign_core::{
    id::{digest, length_prefixed},
    method::device::Context,
};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde_json::{Value, json};

use crate::{
    World,
    http::{Answer, Auth, segment},
};

/// A device of a user, with a key that is enrolled for one kind of challenge.
pub struct Device {
    pair: EcdsaKeyPair,
    /// SubjectPublicKeyInfo, base64.
    pub public_key: String,
    /// `push`, `qr-code` or `in-app`.
    pub kind: &'static str,
    pub user: String,
    /// Its authenticator.
    pub id: String,
}

impl Device {
    /// A key that nobody has enrolled.
    pub fn new(kind: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let prefix = HEXLOWER_PERMISSIVE.decode(b"3059301306072a8648ce3d020106082a8648ce3d030107034200").expect("hex");
        let public_key = BASE64.encode(&[&prefix, pair.public_key().as_ref()].concat());
        Self { pair, public_key, kind, user: String::new(), id: String::new() }
    }

    /// ECDSA-SHA256: DER, base64.
    pub fn sign(&self, message: impl AsRef<[u8]>) -> String {
        BASE64.encode(self.pair.sign(&SystemRandom::new(), message.as_ref()).expect("a signature").as_ref())
    }

    /// The key as it stands in a query: base64 once more.
    pub fn query(&self) -> String {
        format!("publicKey={}", segment(&BASE64.encode(self.public_key.as_bytes())))
    }

    /// The body of an answer, signed as the contract has it.
    pub fn answer(&self, challenge: &str, approved: bool) -> Value {
        json!({
            "challengeId": challenge, "publicKey": self.public_key, "approved": approved,
            "signature": self.sign(challenge), "verificationCode": null,
        })
    }

    /// The same with `signatureV2` over what was shown.
    pub fn full_answer(&self, tenant: &str, shown: &Value, approved: bool, number: &str) -> Value {
        let challenge = text(&shown["challengeId"]);
        let mut body = self.answer(&challenge, approved);
        body["signatureV2"] = self.sign(statement(tenant, shown, approved, number)).into();
        if !number.is_empty() {
            body["verificationCode"] = number.into();
        }
        body
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a device signs of what it was shown, put together from the answer of the server.
pub fn statement(tenant: &str, shown: &Value, approved: bool, number: &str) -> Vec<u8> {
    joined(&parts("countersign/approval/v2", tenant, shown, approved, number))
}

/// The same with what the page says in words.
pub fn statement_in_words(tenant: &str, shown: &Value, approved: bool, number: &str) -> Vec<u8> {
    let mut words = vec![text(&shown["facts"]["what"])];
    for fact in shown["facts"]["rows"].as_array().into_iter().flatten() {
        words.extend([text(&fact["label"]), text(&fact["value"])]);
    }
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    let mut parts = parts("countersign/approval/v3", tenant, shown, approved, number);
    parts.push(digest(&words));
    joined(&parts)
}

fn joined(parts: &[String]) -> Vec<u8> {
    length_prefixed(&parts.iter().map(String::as_bytes).collect::<Vec<_>>())
}

fn parts(version: &str, tenant: &str, shown: &Value, approved: bool, number: &str) -> Vec<String> {
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let optional = |name: &str| shown[name].as_str().map(str::to_owned);
    let context = Context {
        ip_address: optional("ipAddress"),
        place: optional("place"),
        user_agent: optional("userAgent"),
        device_id: optional("deviceId"),
        origin: optional("origin"),
        is_claimed: shown["isClaimed"] == true,
        custom: map(&shown["custom"]),
        user_custom: map(&shown["user"]["custom"]),
        facts: None,
    };
    vec![
        version.to_owned(),
        tenant.to_owned(),
        text(&shown["userId"]),
        text(&shown["challengeId"]),
        text(&shown["actionCode"]),
        text(&shown["idempotencyKey"]),
        if approved { "approve" } else { "deny" }.to_owned(),
        number.to_owned(),
        context.digest(),
        shown["expiresAt"].to_string(),
    ]
}

const DEVICES: &str = "/v1/client/user-authenticators";

impl World {
    /// The tenant id in the Authorization header, as Android spells it.
    pub fn tenant_auth(&self) -> Auth {
        Auth::Key(self.tenant.tenant_id.to_string())
    }

    /// Enrols a device with the token of an action of its own that may add authenticators.
    pub async fn device(&self, user: &str, kind: &'static str) -> Device {
        self.device_with(user, kind, json!({})).await
    }

    /// The same, with more in the body.
    pub async fn device_with(&self, user: &str, kind: &'static str, more: Value) -> Device {
        let body = json!({"scope": "read:authenticators add:authenticators"});
        let token = text(&self.track(user, "pair", body).await.ok()["token"]);
        let mut device = Device { user: user.to_owned(), ..Device::new(kind) };
        let enrolled = self.enrol_device(&device, &token, more).await.ok();
        device.id = text(&enrolled["userAuthenticatorId"]);
        device
    }

    pub async fn enrol_device(&self, device: &Device, token: &str, more: Value) -> Answer {
        let mut body =
            json!({"publicKey": device.public_key, "deviceName": "Ada's phone", "devicePlatform": "android"});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.http.post(&format!("{DEVICES}/{}", device.kind), &Auth::Token(token.into()), body).await
    }

    /// Asks by push; `more` may ask for number matching.
    pub async fn push(&self, token: &str, more: Value) -> Answer {
        self.http.post("/v1/client/challenge/push", &Auth::Token(token.into()), more).await
    }

    /// Tracks a sign-in, asks by push; the token and the answer.
    pub async fn pushed(&self, user: &str, more: Value) -> (String, Value) {
        let token = self.token(user, "signIn").await;
        let asked = self.push(&token, more).await.ok();
        (token, asked)
    }

    /// What the initiator sees: `isVerified`, `isConsumed`, and the token where there is one.
    pub async fn standing(&self, token: &str, challenge: &str) -> Answer {
        self.http.post("/v1/client/verify/push", &Auth::Token(token.into()), json!({"challengeId": challenge})).await
    }

    /// What the device sees, asked with a signed message.
    pub async fn pending(&self, device: &Device) -> Answer {
        let message = format!("{DEVICES}/push/challenge/sign?{}", device.query());
        let message = self.http.post(&message, &self.tenant_auth(), json!({})).await.ok();
        let signature = device.sign(text(&message["message"]));
        let path = format!("{DEVICES}/push/challenge?{}", device.query());
        self.http.raw("GET", &path, &self.tenant_auth(), &[("x-authsignal-signature", &signature)], Vec::new()).await
    }

    /// Sends an answer of a device.
    pub async fn answer(&self, device: &Device, body: Value) -> Answer {
        self.http.post(&format!("{DEVICES}/{}/challenge", device.kind), &self.tenant_auth(), body).await
    }

    pub async fn approve(&self, device: &Device, challenge: &str) -> Answer {
        self.answer(device, device.answer(challenge, true)).await
    }

    pub async fn deny(&self, device: &Device, challenge: &str) -> Answer {
        self.answer(device, device.answer(challenge, false)).await
    }
}
