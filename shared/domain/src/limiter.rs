//! The guess budgets of a user: one for each space of secrets, on every path on which somebody may guess.
//!
//! A guess takes a slot *before* it is looked at, by a conditional write, so that neither concurrency nor a
//! crash nor a lost reply makes a guess free (security.md, section 0.1). Slots are named by their attempt, so
//! that a write that is repeated after a lost acknowledgement takes no second one, and a success frees exactly
//! the slots of its own method that it saw: a guess that came in meanwhile keeps its slot.
//!
//! Somebody who has only the password can guess at codes, and so exhaust the budget of codes. The other budgets stay
//! open for the owner: a number is typed on an enrolled device that signs, a recovery code has full entropy, and a
//! remembered device is the owner's.

use std::{collections::BTreeMap, time::Duration};

use data_encoding::BASE64URL_NOPAD;

use crate::{
    clock::Timestamp,
    error::Error,
    id::{ActionId, ChallengeId},
    method::{Method, Worth},
    secret::random,
};

/// Guesses in any `WINDOW_SECONDS`, in each space but one.
pub const LIMIT: usize = 10;
/// The same on devices that are remembered, all of a user's together.
pub const LIMIT_REMEMBERED: usize = 5;
pub const WINDOW_SECONDS: i64 = 300;

/// NIST SP 800-63B, section 3.2.2: after so many failures in a row a space is closed until the customer's
/// backend opens it again, or something at least as strong succeeds.
pub const CLOSED_AFTER: u64 = 100;

/// What is guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// Short codes: of an app, and the first one of an app that is set up.
    Code,
    /// The same, for an action of a device that the user's backend named and that is remembered.
    Remembered,
    /// Numbers that are typed on an enrolled device, which signs each.
    Number,
    /// Recovery codes.
    Recovery,
}

impl Space {
    pub const ALL: [Self; 4] = [Self::Code, Self::Remembered, Self::Number, Self::Recovery];

    /// The space in which a guess at an action's code is counted. The backend names the device when it tracks, and the
    /// action's id carries it, so that no browser can claim a device and nothing has to be read.
    pub fn of_code(action: &ActionId) -> Self {
        if action.is_of_remembered_device() { Self::Remembered } else { Self::Code }
    }

    pub fn limit(self) -> usize {
        if self == Self::Remembered { LIMIT_REMEMBERED } else { LIMIT }
    }

    /// What a right answer shows.
    fn worth(self) -> Worth {
        match self {
            Self::Code | Self::Remembered | Self::Recovery => Worth::Secret,
            Self::Number => Worth::Matched,
        }
    }

    /// The spaces that a success of this worth opens again: those whose own secret is worth no more.
    pub fn opened_by(worth: Worth) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |space| space.worth() <= worth)
    }
}

/// One attempt to answer: its space, and the letter of its method with 30 random bits. Ten of a user stand beside each
/// other, so that two of one name are not to be expected (1 in 100 million guesses); short names keep the user's item
/// small.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    space: Space,
    name: String,
}

impl Slot {
    fn new(space: Space, method: Method) -> Result<Self, Error> {
        let letter = method.facts().letter.ok_or_else(|| Error::internal("nothing of this method is guessed"))?;
        let mut name = format!("{letter}{}", BASE64URL_NOPAD.encode(&random::<4>()?));
        name.truncate(6);
        Ok(Self { space, name })
    }
    /// A slot for a guess at a short code of this method, for this action.
    pub fn code(method: Method, action: &ActionId) -> Result<Self, Error> {
        Self::new(Space::of_code(action), method)
    }
    /// A slot for the number of a push.
    pub fn number() -> Result<Self, Error> {
        Self::new(Space::Number, Method::Push)
    }
    /// A slot for a recovery code.
    pub fn recovery() -> Result<Self, Error> {
        Self::new(Space::Recovery, Method::RecoveryCode)
    }
    pub fn from_stored(space: Space, name: &str) -> Self {
        Self { space, name: name.to_owned() }
    }
    pub fn space(&self) -> Space {
        self.space
    }
    pub fn as_str(&self) -> &str {
        &self.name
    }
    fn same_method(&self, other: &Self) -> bool {
        self.name.as_bytes().first() == other.name.as_bytes().first()
    }
}

/// The guesses at one space that still count, each with the millisecond in which it was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    pub slots: BTreeMap<Slot, i64>,
    /// Guesses since the last success that was worth as much.
    pub failures: u64,
}

/// What a guess that found no free slot may do.
#[derive(Debug, PartialEq)]
pub enum Room {
    /// These slots are over; one of their places can be taken.
    AfterDropping(Vec<Slot>),
    /// The budget is spent.
    Exhausted,
}

impl Budget {
    /// Slots whose time is over, the only ones that a new guess may replace.
    pub fn over(&self, now: Timestamp) -> Vec<Slot> {
        let horizon = now.as_millisecond() - WINDOW_SECONDS * 1000;
        self.slots.iter().filter(|(_, made)| **made <= horizon).map(|(slot, _)| slot.clone()).collect()
    }

    /// When the guesses were made that take a slot now: wrong ones, and those that are being looked at.
    pub fn counting(&self, now: Timestamp) -> impl Iterator<Item = i64> {
        let horizon = now.as_millisecond() - WINDOW_SECONDS * 1000;
        self.slots.values().copied().filter(move |made| *made > horizon)
    }

    pub fn is_closed(&self) -> bool {
        self.failures >= CLOSED_AFTER
    }

    /// How many more guesses may be made now in this space.
    pub fn left(&self, space: Space, now: Timestamp) -> usize {
        space.limit().saturating_sub(self.counting(now).count())
    }

    /// When a guess may be made again; `None` where the space is closed, and time does not open it.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let oldest = self.counting(now).min().unwrap_or(now.as_millisecond());
        let wait = (oldest + WINDOW_SECONDS * 1000 - now.as_millisecond()).max(1).unsigned_abs();
        (!self.is_closed()).then(|| Duration::from_millis(wait))
    }

    pub fn room(&self, now: Timestamp) -> Room {
        let over = self.over(now);
        if self.is_closed() || over.is_empty() { Room::Exhausted } else { Room::AfterDropping(over) }
    }
}

/// The guesses of a user, in each space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guesses(BTreeMap<Space, Budget>);

impl Guesses {
    pub fn new(all: impl IntoIterator<Item = (Space, Budget)>) -> Self {
        Self(all.into_iter().collect())
    }

    pub fn of(&self, space: Space) -> &Budget {
        static NONE: Budget = Budget { slots: BTreeMap::new(), failures: 0 };
        self.0.get(&space).unwrap_or(&NONE)
    }

    /// How many guesses count now, wherever they were made.
    pub fn counting(&self, now: Timestamp) -> usize {
        self.0.values().map(|budget| budget.counting(now).count()).sum()
    }

    /// Failures in a row, of all spaces together.
    pub fn failures(&self) -> u64 {
        self.0.values().map(|budget| budget.failures).sum()
    }

    /// What a success of `attempt` frees: the slots of its method in its space, its own included.
    pub fn freed_by(&self, attempt: &Slot) -> Vec<Slot> {
        self.of(attempt.space).slots.keys().filter(|slot| slot.same_method(attempt)).cloned().collect()
    }
}

/// The pushes that a user was sent of late: bounds how often somebody with a password can ask (T23). Milliseconds of
/// each start, negative once it is settled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushStarts(pub BTreeMap<ChallengeId, i64>);

impl PushStarts {
    /// Open questions at once, and starts in any `WINDOW_SECONDS`.
    pub const LIVE: usize = 3;
    pub const STARTS: usize = 5;
    pub const WINDOW_SECONDS: i64 = 600;
    /// How long no pushes are sent after "not me": the attacker has the password, and would ask again.
    pub const QUIET_SECONDS: i64 = 900;

    /// The starts that still count, with a new one that lives so long among them; or how long to wait for room.
    pub fn with(&self, new: &ChallengeId, now: Timestamp, seconds: i64) -> Result<Self, Duration> {
        let (now, life) = (now.as_millisecond(), seconds * 1000);
        let window = Self::WINDOW_SECONDS * 1000;
        let mut kept: BTreeMap<ChallengeId, i64> = self.0.clone();
        kept.retain(|_, start| start.abs() + window > now);
        let in_order = |over: i64, starts: Vec<i64>| {
            let mut ends: Vec<i64> = starts.into_iter().map(|start| start.abs() + over - now).collect();
            ends.sort_unstable();
            ends
        };
        let room_in = |ends: &[i64], most: usize| match ends.len().checked_sub(most) {
            Some(index) => ends.get(index).copied().unwrap_or(window),
            None => 0,
        };
        let starts = in_order(window, kept.values().copied().collect());
        let live = kept.values().copied().filter(|start| *start > 0 && start + life > now).collect();
        let wait = room_in(&starts, Self::STARTS).max(room_in(&in_order(life, live), Self::LIVE));
        if wait > 0 {
            return Err(Duration::from_millis(wait.unsigned_abs().div_ceil(1000) * 1000));
        }
        kept.insert(new.clone(), now);
        Ok(Self(kept))
    }

    /// Those that a right clock may have written.
    pub fn of_the_past(&self, now: Timestamp) -> Self {
        let now = now.as_millisecond();
        Self(self.0.iter().filter(|(_, start)| start.abs() <= now).map(|(id, start)| (id.clone(), *start)).collect())
    }

    /// The open questions, newest first.
    pub fn open(&self) -> Vec<&ChallengeId> {
        let mut open: Vec<_> = self.0.iter().filter(|(_, start)| **start > 0).collect();
        open.sort_by_key(|(_, start)| std::cmp::Reverse(**start));
        open.into_iter().map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    proptest! {
        /// In no window of five minutes are more than `LIMIT` guesses taken, whenever they come.
        #[test]
        fn no_window_holds_more_than_the_limit(gaps in prop::collection::vec(0_i64..120_000, 1..200)) {
            let (mut guesses, mut now, mut taken) = (Budget::default(), 1_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                let slot = Slot::recovery().unwrap();
                if guesses.slots.len() >= LIMIT {
                    match guesses.room(at(now)) {
                        Room::Exhausted => continue,
                        Room::AfterDropping(over) => guesses.slots.retain(|slot, _| !over.contains(slot)),
                    }
                }
                guesses.slots.insert(slot, now);
                taken.push(now);
            }
            for (index, first) in taken.iter().enumerate() {
                let within = taken[index..].iter().take_while(|t| **t < first + WINDOW_SECONDS * 1000).count();
                prop_assert!(within <= LIMIT, "{within} guesses from millisecond {first}");
            }
        }
    }

    proptest! {
        /// T23: whatever is asked and answered when, at most three are open and five begun in any ten minutes; and who
        /// waits as long as they were told gets through.
        #[test]
        fn pushes_are_bounded(steps in prop::collection::vec((0_i64..200_000, any::<bool>(), any::<prop::sample::Index>()), 1..60)) {
            let (mut starts, mut now, mut begun) = (PushStarts::default(), 1_000_000_i64, Vec::new());
            for (gap, settle, which) in steps {
                now += gap;
                if settle && !starts.0.is_empty() {
                    let id = starts.0.keys().nth(which.index(starts.0.len())).unwrap().clone();
                    starts.0.entry(id).and_modify(|start| *start = -start.abs());
                }
                let ask = |starts: &PushStarts, now| {
                    starts.with(&ChallengeId::generate(), Timestamp::from_millisecond(now).unwrap(), 120)
                };
                match ask(&starts, now) {
                    Ok(with) => { starts = with; begun.push(now); }
                    Err(wait) => {
                        prop_assert!(wait > Duration::ZERO && wait <= Duration::from_secs(601));
                        let later = now + i64::try_from(wait.as_millis()).unwrap();
                        prop_assert!(ask(&starts, later).is_ok());
                    }
                }
                let live = starts.0.values().filter(|start| **start > 0 && **start + 120_000 > now).count();
                prop_assert!(live <= PushStarts::LIVE);
                prop_assert!(begun.iter().filter(|start| **start + 600_000 > now).count() <= PushStarts::STARTS);
            }
        }
    }

    #[test]
    fn a_success_frees_its_own_method_in_its_own_space() {
        let action = ActionId::generate();
        let mine = Slot::code(Method::AuthenticatorApp, &action).unwrap();
        let other = Slot::from_stored(Space::Code, "p1");
        let slots = [(mine.clone(), 5), (Slot::code(Method::AuthenticatorApp, &action).unwrap(), 6), (other, 7)].into();
        let elsewhere =
            [(Slot::code(Method::AuthenticatorApp, &ActionId::seen_by_rules(None, true)).unwrap(), 5)].into();
        let guesses = Guesses::new([
            (Space::Code, Budget { slots, failures: 2 }),
            (Space::Remembered, Budget { slots: elsewhere, failures: 1 }),
        ]);
        assert_eq!(guesses.freed_by(&mine).len(), 2);
        assert_eq!((guesses.counting(at(10)), guesses.failures()), (4, 3));
    }

    #[test]
    fn a_closed_space_has_no_room() {
        let slots = [(Slot::recovery().unwrap(), 0)].into();
        assert_eq!(Budget { slots, failures: CLOSED_AFTER }.room(at(1_000_000)), Room::Exhausted);
    }

    /// The table of what opens what (docs, promises).
    #[test]
    fn a_success_opens_what_asks_for_no_more() {
        use Space::{Code, Number, Recovery, Remembered};

        use crate::method::Method::{self, *};
        let opened = |method: Method, with_number| Space::opened_by(method.worth(with_number)).collect::<Vec<_>>();
        let without_numbers = [Code, Remembered, Recovery];
        for method in [AuthenticatorApp, Sms, EmailOtp, EmailMagicLink, WhatsApp, RecoveryCode, Push, QrCode, InApp] {
            assert_eq!(opened(method, false), without_numbers, "{method:?}");
        }
        for (method, with_number) in [(Push, true), (Passkey, false), (SecurityKey, false)] {
            assert_eq!(opened(method, with_number), [Code, Remembered, Number, Recovery], "{method:?}");
        }
        for method in [Veriff, Iproov, Idverse, PalmBiometricsRr] {
            assert_eq!(opened(method, false), [], "{method:?}");
        }
        assert!(AuthenticatorApp.worth(false) < Push.worth(false) && Push.worth(false) < Push.worth(true));
    }
}
