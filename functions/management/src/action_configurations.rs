//! Kinds of action (contract, M1–M5).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::{Timestamp, iso},
    enrolable,
    error::Error,
    facts::Texts,
    http::{Body, ManagementCaller, Path, Reply, present},
    id::{ActionCode, TenantId},
    method::Method,
    policy::FailureMode,
    rule::Outcome,
    store::{Versioned, no_action_config},
    tenant::ActionConfig,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Deleted, each_once, not_empty};

/// A kind of action; lists that are not set are absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionConfiguration {
    action_code: String,
    tenant_id: String,
    default_user_action_result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_templates: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_methods: Option<Vec<Method>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_webhook_url: Option<String>,
    /// What happens while the tenant's configuration cannot be read; absent for `closed`. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_mode: Option<FailureMode>,
    /// What users read it to be, by language; its code, spelled as words, where absent. Ours.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    #[schema(required = false)]
    display_name: Texts,
    /// The outcome where a rule cannot be evaluated; CHALLENGE where absent. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_error_outcome: Option<Outcome>,
    /// When the last one was tracked, ISO 8601 in UTC, to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_action_created_at: Option<String>,
}

impl ActionConfiguration {
    fn new(tenant: &TenantId, config: ActionConfig) -> Self {
        let last = config.last_action_created_at.and_then(|second| Timestamp::from_second(second).ok());
        Self {
            action_code: config.action_code.into(),
            tenant_id: tenant.to_string(),
            default_user_action_result: config.default_user_action_result,
            messaging_templates: config.messaging_templates,
            verification_methods: config.verification_methods,
            prompt_to_enroll_verification_methods: config.prompt_to_enroll_verification_methods,
            default_verification_method: config.default_verification_method,
            verification_webhook_url: config.verification_webhook_url,
            display_name: config.display_name,
            failure_mode: Some(config.failure_mode).filter(|mode| *mode != FailureMode::Closed),
            rule_error_outcome: config.rule_error_outcome,
            last_action_created_at: last.map(iso),
        }
    }
}

/// What to set. In a PATCH, absent keeps and null clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Changes {
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Outcome>)]
    default_user_action_result: Option<Option<Outcome>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    messaging_templates: Option<Option<Value>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Method>>)]
    verification_methods: Option<Option<Vec<Method>>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Method>>)]
    prompt_to_enroll_verification_methods: Option<Option<Vec<Method>>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Method>)]
    default_verification_method: Option<Option<Method>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    verification_webhook_url: Option<Option<String>>,
    /// What happens to the action while the tenant's configuration cannot be read: `closed` (503), `review` or `open`. Ours.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<FailureMode>)]
    failure_mode: Option<Option<FailureMode>>,
    /// What users read it to be, by language: up to 60 characters each.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Texts>)]
    display_name: Option<Option<Texts>>,
    /// The outcome where a rule cannot be evaluated: CHALLENGE, REVIEW or BLOCK.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Outcome>)]
    rule_error_outcome: Option<Option<Outcome>>,
}

impl Changes {
    fn apply(&self, config: &mut ActionConfig) -> Result<(), Error> {
        if let Some(outcome) = self.default_user_action_result {
            config.default_user_action_result = outcome.unwrap_or(Outcome::Challenge);
        }
        if let Some(templates) = &self.messaging_templates {
            config.messaging_templates = templates.clone();
        }
        if let Some(methods) = &self.verification_methods {
            config.verification_methods = not_empty(methods.clone());
        }
        if let Some(methods) = &self.prompt_to_enroll_verification_methods {
            config.prompt_to_enroll_verification_methods = each_once(methods.clone());
        }
        if let Some(method) = self.default_verification_method {
            config.default_verification_method = method;
        }
        if let Some(mode) = self.failure_mode {
            config.failure_mode = mode.unwrap_or_default();
        }
        if let Some(name) = &self.display_name {
            config.display_name = name.clone().unwrap_or_default();
        }
        if let Some(url) = &self.verification_webhook_url {
            config.verification_webhook_url = url.clone();
        }
        if let Some(outcome) = self.rule_error_outcome {
            config.rule_error_outcome = outcome;
        }
        config.check()
    }
}

/// A new kind of action; what is absent or null is not set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRequest {
    #[schema(value_type = String)]
    action_code: ActionCode,
    default_user_action_result: Option<Outcome>,
    #[schema(value_type = Option<Object>)]
    messaging_templates: Option<Value>,
    verification_methods: Option<Vec<Method>>,
    prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    default_verification_method: Option<Method>,
    verification_webhook_url: Option<String>,
    failure_mode: Option<FailureMode>,
    /// What users read it to be, by language: up to 60 characters each.
    display_name: Option<Texts>,
    /// The outcome where a rule cannot be evaluated: CHALLENGE, REVIEW or BLOCK.
    rule_error_outcome: Option<Outcome>,
}

impl CreateRequest {
    fn into_config(self) -> Result<ActionConfig, Error> {
        let mut config = ActionConfig::new(self.action_code);
        let changes = Changes {
            default_user_action_result: Some(self.default_user_action_result),
            messaging_templates: Some(self.messaging_templates),
            verification_methods: Some(self.verification_methods),
            prompt_to_enroll_verification_methods: Some(self.prompt_to_enroll_verification_methods),
            default_verification_method: Some(self.default_verification_method),
            verification_webhook_url: Some(self.verification_webhook_url),
            failure_mode: Some(self.failure_mode),
            display_name: Some(self.display_name),
            rule_error_outcome: Some(self.rule_error_outcome),
        };
        changes.apply(&mut config)?;
        Ok(config)
    }
}

/// List the kinds of action, by code.
#[utoipa::path(get, path = "/v1/management/action-configurations", tag = "Management API",
    operation_id = "listActionConfigurations", responses((status = 200, body = Vec<ActionConfiguration>)),
    security(("managementKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
) -> Reply<Vec<ActionConfiguration>> {
    let loaded = app.store().tenant(tenant.id()).load().await?;
    let mut all = loaded.map(|loaded| loaded.actions).unwrap_or_default();
    all.sort_by(|one, two| one.action_code.cmp(&two.action_code));
    Ok(Json(all.into_iter().map(|config| ActionConfiguration::new(tenant.id(), config)).collect()))
}

/// Make a kind of action; 409 where its code is taken.
#[utoipa::path(post, path = "/v1/management/action-configurations", tag = "Management API",
    operation_id = "createActionConfiguration", request_body = CreateRequest,
    responses((status = 200, body = ActionConfiguration)), security(("managementKey" = [])))]
pub(crate) async fn create(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(request): Body<CreateRequest>,
) -> Reply<ActionConfiguration> {
    let config = request.into_config()?;
    let check = |seen: &Versioned| can_be_set_up(seen, &config);
    let existing = app.store().tenant(tenant.id()).create_action_config(&config, check).await?;
    app.forget_tenant(tenant.id());
    if existing.is_some() {
        return Err(Error::Conflict(format!("There is an action configuration {} already.", config.action_code)));
    }
    Ok(Json(ActionConfiguration::new(tenant.id(), config)))
}

/// 409 where two factors are asked of everybody, and nobody could set up what answers this.
fn can_be_set_up(seen: &Versioned, config: &ActionConfig) -> Result<(), Error> {
    seen.enforced().map_or(Ok(()), |settings| enrolable::check_action(settings, config))
}

/// Get a kind of action.
#[utoipa::path(get, path = "/v1/management/action-configurations/{actionCode}", tag = "Management API",
    operation_id = "getActionConfiguration", params(("actionCode" = String, Path)),
    responses((status = 200, body = ActionConfiguration)), security(("managementKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(code): Path<ActionCode>,
) -> Reply<ActionConfiguration> {
    let config = app.store().tenant(tenant.id()).action_config(&code).await?.ok_or_else(no_action_config)?;
    Ok(Json(ActionConfiguration::new(tenant.id(), config)))
}

/// Change a kind of action: absent keeps, null clears.
#[utoipa::path(patch, path = "/v1/management/action-configurations/{actionCode}", tag = "Management API",
    operation_id = "updateActionConfiguration", params(("actionCode" = String, Path)), request_body = Changes,
    responses((status = 200, body = ActionConfiguration)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(code): Path<ActionCode>,
    Body(changes): Body<Changes>,
) -> Reply<ActionConfiguration> {
    let change = |seen: &Versioned, config: &mut ActionConfig| {
        changes.apply(config)?;
        can_be_set_up(seen, config)
    };
    let changed = app.store().tenant(tenant.id()).change_action_config(&code, change).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(ActionConfiguration::new(tenant.id(), changed)))
}

/// Delete a kind of action with its rules; 404 where there is none. Tracked again, it is made anew with the outcome CHALLENGE.
#[utoipa::path(delete, path = "/v1/management/action-configurations/{actionCode}", tag = "Management API",
    operation_id = "deleteActionConfiguration", params(("actionCode" = String, Path)),
    responses((status = 200, body = Deleted)), security(("managementKey" = [])))]
pub(crate) async fn delete(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(code): Path<ActionCode>,
) -> Reply<Deleted> {
    app.store().tenant(tenant.id()).delete_action_config(&code).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(Deleted { success: true }))
}
