//! Actions that a device makes: nobody tracked them, so they are admitted here as track admits others, when they are begun
//! and again when they are decided.

use serde_json::json;

use countersign_domain::{
    action::{About, Verification},
    method::device::Context,
    rule::{Outcome, Rule, RuleSet, facts::Given},
};

use super::{Case, Judgement, Reading, is_answered_by, not_by};
use crate::{
    action::Action,
    app::{App, TenantContext},
    clock::Timestamp,
    error::Error,
    id::{ActionCode, UserId, UserUid},
    method::Method,
    tenant::ActionConfig,
    user::Profile,
};

/// Whose device asks, and for what.
pub struct Asker<'a> {
    pub user: &'a UserId,
    pub uid: &'a UserUid,
    pub about: &'a About,
    /// What is known of whoever asks. Rules are asked with what the server sees of it, and with nothing that is claimed.
    pub context: &'a Context,
    pub method: Method,
}

pub(super) fn config(tenant: &TenantContext, code: &ActionCode) -> ActionConfig {
    tenant.action(code).cloned().unwrap_or_else(|| ActionConfig::new(code.clone()))
}

/// What somebody begins of whom nothing is known.
pub struct Beginning<'a> {
    pub code: &'a ActionCode,
    pub method: Method,
    pub context: &'a Context,
    /// An idempotency key was given: the backend may have tracked the action, for a user who is not known yet.
    pub may_be_tracked: bool,
}

/// Whether somebody of whom nothing is known may begin an action of this kind. Its rules are asked once the user is
/// known; a kind without rules is refused at once where it is blocked or held back, and one with a rule that could stop
/// it and will never be judged.
pub fn may_begin(tenant: &TenantContext, beginning: &Beginning<'_>) -> Result<(), Error> {
    let Beginning { code, method, context, may_be_tracked } = beginning;
    is_answered_by(tenant, code, *method)?;
    match tenant.rules(code) {
        Some(_) if *may_be_tracked => Ok(()),
        Some(rules) => can_be_judged(rules, *method, seen(context)),
        None => lets_through(config(tenant, code).default_user_action_result),
    }
}

/// What rules are asked with: where the request came from, as the server saw it. The page's word of its browser is left
/// out, because it says what it likes.
fn seen(context: &Context) -> Given<'_> {
    Given { ip_address: context.ip_address.as_deref(), ..Given::default() }
}

/// 403 where a rule could stop the action, or ask for other methods, and asks about what only a backend can say: it can
/// be said neither that it matches nor that it does not (security.md, T40).
fn can_be_judged(rules: &RuleSet, method: Method, given: Given<'_>) -> Result<(), Error> {
    let stops = |rule: &Rule| match rule.outcome {
        Outcome::Review | Outcome::Block => true,
        Outcome::Allow | Outcome::Challenge => {
            rule.verification_methods.as_ref().is_some_and(|methods| !methods.contains(&method))
        }
    };
    let unknown = rules.unknown(|point| given.is_known_untracked(point)).find(|(rule, _)| stops(rule));
    let Some((_, point)) = unknown else { return Ok(()) };
    Err(Error::Forbidden(format!(
        "A rule of this kind of action asks about {point}, which only a backend can say. Have the backend track the \
         action, and begin with its token."
    )))
}

/// The action that the approval of a device would make. 403 where the tenant's rules, or the kind of action, would block
/// it or hold it back, where such a rule cannot be judged, and where they do not name the method. Asked again
/// at the decision, of the rules as they are then.
pub async fn made_by_device(
    app: &App,
    tenant: &TenantContext,
    asker: &Asker<'_>,
    verification: Verification,
) -> Result<Action, Error> {
    let now = verification.at;
    let About { code, key, id, .. } = asker.about;
    is_answered_by(tenant, code, asker.method)?;
    let kind = config(tenant, code);
    let judged = judged(app, tenant, &kind, asker, now).await?;
    lets_through(judged.outcome)?;
    if !judged.methods.contains(&asker.method) {
        return Err(not_by(asker.method));
    }
    let Context { ip_address, user_agent, .. } = asker.context;
    Ok(Action {
        id: id.clone(),
        user_uid: asker.uid.clone(),
        code: code.clone(),
        key: key.clone(),
        state: crate::action::State::ChallengeSucceeded,
        outcome: Outcome::Challenge,
        created_at: now,
        state_changed_at: now,
        expires_at: now,
        // No track has this fingerprint, so one with this idempotency key is refused as being about something else.
        fingerprint: "a device".into(),
        allowed_methods: judged.methods,
        redirect_url: None,
        was_enrolled: true,
        enrolled: None,
        verification: Some(verification),
        failure: None,
        input: json!({ "ipAddress": ip_address, "userAgent": user_agent }).to_string(),
        rules: judged.rules,
    })
}

async fn judged(
    app: &App,
    tenant: &TenantContext,
    kind: &ActionConfig,
    asker: &Asker<'_>,
    now: Timestamp,
) -> Result<Judgement, Error> {
    let given = seen(asker.context);
    let Some(rules) = tenant.rules(&kind.action_code) else {
        // Without rules nothing of the user is needed, so it is not read.
        let (nobody, profile) = (tenant.new_user(asker.user.clone(), now), Profile::default());
        let case = Case { tenant, config: kind, given, user: &nobody, profile: &profile, is_tracked: false, now };
        return Ok(Judgement::of(app, case, None));
    };
    can_be_judged(rules, asker.method, given)?;
    let store = app.store().tenant(tenant.id());
    let Reading { user, profile, seen } = Reading::of(store, asker.user, true, false, None).await?;
    let user = user.filter(|user| user.uid == *asker.uid).ok_or(Error::InvalidCredential)?;
    let profile = profile.map(|stored| stored.profile).unwrap_or_default();
    let case = Case { tenant, config: kind, given, user: &user, profile: &profile, is_tracked: false, now };
    Ok(Judgement::of(app, case, seen))
}

pub(super) fn lets_through(outcome: Outcome) -> Result<(), Error> {
    match outcome {
        Outcome::Allow | Outcome::Challenge => Ok(()),
        Outcome::Review | Outcome::Block => {
            Err(Error::Forbidden("This action is not open to an approval alone: the backend has to track it.".into()))
        }
    }
}
