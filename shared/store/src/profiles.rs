//! Profiles, and the contacts by which users are found.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use countersign_domain::{
    error::Error,
    id::{UserId, UserUid},
    method::Method,
    user::{ContactKind, Profile, User},
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{Attributes, Item, Row, document, n, s},
    keys::{
        self, Key,
        attributes::{DEFAULT_METHOD, DOCUMENT, SK, UID, VERSION},
    },
    users::write_user,
};

/// A profile as read.
#[derive(Clone, Debug)]
pub struct StoredProfile {
    pub profile: Profile,
    pub uid: UserUid,
    pub(super) version: u64,
}

/// A profile that is to take the place of the one that was read.
#[derive(Clone, Copy)]
pub struct ProfileChange<'a> {
    pub old: Option<&'a StoredProfile>,
    pub new: &'a Profile,
}

/// The stored profile, where it is of this life of the user. One that an earlier life left behind does not count.
pub(super) fn read_profile(item: Option<Attributes>, user: Option<&User>) -> Result<Option<StoredProfile>, Error> {
    let Some(item) = item else { return Ok(None) };
    let row = Row(&item);
    let stored = StoredProfile { profile: row.document(DOCUMENT)?, uid: row.id(UID)?, version: row.number(VERSION)? };
    Ok(user.is_some_and(|user| user.uid.is_of_same_life(&stored.uid)).then_some(stored))
}

impl TenantStore<'_> {
    /// Writes a profile over the one that was read, with the contacts that find it, all or nothing.
    /// `false` where either changed meanwhile: read again.
    pub async fn save_profile(
        &self,
        user: &User,
        is_new: bool,
        old: Option<&StoredProfile>,
        profile: &Profile,
        default_method: Option<Method>,
    ) -> Result<bool, Error> {
        let writes = || {
            let mut writes = Vec::new();
            if is_new {
                let mut item = write_user(self, user);
                if let Some(method) = default_method {
                    item.put(DEFAULT_METHOD, s(method.as_str()));
                }
                writes.push(self.put_if(item, "attribute_not_exists(pk)", None)?);
            } else {
                let mut touch = Expressions::default().set("uid = :uid").require("uid = :uid");
                if let Some(method) = default_method {
                    touch = touch.set("def = :def").value(":def", s(method.as_str()));
                }
                writes.push(self.update_user(&user.id, &touch.value(":uid", s(user.uid.as_str())))?);
            }
            writes.extend(self.put_profile(user, old, profile)?);
            Ok::<_, Error>(writes)
        };
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(true),
            Err(Refusal::Cancelled(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The writes that put a profile and its contacts in place of the old.
    pub(super) fn put_profile(
        &self,
        user: &User,
        old: Option<&StoredProfile>,
        profile: &Profile,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let mut item = Item::at(&keys::profile(self.tenant, &user.id));
        item.put(UID, s(user.uid.as_str()));
        item.put(DOCUMENT, document(profile)?);
        item.put(VERSION, n(old.map_or(0, |old| old.version) + 1));
        let mut writes = vec![match old {
            // A profile of an earlier life may still lie there.
            None => self.put_if(item, "attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str())))?,
            Some(old) => self.put_if(item, "ver = :v", Some(n(old.version)))?,
        }];
        let before: HashSet<_> = old.map(|old| old.profile.contacts()).unwrap_or_default().into_iter().collect();
        let after: HashSet<_> = profile.contacts().into_iter().collect();
        for (kind, value) in after.difference(&before) {
            let mut item = Item::at(&self.contact_key(*kind, value, &user.id));
            item.put(UID, s(user.uid.as_str()));
            let put = Put::builder().table_name(&self.store.table).set_item(Some(item.into()));
            writes.push(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build());
        }
        for (kind, value) in before.difference(&after) {
            writes.push(self.delete_item(&self.contact_key(*kind, value, &user.id))?);
        }
        Ok(writes)
    }

    pub(super) fn contact_key(&self, kind: ContactKind, value: &str, user: &UserId) -> Key {
        Key { pk: keys::contact_partition(self.tenant, kind, value), sk: keys::contact_sort(user) }
    }

    /// Ids of users with this contact, in the order of their ids, after one of them. A hint, not a proof: the
    /// caller reads each user and compares.
    pub async fn users_with_contact(
        &self,
        kind: ContactKind,
        value: &str,
        after: Option<&UserId>,
    ) -> Result<Vec<UserId>, Error> {
        let partition = keys::contact_partition(self.tenant, kind, &kind.normal(value));
        let items = self.store.query(&partition, None, 1000).await?;
        let after = after.map(keys::contact_sort);
        let mut users = Vec::new();
        for item in &items {
            let row = Row(item);
            let sk = row.text(SK)?;
            if after.as_deref().is_none_or(|after| sk > after) {
                users.extend(keys::contact_user(sk));
            }
        }
        Ok(users)
    }
}
