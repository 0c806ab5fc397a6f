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
    item::{Row, n, s, time},
    keys::{
        self,
        attributes::{AT, TTL},
    },
};

/// Longer than any token lives, with which a form ends.
const KEPT_SECONDS: i64 = 2 * 3600;

impl TenantStore<'_> {
    /// Spends a form, by what its seal is known by; gives when it was spent first, where that was before.
    pub async fn spend_form(
        &self,
        user: &UserId,
        uid: &UserUid,
        form: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        // A repetition of this write after a lost acknowledgement finds itself.
        let attempt = HEXLOWER.encode(&random::<8>()?);
        let spend = Expressions::default()
            .set("uid = :uid, att = :attempt, #at = if_not_exists(#at, :now), #ttl = :ttl")
            .require("attribute_not_exists(pk) OR att = :attempt")
            .name("#ttl", TTL)
            .name("#at", AT)
            .value(":now", time(now))
            .value(":uid", s(uid.as_str()))
            .value(":attempt", s(attempt))
            .value(":ttl", n(now.as_second() + KEPT_SECONDS));
        match self.update_one(&keys::form(self.tenant, user, form), &spend).await {
            Ok(_) => Ok(None),
            Err(Refusal::Condition(was)) => {
                let first = was.map(|was| Row(&was).time_opt(AT)).transpose()?.flatten();
                Ok(Some(first.unwrap_or(now)))
            }
            Err(other) => Err(other.into()),
        }
    }
}
