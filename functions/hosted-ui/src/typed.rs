//! What somebody typed to prove who they are: what is wrong with it before and after it is compared.

use countersign_core::{
    action::State,
    app::App,
    limiter::{Space, WINDOW_SECONDS},
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
pub(crate) fn refusal(app: &App, visit: &Visit, way: Way, verdict: &Verdict) -> Vec<String> {
    let (t, now) = (visit.messages(), app.now());
    let space = if way == Way::Recovery { Space::Recovery } else { Space::of_code(&visit.action.id) };
    let budget = visit.user.guesses.of(space);
    if matches!(verdict, Verdict::Exhausted) {
        let problem = if budget.is_closed() {
            let closed = if way == Way::Recovery { "recovery-closed-error" } else { "closed-error" };
            t.with(closed, "tenant", visit.tenant())
        } else {
            let oldest = budget.counting(now).min().unwrap_or(now.as_millisecond());
            let wait = (oldest + WINDOW_SECONDS * 1000 - now.as_millisecond()).max(1).unsigned_abs();
            t.count("locked-error", "minutes", wait.div_ceil(60_000))
        };
        let has_another = visit.action.state == State::ChallengeRequired && visit.ways().iter().any(|one| *one != way);
        return [Some(problem), has_another.then(|| t.text("another-way-hint"))].into_iter().flatten().collect();
    }
    // As they were read before this guess took its own.
    let left = space.limit().saturating_sub(budget.counting(now).count() + 1);
    let wrong = if way == Way::Recovery { "recovery-wrong-error" } else { "code-wrong-error" };
    let mut lines = vec![t.text(wrong), t.count("attempts-left-hint", "left", left as u64)];
    if way == Way::App {
        lines.push(t.text("code-clock-hint"));
    }
    lines
}
