//! One occurrence of an action code: what was decided, and how far it has come.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{ActionCode, ActionId, AuthenticatorId, IdempotencyKey, UserUid},
    method::Method,
    rule::{Outcome, Trace, recent::Beginning},
};

/// How far an action has come (contract, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    Allow,
    Block,
    ChallengeRequired,
    ChallengeSucceeded,
    ChallengeFailed,
    ReviewRequired,
    ReviewSucceeded,
    ReviewFailed,
}

impl State {
    pub const ALL: [Self; 8] = [
        Self::Allow,
        Self::Block,
        Self::ChallengeRequired,
        Self::ChallengeSucceeded,
        Self::ChallengeFailed,
        Self::ReviewRequired,
        Self::ReviewSucceeded,
        Self::ReviewFailed,
    ];

    /// The state an action starts in. A user with nothing enrolled cannot answer a challenge: the action is
    /// allowed, its token may enrol, and `isEnrolled: false` tells the backend (contract, section 1.3).
    pub fn initial(outcome: Outcome, is_enrolled: bool) -> Self {
        match outcome {
            Outcome::Allow => Self::Allow,
            Outcome::Block => Self::Block,
            Outcome::Review => Self::ReviewRequired,
            Outcome::Challenge if is_enrolled => Self::ChallengeRequired,
            Outcome::Challenge => Self::Allow,
        }
    }

    /// Whether nothing may follow: an action comes to one end, and keeps it.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Allow | Self::ChallengeRequired | Self::ReviewRequired)
    }

    /// Whether the customer's backend may move an action from here to there (contract, S12). Repeating the
    /// state it has is no change, and is answered as if it were one.
    pub fn may_be_set_to(self, next: Self) -> bool {
        self == next || !self.is_terminal()
    }

    /// The states from which a right code of an enrolled authenticator succeeds.
    pub const ANSWERABLE: [Self; 1] = [Self::ChallengeRequired];

    /// The states in which an authenticator may be enrolled: while nothing is decided, or after a success.
    pub const ENROLLABLE: [Self; 3] = [Self::Allow, Self::ChallengeRequired, Self::ChallengeSucceeded];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Block => "BLOCK",
            Self::ChallengeRequired => "CHALLENGE_REQUIRED",
            Self::ChallengeSucceeded => "CHALLENGE_SUCCEEDED",
            Self::ChallengeFailed => "CHALLENGE_FAILED",
            Self::ReviewRequired => "REVIEW_REQUIRED",
            Self::ReviewSucceeded => "REVIEW_SUCCEEDED",
            Self::ReviewFailed => "REVIEW_FAILED",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl From<State> for Beginning {
    fn from(state: State) -> Self {
        match state {
            State::Allow => Self::LetThrough,
            State::ChallengeRequired => Self::Challenged,
            State::ReviewRequired => Self::HeldBack,
            _ => Self::Stopped,
        }
    }
}

/// Why an action was decided by its failure mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    ConfigurationUnavailable,
    /// Nobody could be asked: the queue to the push services took nothing, and the user has no other way to answer.
    ProviderUnavailable,
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

/// One action, as its item in the table holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub id: ActionId,
    pub user_uid: UserUid,
    pub code: ActionCode,
    pub key: IdempotencyKey,
    pub state: State,
    pub outcome: Outcome,
    pub created_at: Timestamp,
    pub state_changed_at: Timestamp,
    /// From then on no proof is accepted; compared in the condition of the write, never awaited.
    pub expires_at: Timestamp,
    /// What the action is about, hashed: the same idempotency key with another subject is refused.
    pub fingerprint: String,
    /// Methods that may answer; part of the condition of the write that succeeds it.
    pub allowed_methods: Vec<Method>,
    pub redirect_url: Option<String>,
    /// Whether the user had anything enrolled when it was tracked. If not, its token must not show what was enrolled
    /// later.
    pub was_enrolled: bool,
    /// The device that its token enrolled as the user's first.
    pub enrolled: Option<AuthenticatorId>,
    pub verification: Option<Verification>,
    /// Decided while the rules could not be read.
    pub failure: Option<Failure>,
    /// What track was given, as JSON text, for rules and for people who ask later.
    pub input: String,
    /// What rules made of it, where its code has any.
    pub rules: Option<Box<Trace>>,
}

/// How long after a success its token may change things.
pub const FRESH_SECONDS: i64 = 600;

/// What verified an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    pub method: Method,
    pub authenticator: AuthenticatorId,
    pub at: Timestamp,
    pub strength: Strength,
}

/// What an approval on a device was worth, beyond the key that signed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strength {
    /// The person carried the initiator's number over to the device.
    pub number_matching: bool,
    /// The device signed what it showed, and not the challenge's id alone.
    pub signature_v2: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = State> {
        prop::sample::select(State::ALL.to_vec())
    }

    proptest! {
        /// I2: whatever is asked in whatever order, the states are PENDING* X* with one terminal X.
        #[test]
        fn an_action_comes_to_one_end(asked in prop::collection::vec(any_state(), 0..40), first in any_state()) {
            let mut state = first;
            let mut ended = None;
            for next in asked {
                if state.may_be_set_to(next) {
                    state = next;
                }
                if let Some(end) = ended {
                    prop_assert_eq!(end, state);
                } else if state.is_terminal() {
                    ended = Some(state);
                }
            }
        }

        #[test]
        fn names_on_the_wire_come_back(state in any_state()) {
            prop_assert_eq!(State::parse(state.as_str()), Some(state));
            prop_assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_success_is_only_reached_from_an_open_challenge() {
        for state in State::ANSWERABLE {
            assert!(!state.is_terminal());
        }
        assert!(!State::ENROLLABLE.contains(&State::Block));
        assert_eq!(State::initial(Outcome::Challenge, false), State::Allow);
        assert_eq!(State::initial(Outcome::Block, false), State::Block);
    }
}
