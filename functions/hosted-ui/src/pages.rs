//! The pages as HTML, and the headers they need.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use countersign_core::{enrolment, error::Error, keyring::random};
use data_encoding::BASE64URL_NOPAD;
use fast_qr::{
    convert::{Builder, Shape, svg::SvgBuilder},
    qr::QRBuilder,
};

use crate::Visit;

/// An error on its way to a person.
pub(crate) struct PageError(pub(crate) Error);

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// A secret to be scanned or typed in.
pub(crate) struct Offer {
    qr: String,
    secret: String,
    /// Opens the app that is on the same phone.
    uri: String,
}

#[derive(Template)]
#[template(path = "challenge.html")]
struct Challenge<'a> {
    title: &'a str,
    tenant: &'a str,
    nonce: &'a str,
    token: &'a str,
    offer: Option<Offer>,
    has_app: bool,
    has_phone: bool,
    problem: Option<&'a str>,
    why: Option<String>,
    quit: Option<String>,
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting<'a> {
    title: &'a str,
    tenant: &'a str,
    nonce: &'a str,
    token: &'a str,
    /// In two groups, as people read six digits.
    number: Option<String>,
    quit: Option<String>,
}

#[derive(Template)]
#[template(path = "end.html")]
struct End<'a> {
    title: &'a str,
    tenant: &'a str,
    nonce: &'a str,
    text: &'a str,
    next: Option<String>,
}

pub(crate) struct Page;

impl Page {
    /// The form for a code; with an offer, the set-up of an app before it.
    pub(crate) fn challenge(
        visit: &Visit,
        offer: Option<enrolment::Offer>,
        (problem, why): (Option<&str>, Option<String>),
        quit: Option<String>,
    ) -> Result<Response, PageError> {
        let nonce = nonce()?;
        let offer = offer.map(|offer| {
            Ok::<_, Error>(Offer { qr: qr(&offer.uri)?, secret: in_groups(&offer.secret), uri: offer.uri.to_string() })
        });
        let page = Challenge {
            title: if offer.is_some() { "Set up your authenticator app" } else { "Confirm that it is you" },
            tenant: &visit.caller.tenant.settings().name,
            nonce: &nonce,
            token: &visit.token,
            has_app: offer.is_some() || visit.has_an_app(),
            has_phone: offer.is_none() && visit.has_a_phone(),
            offer: offer.transpose()?,
            problem,
            why,
            quit,
        };
        respond(StatusCode::OK, &page, &nonce, visit.action.redirect_url.as_deref())
    }

    /// The page while a phone is asked: it shows the number to be typed there, and comes again by itself.
    pub(crate) fn waiting(visit: &Visit, number: Option<&str>, quit: Option<String>) -> Result<Response, PageError> {
        let nonce = nonce()?;
        let number = number.map(|number| match number.split_at_checked(3) {
            Some((first, second)) => format!("{first} {second}"),
            None => number.to_owned(),
        });
        let tenant = &visit.caller.tenant.settings().name;
        let title = "Approve on your phone";
        let page = Waiting { title, tenant, nonce: &nonce, token: &visit.token, number, quit };
        respond(StatusCode::OK, &page, &nonce, visit.action.redirect_url.as_deref())
    }

    /// A page with nothing to fill in.
    pub(crate) fn end(visit: &Visit, title: &str, text: &str, next: Option<String>) -> Result<Response, PageError> {
        let nonce = nonce()?;
        let page = End { title, tenant: &visit.caller.tenant.settings().name, nonce: &nonce, text, next };
        respond(StatusCode::OK, &page, &nonce, None)
    }

    /// A page for somebody whose token says nothing.
    pub(crate) fn failed(status: StatusCode, title: &str, text: &str) -> Response {
        let nonce = nonce().unwrap_or_default();
        let page = End { title, tenant: "", nonce: &nonce, text, next: None };
        respond(status, &page, &nonce, None).unwrap_or_else(|failed| failed.0.into_response())
    }
}

fn nonce() -> Result<String, Error> {
    Ok(BASE64URL_NOPAD.encode(&random::<16>()?))
}

/// The URI as an SVG that uses no style of its own, so that the content policy can forbid them.
fn qr(uri: &str) -> Result<String, Error> {
    let code = QRBuilder::new(uri).build().map_err(|_| Error::internal("the QR code cannot be made"))?;
    Ok(SvgBuilder::default().shape(Shape::Square).to_str(&code))
}

/// `ABCDEFGH` as `ABCD EFGH`: easier to type, and apps ignore the spaces.
fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn respond(
    status: StatusCode,
    page: &impl Template,
    nonce: &str,
    redirect_url: Option<&str>,
) -> Result<Response, PageError> {
    let html = page.render().map_err(Error::internal)?;
    // Chromium holds the redirect after a form to form-action too.
    let back = redirect_url.map(countersign_core::redirect::origin).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {back}; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(&policy).map_err(Error::internal)?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    Ok(response)
}
