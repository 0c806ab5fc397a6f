//! Pairing a phone: the picture of a one-time link, the question whether the device that used it is the user's, and what
//! the link says to somebody who opens it with a camera that is no app.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    app::App,
    error::Error,
    messages::Messages,
    pairing::{self, Newcomer, PairingId, State},
    pairing_link::{self, Word},
};
use fast_qr::ECL;

use crate::{
    ends,
    figures::{in_two, platform, qr},
    frame::{Frame, is_partial},
    next::Next,
    visit::{Fields, Manner, Visit},
};

#[derive(Template)]
#[template(path = "phone.html")]
struct PhonePage<'a> {
    f: &'a Frame<'a>,
    qr: String,
    /// For the app on this very device, and for people who cannot see the picture.
    link: String,
    /// Why the picture is a new one.
    problem: &'a [String],
    why: Option<String>,
    other: Option<String>,
    quit: Option<String>,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    f: &'a Frame<'a>,
    pairing: &'a str,
    /// In two groups, as people read six digits.
    code: String,
    name: Option<&'a str>,
    model: Option<&'a str>,
    platform: &'static str,
    place: Option<String>,
    quit: Option<String>,
}

#[derive(Template)]
#[template(path = "paired.html")]
struct PairedPage<'a> {
    f: &'a Frame<'a>,
    pairing: &'a str,
}

#[derive(Template)]
#[template(path = "pair.html")]
struct PairPage<'a> {
    f: &'a Frame<'a>,
}

/// Why a picture takes the place of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Was {
    Late,
    Refused,
    Taken,
}

impl Was {
    const ALL: [Self; 3] = [Self::Late, Self::Refused, Self::Taken];

    fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Refused => "refused",
            Self::Taken => "taken",
        }
    }
    fn text(self, t: Messages<'_>) -> String {
        t.text(match self {
            Self::Late => "phone-late-error",
            Self::Refused => "phone-refused-error",
            Self::Taken => "phone-taken-error",
        })
    }
}

/// The address of the page of a pairing.
fn address(visit: &Visit, id: &PairingId) -> String {
    visit.link("/set-up", &[("kind", "phone"), ("pairing", id.as_str())])
}

fn anew(visit: &Visit, was: Was) -> Response {
    Redirect::to(&visit.link("/set-up", &[("kind", "phone"), ("was", was.name())])).into_response()
}

/// Makes a link, and goes on to its page: another address, so that a reload makes none.
pub(crate) async fn begin(app: &App, visit: &Visit, was: &str) -> Result<Next, Error> {
    let id = match pairing_link::begin(app, &visit.caller, app.now()).await {
        Ok(id) => id,
        Err(Error::Conflict(_)) => return Ok(Next::Choose { problem: vec![visit.messages().text("app-full-error")] }),
        Err(other) => return Err(other),
    };
    let mut more = vec![("kind", "phone"), ("pairing", id.as_str())];
    more.extend(Some(("was", was)).filter(|(_, was)| !was.is_empty()));
    Ok(Next::go_to(visit, "/set-up", &more))
}

/// The page of a pairing as it stands; `None` where the address names no pairing of this visit.
pub(crate) async fn show(
    app: &App,
    visit: &Visit,
    fields: &Fields,
    headers: &HeaderMap,
) -> Result<Option<Response>, Error> {
    let Some(id) = PairingId::parse(fields.get("pairing")) else { return Ok(None) };
    let Some(pairing) = pairing_link::of_page(app, &visit.caller, &id, app.now()).await? else { return Ok(None) };
    let page = match (pairing.state, is_partial(headers)) {
        (State::Open, true) => StatusCode::NO_CONTENT.into_response(),
        // The open page loads itself anew, and finds what became of it.
        (_, true) => [("hx-refresh", "true")].into_response(),
        (State::Confirmed { .. }, _) => paired(app, visit, &id).await?,
        // Somebody whose action is over meanwhile is told so by the page of the action.
        _ if !visit.may_add() => return Ok(None),
        (State::Open, _) => picture(app, visit, &id, fields).await?,
        (State::Waiting(device), _) => {
            let fingerprint = pairing.fingerprint.unwrap_or_default();
            ask(app, visit, &id, &device, &id.code(&fingerprint)).await?
        }
        (State::Expired, _) if pairing.fingerprint.is_none() => {
            Redirect::to(&visit.link("/set-up", &[("kind", "phone")])).into_response()
        }
        (State::Expired, _) => anew(visit, Was::Late),
        (State::Refused, _) => anew(visit, Was::Refused),
    };
    Ok(Some(page))
}

/// What the word of a page led to.
pub(crate) enum Answered {
    Shown(Response),
    /// The phone is paired, and the tenant wants no page that says so.
    Paired,
}

/// What the page says of the device that waits: whether it is the user's.
pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields) -> Result<Answered, Error> {
    let Some(id) = PairingId::parse(fields.get("pairing")) else {
        return Ok(Answered::Shown(Redirect::to(&visit.link("/set-up", &[("kind", "phone")])).into_response()));
    };
    // Saying it twice changes nothing, because a pairing has one end.
    let said = match fields.get("act") {
        "pair" => pairing_link::confirm(app, &visit.caller, &id, app.now()).await,
        _ => pairing_link::refuse(app, &visit.caller, &id, app.now()).await,
    };
    let goes_on = visit.caller.tenant.settings().pages.hide_success_screen_on_enrollment;
    Ok(Answered::Shown(match said {
        Ok(Word::Paired) if goes_on => return Ok(Answered::Paired),
        Ok(Word::Refused) => anew(visit, Was::Refused),
        Ok(Word::Taken) => anew(visit, Was::Taken),
        Ok(Word::Paired | Word::Over) => Redirect::to(&address(visit, &id)).into_response(),
        // The token may enrol no more: the page of the action says how it stands.
        Err(Error::Forbidden(_)) => Redirect::to(&visit.link("/challenge", &[])).into_response(),
        Err(other) => return Err(other),
    }))
}

/// Whether the pairing that a form names is confirmed, and this page's.
pub(crate) async fn is_paired(app: &App, visit: &Visit, fields: &Fields) -> Result<bool, Error> {
    let Some(id) = PairingId::parse(fields.get("pairing")) else { return Ok(false) };
    let found = pairing_link::of_page(app, &visit.caller, &id, app.now()).await?;
    Ok(found.is_some_and(|one| matches!(one.state, State::Confirmed { .. })))
}

async fn picture(app: &App, visit: &Visit, id: &PairingId, fields: &Fields) -> Result<Response, Error> {
    let t = visit.messages();
    let mut frame = Frame::of_visit(app, visit, t.text("phone-heading")).await?;
    frame.watches = Some(address(visit, id));
    let link = pairing::link(app.public_url(), visit.caller.tenant.id(), id);
    let was = Was::ALL.into_iter().find(|was| was.name() == fields.get("was"));
    let page = PhonePage {
        f: &frame,
        // Nothing on a screen is smudged, so the least error correction is enough, and it makes the largest squares.
        qr: qr(&link, ECL::L)?,
        link,
        problem: &was.map(|was| was.text(t)).into_iter().collect::<Vec<_>>(),
        why: visit.why(app),
        other: visit.other_offers(),
        quit: ends::leave(visit)?,
    };
    frame.respond(StatusCode::OK, &page)
}

async fn ask(app: &App, visit: &Visit, id: &PairingId, device: &Newcomer, code: &str) -> Result<Response, Error> {
    let frame = Frame::of_visit(app, visit, visit.messages().text("pairing-heading")).await?;
    let page = ConfirmPage {
        f: &frame,
        pairing: id.as_str(),
        code: in_two(code),
        name: device.name.as_deref(),
        model: device.model.as_deref(),
        platform: platform(device.platform),
        place: device
            .ip_address
            .as_ref()
            .map(|address| app.places().name_of(address).unwrap_or_else(|| address.clone())),
        quit: ends::leave(visit)?,
    };
    frame.respond(StatusCode::OK, &page)
}

async fn paired(app: &App, visit: &Visit, id: &PairingId) -> Result<Response, Error> {
    let frame = Frame::of_visit(app, visit, visit.messages().text("paired-heading")).await?;
    frame.respond(StatusCode::OK, &PairedPage { f: &frame, pairing: id.as_str() })
}

/// The page that a browser shows for the link, which is meant for an app. It looks nothing up, so that it spends and
/// tells nothing.
pub(crate) fn link_page(manner: &Manner) -> Result<Response, Error> {
    let frame = Frame::of_stranger(manner, manner.messages().text("pair-heading"))?;
    frame.respond(StatusCode::OK, &PairPage { f: &frame })
}
