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
    /// Whose they are, and of when: a file and a sheet of paper outlive the page.
    of: String,
    /// Where the form leads.
    action: &'static str,
    problem: &'a [String],
}

/// How codes are shown.
pub(crate) struct Shown<'a> {
    /// What the form carries.
    pub(crate) token: &'a str,
    /// Where it leads.
    pub(crate) action: &'static str,
    pub(crate) problem: &'a [String],
}

pub(crate) async fn show(
    app: &App,
    visit: &Visit,
    token: &str,
    codes: &Codes,
    action: &'static str,
) -> Result<Response, Error> {
    page(app, visit, codes, &Shown { token, action, problem: &[] }).await
}

pub(crate) async fn page(app: &App, visit: &Visit, codes: &Codes, shown: &Shown<'_>) -> Result<Response, Error> {
    let Shown { token, action, problem } = *shown;
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("codes-heading")).await?;
    frame.token = token;
    let day = app.now().strftime("%Y-%m-%d").to_string();
    let of = [Some(visit.tenant().to_owned()), visit.account(), Some(day)];
    let of = of.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    frame.facts = None;
    frame.respond(StatusCode::OK, &CodesPage { f: &frame, codes, of, action, problem })
}
