//! Tokens made by hand, with the true key where a test wants a token that is almost right.

use aws_lc_rs::hmac;
use countersign_core::{app::App, id::TenantId};
use countersign_tests::World;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// The parts of a token: texts as they are signed, so that a test can say what JSON cannot.
#[derive(Clone)]
pub struct Parts {
    pub header: String,
    pub claims: String,
}

impl Parts {
    pub fn of(token: &str) -> Self {
        let text =
            |part: &str| String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url")).expect("text");
        let mut parts = token.split('.');
        Self { header: text(parts.next().expect("a header")), claims: text(parts.next().expect("claims")) }
    }

    /// The same with other claims.
    pub fn claiming(&self, claims: impl ToString) -> Self {
        Self { claims: claims.to_string(), ..self.clone() }
    }

    /// The same under another header.
    pub fn headed(&self, header: impl ToString) -> Self {
        Self { header: header.to_string(), ..self.clone() }
    }

    pub fn claims(&self) -> Value {
        serde_json::from_str(&self.claims).expect("JSON")
    }

    pub fn header(&self) -> Value {
        serde_json::from_str(&self.header).expect("JSON")
    }

    pub fn unsigned(&self) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    /// Signed by RFC 7515 with an HMAC of this hash.
    pub fn signed_with(&self, algorithm: hmac::Algorithm, key: &[u8]) -> String {
        let unsigned = self.unsigned();
        let tag = hmac::sign(&hmac::Key::new(algorithm, key), unsigned.as_bytes());
        format!("{unsigned}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    }

    pub fn signed(&self, key: &[u8]) -> String {
        self.signed_with(hmac::HMAC_SHA256, key)
    }
}

/// The true key of a tenant's token key id.
pub async fn true_key(world: &World, app: &App, tenant: &str, newest: usize) -> Vec<u8> {
    let tenant = TenantId::parse(tenant).expect("a tenant id");
    let loaded = app.store().tenant(&tenant).load().await.expect("a store").expect("a tenant");
    let key = &loaded.tenant.token_keys[newest];
    world.keyring.token_key(&tenant, &key.kid, &key.master).await.expect("a key").to_vec()
}
