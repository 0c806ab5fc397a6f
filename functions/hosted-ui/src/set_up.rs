//! Set-up: choosing what to set up, an authenticator app by its first code, and the recovery codes that come with the
//! first authenticator. A phone is paired in `pairing`.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    account,
    action::State,
    app::App,
    enrolment,
    error::Error,
    proof::{Success, Verdict, verify_totp},
};
use fast_qr::ECL;

use crate::{
    Once, codes, ends,
    figures::{in_groups, qr},
    frame::Frame,
    next::Next,
    pairing,
    refused::refusal,
    visit::{Fields, Visit},
    way::{Choice, Way},
};

#[derive(Template)]
#[template(path = "choose.html")]
struct ChoosePage<'a> {
    f: &'a Frame<'a>,
    offers: Vec<Offer>,
    problem: &'a [String],
    why: Option<String>,
    quit: Option<String>,
}

/// One of several things to set up.
struct Offer {
    name: &'static str,
    texts: Choice,
    /// The address of its page.
    address: String,
}

#[derive(Template)]
#[template(path = "app.html")]
struct AppPage<'a> {
    f: &'a Frame<'a>,
    qr: String,
    secret: String,
    /// Opens the app that is on the same phone.
    uri: String,
    name: String,
    apps: &'static [Store],
    problem: &'a [String],
    why: Option<String>,
    other: Option<String>,
    quit: Option<String>,
}

/// Where an authenticator app is found by somebody who has none.
struct Store {
    name: &'static str,
    ios: &'static str,
    android: &'static str,
}

const STORES: [Store; 3] = [
    Store {
        name: "Google Authenticator",
        ios: "https://apps.apple.com/app/google-authenticator/id388497605",
        android: "https://play.google.com/store/apps/details?id=com.google.android.apps.authenticator2",
    },
    Store {
        name: "Microsoft Authenticator",
        ios: "https://apps.apple.com/app/microsoft-authenticator/id983156458",
        android: "https://play.google.com/store/apps/details?id=com.azure.authenticator",
    },
    Store {
        name: "FreeOTP",
        ios: "https://apps.apple.com/app/freeotp-authenticator/id872559395",
        android: "https://play.google.com/store/apps/details?id=org.fedorahosted.freeotp",
    },
];

pub(crate) async fn show(app: &App, visit: &Visit, fields: &Fields, headers: &HeaderMap) -> Result<Next, Error> {
    // Once a phone is paired, the token of a new user may add no more, and the page has still to say that it is paired.
    if let Some(page) = pairing::show(app, visit, fields, headers).await? {
        return Ok(Next::Show(page));
    }
    if !visit.may_add() {
        return Ok(Next::go_to(visit, "/challenge", &[]));
    }
    Ok(match Way::named(fields.get("kind")).filter(|way| visit.offers().contains(way)) {
        Some(Way::Phone) => Next::Pair { was: fields.get("was").to_owned() },
        Some(Way::App) => Next::SetUp { wanted: Some(Way::App), problem: Vec::new() },
        _ => Next::Choose { problem: Vec::new() },
    })
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, once: Once) -> Result<Next, Error> {
    match fields.get("act") {
        // Sending this form again changes nothing; it only leads on again.
        "kept" => after_set_up(app, visit, &visit.token).map(Next::Show),
        "pair" | "refuse" => pairing::answer(app, visit, fields).await.map(Next::Show),
        "paired" if pairing::is_paired(app, visit, fields).await? => {
            with_recovery_codes(app, visit, &visit.token).await.map(Next::Show)
        }
        "paired" => Ok(Next::go_to(visit, "/set-up", &[])),
        // The same form has set up the first authenticator, and its recovery codes were shown.
        _ if once == Once::Again && !visit.may_add() => {
            ends::end(visit, ends::End::Later, &visit.token).map(Next::Show)
        }
        _ if once == Once::Again => Ok(app_again(visit.messages().text("form-used-error"))),
        _ => confirm_app(app, visit, fields).await,
    }
}

/// The page of the app again, with one line about what went wrong.
fn app_again(problem: String) -> Next {
    Next::SetUp { wanted: Some(Way::App), problem: vec![problem] }
}

/// The first code of an app, and what its owner calls it.
async fn confirm_app(app: &App, visit: &Visit, fields: &Fields) -> Result<Next, Error> {
    let t = visit.messages();
    if let Some(name) = Some(fields.get("name").trim()).filter(|name| !name.is_empty()) {
        let Ok(name) = account::name(name) else { return Ok(app_again(t.text("app-name-error"))) };
        enrolment::name_pending(app, &visit.caller, &visit.user, &name).await?;
    }
    let code = fields.get("code");
    if let Some(problem) = Way::App.shape_problem(code) {
        return Ok(app_again(t.text(problem)));
    }
    match verify_totp(app, &visit.caller, code, app.now()).await? {
        Verdict::Accepted(Success { token, enrolled: Some(_) }) => {
            with_recovery_codes(app, visit, &token).await.map(Next::Show)
        }
        // The code of an app that was there before.
        Verdict::Accepted(Success { token, .. }) => ends::verified(visit, &token).map(Next::Show),
        refused => Ok(Next::SetUp { wanted: Some(Way::App), problem: refusal(visit, Way::App, &refused) }),
    }
}

/// Recovery codes where the user has none, and then on.
async fn with_recovery_codes(app: &App, visit: &Visit, token: &str) -> Result<Response, Error> {
    let hidden = visit.caller.tenant.settings().recovery_codes.hide_recovery_codes_on_enrollment;
    let codes = if hidden { None } else { account::first_recovery_codes(app, &visit.caller, app.now()).await? };
    match codes {
        Some(codes) => codes::show(app, visit, token, &codes, "/set-up").await,
        None => after_set_up(app, visit, token),
    }
}

fn after_set_up(app: &App, visit: &Visit, token: &str) -> Result<Response, Error> {
    // A token that is not the page's own is that of a success: the first code of the app was one.
    let has_succeeded = token != visit.token;
    // A phone that was paired under enforcement has to answer as well: nobody has signed with its key.
    let next = match visit.action.state {
        State::ChallengeRequired if !has_succeeded => Some("/challenge"),
        _ if visit.ends_at_settings() && has_succeeded || visit.opens_settings(app.now()) => Some("/settings"),
        _ => None,
    };
    match next {
        Some(path) => Ok(Redirect::to(&visit.link_with(token, path, &[])).into_response()),
        None => ends::finish(visit, token),
    }
}

/// What is to be set up: what was asked for, or the first that is offered, with the others one tap away.
pub(crate) async fn page(app: &App, visit: &Visit, wanted: Option<Way>, problem: &[String]) -> Result<Next, Error> {
    let offers = visit.offers();
    match wanted.filter(|way| offers.contains(way)).or(offers.first().copied()) {
        Some(Way::App) => app_page(app, visit, problem).await,
        Some(Way::Phone) => Ok(Next::Pair { was: String::new() }),
        _ => ends::end(visit, ends::End::Way, &visit.token).map(Next::Show),
    }
}

pub(crate) async fn choose(app: &App, visit: &Visit, problem: &[String]) -> Result<Response, Error> {
    let offer = |way: Way| {
        let address = visit.link("/set-up", &[("kind", way.name())]);
        way.choice().map(|texts| Offer { name: way.name(), texts, address })
    };
    let offers = visit.offers().into_iter().filter_map(offer).collect();
    let frame = Frame::of_visit(app, visit, visit.messages().text("set-up-heading")).await?;
    let page = ChoosePage { f: &frame, offers, problem, why: visit.why(app), quit: ends::leave(app, visit)? };
    frame.respond(StatusCode::OK, &page)
}

async fn app_page(app: &App, visit: &Visit, problem: &[String]) -> Result<Next, Error> {
    let offer = match enrolment::begin_or_resume(app, &visit.caller, app.now()).await {
        Err(Error::Conflict(_)) => return Ok(Next::Choose { problem: vec![visit.messages().text("app-full-error")] }),
        offered => offered?,
    };
    let frame = Frame::of_visit(app, visit, visit.messages().text("app-heading")).await?;
    let page = AppPage {
        f: &frame,
        // Nothing on a screen is smudged, so the least error correction is enough, and it makes the largest squares.
        qr: qr(&offer.uri, ECL::L)?,
        apps: &STORES,
        secret: in_groups(&offer.secret),
        uri: offer.uri.to_string(),
        name: offer.name.unwrap_or_default(),
        problem,
        why: visit.why(app),
        other: visit.other_offers(),
        quit: ends::leave(app, visit)?,
    };
    frame.respond(StatusCode::OK, &page).map(Next::Show)
}
