//! The guess budgets in the user's item: a map of slots and a count of failures for each space (decision 0001).

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;

use countersign_domain::{
    clock::Timestamp,
    error::Error,
    id::{UserId, UserUid},
    limiter::{Budget, CLOSED_AFTER, Guesses, LIMIT, Room, Slot, Space},
    method::Worth,
    metrics::{Counter, count},
    user::User,
};

use super::{
    Expressions, Refusal, TenantStore,
    item::{Attributes, Item, Row, empty_map, n, s},
    keys::{
        self,
        attributes::{
            Attribute, CODE_FAILURES, CODE_GUESSES, NUMBER_FAILURES, NUMBER_GUESSES, RECOVERY_FAILURES,
            RECOVERY_GUESSES, REMEMBERED_FAILURES, REMEMBERED_GUESSES,
        },
    },
    users::read_user,
};

/// What became of an attempt to guess.
#[derive(Debug)]
pub enum Spent {
    /// A slot is taken; here is the user as of that moment.
    Taken(Box<User>),
    /// The budget is spent: nothing may be compared. `retry_after` is absent where the space is closed.
    Exhausted { retry_after: Option<Duration> },
    /// This life of the user is over.
    NoSuchUser,
}

/// The map of a space's slots, and the count of its failures. Only the first pair is in every item: what another lacks
/// is empty.
fn place(space: Space) -> (Attribute, Attribute) {
    match space {
        Space::Code => (CODE_GUESSES, CODE_FAILURES),
        Space::Remembered => (REMEMBERED_GUESSES, REMEMBERED_FAILURES),
        Space::Number => (NUMBER_GUESSES, NUMBER_FAILURES),
        Space::Recovery => (RECOVERY_GUESSES, RECOVERY_FAILURES),
    }
}

/// What a new user has: maps to put slots into.
pub(super) fn write_guesses(item: &mut Item) {
    for space in Space::ALL {
        item.put(place(space).0, empty_map());
    }
    item.put(CODE_FAILURES, n(0));
}

pub(super) fn read_guesses(item: &Attributes) -> Result<Guesses, Error> {
    let row = Row(item);
    let mut all = Vec::new();
    for space in Space::ALL {
        let (map, failures) = place(space);
        let mut budget = Budget::default();
        for (slot, made) in row.map_opt(map).iter().flat_map(|slots| slots.0) {
            let made = made.as_n().ok().and_then(|made| made.parse().ok());
            let made = made.ok_or_else(|| Error::internal("a stored guess is damaged"))?;
            budget.slots.insert(Slot::from_stored(space, slot), made);
        }
        if row.has(failures) {
            // A success, or an unlock, may empty the count while an enrolment that takes its own guess off it is
            // under way.
            budget.failures = row.number::<i64>(failures)?.max(0).unsigned_abs();
        }
        all.push((space, budget));
    }
    Ok(Guesses::new(all))
}

impl Expressions {
    /// Gives back the slots that a success frees.
    pub(super) fn freed(self, slots: &[Slot]) -> Self {
        slots.iter().enumerate().fold(self, |all, (index, slot)| {
            all.remove(format!("{}.#f{index}", place(slot.space()).0)).name(format!("#f{index}"), slot.as_str())
        })
    }

    /// Resets the counts of failures that a success of this worth ends.
    pub(super) fn opened_by(self, worth: Worth) -> Self {
        Space::opened_by(worth).fold(self, |all, space| match place(space).1 {
            // This count is in each item, because older versions read it.
            CODE_FAILURES => all.set("ft = :zero").value(":zero", n(0)),
            failures => all.remove(failures),
        })
    }

    /// Opens each closed space again and empties the budgets, for the customer's backend.
    pub(super) fn reopened() -> Self {
        let maps = Space::ALL.map(|space| format!("{} = :none", place(space).0));
        Self::default()
            .set(maps.join(", "))
            .opened_by(Worth::Matched)
            .require("attribute_exists(pk)")
            .value(":none", empty_map())
    }

    /// Gives back one guess alone; the failures before it stay counted.
    pub(super) fn taken_back(self, attempt: &Slot) -> Self {
        let (slots, failures) = place(attempt.space());
        self.set(format!("{failures} = if_not_exists({failures}, :one) - :one"))
            .remove(format!("{slots}.#a"))
            .name("#a", attempt.as_str())
            .value(":one", n(1))
    }
}

/// The update that takes a slot as `set` says, on the condition that the user is in this life and the space is not
/// closed.
fn take(attempt: &Slot, uid: &UserUid, set: &str) -> Expressions {
    let (_, failures) = place(attempt.space());
    Expressions::default()
        .set(format!("{set}, {failures} = if_not_exists({failures}, :zero) + :one"))
        .require("uid = :uid")
        .require(format!("attribute_not_exists({failures}) OR {failures} < :closed"))
        .value(":zero", n(0))
        .value(":one", n(1))
        .value(":uid", s(uid.as_str()))
        .value(":closed", n(CLOSED_AFTER))
}

/// The same, into the map that is there.
fn take_into_map(attempt: &Slot, uid: &UserUid, now: Timestamp) -> Expressions {
    let (slots, _) = place(attempt.space());
    take(attempt, uid, &format!("{slots}.#a = :now"))
        .name("#a", attempt.as_str())
        .value(":now", n(now.as_millisecond()))
        .value(":limit", n(attempt.space().limit()))
}

impl TenantStore<'_> {
    /// Takes a slot of the budget of the attempt's space. What is compared afterwards has been paid for: this write is
    /// acknowledged first (security.md, section 0.1).
    pub async fn spend_attempt(
        &self,
        id: &UserId,
        uid: &UserUid,
        attempt: &Slot,
        now: Timestamp,
    ) -> Result<Spent, Error> {
        let key = keys::user(self.tenant, id);
        let (slots, _) = place(attempt.space());
        // A repetition of this write after a lost acknowledgement finds its own slot.
        let mut expressions =
            take_into_map(attempt, uid, now).require(format!("size({slots}) < :limit OR attribute_exists({slots}.#a)"));
        // Every turn that loses means that another attempt took a slot, so there are few.
        for _ in 0..=2 * LIMIT {
            let item = match self.update_one(&key, &expressions).await {
                Ok(item) => return Ok(Spent::Taken(Box::new(read_user(id, &item)?))),
                Err(Refusal::Condition(None)) => return Ok(Spent::NoSuchUser),
                Err(Refusal::Condition(Some(item))) => item,
                Err(other) => return Err(other.into()),
            };
            let seen = read_user(id, &item)?;
            if seen.uid != *uid {
                return Ok(Spent::NoSuchUser);
            }
            let budget = seen.guesses.of(attempt.space());
            if budget.slots.contains_key(attempt) {
                return Ok(Spent::Taken(Box::new(seen)));
            }
            if budget.is_closed() {
                count(Counter::GuessesAtClosed);
                return Ok(Spent::Exhausted { retry_after: None });
            }
            if !Row(&item).has(slots) {
                // The item is from before there were spaces.
                let first = HashMap::from([(attempt.as_str().to_owned(), n(now.as_millisecond()))]);
                expressions = take(attempt, uid, &format!("{slots} = :first"))
                    .require(format!("attribute_not_exists({slots})"))
                    .value(":first", AttributeValue::M(first));
                continue;
            }
            expressions = match budget.room(now) {
                Room::Exhausted if budget.slots.len() < attempt.space().limit() => take_into_map(attempt, uid, now)
                    .require(format!("size({slots}) < :limit OR attribute_exists({slots}.#a)")),
                Room::Exhausted => return Ok(Spent::Exhausted { retry_after: budget.retry_after(now) }),
                Room::AfterDropping(over) => in_place_of(take_into_map(attempt, uid, now), &over, slots),
            };
        }
        Err(Error::unavailable("the guess budget stayed contended"))
    }

    /// Gives back a slot that nothing was compared for. One that a success has freed meanwhile is gone already.
    pub async fn give_back(&self, user: &User, attempt: &Slot) -> Result<(), Error> {
        let slots = place(attempt.space()).0;
        let back = Expressions::default()
            .taken_back(attempt)
            .require("uid = :uid")
            .require(format!("attribute_exists({slots}.#a)"))
            .value(":uid", s(user.uid.as_str()));
        match self.update_one(&keys::user(self.tenant, &user.id), &back).await {
            Ok(_) | Err(Refusal::Condition(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

/// Takes the place of slots that are over, if they are still there.
fn in_place_of(take: Expressions, over: &[Slot], slots: Attribute) -> Expressions {
    let take = take.require(format!("size({slots}) <= :limit"));
    over.iter().enumerate().fold(take, |all, (index, slot)| {
        let path = format!("{slots}.#o{index}");
        all.require(format!("attribute_exists({path})")).remove(path).name(format!("#o{index}"), slot.as_str())
    })
}
