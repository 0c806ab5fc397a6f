//! The keys of the one table: where each thing stands, and why no id can forge another's place.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | user | `T#t#U#u` | `USER` |
//! | profile | `T#t#U#u` | `PROFILE` |
//! | authenticator | `T#t#U#u` | `AUTH#id` |
//! | action | `T#t#U#u` | `ACTION#code#key` |
//! | what rules remember | `T#t#U#u` | `RECENT` |
//! | device of a user | `T#t#U#u` | `DEVICE#tag` |
//! | form that was sent | `T#t#U#u` | `FORM#nonce` |
//! | recovery codes | `T#t#U#u` | `RECOVERY` |
//! | what happened | `T#t#U#u` | `EVENT#time#random` |
//! | last steps of apps that are gone | `T#t#S#sha256(u)` | `SPENT` |
//! | contact | `T#t#EMAIL#e`, `T#t#PHONE#p`, `T#t#USERNAME#n` | `U#u` |
//! | challenge | `T#t#C#id` | `CHALLENGE` |
//! | what a source began | `T#t#S#source` | `WINDOW#number` |
//! | what strangers began | `T#t#S` | `TOTAL#number` |
//! | pairing | `T#t#P#sha256` | `PAIRING` |
//! | credential | `T#t#K#sha256` | `CREDENTIAL#method` |
//! | tenant | `T#t` | `TENANT`, `ACTIONCONFIG#code`, `RULE#code#priority`, `LIST#alias`, `POINT#id`, `ENFORCEMENT`, `REQUIRED#id` |
//! | look of pages | `T#t#LOOK` | `THEME`, `MESSAGES` |
//! | API key | `KEY#sha256` | `KEY` |
//! | proof of readiness | `READY` | `READY` |
//!
//! User items are in one index too, by `T#t#shard`: a list for people who look, which decides nothing.

pub mod attributes;

use std::fmt::Write;

use countersign_domain::{
    id::{
        ActionCode, AuthenticatorId, ChallengeId, DeviceTag, IdempotencyKey, ListAlias, PointId, TenantId, UserId,
        digest,
    },
    method::Method,
    pairing::PairingId,
    source::{Source, Window},
    user::{ContactKind, RequiredAction},
};

/// Partition and sort key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

pub const USER: &str = "USER";
pub const PROFILE: &str = "PROFILE";
pub const AUTHENTICATOR: &str = "AUTH#";
pub const ACTION: &str = "ACTION#";
pub const RECENT: &str = "RECENT";
pub const DEVICE: &str = "DEVICE#";
pub const FORM: &str = "FORM#";
pub const RECOVERY: &str = "RECOVERY";
pub const EVENT: &str = "EVENT#";
pub const TENANT: &str = "TENANT";
pub const POINT: &str = "POINT#";
pub const ACTION_CONFIG: &str = "ACTIONCONFIG#";
pub const ENFORCEMENT: &str = "ENFORCEMENT";
pub const REQUIRED: &str = "REQUIRED#";
pub const RULE: &str = "RULE#";
pub const LIST: &str = "LIST#";
pub const THEME: &str = "THEME";
pub const MESSAGES: &str = "MESSAGES";
pub const WINDOW: &str = "WINDOW#";
pub const READY: &str = "READY";

/// Writes the separator, the escape sign and control characters as `%XX`, and everything else as it is: what
/// comes out holds no `#`, and two texts that differ in any byte stay different.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '#' | '%' | '|') || c.is_ascii_control() {
            let _ = write!(escaped, "%{:02X}", c as u32);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub fn user_partition(tenant: &TenantId, user: &UserId) -> String {
    format!("T#{tenant}#U#{}", escape(user.as_str()))
}

/// What the partitions of a tenant's users begin with.
pub fn user_partition_prefix(tenant: &TenantId) -> String {
    format!("T#{tenant}#U#")
}
/// The user whose partition this is.
pub fn partition_user(tenant: &TenantId, pk: &str) -> Option<UserId> {
    let user = pk.strip_prefix(&user_partition_prefix(tenant))?;
    UserId::parse(unescape(user)).ok()
}

fn in_user(tenant: &TenantId, user: &UserId, sk: impl Into<String>) -> Key {
    Key { pk: user_partition(tenant, user), sk: sk.into() }
}

pub fn user(tenant: &TenantId, user: &UserId) -> Key {
    in_user(tenant, user, USER)
}
pub fn profile(tenant: &TenantId, user: &UserId) -> Key {
    in_user(tenant, user, PROFILE)
}
pub fn authenticator(tenant: &TenantId, user: &UserId, id: &AuthenticatorId) -> Key {
    in_user(tenant, user, format!("{AUTHENTICATOR}{id}"))
}
pub fn action(tenant: &TenantId, user: &UserId, code: &ActionCode, key: &IdempotencyKey) -> Key {
    in_user(tenant, user, format!("{ACTION}{code}#{}", escape(key.as_str())))
}

pub fn recent(tenant: &TenantId, user: &UserId) -> Key {
    in_user(tenant, user, RECENT)
}
pub fn device(tenant: &TenantId, user: &UserId, tag: &DeviceTag) -> Key {
    in_user(tenant, user, format!("{DEVICE}{tag}"))
}
pub fn recovery(tenant: &TenantId, user: &UserId) -> Key {
    in_user(tenant, user, RECOVERY)
}
/// In a partition of its own, because it outlives the user. The partition is named by a hash, so that the table does
/// not tell whose it was.
pub fn spent(tenant: &TenantId, user: &UserId) -> Key {
    let whose = digest(&[tenant.as_str().as_bytes(), user.as_str().as_bytes()]);
    Key { pk: format!("T#{tenant}#S#{whose}"), sk: "SPENT".into() }
}
/// `at` sorts by time: milliseconds in 13 digits, and what tells two of one moment apart.
pub fn event(tenant: &TenantId, user: &UserId, at: &str) -> Key {
    in_user(tenant, user, format!("{EVENT}{at}"))
}
/// `nonce` is base64url, which holds no separator.
pub fn form(tenant: &TenantId, user: &UserId, nonce: &str) -> Key {
    in_user(tenant, user, format!("{FORM}{nonce}"))
}

pub fn contact_partition(tenant: &TenantId, kind: ContactKind, value: &str) -> String {
    let kind = match kind {
        ContactKind::Email => "EMAIL",
        ContactKind::Phone => "PHONE",
        ContactKind::Username => "USERNAME",
    };
    format!("T#{tenant}#{kind}#{}", escape(value))
}
pub fn contact_sort(user: &UserId) -> String {
    format!("U#{}", escape(user.as_str()))
}
/// The user that a contact's sort key names.
pub fn contact_user(sk: &str) -> Option<UserId> {
    sk.strip_prefix("U#").and_then(|user| UserId::parse(unescape(user)).ok())
}

pub fn challenge(tenant: &TenantId, id: &ChallengeId) -> Key {
    Key { pk: format!("T#{tenant}#C#{id}"), sk: "CHALLENGE".into() }
}
pub fn source_partition(tenant: &TenantId, source: &Source) -> String {
    format!("T#{tenant}#S#{}", escape(&source.name()))
}
/// Numbers of windows have ten digits, so that they sort by time.
pub fn source(tenant: &TenantId, source: &Source, window: Window) -> Key {
    Key { pk: source_partition(tenant, source), sk: format!("{WINDOW}{:010}", window.0) }
}
/// The window that a sort key names.
pub fn source_window(sk: &str) -> Option<Window> {
    sk.strip_prefix(WINDOW)?.parse().ok().map(Window)
}
/// All strangers of a tenant together.
pub fn strangers(tenant: &TenantId, window: Window) -> Key {
    Key { pk: format!("T#{tenant}#S"), sk: format!("TOTAL#{:010}", window.0) }
}
/// By the hash of what its link carries.
pub fn pairing(tenant: &TenantId, id: &PairingId) -> Key {
    Key { pk: format!("T#{tenant}#P#{}", id.hash()), sk: "PAIRING".into() }
}
/// A device's key, by its fingerprint: one key of one method belongs to one user.
pub fn credential(tenant: &TenantId, method: Method, fingerprint: &str) -> Key {
    Key { pk: format!("T#{tenant}#K#{fingerprint}"), sk: format!("CREDENTIAL#{}", method.as_str()) }
}

pub fn tenant_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}")
}
pub fn tenant(tenant: &TenantId) -> Key {
    Key { pk: tenant_partition(tenant), sk: TENANT.into() }
}
pub fn action_config(tenant: &TenantId, code: &ActionCode) -> Key {
    Key { pk: tenant_partition(tenant), sk: format!("{ACTION_CONFIG}{code}") }
}
pub fn point(tenant: &TenantId, id: &PointId) -> Key {
    Key { pk: tenant_partition(tenant), sk: format!("{POINT}{id}") }
}
pub fn enforcement(tenant: &TenantId) -> Key {
    Key { pk: tenant_partition(tenant), sk: ENFORCEMENT.into() }
}
pub fn required_action(tenant: &TenantId, action: RequiredAction) -> Key {
    Key { pk: tenant_partition(tenant), sk: format!("{REQUIRED}{}", action.as_str()) }
}
/// A part of the index of users.
pub fn users_shard(tenant: &TenantId, shard: u8) -> String {
    format!("T#{tenant}#{shard}")
}
/// The actions of one kind of a user, by their sort key.
pub fn actions_of(code: &ActionCode) -> String {
    format!("{ACTION}{code}#")
}
/// The rules of an action, by their sort key.
pub fn rules_of(code: &ActionCode) -> String {
    format!("{RULE}{code}#")
}
/// The place of a rule is its priority: two rules of one action cannot have the same.
pub fn rule(tenant: &TenantId, code: &ActionCode, priority: u8) -> Key {
    Key { pk: tenant_partition(tenant), sk: format!("{}{priority:02}", rules_of(code)) }
}
pub fn list(tenant: &TenantId, alias: &ListAlias) -> Key {
    Key { pk: tenant_partition(tenant), sk: format!("{LIST}{alias}") }
}
/// Apart from the rest of the tenant, which every call reads.
pub fn look_partition(tenant: &TenantId) -> String {
    format!("T#{tenant}#LOOK")
}
pub fn theme(tenant: &TenantId) -> Key {
    Key { pk: look_partition(tenant), sk: THEME.into() }
}
pub fn messages(tenant: &TenantId) -> Key {
    Key { pk: look_partition(tenant), sk: MESSAGES.into() }
}
pub fn api_key(hash: &str) -> Key {
    Key { pk: format!("KEY#{hash}"), sk: "KEY".into() }
}
pub fn ready() -> Key {
    Key { pk: READY.into(), sk: READY.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ids made of what could break a key: separators, escapes of separators, what turns a text around, both
    /// spellings of one letter.
    fn hostile() -> impl Strategy<Value = String> {
        let parts = [
            "#", "|", "%", "%23", "%25", "\u{202e}", "U#", "T#a", "ACTION#", "e\u{301}", "\u{e9}", "a", "USER", "/", "",
        ];
        prop::collection::vec(prop::sample::select(parts.to_vec()), 1..6).prop_map(|parts| parts.concat())
    }

    fn user_id() -> impl Strategy<Value = UserId> {
        hostile().prop_filter_map("empty", |text| UserId::parse(text).ok())
    }
    fn idempotency_key() -> impl Strategy<Value = IdempotencyKey> {
        hostile().prop_filter_map("empty", |text| IdempotencyKey::parse(text).ok())
    }
    fn tenant_id() -> impl Strategy<Value = TenantId> {
        prop::sample::select(vec!["a", "a-b", "A", "T"]).prop_map(|text| TenantId::parse(text).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// I6: two different things never share a key.
        #[test]
        fn keys_are_injective(
            (t1, u1, k1) in (tenant_id(), user_id(), idempotency_key()),
            (t2, u2, k2) in (tenant_id(), user_id(), idempotency_key()),
        ) {
            let code = ActionCode::parse("signIn").unwrap();
            let same = (&t1, &u1, &k1) == (&t2, &u2, &k2);
            prop_assert_eq!(action(&t1, &u1, &code, &k1) == action(&t2, &u2, &code, &k2), same);
            prop_assert_eq!(user(&t1, &u1) == user(&t2, &u2), (&t1, &u1) == (&t2, &u2));
            let foreign = [profile(&t2, &u2), tenant(&t2), action(&t2, &u2, &code, &k2), api_key(u2.as_str())];
            prop_assert!(!foreign.contains(&user(&t1, &u1)));
        }

        #[test]
        fn a_contact_names_its_user(user in user_id()) {
            prop_assert_eq!(contact_user(&contact_sort(&user)), Some(user));
        }

        /// DynamoDB allows 2048 bytes for a partition key and 1024 for a sort key.
        #[test]
        fn keys_fit(filler in prop::sample::select(vec!['#', 'a', '%', '\u{e9}'])) {
            let user_id = UserId::parse(filler.to_string().repeat(256 / filler.len_utf8())).unwrap();
            let key = IdempotencyKey::parse(filler.to_string().repeat(200 / filler.len_utf8())).unwrap();
            let tenant = TenantId::parse("t".repeat(64)).unwrap();
            let code = ActionCode::parse("c".repeat(64)).unwrap();
            let key = action(&tenant, &user_id, &code, &key);
            prop_assert!(key.pk.len() <= 2048 && key.sk.len() <= 1024);
        }
    }
}
