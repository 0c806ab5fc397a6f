//! The shop's own side: its goods, its session, its page.

use std::sync::Arc;

use askama::Template;
use aws_lc_rs::{hmac, rand::SystemRandom};
use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts, uri::Authority},
    response::{Html, IntoResponse, Redirect, Response},
};
use countersign_core::{error::Error, secret, web};
use data_encoding::BASE64URL_NOPAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::OnceCell;
use url::Url;

use super::{
    backend::{Backend, LIMIT},
    calls::{Call, Calls},
};

pub(super) const NAME: &str = "Corner Coffee";
/// In euros.
const GOODS: [(&str, &str, u32); 4] = [
    ("Coffee beans", "250 g, roasted on Monday", 12),
    ("Kettle", "With a long, thin neck", 45),
    ("Espresso machine", "Two boilers, one lever", 480),
    ("Coffee for a year", "For an office of twelve", 1900),
];

pub(super) struct Shop {
    backend: OnceCell<Backend>,
    pub(super) calls: Calls,
    /// Where browsers find this server.
    public_url: String,
    /// Whether browsers find the shop there too, and not at the loopback address that they came to.
    is_public: bool,
    /// Signs the session cookies; gone with the process.
    key: hmac::Key,
}

impl Shop {
    pub(super) fn new(public_url: &str) -> Result<Self, Error> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self {
            backend: OnceCell::new(),
            calls: Calls::default(),
            public_url: public_url.to_owned(),
            is_public: !Url::parse(public_url).is_ok_and(|url| web::is_loopback(&url)),
            key: key.map_err(|_| Error::internal("no randomness"))?,
        })
    }

    /// Started by the first visitor: who never opens the demo has nothing of it.
    pub(super) async fn backend(&self) -> Result<&Backend, Sorry> {
        self.backend.get_or_try_init(Backend::start).await
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
    /// The name of its calls, which outlives a sign-in.
    pub(super) trace: String,
    /// Said once, on the next page.
    notice: Option<Notice>,
}

#[derive(Serialize, Deserialize)]
struct Notice {
    text: String,
    is_good: bool,
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
        Ok(Self { form: random()?, trace: random()?, ..Self::default() })
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
    /// The script of the page asks, and wants to know where to go rather than go there.
    is_script: bool,
    pub(super) shop: Arc<Shop>,
}

impl FromRequestParts<Arc<Shop>> for Visitor {
    type Rejection = Sorry;

    async fn from_request_parts(parts: &mut Parts, shop: &Arc<Shop>) -> Result<Self, Sorry> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let origin = match text(header::HOST).parse::<Authority>() {
            _ if shop.is_public => shop.public_url.clone(),
            Ok(host) if ["localhost", "127.0.0.1", "[::1]"].contains(&host.host()) => format!("http://{host}"),
            // Any other name is somebody else's, made to lead here (DNS rebinding).
            _ => return Err(Sorry("Open the demo at localhost, or start the server with --public-url.".into())),
        };
        let session = Session::read(&parts.headers, &shop.key).map_or_else(Session::new, Ok)?;
        let is_script = text(header::ACCEPT) == "application/json";
        Ok(Self { session, origin, user_agent: text(header::USER_AGENT).to_owned(), is_script, shop: shop.clone() })
    }
}

#[derive(Template)]
#[template(path = "demo/page.html")]
struct Page<'a> {
    nonce: &'a str,
    session: &'a Session,
    backend: &'a Backend,
    notice: Option<Notice>,
    cart: Vec<(&'static str, u32)>,
    total: u32,
    calls: Vec<Call>,
}

impl Visitor {
    pub(super) async fn page(mut self) -> Result<Response, Sorry> {
        let shop = self.shop.clone();
        let backend = shop.backend().await?;
        let notice = self.session.notice.take();
        let nonce = random()?;
        let page = Page {
            nonce: &nonce,
            session: &self.session,
            backend,
            notice,
            cart: self.cart(),
            total: self.total(),
            calls: shop.calls.of(&self.session.trace),
        };
        let html = page.render()?;
        // Chromium holds the redirect that answers a form to form-action too, and it leads to the hosted page.
        let hosted = &backend.origin;
        let policy = format!(
            "default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
             connect-src 'self' {hosted}; frame-src {hosted}; form-action 'self' {hosted}; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        self.keep(([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)))
    }

    fn cart(&self) -> Vec<(&'static str, u32)> {
        let good = |good: &usize| GOODS.get(*good).map(|(name, _, price)| (*name, *price));
        self.session.cart.iter().filter_map(good).collect()
    }

    pub(super) fn total(&self) -> u32 {
        self.cart().iter().map(|(_, price)| price).sum()
    }

    pub(super) fn add(mut self, good: usize) -> Result<Response, Sorry> {
        self.session.cart.extend((good < GOODS.len() && self.session.cart.len() < 20).then_some(good));
        self.to("/demo")
    }

    pub(super) fn empties_cart(mut self) -> Result<Response, Sorry> {
        self.session.cart.clear();
        self.to("/demo")
    }

    pub(super) fn paid(mut self, amount: u32) -> Result<Response, Sorry> {
        self.session.cart.clear();
        self.say(&format!("Paid: {amount} €. Thank you!"))
    }

    /// A new session: nothing of the one before is carried into it, but the calls that the page shows.
    pub(super) fn signs_in(mut self, user: String) -> Result<Response, Sorry> {
        let (is_enrolled, trace) = (self.session.is_enrolled, self.session.trace);
        self.session = Session { user: Some(user), is_enrolled, trace, ..Session::new()? };
        self.to("/demo")
    }

    pub(super) fn signs_out(mut self) -> Result<Response, Sorry> {
        self.session = Session { trace: self.session.trace, ..Session::new()? };
        self.to("/demo")
    }

    pub(super) fn say(self, text: &str) -> Result<Response, Sorry> {
        self.notice(text, true)
    }

    pub(super) fn refuse(self, text: &str) -> Result<Response, Sorry> {
        self.notice(text, false)
    }

    fn notice(mut self, text: &str, is_good: bool) -> Result<Response, Sorry> {
        self.session.notice = Some(Notice { text: text.to_owned(), is_good });
        self.to("/demo")
    }

    /// A redirect, so that no reload sends a form twice.
    pub(super) fn to(self, url: &str) -> Result<Response, Sorry> {
        match self.is_script {
            true => self.keep(Json(json!({"url": url}))),
            false => self.keep(Redirect::to(url)),
        }
    }

    /// Lax: the browser sends the cookie when the hosted page leads back, and with no other site's form.
    pub(super) fn keep(self, response: impl IntoResponse) -> Result<Response, Sorry> {
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
#[derive(Debug)]
pub(super) struct Sorry(pub(super) String);

impl<E: std::error::Error> From<E> for Sorry {
    fn from(error: E) -> Self {
        Self(format!("That did not work: {error}"))
    }
}
