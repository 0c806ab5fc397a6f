//! The shop's own side: its goods, its session, its page. Nothing here is about Countersign.

use std::sync::Arc;

use askama::Template;
use aws_lc_rs::{hmac, rand::SystemRandom};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts, uri::Authority},
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_core::{error::Error, secret, web};
use data_encoding::BASE64URL_NOPAD as BASE64;
use serde::{Deserialize, Serialize};
use url::Url;

/// In euros.
pub(super) const LIMIT: u32 = 100;
const GOODS: [(&str, u32); 3] = [("Coffee beans", 12), ("Kettle", 45), ("Espresso machine", 480)];

pub(super) struct Shop {
    pub(super) api: String,
    pub(super) secret_key: String,
    /// Where browsers find the hosted page.
    hosted: String,
    /// Whether browsers find the shop there too, and not at the loopback address that they came to.
    is_public: bool,
    /// Signs the session cookies; gone with the process.
    key: hmac::Key,
}

impl Shop {
    pub(super) fn new(origin: &str, hosted: &str, secret_key: &str) -> Result<Self, Error> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self {
            api: format!("{origin}/v1"),
            secret_key: secret_key.to_owned(),
            hosted: hosted.to_owned(),
            is_public: !Url::parse(hosted).is_ok_and(|url| web::is_loopback(&url)),
            key: key.map_err(|_| Error::internal("no randomness"))?,
        })
    }
}

fn random() -> Result<String, Error> {
    Ok(BASE64.encode(&secret::random::<16>()?))
}

/// A signed cookie: nothing is kept on the server.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) user: Option<String>,
    /// Whether they have a second step, as far as the last track knew.
    pub(super) is_enrolled: bool,
    /// What this browser was sent away for.
    pub(super) waits_for: Option<Waiting>,
    cart: Vec<usize>,
    /// In every form, and unknown to other sites.
    pub(super) form: String,
    /// Said once, on the next page.
    notice: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) user: String,
    pub(super) action: String,
    pub(super) key: String,
    pub(super) amount: u32,
}

impl Session {
    fn new() -> Result<Self, Error> {
        Ok(Self { form: random()?, ..Self::default() })
    }

    fn read(headers: &HeaderMap, key: &hmac::Key) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let (text, tag) =
            cookies.flat_map(|all| all.split("; ")).find_map(|one| one.strip_prefix("demo="))?.split_once('.')?;
        hmac::verify(key, text.as_bytes(), &BASE64.decode(tag.as_bytes()).ok()?).ok()?;
        serde_json::from_slice(&BASE64.decode(text.as_bytes()).ok()?).ok()
    }
}

/// A browser, and what the shop knows of it.
pub(super) struct Visitor {
    pub(super) session: Session,
    pub(super) origin: String,
    pub(super) user_agent: String,
    shop: Arc<Shop>,
}

impl FromRequestParts<Arc<Shop>> for Visitor {
    type Rejection = Sorry;

    async fn from_request_parts(parts: &mut Parts, shop: &Arc<Shop>) -> Result<Self, Sorry> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let origin = match text(header::HOST).parse::<Authority>() {
            _ if shop.is_public => shop.hosted.clone(),
            Ok(host) if ["localhost", "127.0.0.1", "[::1]"].contains(&host.host()) => format!("http://{host}"),
            // Any other name is somebody else's, made to lead here (DNS rebinding).
            _ => return Err(Sorry("Open the demo at localhost, or start the server with --public-url.".into())),
        };
        let session = Session::read(&parts.headers, &shop.key).map_or_else(Session::new, Ok)?;
        Ok(Self { session, origin, user_agent: text(header::USER_AGENT).to_owned(), shop: shop.clone() })
    }
}

#[derive(Template)]
#[template(path = "demo.html")]
struct Page<'a> {
    nonce: &'a str,
    session: &'a Session,
    notice: Option<String>,
    cart: Vec<(&'static str, u32)>,
    total: u32,
}

impl Visitor {
    pub(super) fn page(mut self) -> Result<Response, Sorry> {
        let notice = self.session.notice.take();
        let nonce = random()?;
        let html =
            Page { nonce: &nonce, session: &self.session, notice, cart: self.cart(), total: self.total() }.render()?;
        // Chromium holds the redirect that answers a form to form-action too, and it leads to the hosted page.
        let policy = format!(
            "default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
            self.shop.hosted
        );
        self.keep(([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)))
    }

    fn cart(&self) -> Vec<(&'static str, u32)> {
        self.session.cart.iter().filter_map(|good| GOODS.get(*good).copied()).collect()
    }

    pub(super) fn total(&self) -> u32 {
        self.cart().iter().map(|(_, price)| price).sum()
    }

    pub(super) fn add(mut self, good: usize) -> Result<Response, Sorry> {
        self.session.cart.extend((good < GOODS.len() && self.session.cart.len() < 20).then_some(good));
        self.to("/demo")
    }

    pub(super) fn paid(mut self, amount: u32) -> Result<Response, Sorry> {
        self.session.cart.clear();
        self.say(&format!("Paid: {amount} €. Thank you!"))
    }

    /// A new session: nothing of the one before is carried into it.
    pub(super) fn signs_in(mut self, user: String) -> Result<Response, Sorry> {
        let is_enrolled = self.session.is_enrolled;
        self.session = Session { user: Some(user), is_enrolled, ..Session::new()? };
        self.to("/demo")
    }

    pub(super) fn signs_out(mut self) -> Result<Response, Sorry> {
        self.session = Session::new()?;
        self.to("/demo")
    }

    pub(super) fn say(mut self, text: &str) -> Result<Response, Sorry> {
        self.session.notice = Some(text.to_owned());
        self.to("/demo")
    }

    /// A redirect, so that no reload sends a form twice.
    pub(super) fn to(self, url: &str) -> Result<Response, Sorry> {
        self.keep(Redirect::to(url))
    }

    /// Lax: the browser sends the cookie when the hosted page leads back, and with no other site's form.
    fn keep(self, response: impl IntoResponse) -> Result<Response, Sorry> {
        let text = BASE64.encode(&serde_json::to_vec(&self.session)?);
        let tag = BASE64.encode(hmac::sign(&self.shop.key, text.as_bytes()).as_ref());
        let secure = if self.origin.starts_with("https:") { "; Secure" } else { "" };
        let cookie = format!("demo={text}.{tag}; Path=/demo; HttpOnly; SameSite=Lax{secure}");
        let no_sniff = (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into());
        let referrer = (header::REFERRER_POLICY, "no-referrer".into());
        let cache = (header::CACHE_CONTROL, "no-store".into());
        Ok(([(header::SET_COOKIE, cookie), no_sniff, referrer, cache], response).into_response())
    }
}

/// What goes wrong, as a line for the person.
pub(super) struct Sorry(pub(super) String);

impl<E: std::error::Error> From<E> for Sorry {
    fn from(error: E) -> Self {
        Self(format!("The shop could not ask Countersign: {error}"))
    }
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.0).into_response()
    }
}
