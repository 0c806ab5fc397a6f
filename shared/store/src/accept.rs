//! The one write that succeeds an action: what was proved is spent, the user and the action are moved, rules learn of it,
//! and what happened is written down, all or nothing.
//!
//! Every promise about a success is a condition here: the proof is spent once, the user is in the era in which it was read,
//! the authenticator is still the user's, the action is open to the method and not over.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

use countersign_domain::{
    action::{About, Action, State, Strength},
    authenticator::Authenticator,
    challenge::{Challenge, Decided, Kind, State as ChallengeState},
    clock::Timestamp,
    error::Error,
    happened::Event,
    id::{ActionId, AuthenticatorId, UserId, UserUid},
    limiter::Slot,
    method::{Method, totp::Step},
    user::{MAX_TOTP, PendingTotp, RequiredAction, SpentStep, User},
};

use super::{
    Expressions, Refusal, TenantStore,
    actions::{KEPT_SECONDS, write_action},
    challenges::read_challenge,
    contended,
    item::{Attributes, Row, document, n, s, time},
    keys::{
        self,
        attributes::{AT, DECIDED_BY, EXPIRES_AT, PENDING, SPENT, TTL, UID},
    },
    users::{read_user, totp_value},
};

/// Something that was proved, on its way to succeed an action.
pub struct Acceptance<'a> {
    pub user: &'a UserId,
    pub uid: &'a UserUid,
    /// The action that it is proved for. Where nobody tracked it, the success makes it.
    pub action: &'a About,
    /// The authenticator that proved it.
    pub by: &'a AuthenticatorId,
    pub proof: Proof<'a>,
    /// Guesses that are given back.
    pub freed: &'a [Slot],
    /// The notice to the user's other devices, where one was sent.
    pub notice: Option<&'a Challenge>,
    pub now: Timestamp,
}

/// What was proved, and what the write spends of it.
pub enum Proof<'a> {
    /// A step of an enrolled app.
    Step(Step),
    /// A step of an app that was given out and is enrolled by it.
    FirstStep(FirstStep<'a>),
    /// One of the user's recovery codes, by its hash.
    RecoveryCode(&'a str),
    /// A device approved.
    Approval(Approval<'a>),
}

/// The first code of an app.
pub struct FirstStep<'a> {
    pub user: &'a User,
    pub pending: &'a PendingTotp,
    pub step: Step,
    pub attempt: &'a Slot,
    pub description: &'a Authenticator,
}

/// The approval of a device.
pub struct Approval<'a> {
    pub challenge: &'a Challenge,
    pub method: Method,
    pub strength: Strength,
    pub receipt: &'a Receipt,
    /// The action to be made, where nobody tracked it.
    pub made: Option<&'a Action>,
}

/// What a device signed, so that anybody can check it later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// SubjectPublicKeyInfo, base64.
    pub public_key: String,
    /// Over the challenge's id (contract, section 2.6).
    pub signature: String,
    /// The statement's bytes, base64, and the signature over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_v2: Option<String>,
}

/// How an acceptance went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The action was succeeded then: by this write, or by an earlier run of the same request.
    At(Timestamp),
    /// The proof was spent before, by something else.
    Spent,
    /// The user, the authenticator or the action is not what it was.
    Refused,
}

impl Proof<'_> {
    /// The method by which this proves.
    pub fn method(&self) -> Method {
        match self {
            Self::Step(_) | Self::FirstStep(_) => Method::AuthenticatorApp,
            Self::RecoveryCode(_) => Method::RecoveryCode,
            Self::Approval(approval) => approval.method,
        }
    }
}

impl TenantStore<'_> {
    /// Accepts a proof. The first write is that of the proof's own item, so that a refusal tells whether it was spent.
    ///
    /// Where this very request has been accepted before, a lost acknowledgement or the same request twice, the answer is
    /// the same as the first.
    pub async fn accept(&self, acceptance: &Acceptance<'_>) -> Result<Accepted, Error> {
        let write = async || {
            let mut writes = self.spends(acceptance)?;
            writes.push(self.succeeds(acceptance)?);
            if let Proof::FirstStep(first) = &acceptance.proof {
                writes.push(self.put_description(acceptance.user, first.description)?);
            }
            let Acceptance { user, uid, now, .. } = *acceptance;
            let method = acceptance.proof.method();
            writes.extend(self.tell_rules(user, uid, &acceptance.action.id, Some(method), now)?);
            if matches!(acceptance.proof, Proof::RecoveryCode(_)) {
                writes.push(self.put_event(user, uid, &Event::RecoveryCodeUsed, now)?);
            }
            writes.extend(self.put_notice(acceptance.notice)?);
            self.store.transact(writes).await
        };
        match contended(write).await {
            Ok(()) => Ok(Accepted::At(acceptance.now)),
            Err(Refusal::Cancelled(refused)) => match refused.into_iter().next().flatten() {
                Some(own) => self.accepted_before(acceptance, own.as_ref()).await,
                None => Ok(Accepted::Refused),
            },
            Err(other) => Err(other.into()),
        }
    }

    /// When this very request was accepted, where it is the one that spent the proof.
    async fn accepted_before(&self, one: &Acceptance<'_>, own: Option<&Attributes>) -> Result<Accepted, Error> {
        let Some(own) = own else { return Ok(Accepted::Refused) };
        let is_same = match &one.proof {
            Proof::Step(step) | Proof::FirstStep(FirstStep { step, .. }) => {
                let user = read_user(one.user, own)?;
                let spent = user.totp.get(one.by).map(|app| &app.spent);
                user.uid == *one.uid && spent.is_some_and(|spent| spent.is(*step, &one.action.id))
            }
            Proof::RecoveryCode(hash) => {
                let row = Row(own);
                let by = row.map_opt(SPENT).and_then(|spent| spent.0.get(*hash)?.as_s().ok().cloned());
                by.as_deref() == Some(one.action.id.as_str()) && row.text(UID)? == one.uid.as_str()
            }
            Proof::Approval(approval) => {
                let found = read_challenge(&approval.challenge.id, own)?;
                let is_its = |it: Decided| it.by == *one.by && it.action.as_ref() == Some(&one.action.id);
                found.state == ChallengeState::Verified && found.decided.is_some_and(is_its)
            }
        };
        if !is_same {
            return Ok(Accepted::Spent);
        }
        let key = self.action_key(one.user, &one.action.code, &one.action.key);
        let action = self.action(&key).await?.filter(|action| action.id == one.action.id);
        let at =
            action.filter(|action| action.state == State::ChallengeSucceeded).and_then(|action| action.verification);
        Ok(at.map_or(Accepted::Refused, |verification| Accepted::At(verification.at)))
    }

    /// The proof's own item, and the user's.
    fn spends(&self, one: &Acceptance<'_>) -> Result<Vec<TransactWriteItem>, Error> {
        match &one.proof {
            Proof::Step(step) => Ok(vec![self.update_user(one.user, &step_spent(one, *step))?]),
            Proof::FirstStep(first) => Ok(vec![self.update_user(one.user, &self.enrolled(one, first))?]),
            Proof::RecoveryCode(hash) => {
                let spent = self.update(&keys::recovery(self.tenant, one.user), &code_spent(one, hash))?;
                Ok(vec![spent, self.update_user(one.user, &with_code(one))?])
            }
            Proof::Approval(approval) => Ok(vec![
                self.decided(approval.challenge, &DeviceAnswer::of(one, approval))?,
                self.update_user(one.user, &with_device(one, approval))?,
                self.used_device(one.user, one.uid, one.by, one.now)?,
            ]),
        }
    }

    /// The user's half of an enrolment by a first code.
    fn enrolled(&self, one: &Acceptance<'_>, first: &FirstStep<'_>) -> Expressions {
        let FirstStep { user, pending, step, attempt, .. } = first;
        let spent = SpentStep { step: *step, by: Some(one.action.id.clone()), at: one.now.as_second() };
        // A new secret proves nothing of the old ones: their failures stay counted (NIST 800-63B, 3.1.3.2).
        let mut enrol = Expressions::default()
            .set("totp.#i = :totp, lvm = :method")
            .value(":method", s(Method::AuthenticatorApp.as_str()))
            .remove(PENDING)
            .taken_back(attempt)
            .require("uid = :uid AND pend.id = :id AND pend.a = :by")
            .require("size(totp) < :max_totp AND attribute_not_exists(totp.#i)")
            .name("#i", pending.id.as_str())
            .value(":totp", totp_value(&pending.sealed, &spent))
            .value(":uid", s(one.uid.as_str()))
            .value(":id", s(pending.id.as_str()))
            .value(":max_totp", n(MAX_TOTP))
            .value(":by", s(one.action.id.as_str()));
        if pending.is_first {
            enrol = enrol.nothing_to_answer_with(user);
        }
        enrol = enrol.enrolling(user, one.by, Some(&one.action.id), one.now);
        enrol.listed(self.tenant, one.user, true).done(RequiredAction::AuthenticatorApplicationSetup)
    }

    /// The action's half: it is still open to the method, and is succeeded by its first proof; or it is made.
    fn succeeds(&self, one: &Acceptance<'_>) -> Result<TransactWriteItem, Error> {
        let key = self.action_key(one.user, &one.action.code, &one.action.key);
        let strength = match &one.proof {
            Proof::Approval(Approval { made: Some(made), .. }) => {
                let item = write_action(&key, made)?;
                return self.put_if(item, "attribute_not_exists(pk) OR uid <> :v", Some(s(one.uid.as_str())));
            }
            Proof::Approval(approval) => Some(approval.strength),
            Proof::Step(_) | Proof::FirstStep(_) | Proof::RecoveryCode(_) => None,
        };
        let from: &[State] = match &one.proof {
            Proof::FirstStep(_) => &State::ENROLLABLE,
            Proof::Step(_) | Proof::RecoveryCode(_) | Proof::Approval(_) => &State::ANSWERABLE,
        };
        let mut succeed = Expressions::default()
            .set("st = :succeeded, sta = if_not_exists(vt, :at), vm = if_not_exists(vm, :method)")
            .set("va = if_not_exists(va, :by), vt = if_not_exists(vt, :at)")
            .require("contains(am, :method)")
            .value(":succeeded", s(State::ChallengeSucceeded.as_str()))
            .value(":method", s(one.proof.method().as_str()))
            .value(":by", s(one.by.as_str()))
            .require_open(&one.action.id, one.uid, one.now, from);
        if let Some(strength) = strength {
            succeed = succeed.set("vs = :strength").value(":strength", document(&strength)?);
        }
        self.update(&key, &succeed)
    }

    /// The item of a challenge that a device decides: it was open, and this device's to answer. It keeps the action that
    /// was decided, so that it answers no other.
    pub(super) fn decided(
        &self,
        challenge: &Challenge,
        decision: &DeviceAnswer<'_>,
    ) -> Result<TransactWriteItem, Error> {
        let mut decide = Expressions::default()
            .set(
                "st = :decided, #by = :by, #at = :at, rcpt = :receipt, us = :user, uid = :uid, #ttl = :ttl, act = :act",
            )
            .require("st = :pending AND #exp > :at AND (attribute_not_exists(uid) OR uid = :uid)")
            .name("#exp", EXPIRES_AT)
            .name("#by", DECIDED_BY)
            .name("#at", AT)
            .name("#ttl", TTL)
            // A receipt is kept as long as its action.
            .value(":ttl", n(decision.now.as_second() + KEPT_SECONDS))
            .value(":decided", s(decision.state.as_str()))
            .value(":pending", s(ChallengeState::Pending.as_str()))
            .value(":by", s(decision.by.as_str()))
            .value(":at", time(decision.now))
            .value(":receipt", document(decision.receipt)?)
            .value(":act", s(decision.action.as_str()))
            .value(":user", s(decision.user.as_str()))
            .value(":uid", s(decision.uid.as_str()));
        if challenge.kind == Kind::QrCode {
            decide = decide.require("cl = :by");
        }
        self.update(&keys::challenge(self.tenant, &challenge.id), &decide)
    }

    pub(super) fn used_device(
        &self,
        user: &UserId,
        uid: &UserUid,
        by: &AuthenticatorId,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        let used = Expressions::default()
            .set("lv = :at")
            .require("uid = :uid")
            .value(":at", time(now))
            .value(":uid", s(uid.as_str()));
        self.update(&keys::authenticator(self.tenant, user, by), &used)
    }
}

/// How a device decides a challenge.
pub(super) struct DeviceAnswer<'a> {
    pub(super) user: &'a UserId,
    pub(super) uid: &'a UserUid,
    pub(super) by: &'a AuthenticatorId,
    pub(super) action: &'a ActionId,
    pub(super) state: ChallengeState,
    pub(super) receipt: &'a Receipt,
    pub(super) now: Timestamp,
}

impl<'a> DeviceAnswer<'a> {
    fn of(one: &Acceptance<'a>, approval: &Approval<'a>) -> Self {
        let Acceptance { user, uid, by, now, .. } = one;
        let (state, action) = (ChallengeState::Verified, &one.action.id);
        Self { user, uid, by, action, state, receipt: approval.receipt, now: *now }
    }
}

fn step_spent(one: &Acceptance<'_>, step: Step) -> Expressions {
    Expressions::default()
        .set("totp.#i.s = :step, totp.#i.a = :action, totp.#i.t = :now, lvm = :method")
        .value(":method", s(Method::AuthenticatorApp.as_str()))
        .opened_by(Method::AuthenticatorApp.worth(false))
        .freed(one.freed)
        .require("uid = :uid AND totp.#i.s < :step")
        .name("#i", one.by.as_str())
        .value(":step", n(step))
        .value(":action", s(one.action.id.as_str()))
        .value(":now", n(one.now.as_second()))
        .value(":uid", s(one.uid.as_str()))
}

fn code_spent(one: &Acceptance<'_>, hash: &str) -> Expressions {
    Expressions::default()
        .set("spent.#h = :action")
        .delete("codes :hashes, ocodes :hashes")
        // The set before is good until its user says that the new one is kept, for ten minutes at most.
        .require("uid = :uid AND (contains(codes, :hash) OR contains(ocodes, :hash) AND ountil > :now)")
        .name("#h", hash)
        .value(":now", time(one.now))
        .value(":hash", s(hash))
        .value(":hashes", AttributeValue::Ss(vec![hash.to_owned()]))
        .value(":action", s(one.action.id.as_str()))
        .value(":uid", s(one.uid.as_str()))
}

fn with_code(one: &Acceptance<'_>) -> Expressions {
    Expressions::default()
        .add("rc :minus")
        .value(":minus", n(-1))
        .opened_by(Method::RecoveryCode.worth(false))
        .freed(one.freed)
        .require("uid = :uid AND (size(totp) > :none OR size(att) > :none)")
        .value(":none", n(0))
        .value(":uid", s(one.uid.as_str()))
}

fn with_device(one: &Acceptance<'_>, approval: &Approval<'_>) -> Expressions {
    let mut with_device =
        settled(one.uid, one.by, approval.challenge).set("lvm = :method").value(":method", s(approval.method.as_str()));
    if approval.strength.number_matching {
        // It has just shown that a number can be typed there.
        with_device = with_device.add("tn :by").value(":by", AttributeValue::Ss(vec![one.by.to_string()]));
    }
    with_device.opened_by(approval.method.worth(approval.strength.number_matching)).freed(one.freed)
}

/// The user's half of a decision: it still has the device, and its question is settled.
pub(super) fn settled(uid: &UserUid, by: &AuthenticatorId, challenge: &Challenge) -> Expressions {
    let settle = Expressions::default()
        .set("uid = :uid")
        .require("uid = :uid AND attribute_exists(att.#device)")
        .name("#device", by.as_str())
        .value(":uid", s(uid.as_str()));
    if challenge.kind != Kind::Push {
        return settle;
    }
    settle
        .set("ps.#c = :settled")
        .name("#c", challenge.id.as_str())
        .value(":settled", n(-challenge.created_at.as_millisecond()))
}

impl Expressions {
    /// This very action, of this era of its user, in one of these states, and not over.
    pub(super) fn require_open(self, id: &ActionId, uid: &UserUid, now: Timestamp, states: &[State]) -> Self {
        let places: Vec<String> = (0..states.len()).map(|index| format!(":s{index}")).collect();
        let open = self
            .require("id = :id AND uid = :uid AND #exp > :at")
            .require(format!("st IN ({})", places.join(", ")))
            .name("#exp", EXPIRES_AT)
            .value(":id", s(id.as_str()))
            .value(":uid", s(uid.as_str()))
            .value(":at", time(now));
        states.iter().zip(places).fold(open, |all, (state, place)| all.value(place, s(state.as_str())))
    }
}
