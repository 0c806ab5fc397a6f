//! Authenticators of a user: their descriptions, and those that a backend vouches for.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use countersign_domain::{
    authenticator::{Authenticator, PushError, UseSoFar},
    challenge::Challenge,
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, UserId, UserUid},
    method::{Method, device::DeviceKey, totp::Step},
    revoked::TakenAway,
    user::{MAX_AUTHENTICATORS, MAX_TOTP, RequiredAction, SpentStep, User},
};

use super::{
    Entitled, Expressions, Refusal, TenantStore, contended,
    item::{Attributes, Item, Row, document, empty_map, n, s},
    keys::{
        self, Key,
        attributes::{
            DEFAULT_METHOD, DOCUMENT, ERROR_CODE, ERRORED_AT, IS_ENROLLED, LAST_VERIFIED_AT, PRIMARY, SECRETLESS, TOTP,
            UID,
        },
    },
    policy::finished,
    spent::SpentSteps,
    users::{no_user, read_user, totp_value, write_user},
};

/// How a removal went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    Yes,
    /// The user does not have it.
    Gone,
    /// It is the last one, which was to stay.
    Kept,
}

/// An authenticator that is to go.
pub struct Removal<'a> {
    pub id: &'a AuthenticatorId,
    /// Not where it is the only one that the user has.
    pub keep_last: bool,
    pub remover: Remover<'a>,
    /// The notice to the user's other devices, where one was sent.
    pub notice: Option<&'a Challenge>,
    pub now: Timestamp,
}

/// Who takes an authenticator away.
#[derive(Clone, Copy)]
pub enum Remover<'a> {
    /// Its owner, with the action that entitles them and goes on, or the device itself.
    Owner(Option<Entitled<'a>>),
    /// The customer: the removal of the last one is a reset.
    Customer,
}

/// How an addition by the backend went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    Yes,
    /// The user is not what it was, or has no room.
    Stale,
}

/// An authenticator that the customer's backend vouches for (contract, S7).
pub struct NewAuthenticator {
    pub description: Authenticator,
    /// The sealed secret, for TOTP.
    pub sealed: Option<Vec<u8>>,
    /// The last step that was accepted of the secret, where the user had it before.
    pub last_step: Step,
    /// The notice to the user's devices, where one was sent.
    pub notice: Option<Challenge>,
}

impl NewAuthenticator {
    pub(super) fn totp(&self) -> AttributeValue {
        let spent = SpentStep { step: self.last_step, ..SpentStep::default() };
        totp_value(self.sealed.as_deref().unwrap_or_default(), &spent)
    }
}

pub(super) fn read_authenticator(item: &Attributes) -> Result<Authenticator, Error> {
    let row = Row(item);
    let code = || row.text_opt(ERROR_CODE).unwrap_or_default().to_owned();
    let errored = row.time_opt(ERRORED_AT)?.map(|at| PushError { at, code: code() });
    Ok(Authenticator {
        use_so_far: UseSoFar { last_verified_at: row.time_opt(LAST_VERIFIED_AT)?, errored },
        ..row.document(DOCUMENT)?
    })
}

impl TenantStore<'_> {
    pub(super) fn put_description(
        &self,
        user: &UserId,
        description: &Authenticator,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = Item::at(&keys::authenticator(self.tenant, user, &description.id));
        item.put(UID, s(description.user_uid.as_str()));
        item.put(DOCUMENT, document(description)?);
        self.put_if(item, "attribute_not_exists(pk)", None)
    }

    /// Adds an authenticator that the backend vouches for, and makes the user where it is new.
    pub async fn add_authenticator(
        &self,
        user: &User,
        is_new: bool,
        new: &NewAuthenticator,
        spent: &SpentSteps,
        is_default: bool,
    ) -> Result<Added, Error> {
        let writes = || {
            let id = new.description.id.as_str();
            let mut add =
                Expressions::default().require("uid = :uid").value(":uid", s(user.uid.as_str())).name("#i", id);
            add = match &new.sealed {
                Some(_) => add
                    .set("totp.#i = :new")
                    .require("size(totp) < :max AND attribute_not_exists(totp.#i)")
                    .value(":new", new.totp())
                    .value(":max", n(MAX_TOTP)),
                None => add
                    .set("att.#i = :new")
                    .require("size(att) < :max")
                    .value(":new", s(new.description.method.as_str()))
                    .value(":max", n(MAX_AUTHENTICATORS - MAX_TOTP)),
            };
            let can_answer = user.can_answer() || new.description.method.facts().answers;
            add = add.listed(self.tenant, &user.id, can_answer);
            if !is_new {
                let vouched = user.secretless.values().filter(|method| !method.facts().answers).count();
                add = match user.can_answer() {
                    // With the last one, the action that removed it goes on; not beyond this.
                    true => {
                        add.require("size(totp) > :zero OR size(att) > :vouched_for").value(":vouched_for", n(vouched))
                    }
                    false => add.require("size(totp) = :zero"),
                };
                add = add.value(":zero", n(0));
                add = add.enrolling(user, &new.description.id, None, new.description.verified_at);
            }
            if new.sealed.is_some() {
                add = add.done(RequiredAction::AuthenticatorApplicationSetup);
            }
            if is_default {
                add = add.set("def = :def").value(":def", s(new.description.method.as_str()));
            }
            let user_write = if is_new {
                let mut item = write_user(self, user);
                let (map, value) = match &new.sealed {
                    Some(_) => (TOTP, new.totp()),
                    None => (SECRETLESS, s(new.description.method.as_str())),
                };
                item.put(map, AttributeValue::M(HashMap::from([(id.to_owned(), value)])));
                item.put(IS_ENROLLED, n(u8::from(can_answer)));
                if new.sealed.is_some() {
                    finished(&mut item, user, RequiredAction::AuthenticatorApplicationSetup);
                }
                if is_default {
                    item.put(DEFAULT_METHOD, s(new.description.method.as_str()));
                }
                self.put_if(item, "attribute_not_exists(pk)", None)?
            } else {
                self.update_user(&user.id, &add)?
            };
            let mut writes = vec![user_write, self.put_description(&user.id, &new.description)?];
            if new.sealed.is_some() {
                writes.push(self.none_went(&user.id, spent)?);
            }
            writes.extend(self.put_notice(new.notice.as_ref())?);
            Ok::<_, Error>(writes)
        };
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(Added::Yes),
            Err(Refusal::Cancelled(_)) => Ok(Added::Stale),
            Err(other) => Err(other.into()),
        }
    }

    /// Removes an authenticator, with its key where it is one of a device. Recovery codes go with the last one.
    pub async fn remove_authenticator(&self, user: &User, removal: &Removal<'_>) -> Result<Removed, Error> {
        self.remove_authenticator_and(user, removal, &[]).await
    }

    /// The same together with other writes; [`Removed::Gone`] also where a condition of one of those fails.
    pub(super) async fn remove_authenticator_and(
        &self,
        user: &User,
        removal: &Removal<'_>,
        others: &[TransactWriteItem],
    ) -> Result<Removed, Error> {
        let (id, mut user) = (removal.id, user.clone());
        // Each turn that loses means that another authenticator came or went, so there are few.
        for _ in 0..8 {
            if !user.has_authenticator(id) {
                return Ok(Removed::Gone);
            }
            let ends = user.ends_with(id);
            if ends && removal.keep_last {
                return Ok(Removed::Kept);
            }
            let is_last = ends || user.totp.len() + user.secretless.len() == 1;
            let at = keys::authenticator(self.tenant, &user.id, id);
            let remove = self.removal(&user, removal, is_last);
            let mut gone = vec![at.clone()];
            if is_last {
                gone.push(keys::recovery(self.tenant, &user.id));
            }
            if user.secretless.get(id).copied().is_some_and(Method::is_of_device) {
                let described = self.store.get(&at).await?.map(|item| read_authenticator(&item)).transpose()?;
                gone.extend(described.iter().flat_map(|one| self.credentials_of(one)).flatten());
            }
            let spent = match user.totp.contains_key(id) {
                true => self.note_spent(&user, [id], &self.spent(&user.id).await?, removal.now)?,
                false => None,
            };
            // The note stands second, right behind the user's half, so that its refusal is told from that of the other
            // writes.
            let notes = spent.is_some();
            let write = async || {
                let mut writes = vec![self.update_user(&user.id, &remove)?];
                writes.extend(spent.clone());
                for key in &gone {
                    writes.push(self.delete_item(key)?);
                }
                writes.extend_from_slice(others);
                writes.extend(self.put_notice(removal.notice)?);
                self.store.transact(writes).await
            };
            match contended(write).await {
                Ok(()) => return Ok(Removed::Yes),
                Err(Refusal::Cancelled(refused)) => {
                    let Some(Some(Some(item))) = refused.first() else {
                        // Another app of the user went at the same time.
                        if notes && matches!(refused.get(1), Some(Some(_))) {
                            continue;
                        }
                        return Ok(Removed::Gone);
                    };
                    let now = read_user(&user.id, item)?;
                    if now.uid != user.uid {
                        return Ok(Removed::Gone);
                    }
                    user = now;
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the user kept changing"))
    }

    /// The user's half of a removal: only from as many authenticators as were counted. Where the customer takes the last
    /// one away, that is a reset, and ends what was entitled to anything. Of several, and by whomever else, it ends what this
    /// one had succeeded; with the last one all that had been. Only the action of the user that takes it away goes on.
    fn removal(&self, user: &User, Removal { id, remover, now, .. }: &Removal<'_>, is_last: bool) -> Expressions {
        let path = if user.totp.contains_key(id) { "totp.#i" } else { "att.#i" };
        let mut remove = Expressions::default()
            .set("uid = :next")
            .remove(path)
            .delete("ur :gone, tn :gone")
            .require(format!("uid = :uid AND attribute_exists({path}) AND size(totp) = :apps AND size(att) = :others"))
            .name("#i", id.as_str())
            .value(":gone", AttributeValue::Ss(vec![id.to_string()]))
            .value(":uid", s(user.uid.as_str()))
            .value(":apps", n(user.totp.len()))
            .value(":others", n(user.secretless.len()))
            .spent_as_read(user, [*id]);
        let taken = |by| TakenAway { id, is_last, by, now: *now };
        let is_reset = is_last && matches!(remover, Remover::Customer);
        remove = match remover {
            Remover::Customer if is_last => remove.without_pending(user),
            Remover::Customer | Remover::Owner(None) => remove.taken_away(user, &taken(None)),
            Remover::Owner(Some(by)) => remove.taken_away(user, &taken(Some(by.id))).still_entitled(*by),
        };
        let next = if is_reset { user.uid.after_reset() } else { user.uid.clone() };
        remove = remove.value(":next", s(next.as_str()));
        if is_last {
            remove = remove.listed(self.tenant, &user.id, false);
        }
        if user.primary.as_ref() == Some(id) {
            remove = remove.remove(PRIMARY);
        }
        remove
    }

    /// Resets a user: takes away all that was enrolled, with the recovery codes, and begins another era, so that tokens,
    /// open actions and remembered devices from before are worth nothing. 404 for a user that there is not.
    pub async fn reset(&self, id: &UserId, now: Timestamp) -> Result<User, Error> {
        for _ in 0..8 {
            let (Some(user), spent) = self.user_and_spent(id).await? else { return Err(no_user()) };
            let spent = self.note_spent(&user, user.totp.keys(), &spent, now)?;
            let uid = user.uid.after_reset();
            let reset = self.all_taken_away(&user, &uid);
            let mut gone = vec![keys::recovery(self.tenant, id)];
            for one in self.authenticators(&user).await? {
                gone.push(keys::authenticator(self.tenant, id, &one.id));
                gone.extend(self.credentials_of(&one)?);
            }
            let write = async || {
                let mut writes = vec![self.update_user(id, &reset)?];
                writes.extend(spent.clone());
                for key in &gone {
                    writes.push(self.delete_item(key)?);
                }
                self.store.transact(writes).await
            };
            match contended(write).await {
                Ok(()) => return Ok(User { uid, ..User::new(id.clone(), user.created_at) }),
                // An authenticator came or went meanwhile.
                Err(Refusal::Cancelled(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the user kept changing"))
    }

    /// The user's half of a reset: from exactly the authenticators that were read.
    fn all_taken_away(&self, user: &User, next: &UserUid) -> Expressions {
        let reset = Expressions::default()
            .set("uid = :next, totp = :none, att = :none")
            .remove("ur, tn, lvm, prim, pend, def")
            .require("uid = :uid AND size(totp) = :apps AND size(att) = :others")
            .value(":next", s(next.as_str()))
            .value(":uid", s(user.uid.as_str()))
            .value(":apps", n(user.totp.len()))
            .value(":others", n(user.secretless.len()))
            .value(":none", empty_map())
            .spent_as_read(user, user.totp.keys())
            .listed(self.tenant, &user.id, false);
        let apps = user.totp.keys().map(|id| (TOTP, id));
        let all = apps.chain(user.secretless.keys().map(|id| (SECRETLESS, id)));
        all.enumerate().fold(reset, |reset, (index, (map, id))| {
            reset.require(format!("attribute_exists({map}.#i{index})")).name(format!("#i{index}"), id.as_str())
        })
    }

    /// Where the credential of an authenticator stands; `None` where it has none.
    pub(super) fn credentials_of(&self, one: &Authenticator) -> Result<Option<Key>, Error> {
        let Some(device) = &one.device else { return Ok(None) };
        let key = DeviceKey::parse(&device.public_key).map_err(|_| Error::internal("a stored key is damaged"))?;
        Ok(Some(keys::credential(self.tenant, one.method, &key.fingerprint())))
    }

    /// The descriptions of the authenticators that the user has, oldest first.
    pub async fn authenticators(&self, user: &User) -> Result<Vec<Authenticator>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::AUTHENTICATOR), usize::MAX).await?;
        let mut found = Vec::with_capacity(items.len());
        for item in &items {
            let description = read_authenticator(item)?;
            if description.user_uid.is_of_same_life(&user.uid) && user.has_authenticator(&description.id) {
                found.push(description);
            }
        }
        found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
        Ok(found)
    }
}
