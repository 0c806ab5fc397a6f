//! The page of what a user has asks again who they are, once the last success is too old to change anything by. It makes an
//! action of its own for that, of the kind and for the app of the first one, which only a full proof succeeds.

use crate::{
    action::{Action, State},
    admission::{self, Admitted},
    app::{App, UserCaller},
    clock::Timestamp,
    error::Error,
    id::{ActionId, IdempotencyKey, digest},
    rule::Outcome,
    store::Tracked,
    token::{Subject, scope},
};

/// How long after its token has expired a page still asks again. Later the app has to track another action.
const LATE_SECONDS: i64 = 1800;

/// One action in so many seconds for each first one, whoever presses how often.
const EACH_SECONDS: i64 = 300;

/// What the fingerprint of such an action is made of. No track has it, so one with its idempotency key is refused.
const FINGERPRINT: &str = "a page";

/// Whether a page may ask again: its action was succeeded once, and its token is valid or has expired a short while ago.
pub fn may_ask_anew(caller: &UserCaller, action: &Action, now: Timestamp) -> bool {
    action.state == State::ChallengeSucceeded
        && action.verification.is_some()
        && now.as_second() < caller.claims.exp + LATE_SECONDS
}

/// The token of an action that asks again. It allows no more than to answer. 403 where [`may_ask_anew`] says no, or what
/// answered the first action answers none any more.
pub async fn ask_anew(app: &App, caller: &UserCaller, now: Timestamp) -> Result<String, Error> {
    let Admitted { user, action, .. } = admission::open(app, caller).await?;
    let tenant = &caller.tenant;
    let methods: Vec<_> =
        action.allowed_methods.iter().copied().filter(|method| tenant.settings().is_active(*method)).collect();
    if !may_ask_anew(caller, &action, now) || methods.is_empty() || !user.can_answer() {
        return Err(Error::Forbidden("Open this page anew from the app.".into()));
    }
    let keys = app.signing_keys(tenant).await?;
    let seconds = i64::from(tenant.settings().token_duration_in_minutes) * 60;
    let turn = (now.as_second() / EACH_SECONDS).to_string();
    let key = digest(&[b"again", action.id.as_str().as_bytes(), turn.as_bytes()]);
    let asked = Action {
        id: ActionId::generate(),
        key: IdempotencyKey::parse(&key[..32])?,
        state: State::ChallengeRequired,
        outcome: Outcome::Challenge,
        created_at: now,
        state_changed_at: now,
        expires_at: Timestamp::from_second(now.as_second() + seconds).map_err(Error::internal)?,
        fingerprint: FINGERPRINT.into(),
        allowed_methods: methods,
        was_enrolled: true,
        enrolled: None,
        verification: None,
        failure: None,
        rules: None,
        ..action
    };
    let asked = match app.store().tenant(tenant.id()).track(&user, false, &asked, None, None).await? {
        Tracked::Created => asked,
        Tracked::Existing(existing) if existing.fingerprint == FINGERPRINT => *existing,
        Tracked::Existing(_) | Tracked::Stale => return Err(Error::unavailable("the user kept changing")),
    };
    tracing::info!(event = "asked_anew", tenant = %tenant.id(), user = %user.uid, action = %asked.id);
    let subject = Subject { idempotency_key: asked.key.clone(), ..caller.claims.other.clone() };
    tenant.issue_token(keys, subject, asked.id, scope::parse(None)?, now)
}
