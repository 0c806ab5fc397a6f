//! By what an action is decided: its configuration and the tenant's policy, as read or as last known.

use std::borrow::Cow;

use countersign_core::{
    action::Failure,
    app::{App, TenantContext},
    error::Error,
    id::ActionCode,
    metrics::{Counter, count},
    policy::Policy,
    tenant::ActionConfig,
};

/// By what an action is decided.
pub(crate) struct Kind<'a> {
    pub(crate) config: ActionConfig,
    pub(crate) policy: Cow<'a, Policy>,
    pub(crate) failure: Option<Failure>,
}

impl Kind<'_> {
    /// As it fails while the configuration cannot be read: 503, unless its copy says otherwise. Whether two factors
    /// are enforced is asked anew: no copy from before that lets anybody past it.
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
        tracing::warn!(event = "decided_by_failure_mode", tenant = %tenant.id(), mode = ?copy.failure_mode, cause);
        Ok(Self {
            config: ActionConfig { default_user_action_result: outcome, ..copy },
            policy: Cow::Owned(Policy { enforcement, ..tenant.policy().clone() }),
            failure: Some(Failure::ConfigurationUnavailable),
        })
    }
}
