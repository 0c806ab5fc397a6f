//! An authenticator and a client that do as they are told, also what none would do. They write CBOR, keys and JSON with
//! code of their own.

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value as Json, json};

use super::super::{
    Credential,
    assertion::{Assertion, Registered, Signed, Who},
    authenticator_data::Presence,
    cbor::Value,
    cose::Algorithm,
    policy::{Origin, RelyingParty, RpId, Taken, UserVerification},
    refusal::Refusal,
    registration::Registration,
    wire::{AuthenticationResponse, Challenge, RegistrationResponse, UserHandle},
};
use crate::id::UserId;

pub const UP: u8 = 1;
pub const UV: u8 = 4;
pub const BE: u8 = 8;
pub const BS: u8 = 16;
pub const AT: u8 = 64;
pub const ED: u8 = 128;

pub const ORIGIN: &str = "https://mfa.example.com";

pub fn challenge() -> Challenge {
    Challenge::of(&[5; 32])
}

pub fn handle() -> UserHandle {
    UserHandle::of(&[9; 16])
}

pub fn party() -> RelyingParty {
    let origin = |text: &str| Origin::parse(text).unwrap();
    let app = origin("android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let origins = vec![origin(ORIGIN), app];
    RelyingParty::new(
        RpId::parse("example.com").unwrap(),
        "Example".into(),
        origins,
        vec![origin("https://example.org")],
    )
    .unwrap()
}

/// CBOR in canonical form, but for the order of names, which is the one given.
pub fn encode(value: &Value<'_>) -> Vec<u8> {
    let head = |major: u8, number: u64| {
        let bytes = number.to_be_bytes();
        let (rest, length) = match number {
            0..=23 => (bytes[7], 0),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        [&[major << 5 | rest], &bytes[8 - length..]].concat()
    };
    let long = |bytes: &[u8]| bytes.len() as u64;
    match value {
        Value::Integer(number) if *number >= 0 => head(0, number.unsigned_abs()),
        Value::Integer(number) => head(1, number.unsigned_abs() - 1),
        Value::Bytes(bytes) => [head(2, long(bytes)), bytes.to_vec()].concat(),
        Value::Text(text) => [head(3, long(text.as_bytes())), text.as_bytes().to_vec()].concat(),
        Value::Array(items) => [head(4, items.len() as u64), items.iter().flat_map(encode).collect()].concat(),
        Value::Map(entries) => {
            let entries = entries.iter().flat_map(|(name, value)| [encode(name), encode(value)].concat()).collect();
            [head(5, value.names().unwrap() as u64), entries].concat()
        }
        Value::Bool(false) => vec![0xf4],
        Value::Bool(true) => vec![0xf5],
        Value::Null => vec![0xf6],
        Value::Float => vec![0xf9, 0x3c, 0],
    }
}

/// A key of one of the three algorithms.
pub enum Keys {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Keys {
    pub fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()),
            Algorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Rs256 => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        }
    }

    /// The COSE_Key in CBOR.
    pub fn cose(&self) -> Vec<u8> {
        let map = |entries: &[(i64, Value<'_>)]| {
            encode(&Value::Map(entries.iter().map(|(name, value)| (Value::Integer(*name), value.clone())).collect()))
        };
        let integer = Value::Integer;
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (Value::Bytes(&point[1..33]), Value::Bytes(&point[33..]));
                map(&[(1, integer(2)), (3, integer(-7)), (-1, integer(1)), (-2, x), (-3, y)])
            }
            Self::Ed25519(pair) => {
                let x = Value::Bytes(pair.public_key().as_ref());
                map(&[(1, integer(1)), (3, integer(-8)), (-1, integer(6)), (-2, x)])
            }
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (
                    Value::Bytes(n.big_endian_without_leading_zero()),
                    Value::Bytes(e.big_endian_without_leading_zero()),
                );
                map(&[(1, integer(3)), (3, integer(-257)), (-1, n), (-2, e)])
            }
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// A registration in its parts, each of which a test may change.
#[derive(Clone)]
pub struct Creation {
    pub client: Json,
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
    pub aaguid: [u8; 16],
    pub id: Vec<u8>,
    pub key: Vec<u8>,
    pub extensions: Vec<u8>,
    pub format: &'static str,
    pub statement: Value<'static>,
}

impl Creation {
    pub fn new(keys: &Keys) -> Self {
        Self {
            client: json!({"type": "webauthn.create", "challenge": challenge().as_str(), "origin": ORIGIN, "crossOrigin": false}),
            rp_id: "example.com".into(),
            flags: UP | UV | BE | BS | AT,
            counter: 0,
            aaguid: [3; 16],
            id: vec![1; 32],
            key: keys.cose(),
            extensions: vec![],
            format: "none",
            statement: Value::Map(vec![]),
        }
    }

    pub fn auth_data(&self) -> Vec<u8> {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let attested = [&self.aaguid[..], &length, &self.id, &self.key].concat();
        let attested = if self.flags & AT == 0 { vec![] } else { attested };
        let head = [sha256(self.rp_id.as_bytes()), vec![self.flags], self.counter.to_be_bytes().to_vec()].concat();
        [head, attested, self.extensions.clone()].concat()
    }

    pub fn object(&self) -> Vec<u8> {
        let auth_data = self.auth_data();
        encode(&Value::Map(vec![
            (Value::Text("fmt"), Value::Text(self.format)),
            (Value::Text("attStmt"), self.statement.clone()),
            (Value::Text("authData"), Value::Bytes(&auth_data)),
        ]))
    }

    pub fn response(&self) -> RegistrationResponse {
        registration_json(&self.id, self.client.to_string().as_bytes(), &self.object())
    }
}

/// As a browser sends it.
pub fn registration_json(id: &[u8], client_data: &[u8], object: &[u8]) -> RegistrationResponse {
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    serde_json::from_value(json!({
        "id": text(id), "rawId": text(id), "type": "public-key", "authenticatorAttachment": "platform",
        "clientExtensionResults": {"credProps": {"rk": true}},
        "response": {
            "clientDataJSON": text(client_data), "attestationObject": text(object), "transports": ["internal", "hybrid"],
            "publicKeyAlgorithm": -7, "publicKey": "AAAA", "authenticatorData": "AAAA",
        },
    }))
    .unwrap()
}

/// A sign-in in its parts.
#[derive(Clone)]
pub struct Answer {
    pub client: Json,
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
    pub id: Vec<u8>,
    pub extensions: Vec<u8>,
    pub user_handle: Option<String>,
}

impl Answer {
    pub fn new() -> Self {
        Self {
            client: json!({"type": "webauthn.get", "challenge": challenge().as_str(), "origin": ORIGIN, "crossOrigin": false}),
            rp_id: "example.com".into(),
            flags: UP | UV | BE | BS,
            counter: 0,
            id: vec![1; 32],
            extensions: vec![],
            user_handle: Some(handle().as_str().to_owned()),
        }
    }

    pub fn auth_data(&self) -> Vec<u8> {
        let head = [sha256(self.rp_id.as_bytes()), vec![self.flags], self.counter.to_be_bytes().to_vec()].concat();
        [head, self.extensions.clone()].concat()
    }

    pub fn response(&self, keys: &Keys) -> AuthenticationResponse {
        let (data, client) = (self.auth_data(), self.client.to_string());
        let signature = keys.sign(&[data.clone(), sha256(client.as_bytes())].concat());
        assertion_json(&self.id, client.as_bytes(), &data, &signature, self.user_handle.as_deref())
    }

    /// As iOS's SDK sends it: `clientDataJSON` in base64 with padding, and fewer names.
    pub fn ios_response(&self, keys: &Keys) -> AuthenticationResponse {
        let mut response = self.response(keys);
        response.response.client_data_json = BASE64.encode(self.client.to_string().as_bytes());
        response.r#type = None;
        response
    }
}

/// As a browser sends it.
pub fn assertion_json(
    id: &[u8],
    client_data: &[u8],
    data: &[u8],
    signature: &[u8],
    user_handle: Option<&str>,
) -> AuthenticationResponse {
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    serde_json::from_value(json!({
        "id": text(id), "rawId": text(id), "type": "public-key", "clientExtensionResults": {},
        "response": {
            "clientDataJSON": text(client_data), "authenticatorData": text(data), "signature": text(signature),
            "userHandle": user_handle,
        },
    }))
    .unwrap()
}

/// What a test expects of a registration, besides [`challenge`].
pub struct Wanted {
    pub party: RelyingParty,
    pub algorithms: Vec<Algorithm>,
    pub user_verification: UserVerification,
    pub presence: Presence,
    pub taken: Taken,
}

impl Wanted {
    pub fn new() -> Self {
        Self {
            party: party(),
            algorithms: Algorithm::ALL.to_vec(),
            user_verification: UserVerification::Required,
            presence: Presence::Required,
            taken: Taken::default(),
        }
    }

    pub fn verify(&self, response: &RegistrationResponse) -> Result<Credential, Refusal> {
        let registration = Registration {
            challenge: &challenge(),
            party: &self.party,
            algorithms: &self.algorithms,
            user_verification: self.user_verification,
            presence: self.presence,
            taken: &self.taken,
        };
        registration.verify(response)
    }
}

/// A user with a registered credential.
pub struct Scene {
    pub keys: Keys,
    pub credential: Credential,
    pub party: RelyingParty,
    pub user_verification: UserVerification,
}

impl Scene {
    pub fn new(algorithm: Algorithm) -> Self {
        let keys = Keys::generate(algorithm);
        let wanted = Wanted::new();
        let credential = wanted.verify(&Creation::new(&keys).response()).unwrap();
        Self { keys, credential, party: wanted.party, user_verification: UserVerification::Required }
    }

    /// By the user, who was known before.
    pub fn verify(&self, response: &AuthenticationResponse) -> Result<Signed, Refusal> {
        self.verify_as(response, Who::Known(&ada()), Some(&handle()))
    }

    pub fn verify_as(
        &self,
        response: &AuthenticationResponse,
        who: Who<'_>,
        handle: Option<&UserHandle>,
    ) -> Result<Signed, Refusal> {
        let assertion = Assertion {
            challenge: &challenge(),
            party: &self.party,
            user_verification: self.user_verification,
            asked_for: &[],
            who,
        };
        assertion.verify(response, &Registered { credential: &self.credential, owner: &ada(), handle })
    }
}

pub fn ada() -> UserId {
    UserId::parse("ada").unwrap()
}
