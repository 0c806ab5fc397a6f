//! What a visit is led through after a success: a lost phone after a recovery code, and few recovery codes after any.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use countersign_core::{account, app::App, error::Error};

use crate::{
    cards::{self, Card, Removal},
    ends,
    frame::Frame,
    visit::{After, Fields, Visit},
};

#[derive(Template)]
#[template(path = "after.html")]
struct AfterPage<'a> {
    f: &'a Frame<'a>,
    is_lost: bool,
    problem: &'a [String],
    done: Option<String>,
    set_up: Option<String>,
    cards: &'a [Card],
    codes_left: Option<u64>,
    /// On to the app.
    next: String,
    removal: Option<Removal<'a>>,
}

pub(crate) async fn show(
    app: &App,
    visit: &Visit,
    after: After,
    fields: &Fields,
    problem: &[String],
) -> Result<Response, Error> {
    if fields.get("leave") == "yes" {
        return ends::finish(visit, &visit.token);
    }
    let t = visit.messages();
    let is_lost = after == After::Recovery;
    let cards = if is_lost { cards::all(app, visit).await? } else { Vec::new() };
    let heading = if is_lost { "lost-heading" } else { "few-heading" };
    let frame = Frame::of_visit(app, visit, t.text(heading)).await?;
    let page = AfterPage {
        f: &frame,
        is_lost,
        problem,
        done: cards::done(t, fields).filter(|_| problem.is_empty()),
        set_up: (visit.may_add() && !visit.offers().is_empty()).then(|| visit.link("/set-up", &[])),
        codes_left: account::recovery_codes_left(app, &visit.caller, &visit.user).await?.map(|left| left as u64),
        next: visit.link("/settings", &[("leave", "yes")]),
        removal: Removal::asked(visit, &cards, fields.get("remove")),
        cards: &cards,
    };
    frame.respond(StatusCode::OK, &page)
}
