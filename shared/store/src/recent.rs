//! What rules remember of a user and of its devices. It is read and written with an action, and learns of a success in
//! the write that succeeds the action.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use countersign_domain::{
    action::{Action, State},
    clock::Timestamp,
    error::Error,
    id::{ActionId, DeviceTag, UserId, UserUid},
    method::Method,
    rule::recent::{Device, Recent},
    user::User,
};

use super::{
    Expressions, Refusal, StoredProfile, TenantStore,
    actions::KEPT_SECONDS,
    contended,
    item::{Attributes, Item, Row, document, n, s, time},
    keys::{
        self, Key,
        attributes::{
            AUTHENTICATED_AT, CREATED_AT, DEVICE_ID, DOCUMENT, INVALIDATED_AT, LAST_METHOD, LET_THROUGH_AT,
            REMEMBERED_UNTIL, SUCCEEDED, TTL, UID, VERSION,
        },
    },
    profiles::read_profile,
    users::read_user,
};

/// What rules know of a user before an action, with the version that a change must still find.
#[derive(Clone, Debug, Default)]
pub struct SeenByRules {
    pub recent: Recent,
    pub device: Option<Device>,
    /// Absent where nothing of this life of the user is stored.
    version: Option<u64>,
}

/// What rules are to know of a user after an action.
pub struct Noted<'a> {
    pub before: &'a SeenByRules,
    pub recent: &'a Recent,
    pub device: Option<NotedDevice<'a>>,
}

/// The device of an action, which rules are to know.
#[derive(Clone, Copy)]
pub struct NotedDevice<'a> {
    pub tag: &'a DeviceTag,
    /// As its backend calls it.
    pub name: &'a str,
}

/// A user before an action, with what rules know of it.
pub struct UserSeenByRules {
    pub user: Option<User>,
    pub profile: Option<StoredProfile>,
    pub seen: SeenByRules,
}

fn read_recent(item: Option<&Attributes>, user: Option<&User>) -> Result<(Recent, Option<u64>), Error> {
    let row = item.map(Row).zip(user);
    let Some((row, user)) = row else { return Ok((Recent::default(), None)) };
    if row.id::<UserUid>(UID)? != user.uid {
        return Ok((Recent::default(), None));
    }
    let mut recent: Recent = row.document(DOCUMENT)?;
    let succeeded = row.texts(SUCCEEDED).iter();
    recent.succeeded(&succeeded.map(ActionId::parse).collect::<Result<Vec<_>, _>>()?);
    Ok((recent, Some(row.number(VERSION)?)))
}

fn read_device(item: &Attributes) -> Result<Device, Error> {
    let row = Row(item);
    Ok(Device {
        id: row.text(DEVICE_ID)?.to_owned(),
        created_at: row.time(CREATED_AT)?,
        let_through_at: row.time_opt(LET_THROUGH_AT)?,
        authenticated_at: row.time_opt(AUTHENTICATED_AT)?,
        last_method: row.text_opt(LAST_METHOD).and_then(Method::parse),
        invalidated_at: row.time_opt(INVALIDATED_AT)?,
        remembered_until: row.time_opt(REMEMBERED_UNTIL)?,
    })
}

/// A device, where it is of this life of the user.
fn of_life(item: &Attributes, user: &User) -> Result<Option<Device>, Error> {
    (Row(item).id::<UserUid>(UID)? == user.uid).then(|| read_device(item)).transpose()
}

impl TenantStore<'_> {
    /// The user, its profile, and what rules know of it and of a device, in one round trip.
    pub async fn user_as_seen_by_rules(
        &self,
        id: &UserId,
        device: Option<&DeviceTag>,
    ) -> Result<UserSeenByRules, Error> {
        let [user, profile, recent] = [keys::user, keys::profile, keys::recent].map(|key| key(self.tenant, id));
        let ([user, profile, recent], device) = match device {
            None => (self.store.get_all([&user, &profile, &recent]).await?, None),
            Some(tag) => {
                let device = keys::device(self.tenant, id, tag);
                let [user, profile, recent, device] = self.store.get_all([&user, &profile, &recent, &device]).await?;
                ([user, profile, recent], device)
            }
        };
        let user = user.map(|item| read_user(id, &item)).transpose()?;
        let profile = read_profile(profile, user.as_ref())?;
        let (recent, version) = read_recent(recent.as_ref(), user.as_ref())?;
        let device = match (&device, &user) {
            (Some(device), Some(user)) => of_life(device, user)?,
            _ => None,
        };
        Ok(UserSeenByRules { user, profile, seen: SeenByRules { recent, device, version } })
    }

    /// The writes that note an action beside it. They are refused where anything was noted since it was read.
    pub(super) fn note(
        &self,
        user: &User,
        action: &Action,
        noted: &Noted<'_>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let mut item = Item::at(&keys::recent(self.tenant, &user.id));
        item.put(UID, s(user.uid.as_str()));
        item.put(DOCUMENT, document(noted.recent)?);
        item.put(VERSION, n(noted.before.version.unwrap_or(0) + 1));
        let mut writes = vec![match noted.before.version {
            None => self.put_if(item, "attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str())))?,
            Some(version) => self.put_if(item, "ver = :v", Some(n(version)))?,
        }];
        let Some(NotedDevice { tag, name }) = noted.device else { return Ok(writes) };
        let key = keys::device(self.tenant, &user.id, tag);
        let is_let_through = action.state == State::Allow;
        match &noted.before.device {
            None => {
                let mut item = Item::at(&key);
                item.put(UID, s(user.uid.as_str()));
                item.put(DEVICE_ID, s(name));
                item.put(CREATED_AT, time(action.created_at));
                if is_let_through {
                    item.put(LET_THROUGH_AT, time(action.created_at));
                } else {
                    // A mere attempt is forgotten with its action.
                    item.put(TTL, n(action.created_at.as_second() + KEPT_SECONDS));
                }
                writes.push(self.put_if(item, "attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str())))?);
            }
            Some(device) if is_let_through && !device.is_known() => {
                let seen = of_uid(&user.uid).set("lt = :at").remove("#ttl").name("#ttl", TTL);
                writes.push(self.update(&key, &seen.value(":at", time(action.created_at)))?);
            }
            Some(_) => {}
        }
        Ok(writes)
    }

    /// The writes that tell rules of a success, beside it; none where rules have not seen the action.
    pub(super) fn tell_rules(
        &self,
        user: &UserId,
        uid: &UserUid,
        action: &ActionId,
        method: Option<Method>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let Some(device) = action.of_rules() else { return Ok(Vec::new()) };
        // The version rises, so that whoever has read what was there before reads it again.
        let told = of_uid(uid)
            .add("ok :action")
            .add("ver :one")
            .value(":action", AttributeValue::Ss(vec![action.to_string()]))
            .value(":one", n(1));
        let mut writes = vec![self.update(&keys::recent(self.tenant, user), &told)?];
        if let Some(tag) = device {
            let seen = of_uid(uid).remove("#ttl").name("#ttl", TTL).value(":at", time(now));
            let seen = match method {
                Some(method) => seen.set("au = :at, lvm = :method").value(":method", s(method.as_str())),
                None => seen.set("lt = :at"),
            };
            writes.push(self.update(&keys::device(self.tenant, user, &tag), &seen)?);
        }
        Ok(writes)
    }

    /// Tells rules of a success that the backend vouches for. A crash before it leaves an address unknown, no more.
    pub(super) async fn tell_rules_of(&self, user: &User, action: &Action, now: Timestamp) -> Result<(), Error> {
        let writes = self.tell_rules(&user.id, &user.uid, &action.id, None, now)?;
        if writes.is_empty() {
            return Ok(());
        }
        let write = async || self.store.transact(writes.clone()).await;
        match contended(write).await {
            Ok(()) | Err(Refusal::Cancelled(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// The devices of the user's present life, by when they were first seen.
    pub async fn devices(&self, user: &User) -> Result<Vec<Device>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::DEVICE), 1000).await?;
        let mut devices = Vec::new();
        for item in &items {
            devices.extend(of_life(item, user)?);
        }
        devices.sort_by_key(|device| device.created_at);
        Ok(devices)
    }

    /// Remembers a device until then, or no longer; 404 where the user has none of this name.
    pub async fn remember_device(&self, user: &User, id: &str, until: Option<Timestamp>) -> Result<Device, Error> {
        let change = of_uid(&user.uid);
        let change = match until {
            Some(until) => change
                .set("rem = :until")
                .remove(INVALIDATED_AT)
                .remove("#ttl")
                .name("#ttl", TTL)
                .value(":until", time(until)),
            None => change.remove(REMEMBERED_UNTIL),
        };
        self.change_device(&self.device_key(user, id), &change).await
    }

    /// Takes back what is known of a device: it is new, and not remembered; 404 where the user has none of this name.
    pub async fn invalidate_device(&self, user: &User, id: &str, now: Timestamp) -> Result<Device, Error> {
        self.change_device(&self.device_key(user, id), &invalidated(user, now)).await
    }

    /// One device; 404 where the user has none of this name.
    pub async fn device(&self, user: &User, id: &str) -> Result<Device, Error> {
        let found = self.store.get(&self.device_key(user, id)).await?;
        let device = found.map(|item| of_life(&item, user)).transpose()?.flatten();
        device.ok_or_else(no_device)
    }

    pub(super) fn device_key(&self, user: &User, id: &str) -> Key {
        keys::device(self.tenant, &user.id, &DeviceTag::of(id))
    }

    async fn change_device(&self, key: &Key, change: &Expressions) -> Result<Device, Error> {
        match self.update_one(key, change).await {
            Ok(item) => read_device(&item),
            Err(Refusal::Condition(_)) => Err(no_device()),
            Err(other) => Err(other.into()),
        }
    }
}

/// The update that takes back what is known of a device.
pub(super) fn invalidated(user: &User, now: Timestamp) -> Expressions {
    of_uid(&user.uid).set("inv = :now").remove(REMEMBERED_UNTIL).value(":now", time(now))
}

fn of_uid(uid: &UserUid) -> Expressions {
    Expressions::default().require("uid = :uid").value(":uid", s(uid.as_str()))
}

/// What a call on a device that a user does not have is told.
pub fn no_device() -> Error {
    Error::NotFound("The user has no device with this id.".into())
}
