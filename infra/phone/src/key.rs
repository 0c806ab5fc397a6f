//! The key of the phone, and what it signs (contract, section 2.6).

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

use crate::trouble::Trouble;

/// What stands before the point in a SubjectPublicKeyInfo of P-256 (RFC 5480, section 2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 key.
pub struct Key(EcdsaKeyPair);

impl Key {
    /// A new key, and its PKCS#8 in base64 for the file.
    pub fn generate() -> Result<(Self, String), Trouble> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        let pair = pair.map_err(|_| Trouble::new("cannot make a key"))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| Trouble::new("cannot write a key"))?;
        Ok((Self(pair), BASE64.encode(pkcs8.as_ref())))
    }

    pub fn read(pkcs8: &str) -> Result<Self, Trouble> {
        let damaged = || Trouble::new("phone.json holds a key that cannot be read");
        let bytes = BASE64.decode(pkcs8.as_bytes()).map_err(|_| damaged())?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &bytes).map(Self).map_err(|_| damaged())
    }

    /// SubjectPublicKeyInfo, base64.
    pub fn public(&self) -> String {
        BASE64.encode(&[&SPKI_PREFIX, self.0.public_key().as_ref()].concat())
    }

    /// SHA-256 of the public key, hexadecimal.
    pub fn fingerprint(&self) -> String {
        let spki = [&SPKI_PREFIX, self.0.public_key().as_ref()].concat();
        HEXLOWER.encode(digest(&SHA256, &spki).as_ref())
    }

    /// ECDSA-SHA256: DER, base64.
    pub fn sign(&self, message: &[u8]) -> Result<String, Trouble> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| Trouble::new("cannot sign"))?;
        Ok(BASE64.encode(signature.as_ref()))
    }
}

/// Each part after its length in four bytes, big-endian.
fn canonical(parts: &[&str]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part.as_bytes());
    }
    joined
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// SHA-256 of what is shown, hexadecimal: made here, of what the phone itself shows (infra/decisions/0015).
pub fn context_hash(shown: &Value) -> String {
    let map = |value: &Value| if value.is_object() { value.to_string() } else { "{}".into() };
    let mut parts = vec![
        text(&shown["ipAddress"]),
        text(&shown["place"]),
        text(&shown["userAgent"]),
        text(&shown["deviceId"]),
        text(&shown["origin"]),
        map(&shown["custom"]),
        map(&shown["user"]["custom"]),
    ];
    if shown["isClaimed"] == true {
        parts.push("claimed".into());
    }
    let parts = canonical(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    HEXLOWER.encode(digest(&SHA256, &parts).as_ref())
}

/// The same of what the server says in words; `None` where it says nothing so.
fn facts_hash(shown: &Value) -> Option<String> {
    shown["facts"].as_object()?;
    let mut parts = vec![text(&shown["facts"]["what"])];
    for fact in shown["facts"]["rows"].as_array().into_iter().flatten() {
        parts.extend([text(&fact["label"]), text(&fact["value"])]);
    }
    let parts = canonical(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    Some(HEXLOWER.encode(digest(&SHA256, &parts).as_ref()))
}

/// What `signatureV2` signs: the third version where something is shown in words, which is signed too.
pub fn statement(tenant: &str, shown: &Value, approved: bool, number: &str) -> Vec<u8> {
    let facts = facts_hash(shown);
    let version = if facts.is_some() { "countersign/approval/v3" } else { "countersign/approval/v2" };
    let parts = [
        version.to_owned(),
        tenant.to_owned(),
        text(&shown["userId"]),
        text(&shown["challengeId"]),
        text(&shown["actionCode"]),
        text(&shown["idempotencyKey"]),
        if approved { "approve" } else { "deny" }.to_owned(),
        number.to_owned(),
        context_hash(shown),
        shown["expiresAt"].as_i64().unwrap_or_default().to_string(),
    ];
    canonical(&parts.iter().chain(&facts).map(String::as_str).collect::<Vec<_>>())
}

/// What is signed to use the link of a page, and to ask what the page has said (infra/decisions/0024).
pub fn pairing_statement(purpose: &str, tenant: &str, pairing: &str, fingerprint: &str) -> Vec<u8> {
    canonical(&["countersign/pairing/v1", purpose, tenant, pairing, fingerprint])
}

/// Six digits of the link and the key: made here, so that no server says what this phone shows.
pub fn pairing_code(pairing: &str, fingerprint: &str) -> String {
    let hash = digest(&SHA256, &canonical(&["countersign/pairing/code", pairing, fingerprint]));
    let first = hash.as_ref().iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    format!("{:06}", first % 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;

    /// openssl reads the public key, and agrees with the signature.
    #[test]
    fn openssl_agrees() {
        let folder = std::env::temp_dir().join(format!("countersign-phone-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        let (key, pkcs8) = Key::generate().unwrap();
        assert_eq!(Key::read(&pkcs8).unwrap().public(), key.public());
        file("key.der", &BASE64.decode(key.public().as_bytes()).unwrap());
        file("message", b"challenge");
        file("signature", &BASE64.decode(key.sign(b"challenge").unwrap().as_bytes()).unwrap());
        let openssl = |arguments: &str| {
            let done = Command::new("openssl").current_dir(&folder).args(arguments.split(' ')).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        openssl("pkey -pubin -inform DER -in key.der -out key.pub");
        openssl("dgst -sha256 -verify key.pub -signature signature message");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_shown_is_what_is_signed() {
        let shown = json!({"ipAddress": "1", "custom": {"b": 1, "a": [2]}, "challengeId": "c", "expiresAt": 9});
        let bytes = statement("t", &shown, true, "123456");
        assert!(String::from_utf8_lossy(&bytes).contains(&context_hash(&shown)));
        assert_ne!(context_hash(&shown), context_hash(&json!({"userAgent": "1", "custom": {"b": 1, "a": [2]}})));
        // Of nothing: five times the empty text, and twice the empty object.
        let nothing = canonical(&["", "", "", "", "", "{}", "{}"]);
        assert_eq!(context_hash(&json!({})), HEXLOWER.encode(digest(&SHA256, &nothing).as_ref()));
    }
}
