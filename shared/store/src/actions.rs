//! Actions: made by track, succeeded by a proof, moved by the customer's backend.

use std::{borrow::Cow, collections::BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem};

use serde::{Deserialize, Serialize};

use countersign_domain::{
    action::{Action, Failure, State, Verification},
    clock::Timestamp,
    error::Error,
    id::{ActionCode, AuthenticatorId, IdempotencyKey, UserId},
    method::Method,
    rule::{Outcome, Trace},
    user::User,
};

use super::{
    Expressions, Noted, ProfileChange, Refusal, TenantStore,
    census::day,
    contended,
    item::{Attributes, Item, Row, document, n, s, time},
    keys::{
        self, Key,
        attributes::{
            ALLOWED_METHODS, DOCUMENT, ENROLLED, EXPIRES_AT, ID, STATE, STATE_CHANGED_AT, STRENGTH, TTL, UID,
            VERIFIED_AT, VERIFIED_BY, VERIFIED_METHOD,
        },
    },
    refusal,
};

/// What track wrote.
#[derive(Debug)]
pub enum Tracked {
    Created,
    /// The same user, action code and idempotency key had been tracked before.
    Existing(Box<Action>),
    /// The user came or went in between: read again.
    Stale,
}

/// Actions are listed for 30 days (contract, S13), then swept.
pub const KEPT_SECONDS: i64 = 31 * 24 * 3600;

/// The part of an action that does not change, stored as one attribute: what is written often should be small. Only its
/// `failure` may still be added, by the write that moves an action for it.
#[derive(Serialize, Deserialize)]
struct Fixed<'a> {
    code: Cow<'a, str>,
    key: Cow<'a, str>,
    outcome: Outcome,
    created_at: i64,
    fingerprint: Cow<'a, str>,
    redirect_url: Option<Cow<'a, str>>,
    input: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// Absent where the user had something enrolled, as most have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    un_enrolled: bool,
    /// What rules made of it, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<Cow<'a, Trace>>,
}

impl<'a> From<&'a Action> for Fixed<'a> {
    fn from(action: &'a Action) -> Self {
        Self {
            code: action.code.as_str().into(),
            key: action.key.as_str().into(),
            outcome: action.outcome,
            created_at: action.created_at.as_millisecond(),
            fingerprint: action.fingerprint.as_str().into(),
            redirect_url: action.redirect_url.as_deref().map(Cow::from),
            input: action.input.as_str().into(),
            failure: action.failure,
            un_enrolled: !action.was_enrolled,
            rules: action.rules.as_deref().map(Cow::Borrowed),
        }
    }
}

pub(super) fn write_action(key: &Key, action: &Action) -> Result<Item, Error> {
    let mut item = Item::at(key);
    item.put(DOCUMENT, document(&Fixed::from(action))?);
    item.put(ID, s(action.id.as_str()));
    item.put(UID, s(action.user_uid.as_str()));
    item.put(STATE, s(action.state.as_str()));
    item.put(STATE_CHANGED_AT, time(action.state_changed_at));
    item.put(EXPIRES_AT, time(action.expires_at));
    item.put(TTL, n(action.created_at.as_second() + KEPT_SECONDS));
    // A set of DynamoDB has no member twice.
    let mut methods: BTreeSet<&str> = action.allowed_methods.iter().map(|method| method.as_str()).collect();
    if methods.is_empty() {
        // A set has at least one member; this is no method's name.
        methods.insert("NONE");
    }
    item.put(ALLOWED_METHODS, AttributeValue::Ss(methods.into_iter().map(str::to_owned).collect()));
    if let Some(enrolled) = &action.enrolled {
        item.put(ENROLLED, s(enrolled.as_str()));
    }
    if let Some(verification) = &action.verification {
        item.put(VERIFIED_METHOD, s(verification.method.as_str()));
        item.put(VERIFIED_BY, s(verification.authenticator.as_str()));
        item.put(VERIFIED_AT, time(verification.at));
        item.put(STRENGTH, document(&verification.strength)?);
    }
    Ok(item)
}

pub(super) fn read_action(item: &Attributes) -> Result<Action, Error> {
    let row = Row(item);
    let damaged = |what: &str| Error::internal(format!("a stored action has no usable {what}"));
    let allowed = row.texts(ALLOWED_METHODS);
    if allowed.is_empty() {
        return Err(damaged("methods"));
    }
    let verification = match row.text_opt(VERIFIED_METHOD).and_then(Method::parse) {
        Some(method) => Some(Verification {
            method,
            authenticator: row.id(VERIFIED_BY)?,
            at: row.time(VERIFIED_AT)?,
            strength: row.document_opt(STRENGTH)?.unwrap_or_default(),
        }),
        None => None,
    };
    let fixed: Fixed<'_> = row.document(DOCUMENT)?;
    Ok(Action {
        id: row.id(ID)?,
        user_uid: row.id(UID)?,
        code: ActionCode::parse(fixed.code)?,
        key: IdempotencyKey::parse(fixed.key)?,
        state: State::parse(row.text(STATE)?).ok_or_else(|| damaged("state"))?,
        outcome: fixed.outcome,
        created_at: Timestamp::from_millisecond(fixed.created_at).map_err(|_| damaged("time"))?,
        state_changed_at: row.time(STATE_CHANGED_AT)?,
        expires_at: row.time(EXPIRES_AT)?,
        fingerprint: fixed.fingerprint.into(),
        allowed_methods: allowed.iter().filter_map(|name| Method::parse(name)).collect(),
        redirect_url: fixed.redirect_url.map(Cow::into_owned),
        was_enrolled: !fixed.un_enrolled,
        enrolled: row.text_opt(ENROLLED).map(AuthenticatorId::parse).transpose()?,
        verification,
        failure: fixed.failure,
        input: fixed.input.into(),
        rules: fixed.rules.map(|rules| Box::new(rules.into_owned())),
    })
}

impl TenantStore<'_> {
    pub fn action_key(&self, user: &UserId, code: &ActionCode, key: &IdempotencyKey) -> Key {
        keys::action(self.tenant, user, code, key)
    }

    /// One action, consistently.
    pub async fn action(&self, key: &Key) -> Result<Option<Action>, Error> {
        self.store.get(key).await?.map(|item| read_action(&item)).transpose()
    }

    /// Writes a tracked action, if its idempotency key is new. With a new user, new contacts, or something that rules
    /// are to remember, they are written in the same transaction.
    pub async fn track(
        &self,
        user: &User,
        is_new: bool,
        action: &Action,
        profile: Option<ProfileChange<'_>>,
        noted: Option<&Noted<'_>>,
    ) -> Result<Tracked, Error> {
        let key = self.action_key(&user.id, &action.code, &action.key);
        let item = write_action(&key, action)?;
        // An action that an earlier life of the user left under this key does not count.
        const UNUSED: &str = "attribute_not_exists(pk) OR uid <> :v";
        let today = day(action.created_at);
        let notes = !is_new && !user.can_answer() && user.seen != Some(today);
        let refused = if is_new || notes || profile.is_some() || noted.is_some() {
            let write = async || {
                let mut writes = vec![self.put_if(item.clone(), UNUSED, Some(s(user.uid.as_str())))?];
                if is_new {
                    writes.push(self.put_new_user(&User { seen: Some(today), ..user.clone() })?);
                }
                if notes {
                    writes.push(self.note_seen(user, today)?);
                }
                if let Some(ProfileChange { old, new }) = profile {
                    writes.extend(self.put_profile(user, old, new)?);
                }
                if let Some(noted) = noted {
                    writes.extend(self.note(user, action, noted)?);
                }
                self.store.transact(writes).await
            };
            match contended(write).await {
                Ok(()) => return Ok(Tracked::Created),
                Err(Refusal::Cancelled(refused)) => match refused.into_iter().next().flatten() {
                    Some(existing) => existing,
                    None => return Ok(Tracked::Stale),
                },
                Err(other) => return Err(other.into()),
            }
        } else {
            let write = async || {
                let request =
                    self.store.client.put_item().table_name(&self.store.table).set_item(Some(item.clone().into()));
                let request =
                    request.condition_expression(UNUSED).expression_attribute_values(":v", s(user.uid.as_str()));
                let request = request.return_values_on_condition_check_failure(OnFailure::AllOld);
                request.send().await.map(|_| ()).map_err(refusal)
            };
            match contended(write).await {
                Ok(()) => return Ok(Tracked::Created),
                Err(Refusal::Condition(existing)) => existing,
                Err(other) => return Err(other.into()),
            }
        };
        match refused {
            Some(existing) => Ok(Tracked::Existing(Box::new(read_action(&existing)?))),
            None => Ok(Tracked::Stale),
        }
    }

    /// Writes down that a user with nothing enrolled was here today.
    fn note_seen(&self, user: &User, today: i64) -> Result<TransactWriteItem, Error> {
        let note = Expressions::default().require("uid = :uid").value(":uid", s(user.uid.as_str()));
        self.update_user(&user.id, &note.seen_on(self.tenant, &user.id, today))
    }

    /// Gives an action that is still open more time, because its backend asks for it again.
    pub async fn extend(&self, key: &Key, action: &Action, until: Timestamp) -> Result<bool, Error> {
        let extend = Expressions::default()
            .set("#exp = :until")
            .require("id = :id AND st = :state")
            .name("#exp", EXPIRES_AT)
            .value(":until", time(until))
            .value(":id", s(action.id.as_str()))
            .value(":state", s(action.state.as_str()));
        match self.update_one(key, &extend).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Moves an action that waits for its challenge to where a failure brings it, and writes that down with it. The
    /// state it has by this, also by an earlier such write; `None` where it has come to another end meanwhile.
    pub async fn move_by_failure(
        &self,
        key: &Key,
        action: &Action,
        next: State,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Option<State>, Error> {
        let moved = Fixed { failure: Some(failure), ..action.into() };
        let set = Expressions::default()
            .set("st = :next, sta = :now, doc = :doc")
            .require("id = :id AND st = :open")
            .value(":next", s(next.as_str()))
            .value(":now", time(now))
            .value(":doc", document(&moved)?)
            .value(":id", s(action.id.as_str()))
            .value(":open", s(State::ChallengeRequired.as_str()));
        match self.update_one(key, &set).await {
            Ok(_) => Ok(Some(next)),
            Err(Refusal::Condition(None)) => Ok(None),
            Err(Refusal::Condition(Some(item))) => {
                let found = read_action(&item)?;
                Ok((found.id == action.id && found.failure == Some(failure)).then_some(found.state))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Moves an action to the state that the backend says, if its state still allows that.
    ///
    /// 404 where there is no such action, 409 with its state where it has come to another end.
    pub async fn set_state(&self, user: &User, key: &Key, next: State, now: Timestamp) -> Result<Action, Error> {
        let from: Vec<State> =
            State::ALL.into_iter().filter(|from| *from != next && from.may_be_set_to(next)).collect();
        let places: Vec<String> = (0..from.len()).map(|index| format!(":s{index}")).collect();
        let mut set = Expressions::default()
            .set("st = :next, sta = :now")
            .require(format!("begins_with(uid, :life) AND st IN ({})", places.join(", ")))
            .value(":life", s(user.uid.life()))
            .value(":next", s(next.as_str()))
            .value(":now", time(now));
        for (state, place) in from.iter().zip(places) {
            set = set.value(place, s(state.as_str()));
        }
        match self.update_one(key, &set).await {
            Ok(item) => {
                let action = read_action(&item)?;
                if matches!(next, State::Allow | State::ChallengeSucceeded | State::ReviewSucceeded) {
                    self.tell_rules_of(user, &action, now).await?;
                }
                Ok(action)
            }
            Err(Refusal::Condition(None)) => Err(no_action()),
            Err(Refusal::Condition(Some(item))) => match read_action(&item)? {
                action if !action.user_uid.is_of_same_life(&user.uid) => Err(no_action()),
                action if action.state == next => Ok(action),
                action => {
                    let state = action.state.as_str();
                    Err(Error::Conflict(format!("The action has come to its end in state {state}; that is final.")))
                }
            },
            Err(other) => Err(other.into()),
        }
    }

    /// The actions of a user's present life since a time, newest first.
    pub async fn actions_since(&self, user: &User, since: Timestamp) -> Result<Vec<Action>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::ACTION), usize::MAX).await?;
        let mut actions = items.iter().map(read_action).collect::<Result<Vec<_>, _>>()?;
        actions.retain(|action| action.user_uid.is_of_same_life(&user.uid) && action.created_at >= since);
        actions.sort_by_key(|action| std::cmp::Reverse(action.created_at));
        Ok(actions)
    }
}

/// What a call on an action that does not exist is told.
pub fn no_action() -> Error {
    Error::NotFound("There is no action with this user, code and idempotency key.".into())
}
