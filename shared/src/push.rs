//! Asking a user by push, and what became of it; for whoever shows the sign-in.

use std::time::Duration;

use crate::{
    action::{Action, Failure, State as ActionState},
    admission::{self, Admitted},
    app::{App, TenantContext, UserCaller},
    challenge::{Challenge, Kind, State, Subject, number},
    clock::Timestamp,
    delivery::Delivery,
    error::Error,
    happened::Happened,
    id::{AuthenticatorId, ChallengeId, TenantId},
    messages::{Language, Messages},
    method::{Method, device::Context},
    metrics::{Counter, count},
    policy::{FailureMode, Policy},
    tenant::Demand,
    token,
    user::{Profile, User},
};
use countersign_domain::action::About;

/// A question that is under way.
pub struct Question {
    pub challenge: ChallengeId,
    /// To be shown, and typed on the device.
    pub number: Option<String>,
    pub expires_at: Timestamp,
    pub deliveries: Vec<Sent>,
}

/// What became of the message to one device. A device that no push reaches can still ask (contract, C37).
pub struct Sent {
    pub authenticator: AuthenticatorId,
    /// Why no push is on its way.
    pub error: Option<&'static str>,
}

/// Whether a question shows a number that is typed on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Wanted,
    NotWanted,
    /// Where each device that is told can take one: an app of the SDKs that knows no number could never answer.
    WhereTaken,
}

/// How a question stands, for its initiator.
pub enum Standing {
    Pending {
        /// What its initiator shows, where there is one.
        number: Option<String>,
        expires_at: Timestamp,
    },
    Approved {
        token: String,
    },
    Rejected,
    Expired,
}

/// Asks the user's devices about the action of the caller's token (contract, C29). `only` names the one device to ask.
///
/// Two round trips and one enqueue: the messages are taken first and the challenge is written second, so that one
/// that was acknowledged always has its messages (design.md). 429 with Retry-After once the user was asked too often, or
/// has said "not me"; 403 where the action cannot be answered by push; 503 where the queue takes nothing, or 409 once
/// the failure mode of its kind has decided the action because of that.
pub async fn ask(
    app: &App,
    caller: &UserCaller,
    only: Option<&AuthenticatorId>,
    with_number: Number,
    now: Timestamp,
) -> Result<Question, Error> {
    let claims = &caller.claims;
    let store = app.store().tenant(caller.tenant.id());
    let settings = &caller.tenant.settings().push;
    let mut challenge = Challenge::new(Kind::Push, now, i64::from(settings.seconds));
    let mut deliveries = None;
    // Each turn that finds its reading stale means that another write succeeded, so there are few.
    for _ in 0..5 {
        let Admitted { user, profile, action } = admission::open(app, caller).await?;
        if user.pushes.0.contains_key(&challenge.id) {
            // Written by a turn whose acknowledgement was lost.
            return Ok(asked(&challenge, deliveries.unwrap_or_default()));
        }
        may_be_asked(&caller.tenant, &user, &action, now)?;
        let targets = targets(&user, only)?;
        if challenge.number.is_none() && shows_number(&caller.tenant, &user, &targets, with_number) {
            challenge.number = Some(number()?);
        }
        let pushes = user.pushes.with(&challenge.id, now, i64::from(settings.seconds)).map_err(too_often)?;
        describe(&mut challenge, app, &caller.tenant, &user, &profile, &action);
        challenge.only = only.cloned();
        if deliveries.is_none() {
            let sent = send(app, caller.tenant.id(), &challenge, &targets).await;
            deliveries = Some(or_by_failure_mode(app, &caller.tenant, &user, &action, sent, now).await?);
        }
        if store.begin_push(&user, &challenge, &admission::about(claims), &pushes).await? {
            Happened::Asked.count();
            tracing::info!(event = "push_asked", tenant = %caller.tenant.id(), user = %user.uid, challenge = %challenge.id, devices = targets.len());
            return Ok(asked(&challenge, deliveries.unwrap_or_default()));
        }
    }
    Err(Error::unavailable("the user kept changing"))
}

fn shows_number(tenant: &TenantContext, user: &User, targets: &[Target<'_>], wish: Number) -> bool {
    let all_take = || !targets.is_empty() && targets.iter().all(|target| user.takes_numbers.contains(target.device));
    tenant.settings().push.number_matching == Demand::Required
        || match wish {
            Number::Wanted => true,
            Number::NotWanted => false,
            Number::WhereTaken => all_take(),
        }
}

/// Which devices a page asks, and whether the question shows a number; none where the user has no device that takes
/// pushes.
pub fn asks(tenant: &TenantContext, user: &User) -> (Vec<AuthenticatorId>, bool) {
    let targets = targets(user, None).unwrap_or_default();
    let with_number = shows_number(tenant, user, &targets, Number::WhereTaken);
    (targets.into_iter().filter(|one| one.is_reached).map(|one| one.device.clone()).collect(), with_number)
}

fn asked(challenge: &Challenge, deliveries: Vec<Sent>) -> Question {
    Question {
        challenge: challenge.id.clone(),
        number: challenge.number.clone(),
        expires_at: challenge.expires_at,
        deliveries,
    }
}

fn may_be_asked(tenant: &TenantContext, user: &User, action: &Action, now: Timestamp) -> Result<(), Error> {
    if action.state != ActionState::ChallengeRequired && action.failure == Some(Failure::ProviderUnavailable) {
        return Err(decided_by_failure_mode(action.state));
    }
    admission::may_answer(tenant, action, Method::Push, now)?;
    let quiet = user.quiet_until - now.as_second();
    if quiet > 0 {
        return Err(too_often(Duration::from_secs(quiet.unsigned_abs())));
    }
    Ok(())
}

fn too_often(retry_after: Duration) -> Error {
    Happened::AskingRefused.count();
    Error::TooManyRequests { retry_after }
}

/// A device that is to be asked.
#[derive(Clone, Copy)]
struct Target<'a> {
    device: &'a AuthenticatorId,
    /// Whether its push service still takes pushes for it.
    is_reached: bool,
}

/// Which devices are told: the one that was named; or else the primary one, as long as pushes reach it; or else all.
fn targets<'a>(user: &'a User, only: Option<&'a AuthenticatorId>) -> Result<Vec<Target<'a>>, Error> {
    let target = |device: &'a AuthenticatorId| Target { device, is_reached: !user.unreachable.contains(device) };
    let mut devices = user.devices(Method::Push);
    if let Some(only) = only {
        let named = devices.find(|id| *id == only).map(target);
        let none = || Error::invalid("userAuthenticatorId: the user has no device with this id that takes pushes.");
        return Ok(vec![named.ok_or_else(none)?]);
    }
    let all: Vec<_> = devices.map(target).collect();
    if all.is_empty() {
        return Err(Error::invalid("The user has no device that takes pushes; enrol one first."));
    }
    let primary = all.iter().find(|one| one.is_reached && user.primary.as_ref() == Some(one.device));
    Ok(primary.map_or(all.clone(), |primary| vec![*primary]))
}

/// What a device will be shown of a tracked action, and sign: what the customer's backend said of it, and nothing that a
/// browser says (security.md, T36).
pub fn describe(
    challenge: &mut Challenge,
    app: &App,
    tenant: &TenantContext,
    user: &User,
    profile: &Profile,
    action: &Action,
) {
    let input: serde_json::Value = serde_json::from_str(&action.input).unwrap_or_default();
    let text = |name: &str| input.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let told = [input.get("locale").and_then(serde_json::Value::as_str), profile.locale.as_deref()];
    let language = Language::negotiate(told.into_iter().flatten(), "");
    challenge.subject = Some(Subject { user: user.id.clone(), uid: user.uid.clone() });
    challenge.expires_at = challenge.expires_at.min(action.expires_at);
    challenge.about =
        Some(About { code: action.code.clone(), key: action.key.clone(), id: action.id.clone(), is_tracked: true });
    challenge.context = Context {
        ip_address: text("ipAddress"),
        place: text("ipAddress").and_then(|address| app.places().name_of(&address)),
        user_agent: text("userAgent"),
        device_id: text("deviceId"),
        origin: None,
        is_claimed: false,
        custom: tenant.public_points(input.get("custom").and_then(serde_json::Value::as_object), false),
        user_custom: tenant.public_points(profile.custom.as_ref(), true),
        facts: Some(tenant.facts(&action.code, &input, profile, Messages::new(language, None))),
    };
}

async fn send(app: &App, tenant: &TenantId, challenge: &Challenge, targets: &[Target<'_>]) -> Result<Vec<Sent>, Error> {
    let reached = targets.iter().filter(|one| one.is_reached);
    let messages: Vec<Delivery> = reached
        .map(|one| Delivery {
            version: Delivery::VERSION,
            tenant_id: tenant.clone(),
            challenge_id: challenge.id.clone(),
            user_authenticator_id: one.device.clone(),
            enqueued_at: challenge.created_at.as_second(),
            expires_at: challenge.expires_at.as_second(),
        })
        .collect();
    let taken = if messages.is_empty() { Vec::new() } else { app.outbox().send(&messages).await? };
    let mut taken = taken.into_iter();
    let error = |is_reached: bool, taken: &mut std::vec::IntoIter<bool>| match is_reached {
        false => Some("device_unreachable"),
        true => (!taken.next().unwrap_or(false)).then_some("not_sent"),
    };
    Ok(targets
        .iter()
        .map(|one| Sent { authenticator: one.device.clone(), error: error(one.is_reached, &mut taken) })
        .collect())
}

/// What became of the messages; where the queue took none, the failure mode of the action's kind has its say.
///
/// Only where the user cannot answer in another way, and never past an enforcement, which is read anew. Nothing is
/// learnt of the action for rules: nobody has proved anything.
async fn or_by_failure_mode(
    app: &App,
    tenant: &TenantContext,
    user: &User,
    action: &Action,
    sent: Result<Vec<Sent>, Error>,
    now: Timestamp,
) -> Result<Vec<Sent>, Error> {
    let failure = match sent {
        Err(failure @ Error::Unavailable(_)) => failure,
        other => return other,
    };
    let mode = tenant.action(&action.code).map_or(FailureMode::Closed, |config| config.failure_mode);
    let has_another_way =
        user.enrolled_methods().iter().any(|way| *way != Method::Push && action.allowed_methods.contains(way));
    if mode == FailureMode::Closed || has_another_way {
        return Err(failure);
    }
    let store = app.store().tenant(tenant.id());
    let policy = Policy { enforcement: store.enforcement().await?, ..tenant.policy().clone() };
    let Some(next) = policy.state_unasked(mode, user, now) else { return Err(failure) };
    let key = store.action_key(&user.id, &action.code, &action.key);
    let moved = store.move_by_failure(&key, action, next, Failure::ProviderUnavailable, now).await?;
    let Some(state) = moved else { return Err(failure) };
    count(Counter::ActionsInFailureMode);
    let cause = std::error::Error::source(&failure).map(ToString::to_string);
    tracing::warn!(event = "decided_by_failure_mode", tenant = %tenant.id(), action = %action.id, mode = mode.as_str(), cause);
    Err(decided_by_failure_mode(state))
}

/// No 503, after which clients ask again by themselves: another question would find nothing to ask.
fn decided_by_failure_mode(state: ActionState) -> Error {
    let state = state.as_str();
    Error::Conflict(format!(
        "No device could be asked, so the failure mode of this kind of action decided it: it is {state} now. Do not ask \
         again; return to the app, whose backend reads the action."
    ))
}

/// How the question that the caller asked stands (contract, C30). One round trip.
///
/// An approval gives the token that a right code gives, the same to each who asks, for as long as that success is handed
/// out; after that the question is over. That it is over is written down before it is said, so that nobody decides it
/// afterwards.
pub async fn standing(app: &App, caller: &UserCaller, id: &ChallengeId, now: Timestamp) -> Result<Standing, Error> {
    let claims = &caller.claims;
    let tenant = &caller.tenant;
    let keys = app.signing_keys(tenant).await?;
    let (user, found) = app.store().tenant(tenant.id()).user_and_challenge(&claims.sub, id).await?;
    let user = user.filter(|user| user.uid == claims.other.user_uid).ok_or_else(token::not_ours)?;
    let ours = |one: &Challenge| {
        one.kind == Kind::Push
            && one.subject.as_ref().is_some_and(|subject| subject.uid == claims.other.user_uid)
            && one.about.as_ref().is_some_and(|about| about.id == claims.jti)
    };
    let unknown = || Error::NotFound("There is no challenge with this id for this action.".into());
    let challenge = settled(app, tenant.id(), found.filter(ours).ok_or_else(unknown)?, now).await?;
    Ok(match (challenge.state, challenge.decided) {
        (State::Pending, _) => Standing::Pending { number: challenge.number, expires_at: challenge.expires_at },
        (State::Rejected, _) => Standing::Rejected,
        (State::Verified, Some(decided)) if !user.revoked.ended(&decided.by, decided.at, &claims.jti) => {
            let subject = claims.other.clone();
            let token = tenant.success_token(keys, subject, claims.jti.clone(), decided.at, now)?;
            token.map_or(Standing::Expired, |token| Standing::Approved { token })
        }
        (State::Verified | State::Expired, _) => Standing::Expired,
    })
}

/// The challenge, with its expiry written down where that is what it has come to.
pub(crate) async fn settled(
    app: &App,
    tenant: &TenantId,
    challenge: Challenge,
    now: Timestamp,
) -> Result<Challenge, Error> {
    if challenge.state == State::Pending && challenge.state_at(now) == State::Expired {
        return app.store().tenant(tenant).expire(&challenge).await;
    }
    Ok(challenge)
}
