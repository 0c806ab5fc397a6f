//! What is said of something that was typed to prove who somebody is, and that was not taken.

use countersign_core::{limiter::Space, proof::Verdict};

use crate::{visit::Visit, way::Way};

/// From so few attempts on, it is said how many are left: a first slip frightens nobody.
const FEW_ATTEMPTS: usize = 3;

/// From so many failures on, it is said what may help.
const FAILURES_TO_HELP: usize = 2;

/// What a proof that was not taken leads to.
pub(crate) enum Refusal {
    /// The form again, with what went wrong.
    Again(Vec<String>),
    /// No form, because nothing more is looked at for a while; with what went wrong, where the last guess was looked at.
    Locked(Vec<String>),
}

/// Why a proof was not taken, how often another may be tried where few are left, and what may help. It says the same of
/// every wrong code: nothing is compared that could not have been accepted.
pub(crate) fn refusal(visit: &Visit, way: Way, verdict: &Verdict) -> Refusal {
    let t = visit.messages();
    let (wrong, hints) = way.wrong();
    let left = match verdict {
        Verdict::Exhausted { .. } => return Refusal::Locked(Vec::new()),
        Verdict::Rejected { attempts_left: Some(0) } => return Refusal::Locked(vec![t.text(wrong)]),
        Verdict::Rejected { attempts_left } => *attempts_left,
        Verdict::Accepted(_) => None,
    };
    let failures = left.map(|left| way.space(&visit.action.id).limit().saturating_sub(left));
    let left = left.filter(|left| *left <= FEW_ATTEMPTS).map(|left| t.count("attempts-left-hint", "left", left as u64));
    let mut lines: Vec<String> = std::iter::once(t.text(wrong)).chain(left).collect();
    if failures.is_some_and(|failures| failures >= FAILURES_TO_HELP) {
        lines.extend(hints.iter().map(|hint| t.with(hint, "tenant", visit.tenant())));
    }
    Refusal::Again(lines)
}

impl Way {
    /// The space in which its guesses count.
    pub(crate) fn space(self, action: &countersign_core::id::ActionId) -> Space {
        match self {
            Self::App => Space::of_code(action),
            Self::Phone => Space::Number,
            Self::Recovery => Space::Recovery,
        }
    }
}
