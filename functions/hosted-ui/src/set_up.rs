//! Set-up: choosing what to set up, an authenticator app by its first code, and the recovery codes that come with the
//! first authenticator. A phone is paired in `pairing`.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    account::{self, Codes},
    action::State,
    app::App,
    enrolment,
    error::Error,
    form::Sent,
    proof::{Success, Verdict, success_again, verify_totp},
    user::User,
};
use fast_qr::ECL;

use crate::{
    codes::{self, Shown},
    ends,
    figures::{in_groups, qr},
    frame::Frame,
    next::Next,
    pairing::{self, Answered},
    refused::{Refusal, refusal},
    shut::{Locked, Shut},
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
    /// What the picture is of, so that the code of another one is told apart.
    app: String,
    /// Opens the app that is on the same phone.
    uri: String,
    name: String,
    stores: &'static [Store],
    /// Stands in place of the form.
    locked: Option<Locked>,
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

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, sent: &Sent<'_>) -> Result<Next, Error> {
    match fields.get("act") {
        // Sending this form again changes nothing; it only leads on again.
        "kept" => match account::keep_recovery_codes(app, &visit.caller, &visit.user, fields.get("set")).await {
            Ok(()) => after_set_up(visit, &visit.token).map(Next::Show),
            Err(Error::Conflict(_)) => replaced(app, visit, sent).await.map(Next::Show),
            Err(other) => Err(other),
        },
        "pair" | "refuse" => match pairing::answer(app, visit, fields).await? {
            Answered::Shown(page) => Ok(Next::Show(page)),
            Answered::Paired => with_recovery_codes(app, visit, sent, &visit.token).await.map(Next::Show),
        },
        "paired" if pairing::is_paired(app, visit, fields).await? => {
            with_recovery_codes(app, visit, sent, &visit.token).await.map(Next::Show)
        }
        "paired" => Ok(Next::go_to(visit, "/set-up", &[])),
        // The same form may have set up an app, and its recovery codes are shown until they are kept.
        _ if sent.is_again() => confirmed_before(app, visit, sent).await,
        _ => confirm_app(app, visit, fields, sent).await,
    }
}

/// The page of the app again, with one line about what went wrong.
fn app_again(problem: String) -> Next {
    Next::SetUp { wanted: Some(Way::App), problem: vec![problem] }
}

/// The first code of an app, and what its owner calls it.
async fn confirm_app(app: &App, visit: &Visit, fields: &Fields, sent: &Sent<'_>) -> Result<Next, Error> {
    let t = visit.messages();
    if let Some(name) = Some(fields.get("name").trim()).filter(|name| !name.is_empty()) {
        let Ok(name) = account::name(name) else { return Ok(app_again(t.text("app-name-error"))) };
        enrolment::name_pending(app, &visit.caller, &visit.user, &name).await?;
    }
    // A picture that another tab has put another in place of: its code is right for nothing, so it costs no guess.
    if is_stale(visit, fields.get("app")) {
        return Ok(app_again(t.text("app-stale-error")));
    }
    let code = fields.get("code");
    // A secret of ours has codes of six digits.
    if let Some(problem) = Way::App.shape_problem(t, code, &BTreeSet::from([6])) {
        return Ok(app_again(problem));
    }
    match verify_totp(app, &visit.caller, code, app.now()).await? {
        Verdict::Accepted(Success { token, enrolled: Some(_) }) => {
            with_recovery_codes(app, visit, sent, &token).await.map(Next::Show)
        }
        // The code of an app that was there before.
        Verdict::Accepted(Success { token, .. }) => ends::verified(visit, &token, Way::App).map(Next::Show),
        refused => Ok(match refusal(visit, Way::App, &refused) {
            Refusal::Again(problem) => Next::SetUp { wanted: Some(Way::App), problem },
            Refusal::Locked(problem) => Next::SetUpLocked { problem },
        }),
    }
}

/// Whether the picture that a form was beside is no longer the one whose code is asked for.
fn is_stale(visit: &Visit, shown: &str) -> bool {
    let pending = visit.user.pending.as_ref().filter(|one| one.action == visit.action.id && !one.is_over(visit.now));
    let is_pending = pending.is_some_and(|one| one.id.as_str() == shown);
    let is_enrolled = visit.user.totp.keys().any(|id| id.as_str() == shown);
    !shown.is_empty() && !is_pending && !is_enrolled
}

/// The form of a first code that comes again: what the first one led to is shown again, and nothing is compared.
async fn confirmed_before(app: &App, visit: &Visit, sent: &Sent<'_>) -> Result<Next, Error> {
    let again = success_again(app, &visit.caller, &visit.user, &visit.action, app.now()).await?;
    match again {
        Some(token) => match first_codes(app, visit, sent).await? {
            Some(codes) => codes::show(app, visit, &token, &codes, "/set-up").await.map(Next::Show),
            None => ends::end(visit, ends::End::Later, &token).map(Next::Show),
        },
        None if !visit.may_add() => ends::end(visit, ends::End::Later, &visit.token).map(Next::Show),
        None => Ok(app_again(visit.messages().text("form-used-error"))),
    }
}

/// Recovery codes where the user has none, and then on.
async fn with_recovery_codes(app: &App, visit: &Visit, sent: &Sent<'_>, token: &str) -> Result<Response, Error> {
    match first_codes(app, visit, sent).await? {
        Some(codes) => codes::show(app, visit, token, &codes, "/set-up").await,
        None => after_set_up(visit, token),
    }
}

/// The page of codes again, because another page's took the place of what was shown: with good ones, where those were not
/// kept either.
async fn replaced(app: &App, visit: &Visit, sent: &Sent<'_>) -> Result<Response, Error> {
    match first_codes(app, visit, sent).await? {
        Some(codes) => {
            let problem = [visit.messages().text("codes-replaced-error")];
            codes::page(app, visit, &codes, &Shown { token: &visit.token, action: "/set-up", problem: &problem }).await
        }
        None => after_set_up(visit, &visit.token),
    }
}

async fn first_codes(app: &App, visit: &Visit, sent: &Sent<'_>) -> Result<Option<Codes>, Error> {
    match visit.caller.tenant.settings().recovery_codes.hide_recovery_codes_on_enrollment {
        true => Ok(None),
        false => account::first_recovery_codes(app, &visit.caller, sent, app.now()).await,
    }
}

fn after_set_up(visit: &Visit, token: &str) -> Result<Response, Error> {
    // A token that is not the page's own is that of a success: the first code of the app was one.
    let has_succeeded = token != visit.token;
    // A phone that was paired under enforcement has to answer as well: nobody has signed with its key.
    let next = match visit.action.state {
        State::ChallengeRequired if !has_succeeded => Some("/challenge"),
        _ if visit.ends_at_settings() && has_succeeded || visit.opens_settings() => Some("/settings"),
        _ if visit.after().is_some() => Some("/settings"),
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
        Some(Way::App) => app_page(app, visit, &visit.user, problem).await,
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
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("set-up-heading")).await?;
    frame.ends_with(visit, "/challenge");
    let page = ChoosePage { f: &frame, offers, problem, why: visit.why(app), quit: ends::leave(visit)? };
    frame.respond(StatusCode::OK, &page)
}

fn set_up_locked(visit: &Visit, shut: Shut) -> Locked {
    let hint = (shut == Shut::Closed).then(|| visit.messages().with("locked-out-hint", "tenant", visit.tenant()));
    Locked::new(visit, Way::App, shut, hint, visit.link("/set-up", &[("kind", "app")]))
}

/// The page of an app whose guesses are spent.
pub(crate) async fn locked(app: &App, visit: &Visit, problem: &[String]) -> Result<Next, Error> {
    app_page(app, visit, &visit.user_now(app).await?, problem).await
}

async fn app_page(app: &App, visit: &Visit, user: &User, problem: &[String]) -> Result<Next, Error> {
    let offer = match enrolment::begin_or_resume(app, &visit.caller, app.now()).await {
        Err(Error::Conflict(_)) => return Ok(Next::Choose { problem: vec![visit.messages().text("app-full-error")] }),
        offered => offered?,
    };
    let mut frame = Frame::of_visit(app, visit, visit.messages().text("app-heading")).await?;
    frame.ends_with(visit, "/challenge");
    let page = AppPage {
        f: &frame,
        // Nothing on a screen is smudged, so the least error correction is enough, and it makes the largest squares.
        qr: qr(&offer.uri, ECL::L)?,
        stores: &STORES,
        secret: in_groups(&offer.secret),
        app: offer.authenticator.to_string(),
        uri: offer.uri.to_string(),
        name: offer.name.unwrap_or_default(),
        locked: Way::App.shut(visit, user, app.now()).map(|shut| set_up_locked(visit, shut)),
        problem,
        why: visit.why(app),
        other: visit.other_offers(),
        quit: ends::leave(visit)?,
    };
    frame.respond(StatusCode::OK, &page).map(Next::Show)
}
