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
    proof::{Verdict, verify_totp},
};
use fast_qr::{
    ECL,
    convert::{Builder, Shape, svg::SvgBuilder},
    qr::QRBuilder,
};

use crate::{
    Once, challenge,
    challenge::refusal,
    ends,
    frame::Frame,
    pairing,
    visit::{Fields, Visit, Way},
};

#[derive(Template)]
#[template(path = "choose.html")]
struct ChoosePage<'a> {
    f: &'a Frame<'a>,
    offers: Vec<(Way, String)>,
    problem: &'a [String],
    why: Option<String>,
    quit: Option<String>,
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
    problem: &'a [String],
    why: Option<String>,
    other: Option<String>,
    quit: Option<String>,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage<'a> {
    f: &'a Frame<'a>,
    codes: &'a [String],
    /// Where the form leads.
    action: &'static str,
}

pub(crate) async fn show(app: &App, visit: &Visit, fields: &Fields, headers: &HeaderMap) -> Result<Response, Error> {
    // With the phone the token of somebody new may add no more, and the page has still to say that it is there.
    if let Some(page) = pairing::show(app, visit, fields, headers).await? {
        return Ok(page);
    }
    if !visit.may_add() {
        return Ok(Redirect::to(&visit.link("/challenge", &[])).into_response());
    }
    match Way::named(fields.get("kind")).filter(|way| visit.offers().contains(way)) {
        Some(Way::Phone) => pairing::begin(app, visit, fields).await,
        Some(Way::App) => page(app, visit, Some(Way::App), &[]).await,
        _ => choose(app, visit, &[]).await,
    }
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, once: Once) -> Result<Response, Error> {
    let t = visit.messages();
    match fields.get("act") {
        // Whoever comes here twice only goes on twice.
        "kept" => after_set_up(app, visit, &visit.token),
        "pair" | "refuse" => pairing::answer(app, visit, fields).await,
        "paired" if pairing::is_paired(app, visit, fields).await? => {
            with_recovery_codes(app, visit, &visit.token).await
        }
        "paired" => Ok(Redirect::to(&visit.link("/set-up", &[])).into_response()),
        // The form that set up the first one: its codes were shown.
        _ if once == Once::Again && !visit.may_add() => ends::end(visit, ends::End::Later, &visit.token),
        _ if once == Once::Again => page(app, visit, Some(Way::App), &[t.text("form-used-error")]).await,
        _ => confirm_app(app, visit, fields).await,
    }
}

/// The first code of an app, and what its owner calls it.
async fn confirm_app(app: &App, visit: &Visit, fields: &Fields) -> Result<Response, Error> {
    let t = visit.messages();
    let again = async |problem: &[String]| page(app, visit, Some(Way::App), problem).await;
    if let Some(name) = Some(fields.get("name").trim()).filter(|name| !name.is_empty()) {
        let Ok(name) = account::name(name) else { return again(&[t.text("app-name-error")]).await };
        enrolment::name_pending(app, &visit.caller, &visit.user, &name).await?;
    }
    let code = fields.get("code");
    if let Some(problem) = Way::App.shape_problem(code) {
        return again(&[t.text(problem)]).await;
    }
    match verify_totp(app, &visit.caller, code, app.now()).await? {
        Verdict::Accepted { token, enrolled: Some(_) } => with_recovery_codes(app, visit, &token).await,
        // The code of an app that was there before.
        Verdict::Accepted { token, .. } => challenge::verified(visit, &token),
        refused => again(&refusal(app, visit, Way::App, &refused)).await,
    }
}

/// Recovery codes where the user has none, and then on.
async fn with_recovery_codes(app: &App, visit: &Visit, token: &str) -> Result<Response, Error> {
    let hidden = visit.caller.tenant.settings().recovery_codes.hide_recovery_codes_on_enrollment;
    let codes = if hidden { None } else { account::first_recovery_codes(app, &visit.caller, app.now()).await? };
    match codes {
        Some(codes) => show_codes(app, visit, token, &codes, "/set-up").await,
        None => after_set_up(app, visit, token),
    }
}

/// Recovery codes, shown this once.
pub(crate) async fn show_codes(
    app: &App,
    visit: &Visit,
    token: &str,
    codes: &[String],
    action: &'static str,
) -> Result<Response, Error> {
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("codes-heading")).await?;
    frame.token = token;
    frame.respond(StatusCode::OK, &CodesPage { f: &frame, codes, action })
}

fn after_set_up(app: &App, visit: &Visit, token: &str) -> Result<Response, Error> {
    // Another token is that of the success which the set-up was.
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
pub(crate) async fn page(app: &App, visit: &Visit, wanted: Option<Way>, problem: &[String]) -> Result<Response, Error> {
    let offers = visit.offers();
    match wanted.filter(|way| offers.contains(way)).or(offers.first().copied()) {
        Some(Way::App) => app_page(app, visit, problem).await,
        Some(Way::Phone) => pairing::begin(app, visit, &Fields::default()).await,
        _ => ends::end(visit, ends::End::Way, &visit.token),
    }
}

pub(crate) async fn choose(app: &App, visit: &Visit, problem: &[String]) -> Result<Response, Error> {
    let offers = visit.offers().into_iter();
    let offers = offers.map(|way| (way, visit.link("/set-up", &[("kind", way.name())]))).collect();
    let frame = Frame::of_visit(app, visit, visit.messages().text("set-up-heading")).await?;
    let page = ChoosePage { f: &frame, offers, problem, why: visit.why(app), quit: leave(app, visit)? };
    frame.respond(StatusCode::OK, &page)
}

async fn app_page(app: &App, visit: &Visit, problem: &[String]) -> Result<Response, Error> {
    let offer = match enrolment::begin_or_resume(app, &visit.caller, app.now()).await {
        Err(Error::Conflict(_)) => return choose(app, visit, &[visit.messages().text("app-full-error")]).await,
        offered => offered?,
    };
    let frame = Frame::of_visit(app, visit, visit.messages().text("app-heading")).await?;
    let page = AppPage {
        f: &frame,
        qr: qr(&offer.uri, ECL::M)?,
        secret: in_groups(&offer.secret),
        uri: offer.uri.to_string(),
        name: offer.name.unwrap_or_default(),
        problem,
        why: visit.why(app),
        other: other(visit),
        quit: leave(app, visit)?,
    };
    frame.respond(StatusCode::OK, &page)
}

pub(crate) fn other(visit: &Visit) -> Option<String> {
    (visit.offers().len() > 1).then(|| visit.link("/set-up", &[]))
}

/// Where somebody goes who sets nothing up.
pub(crate) fn leave(app: &App, visit: &Visit) -> Result<Option<String>, Error> {
    match visit.user.is_enrolled() && visit.opens_settings(app.now()) {
        true => Ok(Some(visit.link("/settings", &[]))),
        false => ends::quit(visit),
    }
}

/// The text as an SVG that uses no style of its own, so that the content policy can forbid them.
pub(crate) fn qr(text: &str, correction: ECL) -> Result<String, Error> {
    let code =
        QRBuilder::new(text).ecl(correction).build().map_err(|_| Error::internal("the QR code cannot be made"))?;
    Ok(SvgBuilder::default().shape(Shape::Square).to_str(&code))
}

/// `ABCDEFGH` as `ABCD EFGH`: easier to type, and apps ignore the spaces.
fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
