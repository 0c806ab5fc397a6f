//! What somebody typed to prove who they are: what is wrong with it before and after it is compared.

use std::time::Duration;

use countersign_core::{
    action::State,
    method::{recovery::RecoveryCode, totp},
    proof::Verdict,
};

use crate::visit::{Visit, Way};

impl Way {
    /// What is wrong with what was typed before anybody compares it, which costs no guess.
    pub(crate) fn shape_problem(self, typed: &str) -> Option<&'static str> {
        let is_empty = typed.trim().is_empty();
        match self {
            Self::Recovery if is_empty => Some("recovery-empty-error"),
            Self::Recovery => RecoveryCode::parse(typed).is_none().then_some("recovery-shape-error"),
            _ if is_empty => Some("code-empty-error"),
            _ => totp::read_code(typed).is_none().then_some("code-shape-error"),
        }
    }
}

/// Why a proof was not taken, how often another may be tried, and when again or how else.
pub(crate) fn refusal(visit: &Visit, way: Way, verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Exhausted { retry_after } => exhausted(visit, way, *retry_after),
        Verdict::Rejected { attempts_left } => rejected(visit, way, *attempts_left),
        Verdict::Accepted(_) => Vec::new(),
    }
}

fn exhausted(visit: &Visit, way: Way, retry_after: Option<Duration>) -> Vec<String> {
    let t = visit.messages();
    let problem = match retry_after {
        Some(wait) => {
            t.count("locked-error", "minutes", u64::try_from(wait.as_millis().div_ceil(60_000)).unwrap_or(u64::MAX))
        }
        None if way == Way::Recovery => t.with("recovery-closed-error", "tenant", visit.tenant()),
        None => t.with("closed-error", "tenant", visit.tenant()),
    };
    let has_another = visit.action.state == State::ChallengeRequired && visit.ways().iter().any(|one| *one != way);
    [Some(problem), has_another.then(|| t.text("another-way-hint"))].into_iter().flatten().collect()
}

fn rejected(visit: &Visit, way: Way, attempts_left: Option<usize>) -> Vec<String> {
    let t = visit.messages();
    let wrong = t.text(if way == Way::Recovery { "recovery-wrong-error" } else { "code-wrong-error" });
    let left = attempts_left.map(|left| t.count("attempts-left-hint", "left", left as u64));
    let clock = (way == Way::App).then(|| t.text("code-clock-hint"));
    [Some(wrong), left, clock].into_iter().flatten().collect()
}
