//! The guess budget: one for each user, on every path on which somebody may guess.
//!
//! A guess takes a slot *before* it is looked at, by a conditional write, so that neither concurrency nor a
//! crash nor a lost reply makes a guess free (security.md, section 0.1). Slots are named by their attempt, so
//! that a write that is repeated after a lost acknowledgement takes no second one, and a success frees exactly
//! the slots of its own method that it saw: a guess that came in meanwhile keeps its slot.

use std::{collections::BTreeMap, time::Duration};

use crate::{clock::Timestamp, error::Error, id::ChallengeId, secret::random};

/// Guesses evaluated for one user in any `WINDOW_SECONDS`.
pub const LIMIT: usize = 10;
pub const WINDOW_SECONDS: i64 = 300;

/// NIST SP 800-63B, section 3.2.2: after so many failures in a row the method is closed until the customer's
/// backend opens it again, or another method succeeds.
pub const CLOSED_AFTER: u64 = 100;

/// One attempt to answer: the letter of its method, and 64 random bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(String);

impl Slot {
    /// A slot for a TOTP guess.
    pub fn totp() -> Result<Self, Error> {
        Ok(Self(format!("t{:016x}", u64::from_be_bytes(random::<8>()?))))
    }
    /// A slot for the number of a push.
    pub fn number() -> Result<Self, Error> {
        Ok(Self(format!("n{:016x}", u64::from_be_bytes(random::<8>()?))))
    }
    /// A slot for a recovery code.
    pub fn recovery() -> Result<Self, Error> {
        Ok(Self(format!("r{:016x}", u64::from_be_bytes(random::<8>()?))))
    }
    pub fn from_stored(name: &str) -> Self {
        Self(name.to_owned())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    fn same_method(&self, other: &Self) -> bool {
        self.0.as_bytes().first() == other.0.as_bytes().first()
    }
}

/// The guesses of a user that still count, each with the millisecond in which it was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guesses {
    pub slots: BTreeMap<Slot, i64>,
    /// Guesses since the last right one of an authenticator app.
    pub totp_failures: u64,
}

/// What a guess that found no free slot may do.
#[derive(Debug, PartialEq)]
pub enum Room {
    /// These slots are over; one of their places can be taken.
    AfterDropping(Vec<Slot>),
    /// The budget is spent.
    Exhausted,
}

impl Guesses {
    /// Slots whose time is over, the only ones that a new guess may replace.
    pub fn over(&self, now: Timestamp) -> Vec<Slot> {
        let horizon = now.as_millisecond() - WINDOW_SECONDS * 1000;
        self.slots.iter().filter(|(_, made)| **made <= horizon).map(|(slot, _)| slot.clone()).collect()
    }

    /// How many guesses take a slot now: wrong ones, and those that are being looked at.
    pub fn counting(&self, now: Timestamp) -> usize {
        self.slots.len() - self.over(now).len()
    }

    pub fn room(&self, now: Timestamp) -> Room {
        let over = self.over(now);
        if self.totp_failures >= CLOSED_AFTER || over.is_empty() { Room::Exhausted } else { Room::AfterDropping(over) }
    }

    /// What a success of `attempt` frees: the slots of its method, its own included.
    pub fn freed_by(&self, attempt: &Slot) -> Vec<Slot> {
        self.slots.keys().filter(|slot| slot.same_method(attempt)).cloned().collect()
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
            let (mut guesses, mut now, mut taken) = (Guesses::default(), 1_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                let slot = Slot::totp().unwrap();
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
    fn a_success_frees_its_own_method_only() {
        let mine = Slot::totp().unwrap();
        let slots = [(mine.clone(), 5), (Slot::totp().unwrap(), 6), (Slot::from_stored("p1"), 7)];
        let guesses = Guesses { slots: slots.into_iter().collect(), totp_failures: 2 };
        assert_eq!(guesses.freed_by(&mine).len(), 2);
    }

    #[test]
    fn a_closed_method_has_no_room() {
        let slots = [(Slot::totp().unwrap(), 0)].into_iter().collect();
        assert_eq!(Guesses { slots, totp_failures: CLOSED_AFTER }.room(at(1_000_000)), Room::Exhausted);
    }
}
