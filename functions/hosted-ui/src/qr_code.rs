//! Signing in by a code (capability Z3): the page shows it, a phone scans it and approves, and the page says how that stands.
//! Nobody has tracked anything, so the page is for anybody; who signs in is said by the phone.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    app::{App, TenantContext},
    approval::{self, Scanned, Shown},
    clock::Timestamp,
    error::Error,
    http::Requester,
    id::{ActionCode, ChallengeId, TenantId},
    method::device::Context,
    push::Standing,
    redirect,
    source::Source,
};
use fast_qr::ECL;

use crate::{
    PageQuery, SentForm, ends,
    figures::qr,
    frame::{Frame, is_partial},
    is_of_another_site, not_understood,
    shut::{PLACE, Sentence},
    visit::{Fields, Manner},
};

/// The kind of action that is begun where the address names none.
const ACTION: &str = "signIn";

#[derive(Template)]
#[template(path = "qr-code.html")]
struct CodePage<'a> {
    f: &'a Frame<'a>,
    /// Where its forms lead.
    path: &'a str,
    fields: Vec<(&'static str, &'a str)>,
    stands: Stands,
    problem: &'a [String],
}

/// How the code stands.
enum Stands {
    /// It is made by a click, because a page that is only loaded makes none.
    Ready,
    Shown {
        qr: String,
        time: Sentence,
    },
    /// A phone has scanned it.
    Claimed,
    /// It can be made anew.
    Over,
}

/// Somebody at the page, and what its address says.
struct Guest {
    tenant: Arc<TenantContext>,
    manner: Manner,
    path: String,
    action: ActionCode,
    /// Where the page leads, with a token.
    back: Option<String>,
}

/// Show the page that signs in by a code: a phone scans it and approves. `redirectUrl` is on the tenant's list.
#[utoipa::path(get, path = "/qr-code/{tenant}", tag = "Hosted pages", operation_id = "showQrCodePage",
    params(("tenant" = String, Path), ("action" = Option<String>, Query), ("redirectUrl" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    query: PageQuery,
) -> Response {
    let fields = query.map(|Query(pairs)| Fields::new(pairs)).unwrap_or_default();
    at(&app, tenant, &fields, &headers, async |guest| page(&app, guest, &fields, &headers).await).await
}

/// Send a form of the page that signs in by a code: it makes the code.
#[utoipa::path(post, path = "/qr-code/{tenant}", tag = "Hosted pages", operation_id = "answerQrCodePage",
    params(("tenant" = String, Path)), request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn answer(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    requester: Requester,
    form: SentForm,
) -> Response {
    let (fields, unread) = match form {
        Ok(Form(pairs)) => (Fields::new(pairs), None),
        Err(rejection) => (Fields::default(), Some(not_understood(&rejection))),
    };
    let begun = async |guest: &Guest| match unread {
        Some(error) => Err(error),
        None if is_of_another_site(&headers) => {
            Err(Error::Forbidden("The form is not one of this page. Reload the page and try again.".into()))
        }
        None => begin(&app, guest, &requester).await,
    };
    at(&app, tenant, &fields, &headers, begun).await
}

/// Shows the page of this tenant to a guest, or the page that says why there is none.
async fn at(
    app: &App,
    tenant: String,
    fields: &Fields,
    headers: &HeaderMap,
    page: impl AsyncFnOnce(&Guest) -> Result<Response, Error>,
) -> Response {
    let none = || Error::NotFound("There is no such page.".into());
    let known = match TenantId::parse(tenant) {
        Ok(id) => app.tenant(&id).await.and_then(|known| known.ok_or_else(none)),
        Err(_) => Err(none()),
    };
    let manner = Manner::of_tenant(app, known.as_ref().ok().cloned(), fields, headers).await;
    match known.and_then(|tenant| Guest::of(tenant, manner.clone(), fields)) {
        Ok(guest) => page(&guest).await.unwrap_or_else(|error| ends::failed(&guest.manner, error)),
        Err(error) => ends::failed(&manner, error),
    }
}

impl Guest {
    fn of(tenant: Arc<TenantContext>, manner: Manner, fields: &Fields) -> Result<Self, Error> {
        let named = Some(fields.get("action")).filter(|code| !code.is_empty()).unwrap_or(ACTION);
        let back = Some(fields.get("redirectUrl")).filter(|url| !url.is_empty());
        Ok(Self {
            path: format!("/qr-code/{}", tenant.id()),
            action: ActionCode::parse(named.to_owned())?,
            back: back.map(|url| redirect::check(tenant.settings(), url)).transpose()?,
            tenant,
            manner,
        })
    }

    /// What its forms and addresses carry.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        let back = self.back.as_deref().map(|url| ("redirectUrl", url));
        let popup = self.manner.flags.is_popup.then_some(("mode", "popup"));
        [Some(("action", self.action.as_str())), back, popup].into_iter().flatten().collect()
    }

    fn link(&self, more: &[(&str, &str)]) -> String {
        let start = format!("{}?", self.path);
        let end = start.len();
        url::form_urlencoded::Serializer::for_suffix(start, end).extend_pairs(self.fields()).extend_pairs(more).finish()
    }

    fn show(&self, stands: Stands, problem: Option<&'static str>, watches: Option<String>) -> Result<Response, Error> {
        let t = self.manner.messages();
        let heading = if matches!(stands, Stands::Claimed) { "waiting-heading" } else { "qr-heading" };
        let mut frame = Frame::of_stranger(&self.manner, t.text(heading))?;
        frame.watches = watches;
        frame.leads_to(self.back.as_deref());
        let problem: Vec<String> = problem.map(|id| t.text(id)).into_iter().collect();
        let page = CodePage { f: &frame, path: &self.path, fields: self.fields(), stands, problem: &problem };
        frame.respond(StatusCode::OK, &page)
    }
}

async fn begin(app: &App, guest: &Guest, requester: &Requester) -> Result<Response, Error> {
    let context = Context { user_agent: requester.user_agent.clone(), ..Context::default() };
    let context = Context { ip_address: requester.ip_address.clone(), ..context };
    let mut shown = Shown::to_anybody(&guest.tenant, guest.action.clone(), context, app.now())?;
    let source = Source::network(requester.ip_address.as_deref());
    shown.begin(app, &guest.tenant, &source, requester.ip_address.as_ref()).await?;
    let (id, code) = (shown.challenge.id.as_str(), shown.device_code.as_str());
    // Another address, so that a reload makes no other code.
    Ok(Redirect::to(&guest.link(&[("challenge", id), ("code", code)])).into_response())
}

async fn page(app: &App, guest: &Guest, fields: &Fields, headers: &HeaderMap) -> Result<Response, Error> {
    let (id, code) = (fields.get("challenge"), fields.get("code"));
    if id.is_empty() {
        return guest.show(Stands::Ready, None, None);
    }
    let scanned = async {
        let id = ChallengeId::parse(id.to_owned()).map_err(|_| Error::InvalidCredential)?;
        approval::scanned(app, &guest.tenant, &id, code, app.now()).await
    };
    let Scanned { standing, is_claimed } = match scanned.await {
        Err(Error::InvalidCredential) => return guest.show(Stands::Over, Some("qr-over-error"), None),
        other => other?,
    };
    let shows = if is_claimed { "claimed" } else { "shown" };
    if is_partial(headers) {
        let is_same = matches!(standing, Standing::Pending { .. }) && fields.get("seen") == shows;
        // The open page loads itself anew, and finds what became of it.
        return Ok(if is_same {
            StatusCode::NO_CONTENT.into_response()
        } else {
            [("hx-refresh", "true")].into_response()
        });
    }
    let watches = guest.link(&[("challenge", id), ("code", code), ("seen", shows)]);
    match standing {
        Standing::Pending { .. } if is_claimed => guest.show(Stands::Claimed, None, Some(watches)),
        Standing::Pending { expires_at, .. } => {
            let time = time_left(guest, expires_at, app.now());
            guest.show(Stands::Shown { qr: qr(id, ECL::L)?, time }, None, Some(watches))
        }
        Standing::Approved { token } => ends::signed_in(&guest.manner, guest.back.as_deref(), &token),
        Standing::Rejected => guest.show(Stands::Over, Some("waiting-denied-error"), None),
        Standing::Expired => guest.show(Stands::Over, Some("qr-over-error"), None),
    }
}

fn time_left(guest: &Guest, until: Timestamp, now: Timestamp) -> Sentence {
    let left = u64::try_from(until.as_millisecond() - now.as_millisecond()).unwrap_or_default();
    Sentence::around(&guest.manner.messages().with("qr-time-text", "time", PLACE), Duration::from_millis(left))
}
