//! What is around every page, and the headers that it needs.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use countersign_core::{
    app::App,
    error::Error,
    facts::Facts,
    form,
    messages::Messages,
    redirect,
    secret::random,
    theme::{Edge, Side, value::WebAddress},
};
use data_encoding::BASE64URL_NOPAD;

use crate::{
    assets::{HTMX, SCRIPT, STYLE},
    visit::{Manner, Visit},
};

/// A tab that notices by itself that it is over: its token has expired, or its action was answered elsewhere.
pub(crate) struct Over {
    /// Seconds until the token expires.
    pub(crate) seconds: u64,
    /// The address that then says what became of it. Asked for a part of the page, it has nothing as long as the action
    /// is as this page shows it.
    pub(crate) then: String,
}

/// The parts that every page has.
pub(crate) struct Frame<'a> {
    pub(crate) t: Messages<'a>,
    manner: &'a Manner,
    pub(crate) nonce: String,
    pub(crate) title: String,
    /// For hidden fields of forms; empty where there is no token.
    pub(crate) token: &'a str,
    pub(crate) seal: String,
    /// What is confirmed, where the page is about an action.
    pub(crate) facts: Option<Facts>,
    /// The address that the page asks every few seconds, so that it goes on by itself.
    pub(crate) watches: Option<String>,
    /// The address of a question to a phone that may be answered while something is typed here: the page goes on to it then.
    pub(crate) follows: Option<String>,
    /// When and where a tab notices that it is over.
    pub(crate) over: Option<Over>,
    /// What the customer's page is told: how it ended, as JSON.
    pub(crate) event: Option<String>,
    /// The origin of the app that the backend named, which was on the tenant's list then.
    pub(crate) opener: Option<String>,
    /// What went wrong, for the customer's page: code and status.
    pub(crate) failure: Option<(&'static str, u16)>,
    /// Where a form may lead besides here, because Chromium holds the redirect after it to `form-action` too.
    leads_to: Vec<String>,
}

impl<'a> Frame<'a> {
    /// A page of a visit, with a seal for its forms.
    pub(crate) async fn of_visit(app: &App, visit: &'a Visit, title: String) -> Result<Self, Error> {
        let mut frame = Self::of_stranger(&visit.manner, title)?;
        frame.token = &visit.token;
        frame.facts = Some(visit.facts());
        frame.seal = form::seal(app, &visit.caller).await?;
        let back = visit.leads_to().map(redirect::origin);
        let native = visit.manner.flags.native_scheme.as_ref().map(|scheme| format!("{scheme}:"));
        frame.leads_to = back.into_iter().chain(native).collect();
        Ok(frame)
    }

    /// Lets a form lead on to the app.
    pub(crate) fn leads_to(&mut self, url: Option<&str>) {
        self.leads_to.extend(url.map(redirect::origin));
    }

    /// Lets the tab notice that it is over, and what the page at `path` says then.
    pub(crate) fn ends_with(&mut self, visit: &Visit, path: &str) {
        let seconds = visit.caller.claims.exp - visit.now.as_second();
        let then = visit.link(path, &[("seen", visit.action.state.as_str())]);
        self.over = Some(Over { seconds: u64::try_from(seconds).unwrap_or_default(), then });
    }

    /// A page with no form.
    pub(crate) fn of_stranger(manner: &'a Manner, title: String) -> Result<Self, Error> {
        Ok(Self {
            t: manner.messages(),
            manner,
            nonce: BASE64URL_NOPAD.encode(&random::<16>()?),
            title,
            token: "",
            seal: String::new(),
            facts: None,
            watches: None,
            follows: None,
            over: None,
            event: None,
            opener: None,
            failure: None,
            leads_to: Vec::new(),
        })
    }

    pub(crate) fn language(&self) -> &'static str {
        self.t.language().tag()
    }
    pub(crate) fn direction(&self) -> &'static str {
        self.t.language().direction()
    }
    pub(crate) fn tenant(&self) -> &str {
        self.manner.name()
    }
    pub(crate) fn is_popup(&self) -> bool {
        self.manner.flags.is_popup
    }
    /// What stands for a logo where there is none.
    pub(crate) fn monogram(&self) -> String {
        self.tenant().chars().next().into_iter().flat_map(char::to_uppercase).collect()
    }
    /// A browser refuses autofocus within a frame of another origin, and says so on the console.
    pub(crate) fn autofocus(&self) -> &'static str {
        let flags = &self.manner.flags;
        if flags.is_popup && !flags.is_window { "" } else { " autofocus" }
    }
    pub(crate) fn flags(&self) -> Vec<(&str, &str)> {
        self.manner.flags.pairs()
    }
    pub(crate) fn style(&self) -> &'static str {
        STYLE.path()
    }
    pub(crate) fn script(&self) -> &'static str {
        SCRIPT.path()
    }
    pub(crate) fn htmx(&self) -> &'static str {
        HTMX.path()
    }
    /// The tenant's theme: custom properties that the stylesheet asks for.
    pub(crate) fn theme(&self) -> String {
        self.manner.look.theme.css()
    }
    pub(crate) fn logo(&self) -> Option<&str> {
        self.manner.look.theme.light.logo_url.as_ref().map(WebAddress::as_str)
    }
    pub(crate) fn dark_logo(&self) -> Option<&str> {
        let dark = self.manner.look.theme.dark_mode.as_ref()?;
        dark.logo_url.as_ref().map(WebAddress::as_str)
    }
    /// Whether the logo stands above the box, and the way out in its corner.
    pub(crate) fn logo_is_outside(&self) -> bool {
        let container = self.manner.look.theme.light.container.as_ref();
        container.is_some_and(|container| container.logo_position == Some(Side::Outside))
    }
    pub(crate) fn exit_is_on_top(&self) -> bool {
        let container = self.manner.look.theme.light.container.as_ref();
        container.is_some_and(|container| container.exit_position == Some(Edge::Top))
    }
    pub(crate) fn favicon(&self) -> Option<&str> {
        self.manner.look.theme.light.favicon_url.as_ref().map(WebAddress::as_str)
    }
    pub(crate) fn watermark(&self) -> Option<&str> {
        self.manner.look.theme.light.watermark_url.as_ref().map(WebAddress::as_str)
    }
    /// The origins of the pages that may be told how the visit ended in a window that they opened, as JSON.
    pub(crate) fn origins(&self) -> String {
        let allowed = self.manner.tenant.as_ref().map(|tenant| redirect::allowed_origins(tenant.settings()));
        let all: BTreeSet<String> = allowed.unwrap_or_default().into_iter().chain(self.opener.clone()).collect();
        serde_json::to_string(&all).unwrap_or_default()
    }

    /// What the page may load, where its forms may lead, and who may put it into a frame (CSP 3).
    fn policy(&self) -> String {
        let theme = &self.manner.look.theme;
        let (nonce, leads_to) = (&self.nonce, self.leads_to.join(" "));
        let (images, fonts) = (theme.image_origins().join(" "), theme.font_origins().join(" "));
        let frames = match &self.manner.tenant {
            Some(tenant) if self.is_popup() => redirect::frame_ancestors(tenant.settings()),
            _ => "'none'".into(),
        };
        format!(
            "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; \
             img-src 'self' data: {images}; font-src {fonts}; form-action 'self' {leads_to}; base-uri 'none'; \
             frame-ancestors {frames}"
        )
    }

    /// The page as an answer.
    pub(crate) fn respond(&self, status: StatusCode, page: &impl Template) -> Result<Response, Error> {
        let mut response = (status, Html(page.render().map_err(Error::internal)?)).into_response();
        let headers = response.headers_mut();
        headers
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&self.policy()).map_err(Error::internal)?);
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language()));
        if self.is_popup() {
            // A window has to reach the page that opened it, which another opener policy would cut off.
            headers.insert("cross-origin-opener-policy", HeaderValue::from_static("unsafe-none"));
        } else {
            headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        let powers = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers.insert("permissions-policy", HeaderValue::from_static(powers));
        Ok(response)
    }
}

/// Whether htmx asks, for a part of a page that is open.
pub(crate) fn is_partial(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}
