//! Challenges: asked, claimed, and decided once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};

use countersign_domain::{
    action::{About, State as ActionState},
    challenge::{Challenge, Decided as By, Kind, State, Subject},
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, ChallengeId, UserId},
    limiter::PushStarts,
    method::{Method, device::Context},
    user::User,
};

use super::{
    Expressions, Refusal, TenantStore,
    accept::{DeviceAnswer, Receipt, settled},
    contended,
    devices::Credential,
    item::{Attributes, Item, Row, document, n, s, time},
    keys::{
        self, Key,
        attributes::{ACTION_ID, AT, CLAIMED_BY, DECIDED_BY, DOCUMENT, EXPIRES_AT, RECEIPT, STATE, TTL, UID, USER_ID},
    },
    users::read_user,
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

/// A question that nobody answered is swept so long after its end.
const UNANSWERED_SECONDS: i64 = 3600;

/// How the write of a denial went.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    /// By this write, or by an earlier run of the same request.
    Yes,
    /// It had come to another end before.
    AlreadyOver,
    /// The device or the user is not what it was.
    Refused,
}

/// A device says no.
pub struct Denial<'a> {
    pub credential: &'a Credential,
    pub about: &'a About,
    pub receipt: &'a Receipt,
    /// Unix seconds until which no push is sent, because the user said "not me". The action fails with that.
    pub quiet_until: Option<i64>,
    pub now: Timestamp,
}

fn write_challenge(key: &Key, challenge: &Challenge) -> Result<Item, Error> {
    let mut item = Item::at(key);
    let fixed = Fixed {
        kind: challenge.kind,
        created_at: challenge.created_at.as_millisecond(),
        about: challenge.about.clone(),
        context: challenge.context.clone(),
        number: challenge.number.clone(),
        only: challenge.only.clone(),
        poll_hash: challenge.poll_hash.clone(),
    };
    item.put(DOCUMENT, document(&fixed)?);
    item.put(STATE, s(challenge.state.as_str()));
    item.put(EXPIRES_AT, time(challenge.expires_at));
    item.put(TTL, n(challenge.expires_at.as_second() + UNANSWERED_SECONDS));
    if let Some(Subject { user, uid }) = &challenge.subject {
        item.put(USER_ID, s(user.as_str()));
        item.put(UID, s(uid.as_str()));
    }
    Ok(item)
}

pub(super) fn read_challenge(id: &ChallengeId, item: &Attributes) -> Result<Challenge, Error> {
    let row = Row(item);
    let damaged = || Error::internal("a stored challenge is damaged");
    let fixed: Fixed = row.document(DOCUMENT)?;
    let subject = match row.has(UID) {
        true => Some(Subject { user: row.id(USER_ID)?, uid: row.id(UID)? }),
        false => None,
    };
    let decided = match row.text_opt(DECIDED_BY) {
        Some(_) => {
            let action = row.text_opt(ACTION_ID).map(ActionId::parse).transpose()?;
            Some(By { by: row.id(DECIDED_BY)?, action, at: row.time(AT)? })
        }
        None => None,
    };
    Ok(Challenge {
        id: id.clone(),
        kind: fixed.kind,
        state: State::parse(row.text(STATE)?).ok_or_else(damaged)?,
        created_at: Timestamp::from_millisecond(fixed.created_at).map_err(|_| damaged())?,
        expires_at: row.time(EXPIRES_AT)?,
        subject,
        about: fixed.about,
        context: fixed.context,
        number: fixed.number,
        only: fixed.only,
        poll_hash: fixed.poll_hash,
        claimed_by: row.text_opt(CLAIMED_BY).map(AuthenticatorId::parse).transpose()?,
        decided,
    })
}

pub(super) fn starts(pushes: &PushStarts) -> AttributeValue {
    AttributeValue::M(pushes.0.iter().map(|(id, start)| (id.to_string(), n(start))).collect::<HashMap<_, _>>())
}

impl TenantStore<'_> {
    /// One challenge, consistently.
    pub async fn challenge(&self, id: &ChallengeId) -> Result<Option<Challenge>, Error> {
        self.store.get(&keys::challenge(self.tenant, id)).await?.map(|item| read_challenge(id, &item)).transpose()
    }

    /// A user and a challenge, in one round trip.
    pub async fn user_and_challenge(
        &self,
        user: &UserId,
        id: &ChallengeId,
    ) -> Result<(Option<User>, Option<Challenge>), Error> {
        let wanted = [&keys::user(self.tenant, user), &keys::challenge(self.tenant, id)];
        let [found, challenge] = self.store.get_all(wanted).await?;
        let found = found.map(|item| read_user(user, &item)).transpose()?;
        Ok((found, challenge.map(|item| read_challenge(id, &item)).transpose()?))
    }

    /// What a device signed, once it has.
    pub async fn receipt(&self, id: &ChallengeId) -> Result<Option<(Challenge, Receipt)>, Error> {
        let Some(item) = self.store.get(&keys::challenge(self.tenant, id)).await? else { return Ok(None) };
        let signed = Row(&item).document_opt(RECEIPT)?;
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

    /// Writes down that a challenge expired unanswered, and gives it as it is then. After that no server whose clock
    /// lags can decide it.
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

    /// Writes down that a device denied. Its action goes on waiting for another answer, unless the user said "not me".
    pub async fn deny(&self, challenge: &Challenge, denial: &Denial<'_>) -> Result<Denied, Error> {
        let Credential { user, uid, authenticator, .. } = denial.credential;
        let decision = DeviceAnswer {
            user,
            uid,
            by: authenticator,
            action: &denial.about.id,
            state: State::Rejected,
            receipt: denial.receipt,
            now: denial.now,
        };
        let mut settle = settled(uid, authenticator, challenge);
        if challenge.kind == Kind::Push {
            settle = settle.set("pd = :denied").value(":denied", n(denial.now.as_second()));
        }
        if let Some(until) = denial.quiet_until {
            settle = settle.set("pq = :quiet").value(":quiet", n(until));
        }
        let rest = vec![
            self.decided(challenge, &decision)?,
            self.update_user(user, &settle)?,
            self.used_device(user, uid, authenticator, denial.now)?,
        ];
        let mut all = rest.clone();
        if denial.quiet_until.is_some() && denial.about.is_tracked {
            all.push(self.failed_action(denial)?);
        }
        let refused = match contended(async || self.store.transact(all.clone()).await).await {
            Ok(()) => return Ok(Denied::Yes),
            Err(Refusal::Cancelled(refused)) => refused,
            Err(other) => return Err(other.into()),
        };
        let is_refused = |index: usize| refused.get(index).is_some_and(Option::is_some);
        if is_refused(0) {
            return self.denied_before(&challenge.id, denial).await;
        }
        if is_refused(1) || !is_refused(3) {
            return Ok(Denied::Refused);
        }
        // The action has come to an end of its own: what is left is the challenge, and the quiet.
        match contended(async || self.store.transact(rest.clone()).await).await {
            Ok(()) => Ok(Denied::Yes),
            Err(Refusal::Cancelled(_)) => self.denied_before(&challenge.id, denial).await,
            Err(other) => Err(other.into()),
        }
    }

    /// What became of a challenge that would not be denied: the same request again gets the same answer.
    async fn denied_before(&self, id: &ChallengeId, denial: &Denial<'_>) -> Result<Denied, Error> {
        let found = self.challenge(id).await?;
        let same = found.is_some_and(|found| {
            let by_it = found.decided.is_some_and(|by| by.by == denial.credential.authenticator);
            found.state == State::Rejected && by_it
        });
        Ok(if same { Denied::Yes } else { Denied::AlreadyOver })
    }

    fn failed_action(&self, denial: &Denial<'_>) -> Result<TransactWriteItem, Error> {
        let Denial { credential, about, now, .. } = denial;
        let fail = Expressions::default()
            .set("st = :failed, sta = :at")
            .require("id = :id AND uid = :uid AND st = :open")
            .value(":failed", s(ActionState::ChallengeFailed.as_str()))
            .value(":open", s(ActionState::ChallengeRequired.as_str()))
            .value(":at", time(*now))
            .value(":uid", s(credential.uid.as_str()))
            .value(":id", s(about.id.as_str()));
        self.update(&self.action_key(&credential.user, &about.code, &about.key), &fail)
    }

    /// The item of a notice, written with the change that it tells of. Where the change is not written, the message
    /// finds no notice and is dropped.
    pub(super) fn put_notice(&self, notice: Option<&Challenge>) -> Result<Option<TransactWriteItem>, Error> {
        let Some(notice) = notice else { return Ok(None) };
        let item = write_challenge(&keys::challenge(self.tenant, &notice.id), notice)?;
        self.put_if(item, "attribute_not_exists(pk)", None).map(Some)
    }
}
