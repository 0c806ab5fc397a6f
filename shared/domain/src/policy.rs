//! What a tenant asks of its users before they get in: a second factor of everybody, once and for all, and set-ups that
//! some have to finish first. Also what becomes of an action while the tenant's own rules cannot be read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    action::State,
    clock::Timestamp,
    rule::Outcome,
    user::{RequiredAction, User},
};

/// What must be typed before a second factor is asked of everybody: it cannot be taken back.
pub const CONFIRMATION: &str = "Enforce 2FA";

/// From some moment on, nobody of a tenant gets in without a second factor. Made once, and never changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enforcement {
    /// Who decided it, as the caller of the API said.
    pub by: String,
    pub at: Timestamp,
    pub starts_at: Timestamp,
}

/// Where a required action stands for a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// It is asked of those who have it, and an administrator may give it to users.
    pub enabled: bool,
    /// Every user made from now on has it. Only an enabled action can be a default.
    pub default: bool,
}

/// What becomes of an action while the tenant's configuration with its rules cannot be read, or while nobody can be
/// asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailureMode {
    /// 503: nothing is decided, so nothing is allowed.
    #[default]
    Closed,
    /// Somebody looks at it later.
    Review,
    /// It is allowed.
    Open,
}

impl FailureMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Review => "review",
            Self::Open => "open",
        }
    }

    /// The outcome while the rules cannot be read; `None` where nothing is decided. `by_the_copy` is what an hour-old
    /// copy of the rules says: a block stays a block.
    pub fn outcome(self, by_the_copy: Outcome) -> Option<Outcome> {
        match (self, by_the_copy) {
            (Self::Closed, _) => None,
            (_, Outcome::Block) => Some(Outcome::Block),
            (Self::Review, _) => Some(Outcome::Review),
            (Self::Open, _) => Some(Outcome::Allow),
        }
    }
}

/// All that a tenant asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub enforcement: Option<Enforcement>,
    pub requirements: BTreeMap<RequiredAction, Requirement>,
}

impl Policy {
    /// Whether a second factor is asked of everybody by now.
    pub fn is_enforced(&self, now: Timestamp) -> bool {
        self.enforcement.as_ref().is_some_and(|enforcement| now >= enforcement.starts_at)
    }

    /// When that begins, where it is still to come.
    pub fn starts_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.enforcement.as_ref().map(|enforcement| enforcement.starts_at).filter(|start| now < *start)
    }

    pub fn requirement(&self, action: RequiredAction) -> Requirement {
        self.requirements.get(&action).copied().unwrap_or_default()
    }

    /// What a user that is made now has to finish.
    pub fn of_new_users(&self) -> impl Iterator<Item = RequiredAction> {
        let is_default = |action: &RequiredAction| {
            let requirement = self.requirement(*action);
            requirement.enabled && requirement.default
        };
        RequiredAction::ALL.into_iter().filter(is_default)
    }

    /// What this user has still to finish. A required action that is not enabled is asked of nobody until it is.
    pub fn asked_of(&self, user: &User) -> Vec<RequiredAction> {
        let has = user.required.iter().copied();
        has.filter(|action| self.requirement(*action).enabled && !action.is_done_by(user)).collect()
    }

    /// Whether the user counts as having a second factor. Where the tenant asks for one, an address that a backend
    /// vouches for does not count, because nothing here sends a code to it; such a user is led to set-up.
    pub fn has_second_factor(&self, user: &User, now: Timestamp) -> bool {
        user.can_answer() || user.is_enrolled() && !self.is_enforced(now) && self.asked_of(user).is_empty()
    }

    /// The state that an action starts in. A user who has something to set up is stopped where the rules would have let
    /// them through; what the rules block or hold back stays so.
    pub fn initial_state(&self, outcome: Outcome, user: &User, now: Timestamp) -> State {
        let must_enrol = self.is_enforced(now) && !user.can_answer();
        match State::initial(outcome, user.is_enrolled()) {
            State::Allow if must_enrol || !self.asked_of(user).is_empty() => State::ChallengeRequired,
            other => other,
        }
    }

    /// The state to which a challenge moves that cannot be asked; `None` where it goes on waiting for an answer.
    ///
    /// This is stricter than a failure while tracking, because the rules have decided that the user is asked: once a
    /// second factor is asked of everybody, nobody is let through without one.
    pub fn state_unasked(&self, mode: FailureMode, user: &User, now: Timestamp) -> Option<State> {
        match self.initial_state(mode.outcome(Outcome::Challenge)?, user, now) {
            State::ChallengeRequired => None,
            State::Allow if self.is_enforced(now) => None,
            decided => Some(decided),
        }
    }
}

/// What an administrator should know of the tenant's users before a second factor is asked of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub enrolled: u64,
    /// Those with nothing enrolled, by the days since their last action.
    pub unenrolled: LastSeen,
}

/// How many users were last here when, in whole days (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastSeen {
    today: u64,
    last7_days: u64,
    last30_days: u64,
    earlier: u64,
    /// Made by a backend or an import, and not here yet: pending invitations.
    pub never: u64,
}

impl LastSeen {
    pub fn total(&self) -> u64 {
        self.today + self.last7_days + self.last30_days + self.earlier + self.never
    }
}

impl Census {
    /// Counts one user, who was last seen so many days ago.
    pub fn count(&mut self, is_enrolled: bool, days_ago: Option<i64>) {
        let counted = match days_ago {
            _ if is_enrolled => &mut self.enrolled,
            None => &mut self.unenrolled.never,
            Some(..=0) => &mut self.unenrolled.today,
            Some(..7) => &mut self.unenrolled.last7_days,
            Some(..30) => &mut self.unenrolled.last30_days,
            Some(_) => &mut self.unenrolled.earlier,
        };
        *counted += 1;
    }
}

impl std::iter::Sum for Census {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |all, part| {
            let (one, two) = (all.unenrolled, part.unenrolled);
            let unenrolled = LastSeen {
                today: one.today + two.today,
                last7_days: one.last7_days + two.last7_days,
                last30_days: one.last30_days + two.last30_days,
                earlier: one.earlier + two.earlier,
                never: one.never + two.never,
            };
            Self { enrolled: all.enrolled + part.enrolled, unenrolled }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::{AuthenticatorId, UserId},
        method::Method,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn user(is_enrolled: bool, is_asked: bool) -> User {
        let mut user = User::new(UserId::parse("ada").unwrap(), at(0));
        if is_enrolled {
            user.secretless.insert(AuthenticatorId::generate(), Method::Push);
        }
        if is_asked {
            user.required.insert(RequiredAction::AuthenticatorApplicationSetup);
        }
        user
    }

    fn policy(starts_at: i64, enabled: bool) -> Policy {
        let requirement = Requirement { enabled, default: false };
        Policy {
            enforcement: Some(Enforcement { by: "Grace".into(), at: at(0), starts_at: at(starts_at) }),
            requirements: [(RequiredAction::AuthenticatorApplicationSetup, requirement)].into(),
        }
    }

    proptest! {
        /// From its start on, whatever the rules say and whatever else is asked, nobody un-enrolled is let through.
        #[test]
        fn enforced_nobody_without_a_second_factor_is_allowed(
            outcome in prop::sample::select(vec![Outcome::Allow, Outcome::Challenge, Outcome::Review, Outcome::Block]),
            start in 0_i64..100, now in 0_i64..100, enabled in any::<bool>(), asked in any::<bool>(),
        ) {
            let state = policy(start, enabled).initial_state(outcome, &user(false, asked), at(now));
            let stopped = now >= start || enabled && asked;
            match outcome {
                Outcome::Block => prop_assert_eq!(state, State::Block),
                Outcome::Review => prop_assert_eq!(state, State::ReviewRequired),
                _ if stopped => prop_assert_eq!(state, State::ChallengeRequired),
                _ => prop_assert_eq!(state, State::Allow),
            }
        }
    }

    #[test]
    fn a_challenge_that_cannot_be_asked_lets_nobody_past_what_is_asked_of_all() {
        let before = |mode| policy(2, true).state_unasked(mode, &user(true, false), at(1));
        assert_eq!(before(FailureMode::Closed), None);
        assert_eq!(before(FailureMode::Review), Some(State::ReviewRequired));
        assert_eq!(before(FailureMode::Open), Some(State::Allow));
        let set_up_is_open = policy(2, true).state_unasked(FailureMode::Open, &user(true, true), at(1));
        assert_eq!(set_up_is_open, None);
        let enforced = |mode| policy(1, true).state_unasked(mode, &user(true, false), at(1));
        assert_eq!(enforced(FailureMode::Open), None);
        assert_eq!(enforced(FailureMode::Review), Some(State::ReviewRequired));
    }

    #[test]
    fn a_block_stays_one_and_closed_decides_nothing() {
        assert_eq!(FailureMode::Closed.outcome(Outcome::Allow), None);
        assert_eq!(FailureMode::Open.outcome(Outcome::Challenge), Some(Outcome::Allow));
        assert_eq!(FailureMode::Review.outcome(Outcome::Challenge), Some(Outcome::Review));
        for mode in [FailureMode::Review, FailureMode::Open] {
            assert_eq!(mode.outcome(Outcome::Block), Some(Outcome::Block));
        }
    }

    #[test]
    fn who_is_enrolled_is_let_through_unless_a_set_up_is_open() {
        let policy = policy(0, true);
        assert_eq!(policy.initial_state(Outcome::Allow, &user(true, false), at(1)), State::Allow);
        assert_eq!(policy.initial_state(Outcome::Allow, &user(true, true), at(1)), State::ChallengeRequired);
        assert_eq!(RequiredAction::parse("AUTHENTICATOR_APPLICATION_SETUP"), Some(RequiredAction::ALL[0]));
        assert_eq!(serde_json::to_value(RequiredAction::ALL[0]).unwrap(), RequiredAction::ALL[0].as_str());
    }
}
