//! Approval on a phone, from the page: with the number wherever the phone can take one (NIST SP 800-63B, 3.1.3), because
//! whoever has the password would otherwise need one tap of somebody else.

use std::time::Duration;

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use countersign_core::{
    app::App,
    clock::Timestamp,
    error::Error,
    id::ChallengeId,
    method::Method,
    push::{self, Number, Standing},
    user::User,
};

use crate::{
    cards::called,
    ends,
    figures::in_two,
    frame::{Frame, is_partial},
    next::Next,
    shut::{PLACE, Sentence, Ways},
    visit::{Fields, Visit},
    way::Way,
};

/// How long after a denial no phone is asked unless somebody presses the button.
const QUIET_AFTER_DENIAL_SECONDS: i64 = 900;

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage<'a> {
    f: &'a Frame<'a>,
    /// In two groups, as people read six digits.
    number: Option<String>,
    /// To which devices it was sent, around the time that is left; absent where a message reaches none.
    sent: Option<Sentence>,
    /// The first of the other ways that are open, and the rest.
    other: Option<String>,
    ways: Vec<(Way, String)>,
    quit: Option<String>,
}

/// Asks the user's phones, and goes on to wait for them.
pub(crate) async fn ask(app: &App, visit: &Visit) -> Result<Next, Error> {
    let t = visit.messages();
    let problem = match push::ask(app, &visit.caller, None, Number::WhereTaken, app.now()).await {
        // Another address, so that a reload asks nobody again.
        Ok(asked) => return Ok(Next::go_to(visit, "/challenge", &[("challenge", asked.challenge.as_str())])),
        // It could not be sent, and the action's failure mode has decided: the page is that of its new state.
        Err(Error::Conflict(_)) => return Ok(Next::go_to(visit, "/challenge", &[])),
        Err(Error::TooManyRequests { .. }) => return Ok(Next::Locked { way: Way::Phone, problem: Vec::new() }),
        Err(Error::Forbidden(_) | Error::Invalid(_)) => t.text("waiting-refused-error"),
        Err(other) => return Err(other),
    };
    Ok(Next::challenge_again(Way::Phone, problem))
}

/// Shows how the question stands.
pub(crate) async fn wait(app: &App, visit: &Visit, fields: &Fields, headers: &HeaderMap) -> Result<Next, Error> {
    let challenge = fields.get("challenge");
    let again = |problem: &str| Ok(Next::challenge_again(Way::Phone, visit.messages().text(problem)));
    let Ok(id) = ChallengeId::parse(challenge.to_owned()) else { return again("waiting-over-error") };
    let standing = match push::standing(app, &visit.caller, &id, app.now()).await {
        Ok(standing) => standing,
        Err(Error::NotFound(_)) => return again("waiting-over-error"),
        Err(other) => return Err(other),
    };
    match standing {
        Standing::Pending { .. } if is_partial(headers) => Ok(StatusCode::NO_CONTENT.into_response().into()),
        // A page on which something is typed meanwhile goes on only where that is done with.
        Standing::Rejected | Standing::Expired if is_partial(headers) && fields.get("until") == "approved" => {
            Ok(StatusCode::NO_CONTENT.into_response().into())
        }
        // The open page loads itself anew, and finds what became of it.
        _ if is_partial(headers) => Ok([("hx-refresh", "true")].into_response().into()),
        Standing::Pending { number, expires_at } => {
            waiting(app, visit, challenge, number, expires_at).await.map(Next::Show)
        }
        Standing::Approved { token } => ends::verified(visit, &token, Way::Phone).map(Next::Show),
        Standing::Rejected => again("waiting-denied-error"),
        Standing::Expired => again("waiting-expired-error"),
    }
}

async fn waiting(
    app: &App,
    visit: &Visit,
    challenge: &str,
    number: Option<String>,
    expires_at: Timestamp,
) -> Result<Response, Error> {
    let t = visit.messages();
    let mut frame = Frame::of_visit(app, visit, t.text("waiting-heading")).await?;
    frame.watches = Some(visit.link("/challenge", &[("challenge", challenge)]));
    let (asked, _) = push::asks(&visit.caller.tenant, &visit.user);
    let all = app.store().tenant(visit.caller.tenant.id()).authenticators(&visit.user).await?;
    let names: Vec<String> = all.iter().filter(|one| asked.contains(&one.id)).map(|one| called(one, t)).collect();
    let left = u64::try_from(expires_at.as_millisecond() - visit.now.as_millisecond()).unwrap_or_default();
    let sent = (!names.is_empty()).then(|| {
        let text = t.with_both("waiting-sent-text", ("device", &names.join(", ")), ("time", PLACE));
        Sentence::around(&text, Duration::from_millis(left))
    });
    // The other ways are at hand, and their pages notice when the phone answers.
    let open = Ways::of(app, visit, &visit.user, visit.now).await?.beside(Way::Phone);
    let link = |way: Way| visit.link("/challenge", &[("way", way.name()), ("waits", challenge)]);
    let mut ways: Vec<(Way, String)> =
        open.into_iter().filter(|(_, opens)| opens.is_none()).map(|(way, _)| (way, link(way))).collect();
    let other = (!ways.is_empty()).then(|| ways.remove(0).1);
    let number = number.map(|number| in_two(&number));
    frame.respond(StatusCode::OK, &WaitingPage { f: &frame, number, sent, other, ways, quit: ends::quit(visit)? })
}

/// Whether the page asks the phone by its script as soon as somebody is there: where that worked last, with a number, not
/// soon after a denial, and once a visit.
pub(crate) fn asks_by_itself(visit: &Visit, user: &User) -> bool {
    let (_, with_number) = push::asks(&visit.caller.tenant, user);
    let begun = visit.action.created_at.as_millisecond();
    let was_asked = user.pushes.0.values().any(|start| start.abs() >= begun);
    let was_denied = visit.now.as_second() - user.denied_at < QUIET_AFTER_DENIAL_SECONDS;
    let worked = user.last_method == Some(Method::Push) || user.default_method == Some(Method::Push);
    worked && with_number && !was_asked && !was_denied
}
