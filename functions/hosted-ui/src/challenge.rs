//! The challenge: the user's default way to confirm, and the others one tap away.

use std::collections::BTreeSet;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use countersign_core::{
    action::State,
    app::App,
    error::Error,
    form::Sent,
    proof::{Success, Verdict, code_lengths},
    user::User,
};

use crate::{
    ends,
    ends::{End, end},
    frame::Frame,
    next::Next,
    phones::asks_by_itself,
    refused::{Refusal, refusal},
    shut::{Countdown, Locked, Ways},
    visit::{Fields, Visit},
    way::Way,
};

#[derive(Template)]
#[template(path = "challenge.html")]
struct ChallengePage<'a> {
    f: &'a Frame<'a>,
    way: Way,
    /// Stands in place of the form.
    locked: Option<Locked>,
    others: Vec<Other>,
    /// How many digits a code has, where that is one number for all of the user's apps.
    digits: Option<usize>,
    /// Whether the script asks the phone as soon as somebody is there.
    asks: bool,
    problem: &'a [String],
    quit: Option<String>,
}

/// Another way to confirm.
struct Other {
    way: Way,
    link: String,
    /// When it opens, where it is not open yet.
    opens: Option<Countdown>,
}

pub(crate) fn show(visit: &Visit, fields: &Fields) -> Result<Next, Error> {
    if fields.get("quit") == "yes" {
        return end(visit, End::Quit, &visit.token).map(Next::Show);
    }
    if !fields.get("challenge").is_empty() {
        return Ok(Next::AwaitPhones);
    }
    Ok(Next::Challenge { wanted: Way::named(fields.get("way")), problem: Vec::new() })
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, sent: &Sent<'_>) -> Result<Next, Error> {
    let (t, way) = (visit.messages(), Way::named(fields.get("way")).unwrap_or(Way::App));
    if sent.is_again() {
        return Ok(Next::challenge_again(way, t.text("form-used-error")));
    }
    let Some(field) = way.field() else { return Ok(Next::AskPhones) };
    let typed = fields.get(field);
    let lengths = lengths(app, visit, &visit.user, way).await?;
    if let Some(problem) = way.shape_problem(t, typed, &lengths) {
        return Ok(Next::challenge_again(way, problem));
    }
    match way.verify(app, &visit.caller, typed).await? {
        Verdict::Accepted(Success { token, .. }) => ends::verified(visit, &token, way).map(Next::Show),
        refused => Ok(match refusal(visit, way, &refused) {
            Refusal::Again(problem) => Next::Challenge { wanted: Some(way), problem },
            Refusal::Locked(problem) => Next::Locked { way, problem },
        }),
    }
}

/// How many digits the codes have that a way asks for; nothing where it asks for none.
async fn lengths(app: &App, visit: &Visit, user: &User, way: Way) -> Result<BTreeSet<usize>, Error> {
    match way {
        Way::App => code_lengths(app, &visit.caller, user).await,
        Way::Phone | Way::Recovery => Ok(BTreeSet::new()),
    }
}

/// What the state of the action calls for.
pub(crate) async fn page(app: &App, visit: &Visit, wanted: Option<Way>, problem: Vec<String>) -> Result<Next, Error> {
    let ended = |how| end(visit, how, &visit.token).map(Next::Show);
    match visit.action.state {
        // Somebody who has proved who it is may finish at once what is still to be set up.
        State::ChallengeSucceeded if visit.has_an_app_to_set_up() && visit.may_add() => {
            Ok(Next::SetUp { wanted: Some(Way::App), problem })
        }
        State::ChallengeSucceeded | State::Allow
            if visit.ends_at_settings() && (visit.user.is_enrolled() || visit.opens_settings()) =>
        {
            Ok(Next::go_to(visit, "/settings", &[]))
        }
        State::ChallengeSucceeded | State::ReviewSucceeded => ended(End::Later),
        State::Block | State::ChallengeFailed | State::ReviewFailed => ended(End::Blocked),
        State::ReviewRequired => ended(End::Review),
        State::Allow if visit.is_offered_nothing() => ended(End::Nothing),
        State::Allow | State::ChallengeRequired if !visit.has_second_factor => {
            Ok(Next::SetUp { wanted: None, problem })
        }
        State::Allow if visit.manner.flags.force_enrollment && visit.may_add() => {
            Ok(Next::SetUp { wanted: None, problem })
        }
        State::Allow => ended(End::Nothing),
        State::ChallengeRequired => ask(app, visit, &visit.user, wanted, &problem).await.map(Next::Show),
    }
}

/// The page of a way that has just spent its last guess.
pub(crate) async fn locked(app: &App, visit: &Visit, way: Way, problem: Vec<String>) -> Result<Next, Error> {
    if visit.action.state != State::ChallengeRequired {
        return page(app, visit, Some(way), problem).await;
    }
    let user = visit.user_now(app).await?;
    ask(app, visit, &user, Some(way), &problem).await.map(Next::Show)
}

async fn ask(
    app: &App,
    visit: &Visit,
    user: &User,
    wanted: Option<Way>,
    problem: &[String],
) -> Result<Response, Error> {
    let ways = Ways::of(app, visit, user, app.now()).await?;
    let Some(way) = wanted.filter(|way| ways.has(*way)).or(ways.first()) else {
        return end(visit, End::Way, &visit.token);
    };
    let locked = ways.shut(way).map(|shut| ways.locked(visit, way, shut));
    let other = |(way, opens): (Way, _)| {
        let link = visit.link("/challenge", &[("way", way.name())]);
        Other { way, link, opens }
    };
    let others = ways.beside(way).into_iter().map(other).collect();
    let arrives = wanted.is_none() && problem.is_empty() && locked.is_none();
    let asks = arrives && way == Way::Phone && asks_by_itself(visit, user);
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("challenge-heading")).await?;
    frame.ends_with(visit, "/challenge");
    frame.follows = visit.manner.flags.waits.as_ref().map(|waits| visit.link("/challenge", &[("challenge", waits)]));
    // A key that cannot be reached is told to whoever sends a code; the other ways are open meanwhile.
    let lengths = lengths(app, visit, user, way).await.unwrap_or_default();
    let digits = lengths.first().copied().filter(|_| lengths.len() == 1);
    let page = ChallengePage { f: &frame, way, locked, others, digits, asks, problem, quit: ends::quit(visit)? };
    frame.respond(StatusCode::OK, &page)
}
