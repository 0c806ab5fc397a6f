//! The page at the root: what this is, and where things are. It is for whoever builds with it or runs it, and in English.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use countersign_core::{app::App, error::Error};

use crate::{
    frame::Frame,
    visit::{Fields, Manner},
};

#[derive(Template)]
#[template(path = "front.html")]
struct FrontPage<'a> {
    f: &'a Frame<'a>,
    public_url: &'a str,
    has_demo: bool,
}

/// Show what this is, and where things are.
#[utoipa::path(get, path = "/", tag = "Hosted pages", operation_id = "showFront",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn show(State(app): State<App>) -> Result<Response, Error> {
    let manner = Manner::of_tenant(&app, None, &Fields::default(), &HeaderMap::new()).await;
    let frame = Frame::of_stranger(&manner, "Countersign".into())?;
    let has_demo = app.local().is_some_and(|local| local.has_demo);
    frame.respond(StatusCode::OK, &FrontPage { f: &frame, public_url: app.public_url(), has_demo })
}
