//! A browser and its push service, after the RFCs and with nothing of the server: what is sent is decrypted as RFC 8291
//! says, by another library than the one that encrypted it.

use std::sync::{Arc, Mutex};

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hkdf,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing,
};
use countersign_tests::stand_in::StandIn;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// What the push service was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("ASCII")
    }
}

#[derive(Default)]
struct Inner {
    sent: Vec<Sent>,
    status: Option<StatusCode>,
}

/// A push service on loopback (RFC 8030).
pub struct PushService {
    inner: Arc<Mutex<Inner>>,
    pub origin: String,
    _service: StandIn,
}

impl PushService {
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().route("/push/{id}", routing::post(take)).with_state(inner.clone());
        let service = StandIn::serve(router).await;
        Self { inner, origin: service.url.clone(), _service: service }
    }

    /// From now on it answers so; 201 where nothing is said.
    pub fn answer(&self, status: Option<u16>) {
        self.inner.lock().unwrap().status = status.map(|status| StatusCode::from_u16(status).expect("a status"));
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.inner.lock().unwrap().sent.clone()
    }
}

async fn take(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path(to): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let mut inner = inner.lock().unwrap();
    let status = inner.status.unwrap_or(StatusCode::CREATED);
    if status.is_success() {
        inner.sent.push(Sent { to, headers, body: body.to_vec() });
    }
    // Following this address would call a stranger.
    (status, [("location", "http://127.0.0.1:1/elsewhere")])
}

/// One subscription, with the keys that a browser makes.
pub struct Browser {
    key: PrivateKey,
    auth: [u8; 16],
    endpoint: String,
}

impl Browser {
    pub fn subscribe(service: &PushService, id: &str) -> Self {
        let key = PrivateKey::generate(&ECDH_P256).expect("a key");
        Self { key, auth: *b"sixteen secret b", endpoint: format!("{}/push/{id}", service.origin) }
    }

    fn point(&self) -> Vec<u8> {
        self.key.compute_public_key().expect("a point").as_ref().to_vec()
    }

    /// `JSON.stringify(subscription)`.
    pub fn subscription(&self) -> String {
        let keys = json!({"p256dh": BASE64URL_NOPAD.encode(&self.point()), "auth": BASE64URL_NOPAD.encode(&self.auth)});
        json!({"endpoint": self.endpoint, "expirationTime": null, "keys": keys}).to_string()
    }

    /// What the service worker is handed.
    pub fn decrypt(&self, body: &[u8]) -> Value {
        serde_json::from_slice(&decrypt(&self.key, &self.auth, body)).expect("JSON")
    }
}

struct Length(usize);
impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived(salt: &[u8], secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    extracted.expand(&[info], Length(length)).and_then(|okm| okm.fill(&mut bytes)).expect("HKDF");
    bytes
}

/// RFC 8188, section 2, for one record, with the key of RFC 8291, section 3.4.
fn decrypt(key: &PrivateKey, auth: &[u8], body: &[u8]) -> Vec<u8> {
    let (salt, rest) = body.split_at(16);
    let (size, rest) = rest.split_at(4);
    let (length, rest) = rest.split_at(1);
    let (sender, record) = rest.split_at(usize::from(length[0]));
    assert!(u32::from_be_bytes(size.try_into().unwrap()) as usize >= record.len(), "one record");
    let own = key.compute_public_key().expect("a point");
    let shared = agree(key, UnparsedPublicKey::new(&ECDH_P256, sender), (), |shared| Ok::<_, ()>(shared.to_vec()));
    let info = [b"WebPush: info\0", own.as_ref(), sender].concat();
    let ikm = derived(auth, &shared.expect("ECDH"), &info, 32);
    let cek = derived(salt, &ikm, b"Content-Encoding: aes128gcm\0", 16);
    let nonce = derived(salt, &ikm, b"Content-Encoding: nonce\0", 12);
    let aead = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &cek).expect("a key"));
    let mut plain = record.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(&nonce).expect("a nonce");
    let opened = aead.open_in_place(nonce, Aad::empty(), &mut plain).expect("decryption");
    let end = opened.iter().rposition(|byte| *byte != 0).expect("a delimiter");
    assert_eq!(opened[end], 2, "the last record");
    opened[..end].to_vec()
}

/// RFC 8291, appendix A.
#[test]
fn the_browser_is_one_by_the_rfc() {
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url");
    let key = PrivateKey::from_private_key(&ECDH_P256, &bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"));
    let body = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
    let plain = decrypt(&key.expect("a key"), &bytes("BTBZMqHH6r4Tts7J_aSIgg"), &bytes(body));
    assert_eq!(String::from_utf8_lossy(&plain), "When I grow up, I want to be a watermelon");
}
