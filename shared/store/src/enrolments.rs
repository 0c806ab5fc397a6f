//! Enrolments that are under way: a secret that was given out, and who may enrol.

use aws_sdk_dynamodb::types::AttributeValue;

use countersign_domain::{
    action::{State, Verification},
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, UserUid},
    user::{PendingTotp, User},
};

use super::{
    Expressions, Refusal, TenantStore,
    item::{b, map, n, s, time},
    keys::{
        self,
        attributes::{ACTION, ENTITLED_BY, ID, IS_FIRST, NAME, SEALED, TIME},
    },
};

impl Expressions {
    /// The condition of enrolling without a proof: the user has nothing to answer with, and the addresses that a
    /// backend vouches for are still those that were read.
    pub(super) fn nothing_to_answer_with(self, user: &User) -> Self {
        if user.secretless.is_empty() || user.can_answer() {
            return self.require("size(totp) = :none AND size(att) = :none").value(":none", n(0));
        }
        let vouched = user.secretless.iter().map(|(id, method)| (id.to_string(), s(method.as_str())));
        self.require("size(totp) = :none AND att = :vouched")
            .value(":none", n(0))
            .value(":vouched", AttributeValue::M(vouched.collect()))
    }

    /// An action whose token may enrol: the condition of every enrolment.
    pub(super) fn enrollable(id: &ActionId, uid: &UserUid, now: Timestamp) -> Self {
        Self::default().require_open(id, uid, now, &State::ENROLLABLE)
    }
}

impl TenantStore<'_> {
    /// Remembers a secret that was given out, in place of the last one that was; `success` is what entitles to it, where the
    /// action has succeeded. `false` where that came to its end, the user is enrolled by now and must not be, or another life
    /// began.
    pub async fn begin_enrolment(
        &self,
        user: &User,
        pending: &PendingTotp,
        success: Option<&Verification>,
    ) -> Result<bool, Error> {
        let mut value = map([
            (ID, s(pending.id.as_str())),
            (SEALED, b(pending.sealed.clone())),
            (ACTION, s(pending.action.as_str())),
            (IS_FIRST, n(u8::from(pending.is_first))),
            (TIME, time(pending.begun_at)),
        ]);
        if let Some(by) = &pending.entitled_by {
            value.insert(ENTITLED_BY.into(), s(by.as_str()));
        }
        if let Some(name) = &pending.name {
            value.insert(NAME.into(), s(name));
        }
        let mut begin = Expressions::default()
            .set("pend = :pending")
            .require("uid = :uid")
            .value(":pending", AttributeValue::M(value))
            .value(":uid", s(user.uid.as_str()));
        if pending.is_first {
            begin = begin.nothing_to_answer_with(user);
        }
        if let Some(success) = success {
            begin = begin.not_ended(success, &pending.action);
        }
        match self.update_one(&keys::user(self.tenant, &user.id), &begin).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Sets what the owner calls the secret that was given out; does nothing where another was given out since.
    pub async fn name_pending(&self, user: &User, pending: &AuthenticatorId, name: &str) -> Result<(), Error> {
        let rename = Expressions::default()
            .set("pend.n = :name")
            .require("uid = :uid AND pend.id = :id")
            .value(":name", s(name))
            .value(":uid", s(user.uid.as_str()))
            .value(":id", s(pending.as_str()));
        match self.update_one(&keys::user(self.tenant, &user.id), &rename).await {
            Ok(_) | Err(Refusal::Condition(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}
