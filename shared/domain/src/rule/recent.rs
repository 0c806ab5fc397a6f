//! What the rules of a user remember between actions: where it was let through, and how often it tried.
//!
//! An attempt teaches nothing: an address or a place is known once an action from it was allowed, or succeeded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{ActionCode, ActionId, DeviceTag},
};

/// At most this many addresses and open questions are remembered; the oldest make room.
const MOST: usize = 20;
/// At most this many kinds of action are counted.
const MOST_CODES: usize = 20;

const FINE: i64 = 300;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How an action begins, as far as later actions of its user depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    LetThrough,
    Challenged,
    HeldBack,
    Stopped,
}

/// One item per user, written by track alone and only for actions that have rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recent {
    addresses: Vec<Known>,
    place: Option<Stay>,
    asked: Vec<Unsettled>,
    counts: BTreeMap<ActionCode, Counts>,
    has_verified: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    address: String,
    at: i64,
}

/// A point on the earth, in degrees north and east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    pub latitude: f64,
    pub longitude: f64,
}

/// Where the user was, and when (Unix seconds).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    pub latitude: f64,
    pub longitude: f64,
    pub at: i64,
}

/// An action that has not been let through, with what is learnt once it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unsettled {
    id: ActionId,
    code: ActionCode,
    at: i64,
    /// A challenge, and not a review.
    is_challenge: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Stay>,
}

/// Actions by the slot that they began in: five minutes, for the last hour, and hours, for the last day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    fine: BTreeMap<i64, u32>,
    hours: BTreeMap<i64, u32>,
}

/// Where an action comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// In its canonical form.
    pub address: Option<String>,
    pub device: Option<DeviceTag>,
    pub location: Option<Coordinates>,
}

/// A device of a user (contract, S26): seen by rules, and perhaps remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// As the backend calls it.
    pub id: String,
    pub created_at: Timestamp,
    /// An action from it was allowed.
    pub let_through_at: Option<Timestamp>,
    /// An action from it succeeded.
    pub authenticated_at: Option<Timestamp>,
    pub last_method: Option<crate::method::Method>,
    pub invalidated_at: Option<Timestamp>,
    pub remembered_until: Option<Timestamp>,
}

impl Device {
    /// Whether the user was let through on it, since it was last invalidated.
    pub fn is_known(&self) -> bool {
        self.let_through_at
            .max(self.authenticated_at)
            .is_some_and(|last| self.invalidated_at.is_none_or(|gone| gone < last))
    }

    pub fn is_remembered(&self, now: Timestamp) -> bool {
        self.invalidated_at.is_none() && self.remembered_until.is_some_and(|until| now < until)
    }
}

impl Recent {
    pub fn knows_address(&self, address: &str) -> bool {
        self.addresses.iter().any(|known| known.address == address)
    }
    pub fn place(&self) -> Option<Stay> {
        self.place
    }
    pub fn has_verified(&self) -> bool {
        self.has_verified
    }

    /// Actions of this code within an hour and a day; up to five minutes and an hour more, because they are counted in slots.
    pub fn actions(&self, code: &ActionCode, now: Timestamp) -> (u32, u32) {
        let Some(counts) = self.counts.get(code) else { return (0, 0) };
        let since = |slots: &BTreeMap<i64, u32>, width: i64, window: i64| {
            let first = now.as_second().div_euclid(width) - window / width;
            slots.range(first..).map(|(_, count)| *count).fold(0, u32::saturating_add)
        };
        (since(&counts.fine, FINE, HOUR), since(&counts.hours, HOUR, DAY))
    }

    /// Challenges of this code that began within an hour and a day and have not succeeded: denied, failed, given up or
    /// open. Of the last twenty.
    pub fn failures(&self, code: &ActionCode, now: Timestamp) -> (usize, usize) {
        let within = |window: i64| {
            let is_in =
                |asked: &&Unsettled| asked.is_challenge && asked.code == *code && now.as_second() - asked.at < window;
            self.asked.iter().filter(is_in).count()
        };
        (within(HOUR), within(DAY))
    }

    /// Learns from actions that have succeeded since.
    pub fn succeeded(&mut self, ids: &[ActionId]) {
        let (done, open): (Vec<_>, Vec<_>) = self.asked.drain(..).partition(|asked| ids.contains(&asked.id));
        self.asked = open;
        self.has_verified |= done.iter().any(|asked| asked.is_challenge);
        for asked in done {
            self.learn(asked.address, asked.place, asked.at);
        }
    }

    /// Notes an action that begins.
    pub fn began(&mut self, id: &ActionId, code: &ActionCode, as_what: Beginning, origin: &Origin, now: Timestamp) {
        let at = now.as_second();
        self.count(code, at);
        let place = origin.location.map(|Coordinates { latitude, longitude }| Stay { latitude, longitude, at });
        match as_what {
            Beginning::LetThrough => self.learn(origin.address.clone(), place, at),
            Beginning::Challenged | Beginning::HeldBack => {
                let is_challenge = as_what == Beginning::Challenged;
                let address = origin.address.clone();
                self.asked.retain(|asked| at - asked.at < DAY);
                self.asked.push(Unsettled { id: id.clone(), code: code.clone(), at, is_challenge, address, place });
                let excess = self.asked.len().saturating_sub(MOST);
                self.asked.drain(..excess);
            }
            Beginning::Stopped => {}
        }
    }

    fn learn(&mut self, address: Option<String>, place: Option<Stay>, at: i64) {
        if let Some(address) = address {
            self.addresses.retain(|known| known.address != address);
            self.addresses.push(Known { address, at });
            let excess = self.addresses.len().saturating_sub(MOST);
            self.addresses.drain(..excess);
        }
        if let Some(place) = place.filter(|place| self.place.is_none_or(|last| last.at <= place.at)) {
            self.place = Some(place);
        }
    }

    fn count(&mut self, code: &ActionCode, at: i64) {
        let (fine, hour) = (at.div_euclid(FINE), at.div_euclid(HOUR));
        for counts in self.counts.values_mut() {
            counts.fine = counts.fine.split_off(&(fine - HOUR / FINE));
            counts.hours = counts.hours.split_off(&(hour - DAY / HOUR));
        }
        self.counts.retain(|_, counts| !counts.hours.is_empty());
        if self.counts.len() >= MOST_CODES && !self.counts.contains_key(code) {
            let oldest =
                self.counts.iter().min_by_key(|(_, counts)| counts.hours.keys().last()).map(|(code, _)| code.clone());
            oldest.map(|code| self.counts.remove(&code));
        }
        let counts = self.counts.entry(code.clone()).or_default();
        for slot in [counts.fine.entry(fine), counts.hours.entry(hour)] {
            let count = slot.or_default();
            *count = count.saturating_add(1);
        }
    }
}
