//! The challenge: the user's default way to confirm, and the others one tap away.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    action::State,
    app::App,
    error::Error,
    limiter::{Space, WINDOW_SECONDS},
    method::{recovery::RecoveryCode, totp},
    proof::{Verdict, verify_recovery_code, verify_totp},
};

use crate::{
    Once, ends,
    ends::{End, end},
    frame::Frame,
    phones, set_up,
    visit::{Fields, Visit, Way},
};

#[derive(Template)]
#[template(path = "challenge.html")]
struct ChallengePage<'a> {
    f: &'a Frame<'a>,
    way: Way,
    others: Vec<(Way, String)>,
    problem: &'a [String],
    quit: Option<String>,
}

impl Way {
    /// The text of the link to it.
    fn invitation(self) -> &'static str {
        match self {
            Self::App => "challenge-app-link",
            Self::Phone => "challenge-phone-link",
            Self::Recovery => "challenge-recovery-link",
        }
    }

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

pub(crate) async fn show(app: &App, visit: &Visit, fields: &Fields, headers: &HeaderMap) -> Result<Response, Error> {
    if fields.get("quit") == "yes" {
        return end(visit, End::Quit, &visit.token);
    }
    if !fields.get("challenge").is_empty() {
        return phones::wait(app, visit, fields.get("challenge"), headers).await;
    }
    page(app, visit, Way::named(fields.get("way")), &[]).await
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, once: Once) -> Result<Response, Error> {
    let (t, way) = (visit.messages(), Way::named(fields.get("way")).unwrap_or(Way::App));
    if once == Once::Again {
        return page(app, visit, Some(way), &[t.text("form-used-error")]).await;
    }
    let typed = match way {
        Way::App => fields.get("code"),
        Way::Recovery => fields.get("recovery"),
        Way::Phone => return phones::ask(app, visit).await,
    };
    if let Some(problem) = way.shape_problem(typed) {
        return page(app, visit, Some(way), &[t.text(problem)]).await;
    }
    let verdict = match way {
        Way::Recovery => verify_recovery_code(app, &visit.caller, typed, app.now()).await?,
        _ => verify_totp(app, &visit.caller, typed, app.now()).await?,
    };
    match verdict {
        Verdict::Accepted { token, .. } => verified(visit, &token),
        refused => page(app, visit, Some(way), &refusal(app, visit, way, &refused)).await,
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

/// What follows a success: what is still to be set up, the page of what the user has, or the app.
pub(crate) fn verified(visit: &Visit, token: &str) -> Result<Response, Error> {
    let next = if visit.has_an_app_to_set_up() {
        Some(visit.link_with(token, "/set-up", &[("kind", "app")]))
    } else if visit.ends_at_settings() {
        Some(visit.link_with(token, "/settings", &[]))
    } else {
        visit.manner.flags.force_enrollment.then(|| visit.link_with(token, "/set-up", &[]))
    };
    match next {
        Some(next) => Ok(Redirect::to(&next).into_response()),
        None => ends::finish(visit, token),
    }
}

/// The page for the state that the action is in.
pub(crate) async fn page(app: &App, visit: &Visit, wanted: Option<Way>, problem: &[String]) -> Result<Response, Error> {
    match visit.action.state {
        // Somebody who has proved who it is may finish at once what is still to be set up.
        State::ChallengeSucceeded if visit.has_an_app_to_set_up() && visit.may_add() => {
            set_up::page(app, visit, Some(Way::App), problem).await
        }
        State::ChallengeSucceeded | State::Allow if visit.ends_at_settings() => {
            Ok(Redirect::to(&visit.link("/settings", &[])).into_response())
        }
        State::ChallengeSucceeded | State::ReviewSucceeded => end(visit, End::Later, &visit.token),
        State::Block | State::ChallengeFailed | State::ReviewFailed => end(visit, End::Blocked, &visit.token),
        State::ReviewRequired => end(visit, End::Review, &visit.token),
        State::Allow | State::ChallengeRequired if !visit.has_second_factor => {
            set_up::page(app, visit, None, problem).await
        }
        State::Allow if visit.manner.flags.force_enrollment && visit.may_add() => {
            set_up::page(app, visit, None, problem).await
        }
        State::Allow => end(visit, End::Nothing, &visit.token),
        State::ChallengeRequired => ask(app, visit, wanted, problem).await,
    }
}

async fn ask(app: &App, visit: &Visit, wanted: Option<Way>, problem: &[String]) -> Result<Response, Error> {
    let ways = visit.ways();
    let Some(way) = wanted.filter(|way| ways.contains(way)).or(ways.first().copied()) else {
        return end(visit, End::Way, &visit.token);
    };
    let others = ways.into_iter().filter(|other| *other != way);
    let others = others.map(|other| (other, visit.link("/challenge", &[("way", other.name())]))).collect();
    let frame = Frame::of_visit(app, visit, visit.messages().text("challenge-heading")).await?;
    frame.respond(StatusCode::OK, &ChallengePage { f: &frame, way, others, problem, quit: ends::quit(visit)? })
}
