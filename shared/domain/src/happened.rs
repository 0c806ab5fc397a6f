//! What happens, as one closed list: counters, log lines, what users see of their own account and what their other devices
//! are told all follow from it. Nothing that happens is counted, logged or told anywhere else.

use serde::{Deserialize, Serialize};

use crate::metrics::{Counter, count};

/// What happened to what a user has: a line that its user sees, and a notice to the user's other devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Event {
    Added { name: String },
    Removed { name: String },
    Renamed { name: String },
    MadePrimary { name: String },
    NewRecoveryCodes,
    RecoveryCodeUsed,
    DeviceForgotten,
}

impl Event {
    /// In the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added { .. } => "authenticator_added",
            Self::Removed { .. } => "authenticator_removed",
            Self::Renamed { .. } => "authenticator_renamed",
            Self::MadePrimary { .. } => "authenticator_made_primary",
            Self::NewRecoveryCodes => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::DeviceForgotten => "device_forgotten",
        }
    }
}

/// What came of something that somebody tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    EnrolmentBegun,
    /// An authenticator was enrolled.
    Enrolled,
    /// A code succeeded an action.
    Succeeded,
    /// A device approved one.
    Approved,
    Denied,
    /// A device said that its user had not asked.
    Reported,
    GuessRejected,
    /// The number that was typed is not the one on the other screen.
    WrongNumber,
    /// A code that had been accepted before.
    ReplayRefused,
    /// A guess budget is spent.
    LockedOut,
    /// Devices were asked by push.
    Asked,
    /// They were asked too often.
    AskingRefused,
}

impl Happened {
    /// How it is called in the log: the `outcome` of an event that is judged.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::EnrolmentBegun => "enrolment_begun",
            Self::Enrolled => "enrolled",
            Self::Succeeded => "accepted",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Reported => "reported",
            Self::GuessRejected => "rejected",
            Self::WrongNumber => "wrong_number",
            Self::ReplayRefused => "replayed",
            Self::LockedOut => "exhausted",
            Self::Asked => "asked",
            Self::AskingRefused => "asking_refused",
        }
    }

    pub fn counter(self) -> Counter {
        match self {
            Self::EnrolmentBegun => Counter::EnrolmentsBegun,
            Self::Enrolled => Counter::EnrolmentsCompleted,
            Self::Succeeded | Self::Approved => Counter::ChallengesSucceeded,
            Self::Denied => Counter::PushesDenied,
            Self::Reported => Counter::PushesReported,
            Self::GuessRejected | Self::WrongNumber => Counter::GuessesRejected,
            Self::ReplayRefused => Counter::ReplaysRefused,
            Self::LockedOut => Counter::Lockouts,
            Self::Asked => Counter::PushesAsked,
            Self::AskingRefused => Counter::PushesRefused,
        }
    }

    pub fn count(self) {
        count(self.counter());
    }
}
