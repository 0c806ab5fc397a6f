//! What a user has, and what may be done about it: the self-service page (capabilities P1-P10).

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use countersign_core::{
    account::{self, Entry, Occurrence},
    action::State,
    admission,
    app::App,
    authenticator::Authenticator,
    clock::iso,
    error::Error,
    facts,
    happened::Event,
    http::UserAuthenticator,
    id::AuthenticatorId,
    messages::Messages,
    method::Method,
};

use crate::{
    Once, codes, ends,
    ends::End,
    figures,
    frame::Frame,
    visit::{Fields, Visit},
    way::{Way, icon_of, kind_of},
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

/// An authenticator.
struct Card {
    id: String,
    name: String,
    icon: &'static str,
    /// On what it is, or else what it is where its name does not say so.
    detail: String,
    added: String,
    used: Option<String>,
    is_primary: bool,
    may_be_primary: bool,
    /// The address of the question that comes before it is removed.
    remove: String,
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

/// The question before something is removed.
struct Removal<'a> {
    id: &'a str,
    name: &'a str,
    keep: String,
}

pub(crate) async fn show(app: &App, visit: &Visit, fields: &Fields) -> Result<Response, Error> {
    match visit.opens_settings(app.now()) {
        true => page(app, visit, fields, &[]).await,
        false => prove_first(visit),
    }
}

/// Leads to the challenge, which is set-up for a user with nothing enrolled. Where the action asks for no proof, the page
/// says that another sign-in has to.
fn prove_first(visit: &Visit) -> Result<Response, Error> {
    let is_decided = matches!(visit.action.state, State::ChallengeSucceeded | State::Allow);
    match visit.ends_at_settings() && is_decided && visit.user.is_enrolled() {
        true => ends::end(visit, End::Again, &visit.token),
        false => Ok(Redirect::to(&visit.link("/challenge", &[])).into_response()),
    }
}

pub(crate) async fn answer(app: &App, visit: &Visit, fields: &Fields, once: Once) -> Result<Response, Error> {
    let t = visit.messages();
    if fields.get("act") == "kept" {
        return Ok(Redirect::to(&visit.link("/settings", &[])).into_response());
    }
    if !visit.opens_settings(app.now()) {
        return prove_first(visit);
    }
    if once == Once::Again {
        return page(app, visit, fields, &[t.text("form-used-error")]).await;
    }
    let problem = match change(app, visit, fields).await {
        Ok(Changed::Done(done)) => {
            let more: Vec<(&str, &str)> = done.iter().map(|(name, value)| (*name, value.as_str())).collect();
            return Ok(Redirect::to(&visit.link("/settings", &more)).into_response());
        }
        Ok(Changed::Codes(codes)) => return codes::show(app, visit, &visit.token, &codes, "/settings").await,
        // The proof was recent enough when the page was loaded, and no longer is.
        Err(Error::Forbidden(_)) => return ends::end(visit, End::Again, &visit.token),
        Err(Error::NotFound(_)) => t.text("settings-gone-error"),
        Err(Error::Conflict(_)) => t.with("settings-last-error", "tenant", visit.tenant()),
        Err(Error::Invalid(_)) => t.text("app-name-error"),
        Err(other) => return Err(other),
    };
    page(app, visit, fields, &[problem]).await
}

/// What a form did.
enum Changed {
    /// With what the page then says, for its address.
    Done(Vec<(&'static str, String)>),
    Codes(Vec<String>),
}

async fn change(app: &App, visit: &Visit, fields: &Fields) -> Result<Changed, Error> {
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
        "codes" => Changed::Codes(account::regenerate_recovery_codes(app, caller, now).await?),
        _ => return Err(Error::NotFound("There is no such change.".into())),
    })
}

async fn page(app: &App, visit: &Visit, fields: &Fields, problem: &[String]) -> Result<Response, Error> {
    let (t, now) = (visit.messages(), app.now());
    let store = app.store().tenant(visit.caller.tenant.id());
    // A change was written by this very request, or the one before.
    let all = store.authenticators(&visit.user).await?;
    let cards: Vec<Card> = all
        .iter()
        .map(|one| (UserAuthenticator::listed(&visit.user, one).masked(), one.method))
        .map(|(one, method)| card(visit, one, method))
        .collect();
    let devices = store.devices(&visit.user).await?.into_iter().filter_map(|device| {
        let until = device.remembered_until.filter(|until| *until > now && device.invalidated_at.is_none())?;
        Some(Remembered { name: device.id, until: iso(until) })
    });
    let frame = Frame::of_visit(app, visit, t.text("settings-heading")).await?;
    let may_change = admission::may_change(&visit.caller, &visit.action, now);
    let asked = cards.iter().find(|card| may_change && card.id == fields.get("remove"));
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
        removal: asked.map(|card| Removal { id: &card.id, name: &card.name, keep: visit.link("/settings", &[]) }),
        cards: &cards,
    };
    frame.respond(StatusCode::OK, &page)
}

fn card(visit: &Visit, one: UserAuthenticator, method: Method) -> Card {
    let t = visit.messages();
    let platform = one.device_platform.map(figures::platform);
    let kind = t.text(kind_of(method, one.device_platform));
    let name = one.display_name.unwrap_or_else(|| kind.clone());
    let detail = [platform, one.device_model.as_deref(), one.email.as_deref(), one.phone_number.as_deref()];
    let detail = detail.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let says_nothing = detail.is_empty() && name != kind;
    Card {
        icon: icon_of(method, one.device_platform),
        detail: if says_nothing { kind } else { detail },
        name,
        added: one.created_at,
        used: one.last_verified_at,
        is_primary: one.is_default == Some(true),
        may_be_primary: Way::of(method).is_some() && method.facts().may_be_primary,
        remove: visit.link("/settings", &[("remove", &one.user_authenticator_id)]),
        id: one.user_authenticator_id,
    }
}

/// What an authenticator is called, or else its kind.
fn called(one: &Authenticator, t: Messages<'_>) -> String {
    let platform = one.device.as_ref().map(|device| device.platform);
    one.name.clone().unwrap_or_else(|| t.text(kind_of(one.method, platform)))
}

/// What the last change did; its name stands in the address, and is no more than text.
fn done(t: Messages<'_>, fields: &Fields) -> Option<String> {
    let name = fields.get("name");
    Some(match fields.get("done") {
        "renamed" => t.with("settings-renamed-status", "name", name),
        "removed" => t.with("settings-removed-status", "name", name),
        "primary" => t.with("settings-primary-status", "name", name),
        "forgotten" => t.text("settings-forgotten-status"),
        _ => return None,
    })
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
