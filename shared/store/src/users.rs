//! Users: what every operation reads, how it is stored, and how the life of a user ends.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use countersign_domain::{
    action::Action,
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, ChallengeId, UserId, UserUid},
    limiter::PushStarts,
    method::Method,
    user::{PendingTotp, Profile, RequiredAction, SpentStep, TotpCredential, User},
};

use super::{
    Expressions, Refusal, TenantStore,
    authenticators::read_authenticator,
    census, contended,
    guesses::{read_guesses, write_guesses},
    item::{Attributes, Item, Row, b, empty_map, map, n, s, time},
    keys::{
        self, Key,
        attributes::{
            ACTION, CODES_LEFT, CREATED_AT, DEFAULT_METHOD, DENIED_AT, DOCUMENT, ENTITLED_BY, ID, IS_FIRST,
            LAST_METHOD, NAME, PENDING, PRIMARY, PUSHES, QUIET_UNTIL, REQUIRED, SEALED, SECRETLESS, SEEN, SK, STEP,
            TAKES_NUMBERS, TIME, TOTP, UID, UNREACHABLE,
        },
    },
    profiles::{StoredProfile, read_profile},
    revoked::read_revoked,
    spent::{SpentSteps, read_spent},
};

pub(super) fn required_value(actions: impl Iterator<Item = RequiredAction>) -> AttributeValue {
    AttributeValue::Ss(actions.map(|action| action.as_str().to_owned()).collect())
}

pub(super) fn write_user(tenant: &TenantStore<'_>, user: &User) -> Item {
    let mut item = Item::at(&keys::user(tenant.tenant, &user.id));
    item.put(UID, s(user.uid.as_str()));
    item.put(CREATED_AT, time(user.created_at));
    item.put(TOTP, empty_map());
    item.put(SECRETLESS, empty_map());
    write_guesses(&mut item);
    if !user.required.is_empty() {
        item.put(REQUIRED, required_value(user.required.iter().copied()));
    }
    census::write_indexed(&mut item, tenant.tenant, user);
    item
}

pub(super) fn read_user(id: &UserId, item: &Attributes) -> Result<User, Error> {
    let row = Row(item);
    let mut totp = BTreeMap::new();
    for (id, value) in row.map(TOTP)? {
        let stored = Row(value.as_m().map_err(|_| Error::internal("a stored TOTP credential is damaged"))?);
        let spent = SpentStep {
            step: stored.number(STEP)?,
            by: stored.text_opt(ACTION).and_then(|action| ActionId::parse(action).ok()),
            at: stored.number(TIME)?,
        };
        totp.insert(AuthenticatorId::parse(id)?, TotpCredential { sealed: stored.bytes(SEALED)?, spent });
    }
    let mut secretless = BTreeMap::new();
    for (id, value) in row.map(SECRETLESS)? {
        let method = value.as_s().ok().and_then(|name| Method::parse(name));
        secretless
            .insert(AuthenticatorId::parse(id)?, method.ok_or_else(|| Error::internal("an unknown stored method"))?);
    }
    let mut pushes = PushStarts::default();
    for (id, start) in row.map_opt(PUSHES).iter().flat_map(|starts| starts.0) {
        let start = start.as_n().ok().and_then(|start| start.parse().ok());
        pushes.0.insert(ChallengeId::parse(id)?, start.ok_or_else(|| Error::internal("a stored push is damaged"))?);
    }
    let unreachable = row.texts(UNREACHABLE).iter().map(AuthenticatorId::parse).collect::<Result<_, _>>()?;
    let takes_numbers = row.texts(TAKES_NUMBERS).iter().map(AuthenticatorId::parse).collect::<Result<_, _>>()?;
    let seconds = |of| if row.has(of) { row.number(of) } else { Ok(0) };
    let pending = row.map_opt(PENDING).map(|pending| {
        Ok::<_, Error>(PendingTotp {
            id: pending.id(ID)?,
            sealed: pending.bytes(SEALED)?,
            action: pending.id(ACTION)?,
            entitled_by: pending.text_opt(ENTITLED_BY).map(AuthenticatorId::parse).transpose()?,
            is_first: pending.number::<u8>(IS_FIRST)? == 1,
            begun_at: pending.time(TIME)?,
            name: pending.text_opt(NAME).map(str::to_owned),
        })
    });
    let required = row.texts(REQUIRED).iter();
    Ok(User {
        id: id.clone(),
        uid: row.id(UID)?,
        created_at: row.time(CREATED_AT)?,
        totp,
        secretless,
        unreachable,
        revoked: read_revoked(&row)?,
        primary: row.text_opt(PRIMARY).and_then(|id| AuthenticatorId::parse(id).ok()),
        pushes,
        quiet_until: seconds(QUIET_UNTIL)?,
        denied_at: seconds(DENIED_AT)?,
        last_method: row.text_opt(LAST_METHOD).and_then(Method::parse),
        takes_numbers,
        pending: pending.transpose()?,
        default_method: row.text_opt(DEFAULT_METHOD).and_then(Method::parse),
        required: required.filter_map(|id| RequiredAction::parse(id)).collect(),
        codes_left: row.has(CODES_LEFT).then(|| row.number::<i64>(CODES_LEFT)).transpose()?,
        seen: row.has(SEEN).then(|| row.number(SEEN)).transpose()?,
        guesses: read_guesses(item)?,
    })
}

pub(super) fn totp_value(sealed: &[u8], spent: &SpentStep) -> AttributeValue {
    let mut value = map([(SEALED, b(sealed)), (STEP, n(spent.step)), (TIME, n(spent.at))]);
    if let Some(by) = &spent.by {
        value.insert(ACTION.into(), s(by.as_str()));
    }
    AttributeValue::M(value)
}

/// A user as read, with its profile and an action.
pub struct UserAndAction {
    pub user: Option<User>,
    pub profile: Option<StoredProfile>,
    pub action: Option<Action>,
}

/// A user as read, with its profile and what apps that it had have spent.
pub struct UserAndSpent {
    pub user: Option<User>,
    pub profile: Option<StoredProfile>,
    pub spent: SpentSteps,
}

impl TenantStore<'_> {
    pub(super) fn update_user(&self, user: &UserId, expressions: &Expressions) -> Result<TransactWriteItem, Error> {
        self.update(&keys::user(self.tenant, user), expressions)
    }

    pub(super) fn put_new_user(&self, user: &User) -> Result<TransactWriteItem, Error> {
        self.put_if(write_user(self, user), "attribute_not_exists(pk)", None)
    }

    /// The user; `None` for one that was never seen, or deleted.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, Error> {
        let found = self.store.get(&keys::user(self.tenant, id)).await?;
        found.map(|item| read_user(id, &item)).transpose()
    }

    /// The user and its profile in one round trip. The profile carries the version that a change must find.
    pub async fn user_and_profile(&self, id: &UserId) -> Result<(Option<User>, Option<StoredProfile>), Error> {
        let wanted = [&keys::user(self.tenant, id), &keys::profile(self.tenant, id)];
        let [user, profile] = self.store.get_all(wanted).await?;
        let user = user.map(|item| read_user(id, &item)).transpose()?;
        let profile = read_profile(profile, user.as_ref())?;
        Ok((user, profile))
    }

    /// The user and one of its actions in one round trip.
    pub async fn user_and_action(&self, id: &UserId, action: &Key) -> Result<(Option<User>, Option<Action>), Error> {
        let [user, action] = self.store.get_all([&keys::user(self.tenant, id), action]).await?;
        let user = user.map(|item| read_user(id, &item)).transpose()?;
        Ok((user, action.map(|item| super::actions::read_action(&item)).transpose()?))
    }

    /// The user, its profile and one of its actions in one round trip.
    pub async fn user_profile_and_action(&self, id: &UserId, action: &Key) -> Result<UserAndAction, Error> {
        let wanted = [&keys::user(self.tenant, id), &keys::profile(self.tenant, id), action];
        let [user, profile, action] = self.store.get_all(wanted).await?;
        let user = user.map(|item| read_user(id, &item)).transpose()?;
        let profile = read_profile(profile, user.as_ref())?;
        let action = action.map(|item| super::actions::read_action(&item)).transpose()?;
        Ok(UserAndAction { user, profile, action })
    }

    /// The user, its profile, and what apps that it had have spent, in one round trip.
    pub async fn user_profile_and_spent(&self, id: &UserId) -> Result<UserAndSpent, Error> {
        let wanted = [&keys::user(self.tenant, id), &keys::profile(self.tenant, id), &keys::spent(self.tenant, id)];
        let [user, profile, spent] = self.store.get_all(wanted).await?;
        let user = user.map(|item| read_user(id, &item)).transpose()?;
        let profile = read_profile(profile, user.as_ref())?;
        Ok(UserAndSpent { user, profile, spent: read_spent(spent.as_ref())? })
    }

    /// Ends this life of the user, then sweeps what it left. The first write ends everything that is under way:
    /// each acceptance has the life of the user in its condition. May be repeated. What its apps have spent stays for a
    /// while: the same secret may come back.
    pub async fn delete_user(&self, id: &UserId, now: Timestamp) -> Result<(), Error> {
        self.end_life(id, now).await?;
        let partition = keys::user_partition(self.tenant, id);
        let left = self.store.query(&partition, None, usize::MAX).await?;
        let alive = left.iter().find(|item| Row(item).text(SK).is_ok_and(|sk| sk == keys::USER));
        let alive = alive.map(|item| Row(item).id::<UserUid>(UID)).transpose()?;
        for item in &left {
            let row = Row(item);
            let uid = row.id::<UserUid>(UID)?;
            if alive.as_ref().is_none_or(|alive| !alive.is_of_same_life(&uid)) {
                let key = Key { pk: partition.clone(), sk: row.text(SK)?.to_owned() };
                if key.sk.starts_with(keys::AUTHENTICATOR) {
                    // Deleted before the description, because that alone says which keys there are.
                    if let Some(credential) = self.credentials_of(&read_authenticator(item)?)? {
                        self.delete_of_life(&credential, &uid).await?;
                    }
                }
                if key.sk == keys::PROFILE {
                    // Deleted before the profile, because that alone says where they are.
                    for (kind, value) in row.document::<Profile>(DOCUMENT)?.contacts() {
                        self.delete_of_life(&self.contact_key(kind, &value, id), &uid).await?;
                    }
                }
                self.delete_of_life(&key, &uid).await?;
            }
        }
        Ok(())
    }

    /// Deletes the user itself, and writes down what its apps have spent as of that very write.
    async fn end_life(&self, id: &UserId, now: Timestamp) -> Result<(), Error> {
        let key = keys::user(self.tenant, id);
        let mut life = None;
        // Each turn that loses means that an app of the user was used, came or went, so there are few.
        for _ in 0..8 {
            let (user, spent) = self.user_and_spent(id).await?;
            // A later life of the user was not meant.
            let Some(user) = user.filter(|user| life.as_ref().is_none_or(|life| *life == user.uid)) else {
                return Ok(());
            };
            let as_read = Expressions::default()
                .require("uid = :uid AND size(totp) = :apps")
                .value(":uid", s(user.uid.as_str()))
                .value(":apps", n(user.totp.len()))
                .spent_as_read(&user, user.totp.keys());
            let is_ended = match self.note_spent(&user, user.totp.keys(), &spent, now)? {
                None => self.delete_if(&key, &as_read).await?,
                Some(note) => {
                    let writes = vec![self.delete_when(&key, &as_read)?, note];
                    match contended(async || self.store.transact(writes.clone()).await).await {
                        Ok(()) => true,
                        Err(Refusal::Cancelled(_)) => false,
                        Err(other) => return Err(other.into()),
                    }
                }
            };
            if is_ended {
                return Ok(());
            }
            life = Some(user.uid);
        }
        Err(Error::unavailable("the user kept changing"))
    }

    async fn delete_of_life(&self, key: &Key, uid: &UserUid) -> Result<(), Error> {
        let of_life = Expressions::default().require("uid = :uid").value(":uid", s(uid.as_str()));
        // Where it is false, the item is gone already, or of a later life.
        self.delete_if(key, &of_life).await.map(|_| ())
    }
}

/// What a call on a user that does not exist is told.
pub fn no_user() -> Error {
    Error::NotFound("There is no user with this id.".into())
}
