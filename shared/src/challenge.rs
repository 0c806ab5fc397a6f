//! A question to a device, asked once: approve, deny, or let it pass.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    authenticator::Method,
    clock::Timestamp,
    error::Error,
    id::{ActionCode, ActionId, AuthenticatorId, ChallengeId, IdempotencyKey, UserId, UserUid, length_prefixed},
    keyring::random,
};

/// How a device comes to its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// It is told by push, or asks.
    Push,
    /// Its owner scans a code, or touches a tag, and so claims it.
    QrCode,
    /// The app on the device asks itself.
    InApp,
    /// The device changes what is known of it.
    Update,
    /// Nothing is asked: the device is told that something has changed.
    Notice,
}

impl Kind {
    /// The method whose keys may answer.
    pub fn method(self) -> Method {
        match self {
            Self::Push | Self::Update | Self::Notice => Method::Push,
            Self::QrCode => Method::QrCode,
            Self::InApp => Method::InApp,
        }
    }
}

/// `PENDING` leads to one of the others, which is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Pending,
    Verified,
    Rejected,
    Expired,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Verified, Self::Rejected, Self::Expired];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Verified => "VERIFIED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
        }
    }
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What its owner sees on the device before they decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Where that address is, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The site that shows the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Public data points of the action, and of the user.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub user_custom: Map<String, Value>,
}

impl Context {
    /// SHA-256 over what is shown, hexadecimal; part of what `signatureV2` signs. Absent is the empty text, objects are
    /// JSON without spaces and with their names in order.
    pub fn digest(&self) -> String {
        let custom = |map: &Map<String, Value>| Value::Object(map.clone()).to_string();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let parts = [
            text(&self.ip_address),
            text(&self.place),
            text(&self.user_agent),
            text(&self.device_id),
            text(&self.origin),
            custom(&self.custom),
            custom(&self.user_custom),
        ];
        let parts = length_prefixed(&parts.each_ref().map(|part| part.as_bytes()));
        HEXLOWER.encode(digest::digest(&digest::SHA256, &parts).as_ref())
    }
}

/// Whom a challenge is about. One that a QR code shows to a stranger learns it from the device that claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub user: UserId,
    pub uid: UserUid,
}

/// The action that an answer decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub code: ActionCode,
    pub key: IdempotencyKey,
    pub id: ActionId,
    /// Tracked before, by the customer's backend; otherwise the approval makes the action.
    pub is_tracked: bool,
}

/// One challenge, as its item in the table holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    pub id: ChallengeId,
    pub kind: Kind,
    pub state: State,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub subject: Option<Subject>,
    pub about: Option<About>,
    pub context: Context,
    /// What the person has to carry from one screen to the other.
    pub number: Option<String>,
    /// The one device that may answer; any of the user's where none is named.
    pub only: Option<AuthenticatorId>,
    /// SHA-256 of what the initiator polls with, where it has no token.
    pub poll_hash: Option<String>,
    pub claimed_by: Option<AuthenticatorId>,
    pub decided: Option<Decided>,
}

/// Who decided, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub by: AuthenticatorId,
    pub at: Timestamp,
}

impl Challenge {
    /// A challenge that nobody has answered.
    pub fn new(kind: Kind, now: Timestamp, seconds: i64) -> Self {
        Self {
            id: ChallengeId::generate(),
            kind,
            state: State::Pending,
            created_at: now,
            expires_at: Timestamp::from_second(now.as_second() + seconds).unwrap_or(now),
            subject: None,
            about: None,
            context: Context::default(),
            number: None,
            only: None,
            poll_hash: None,
            claimed_by: None,
            decided: None,
        }
    }

    /// The state as of now: expiry is compared, never awaited.
    pub fn state_at(&self, now: Timestamp) -> State {
        if self.state == State::Pending && now >= self.expires_at { State::Expired } else { self.state }
    }

    /// Whether this device of this user may answer.
    pub fn may_be_answered_by(&self, uid: &UserUid, authenticator: &AuthenticatorId) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.uid == *uid)
            && self.only.as_ref().is_none_or(|only| only == authenticator)
            && (self.kind != Kind::QrCode || self.claimed_by.as_ref() == Some(authenticator))
    }
}

/// Six digits to carry over, each as likely (NIST SP 800-63B, 3.1.3.1: at least 6).
pub fn number() -> Result<String, Error> {
    const ALL: u32 = 1_000_000;
    loop {
        let drawn = u32::from_be_bytes(random::<4>()?);
        // The last, short run of numbers would make some likelier than others.
        if drawn < u32::MAX / ALL * ALL {
            return Ok(format!("{:06}", drawn % ALL));
        }
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
    fn numbers_have_six_digits() {
        for _ in 0..1000 {
            let number = number().unwrap();
            assert!(number.len() == 6 && number.bytes().all(|b| b.is_ascii_digit()), "{number}");
        }
    }

    #[test]
    fn what_is_shown_decides_the_digest() {
        let shown = Context { ip_address: Some("::1".into()), ..Context::default() };
        let moved = Context { user_agent: Some("::1".into()), ..Context::default() };
        assert_ne!(shown.digest(), moved.digest());
        assert_ne!(shown.digest(), Context::default().digest());
    }
}
