//! A question to a device, asked once: approve, deny, or let it pass.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    action::About,
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, ChallengeId, UserId, UserUid},
    method::{Method, device::Context},
    secret::random,
    typed,
};

/// How a device comes to its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A push tells the device, or the device asks what is pending.
    Push,
    /// Its owner scans a code, or touches a tag, and so claims it.
    QrCode,
    /// The app on the device begins it by itself.
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

/// Whom a challenge is about. A QR code that is shown to a stranger is about nobody until a device claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub user: UserId,
    pub uid: UserUid,
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

/// Who decided, for which action, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub by: AuthenticatorId,
    /// The one action that was decided. A question that an app begins without a token is about none until then, and what
    /// was decided for one action answers no other. Absent in challenges from before this was kept.
    pub action: Option<ActionId>,
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
        // Draws above the last multiple of ALL are dropped, because they would make some numbers likelier than others.
        if drawn < u32::MAX / ALL * ALL {
            return Ok(format!("{:06}", drawn % ALL));
        }
    }
}

/// What is said of a text that can be no such number.
pub const NUMBER_EXPECTED: &str = "The number has six digits: send the one that stands on the other screen.";

/// A number as it is compared; `None` for what no other screen shows.
pub fn read_number(text: &str) -> Option<Zeroizing<String>> {
    typed::digits(text, 6..=6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        for _ in 0..1000 {
            let number = number().unwrap();
            assert!(number.len() == 6 && number.bytes().all(|b| b.is_ascii_digit()), "{number}");
        }
    }
}
