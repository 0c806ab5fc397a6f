//! Approval on a phone, from the page: always with the number (NIST SP 800-63B, 3.1.3), because whoever has the password
//! would otherwise need one tap of somebody else.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    app::App,
    error::Error,
    id::ChallengeId,
    method::Method,
    push::{self, Standing},
};

use crate::{
    challenge, ends,
    frame::{Frame, is_partial},
    pairing,
    visit::{Visit, Way},
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
pub(crate) async fn ask(app: &App, visit: &Visit) -> Result<Response, Error> {
    let t = visit.messages();
    let problem = match push::ask(app, &visit.caller, (None, true), app.now()).await {
        // Another address, so that a reload asks nobody again.
        Ok(asked) => {
            let next = visit.link("/challenge", &[("challenge", asked.challenge.as_str())]);
            return Ok(Redirect::to(&next).into_response());
        }
        // It could not be sent, and the action's failure mode has decided: the page is that of its new state.
        Err(Error::Conflict(_)) => return Ok(Redirect::to(&visit.link("/challenge", &[])).into_response()),
        Err(Error::TooManyRequests { retry_after }) => {
            t.count("waiting-often-error", "minutes", retry_after.as_secs().div_ceil(60))
        }
        Err(Error::Forbidden(_) | Error::Invalid(_)) => t.text("waiting-refused-error"),
        Err(other) => return Err(other),
    };
    challenge::page(app, visit, Some(Way::Phone), &[problem]).await
}

/// Shows how the question stands.
pub(crate) async fn wait(app: &App, visit: &Visit, challenge: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let again =
        async |problem: &str| challenge::page(app, visit, Some(Way::Phone), &[visit.messages().text(problem)]).await;
    let Ok(id) = ChallengeId::parse(challenge.to_owned()) else { return again("waiting-over-error").await };
    let standing = match push::standing(app, &visit.caller, &id, app.now()).await {
        Ok(standing) => standing,
        Err(Error::NotFound(_)) => return again("waiting-over-error").await,
        Err(other) => return Err(other),
    };
    match standing {
        Standing::Pending { .. } if is_partial(headers) => Ok(StatusCode::NO_CONTENT.into_response()),
        // The open page loads itself anew, and finds what became of it.
        _ if is_partial(headers) => Ok([("hx-refresh", "true")].into_response()),
        Standing::Pending { number } => waiting(app, visit, challenge, number).await,
        Standing::Approved { token } => challenge::verified(visit, &token),
        Standing::Rejected => again("waiting-denied-error").await,
        Standing::Expired => again("waiting-expired-error").await,
    }
}

async fn waiting(app: &App, visit: &Visit, challenge: &str, number: Option<String>) -> Result<Response, Error> {
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("waiting-heading")).await?;
    frame.watches = Some(visit.link("/challenge", &[("challenge", challenge)]));
    let number = number.map(|number| pairing::in_two(&number));
    let is_reached = visit.user.devices(Method::Push).any(|device| !visit.user.unreachable.contains(device));
    let other = visit.link("/challenge", &[]);
    let page = WaitingPage { f: &frame, number, is_reached, other, quit: ends::quit(visit)? };
    frame.respond(StatusCode::OK, &page)
}
