//! Forms of the hosted pages that were sent: each counts once.

use data_encoding::HEXLOWER;

use countersign_domain::{
    clock::Timestamp,
    error::Error,
    id::{UserId, UserUid},
    secret::random,
};

use super::{
    Expressions, Refusal, TenantStore,
    item::{n, s},
    keys::{self, attributes::TTL},
};

/// Longer than any token lives, with which a form ends.
const KEPT_SECONDS: i64 = 2 * 3600;

impl TenantStore<'_> {
    /// Spends the nonce of a form; `false` where it was spent before.
    pub async fn spend_form(&self, user: &UserId, uid: &UserUid, nonce: &str, now: Timestamp) -> Result<bool, Error> {
        // A repetition of this write after a lost acknowledgement finds itself.
        let attempt = HEXLOWER.encode(&random::<8>()?);
        let spend = Expressions::default()
            .set("uid = :uid, att = :attempt, #ttl = :ttl")
            .require("attribute_not_exists(pk) OR att = :attempt")
            .name("#ttl", TTL)
            .value(":uid", s(uid.as_str()))
            .value(":attempt", s(attempt))
            .value(":ttl", n(now.as_second() + KEPT_SECONDS));
        match self.update_one(&keys::form(self.tenant, user, nonce), &spend).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}
