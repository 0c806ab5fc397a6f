//! What a tenant takes: its relying party, the origins and frames of its pages and apps, and which authenticators.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Host;

use super::refusal::Refusal;
use crate::web;

/// Declares serde by text for what has `parse` and `Display`.
macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

/// The domain that passkeys are bound to, for ever: under another id they are other passkeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RpId(String);

impl RpId {
    /// A domain in lower case. Browsers refuse IP addresses ("This is an invalid domain") and bare top-level domains.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::RelyingPartyId(text.chars().take(260).collect());
        let url = web::read(&format!("https://{text}")).map_err(|_| wrong())?;
        let Some(Host::Domain(domain)) = url.host() else { return Err(wrong()) };
        let is_domain = domain == text && (domain.contains('.') || domain == "localhost") && domain.len() <= 253;
        if is_domain { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether pages there may use it without being listed (5.1.3: the domain or a part under it).
    fn covers(&self, host: &str) -> bool {
        host == self.0 || host.strip_suffix(&self.0).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl fmt::Display for RpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
as_text!(RpId);

/// Where a ceremony may run, written exactly as the client says it: a page, or an Android app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Before the SHA-256 of an app's certificate (Android's Credential Manager).
const ANDROID: &str = "android:apk-key-hash:";

impl Origin {
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::Origin(text.chars().take(260).collect());
        if let Some(hash) = text.strip_prefix(ANDROID) {
            let is_sha256 = BASE64URL_NOPAD.decode(hash.as_bytes()).is_ok_and(|bytes| bytes.len() == 32);
            return if is_sha256 { Ok(Self(text.to_owned())) } else { Err(wrong()) };
        }
        let url = web::read(text).map_err(|_| wrong())?;
        // WebAuthn needs a domain and a secure context: https, or localhost (Secure Contexts, 3.1).
        let is_secure = url.scheme() == "https" || web::is_loopback(&url);
        let is_domain = matches!(url.host(), Some(Host::Domain(_)));
        if is_secure && is_domain && web::origin(&url) == text { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_app(&self) -> bool {
        self.0.starts_with(ANDROID)
    }

    /// The host of a page's origin: what stands between scheme and port.
    fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        rest.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
as_text!(Origin);

/// Whether ceremonies may run in a frame of another site, as the contract's popup does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frames {
    Refused,
    Within {
        /// The pages that may be around the frame.
        top_origins: Vec<Origin>,
        /// Whether a browser may leave out which page that is, as those of WebAuthn Level 2 do. Which pages may frame
        /// ours is then said by `frame-ancestors` alone.
        accepts_unnamed: bool,
    },
}

/// Whose passkeys they are, and where they are used.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: RpId,
    /// What people read when they make one.
    pub name: String,
    origins: Vec<Origin>,
    /// Pages of other domains that use the same passkeys (Related Origin Requests, 5.11).
    related: Vec<Origin>,
    frames: Frames,
}

impl RelyingParty {
    /// Checks that each origin can work: under the id, or listed as related. Browsers would refuse the others, and only
    /// the user would learn it.
    pub fn new(id: RpId, name: String, origins: Vec<Origin>, related: Vec<Origin>) -> Result<Self, Refusal> {
        let foreign = origins.iter().find(|origin| !origin.is_app() && !id.covers(origin.host()));
        if let Some(origin) = foreign {
            return Err(Refusal::UnrelatedOrigin(origin.to_string(), id.to_string()));
        }
        // An app is not related by the document below, but by `assetlinks.json`.
        if let Some(app) = related.iter().find(|origin| origin.is_app()) {
            return Err(Refusal::Origin(app.to_string()));
        }
        Ok(Self { id, name, origins, related, frames: Frames::Refused })
    }

    #[must_use]
    pub fn with_frames(self, frames: Frames) -> Self {
        Self { frames, ..self }
    }

    pub fn id(&self) -> &RpId {
        &self.id
    }

    pub fn frames(&self) -> &Frames {
        &self.frames
    }

    /// Whether it is one of the listed ones, to the letter.
    pub fn has_origin(&self, origin: &str) -> bool {
        self.origins.iter().chain(&self.related).any(|known| known.as_str() == origin)
    }

    /// What `/.well-known/webauthn` answers on the relying party's domain (5.11.1); nothing where nothing is related.
    pub fn related_origins(&self) -> Option<Value> {
        (!self.related.is_empty()).then(|| json!({"origins": self.related}))
    }
}

/// Whether the authenticator has to ask for PIN, fingerprint or face (5.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    Required,
    Preferred,
    Discouraged,
}

/// The model of an authenticator (6.5.1); all zero where it does not say. Without attestation it is a claim: it names
/// passkeys for their owner, and keeps out honest ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Aaguid(pub [u8; 16]);

impl Aaguid {
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::Aaguid(text.chars().take(60).collect());
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let hex = text.replace('-', "");
        let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| wrong())?;
        match bytes.try_into() {
            Ok(bytes) if lengths == [8, 4, 4, 4, 12] => Ok(Self(bytes)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Aaguid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if [4, 6, 8, 10].contains(&at) { "-" } else { "" };
            write!(f, "{dash}{}", HEXLOWER.encode(&[*byte]))?;
        }
        Ok(())
    }
}
as_text!(Aaguid);

/// Which new credentials are taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Whether those that are synced between devices are (BE, 6.1.3).
    pub synced: bool,
    /// The models that are taken; empty for all.
    pub allowed: Vec<Aaguid>,
    /// The models that are not.
    pub denied: Vec<Aaguid>,
    /// Whether attestation that nobody asked for is refused; else it is not looked at.
    pub only_unattested: bool,
}

impl Default for Taken {
    fn default() -> Self {
        Self { synced: true, allowed: Vec::new(), denied: Vec::new(), only_unattested: false }
    }
}

impl Taken {
    pub fn check_model(&self, model: Aaguid) -> Result<(), Refusal> {
        let is_taken = (self.allowed.is_empty() || self.allowed.contains(&model)) && !self.denied.contains(&model);
        is_taken.then_some(()).ok_or_else(|| Refusal::Model(model.to_string()))
    }
}
