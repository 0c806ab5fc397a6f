//! What an operator watches: counts of what was decided, and of the calls that cost money.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// What is counted, by its name in CloudWatch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Counter { $($name),* }
        /// The names of all, in their order.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        static COUNTS: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];
    };
}

counters! {
    ActionsAllowed,
    ActionsChallenged,
    ActionsInReview,
    ActionsBlocked,
    ActionsInFailureMode,
    ChallengesSucceeded,
    GuessesRejected,
    Lockouts,
    GuessesAtClosed,
    ReplaysRefused,
    EnrolmentsBegun,
    EnrolmentsCompleted,
    StoreCalls,
    StoreErrors,
    StoreConflicts,
    KeyCalls,
    KeyErrors,
    ChallengesRefused,
    ChallengesFlooded,
    PushesAsked,
    PushesRefused,
    PushesDenied,
    PushesReported,
    PushesSent,
    PushesFailed,
}

/// Adds one.
pub fn count(counter: Counter) {
    COUNTS[counter as usize].fetch_add(1, Ordering::Relaxed);
}

/// What was counted since the last call, by name.
pub fn take() -> impl Iterator<Item = (&'static str, u64)> {
    let all = NAMES.iter().zip(&COUNTS).map(|(name, count)| (*name, count.swap(0, Ordering::Relaxed)));
    all.filter(|(_, count)| *count > 0)
}
