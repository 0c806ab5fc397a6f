//! What users do about their own authenticators, and what happened to them.

use aws_sdk_dynamodb::types::TransactWriteItem;
use data_encoding::HEXLOWER;

use countersign_domain::{
    action::{FRESH_SECONDS, State, Verification},
    authenticator::Authenticator,
    challenge::Challenge,
    clock::{APART_SECONDS, Timestamp},
    error::Error,
    happened::Event,
    id::{ActionId, AuthenticatorId, UserId, UserUid},
    secret::random,
    user::User,
};

use super::{
    Expressions, Refusal, Removal, Removed, Remover, TenantStore, contended,
    item::{Item, Row, document, n, s, time},
    keys::{
        self, Key,
        attributes::{AT, DOCUMENT, EXPIRES_AT, TTL, UID},
    },
};

/// How long events are kept, and so shown.
const EVENTS_KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// The action that entitles to a change.
#[derive(Clone, Copy)]
pub struct Entitled<'a> {
    pub action: &'a Key,
    pub id: &'a ActionId,
    pub how: Entitlement<'a>,
    pub now: Timestamp,
}

/// Why an action entitles to a change.
#[derive(Clone, Copy)]
pub enum Entitlement<'a> {
    /// It was succeeded a short while ago, and what succeeded it was not taken away since.
    Success(&'a Verification),
    /// It completed the first enrolment of its user: to first recovery codes, and to nothing else.
    Enrolment(&'a AuthenticatorId),
}

/// A change that users make of their own: the action that entitles to it, the event that is written down, and the
/// notice to their other devices.
pub struct OwnChange<'a> {
    pub by: Entitled<'a>,
    pub event: &'a Event,
    pub notice: Option<&'a Challenge>,
}

/// How a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Done,
    /// What was to be changed is not there, or not as it was.
    Stale,
}

impl TenantStore<'_> {
    /// The condition of a change that its action entitles to it.
    pub(super) fn entitles(&self, uid: &UserUid, by: Entitled<'_>) -> Result<TransactWriteItem, Error> {
        let entitles = Expressions::default()
            .require("id = :id AND uid = :uid")
            .value(":id", s(by.id.as_str()))
            .value(":uid", s(uid.as_str()));
        let entitles = match by.how {
            Entitlement::Success(_) => entitles
                .require("st = :state AND vt > :since AND vt <= :until")
                .value(":state", s(State::ChallengeSucceeded.as_str()))
                .value(":since", n(by.now.as_millisecond() - FRESH_SECONDS * 1000))
                .value(":until", n(by.now.as_millisecond() + APART_SECONDS * 1000)),
            Entitlement::Enrolment(enrolled) => entitles
                .require("#exp > :now AND en = :enrolled AND st = :allow")
                .name("#exp", EXPIRES_AT)
                .value(":now", time(by.now))
                .value(":enrolled", s(enrolled.as_str()))
                .value(":allow", s(State::Allow.as_str())),
        };
        self.check(by.action, &entitles)
    }

    /// What is written beside an own change.
    fn beside(&self, user: &User, change: &OwnChange<'_>) -> Result<Vec<TransactWriteItem>, Error> {
        let event = self.put_event(&user.id, &user.uid, change.event, change.by.now)?;
        let mut writes = vec![self.entitles(&user.uid, change.by)?, event];
        writes.extend(self.put_notice(change.notice)?);
        Ok(writes)
    }

    /// Writes down what happened, for its user to see.
    pub(super) fn put_event(
        &self,
        user: &UserId,
        uid: &UserUid,
        event: &Event,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        let at = format!("{:013}#{}", now.as_millisecond(), HEXLOWER.encode(&random::<4>()?));
        let mut item = Item::at(&keys::event(self.tenant, user, &at));
        item.put(UID, s(uid.as_str()));
        item.put(AT, time(now));
        item.put(DOCUMENT, document(event)?);
        item.put(TTL, n(now.as_second() + EVENTS_KEPT_SECONDS));
        self.put_if(item, "attribute_not_exists(pk)", None)
    }

    /// What happened to a user's authenticators, newest first.
    pub async fn events(&self, user: &User, limit: usize) -> Result<Vec<(Timestamp, Event)>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::EVENT), usize::MAX).await?;
        let mut events = Vec::new();
        for item in items.iter().rev() {
            let row = Row(item);
            if row.id::<UserUid>(UID)?.is_of_same_life(&user.uid) {
                events.push((row.time(AT)?, row.document(DOCUMENT)?));
            }
        }
        events.truncate(limit);
        Ok(events)
    }

    /// Gives an authenticator another name.
    pub async fn rename_authenticator(
        &self,
        user: &User,
        old: &Authenticator,
        new: &Authenticator,
        change: &OwnChange<'_>,
    ) -> Result<Change, Error> {
        let path = if user.totp.contains_key(&old.id) { "totp.#i" } else { "att.#i" };
        let has = Expressions::default()
            .require(format!("uid = :uid AND attribute_exists({path})"))
            .name("#i", old.id.as_str())
            .value(":uid", s(user.uid.as_str()))
            .still_entitled(change.by);
        let rename = Expressions::default()
            .set("doc = :new")
            .require("doc = :old")
            .value(":old", document(old)?)
            .value(":new", document(new)?);
        let mut writes = vec![
            self.update(&keys::authenticator(self.tenant, &user.id, &old.id), &rename)?,
            self.check(&keys::user(self.tenant, &user.id), &has)?,
        ];
        writes.extend(self.beside(user, change)?);
        self.change_account(writes).await
    }

    /// Removes an authenticator, for its user. With `keep_last`, not where it is the only one.
    pub async fn remove_own_authenticator(
        &self,
        user: &User,
        id: &AuthenticatorId,
        keep_last: bool,
        change: &OwnChange<'_>,
    ) -> Result<Removed, Error> {
        let removal =
            Removal { id, keep_last, remover: Remover::Owner(Some(change.by)), notice: None, now: change.by.now };
        self.remove_authenticator_and(user, &removal, &self.beside(user, change)?).await
    }

    /// Makes an authenticator the one that is asked first, for its user.
    pub async fn choose_default(
        &self,
        user: &User,
        one: &Authenticator,
        change: &OwnChange<'_>,
    ) -> Result<Change, Error> {
        let chosen = self.default(user, &one.id, one.method).still_entitled(change.by);
        let mut writes = vec![self.update_user(&user.id, &chosen)?];
        writes.extend(self.beside(user, change)?);
        self.change_account(writes).await
    }

    /// Forgets a device of the user, for its user.
    pub async fn forget_device(&self, user: &User, device: &str, change: &OwnChange<'_>) -> Result<Change, Error> {
        let same = Expressions::default().require("uid = :uid").value(":uid", s(user.uid.as_str()));
        let mut writes = vec![
            self.update(&self.device_key(user, device), &super::recent::invalidated(user, change.by.now))?,
            self.check(&keys::user(self.tenant, &user.id), &same.still_entitled(change.by))?,
        ];
        writes.extend(self.beside(user, change)?);
        self.change_account(writes).await
    }

    pub(super) async fn change_account(&self, writes: Vec<TransactWriteItem>) -> Result<Change, Error> {
        match contended(async || self.store.transact(writes.clone()).await).await {
            Ok(()) => Ok(Change::Done),
            Err(Refusal::Cancelled(_)) => Ok(Change::Stale),
            Err(other) => Err(other.into()),
        }
    }
}

impl Expressions {
    /// On the user's item: what succeeded the action was not taken away since, or what it enrolled is still there.
    pub(super) fn still_entitled(self, by: Entitled<'_>) -> Self {
        match by.how {
            Entitlement::Success(verification) => self.not_ended(verification, by.id),
            Entitlement::Enrolment(enrolled) => {
                self.require("attribute_exists(att.#va)").name("#va", enrolled.as_str())
            }
        }
    }
}
