//! Pushes to browsers: RFC 8030, encrypted by RFC 8291, signed by RFC 8292 (VAPID).

use std::{sync::OnceLock, time::Duration};

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::http::{Request, StatusCode, header};
use data_encoding::BASE64URL_NOPAD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio::time::timeout;
use url::Url;
use web_push_native::{Auth, encrypt, p256::PublicKey};

use super::{Push, Refusal, payload};
use crate::{clock::Timestamp, error::Error, id::TenantId, method::subscription::Subscription, store::cause::chain};

/// How long a push service has to answer; after that the push is sent again later.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a signature is good for; RFC 8292 (section 2) allows a day.
const SIGNED_SECONDS: i64 = 3600;

/// A tenant's key to the push services of browsers.
pub struct Vapid {
    pair: EcdsaKeyPair,
    public: [u8; 65],
    /// Whom a push service may write to: `mailto:` or `https:` (RFC 8292, section 2.1).
    subject: String,
}

impl Vapid {
    /// The key pair of 256 secret bits; fails where they are no scalar of P-256, once in 2^32.
    pub fn new(secret: &[u8], subject: &str) -> Result<Self, Error> {
        let wrong = |_| Error::internal("the web push key is no key of P-256");
        let agreement =
            PrivateKey::from_private_key(&ECDH_P256, secret).map_err(|_| Error::internal("no P-256 key"))?;
        let point = agreement.compute_public_key().map_err(wrong)?;
        let public = point.as_ref().try_into().map_err(|_| Error::internal("no point of P-256"))?;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, secret, point.as_ref());
        let pair = pair.map_err(|_| Error::internal("the web push key is no key of P-256"))?;
        Ok(Self { pair, public, subject: subject.to_owned() })
    }

    /// What a page gives to `pushManager.subscribe` as `applicationServerKey`.
    pub fn public_key(&self) -> String {
        BASE64URL_NOPAD.encode(&self.public)
    }

    /// The value of `Authorization` for a push service (RFC 8292, section 3).
    fn authorization(&self, service: &Url, now: Timestamp) -> Result<String, Error> {
        let claims = json!({
            "aud": service.origin().ascii_serialization(),
            "exp": now.as_second() + SIGNED_SECONDS,
            "sub": self.subject,
        });
        let part = |json: serde_json::Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let signed = format!("{}.{}", part(json!({"typ": "JWT", "alg": "ES256"})), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| Error::unavailable("the web push key does not sign"))?;
        let signature = BASE64URL_NOPAD.encode(signature.as_ref());
        Ok(format!("vapid t={signed}.{signature}, k={}", self.public_key()))
    }
}

/// A tenant's new web push key: sealed, and its public half for the pages.
pub async fn new_key(app: &crate::app::App, tenant: &TenantId) -> Result<(String, String), Error> {
    for _ in 0..3 {
        let sealed = app.keyring().new_web_push_key(tenant).await?;
        let secret = app.keyring().open_web_push_key(tenant, &sealed).await?;
        if let Ok(vapid) = Vapid::new(&secret, "") {
            return Ok((sealed, vapid.public_key()));
        }
    }
    Err(Error::internal("no web push key could be made"))
}

type Connector = HttpsConnector<HttpConnector>;

/// The client for push services. It follows no redirect.
#[derive(Default)]
pub struct Browsers {
    /// Made when it is first needed: most functions never push to a browser, and a cold start would pay for it.
    client: OnceLock<Result<Client<Connector, Full<Bytes>>, rustls::Error>>,
}

fn client() -> Result<Client<Connector, Full<Bytes>>, rustls::Error> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let https = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider)?;
    Ok(Client::builder(TokioExecutor::new()).build(https.https_or_http().enable_http1().build()))
}

impl Browsers {
    pub(super) async fn send(&self, push: &Push<'_>, token: &str) -> Result<(), Refusal> {
        let (Some(vapid), Some(web)) = (&push.vapid, &push.settings.web) else {
            return Err(Refusal::NotConfigured("web push"));
        };
        // The list of services may have become shorter since it was enrolled.
        let to = Subscription::parse(token, &web.services).map_err(|_| Refusal::Gone("invalid_push_token"))?;
        let request = request(&to, vapid, push)?;
        let later = |cause: String| Refusal::Later(cause);
        let client = self.client.get_or_init(client).as_ref().map_err(|error| later(error.to_string()))?;
        let answer = timeout(PATIENCE, client.request(request)).await;
        let answer = answer.map_err(|_| later("the push service did not answer".into()))?;
        let answer = answer.map_err(|error| later(chain(&error)))?;
        let (status, body) = (answer.status(), answer.into_body());
        // Read to its end, so that the connection can be used again; bounded, because a stranger sends it.
        let _ = timeout(PATIENCE, http_body_util::Limited::new(body, 4096).collect()).await;
        refusal(status)
    }
}

/// What an answer means (RFC 8030, sections 5 and 7.3; RFC 8292, section 4.2).
fn refusal(status: StatusCode) -> Result<(), Refusal> {
    match status.as_u16() {
        200..=299 => Ok(()),
        404 | 410 => Err(Refusal::Gone("subscription_expired")),
        // It was made for another `applicationServerKey`.
        403 => Err(Refusal::Gone("subscription_of_another_key")),
        400..=428 => Err(Refusal::NotConfigured("the push service refuses what it is sent")),
        _ => Err(Refusal::Later(format!("the push service answered {status}"))),
    }
}

fn request(to: &Subscription, vapid: &Vapid, push: &Push<'_>) -> Result<Request<Full<Bytes>>, Refusal> {
    let (title, body) = payload::encrypted_text(push);
    let text = json!({"title": title, "body": body, "challengeId": push.challenge.as_str()});
    let point = PublicKey::from_sec1_bytes(&to.p256dh).map_err(|_| Refusal::Gone("invalid_push_token"))?;
    let sealed = encrypt(text.to_string().into_bytes(), &point, Auth::from_slice(&to.auth));
    let sealed = sealed.map_err(|error| Refusal::Later(error.to_string()))?;
    let signed = vapid.authorization(&to.endpoint, push.now).map_err(|error| Refusal::Later(error.to_string()))?;
    // At most 32 characters of base64url (RFC 8030, section 5.4); a second push takes the place of the first.
    let topic = digest::digest(&digest::SHA256, push.challenge.as_str().as_bytes());
    let request = Request::post(to.endpoint.as_str())
        .header("TTL", push.seconds.max(0))
        .header("Urgency", "high")
        .header("Topic", BASE64URL_NOPAD.encode(&topic.as_ref()[..24]))
        .header(header::CONTENT_ENCODING, "aes128gcm")
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::AUTHORIZATION, signed)
        .body(Full::new(Bytes::from(sealed)));
    request.map_err(|_| Refusal::Gone("invalid_push_token"))
}
