//! What is said of something that was typed to prove who somebody is, and that was not taken.

use std::time::Duration;

use countersign_core::{action::State, proof::Verdict};

use crate::{visit::Visit, way::Way};

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
        None => t.with(way.closed(), "tenant", visit.tenant()),
    };
    let has_another = visit.action.state == State::ChallengeRequired && visit.ways().iter().any(|one| *one != way);
    [Some(problem), has_another.then(|| t.text("another-way-hint"))].into_iter().flatten().collect()
}

fn rejected(visit: &Visit, way: Way, attempts_left: Option<usize>) -> Vec<String> {
    let t = visit.messages();
    let (wrong, hint) = way.wrong();
    let left = attempts_left.map(|left| t.count("attempts-left-hint", "left", left as u64));
    [Some(t.text(wrong)), left, hint.map(|hint| t.text(hint))].into_iter().flatten().collect()
}
