//! What decides an action: its configuration and the tenant's policy, as read or as last known. Both are of one
//! reading, because an action that an older copy does not know may have come with rules, lists and data points that the
//! copy lacks too.

use std::{borrow::Cow, sync::Arc};

use countersign_core::{
    action::Failure,
    app::{App, TenantContext},
    clock::Timestamp,
    error::Error,
    id::ActionCode,
    metrics::{Counter, count},
    policy::Policy,
    tenant::ActionConfig,
};

/// What decides an action.
pub(crate) struct Kind<'a> {
    pub(crate) config: ActionConfig,
    pub(crate) policy: Cow<'a, Policy>,
    pub(crate) failure: Option<Failure>,
}

/// A kind of action, and the reading of the tenant that it is from.
pub(crate) struct Configured {
    pub(crate) tenant: Arc<TenantContext>,
    pub(crate) config: ActionConfig,
}

const HOUR: i64 = 3600;

/// The kind of action as it is cached; one that nobody has seen is made, with the outcome CHALLENGE. Where the cache is
/// found to be out of date about it, the whole tenant is read anew.
pub(crate) async fn configured(
    app: &App,
    tenant: Arc<TenantContext>,
    code: &ActionCode,
    now: Timestamp,
) -> Result<Configured, Error> {
    let (id, seen_now) = (tenant.id(), now.as_second());
    let store = app.store().tenant(id);
    let known = tenant.action(code).cloned();
    if let Some(known) = &known {
        let is_noted = known.last_action_created_at.is_some_and(|last| seen_now - last < HOUR);
        if is_noted || store.touch_action_config(code, seen_now).await? {
            if !is_noted {
                app.expire_tenant(id);
            }
            return Ok(Configured { config: known.clone(), tenant });
        }
    }
    // New, or removed since it was cached: then it is seen for the first time again, without the rules it had.
    let new = ActionConfig { last_action_created_at: Some(seen_now), ..ActionConfig::new(code.clone()) };
    // It names no methods: whatever the tenant asks of everybody, it can be answered.
    let existing = store.create_action_config(&new, |_| Ok(())).await?;
    app.expire_tenant(id);
    if known.is_none() && existing.is_none() {
        return Ok(Configured { config: new, tenant });
    }
    let anew = app.tenant_anew(id).await?.ok_or(Error::Unauthorized)?;
    let config =
        anew.action(code).cloned().ok_or_else(|| Error::unavailable("the action configuration kept changing"))?;
    Ok(Configured { tenant: anew, config })
}

impl Kind<'_> {
    /// What decides an action while the configuration cannot be read: 503, unless the failure mode of its copy says
    /// otherwise. Whether two factors are enforced is read anew. An enforcement is never taken back, so the answer can
    /// only be stricter than the copy.
    pub(crate) async fn by_copy(
        app: &App,
        tenant: &TenantContext,
        code: &ActionCode,
        failure: Error,
    ) -> Result<Self, Error> {
        let copy = tenant.action(code).cloned();
        let outcome = copy.as_ref().and_then(|copy| copy.failure_mode.outcome(copy.default_user_action_result));
        let Some((copy, outcome)) = copy.zip(outcome) else { return Err(failure) };
        let enforcement = app.store().tenant(tenant.id()).enforcement().await?;
        count(Counter::ActionsInFailureMode);
        let cause = std::error::Error::source(&failure).map(ToString::to_string);
        tracing::warn!(event = "decided_by_failure_mode", tenant = %tenant.id(), mode = copy.failure_mode.as_str(), cause);
        Ok(Self {
            config: ActionConfig { default_user_action_result: outcome, ..copy },
            policy: Cow::Owned(Policy { enforcement, ..tenant.policy().clone() }),
            failure: Some(Failure::ConfigurationUnavailable),
        })
    }
}
