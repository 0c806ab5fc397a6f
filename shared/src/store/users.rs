//! Users, their authenticators and their guess budget: the writes on which security hangs.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
    Update,
};

use crate::{
    action::{Action, State},
    authenticator::{Authenticator, Method, totp::Step},
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, UserId, UserUid},
    limiter::{CLOSED_AFTER, Guesses, LIMIT, Room, Slot},
    user::{ContactKind, MAX_AUTHENTICATORS, MAX_TOTP, PendingTotp, Profile, SpentStep, TotpCredential, User},
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{Attributes, Row, b, document, empty_map, keyed, n, s, time},
    keys::{self, Key},
    refusal,
};

/// What became of an attempt to guess.
#[derive(Debug)]
pub enum Spent {
    /// A slot is taken; here is the user as of that moment.
    Taken(Box<User>),
    /// The budget is spent: nothing may be compared.
    Exhausted,
    /// This life of the user is over.
    NoSuchUser,
}

/// How the write that accepts a code went.
#[derive(Debug, PartialEq)]
pub enum Settlement {
    /// The step is spent by this action, now or by an earlier run of the same request.
    Accepted,
    /// The step had been spent, or the action is no longer open.
    Refused,
}

/// What track wrote.
#[derive(Debug)]
pub enum Tracked {
    Created,
    /// The same user, action code and idempotency key had been tracked before.
    Existing(Box<Action>),
    /// The user came or went in between: read again.
    Stale,
}

/// An authenticator that the customer's backend vouches for (contract, S7).
pub struct NewAuthenticator {
    pub description: Authenticator,
    /// The sealed secret, for TOTP.
    pub sealed: Option<Vec<u8>>,
}

/// A matched code, on its way to be accepted.
pub struct Completion<'a> {
    pub attempt: &'a Slot,
    pub authenticator: &'a AuthenticatorId,
    pub step: Step,
    pub action: &'a Key,
    pub action_id: &'a ActionId,
    pub now: Timestamp,
}

/// A user in memory before its first write.
impl User {
    pub fn new(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            uid: UserUid::generate(),
            created_at: now,
            totp: BTreeMap::new(),
            attested: BTreeMap::new(),
            pending: None,
            default_method: None,
            guesses: Guesses::default(),
        }
    }
}

/// Attribute names are short: a write bills the whole item.
fn write_user(tenant: &TenantStore<'_>, user: &User) -> Attributes {
    let mut item = keyed(&keys::user(tenant.tenant, &user.id));
    item.insert("uid".into(), s(user.uid.as_str()));
    item.insert("cre".into(), time(user.created_at));
    item.insert("totp".into(), empty_map());
    item.insert("att".into(), empty_map());
    item.insert("g".into(), empty_map());
    item.insert("ft".into(), n(0));
    item
}

fn read_user(id: &UserId, item: &Attributes) -> Result<User, Error> {
    let row = Row(item);
    let mut totp = BTreeMap::new();
    for (id, value) in row.map("totp")? {
        let stored = Row(value.as_m().map_err(|_| Error::internal("a stored TOTP credential is damaged"))?);
        let spent = SpentStep {
            step: stored.number("s")?,
            by: stored.text_opt("a").and_then(|action| ActionId::parse(action).ok()),
            at: stored.number("t")?,
        };
        totp.insert(AuthenticatorId::parse(id)?, TotpCredential { sealed: stored.bytes("k")?, spent });
    }
    let mut attested = BTreeMap::new();
    for (id, value) in row.map("att")? {
        let method = value.as_s().ok().and_then(|name| Method::parse(name));
        attested
            .insert(AuthenticatorId::parse(id)?, method.ok_or_else(|| Error::internal("an unknown stored method"))?);
    }
    let mut slots = BTreeMap::new();
    for (slot, made) in row.map("g")? {
        let made = made.as_n().ok().and_then(|second| second.parse().ok());
        slots.insert(Slot::from_stored(slot), made.ok_or_else(|| Error::internal("a stored guess is damaged"))?);
    }
    let pending = row.map_opt("pend").map(|pending| {
        Ok::<_, Error>(PendingTotp {
            id: pending.id("id")?,
            sealed: pending.bytes("k")?,
            action: pending.id("a")?,
            is_first: pending.number::<u8>("f")? == 1,
            begun_at: pending.time("t")?,
            name: pending.text_opt("n").map(str::to_owned),
        })
    });
    Ok(User {
        id: id.clone(),
        uid: row.id("uid")?,
        created_at: row.time("cre")?,
        totp,
        attested,
        pending: pending.transpose()?,
        default_method: row.text_opt("def").and_then(Method::parse),
        guesses: Guesses { slots, totp_failures: row.number("ft")? },
    })
}

fn totp_value(sealed: &[u8], spent: &SpentStep) -> AttributeValue {
    let mut value =
        HashMap::from([("k".to_owned(), b(sealed)), ("s".to_owned(), n(spent.step)), ("t".to_owned(), n(spent.at))]);
    if let Some(by) = &spent.by {
        value.insert("a".into(), s(by.as_str()));
    }
    AttributeValue::M(value)
}

impl TenantStore<'_> {
    fn update_user(&self, user: &UserId, expressions: &Expressions) -> Result<TransactWriteItem, Error> {
        self.update(&keys::user(self.tenant, user), expressions)
    }

    pub(super) fn update(&self, key: &Key, expressions: &Expressions) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.store.table)
            .key("pk", s(&key.pk))
            .key("sk", s(&key.sk))
            .update_expression(expressions.update())
            .condition_expression(expressions.condition())
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    pub(super) fn put_if(
        &self,
        item: Attributes,
        condition: &str,
        value: Option<AttributeValue>,
    ) -> Result<TransactWriteItem, Error> {
        let mut put = Put::builder().table_name(&self.store.table).set_item(Some(item)).condition_expression(condition);
        put = put.return_values_on_condition_check_failure(OnFailure::AllOld);
        if let Some(value) = value {
            put = put.expression_attribute_values(":v", value);
        }
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build())
    }

    pub(super) fn put_new_user(&self, user: &User) -> Result<TransactWriteItem, Error> {
        self.put_if(write_user(self, user), "attribute_not_exists(pk)", None)
    }

    /// One conditional update of one item, with the item after it.
    pub(super) async fn update_one(&self, key: &Key, expressions: &Expressions) -> Result<Attributes, Refusal> {
        let send = async || {
            let request = self.store.client.update_item().table_name(&self.store.table);
            let request = request.key("pk", s(&key.pk)).key("sk", s(&key.sk));
            let sent = request
                .update_expression(expressions.update())
                .condition_expression(expressions.condition())
                .set_expression_attribute_names(expressions.names())
                .set_expression_attribute_values(expressions.values())
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await;
            sent.map(|output| output.attributes.unwrap_or_default()).map_err(refusal)
        };
        contended(send).await
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

    /// The user, its profile and one of its actions in one round trip.
    pub async fn user_profile_and_action(
        &self,
        id: &UserId,
        action: &Key,
    ) -> Result<(Option<User>, Option<StoredProfile>, Option<Action>), Error> {
        let wanted = [&keys::user(self.tenant, id), &keys::profile(self.tenant, id), action];
        let [user, profile, action] = self.store.get_all(wanted).await?;
        let user = user.map(|item| read_user(id, &item)).transpose()?;
        let profile = read_profile(profile, user.as_ref())?;
        Ok((user, profile, action.map(|item| super::actions::read_action(&item)).transpose()?))
    }

    /// Takes a slot of the user's guess budget. What is compared afterwards has been paid for: this write is
    /// acknowledged first (security.md, section 0.1).
    pub async fn spend_attempt(
        &self,
        id: &UserId,
        uid: &UserUid,
        attempt: &Slot,
        now: Timestamp,
    ) -> Result<Spent, Error> {
        let key = keys::user(self.tenant, id);
        let take = || {
            Expressions::default()
                .set("g.#a = :now, ft = ft + :one")
                .require("uid = :uid")
                .require("ft < :closed")
                .name("#a", attempt.as_str())
                .value(":now", n(now.as_second()))
                .value(":one", n(1))
                .value(":uid", s(uid.as_str()))
                .value(":closed", n(CLOSED_AFTER))
                .value(":limit", n(LIMIT))
        };
        // A repetition of this write after a lost acknowledgement finds its own slot.
        let mut expressions = take().require("size(g) < :limit OR attribute_exists(g.#a)");
        // Every turn that loses means that another attempt took a slot, so there are few.
        for _ in 0..=2 * LIMIT {
            let seen = match self.update_one(&key, &expressions).await {
                Ok(item) => return Ok(Spent::Taken(Box::new(read_user(id, &item)?))),
                Err(Refusal::Condition(None)) => return Ok(Spent::NoSuchUser),
                Err(Refusal::Condition(Some(seen))) => read_user(id, &seen)?,
                Err(other) => return Err(other.into()),
            };
            if seen.uid != *uid {
                return Ok(Spent::NoSuchUser);
            }
            if seen.guesses.slots.contains_key(attempt) {
                return Ok(Spent::Taken(Box::new(seen)));
            }
            let Room::AfterDropping(over) = seen.guesses.room(now) else { return Ok(Spent::Exhausted) };
            expressions = take().require("size(g) <= :limit");
            for (index, slot) in over.iter().enumerate() {
                let path = format!("g.#o{index}");
                expressions = expressions
                    .require(format!("attribute_exists({path})"))
                    .remove(path)
                    .name(format!("#o{index}"), slot.as_str());
            }
        }
        Err(Error::unavailable("the guess budget stayed contended"))
    }

    /// Opens a closed method again and empties the budget, for the customer's backend.
    pub async fn reopen(&self, id: &UserId) -> Result<(), Error> {
        let reopen = Expressions::default()
            .set("g = :none, ft = :zero")
            .require("attribute_exists(pk)")
            .value(":none", empty_map())
            .value(":zero", n(0));
        match self.update_one(&keys::user(self.tenant, id), &reopen).await {
            Err(Refusal::Condition(_)) => Err(no_user()),
            answered => answered.map(|_| ()).map_err(Error::from),
        }
    }

    /// Accepts a code of an enrolled authenticator: spends its step and succeeds the action, both or neither.
    pub async fn settle(&self, user: &User, matched: &Completion<'_>) -> Result<Settlement, Error> {
        let mut spend = Expressions::default()
            .set("totp.#i.s = :step, totp.#i.a = :action, totp.#i.t = :now, ft = :zero")
            .require("uid = :uid AND totp.#i.s < :step")
            .name("#i", matched.authenticator.as_str())
            .value(":step", n(matched.step))
            .value(":action", s(matched.action_id.as_str()))
            .value(":now", n(matched.now.as_second()))
            .value(":zero", n(0))
            .value(":uid", s(user.uid.as_str()));
        for (index, slot) in user.guesses.freed_by(matched.attempt).iter().enumerate() {
            spend = spend.remove(format!("g.#f{index}")).name(format!("#f{index}"), slot.as_str());
        }
        let succeed = self.succeed_action(user, matched, &State::ANSWERABLE);
        self.accept(user, matched, || {
            Ok(vec![self.update_user(&user.id, &spend)?, self.update(matched.action, &succeed)?])
        })
        .await
    }

    /// Accepts the first code of a pending authenticator: enrols it and succeeds the action, both or neither.
    pub async fn complete_enrolment(
        &self,
        user: &User,
        pending: &PendingTotp,
        matched: &Completion<'_>,
        description: &Authenticator,
    ) -> Result<Settlement, Error> {
        let spent = SpentStep { step: matched.step, by: Some(matched.action_id.clone()), at: matched.now.as_second() };
        // A new secret proves nothing of the old ones: their failures stay counted (NIST 800-63B, 3.1.3.2).
        let mut enrol = Expressions::default()
            .set("totp.#i = :totp, ft = ft - :one")
            .remove("pend")
            .remove("g.#a")
            .require("uid = :uid AND pend.id = :id AND pend.a = :action AND size(totp) < :max_totp")
            .name("#i", pending.id.as_str())
            .name("#a", matched.attempt.as_str())
            .value(":totp", totp_value(&pending.sealed, &spent))
            .value(":one", n(1))
            .value(":uid", s(user.uid.as_str()))
            .value(":id", s(pending.id.as_str()))
            .value(":max_totp", n(MAX_TOTP))
            .value(":action", s(matched.action_id.as_str()));
        if pending.is_first {
            enrol = enrol.require("size(totp) = :none AND size(att) = :none").value(":none", n(0));
        }
        let succeed = self.succeed_action(user, matched, &State::ENROLLABLE);
        self.accept(user, matched, || {
            Ok(vec![
                self.update_user(&user.id, &enrol)?,
                self.update(matched.action, &succeed)?,
                self.put_description(&user.id, description)?,
            ])
        })
        .await
    }

    /// The action's half of an acceptance.
    fn succeed_action(&self, user: &User, matched: &Completion<'_>, from: &[State]) -> Expressions {
        let mut succeed = Expressions::default()
            .set("st = :succeeded, sta = if_not_exists(vt, :at), vm = if_not_exists(vm, :method)")
            .set("va = if_not_exists(va, :by), vt = if_not_exists(vt, :at)")
            .require("id = :id AND uid = :uid AND #exp > :at AND contains(am, :method)")
            .name("#exp", "exp")
            .value(":succeeded", s(State::ChallengeSucceeded.as_str()))
            .value(":method", s(Method::AuthenticatorApp.as_str()))
            .value(":by", s(matched.authenticator.as_str()))
            .value(":at", time(matched.now))
            .value(":id", s(matched.action_id.as_str()))
            .value(":uid", s(user.uid.as_str()));
        let states: Vec<String> = (0..from.len()).map(|index| format!(":s{index}")).collect();
        succeed = succeed.require(format!("st IN ({})", states.join(", ")));
        from.iter().zip(states).fold(succeed, |all, (state, place)| all.value(place, s(state.as_str())))
    }

    /// Runs an acceptance. Where it is refused because this action has already spent this step, a lost
    /// acknowledgement or the same request twice, the answer is the same as the first.
    async fn accept(
        &self,
        user: &User,
        matched: &Completion<'_>,
        writes: impl Fn() -> Result<Vec<TransactWriteItem>, Error>,
    ) -> Result<Settlement, Error> {
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(Settlement::Accepted),
            Err(Refusal::Cancelled(refused)) => {
                let Some(Some(Some(item))) = refused.first() else { return Ok(Settlement::Refused) };
                let now = read_user(&user.id, item)?;
                let mine =
                    now.totp.get(matched.authenticator).is_some_and(|c| c.spent.is(matched.step, matched.action_id));
                Ok(if mine && now.uid == user.uid { Settlement::Accepted } else { Settlement::Refused })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Remembers a secret that was given out, in place of the last one that was. `false` where the user is
    /// enrolled by now and must not be, or another life began.
    pub async fn begin_enrolment(&self, user: &User, pending: &PendingTotp) -> Result<bool, Error> {
        let mut value = HashMap::from([
            ("id".to_owned(), s(pending.id.as_str())),
            ("k".to_owned(), b(pending.sealed.clone())),
            ("a".to_owned(), s(pending.action.as_str())),
            ("f".to_owned(), n(u8::from(pending.is_first))),
            ("t".to_owned(), time(pending.begun_at)),
        ]);
        if let Some(name) = &pending.name {
            value.insert("n".into(), s(name));
        }
        let mut begin = Expressions::default()
            .set("pend = :pending")
            .require("uid = :uid")
            .value(":pending", AttributeValue::M(value))
            .value(":uid", s(user.uid.as_str()));
        if pending.is_first {
            begin = begin.require("size(totp) = :none AND size(att) = :none").value(":none", n(0));
        }
        match self.update_one(&keys::user(self.tenant, &user.id), &begin).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    fn put_description(&self, user: &UserId, description: &Authenticator) -> Result<TransactWriteItem, Error> {
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
        is_default: bool,
    ) -> Result<Settlement, Error> {
        let writes = || {
            let id = new.description.id.as_str();
            let mut add =
                Expressions::default().require("uid = :uid").value(":uid", s(user.uid.as_str())).name("#i", id);
            add = match &new.sealed {
                Some(sealed) => add
                    .set("totp.#i = :new")
                    .require("size(totp) < :max")
                    .value(":new", totp_value(sealed, &SpentStep::default()))
                    .value(":max", n(MAX_TOTP)),
                None => add
                    .set("att.#i = :new")
                    .require("size(att) < :max")
                    .value(":new", s(new.description.method.as_str()))
                    .value(":max", n(MAX_AUTHENTICATORS - MAX_TOTP)),
            };
            if is_default {
                add = add.set("def = :def").value(":def", s(new.description.method.as_str()));
            }
            let user_write = if is_new {
                let mut item = write_user(self, user);
                let (map, value) = match &new.sealed {
                    Some(sealed) => ("totp", totp_value(sealed, &SpentStep::default())),
                    None => ("att", s(new.description.method.as_str())),
                };
                item.insert(map.into(), AttributeValue::M(HashMap::from([(id.to_owned(), value)])));
                if is_default {
                    item.insert("def".into(), s(new.description.method.as_str()));
                }
                self.put_if(item, "attribute_not_exists(pk)", None)?
            } else {
                self.update_user(&user.id, &add)?
            };
            Ok::<_, Error>(vec![user_write, self.put_description(&user.id, &new.description)?])
        };
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(Settlement::Accepted),
            Err(Refusal::Cancelled(_)) => Ok(Settlement::Refused),
            Err(other) => Err(other.into()),
        }
    }

    /// Removes an authenticator; `false` where the user does not have it.
    pub async fn remove_authenticator(&self, user: &User, id: &AuthenticatorId) -> Result<bool, Error> {
        let path = if user.totp.contains_key(id) { "totp.#i" } else { "att.#i" };
        let remove = Expressions::default()
            .set("uid = :uid")
            .remove(path)
            .require(format!("uid = :uid AND attribute_exists({path})"))
            .name("#i", id.as_str())
            .value(":uid", s(user.uid.as_str()));
        let key = keys::authenticator(self.tenant, &user.id, id);
        let delete = Delete::builder().table_name(&self.store.table).key("pk", s(key.pk)).key("sk", s(key.sk));
        let delete = TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build();
        let write = async || self.store.transact(vec![self.update_user(&user.id, &remove)?, delete.clone()]).await;
        match contended(write).await {
            Ok(()) => Ok(true),
            Err(Refusal::Cancelled(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The descriptions of the authenticators that the user has, oldest first.
    pub async fn authenticators(&self, user: &User) -> Result<Vec<Authenticator>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::AUTHENTICATOR), usize::MAX).await?;
        let mut found = Vec::with_capacity(items.len());
        for item in &items {
            let description: Authenticator = Row(item).document("doc")?;
            if description.user_uid == user.uid && user.has_authenticator(&description.id) {
                found.push(description);
            }
        }
        found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
        Ok(found)
    }

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
                    item.insert("def".into(), s(method.as_str()));
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
        let mut item = keyed(&keys::profile(self.tenant, &user.id));
        item.insert("uid".into(), s(user.uid.as_str()));
        item.insert("doc".into(), document(profile)?);
        item.insert("ver".into(), n(old.map_or(0, |old| old.version) + 1));
        let mut writes = vec![match old {
            // A profile of an earlier life may still lie there.
            None => self.put_if(item, "attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str())))?,
            Some(old) => self.put_if(item, "ver = :v", Some(n(old.version)))?,
        }];
        let before: HashSet<_> = old.map(|old| old.profile.contacts()).unwrap_or_default().into_iter().collect();
        let after: HashSet<_> = profile.contacts().into_iter().collect();
        for (kind, value) in after.difference(&before) {
            let mut item = keyed(&self.contact_key(*kind, value, &user.id));
            item.insert("uid".into(), s(user.uid.as_str()));
            let put = Put::builder().table_name(&self.store.table).set_item(Some(item));
            writes.push(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build());
        }
        for (kind, value) in before.difference(&after) {
            let key = self.contact_key(*kind, value, &user.id);
            let delete = Delete::builder().table_name(&self.store.table).key("pk", s(key.pk)).key("sk", s(key.sk));
            writes.push(TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build());
        }
        Ok(writes)
    }

    fn contact_key(&self, kind: ContactKind, value: &str, user: &UserId) -> Key {
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
            let sk = row.text("sk")?;
            if after.as_deref().is_none_or(|after| sk > after) {
                users.extend(keys::contact_user(sk));
            }
        }
        Ok(users)
    }

    /// Ends this life of the user, then sweeps what it left. The first write ends everything that is under way:
    /// each acceptance has the life of the user in its condition. May be repeated.
    pub async fn delete_user(&self, id: &UserId) -> Result<(), Error> {
        let (user, profile) = self.user_and_profile(id).await?;
        if let Some(user) = &user {
            self.delete_of_life(&keys::user(self.tenant, id), &user.uid).await?;
        }
        let contacts = profile.iter().flat_map(|stored| stored.profile.contacts());
        for (kind, value) in contacts {
            if let Some(user) = &user {
                self.delete_of_life(&self.contact_key(kind, &value, id), &user.uid).await?;
            }
        }
        let partition = keys::user_partition(self.tenant, id);
        let left = self.store.query(&partition, None, usize::MAX).await?;
        let alive = left.iter().find(|item| Row(item).text("sk").is_ok_and(|sk| sk == keys::USER));
        let alive = alive.map(|item| Row(item).id::<UserUid>("uid")).transpose()?;
        for item in &left {
            let row = Row(item);
            let uid = row.id::<UserUid>("uid")?;
            if alive.as_ref() != Some(&uid) {
                let key = Key { pk: partition.clone(), sk: row.text("sk")?.to_owned() };
                self.delete_of_life(&key, &uid).await?;
            }
        }
        Ok(())
    }

    async fn delete_of_life(&self, key: &Key, uid: &UserUid) -> Result<(), Error> {
        let delete = async || {
            let request = self.store.client.delete_item().table_name(&self.store.table);
            let request = request.key("pk", s(&key.pk)).key("sk", s(&key.sk)).condition_expression("uid = :uid");
            request.expression_attribute_values(":uid", s(uid.as_str())).send().await.map(|_| ()).map_err(refusal)
        };
        match contended(delete).await {
            // Gone already, or of a later life.
            Err(Refusal::Condition(_)) => Ok(()),
            answered => Ok(answered?),
        }
    }
}

/// A profile as read.
#[derive(Clone, Debug)]
pub struct StoredProfile {
    pub profile: Profile,
    pub uid: UserUid,
    version: u64,
}

/// A stored profile, where it is of this life of the user: what an earlier one left behind is nobody's.
fn read_profile(item: Option<Attributes>, user: Option<&User>) -> Result<Option<StoredProfile>, Error> {
    let Some(item) = item else { return Ok(None) };
    let row = Row(&item);
    let stored = StoredProfile { profile: row.document("doc")?, uid: row.id("uid")?, version: row.number("ver")? };
    Ok(user.is_some_and(|user| user.uid == stored.uid).then_some(stored))
}

/// What a call on a user that does not exist is told.
pub fn no_user() -> Error {
    Error::NotFound("There is no user with this id.".into())
}
