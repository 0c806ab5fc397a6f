//! How a visit ends, and how it leads back to the app (contract, section 2.8).

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{error::Error, redirect, secret::random};
use data_encoding::BASE32_NOPAD;
use serde_json::json;

use crate::{
    frame::{Frame, is_partial},
    visit::{After, Manner, Visit},
    way::Way,
};

#[derive(Template)]
#[template(path = "end.html")]
struct EndPage<'a> {
    f: &'a Frame<'a>,
    end: &'static str,
    text: String,
    /// What the user quotes when asking for help.
    reference: Option<&'a str>,
    next: Option<String>,
}

/// An end that the action's state, or its user, has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    /// Nothing was asked.
    Nothing,
    /// What was asked is done already.
    Later,
    Quit,
    Blocked,
    Review,
    /// The user has nothing that answers.
    Way,
    /// The token has expired, and the popup closes.
    Expired,
    /// The page of what a user has needs a recent proof, and this action asks for none: another sign-in has to.
    Again,
}

impl End {
    /// The name that its texts begin with, and the name of its page.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Success => ("end-success", "success"),
            Self::Nothing => ("end-nothing", "success"),
            Self::Later => ("end-later", "success"),
            Self::Quit => ("end-quit", "quit"),
            Self::Blocked => ("end-blocked", "blocked"),
            Self::Review => ("end-review", "review"),
            Self::Way => ("end-way", "error"),
            Self::Expired => ("end-expired", "expired"),
            Self::Again => ("end-again", "expired"),
        }
    }
}

/// What follows a success: what is still to be set up, the page of what the user has, what the user should know, or the
/// app.
pub(crate) fn verified(visit: &Visit, token: &str, by: Way) -> Result<Response, Error> {
    let after = |after: After| Some(visit.link_with(token, "/settings", &[("after", after.name())]));
    let next = if visit.has_an_app_to_set_up() {
        Some(visit.link_with(token, "/set-up", &[("kind", "app")]))
    } else if visit.ends_at_settings() {
        Some(visit.link_with(token, "/settings", &[]))
    } else if visit.manner.flags.force_enrollment {
        Some(visit.link_with(token, "/set-up", &[]))
    } else if by == Way::Recovery {
        after(After::Recovery)
    } else if visit.has_few_codes() {
        after(After::Few)
    } else {
        visit.prompted().map(|way| visit.link_with(token, "/set-up", &[("kind", way.name())]))
    };
    match next {
        Some(next) => Ok(Redirect::to(&next).into_response()),
        None => finish(visit, token),
    }
}

/// Back to the app, with the token of the success: its page is told, or the browser goes there.
pub(crate) fn finish(visit: &Visit, token: &str) -> Result<Response, Error> {
    let flags = &visit.manner.flags;
    match (flags.is_popup, back(visit, token)?) {
        (false, Some(url)) => Ok(Redirect::to(&url).into_response()),
        _ => end(visit, End::Success, token),
    }
}

/// Back to the app that has begun a sign-in of nobody known, with the token of whoever it was.
pub(crate) fn signed_in(manner: &Manner, back: Option<&str>, token: &str) -> Result<Response, Error> {
    if let Some(url) = back.filter(|_| !manner.flags.is_popup) {
        return Ok(Redirect::to(&redirect::with_token(url, &[], token)?).into_response());
    }
    let t = manner.messages();
    let mut frame = Frame::of_stranger(manner, t.text("end-success-heading"))?;
    let event = || json!({ "event": "AUTHSIGNAL_CLOSE_POPUP", "token": token }).to_string();
    frame.event = manner.flags.is_popup.then(event);
    frame.opener = back.map(redirect::origin);
    let text = t.text("end-success-text");
    frame.respond(StatusCode::OK, &EndPage { f: &frame, end: "success", text, reference: None, next: None })
}

/// Where the app is, with a token; `None` where the backend did not say, and in a popup, which is told instead.
fn back(visit: &Visit, token: &str) -> Result<Option<String>, Error> {
    let others = &visit.manner.flags.others;
    if let Some(scheme) = &visit.manner.flags.native_scheme {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(others).append_pair("token", token).finish();
        return Ok(Some(format!("{scheme}://auth?{query}")));
    }
    visit.leads_to().map(|url| redirect::with_token(url, others, token)).transpose()
}

/// Where leaving leads: back to the app, with the token it gave. The action stays as it is.
pub(crate) fn quit(visit: &Visit) -> Result<Option<String>, Error> {
    match visit.manner.flags.is_popup {
        true => Ok(Some(visit.link("/challenge", &[("quit", "yes")]))),
        false => back(visit, &visit.token),
    }
}

/// Where somebody goes who sets nothing up.
pub(crate) fn leave(visit: &Visit) -> Result<Option<String>, Error> {
    match visit.user.is_enrolled() && visit.opens_settings() || visit.after().is_some() {
        true => Ok(Some(visit.link("/settings", &[]))),
        false => quit(visit),
    }
}

/// A page with nothing to fill in. A popup's opener is told of it, with the token.
pub(crate) fn end(visit: &Visit, end: End, token: &str) -> Result<Response, Error> {
    let (t, (id, name)) = (visit.messages(), end.names());
    let heading = t.text(&format!("{}-heading", if end == End::Later { "end-success" } else { id }));
    let mut frame = Frame::of_stranger(&visit.manner, heading)?;
    let is_popup = visit.manner.flags.is_popup;
    frame.facts = Some(visit.facts());
    frame.event = is_popup.then(|| json!({ "event": "AUTHSIGNAL_CLOSE_POPUP", "token": token }).to_string());
    frame.opener = visit.leads_to().map(redirect::origin);
    let next = if is_popup { None } else { back(visit, token)? };
    let text = t.with(&format!("{id}-text"), "tenant", visit.tenant());
    frame.respond(StatusCode::OK, &EndPage { f: &frame, end: name, text, reference: None, next })
}

/// The page of a token that has expired. It still says where the app is, or leads there by itself where the tenant wants
/// that.
pub(crate) fn expired(visit: &Visit, headers: &HeaderMap, error: Error) -> Response {
    let is_popup = visit.manner.flags.is_popup;
    let next = if is_popup { None } else { back(visit, &visit.token).ok().flatten() };
    match (visit.caller.tenant.settings().pages.redirect_on_session_expiry, next) {
        (true, Some(next)) if !is_partial(headers) => Redirect::to(&next).into_response(),
        (true, None) if is_popup => end(visit, End::Expired, &visit.token).unwrap_or_else(IntoResponse::into_response),
        (_, next) => page_of(&visit.manner, error, next),
    }
}

/// The page that says what is wrong, for somebody who is known: the way back to the app is open, as if they had left.
pub(crate) fn failed_in(visit: &Visit, error: Error) -> Response {
    page_of(&visit.manner, error, quit(visit).ok().flatten())
}

/// The page that says that something is wrong, and what to do next.
pub(crate) fn failed(manner: &Manner, error: Error) -> Response {
    page_of(manner, error, None)
}

fn page_of(manner: &Manner, error: Error, next: Option<String>) -> Response {
    let (status, code) = error.status_and_code();
    // The log has the reference that the user quotes.
    let reference = random::<5>().map(|bytes| BASE32_NOPAD.encode(&bytes)).unwrap_or_default();
    tracing::info!(event = "page_failed", status, code, reference);
    let (id, name) = match status {
        500.. => ("end-trouble", "error"),
        _ if matches!(error, Error::ExpiredToken) => ("end-expired", "expired"),
        _ => ("end-wrong", "error"),
    };
    let t = manner.messages();
    let page = Frame::of_stranger(manner, t.text(&format!("{id}-heading"))).and_then(|mut frame| {
        frame.failure = Some((code, status));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = t.text(&format!("{id}-text"));
        frame.respond(status, &EndPage { f: &frame, end: name, text, reference: Some(&reference), next })
    });
    // The API's answer is made too, because making it writes the error into the log and says when to come back.
    let answer = error.into_response();
    let mut page = page.unwrap_or_else(IntoResponse::into_response);
    if let Some(wait) = answer.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    page
}
