//! Claiming a code that was scanned: the device that asks first has it, for a short while.

use countersign_domain::{
    challenge::{Challenge, State},
    clock::Timestamp,
    error::Error,
};

use super::{
    Credential, Expressions, Refusal, TenantStore,
    challenges::read_challenge,
    item::{s, time},
    keys::{self, attributes::EXPIRES_AT},
};

/// A device that has claimed a code answers in this time (security.md, T24).
const CLAIMED_SECONDS: i64 = 120;

impl TenantStore<'_> {
    /// Gives a challenge to the device that asks first, for two minutes at most; `None` where another has it, or it is
    /// over. The same device again gets the same answer, and no more time.
    pub async fn claim(
        &self,
        challenge: &Challenge,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Option<Challenge>, Error> {
        let soon = Timestamp::from_second(now.as_second() + CLAIMED_SECONDS).map_err(Error::internal)?;
        let claim = Expressions::default()
            .set("cl = :device, us = :user, uid = :uid, #exp = :until")
            .require("st = :pending AND #exp > :now AND attribute_not_exists(cl)")
            .require("attribute_not_exists(uid) OR uid = :uid")
            .name("#exp", EXPIRES_AT)
            .value(":device", s(credential.authenticator.as_str()))
            .value(":user", s(credential.user.as_str()))
            .value(":uid", s(credential.uid.as_str()))
            .value(":pending", s(State::Pending.as_str()))
            .value(":until", time(challenge.expires_at.min(soon)))
            .value(":now", time(now));
        match self.update_one(&keys::challenge(self.tenant, &challenge.id), &claim).await {
            Ok(item) => read_challenge(&challenge.id, &item).map(Some),
            Err(Refusal::Condition(None)) => Ok(None),
            Err(Refusal::Condition(Some(item))) => {
                let found = read_challenge(&challenge.id, &item)?;
                let is_theirs = found.claimed_by.as_ref() == Some(&credential.authenticator)
                    && found.may_be_answered_by(&credential.uid, &credential.authenticator);
                Ok((is_theirs && found.state_at(now) == State::Pending).then_some(found))
            }
            Err(other) => Err(other.into()),
        }
    }
}
