//! What users do about their own authenticators: recovery codes, changes, and what happened.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use data_encoding::HEXLOWER;

use crate::{
    account::{Event, FRESH_SECONDS},
    action::State,
    authenticator::{Authenticator, Method},
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId},
    keyring::random,
    limiter::Slot,
    user::User,
};

use super::{
    Expressions, Refusal, Removed, Settlement, TenantStore, contended,
    item::{Row, document, empty_map, keyed, n, s, time},
    keys::{self, Key},
    proofs::succeed_action,
};

/// What happened is shown for so long.
const EVENTS_KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// The action that entitles to a change: by its success, for a while; or, to first recovery codes, by being allowed.
#[derive(Clone, Copy)]
pub struct Entitled<'a> {
    pub action: &'a Key,
    pub id: &'a ActionId,
    /// `ChallengeSucceeded` or `Allow`.
    pub state: State,
    pub now: Timestamp,
}

/// A recovery code on its way to be accepted.
pub struct Recovery<'a> {
    pub attempt: &'a Slot,
    pub hash: &'a str,
    /// What the success is by.
    pub authenticator: &'a AuthenticatorId,
    pub action: &'a Key,
    pub action_id: &'a ActionId,
    pub now: Timestamp,
}

/// How a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Done,
    /// What was to be changed is not there, or not as it was.
    Stale,
}

impl TenantStore<'_> {
    /// That the action was succeeded a short while ago, or is allowed and not over: a condition of a change.
    pub(super) fn entitles(&self, by: Entitled<'_>) -> Result<TransactWriteItem, Error> {
        let since = by.now.as_millisecond() - FRESH_SECONDS * 1000;
        let entitles = Expressions::default()
            .require("id = :id AND st = :state")
            .value(":id", s(by.id.as_str()))
            .value(":state", s(by.state.as_str()));
        let entitles = match by.state {
            State::Allow => entitles.require("#exp > :now").name("#exp", "exp").value(":now", time(by.now)),
            _ => entitles.require("vt > :since").value(":since", n(since)),
        };
        self.check(by.action, &entitles)
    }

    /// Writes down what happened, for its user to see.
    pub(super) fn put_event(&self, user: &User, event: &Event, now: Timestamp) -> Result<TransactWriteItem, Error> {
        let at = format!("{:013}#{}", now.as_millisecond(), HEXLOWER.encode(&random::<4>()?));
        let mut item = keyed(&keys::event(self.tenant, &user.id, &at));
        item.insert("uid".into(), s(user.uid.as_str()));
        item.insert("at".into(), time(now));
        item.insert("doc".into(), document(event)?);
        item.insert("ttl".into(), n(now.as_second() + EVENTS_KEPT_SECONDS));
        self.put_if(item, "attribute_not_exists(pk)", None)
    }

    /// What happened to a user's authenticators, newest first.
    pub async fn events(&self, user: &User, limit: usize) -> Result<Vec<(Timestamp, Event)>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::EVENT), usize::MAX).await?;
        let mut events = Vec::new();
        for item in items.iter().rev() {
            let row = Row(item);
            if row.text("uid")? == user.uid.as_str() {
                events.push((row.time("at")?, row.document("doc")?));
            }
        }
        events.truncate(limit);
        Ok(events)
    }

    /// Puts a new set of recovery codes, by their hashes, in place of the last one; `first`: only where there is none.
    pub async fn put_recovery_codes(
        &self,
        user: &User,
        hashes: &[String],
        (first, entitled): (bool, Option<Entitled<'_>>),
        (event, now): (&Event, Timestamp),
    ) -> Result<Change, Error> {
        let mut item = keyed(&keys::recovery(self.tenant, &user.id));
        item.insert("uid".into(), s(user.uid.as_str()));
        item.insert("codes".into(), AttributeValue::Ss(hashes.to_vec()));
        item.insert("spent".into(), empty_map());
        item.insert("at".into(), time(now));
        let (condition, life) = match first {
            true => ("attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str()))),
            false => ("attribute_not_exists(pk) OR attribute_exists(pk)", None),
        };
        let enrolled = Expressions::default()
            .require("uid = :uid AND (size(totp) > :none OR size(att) > :none)")
            .value(":uid", s(user.uid.as_str()))
            .value(":none", n(0));
        let mut writes = vec![
            self.put_if(item, condition, life)?,
            self.check(&keys::user(self.tenant, &user.id), &enrolled)?,
            self.put_event(user, event, now)?,
        ];
        if let Some(entitled) = entitled {
            writes.push(self.entitles(entitled)?);
        }
        self.change_account(writes).await
    }

    /// The hashes of the recovery codes that are left; `None` where there never were any.
    pub async fn recovery_codes(&self, user: &User) -> Result<Option<Vec<String>>, Error> {
        let Some(item) = self.store.get(&keys::recovery(self.tenant, &user.id)).await? else { return Ok(None) };
        if Row(&item).text("uid")? != user.uid.as_str() {
            return Ok(None);
        }
        Ok(Some(item.get("codes").and_then(|codes| codes.as_ss().ok()).cloned().unwrap_or_default()))
    }

    /// Accepts a recovery code: spends it and succeeds the action, both or neither. What is not among the codes that are
    /// left is refused by the same write.
    pub async fn settle_recovery(&self, user: &User, used: &Recovery<'_>) -> Result<Settlement, Error> {
        let spend = Expressions::default()
            .set("spent.#h = :action")
            .delete("codes :hashes")
            .require("uid = :uid AND contains(codes, :hash)")
            .name("#h", used.hash)
            .value(":hash", s(used.hash))
            .value(":hashes", AttributeValue::Ss(vec![used.hash.to_owned()]))
            .value(":action", s(used.action_id.as_str()))
            .value(":uid", s(user.uid.as_str()));
        let mut freed = Expressions::default()
            .set("ft = ft - :one")
            .require("uid = :uid AND (size(totp) > :none OR size(att) > :none)")
            .value(":one", n(1))
            .value(":none", n(0))
            .value(":uid", s(user.uid.as_str()));
        for (index, slot) in user.guesses.freed_by(used.attempt).iter().enumerate() {
            freed = freed.remove(format!("g.#f{index}")).name(format!("#f{index}"), slot.as_str());
        }
        let proof = (Method::RecoveryCode, used.authenticator);
        let succeed = succeed_action((used.action_id, &user.uid), proof, used.now, &State::ANSWERABLE);
        let at = keys::recovery(self.tenant, &user.id);
        let write = async || {
            let mut writes = vec![
                self.update(&at, &spend)?,
                self.update_user(&user.id, &freed)?,
                self.update(used.action, &succeed)?,
                self.put_event(user, &Event::RecoveryCodeUsed, used.now)?,
            ];
            let whose = (&user.id, &user.uid);
            writes.extend(self.tell_rules(whose, used.action_id, Some(Method::RecoveryCode), used.now)?);
            self.store.transact(writes).await
        };
        match contended(write).await {
            Ok(()) => Ok(Settlement::Accepted),
            Err(Refusal::Cancelled(refused)) => {
                // Spent by this very action: the same request again, or one whose answer was lost.
                let Some(Some(Some(item))) = refused.first() else { return Ok(Settlement::Refused) };
                let row = Row(item);
                let by_it = row
                    .map_opt("spent")
                    .is_some_and(|spent| spent.text_opt(used.hash) == Some(used.action_id.as_str()));
                let same = by_it && row.text("uid")? == user.uid.as_str();
                Ok(if same { Settlement::Accepted } else { Settlement::Refused })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Gives an authenticator another name.
    pub async fn rename_authenticator(
        &self,
        user: &User,
        (old, new): (&Authenticator, &Authenticator),
        (by, event): (Entitled<'_>, &Event),
    ) -> Result<Change, Error> {
        let path = if user.totp.contains_key(&old.id) { "totp.#i" } else { "att.#i" };
        let has = Expressions::default()
            .require(format!("uid = :uid AND attribute_exists({path})"))
            .name("#i", old.id.as_str())
            .value(":uid", s(user.uid.as_str()));
        let rename = Expressions::default()
            .set("doc = :new")
            .require("uid = :uid AND doc = :old")
            .value(":uid", s(user.uid.as_str()))
            .value(":old", document(old)?)
            .value(":new", document(new)?);
        self.change_account(vec![
            self.update(&keys::authenticator(self.tenant, &user.id, &old.id), &rename)?,
            self.check(&keys::user(self.tenant, &user.id), &has)?,
            self.entitles(by)?,
            self.put_event(user, event, by.now)?,
        ])
        .await
    }

    /// Removes an authenticator, for its user. With `keep_last`, not where it is the only one.
    pub async fn remove_own_authenticator(
        &self,
        user: &User,
        id: &AuthenticatorId,
        keep_last: bool,
        (by, event): (Entitled<'_>, &Event),
    ) -> Result<Removed, Error> {
        let others = [self.entitles(by)?, self.put_event(user, event, by.now)?];
        self.remove_authenticator_and(user, id, (keep_last, by.now), &others).await
    }

    /// Makes an authenticator the one that is asked first, for its user.
    pub async fn choose_default(
        &self,
        user: &User,
        one: &Authenticator,
        (by, event): (Entitled<'_>, &Event),
    ) -> Result<Change, Error> {
        self.change_account(vec![
            self.update_user(&user.id, &self.default(user, &one.id, one.method))?,
            self.entitles(by)?,
            self.put_event(user, event, by.now)?,
        ])
        .await
    }

    /// Forgets a device of the user, for its user.
    pub async fn forget_device(
        &self,
        user: &User,
        device: &str,
        (by, event): (Entitled<'_>, &Event),
    ) -> Result<Change, Error> {
        self.change_account(vec![
            self.update(&self.device_key(user, device), &super::recent::invalidated(user, by.now))?,
            self.entitles(by)?,
            self.put_event(user, event, by.now)?,
        ])
        .await
    }

    async fn change_account(&self, writes: Vec<TransactWriteItem>) -> Result<Change, Error> {
        match contended(async || self.store.transact(writes.clone()).await).await {
            Ok(()) => Ok(Change::Done),
            Err(Refusal::Cancelled(_)) => Ok(Change::Stale),
            Err(other) => Err(other.into()),
        }
    }
}
