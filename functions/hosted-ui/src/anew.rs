//! The page that asks again who somebody is, in place: a click leads to the challenge, and that back to the settings.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    account,
    app::App,
    error::Error,
    form::{self, Sent},
};

use crate::{
    ends::{self, End},
    frame::{Frame, is_partial},
    visit::{Fields, Manner, Visit},
};

#[derive(Template)]
#[template(path = "anew.html")]
struct AnewPage<'a> {
    f: &'a Frame<'a>,
    back: Option<String>,
}

/// Asks, where that leads anywhere; otherwise says that the app has to.
pub(crate) async fn page(app: &App, visit: &Visit) -> Result<Response, Error> {
    if !visit.may_ask_anew() {
        return ends::end(visit, End::Again, &visit.token);
    }
    let frame = Frame::of_visit(app, visit, visit.messages().text("end-again-heading")).await?;
    frame.respond(StatusCode::OK, &AnewPage { f: &frame, back: ends::quit(visit)? })
}

/// Leads to the challenge of an action that asks again. Its form may be of a page whose token has expired since.
pub(crate) async fn answer(app: &App, visit: &Visit, sent: &Sent<'_>) -> Result<Response, Error> {
    if !visit.may_ask_anew() {
        return ends::end(visit, End::Again, &visit.token);
    }
    match account::ask_anew(app, &visit.caller, sent, visit.now).await {
        Ok(token) => Ok(Redirect::to(&visit.link_with(&token, "/challenge", &[])).into_response()),
        // Track would stop it, or nothing answers it any more: the app has to say what then.
        Err(Error::Forbidden(_)) => ends::end(visit, End::Again, &visit.token),
        Err(other) => Err(other),
    }
}

/// What a browser sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Nothing,
    Form,
}

/// The page for somebody whose token opens nothing. One that was good says where the app is, or asks again.
pub(crate) async fn without_visit(
    app: &App,
    fields: &Fields,
    headers: &HeaderMap,
    what: What,
    error: Error,
) -> Response {
    let past = match error {
        Error::ExpiredToken => Visit::of_the_past(app, fields, headers).await.ok(),
        _ => None,
    };
    let Some(visit) = past else { return ends::failed(&Manner::of_stranger(app, fields, headers).await, error) };
    if !visit.may_ask_anew() || is_partial(headers) {
        return ends::expired(&visit, headers, error);
    }
    let asked = match what {
        What::Form if fields.get("act") == "again" => of_the_past(app, &visit, fields).await,
        _ => page(app, &visit).await,
    };
    asked.unwrap_or_else(|error| ends::failed_in(&visit, error))
}

async fn of_the_past(app: &App, visit: &Visit, fields: &Fields) -> Result<Response, Error> {
    let sent = form::spend(app, &visit.caller, fields.get("seal"), visit.now).await?;
    answer(app, visit, &sent).await
}
