//! Proofs: the guess budget, and the one write that accepts a code.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use crate::{
    action::State,
    authenticator::{Authenticator, Method, totp::Step},
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, UserId, UserUid},
    limiter::{CLOSED_AFTER, LIMIT, Room, Slot},
    policy::RequiredAction,
    user::{MAX_TOTP, PendingTotp, SpentStep, User},
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{b, empty_map, n, s, time},
    keys::{self, Key},
    users::{no_user, read_user, totp_value},
};

/// What became of an attempt to guess.
#[derive(Debug)]
pub enum Spent {
    /// A slot is taken; here is the user as of that moment.
    Taken(Box<User>),
    /// The budget is spent: nothing may be compared.
    Exhausted,
    /// This life of the user is over.
    NoSuchUser,
}

/// How the write that accepts a code went.
#[derive(Debug, PartialEq)]
pub enum Settlement {
    /// The step is spent by this action, now or by an earlier run of the same request.
    Accepted,
    /// The step had been spent, or the action is no longer open.
    Refused,
}

/// A matched code, on its way to be accepted.
pub struct Completion<'a> {
    pub attempt: &'a Slot,
    pub authenticator: &'a AuthenticatorId,
    pub step: Step,
    pub action: &'a Key,
    pub action_id: &'a ActionId,
    pub now: Timestamp,
}

impl Completion<'_> {
    fn succeed(&self, user: &User, from: &[State]) -> Expressions {
        let proof = (Method::AuthenticatorApp, self.authenticator);
        succeed_action((self.action_id, &user.uid), proof, self.now, from)
    }
}

/// The action's half of an acceptance: it is still open to this method, and is succeeded by its first proof.
pub(super) fn succeed_action(
    (id, uid): (&ActionId, &UserUid),
    (method, by): (Method, &AuthenticatorId),
    now: Timestamp,
    from: &[State],
) -> Expressions {
    Expressions::default()
        .set("st = :succeeded, sta = if_not_exists(vt, :at), vm = if_not_exists(vm, :method)")
        .set("va = if_not_exists(va, :by), vt = if_not_exists(vt, :at)")
        .require("uid = :uid AND contains(am, :method)")
        .value(":succeeded", s(State::ChallengeSucceeded.as_str()))
        .value(":method", s(method.as_str()))
        .value(":by", s(by.as_str()))
        .value(":uid", s(uid.as_str()))
        .require_open(id, now, from)
}

/// An action whose token may enrol: the condition of every enrolment.
pub(super) fn enrollable(id: &ActionId, now: Timestamp) -> Expressions {
    Expressions::default().require_open(id, now, &State::ENROLLABLE)
}

impl Expressions {
    /// That the user has nothing to answer with: the condition of whoever enrols without having proved anything. Addresses
    /// that a backend vouches for are still the ones that were read.
    pub(super) fn nothing_to_answer_with(self, user: &User) -> Self {
        if user.secretless.is_empty() || user.can_answer() {
            return self.require("size(totp) = :none AND size(att) = :none").value(":none", n(0));
        }
        let vouched = user.secretless.iter().map(|(id, method)| (id.to_string(), s(method.as_str())));
        self.require("size(totp) = :none AND att = :vouched")
            .value(":none", n(0))
            .value(":vouched", AttributeValue::M(vouched.collect()))
    }

    /// This very action, in one of these states, and not over.
    fn require_open(self, id: &ActionId, now: Timestamp, states: &[State]) -> Self {
        let places: Vec<String> = (0..states.len()).map(|index| format!(":s{index}")).collect();
        let open = self
            .require("id = :id AND #exp > :at")
            .require(format!("st IN ({})", places.join(", ")))
            .name("#exp", "exp")
            .value(":id", s(id.as_str()))
            .value(":at", time(now));
        states.iter().zip(places).fold(open, |all, (state, place)| all.value(place, s(state.as_str())))
    }
}

impl TenantStore<'_> {
    /// Takes a slot of the user's guess budget. What is compared afterwards has been paid for: this write is
    /// acknowledged first (security.md, section 0.1).
    pub async fn spend_attempt(
        &self,
        id: &UserId,
        uid: &UserUid,
        attempt: &Slot,
        now: Timestamp,
    ) -> Result<Spent, Error> {
        let key = keys::user(self.tenant, id);
        let take = || {
            Expressions::default()
                .set("g.#a = :now, ft = ft + :one")
                .require("uid = :uid")
                .require("ft < :closed")
                .name("#a", attempt.as_str())
                .value(":now", n(now.as_millisecond()))
                .value(":one", n(1))
                .value(":uid", s(uid.as_str()))
                .value(":closed", n(CLOSED_AFTER))
                .value(":limit", n(LIMIT))
        };
        // A repetition of this write after a lost acknowledgement finds its own slot.
        let mut expressions = take().require("size(g) < :limit OR attribute_exists(g.#a)");
        // Every turn that loses means that another attempt took a slot, so there are few.
        for _ in 0..=2 * LIMIT {
            let seen = match self.update_one(&key, &expressions).await {
                Ok(item) => return Ok(Spent::Taken(Box::new(read_user(id, &item)?))),
                Err(Refusal::Condition(None)) => return Ok(Spent::NoSuchUser),
                Err(Refusal::Condition(Some(seen))) => read_user(id, &seen)?,
                Err(other) => return Err(other.into()),
            };
            if seen.uid != *uid {
                return Ok(Spent::NoSuchUser);
            }
            if seen.guesses.slots.contains_key(attempt) {
                return Ok(Spent::Taken(Box::new(seen)));
            }
            let Room::AfterDropping(over) = seen.guesses.room(now) else { return Ok(Spent::Exhausted) };
            expressions = take().require("size(g) <= :limit");
            for (index, slot) in over.iter().enumerate() {
                let path = format!("g.#o{index}");
                expressions = expressions
                    .require(format!("attribute_exists({path})"))
                    .remove(path)
                    .name(format!("#o{index}"), slot.as_str());
            }
        }
        Err(Error::unavailable("the guess budget stayed contended"))
    }

    /// Opens a closed method again and empties the budget, for the customer's backend.
    pub async fn reopen(&self, id: &UserId) -> Result<(), Error> {
        let reopen = Expressions::default()
            .set("g = :none, ft = :zero")
            .require("attribute_exists(pk)")
            .value(":none", empty_map())
            .value(":zero", n(0));
        match self.update_one(&keys::user(self.tenant, id), &reopen).await {
            Err(Refusal::Condition(_)) => Err(no_user()),
            answered => answered.map(|_| ()).map_err(Error::from),
        }
    }

    /// Remembers a secret that was given out, in place of the last one that was. `false` where the user is
    /// enrolled by now and must not be, or another life began.
    pub async fn begin_enrolment(&self, user: &User, pending: &PendingTotp) -> Result<bool, Error> {
        let mut value = HashMap::from([
            ("id".to_owned(), s(pending.id.as_str())),
            ("k".to_owned(), b(pending.sealed.clone())),
            ("a".to_owned(), s(pending.action.as_str())),
            ("f".to_owned(), n(u8::from(pending.is_first))),
            ("t".to_owned(), time(pending.begun_at)),
        ]);
        if let Some(name) = &pending.name {
            value.insert("n".into(), s(name));
        }
        let mut begin = Expressions::default()
            .set("pend = :pending")
            .require("uid = :uid")
            .value(":pending", AttributeValue::M(value))
            .value(":uid", s(user.uid.as_str()));
        if pending.is_first {
            begin = begin.nothing_to_answer_with(user);
        }
        match self.update_one(&keys::user(self.tenant, &user.id), &begin).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Says what the owner calls the secret that was given out; nothing where another was by then.
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

    /// Accepts a code of an enrolled authenticator: spends its step and succeeds the action, both or neither.
    pub async fn settle(&self, user: &User, matched: &Completion<'_>) -> Result<Settlement, Error> {
        let mut spend = Expressions::default()
            .set("totp.#i.s = :step, totp.#i.a = :action, totp.#i.t = :now, ft = :zero")
            .require("uid = :uid AND totp.#i.s < :step")
            .name("#i", matched.authenticator.as_str())
            .value(":step", n(matched.step))
            .value(":action", s(matched.action_id.as_str()))
            .value(":now", n(matched.now.as_second()))
            .value(":zero", n(0))
            .value(":uid", s(user.uid.as_str()));
        for (index, slot) in user.guesses.freed_by(matched.attempt).iter().enumerate() {
            spend = spend.remove(format!("g.#f{index}")).name(format!("#f{index}"), slot.as_str());
        }
        let succeed = matched.succeed(user, &State::ANSWERABLE);
        self.accept(user, matched, || {
            let mut writes = vec![self.update_user(&user.id, &spend)?, self.update(matched.action, &succeed)?];
            writes.extend(self.tell(user, matched)?);
            Ok(writes)
        })
        .await
    }

    /// Accepts the first code of a pending authenticator: enrols it and succeeds the action, both or neither.
    pub async fn complete_enrolment(
        &self,
        user: &User,
        pending: &PendingTotp,
        matched: &Completion<'_>,
        description: &Authenticator,
    ) -> Result<Settlement, Error> {
        let spent = SpentStep { step: matched.step, by: Some(matched.action_id.clone()), at: matched.now.as_second() };
        // A new secret proves nothing of the old ones: their failures stay counted (NIST 800-63B, 3.1.3.2).
        let mut enrol = Expressions::default()
            .set("totp.#i = :totp, ft = ft - :one")
            .remove("pend")
            .remove("g.#a")
            .require("uid = :uid AND pend.id = :id AND pend.a = :by AND size(totp) < :max_totp AND attribute_not_exists(totp.#i)")
            .name("#i", pending.id.as_str())
            .name("#a", matched.attempt.as_str())
            .value(":totp", totp_value(&pending.sealed, &spent))
            .value(":one", n(1))
            .value(":uid", s(user.uid.as_str()))
            .value(":id", s(pending.id.as_str()))
            .value(":max_totp", n(MAX_TOTP))
            .value(":by", s(matched.action_id.as_str()));
        if pending.is_first {
            enrol = enrol.nothing_to_answer_with(user);
        }
        enrol = enrol.listed(self.tenant, &user.id, true).done(RequiredAction::AuthenticatorApplicationSetup);
        let succeed = matched.succeed(user, &State::ENROLLABLE);
        self.accept(user, matched, || {
            let mut writes = vec![
                self.update_user(&user.id, &enrol)?,
                self.update(matched.action, &succeed)?,
                self.put_description(&user.id, description)?,
            ];
            writes.extend(self.tell(user, matched)?);
            Ok(writes)
        })
        .await
    }

    fn tell(&self, user: &User, matched: &Completion<'_>) -> Result<Vec<TransactWriteItem>, Error> {
        self.tell_rules((&user.id, &user.uid), matched.action_id, Some(Method::AuthenticatorApp), matched.now)
    }

    /// Runs an acceptance. Where it is refused because this action has already spent this step, a lost
    /// acknowledgement or the same request twice, the answer is the same as the first.
    async fn accept(
        &self,
        user: &User,
        matched: &Completion<'_>,
        writes: impl Fn() -> Result<Vec<TransactWriteItem>, Error>,
    ) -> Result<Settlement, Error> {
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(Settlement::Accepted),
            Err(Refusal::Cancelled(refused)) => {
                let Some(Some(Some(item))) = refused.first() else { return Ok(Settlement::Refused) };
                let now = read_user(&user.id, item)?;
                let mine =
                    now.totp.get(matched.authenticator).is_some_and(|c| c.spent.is(matched.step, matched.action_id));
                Ok(if mine && now.uid == user.uid { Settlement::Accepted } else { Settlement::Refused })
            }
            Err(other) => Err(other.into()),
        }
    }
}
