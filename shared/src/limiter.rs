//! The guess budgets of a user: one for each space of secrets, on every path on which somebody may guess.
//!
//! A guess takes a slot *before* it is looked at, by a conditional write, so that neither concurrency nor a
//! crash nor a lost reply makes a guess free (security.md, section 0.1). Slots are named by their attempt, so
//! that a write that is repeated after a lost acknowledgement takes no second one, and a success frees exactly
//! the slots of its own method that it saw: a guess that came in meanwhile keeps its slot.
//!
//! Whoever has only a password can guess at codes. What that exhausts is the budget of codes, and no other: a number
//! is typed on a device that signs, a recovery code has full entropy, and a device that is remembered is its owner's.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;

use crate::{authenticator::Worth, clock::Timestamp, error::Error, id::ActionId, keyring::random};

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

    /// Where the code of an action is paid for. The device is said by the backend when it tracks and stands in the
    /// action's id, so that no browser can claim one and nothing has to be read.
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

    /// The spaces whose failures end with a success that shows this: those that ask for no more.
    pub fn opened_by(worth: Worth) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |space| space.worth() <= worth)
    }
}

/// One attempt to answer: its space, and the letter of its method with 40 random bits. Ten of a user stand beside each
/// other, so that two of one name are not to be expected; short names keep the user's item small.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    space: Space,
    name: String,
}

impl Slot {
    fn new(space: Space, method: char) -> Result<Self, Error> {
        Ok(Self { space, name: format!("{method}{}", BASE64URL_NOPAD.encode(&random::<5>()?)) })
    }
    /// A slot for a TOTP guess, for this action.
    pub fn totp(action: &ActionId) -> Result<Self, Error> {
        Self::new(Space::of_code(action), 't')
    }
    /// A slot for the number of a push.
    pub fn number() -> Result<Self, Error> {
        Self::new(Space::Number, 'n')
    }
    /// A slot for a recovery code.
    pub fn recovery() -> Result<Self, Error> {
        Self::new(Space::Recovery, 'r')
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

    #[test]
    fn a_success_frees_its_own_method_in_its_own_space() {
        let action = ActionId::generate();
        let mine = Slot::totp(&action).unwrap();
        let other = Slot::from_stored(Space::Code, "p1");
        let slots = [(mine.clone(), 5), (Slot::totp(&action).unwrap(), 6), (other, 7)].into();
        let elsewhere = [(Slot::totp(&ActionId::seen_by_rules(None, true)).unwrap(), 5)].into();
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

    /// The table of what opens what (README, "What it promises").
    #[test]
    fn a_success_opens_what_asks_for_no_more() {
        use Space::{Code, Number, Recovery, Remembered};

        use crate::authenticator::Method::{self, *};
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
