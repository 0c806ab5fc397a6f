//! User tokens: what track, and a successful verification, give to the browser or the phone (contract, section 3).
//!
//! A JWT (RFC 7519) signed with HS256 under a key that belongs to one tenant, so that no token of one tenant is
//! one of another's. Every claim is required and checked, and none is added: a header or a claim that we do not
//! write is not ours (RFC 8725).

use std::{fmt, marker::PhantomData};

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    clock::{APART_SECONDS, Timestamp},
    error::Error,
    id::{ActionCode, ActionId, IdempotencyKey, TenantId, UserId, UserUid},
};

/// RFC 8725, section 3.11: says what kind of token it is, so that no other kind passes for it.
const TYPE: &str = "JWT";
const ISSUER: &str = "countersign";

/// The longest that a tenant may let tokens live.
pub const MAX_TOKEN_MINUTES: u32 = 60;

/// What a token may be used for (contract, section 4, scopes).
pub mod scope {
    pub const READ: &str = "read:authenticators";
    pub const ADD: &str = "add:authenticators";
    pub const UPDATE: &str = "update:authenticators";
    pub const REMOVE: &str = "remove:authenticators";

    /// The scope of a token whose action was verified.
    pub const ALL: &str = "read:authenticators add:authenticators update:authenticators remove:authenticators";

    /// Checks the scope that a backend asks for in track; absent is `read:authenticators`.
    pub fn parse(asked: Option<&str>) -> Result<String, crate::error::Error> {
        let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return Ok(READ.into()) };
        match asked.split_ascii_whitespace().find(|word| ![READ, ADD, UPDATE, REMOVE].contains(word)) {
            None => Ok(asked.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
            Some(_) => Err(crate::error::Error::Invalid(format!("scope: send any of {ALL}, separated by spaces."))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    iss: String,
    aud: TenantId,
    pub sub: UserId,
    pub exp: i64,
    iat: i64,
    /// The action that this token belongs to. Once it is deleted, the token is worth nothing.
    pub jti: ActionId,
    pub scope: String,
    #[serde(deserialize_with = "object")]
    pub other: Subject,
}

/// The names that the contract's `other` claim carries, and the life of the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subject {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub user_uid: UserUid,
    pub action_code: ActionCode,
    pub idempotency_key: IdempotencyKey,
}

impl Claims {
    pub fn new(subject: Subject, action: ActionId, scope: String, now: Timestamp, minutes: u32) -> Self {
        Self {
            iss: ISSUER.into(),
            aud: subject.tenant_id.clone(),
            sub: subject.user_id.clone(),
            exp: now.as_second() + i64::from(minutes) * 60,
            iat: now.as_second(),
            jti: action,
            scope,
            other: subject,
        }
    }

    pub fn allows(&self, scope: &str) -> bool {
        self.scope.split_ascii_whitespace().any(|word| word == scope)
    }
}

/// The header that we write, and the only one that we read (RFC 8725, section 3.1): no algorithm to choose, no key
/// or certificate of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    /// `<tenant>.<key id>`: names the tenant before anything else of the token is believed.
    kid: String,
}

/// A token key ready for use.
pub struct SigningKey {
    signs_from: i64,
    /// The first part of each token of this key, as it stands there.
    header: String,
    key: hmac::Key,
}

impl SigningKey {
    pub fn new(tenant: &TenantId, kid: &str, signs_from: i64, bytes: &[u8]) -> Self {
        let header = Header { typ: TYPE.into(), alg: "HS256".into(), kid: format!("{tenant}.{kid}") };
        Self { signs_from, header: encode(&header), key: hmac::Key::new(hmac::HMAC_SHA256, bytes) }
    }

    /// The HMAC of a statement that is no token.
    pub fn seal(&self, statement: &[u8]) -> [u8; 32] {
        let mut seal = [0; 32];
        seal.copy_from_slice(hmac::sign(&self.key, statement).as_ref());
        seal
    }
}

/// One part of a token: JSON in base64url without padding (RFC 7515, section 3.1).
fn encode(part: &impl Serialize) -> String {
    // What we write are structs of strings and numbers, for which this cannot fail; an empty part opens nowhere.
    BASE64URL_NOPAD.encode(&serde_json::to_vec(part).unwrap_or_default())
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Error> {
    let json = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| not_ours())?;
    let mut reader = serde_json::Deserializer::from_slice(&json);
    object(&mut reader).and_then(|part| reader.end().map(|()| part)).map_err(|_| not_ours())
}

/// Reads a struct from an object alone: serde would fill it from a list too.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(entries))
        }
    }
    deserializer.deserialize_map(Object(PhantomData))
}

/// The tenant that a token claims to be of; decides only which keys to try.
pub fn claimed_tenant(token: &str) -> Result<TenantId, Error> {
    let header: Header = decode(token.split('.').next().unwrap_or_default())?;
    let tenant = header.kid.rsplit_once('.').and_then(|(tenant, _)| TenantId::parse(tenant).ok());
    tenant.ok_or_else(not_ours)
}

/// Signs with the newest key that may sign by now; keys stand newest first.
pub fn issue(keys: &[SigningKey], claims: &Claims, now: Timestamp) -> Result<String, Error> {
    let key = keys
        .iter()
        .find(|key| key.signs_from <= now.as_second())
        .or(keys.last())
        .ok_or_else(|| Error::unavailable("the tenant has no token key"))?;
    let mut token = format!("{}.{}", key.header, encode(claims));
    let signature = hmac::sign(&key.key, token.as_bytes());
    token.push('.');
    BASE64URL_NOPAD.encode_append(signature.as_ref(), &mut token);
    Ok(token)
}

/// Opens a token of this tenant: 401 `invalid_token` for one that is not ours, or not yet anybody's; 401 `expired_token` for
/// one that is over.
pub fn open(keys: &[SigningKey], tenant: &TenantId, token: &str, now: Timestamp) -> Result<Claims, Error> {
    let claims = open_over(keys, tenant, token)?;
    if now.as_second() >= claims.exp {
        return Err(Error::ExpiredToken);
    }
    if claims.iat > now.as_second() + APART_SECONDS {
        return Err(Error::InvalidToken(
            "The token is of a time that has not come yet: the server's clock was ahead. Track the action again."
                .into(),
        ));
    }
    Ok(claims)
}

/// The same for a token that may be over. It may say where somebody came from, and open nothing.
pub fn open_over(keys: &[SigningKey], tenant: &TenantId, token: &str) -> Result<Claims, Error> {
    let (message, signature) = token.rsplit_once('.').ok_or_else(not_ours)?;
    let (header, payload) = message.split_once('.').ok_or_else(not_ours)?;
    let key = keys.iter().find(|key| key.header == header).ok_or_else(not_ours)?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| not_ours())?;
    // Compares in constant time.
    hmac::verify(&key.key, message.as_bytes(), &signature).map_err(|_| not_ours())?;
    let claims: Claims = decode(payload)?;
    let consistent = claims.iss == ISSUER
        && claims.aud == *tenant
        && claims.other.tenant_id == *tenant
        && claims.sub == claims.other.user_id
        && claims.iat < claims.exp;
    if consistent { Ok(claims) } else { Err(not_ours()) }
}

/// What a token that we did not issue is told.
pub fn not_ours() -> Error {
    Error::InvalidToken("The token is not one that this server issued. Track the action again to get a new one.".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
    fn tenant(id: &str) -> TenantId {
        TenantId::parse(id).unwrap()
    }
    fn key(id: &str, kid: &str, signs_from: i64) -> SigningKey {
        SigningKey::new(&tenant(id), kid, signs_from, format!("bytes of {id} {kid}").as_bytes())
    }
    fn claims(user: &str, now: i64) -> Claims {
        let subject = Subject {
            tenant_id: tenant("a"),
            user_id: UserId::parse(user).unwrap(),
            user_uid: UserUid::generate(),
            action_code: ActionCode::parse("signIn").unwrap(),
            idempotency_key: IdempotencyKey::parse("k").unwrap(),
        };
        Claims::new(subject, ActionId::generate(), scope::READ.into(), at(now), 10)
    }

    proptest! {
        /// What was issued opens, until its last second, and nothing else does.
        #[test]
        fn a_token_says_what_was_sealed(user in "\\PC{1,40}", now in 0_i64..4_000_000_000, later in 0_i64..2_000) {
            let keys = [key("a", "1", 0)];
            let claims = claims(&user, now);
            let token = issue(&keys, &claims, at(now)).unwrap();
            prop_assert_eq!(claimed_tenant(&token).unwrap(), tenant("a"));
            match open(&keys, &tenant("a"), &token, at(now + later)) {
                Ok(opened) => prop_assert!(later < 600 && opened == claims),
                Err(error) => prop_assert!(later >= 600 && matches!(error, Error::ExpiredToken)),
            }
            prop_assert!(open(&[key("b", "1", 0)], &tenant("b"), &token, at(now)).is_err());
            prop_assert!(open(&keys, &tenant("b"), &token, at(now)).is_err());
        }

        /// No character of a token can be changed.
        #[test]
        fn a_changed_token_is_none(position in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.=-]") {
            let keys = [key("a", "1", 0)];
            let claims = claims("ada", 0);
            let token = issue(&keys, &claims, at(0)).unwrap();
            let position = position.index(token.len());
            let changed = format!("{}{with}{}", &token[..position], &token[position + 1..]);
            prop_assume!(changed != token);
            if let Ok(opened) = open(&keys, &tenant("a"), &changed, at(0)) {
                // The last character of base64 has bits that mean nothing.
                prop_assert!(position == token.len() - 1 && opened == claims);
            }
        }
    }

    #[test]
    fn a_new_key_signs_when_its_time_has_come() {
        let keys = [key("a", "2", 100), key("a", "1", 0)];
        let signed_by = |now| {
            let token = issue(&keys, &claims("ada", now), at(now)).unwrap();
            assert!(open(&keys, &tenant("a"), &token, at(now)).is_ok());
            jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
        };
        assert_eq!(signed_by(99), "a.1");
        assert_eq!(signed_by(100), "a.2");
    }

    #[test]
    fn scopes_are_the_four_of_the_contract() {
        assert_eq!(scope::parse(None).unwrap(), scope::READ);
        assert_eq!(
            scope::parse(Some(" add:authenticators  read:authenticators ")).unwrap(),
            "add:authenticators read:authenticators"
        );
        assert!(scope::parse(Some("read:authenticators admin")).is_err());
    }
}
