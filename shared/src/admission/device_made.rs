//! Actions that a device makes: nobody tracked them, so they are admitted here as track admits others, when they are begun
//! and again when they are decided.

use serde_json::json;

use countersign_domain::{
    action::{About, Verification},
    method::device::Context,
    rule::{Outcome, facts::Given},
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
};

/// Whose device asks, and for what.
pub struct Asker<'a> {
    pub user: &'a UserId,
    pub uid: &'a UserUid,
    pub about: &'a About,
    /// What is known of the browser that shows the code; nothing that it claims of the action.
    pub context: &'a Context,
    pub method: Method,
}

fn config(tenant: &TenantContext, code: &ActionCode) -> ActionConfig {
    tenant.action(code).cloned().unwrap_or_else(|| ActionConfig::new(code.clone()))
}

/// Whether somebody of whom nothing is known may begin an action of this kind. Its rules are asked once the user is
/// known; a kind without rules is refused at once where it is blocked or held back.
pub fn may_begin(tenant: &TenantContext, code: &ActionCode, method: Method) -> Result<(), Error> {
    is_answered_by(tenant, code, method)?;
    if tenant.rules(code).is_none() {
        lets_through(config(tenant, code).default_user_action_result)?;
    }
    Ok(())
}

/// The action that the approval of a device would make. 403 where the tenant's rules, or the kind of action, would block
/// it or hold it back, and where they do not name the method. Asked again at the decision, of the rules as they are then.
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
    let given = Given {
        ip_address: asker.context.ip_address.as_deref(),
        user_agent: asker.context.user_agent.as_deref(),
        ..Given::default()
    };
    let has_rules = tenant.rules(&kind.action_code).is_some();
    if !has_rules {
        // Without rules nothing of the user is needed, so it is not read.
        let nobody = tenant.new_user(asker.user.clone(), now);
        let case = Case { tenant, config: kind, given, user: &nobody, profile: &Default::default(), now };
        return Ok(Judgement::of(app, case, None));
    }
    let store = app.store().tenant(tenant.id());
    let Reading { user, profile, seen } = Reading::of(store, asker.user, has_rules, false, None).await?;
    let user = user.filter(|user| user.uid == *asker.uid).ok_or(Error::InvalidCredential)?;
    let profile = profile.map(|stored| stored.profile).unwrap_or_default();
    Ok(Judgement::of(app, Case { tenant, config: kind, given, user: &user, profile: &profile, now }, seen))
}

fn lets_through(outcome: Outcome) -> Result<(), Error> {
    match outcome {
        Outcome::Allow | Outcome::Challenge => Ok(()),
        Outcome::Review | Outcome::Block => {
            Err(Error::Forbidden("This action is not open to an approval alone: the backend has to track it.".into()))
        }
    }
}
