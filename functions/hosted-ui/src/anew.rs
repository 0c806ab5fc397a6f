//! The page that asks again who somebody is, in place: a click leads to the challenge, and that back to the settings.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{account, app::App, error::Error};

use crate::{
    ends::{self, End},
    frame::Frame,
    visit::Visit,
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
pub(crate) async fn answer(app: &App, visit: &Visit) -> Result<Response, Error> {
    if !visit.may_ask_anew() {
        return ends::end(visit, End::Again, &visit.token);
    }
    let token = account::ask_anew(app, &visit.caller, visit.now).await?;
    Ok(Redirect::to(&visit.link_with(&token, "/challenge", &[])).into_response())
}
