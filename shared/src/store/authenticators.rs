//! Authenticators of a user: their descriptions, and those that a backend vouches for.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};

use crate::{
    authenticator::{Authenticator, Method, UseSoFar, device::DeviceKey, totp::Step},
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, UserId},
    policy::RequiredAction,
    user::{MAX_AUTHENTICATORS, MAX_TOTP, SpentStep, User},
};

use super::{
    Expressions, Refusal, Settlement, TenantStore, census, contended,
    item::{Attributes, Row, document, keyed, n, s},
    keys::{self, Key},
    policy::finished,
    spent::SpentSteps,
    users::{read_user, totp_value, write_user},
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

/// An authenticator that the customer's backend vouches for (contract, S7).
pub struct NewAuthenticator {
    pub description: Authenticator,
    /// The sealed secret, for TOTP.
    pub sealed: Option<Vec<u8>>,
    /// The last step that was accepted of the secret, where the user had it before.
    pub last_step: Step,
}

impl NewAuthenticator {
    pub(super) fn totp(&self) -> AttributeValue {
        let spent = SpentStep { step: self.last_step, ..SpentStep::default() };
        totp_value(self.sealed.as_deref().unwrap_or_default(), &spent)
    }
}

/// The user as it is once this is removed.
fn without(user: &User, id: &AuthenticatorId) -> User {
    let mut left = user.clone();
    left.totp.remove(id);
    left.secretless.remove(id);
    left
}

pub(super) fn read_authenticator(item: &Attributes) -> Result<Authenticator, Error> {
    let row = Row(item);
    let time = |name: &str| item.contains_key(name).then(|| row.time(name)).transpose();
    let errored = time("err")?.map(|at| (at, row.text_opt("erc").unwrap_or_default().to_owned()));
    Ok(Authenticator { use_so_far: UseSoFar { last_verified_at: time("lv")?, errored }, ..row.document("doc")? })
}

impl TenantStore<'_> {
    pub(super) fn put_description(
        &self,
        user: &UserId,
        description: &Authenticator,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = keyed(&keys::authenticator(self.tenant, user, &description.id));
        item.insert("uid".into(), s(description.user_uid.as_str()));
        item.insert("doc".into(), document(description)?);
        self.put_if(item, "attribute_not_exists(pk)", None)
    }

    /// Adds an authenticator that the backend vouches for, and makes the user where it is new.
    pub async fn add_authenticator(
        &self,
        user: &User,
        is_new: bool,
        new: &NewAuthenticator,
        (spent, is_default): (&SpentSteps, bool),
    ) -> Result<Settlement, Error> {
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
            let can_answer = user.can_answer() || Method::ANSWERING.contains(&new.description.method);
            add = add.listed(self.tenant, &user.id, can_answer);
            if new.sealed.is_some() {
                add = add.done(RequiredAction::AuthenticatorApplicationSetup);
            }
            if is_default {
                add = add.set("def = :def").value(":def", s(new.description.method.as_str()));
            }
            let user_write = if is_new {
                let mut item = write_user(self, user);
                let (map, value) = match &new.sealed {
                    Some(_) => ("totp", new.totp()),
                    None => ("att", s(new.description.method.as_str())),
                };
                item.insert(map.into(), AttributeValue::M(HashMap::from([(id.to_owned(), value)])));
                item.insert(census::ENROLLED.into(), n(u8::from(can_answer)));
                if new.sealed.is_some() {
                    finished(&mut item, user, RequiredAction::AuthenticatorApplicationSetup);
                }
                if is_default {
                    item.insert("def".into(), s(new.description.method.as_str()));
                }
                self.put_if(item, "attribute_not_exists(pk)", None)?
            } else {
                self.update_user(&user.id, &add)?
            };
            let mut writes = vec![user_write, self.put_description(&user.id, &new.description)?];
            if new.sealed.is_some() {
                writes.push(self.none_went(&user.id, spent)?);
            }
            Ok::<_, Error>(writes)
        };
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(Settlement::Accepted),
            Err(Refusal::Cancelled(_)) => Ok(Settlement::Refused),
            Err(other) => Err(other.into()),
        }
    }

    /// Removes an authenticator, with its key where it is one of a device. With `keep_last`, not where it is the only
    /// one that the user can answer with. Recovery codes go with the last one.
    pub async fn remove_authenticator(
        &self,
        user: &User,
        id: &AuthenticatorId,
        keep_last: bool,
        now: Timestamp,
    ) -> Result<Removed, Error> {
        self.remove_authenticator_and(user, id, (keep_last, now), &[]).await
    }

    /// The same together with other writes, whose conditions it needs; [`Removed::Gone`] where they fail too.
    pub(super) async fn remove_authenticator_and(
        &self,
        user: &User,
        id: &AuthenticatorId,
        (keep_last, now): (bool, Timestamp),
        others: &[TransactWriteItem],
    ) -> Result<Removed, Error> {
        let mut user = user.clone();
        // Each turn that loses means that another authenticator came or went, so there are few.
        for _ in 0..8 {
            if !user.has_authenticator(id) {
                return Ok(Removed::Gone);
            }
            let is_last = user.totp.len() + user.secretless.len() == 1;
            if keep_last && user.can_answer() && !without(&user, id).can_answer() {
                return Ok(Removed::Kept);
            }
            let (at, remove) = (keys::authenticator(self.tenant, &user.id, id), self.removal(&user, id));
            let mut gone = vec![at.clone()];
            if is_last {
                gone.push(keys::recovery(self.tenant, &user.id));
            }
            if user.secretless.get(id).copied().is_some_and(Method::is_of_device) {
                let described = self.store.get(&at).await?.map(|item| read_authenticator(&item)).transpose()?;
                gone.extend(described.iter().flat_map(|one| self.credentials_of(one)).flatten());
            }
            let spent = match user.totp.contains_key(id) {
                true => self.note_spent(&user, [id], &self.spent(&user.id).await?, now)?,
                false => None,
            };
            // Right behind the user's half, so that its refusal is told from that of others.
            let notes = spent.is_some();
            let write = async || {
                let mut writes = vec![self.update_user(&user.id, &remove)?];
                writes.extend(spent.clone());
                for key in &gone {
                    writes.push(self.delete_item(key)?);
                }
                writes.extend_from_slice(others);
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

    /// The user's half of a removal: only from as many authenticators as were counted.
    fn removal(&self, user: &User, id: &AuthenticatorId) -> Expressions {
        let path = if user.totp.contains_key(id) { "totp.#i" } else { "att.#i" };
        let mut remove = Expressions::default()
            .set("uid = :uid")
            .remove(path)
            .delete("ur :gone")
            .require(format!("uid = :uid AND attribute_exists({path}) AND size(totp) = :apps AND size(att) = :others"))
            .name("#i", id.as_str())
            .value(":gone", AttributeValue::Ss(vec![id.to_string()]))
            .value(":uid", s(user.uid.as_str()))
            .value(":apps", n(user.totp.len()))
            .value(":others", n(user.secretless.len()))
            .spent_as_read(user, [id]);
        if user.pending.as_ref().is_some_and(|pending| pending.id == *id) {
            // The same secret, given out and not confirmed, would begin at no step.
            remove = remove.remove("pend");
        }
        if !without(user, id).can_answer() {
            remove = remove.listed(self.tenant, &user.id, false);
        }
        if user.primary.as_ref() == Some(id) {
            remove = remove.remove("prim");
        }
        remove
    }

    fn delete_item(&self, key: &Key) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.store.table).key("pk", s(&key.pk)).key("sk", s(&key.sk));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build())
    }

    /// Where the keys of an authenticator stand.
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
            if description.user_uid == user.uid && user.has_authenticator(&description.id) {
                found.push(description);
            }
        }
        found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
        Ok(found)
    }
}
