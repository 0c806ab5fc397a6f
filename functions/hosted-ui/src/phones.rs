//! Approval on a phone, from the page: always with the number (NIST SP 800-63B, 3.1.3), because whoever has the password
//! would otherwise need one tap of somebody else.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use countersign_core::{
    app::App,
    error::Error,
    id::ChallengeId,
    method::Method,
    push::{self, Standing},
};

use crate::{
    ends,
    figures::in_two,
    frame::{Frame, is_partial},
    next::Next,
    visit::Visit,
    way::Way,
};

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage<'a> {
    f: &'a Frame<'a>,
    /// In two groups, as people read six digits.
    number: Option<String>,
    is_reached: bool,
    other: String,
    quit: Option<String>,
}

/// Asks the user's phones, and goes on to wait for them.
pub(crate) async fn ask(app: &App, visit: &Visit) -> Result<Next, Error> {
    let t = visit.messages();
    let problem = match push::ask(app, &visit.caller, None, true, app.now()).await {
        // Another address, so that a reload asks nobody again.
        Ok(asked) => return Ok(Next::go_to(visit, "/challenge", &[("challenge", asked.challenge.as_str())])),
        // It could not be sent, and the action's failure mode has decided: the page is that of its new state.
        Err(Error::Conflict(_)) => return Ok(Next::go_to(visit, "/challenge", &[])),
        Err(Error::TooManyRequests { retry_after }) => {
            t.count("waiting-often-error", "minutes", retry_after.as_secs().div_ceil(60))
        }
        Err(Error::Forbidden(_) | Error::Invalid(_)) => t.text("waiting-refused-error"),
        Err(other) => return Err(other),
    };
    Ok(Next::challenge_again(Way::Phone, problem))
}

/// Shows how the question stands.
pub(crate) async fn wait(app: &App, visit: &Visit, challenge: &str, headers: &HeaderMap) -> Result<Next, Error> {
    let again = |problem: &str| Ok(Next::challenge_again(Way::Phone, visit.messages().text(problem)));
    let Ok(id) = ChallengeId::parse(challenge.to_owned()) else { return again("waiting-over-error") };
    let standing = match push::standing(app, &visit.caller, &id, app.now()).await {
        Ok(standing) => standing,
        Err(Error::NotFound(_)) => return again("waiting-over-error"),
        Err(other) => return Err(other),
    };
    match standing {
        Standing::Pending { .. } if is_partial(headers) => Ok(StatusCode::NO_CONTENT.into_response().into()),
        // The open page loads itself anew, and finds what became of it.
        _ if is_partial(headers) => Ok([("hx-refresh", "true")].into_response().into()),
        Standing::Pending { number } => waiting(app, visit, challenge, number).await.map(Next::Show),
        Standing::Approved { token } => ends::verified(visit, &token).map(Next::Show),
        Standing::Rejected => again("waiting-denied-error"),
        Standing::Expired => again("waiting-expired-error"),
    }
}

async fn waiting(app: &App, visit: &Visit, challenge: &str, number: Option<String>) -> Result<Response, Error> {
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("waiting-heading")).await?;
    frame.watches = Some(visit.link("/challenge", &[("challenge", challenge)]));
    let number = number.map(|number| in_two(&number));
    let is_reached = visit.user.devices(Method::Push).any(|device| !visit.user.unreachable.contains(device));
    let other = visit.link("/challenge", &[]);
    let page = WaitingPage { f: &frame, number, is_reached, other, quit: ends::quit(visit)? };
    frame.respond(StatusCode::OK, &page)
}
