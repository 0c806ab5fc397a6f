//! The one-time link by which one device is paired: what it carries, what its device signs for it, and the code that
//! both screens show (NIST SP 800-63B, 4.1.2: 112 bits at least, once, ten minutes).

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::{
    challenge::Subject,
    clock::Timestamp,
    error::Error,
    id::{self, ActionId, AuthenticatorId, TenantId, length_prefixed},
    method::device::DevicePlatform,
    secret::random,
};

/// How long a link is good, from its making to the word of the page.
pub const SECONDS: i64 = 600;

/// What the link carries: 128 random bits. Whoever sees the picture knows it, and the store holds only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingId(String);

impl PairingId {
    pub fn generate() -> Result<Self, Error> {
        Ok(Self(BASE64URL_NOPAD.encode(&random::<16>()?)))
    }

    /// Reads one; `None` for what cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        (bytes.len() == 16).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash under which it is stored.
    pub fn hash(&self) -> String {
        id::digest(&[b"countersign/pairing", self.0.as_bytes()])
    }

    /// Six digits that the page and the device both show, so that a person sees which device it is. Only the first
    /// device that uses the link gets a code, so nobody gains by searching for a key that has a certain code.
    pub fn code(&self, fingerprint: &str) -> String {
        let parts = [b"countersign/pairing/code".as_slice(), self.0.as_bytes(), fingerprint.as_bytes()];
        let hash = digest(&SHA256, &length_prefixed(&parts));
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_ref()[..8]);
        // The last, short run of numbers is a part in 2^44 of all.
        format!("{:06}", u64::from_be_bytes(first) % 1_000_000)
    }
}

/// The address that a page shows as a picture: as short as it can be, because a short one has large squares.
pub fn link(public_url: &str, tenant: &TenantId, id: &PairingId) -> String {
    format!("{public_url}/pair/{tenant}/{}", id.as_str())
}

/// What a device says of a link by its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It wants to be the one that the link pairs.
    Redeem,
    /// It asks what the page has said.
    Status,
}

/// What a device signs, whole: that it has the key, for this link of this tenant and nothing else.
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    pub purpose: Purpose,
    pub tenant: &'a TenantId,
    pub pairing: &'a PairingId,
    /// SHA-256 of the key, hexadecimal.
    pub fingerprint: &'a str,
}

impl Statement<'_> {
    /// The bytes that are signed: each part after its length in four bytes, big-endian, so that no two statements share
    /// them, and none is one of another kind.
    pub fn canonical(&self) -> Vec<u8> {
        let purpose = match self.purpose {
            Purpose::Redeem => "redeem",
            Purpose::Status => "status",
        };
        let parts = ["countersign/pairing/v1", purpose, self.tenant.as_str(), self.pairing.as_str(), self.fingerprint];
        length_prefixed(&parts.map(str::as_bytes))
    }
}

/// A device that used the link, as it describes itself. It has no `Debug`: the token of its push service is an address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Newcomer {
    /// SubjectPublicKeyInfo, base64.
    pub public_key: String,
    pub name: Option<String>,
    pub platform: DevicePlatform,
    pub model: Option<String>,
    pub device_id: Option<String>,
    pub push_token: Option<String>,
    #[serde(default)]
    pub takes_numbers: bool,
    /// Where it was, as the network says it.
    pub ip_address: Option<String>,
}

/// How far a pairing has come. `Open` leads to `Waiting`, that to one of the others, which is final.
#[derive(Clone, PartialEq)]
pub enum State {
    /// Nobody has used the link.
    Open,
    /// One device has. It is not enrolled, and can answer nothing, until the page says that it is the user's.
    Waiting(Box<Newcomer>),
    Confirmed {
        by: AuthenticatorId,
        at: Timestamp,
    },
    Refused,
    Expired,
}

/// One pairing: of one action of one life of a user.
#[derive(Clone, PartialEq)]
pub struct Pairing {
    pub subject: Subject,
    pub action: ActionId,
    pub expires_at: Timestamp,
    /// The fingerprint of the key that used the link.
    pub fingerprint: Option<String>,
    pub state: State,
}

impl Pairing {
    /// A new one; it ends with the token of the page that shows it (Unix seconds), without which nobody can confirm it.
    pub fn new(subject: Subject, action: ActionId, token_ends: i64, now: Timestamp) -> Self {
        let end = (now.as_second() + SECONDS).min(token_ends);
        let expires_at = Timestamp::from_second(end).unwrap_or(now);
        Self { subject, action, expires_at, fingerprint: None, state: State::Open }
    }

    /// As of now: expiry is compared, never awaited.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        match self.state {
            State::Open | State::Waiting(_) if now >= self.expires_at => Self { state: State::Expired, ..self },
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_has_bits_enough_and_is_short() {
        let (one, other) = (PairingId::generate().unwrap(), PairingId::generate().unwrap());
        assert!(one != other && one.as_str().len() == 22 && one.hash() != other.hash());
        assert!(PairingId::parse(one.as_str()).is_some_and(|read| read == one));
        for wrong in ["", "short", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA/", "\u{e9}AAAAAAAAAAAAAAAAAAAA"] {
            assert!(PairingId::parse(wrong).is_none(), "{wrong}");
        }
        let tenant = TenantId::generate();
        // A QR code of version 6 holds 134 bytes at its least correction (ISO/IEC 18004, table 7).
        let longest = "https://abcdefghij.execute-api.ap-southeast-1.amazonaws.com";
        assert!(link(longest, &tenant, &one).len() <= 134);
    }

    #[test]
    fn a_pairing_is_over_when_its_time_or_its_token_is() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let subject = Subject { user: id::UserId::parse("ada").unwrap(), uid: id::UserUid::generate() };
        for (token_ends, end) in [(5000, 1600), (1300, 1300)] {
            let pairing = Pairing::new(subject.clone(), ActionId::generate(), token_ends, at(1000));
            assert!(pairing.clone().at(at(end - 1)).state == State::Open);
            assert!(pairing.at(at(end)).state == State::Expired);
        }
    }

    proptest! {
        /// I4: two statements that differ in anything differ in what is signed.
        #[test]
        fn statements_are_injective(
            (t1, k1, p1) in ("[ab]{1,3}", "[ab]{0,3}", any::<bool>()),
            (t2, k2, p2) in ("[ab]{1,3}", "[ab]{0,3}", any::<bool>()),
        ) {
            let pairing = PairingId("AAAAAAAAAAAAAAAAAAAAAA".into());
            let bytes = |tenant: &str, fingerprint: &str, redeem| {
                let tenant = TenantId::parse(tenant).unwrap();
                let purpose = if redeem { Purpose::Redeem } else { Purpose::Status };
                Statement { purpose, tenant: &tenant, pairing: &pairing, fingerprint }.canonical()
            };
            prop_assert_eq!(bytes(&t1, &k1, p1) == bytes(&t2, &k2, p2), (t1, k1, p1) == (t2, k2, p2));
        }

        #[test]
        fn a_code_has_six_digits_and_is_of_link_and_key(key in "[0-9a-f]{64}") {
            let pairing = PairingId::generate().unwrap();
            let code = pairing.code(&key);
            prop_assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
            prop_assert_eq!(&code, &pairing.code(&key));
        }
    }
}
