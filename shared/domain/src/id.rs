//! Names of things, as types: a function that takes a [`UserId`] cannot be handed an action code.
//!
//! Ids that the customer chooses (users, idempotency keys) may hold any character but control characters; they are never compared
//! after normalisation, so the NFC and NFD spellings of one name are two users. `store::keys` escapes them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Declares an id: a string with a rule, checked once, at the edge.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the rule of this id and answers 400 with that rule where it is broken.
            pub fn parse(text: impl Into<String>) -> Result<Self, Error> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(Error::Invalid($rule.into())) }
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

/// Whether a text has a control character, NUL among them. They are part of no name, and where one is shown, logged or
/// handed on they end a text or a line, or hide a part of it (CWE-158, CWE-117).
pub fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Checks what an administrator calls something: 1 to `most` characters, and none that controls where it is shown. 400
/// that says what to change.
pub fn check_name(field: &str, text: &str, most: usize) -> Result<(), Error> {
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(Error::Invalid(format!("{field} has 1 to {most} characters.")));
    }
    match has_control(text) {
        true => {
            Err(Error::Invalid(format!("{field} has a control character, such as NUL or a line break; leave it out.")))
        }
        false => Ok(()),
    }
}

/// Checks what an administrator writes about something. It may have lines of its own.
pub fn check_description(field: &str, text: Option<&str>, most: usize) -> Result<(), Error> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().count() > most {
        return Err(Error::Invalid(format!("{field} has at most {most} characters.")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::Invalid(format!(
            "{field} has a control character, such as NUL; only line breaks and tabs are taken."
        )));
    }
    Ok(())
}

/// Letters, digits, `_` and `-`; between 1 and 64 of them.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

id!(
    /// A customer of the installation; the first part of every key.
    TenantId, is_code, "A tenant id has 1 to 64 letters, digits, '_' or '-'."
);
id!(
    /// The customer's own name for an end user: any characters but control characters, 1 to 256 bytes.
    UserId, |t| (1..=256).contains(&t.len()) && !has_control(t), "A user id has 1 to 256 bytes and no control characters."
);
id!(
    /// The name of a kind of action, `^[A-Za-z0-9_-]{1,64}$` (contract, section 1.3).
    ActionCode, is_code, "An action code has 1 to 64 letters, digits, '_' or '-'."
);
id!(
    /// The customer's name for one occurrence of an action: any characters but control characters, 1 to 200 bytes.
    IdempotencyKey, |t| (1..=200).contains(&t.len()) && !has_control(t),
    "An idempotency key has 1 to 200 bytes and no control characters."
);
id!(
    /// One enrolled authenticator.
    AuthenticatorId, is_code, "An authenticator id has 1 to 64 letters, digits, '_' or '-'."
);
id!(
    /// One life of an action: a token names it, so that a token dies with its action.
    ActionId, is_code, "An action id has 1 to 64 letters, digits, '_' or '-'."
);
id!(
    /// One life of a user. A user that is deleted and created again has another life, and inherits nothing. A reset
    /// begins another era of the same life: profile and history stay, and tokens, open actions and remembered devices
    /// of the era before are worth nothing.
    UserUid, is_code, "A user uid has 1 to 64 letters, digits, '_' or '-'."
);

id!(
    /// One question to a device.
    ChallengeId, is_code, "A challenge id has 1 to 64 letters, digits, '_' or '-'."
);

id!(
    /// A data point of a tenant.
    PointId, is_code, "A data point's id has 1 to 64 letters, digits, '_' or '-'."
);

id!(
    /// A rule of an action.
    RuleId, is_code, "A rule's id has 1 to 64 letters, digits, '_' or '-'."
);

id!(
    /// What rules call a value list.
    ListAlias, |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
    "The alias of a value list has 1 to 64 lower-case letters, digits or '-'."
);

id!(
    /// The customer's name for a browser or an app: any characters but control characters, up to 1024 bytes; empty for none.
    DeviceName, |t| t.len() <= 1024 && !has_control(t), "A device id has at most 1024 bytes and no control characters."
);

id!(
    /// A browser or an app by the name that a backend gives it: short, whatever that name is.
    DeviceTag, is_code, "A device's tag has 1 to 64 letters, digits, '_' or '-'."
);

impl RuleId {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}
impl DeviceTag {
    /// Half of a SHA-256: nobody finds two names with one tag.
    pub fn of(device: &str) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, device.as_bytes());
        Self(data_encoding::BASE64URL_NOPAD.encode(hash.as_ref().get(..16).unwrap_or_default()))
    }
}
impl PointId {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}
impl ChallengeId {
    /// 128 random bits (NIST SP 800-63B, 3.1.6.2 asks for 64), short enough for a QR code and a push.
    pub fn generate() -> Self {
        Self(data_encoding::BASE64URL_NOPAD.encode(uuid::Uuid::new_v4().as_bytes()))
    }
}
impl AuthenticatorId {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
    /// The id of what has this fingerprint (RFC 9562, section 5.8: a UUID of our own making).
    pub fn of(fingerprint: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(fingerprint).into_uuid().to_string())
    }
}
impl ActionId {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }
    /// The id of an action that rules have seen, from this device. The id says both, so that the write that succeeds
    /// the action knows what to tell the rules without another read (decision 0017). For a remembered device it is a
    /// UUID of version 8 (RFC 9562, section 5.8: of our own making), so that a guess is counted in the budget of
    /// remembered devices (decision 0024).
    pub fn seen_by_rules(device: Option<&DeviceTag>, is_remembered: bool) -> Self {
        let tag = device.map(DeviceTag::as_str).unwrap_or_default();
        let random = uuid::Uuid::new_v4();
        let id = if is_remembered { uuid::Builder::from_custom_bytes(random.into_bytes()).into_uuid() } else { random };
        Self(format!("{}-{tag}", id.simple()))
    }
    /// Whether the action came from a device that was remembered when it was tracked.
    pub fn is_of_remembered_device(&self) -> bool {
        self.of_rules().is_some() && self.0.as_bytes().get(12) == Some(&b'8')
    }
    /// Whether rules have seen the action, and from which device.
    pub fn of_rules(&self) -> Option<Option<DeviceTag>> {
        self.0.split_once('-').map(|(_, tag)| DeviceTag::parse(tag).ok())
    }
}
impl UserUid {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }
    /// The life alone, without the era.
    pub fn life(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
    /// Whether both are of one life, in whichever eras.
    pub fn is_of_same_life(&self, other: &Self) -> bool {
        self.life() == other.life()
    }
    /// The same life after a reset.
    #[must_use]
    pub fn after_reset(&self) -> Self {
        let era = self.0.split_once('-').and_then(|(_, era)| era.parse().ok()).unwrap_or(0_u64);
        Self(format!("{}-{}", self.life(), era.saturating_add(1)))
    }
}
impl IdempotencyKey {
    /// A key for a track that brought none.
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}
impl TenantId {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

/// Joins parts so that no two lists of parts give the same bytes: each is preceded by its length.
pub fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
    for part in parts {
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

/// The SHA-256 of parts, in hexadecimal; no two lists of parts share one.
pub fn digest(parts: &[&[u8]]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &length_prefixed(parts));
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_begins_another_era_of_the_same_life() {
        let first = UserUid::generate();
        let second = first.after_reset();
        let third = second.after_reset();
        assert!(first != second && second != third && first != third);
        assert!(first.is_of_same_life(&third) && !first.is_of_same_life(&UserUid::generate()));
        assert_eq!(UserUid::parse(third.as_str()).unwrap(), third);
    }
}
