//! Challenges: asked, claimed, and decided once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

use countersign_domain::{
    action::{About, Action, State as ActionState, Strength, Verification},
    challenge::{Challenge, Decided as By, Kind, State, Subject},
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, ChallengeId},
    limiter::{PushStarts, Slot},
    method::{Method, device::Context},
    user::User,
};

use super::{
    Expressions, Refusal, TenantStore,
    actions::KEPT_SECONDS,
    contended,
    devices::Credential,
    item::{Attributes, Row, document, keyed, n, s, time},
    keys::{self, Key},
    proofs::succeed_action,
};

/// The part of a challenge that never changes.
#[derive(Serialize, Deserialize)]
struct Fixed {
    kind: Kind,
    created_at: i64,
    about: Option<About>,
    #[serde(default)]
    context: Context,
    number: Option<String>,
    only: Option<AuthenticatorId>,
    poll_hash: Option<String>,
}

/// How the write that decides a challenge went.
#[derive(Debug, PartialEq, Eq)]
pub enum Decided {
    /// By this write, or by an earlier run of the same request.
    Yes,
    /// It had come to another end before.
    AlreadyOver,
    /// The device, the user or the action may not be what it was.
    Refused,
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

/// A device's answer on its way to be written down.
pub struct Decision<'a> {
    pub credential: &'a Credential,
    pub approved: bool,
    /// The action that an approval succeeds.
    pub about: &'a About,
    pub strength: Strength,
    pub receipt: &'a Receipt,
    /// Guesses that a right number gives back.
    pub freed: &'a [Slot],
    /// From then on pushes may be sent again, Unix seconds: the user said "not me".
    pub quiet_until: Option<i64>,
    pub now: Timestamp,
}

/// A receipt is kept as long as its action; a question that nobody answered is soon forgotten.
const UNANSWERED_SECONDS: i64 = 3600;

fn write_challenge(key: &Key, challenge: &Challenge) -> Result<Attributes, Error> {
    let mut item = keyed(key);
    let fixed = Fixed {
        kind: challenge.kind,
        created_at: challenge.created_at.as_millisecond(),
        about: challenge.about.clone(),
        context: challenge.context.clone(),
        number: challenge.number.clone(),
        only: challenge.only.clone(),
        poll_hash: challenge.poll_hash.clone(),
    };
    item.insert("doc".into(), document(&fixed)?);
    item.insert("st".into(), s(challenge.state.as_str()));
    item.insert("exp".into(), time(challenge.expires_at));
    item.insert("ttl".into(), n(challenge.expires_at.as_second() + UNANSWERED_SECONDS));
    if let Some(Subject { user, uid }) = &challenge.subject {
        item.insert("us".into(), s(user.as_str()));
        item.insert("uid".into(), s(uid.as_str()));
    }
    Ok(item)
}

pub(super) fn read_challenge(id: &ChallengeId, item: &Attributes) -> Result<Challenge, Error> {
    let row = Row(item);
    let damaged = || Error::internal("a stored challenge is damaged");
    let fixed: Fixed = row.document("doc")?;
    let subject = match item.contains_key("uid") {
        true => Some(Subject { user: row.id("us")?, uid: row.id("uid")? }),
        false => None,
    };
    let decided = match row.text_opt("by") {
        Some(_) => Some(By { by: row.id("by")?, at: row.time("at")? }),
        None => None,
    };
    Ok(Challenge {
        id: id.clone(),
        kind: fixed.kind,
        state: State::parse(row.text("st")?).ok_or_else(damaged)?,
        created_at: Timestamp::from_millisecond(fixed.created_at).map_err(|_| damaged())?,
        expires_at: row.time("exp")?,
        subject,
        about: fixed.about,
        context: fixed.context,
        number: fixed.number,
        only: fixed.only,
        poll_hash: fixed.poll_hash,
        claimed_by: row.text_opt("cl").map(AuthenticatorId::parse).transpose()?,
        decided,
    })
}

fn starts(pushes: &PushStarts) -> AttributeValue {
    AttributeValue::M(pushes.0.iter().map(|(id, start)| (id.to_string(), n(start))).collect::<HashMap<_, _>>())
}

impl TenantStore<'_> {
    /// One challenge, consistently.
    pub async fn challenge(&self, id: &ChallengeId) -> Result<Option<Challenge>, Error> {
        self.store.get(&keys::challenge(self.tenant, id)).await?.map(|item| read_challenge(id, &item)).transpose()
    }

    /// What a device signed, once it has.
    pub async fn receipt(&self, id: &ChallengeId) -> Result<Option<(Challenge, Receipt)>, Error> {
        let Some(item) = self.store.get(&keys::challenge(self.tenant, id)).await? else { return Ok(None) };
        let signed = Row(&item).document_opt("rcpt")?;
        signed.map(|receipt| Ok((read_challenge(id, &item)?, receipt))).transpose()
    }

    /// The key of a device and the challenge that it speaks of, in one round trip.
    pub async fn credential_and_challenge(
        &self,
        method: Method,
        fingerprint: &str,
        id: &ChallengeId,
    ) -> Result<(Option<Credential>, Option<Challenge>), Error> {
        let wanted = [&keys::credential(self.tenant, method, fingerprint), &keys::challenge(self.tenant, id)];
        let [credential, challenge] = self.store.get_all(wanted).await?;
        let credential = credential.map(|item| Credential::read(&item, method)).transpose()?;
        Ok((credential, challenge.map(|item| read_challenge(id, &item)).transpose()?))
    }

    /// Writes a challenge that no budget bounds.
    pub async fn ask(&self, challenge: &Challenge) -> Result<(), Error> {
        let item = write_challenge(&keys::challenge(self.tenant, &challenge.id), challenge)?;
        let write =
            async || self.store.transact(vec![self.put_if(item.clone(), "attribute_not_exists(pk)", None)?]).await;
        match contended(write).await {
            // Its id is random: what stands there is this very challenge, written by a call whose answer was lost.
            Ok(()) | Err(Refusal::Cancelled(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Writes a push challenge, if the user's budget and action are still what they were; `false` where they are not.
    pub async fn begin_push(
        &self,
        user: &User,
        challenge: &Challenge,
        about: &About,
        pushes: &PushStarts,
    ) -> Result<bool, Error> {
        let mut start = Expressions::default()
            .set("ps = :new")
            .require("uid = :uid AND (attribute_not_exists(pq) OR pq <= :now)")
            .value(":new", starts(pushes))
            .value(":uid", s(user.uid.as_str()))
            .value(":now", n(challenge.created_at.as_second()));
        start = if user.pushes.0.is_empty() {
            start.require("attribute_not_exists(ps) OR ps = :seen").value(":seen", starts(&user.pushes))
        } else {
            start.require("ps = :seen").value(":seen", starts(&user.pushes))
        };
        let item = write_challenge(&keys::challenge(self.tenant, &challenge.id), challenge)?;
        let action = self.action_key(&user.id, &about.code, &about.key);
        let open = Expressions::default()
            .require("id = :id AND st = :open")
            .value(":id", s(about.id.as_str()))
            .value(":open", s(ActionState::ChallengeRequired.as_str()));
        let write = async || {
            let writes = vec![
                self.put_if(item.clone(), "attribute_not_exists(pk)", None)?,
                self.update_user(&user.id, &start)?,
                self.check(&action, &open)?,
            ];
            self.store.transact(writes).await
        };
        match contended(write).await {
            Ok(()) => Ok(true),
            Err(Refusal::Cancelled(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Writes down that a challenge is over unanswered, so that nobody whose clock lags decides it after that was
    /// seen; the challenge as it is then.
    pub async fn expire(&self, challenge: &Challenge) -> Result<Challenge, Error> {
        let expire = Expressions::default()
            .set("st = :expired")
            .require("st = :pending")
            .value(":expired", s(State::Expired.as_str()))
            .value(":pending", s(State::Pending.as_str()));
        match self.update_one(&keys::challenge(self.tenant, &challenge.id), &expire).await {
            Ok(item) | Err(Refusal::Condition(Some(item))) => read_challenge(&challenge.id, &item),
            Err(other) => Err(other.into()),
        }
    }

    /// Decides a challenge, and succeeds its action where it is approved: one transaction, so that the first decision
    /// is the only one, of a device that is still the user's, for an action that is still open.
    pub async fn decide(&self, challenge: &Challenge, decision: &Decision<'_>) -> Result<Decided, Error> {
        let mut writes = vec![self.decided_challenge(challenge, decision)?, self.decided_user(challenge, decision)?];
        writes.push(self.decided_device(decision)?);
        let report = !decision.approved && decision.quiet_until.is_some();
        if decision.approved {
            writes.push(self.decided_action(decision)?);
            writes.extend(self.tell_rules_of_approval(decision)?);
        } else if report && decision.about.is_tracked {
            writes.push(self.failed_action(decision)?);
        }
        match contended(async || self.store.transact(writes.clone()).await).await {
            Ok(()) => Ok(Decided::Yes),
            Err(Refusal::Cancelled(refused)) => {
                let refused = |index: usize| refused.get(index).is_some_and(Option::is_some);
                if refused(0) {
                    return self.decided_before(&challenge.id, decision).await;
                }
                if report && !refused(1) && refused(3) {
                    // The action has come to an end of its own: what is left is the challenge, and the quiet.
                    let rest = writes.get(..3).unwrap_or_default().to_vec();
                    return match contended(async || self.store.transact(rest.clone()).await).await {
                        Ok(()) => Ok(Decided::Yes),
                        Err(Refusal::Cancelled(_)) => self.decided_before(&challenge.id, decision).await,
                        Err(other) => Err(other.into()),
                    };
                }
                Ok(Decided::Refused)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// What became of a challenge that would not be decided: the same request again gets the same answer.
    async fn decided_before(&self, id: &ChallengeId, decision: &Decision<'_>) -> Result<Decided, Error> {
        let state = if decision.approved { State::Verified } else { State::Rejected };
        let found = self.challenge(id).await?;
        let same = found.is_some_and(|found| {
            found.state == state && found.decided.is_some_and(|by| by.by == decision.credential.authenticator)
        });
        Ok(if same { Decided::Yes } else { Decided::AlreadyOver })
    }

    fn decided_challenge(&self, challenge: &Challenge, decision: &Decision<'_>) -> Result<TransactWriteItem, Error> {
        let state = if decision.approved { State::Verified } else { State::Rejected };
        let Credential { user, uid, authenticator, .. } = decision.credential;
        let mut decide = Expressions::default()
            .set("st = :decided, #by = :by, #at = :at, rcpt = :receipt, us = :user, uid = :uid, #ttl = :ttl")
            .require("st = :pending AND #exp > :at AND (attribute_not_exists(uid) OR uid = :uid)")
            .name("#exp", "exp")
            .name("#by", "by")
            .name("#at", "at")
            .name("#ttl", "ttl")
            .value(":ttl", n(decision.now.as_second() + KEPT_SECONDS))
            .value(":decided", s(state.as_str()))
            .value(":pending", s(State::Pending.as_str()))
            .value(":by", s(authenticator.as_str()))
            .value(":at", time(decision.now))
            .value(":receipt", document(decision.receipt)?)
            .value(":user", s(user.as_str()))
            .value(":uid", s(uid.as_str()));
        if challenge.kind == Kind::QrCode {
            decide = decide.require("cl = :by");
        }
        self.update(&keys::challenge(self.tenant, &challenge.id), &decide)
    }

    /// The user's half: it still has this device, its question is settled, and a right number gives guesses back.
    fn decided_user(&self, challenge: &Challenge, decision: &Decision<'_>) -> Result<TransactWriteItem, Error> {
        let Credential { user, uid, authenticator, .. } = decision.credential;
        let mut settle = Expressions::default()
            .set("uid = :uid")
            .require("uid = :uid AND attribute_exists(att.#device)")
            .name("#device", authenticator.as_str())
            .value(":uid", s(uid.as_str()));
        if challenge.kind == Kind::Push {
            settle = settle
                .set("ps.#c = :settled")
                .name("#c", challenge.id.as_str())
                .value(":settled", n(-challenge.created_at.as_millisecond()));
        }
        if decision.approved {
            settle = settle.opened_by(decision.credential.method.worth(decision.strength.number_matching));
        }
        settle = settle.freed(decision.freed);
        if let Some(until) = decision.quiet_until {
            settle = settle.set("pq = :quiet").value(":quiet", n(until));
        }
        self.update_user(user, &settle)
    }

    fn decided_device(&self, decision: &Decision<'_>) -> Result<TransactWriteItem, Error> {
        let Credential { user, uid, authenticator, .. } = decision.credential;
        let used = Expressions::default()
            .set("lv = :at")
            .require("uid = :uid")
            .value(":at", time(decision.now))
            .value(":uid", s(uid.as_str()));
        self.update(&keys::authenticator(self.tenant, user, authenticator), &used)
    }

    fn decided_action(&self, decision: &Decision<'_>) -> Result<TransactWriteItem, Error> {
        let Decision { credential, about, now, .. } = decision;
        let key = self.action_key(&credential.user, &about.code, &about.key);
        let method = credential.method;
        if about.is_tracked {
            let proof = (method, &credential.authenticator);
            let succeed = succeed_action((&about.id, &credential.uid), proof, *now, &ActionState::ANSWERABLE);
            return self.update(&key, &succeed.set("vs = :strength").value(":strength", document(&decision.strength)?));
        }
        let action = Action::verified(
            (about, &credential.uid),
            Verification {
                method,
                authenticator: credential.authenticator.clone(),
                at: *now,
                strength: decision.strength,
            },
        );
        self.put_if(
            super::actions::write_action(&key, &action)?,
            "attribute_not_exists(pk) OR uid <> :v",
            Some(s(credential.uid.as_str())),
        )
    }

    fn failed_action(&self, decision: &Decision<'_>) -> Result<TransactWriteItem, Error> {
        let Decision { credential, about, now, .. } = decision;
        let fail = Expressions::default()
            .set("st = :failed, sta = :at")
            .require("id = :id AND st = :open")
            .value(":failed", s(ActionState::ChallengeFailed.as_str()))
            .value(":open", s(ActionState::ChallengeRequired.as_str()))
            .value(":at", time(*now))
            .value(":id", s(about.id.as_str()));
        self.update(&self.action_key(&credential.user, &about.code, &about.key), &fail)
    }
}
