//! Keys of devices: P-256, made and kept by the device, for push, QR-code and in-app approvals (contract, section 2.6).

use aws_lc_rs::{
    digest,
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey},
};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    clock::Timestamp,
    error::Error,
    facts::Facts,
    id::{ActionCode, ChallengeId, IdempotencyKey, TenantId, UserId, length_prefixed},
};

/// What stands before the point in a SubjectPublicKeyInfo of P-256 (RFC 5480, section 2).
const SPKI_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// What runs on the device (contract: `devicePlatform`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DevicePlatform {
    Ios,
    Android,
    Web,
}

impl DevicePlatform {
    /// As the SDKs send it, `ios` or `android`; or `web`, for a browser.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let all = [("ios", Self::Ios), ("android", Self::Android), ("web", Self::Web)];
        let found = all.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, platform)| platform).ok_or_else(|| Error::invalid("devicePlatform is ios, android or web."))
    }
}

/// What is known of the device behind an authenticator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    pub platform: DevicePlatform,
    /// SubjectPublicKeyInfo, base64.
    pub public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The app's own name for the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

/// The public half of a device's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey(Vec<u8>);

impl DeviceKey {
    /// Reads standard base64 of a DER SubjectPublicKeyInfo, as it stands in a body; 400 for any other key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid("publicKey is base64 of a P-256 public key in SubjectPublicKeyInfo form (DER).");
        let bytes = [BASE64, BASE64_NOPAD].iter().find_map(|spelling| spelling.decode(text.as_bytes()).ok());
        let spki = bytes.filter(|der| der.len() == 91 && der.starts_with(&SPKI_PREFIX)).ok_or_else(wrong)?;
        // A point that is not on the curve is no key (SP 800-56A, 5.6.2.3.3).
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki[26..]).map_err(|_| wrong())?;
        Ok(Self(spki))
    }

    /// Reads it as it stands in a query: base64 once more over that text, padded by Android, URL-safe and unpadded by iOS.
    pub fn parse_query(text: &str) -> Result<Self, Error> {
        let spellings = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
        let inner =
            spellings.iter().find_map(|spelling| String::from_utf8(spelling.decode(text.as_bytes()).ok()?).ok());
        Self::parse(inner.as_deref().unwrap_or(text))
    }

    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// SHA-256 of the key, hexadecimal: the name under which it is looked up.
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(digest::digest(&digest::SHA256, &self.0).as_ref())
    }

    /// Checks ECDSA-SHA256 over the message, DER in base64; 403 for anything else.
    pub fn verify(&self, message: &[u8], signature: &str) -> Result<(), Error> {
        let bytes = [BASE64, BASE64_NOPAD].iter().find_map(|spelling| spelling.decode(signature.as_bytes()).ok());
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0[26..]);
        match (key, bytes) {
            (Ok(key), Some(bytes)) => key.verify_sig(message, &bytes).map_err(|_| Error::InvalidCredential),
            _ => Err(Error::InvalidCredential),
        }
    }

    /// Checks the signature under which a device removes its own key: over floor(seconds / 600), written as the SDKs
    /// write that number, of this window or one beside it (contract, section 2.6).
    pub fn verify_removal(&self, now: Timestamp, signature: &str) -> Result<(), Error> {
        let window = now.as_second().div_euclid(600);
        let signed = |window: i64| self.verify(format!("{window}.0").as_bytes(), signature).is_ok();
        let current = [window, window - 1, window + 1].into_iter().any(signed);
        current.then_some(()).ok_or(Error::InvalidCredential)
    }
}

/// What its owner sees on the device before they decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Where that address is, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The site that shows the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether a page claims `origin` and `custom`: nobody tracked the action, so no backend vouches for them.
    #[serde(skip_serializing_if = "is_false")]
    pub is_claimed: bool,
    /// Public data points of the action, and of the user.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_custom: Map<String, Value>,
    /// The same as the page shows, in words. Absent where no backend has tracked the action, and in older challenges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Context {
    /// SHA-256 over what is shown, hexadecimal; part of what `signatureV2` signs. Absent is the empty text, objects are
    /// JSON without spaces and with their names in order. What a page claimed has one more part, `claimed`, so that no
    /// signature over it passes for one over tracked data.
    pub fn digest(&self) -> String {
        let custom = |map: &Map<String, Value>| Value::Object(map.clone()).to_string();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut parts = vec![
            text(&self.ip_address),
            text(&self.place),
            text(&self.user_agent),
            text(&self.device_id),
            text(&self.origin),
            custom(&self.custom),
            custom(&self.user_custom),
        ];
        parts.extend(self.is_claimed.then(|| "claimed".to_owned()));
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        let parts = length_prefixed(&parts);
        HEXLOWER.encode(digest::digest(&digest::SHA256, &parts).as_ref())
    }
}

/// What a device approves or denies, whole: the message of `signatureV2`.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    pub tenant: &'a TenantId,
    pub user: &'a UserId,
    pub challenge: &'a ChallengeId,
    pub action: &'a ActionCode,
    pub key: &'a IdempotencyKey,
    pub approved: bool,
    /// As it was typed; empty where none was asked for.
    pub number: &'a str,
    pub context: &'a Context,
    pub expires_at: Timestamp,
}

impl Statement<'_> {
    /// The bytes that are signed: each part after its length in four bytes, big-endian, so that no two statements share
    /// them (invariant I4).
    pub fn canonical(&self) -> Vec<u8> {
        self.parts("countersign/approval/v2", None)
    }

    /// The same with what the page says in words, for devices that show it; `None` where there is nothing in words.
    pub fn canonical_in_words(&self) -> Option<Vec<u8>> {
        let facts = self.context.facts.as_ref()?.digest();
        Some(self.parts("countersign/approval/v3", Some(&facts)))
    }

    fn parts(&self, version: &str, facts: Option<&str>) -> Vec<u8> {
        let expires_at = self.expires_at.as_second().to_string();
        let decision = if self.approved { "approve" } else { "deny" };
        let context = self.context.digest();
        let parts = [
            version,
            self.tenant.as_str(),
            self.user.as_str(),
            self.challenge.as_str(),
            self.action.as_str(),
            self.key.as_str(),
            decision,
            self.number,
            &context,
            &expires_at,
        ];
        let parts: Vec<&[u8]> = parts.into_iter().chain(facts).map(str::as_bytes).collect();
        length_prefixed(&parts)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use proptest::prelude::*;

    use super::*;

    fn pair() -> (EcdsaKeyPair, DeviceKey) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let spki = [&SPKI_PREFIX[..26], pair.public_key().as_ref()].concat();
        (pair, DeviceKey::parse(&BASE64.encode(&spki)).unwrap())
    }

    fn sign(pair: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
        pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    #[test]
    fn a_key_is_read_in_both_spellings_of_a_query() {
        let (_, key) = pair();
        let text = key.to_base64();
        assert_eq!(DeviceKey::parse_query(&BASE64.encode(text.as_bytes())).unwrap(), key);
        assert_eq!(DeviceKey::parse_query(&BASE64URL_NOPAD.encode(text.as_bytes())).unwrap(), key);
        let mut off_the_curve = key.0.clone();
        off_the_curve[60] ^= 1;
        for wrong in ["", "!", "AAAA", &BASE64.encode(&off_the_curve), &BASE64.encode(&key.0[26..])] {
            assert!(DeviceKey::parse(wrong).is_err() && DeviceKey::parse_query(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_removal_is_signed_for_its_ten_minutes() {
        let (pair, key) = pair();
        let at = |second| Timestamp::from_second(second).unwrap();
        let signature = BASE64.encode(&sign(&pair, b"2938431.0"));
        for (second, good) in [(2938431, true), (2938432, true), (2938430, true), (2938433, false), (2938429, false)] {
            assert_eq!(key.verify_removal(at(second * 600 + 599), &signature).is_ok(), good, "{second}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// T20: no bit of a signature, of a message or of a key can be changed.
        #[test]
        fn a_changed_signature_is_none(message in prop::collection::vec(any::<u8>(), 1..80), bit in any::<prop::sample::Index>()) {
            let (pair, key) = pair();
            let signature = sign(&pair, &message);
            prop_assert!(key.verify(&message, &BASE64.encode(&signature)).is_ok());
            let flipped = |bytes: &[u8]| {
                let bit = bit.index(bytes.len() * 8);
                let mut bytes = bytes.to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            };
            prop_assert!(key.verify(&message, &BASE64.encode(&flipped(&signature))).is_err());
            prop_assert!(key.verify(&flipped(&message), &BASE64.encode(&signature)).is_err());
            let (_, another) = super::tests::pair();
            prop_assert!(another.verify(&message, &BASE64.encode(&signature)).is_err());
            let longer = [&signature[..], &[0]].concat();
            prop_assert!(key.verify(&message, &BASE64.encode(&longer)).is_err());
        }

        /// I4: two statements that differ in anything differ in what is signed.
        #[test]
        fn statements_are_injective(
            (u1, k1, n1, ip1) in ("[ab#]{1,3}", "[ab#]{1,3}", "[0-9]{0,2}", prop::option::of("[ab]{0,2}")),
            (u2, k2, n2, ip2) in ("[ab#]{1,3}", "[ab#]{1,3}", "[0-9]{0,2}", prop::option::of("[ab]{1,2}")),
            (approved1, approved2) in any::<(bool, bool)>(),
        ) {
            let (tenant, challenge) = (TenantId::parse("t").unwrap(), ChallengeId::parse("c").unwrap());
            let action = ActionCode::parse("signIn").unwrap();
            let bytes = |user: &str, key: &str, number: &str, ip: &Option<String>, approved| {
                let context = Context { ip_address: ip.clone(), ..Context::default() };
                let (user, key) = (UserId::parse(user).unwrap(), IdempotencyKey::parse(key).unwrap());
                Statement {
                    tenant: &tenant, user: &user, challenge: &challenge, action: &action, key: &key, approved, number,
                    context: &context, expires_at: Timestamp::UNIX_EPOCH,
                }.canonical()
            };
            let ip = |ip: &Option<String>| ip.clone().unwrap_or_default();
            let same = (&u1, &k1, &n1, ip(&ip1), approved1) == (&u2, &k2, &n2, ip(&ip2), approved2);
            prop_assert_eq!(bytes(&u1, &k1, &n1, &ip1, approved1) == bytes(&u2, &k2, &n2, &ip2, approved2), same);
        }
    }

    #[test]
    fn what_is_shown_decides_the_digest() {
        let shown = Context { ip_address: Some("::1".into()), ..Context::default() };
        let moved = Context { user_agent: Some("::1".into()), ..Context::default() };
        assert_ne!(shown.digest(), moved.digest());
        assert_ne!(shown.digest(), Context::default().digest());
    }
}
