//! The challenge: the user's default way to confirm, and the others one tap away.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use countersign_core::{
    action::State,
    app::App,
    error::Error,
    proof::{Success, Verdict},
};

use crate::{
    Once, ends,
    ends::{End, end},
    frame::Frame,
    next::Next,
    refused::refusal,
    visit::{Fields, Visit},
    way::Way,
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

pub(crate) fn show(visit: &Visit, fields: &Fields) -> Result<Next, Error> {
    if fields.get("quit") == "yes" {
        return end(visit, End::Quit, &visit.token).map(Next::Show);
    }
    let challenge = fields.get("challenge");
    if !challenge.is_empty() {
        return Ok(Next::AwaitPhones { challenge: challenge.to_owned() });
    }
    Ok(Next::Challenge { wanted: Way::named(fields.get("way")), problem: Vec::new() })
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, once: Once) -> Result<Next, Error> {
    let (t, way) = (visit.messages(), Way::named(fields.get("way")).unwrap_or(Way::App));
    if once == Once::Again {
        return Ok(Next::challenge_again(way, t.text("form-used-error")));
    }
    let Some(field) = way.field() else { return Ok(Next::AskPhones) };
    let typed = fields.get(field);
    if let Some(problem) = way.shape_problem(typed) {
        return Ok(Next::challenge_again(way, t.text(problem)));
    }
    match way.verify(app, &visit.caller, typed).await? {
        Verdict::Accepted(Success { token, .. }) => ends::verified(visit, &token).map(Next::Show),
        refused => Ok(Next::Challenge { wanted: Some(way), problem: refusal(visit, way, &refused) }),
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
            if visit.ends_at_settings() && (visit.user.is_enrolled() || visit.opens_settings(app.now())) =>
        {
            Ok(Next::go_to(visit, "/settings", &[]))
        }
        State::ChallengeSucceeded | State::ReviewSucceeded => ended(End::Later),
        State::Block | State::ChallengeFailed | State::ReviewFailed => ended(End::Blocked),
        State::ReviewRequired => ended(End::Review),
        State::Allow | State::ChallengeRequired if !visit.has_second_factor => {
            Ok(Next::SetUp { wanted: None, problem })
        }
        State::Allow if visit.manner.flags.force_enrollment && visit.may_add() => {
            Ok(Next::SetUp { wanted: None, problem })
        }
        State::Allow => ended(End::Nothing),
        State::ChallengeRequired => ask(app, visit, wanted, &problem).await.map(Next::Show),
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
