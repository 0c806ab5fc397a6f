//! The columns: every reason why a way must not go on, and when it comes about.

use super::way::{Way, listed};

listed! {
    /// One reason not to. Those that change the configuration do so in another process, half a minute before.
    Reason {
        // What the configuration says of the action.
        BlockedByDefault, BlockedByRule, ReviewByDefault, ReviewByRule, BlockRuleSinceTracked, BlockRuleSinceBegun,
        BlockDefaultSinceBegun, UnjudgedBlockRule, UnjudgedReviewRule, UnjudgedBlockRuleSinceBegun,
        // What became of it.
        Failed, Succeeded, ReviewFailed, Denied, Expired, ChallengeExpired,
        // What it may be answered with.
        MethodOff, MethodOffSinceTracked, MethodOffSinceBegun, OtherMethods, OtherMethodsSinceTracked,
        OtherMethodsSinceBegun, RuleOfOtherMethods, RuleOfOtherMethodsSinceTracked, RuleOfOtherMethodsSinceBegun,
        // What became of the user and of what it has.
        Deleted, AnotherLife, ResetSinceTracked, ResetSinceBegun, ResetAndEnrolledAgain, AuthenticatorRemoved,
        RemovedByOwnerSince, RemovedItself, AnotherRemoved, RemovedByOneself,
        // Whose token, device, challenge or key it is.
        OtherUser, OtherAction, OtherTenant,
        // What the token has proved.
        Unanswered, LetThrough, AppEnrolledSinceTracked, PhoneEnrolledSinceTracked, EnrolledByBackendSinceTracked,
        AppEnrolledSinceBegun,
    }
}

/// When a reason comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    Tracked,
    Begun,
}

impl Reason {
    pub fn moment(self, way: Way) -> Moment {
        use Reason::*;
        match self {
            // Its last call carries no token: the one that begins does.
            OtherAction if way == Way::QrOfUser => Moment::Tracked,
            BlockedByDefault | BlockedByRule | ReviewByDefault | ReviewByRule | UnjudgedBlockRule
            | UnjudgedReviewRule | MethodOff | OtherMethods | RuleOfOtherMethods | Unanswered | LetThrough => {
                Moment::Before
            }
            BlockRuleSinceTracked
            | MethodOffSinceTracked
            | OtherMethodsSinceTracked
            | RuleOfOtherMethodsSinceTracked
            | ResetSinceTracked
            | AppEnrolledSinceTracked
            | PhoneEnrolledSinceTracked
            | EnrolledByBackendSinceTracked => Moment::Tracked,
            BlockRuleSinceBegun
            | BlockDefaultSinceBegun
            | UnjudgedBlockRuleSinceBegun
            | Failed
            | Succeeded
            | ReviewFailed
            | Denied
            | Expired
            | ChallengeExpired
            | MethodOffSinceBegun
            | OtherMethodsSinceBegun
            | RuleOfOtherMethodsSinceBegun
            | Deleted
            | AnotherLife
            | ResetSinceBegun
            | ResetAndEnrolledAgain
            | AuthenticatorRemoved
            | RemovedByOwnerSince
            | RemovedItself
            | AnotherRemoved
            | RemovedByOneself
            | OtherUser
            | OtherAction
            | OtherTenant
            | AppEnrolledSinceBegun => Moment::Begun,
        }
    }

    /// A method, or recovery codes, are switched off.
    pub fn is_method_off(self) -> bool {
        matches!(self, Self::MethodOff | Self::MethodOffSinceTracked | Self::MethodOffSinceBegun)
    }

    /// Somebody else has enrolled, with another action.
    pub fn is_enrolled_since(self) -> bool {
        use Reason::*;
        matches!(
            self,
            AppEnrolledSinceTracked | PhoneEnrolledSinceTracked | EnrolledByBackendSinceTracked | AppEnrolledSinceBegun
        )
    }

    /// The user was taken back to nothing.
    pub fn is_reset(self) -> bool {
        matches!(self, Self::ResetSinceTracked | Self::ResetSinceBegun | Self::ResetAndEnrolledAgain)
    }
}
