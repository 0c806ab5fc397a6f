//! The page of what a user has asks again who they are, once the last success is too old to change anything by. It makes an
//! action of its own for that, of the kind and for the app of the first one, which only a full proof succeeds.

use crate::{
    action::{Action, State},
    admission,
    app::{App, TenantContext, UserCaller},
    clock::Timestamp,
    error::Error,
    form::Sent,
    id::{ActionId, IdempotencyKey, digest},
    rule::Outcome,
    store::Tracked,
    token::{Subject, scope},
};

/// How long after its token has expired a page still asks again. Later the app has to track another action.
const LATE_SECONDS: i64 = 1800;

/// So many actions in so many seconds for each first one, whoever presses how often.
const EACH_SECONDS: i64 = 300;
const MOST: u8 = 5;

/// How the fingerprint of such an action begins. No track has it, so one with its idempotency key is refused.
const FINGERPRINT: &str = "a page ";

/// Whether a page may ask again: its action was succeeded once, and its token is valid or has expired a short while ago.
pub fn may_ask_anew(caller: &UserCaller, action: &Action, now: Timestamp) -> bool {
    action.state == State::ChallengeSucceeded
        && action.verification.is_some()
        && now.as_second() < caller.claims.exp + LATE_SECONDS
}

/// The token of an action that asks again. It allows no more than to answer. 403 where [`may_ask_anew`] says no, where
/// nothing that the user has answers such an action any more, where track would stop it as things stand now, and where
/// it was asked often.
///
/// Each form has an action of its own, and the same form again the same one: what is answered on one page is no success
/// for somebody else with the same old token.
pub async fn ask_anew(app: &App, caller: &UserCaller, sent: &Sent<'_>, now: Timestamp) -> Result<String, Error> {
    let tenant = &caller.tenant;
    let fingerprint = format!("{FINGERPRINT}{}", digest(&[sent.seal.as_bytes()]));
    for place in 0..MOST {
        let first = admission::open(app, caller).await?;
        if !may_ask_anew(caller, &first.action, now) || !first.user.can_answer() {
            return Err(not_here());
        }
        let mut judged = admission::made_by_page(app, caller, &first, now).await?;
        let methods = std::mem::take(&mut judged.methods);
        if methods.is_empty() {
            return Err(not_here());
        }
        let asked = Action {
            id: judged.id.clone(),
            key: key_of(&first.action.id, now, place)?,
            fingerprint: fingerprint.clone(),
            allowed_methods: methods,
            rules: judged.rules.take(),
            ..asking(tenant, first.action, now)?
        };
        let noted = judged.noted(&asked);
        let asked =
            match app.store().tenant(tenant.id()).track(&first.user, false, &asked, None, noted.as_ref()).await? {
                Tracked::Created => asked,
                Tracked::Existing(known) if known.fingerprint == fingerprint && is_open(&known, now) => *known,
                // Another form's, or over.
                Tracked::Existing(_) | Tracked::Stale => continue,
            };
        tracing::info!(event = "asked_anew", tenant = %tenant.id(), user = %first.user.uid, action = %asked.id);
        let subject = Subject { idempotency_key: asked.key.clone(), ..caller.claims.other.clone() };
        let keys = app.signing_keys(tenant).await?;
        return tenant.issue_token(keys, subject, asked.id, scope::parse(None)?, now);
    }
    Err(not_here())
}

/// An action that waits for its answer. What was answered or is over is handed to nobody.
fn is_open(action: &Action, now: Timestamp) -> bool {
    action.state == State::ChallengeRequired && now < action.expires_at
}

/// The key of one of the few places for what asks again after a first action.
fn key_of(first: &ActionId, now: Timestamp, place: u8) -> Result<IdempotencyKey, Error> {
    let since = (now.as_second() / EACH_SECONDS).to_string();
    let key = digest(&[b"again", first.as_str().as_bytes(), since.as_bytes(), &[place]]);
    IdempotencyKey::parse(&key[..32])
}

/// The same kind of action for the same app, to be answered; the rest is what it is judged to be.
fn asking(tenant: &TenantContext, first: Action, now: Timestamp) -> Result<Action, Error> {
    let seconds = i64::from(tenant.settings().token_duration_in_minutes) * 60;
    Ok(Action {
        state: State::ChallengeRequired,
        outcome: Outcome::Challenge,
        created_at: now,
        state_changed_at: now,
        expires_at: Timestamp::from_second(now.as_second() + seconds).map_err(Error::internal)?,
        was_enrolled: true,
        enrolled: None,
        verification: None,
        failure: None,
        ..first
    })
}

fn not_here() -> Error {
    Error::Forbidden("Open this page anew from the app.".into())
}
