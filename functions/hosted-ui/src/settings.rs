//! What a user has, and what may be done about it: the self-service page (capabilities P1-P10).

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    account::{self, Codes, Entry, Occurrence},
    action::State,
    admission,
    app::App,
    clock::iso,
    error::Error,
    facts,
    form::Sent,
    happened::Event,
    id::AuthenticatorId,
    messages::Messages,
    method::Method,
};

use crate::{
    after, anew,
    cards::{self, Card, Removal, called, done},
    codes, ends,
    frame::Frame,
    visit::{Fields, Visit},
    way::kind_of,
};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    f: &'a Frame<'a>,
    problem: &'a [String],
    done: Option<String>,
    cards: &'a [Card],
    /// Whether the user has just confirmed who they are.
    may_change: bool,
    set_up_new: Option<String>,
    /// Where the tenant uses recovery codes.
    codes_left: Option<u64>,
    devices: Vec<Remembered>,
    activity: Vec<Line>,
    back: Option<String>,
    removal: Option<Removal<'a>>,
}

/// A device that rules remember.
struct Remembered {
    name: String,
    until: String,
}

/// Something that happened.
struct Line {
    what: String,
    about: String,
    at: String,
}

pub(crate) async fn show(app: &App, visit: &Visit, fields: &Fields) -> Result<Response, Error> {
    match visit.after() {
        Some(after) => after::show(app, visit, after, fields, &[]).await,
        None if visit.opens_settings() => page(app, visit, fields, &[]).await,
        // What the visit was led through is done.
        None if visit.has_been_led() => ends::finish(visit, &visit.token),
        None => prove_first(app, visit).await,
    }
}

/// Leads to the challenge, which is set-up for a user with nothing enrolled. Where the action was answered too long ago,
/// the page asks again; where it asks for no proof, another sign-in has to.
async fn prove_first(app: &App, visit: &Visit) -> Result<Response, Error> {
    let is_decided = matches!(visit.action.state, State::ChallengeSucceeded | State::Allow);
    match visit.ends_at_settings() && is_decided && visit.user.is_enrolled() {
        true => anew::page(app, visit).await,
        false => Ok(Redirect::to(&visit.link("/challenge", &[])).into_response()),
    }
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, sent: &Sent<'_>) -> Result<Response, Error> {
    let t = visit.messages();
    if fields.get("act") == "again" {
        return anew::answer(app, visit, sent).await;
    }
    if fields.get("act") == "kept" {
        return match account::keep_recovery_codes(app, &visit.caller, &visit.user, fields.get("set")).await {
            Ok(()) => Ok(Redirect::to(&visit.link("/settings", &[])).into_response()),
            Err(Error::Conflict(_)) if visit.after().is_some() || visit.opens_settings() => {
                page_again(app, visit, fields, t.text("codes-replaced-error")).await
            }
            Err(Error::Conflict(_)) => prove_first(app, visit).await,
            Err(other) => Err(other),
        };
    }
    if visit.after().is_none() && !visit.opens_settings() {
        return prove_first(app, visit).await;
    }
    // New codes are shown again to whoever sends the same form again.
    if sent.is_again() && fields.get("act") != "codes" {
        return page_again(app, visit, fields, t.text("form-used-error")).await;
    }
    let problem = match change(app, visit, fields, sent).await {
        Ok(Changed::Done(done)) => {
            let more: Vec<(&str, &str)> = done.iter().map(|(name, value)| (*name, value.as_str())).collect();
            return Ok(Redirect::to(&visit.link("/settings", &more)).into_response());
        }
        Ok(Changed::Codes(codes)) => return codes::show(app, visit, &visit.token, &codes, "/settings").await,
        Err(Error::NotFound(_)) => t.text("settings-gone-error"),
        Err(Error::Conflict(_)) if fields.get("act") == "codes" => t.text("form-used-error"),
        Err(Error::Forbidden(_)) if fields.get("act") == "remove" && !visit.may_remove() => {
            t.with("settings-fixed-error", "tenant", visit.tenant())
        }
        // The proof was recent enough when the page was loaded, and no longer is.
        Err(Error::Forbidden(_)) => return anew::page(app, visit).await,
        Err(Error::Conflict(_)) => t.with("settings-last-error", "tenant", visit.tenant()),
        Err(Error::Invalid(_)) => t.text("app-name-error"),
        Err(other) => return Err(other),
    };
    page_again(app, visit, fields, problem).await
}

/// The page that the form was on, with what went wrong.
async fn page_again(app: &App, visit: &Visit, fields: &Fields, problem: String) -> Result<Response, Error> {
    match visit.after() {
        Some(after) => after::show(app, visit, after, fields, &[problem]).await,
        None => page(app, visit, fields, &[problem]).await,
    }
}

/// What a form did.
enum Changed {
    /// With what the page then says, for its address.
    Done(Vec<(&'static str, String)>),
    Codes(Codes),
}

async fn change(app: &App, visit: &Visit, fields: &Fields, sent: &Sent<'_>) -> Result<Changed, Error> {
    let (caller, now) = (&visit.caller, app.now());
    let id = || AuthenticatorId::parse(fields.get("id")).map_err(|_| Error::NotFound("There is no such one.".into()));
    let named = |done: &str, name: String| Changed::Done(vec![("done", done.to_owned()), ("name", name)]);
    Ok(match fields.get("act") {
        "rename" => {
            let name = account::name(fields.get("name"))?;
            account::rename(app, caller, &id()?, &name, now).await?;
            named("renamed", name)
        }
        "primary" => {
            named("primary", called(&account::make_primary(app, caller, &id()?, now).await?, visit.messages()))
        }
        "remove" => named("removed", called(&account::remove(app, caller, &id()?, now).await?, visit.messages())),
        "forget" => {
            account::forget_device(app, caller, fields.get("id"), now).await?;
            Changed::Done(vec![("done", "forgotten".to_owned())])
        }
        "codes" => Changed::Codes(account::regenerate_recovery_codes(app, caller, sent, now).await?),
        _ => return Err(Error::NotFound("There is no such change.".into())),
    })
}

async fn page(app: &App, visit: &Visit, fields: &Fields, problem: &[String]) -> Result<Response, Error> {
    let (t, now) = (visit.messages(), app.now());
    let store = app.store().tenant(visit.caller.tenant.id());
    let cards = cards::all(app, visit).await?;
    let devices = store.devices(&visit.user).await?.into_iter().filter_map(|device| {
        let until = device.remembered_until.filter(|until| *until > now && device.invalidated_at.is_none())?;
        Some(Remembered { name: device.id, until: iso(until) })
    });
    let mut frame = Frame::of_visit(app, visit, t.text("settings-heading")).await?;
    frame.ends_with(visit, "/settings");
    let may_change = admission::may_change(&visit.caller, &visit.action, now);
    let page = SettingsPage {
        f: &frame,
        problem,
        done: done(t, fields).filter(|_| problem.is_empty()),
        may_change,
        set_up_new: visit.may_add().then(|| visit.link("/set-up", &[])),
        codes_left: account::recovery_codes_left(app, &visit.caller, &visit.user).await?.map(|left| left as u64),
        devices: devices.collect(),
        activity: account::activity(app, &visit.caller, &visit.user, now)
            .await?
            .iter()
            .map(|one| line(visit, one))
            .collect(),
        back: ends::quit(visit)?,
        removal: Removal::asked(visit, &cards, fields.get("remove")),
        cards: &cards,
    };
    frame.respond(StatusCode::OK, &page)
}

fn line(visit: &Visit, entry: &Entry) -> Line {
    let t = visit.messages();
    let named = |id: &str, name: &str| (t.with(id, "name", &said(name, t)), String::new());
    let (what, about) = match &entry.what {
        Occurrence::Action { code, state, method, place } => {
            let method = method.map(|method| t.text(kind_of(method, None)));
            let kind = facts::called(visit.caller.tenant.action(code), code, t);
            let about = [Some(kind), method, place.clone()];
            (t.text(of_state(*state)), about.into_iter().flatten().collect::<Vec<_>>().join(" · "))
        }
        Occurrence::Added(one) => named("activity-added-text", &called(one, t)),
        Occurrence::Changed(Event::Added { name }) => named("activity-added-text", name),
        Occurrence::Changed(Event::Removed { name }) => named("activity-removed-text", name),
        Occurrence::Changed(Event::Renamed { name }) => named("activity-renamed-text", name),
        Occurrence::Changed(Event::MadePrimary { name }) => named("activity-primary-text", name),
        Occurrence::Changed(Event::NewRecoveryCodes) => (t.text("activity-codes-text"), String::new()),
        Occurrence::Changed(Event::RecoveryCodeUsed) => (t.text("activity-code-used-text"), String::new()),
        Occurrence::Changed(Event::DeviceForgotten) => (t.text("activity-forgotten-text"), String::new()),
    };
    Line { what, about, at: iso(entry.at) }
}

/// What something was called when it changed; one without a name was noted as its method.
fn said(name: &str, t: Messages<'_>) -> String {
    let of_name = |method: &Method| method.facts().label == name || method.as_str() == name;
    let method = Method::ALL.into_iter().find(of_name);
    method.map_or_else(|| name.to_owned(), |method| t.text(kind_of(method, None)))
}

fn of_state(state: State) -> &'static str {
    match state {
        State::ChallengeSucceeded | State::ReviewSucceeded => "activity-succeeded-text",
        State::ChallengeRequired => "activity-asked-text",
        State::Allow => "activity-allowed-text",
        State::Block => "activity-blocked-text",
        State::ChallengeFailed | State::ReviewFailed => "activity-failed-text",
        State::ReviewRequired => "activity-review-text",
    }
}
