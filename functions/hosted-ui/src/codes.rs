//! New recovery codes, shown until their user says that they are kept.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use countersign_core::{account::Codes, app::App, error::Error};

use crate::{frame::Frame, visit::Visit};

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage<'a> {
    f: &'a Frame<'a>,
    codes: &'a Codes,
    /// Where the form leads.
    action: &'static str,
}

pub(crate) async fn show(
    app: &App,
    visit: &Visit,
    token: &str,
    codes: &Codes,
    action: &'static str,
) -> Result<Response, Error> {
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("codes-heading")).await?;
    frame.token = token;
    frame.respond(StatusCode::OK, &CodesPage { f: &frame, codes, action })
}
