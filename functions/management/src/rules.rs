//! Rules of a kind of action (contract, M6-M10).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::{Timestamp, iso},
    enrolable,
    error::Error,
    http::{Body, ManagementCaller, Path, Reply, present},
    id::{ActionCode, RuleId, TenantId},
    method::Method,
    rule::{LAST_PRIORITY, Outcome, Rule, catalogue::Catalogue},
    store::{Versioned, no_rule},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Deleted, each_once, not_empty};

/// A rule; lists that are not set are absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleView {
    rule_id: String,
    action_code: String,
    tenant_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    is_active: bool,
    /// Whether the rule is only evaluated and recorded and decides nothing. Ours.
    is_shadow: bool,
    /// 0 is asked first.
    priority: u8,
    #[serde(rename = "type")]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_methods: Option<Vec<Method>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<Method>,
    /// JsonLogic, as it was sent.
    #[schema(value_type = Value)]
    conditions: Value,
    created_at: String,
}

fn view(tenant: &TenantId, rule: Rule) -> RuleView {
    RuleView {
        rule_id: rule.id.into(),
        action_code: rule.action_code.into(),
        tenant_id: tenant.to_string(),
        name: rule.name,
        description: rule.description,
        is_active: rule.is_active,
        is_shadow: rule.is_shadow,
        priority: rule.priority,
        outcome: rule.outcome,
        verification_methods: rule.verification_methods,
        prompt_to_enroll_verification_methods: rule.prompt_to_enroll_verification_methods,
        default_verification_method: rule.default_verification_method,
        conditions: rule.conditions,
        created_at: iso(rule.created_at),
    }
}

/// A new rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRule {
    name: String,
    description: Option<String>,
    /// `true` where absent.
    is_active: Option<bool>,
    /// `false` where absent.
    is_shadow: Option<bool>,
    /// 0 to 99; no two rules of an action have the same.
    #[schema(value_type = u8)]
    priority: i64,
    #[serde(rename = "type")]
    outcome: Outcome,
    verification_methods: Option<Vec<Method>>,
    prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    default_verification_method: Option<Method>,
    #[schema(value_type = Value)]
    conditions: Value,
}

/// What to change: absent keeps, null clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RuleChanges {
    name: Option<String>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    is_active: Option<Option<bool>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    is_shadow: Option<Option<bool>>,
    #[schema(value_type = Option<u8>)]
    priority: Option<i64>,
    #[serde(rename = "type")]
    outcome: Option<Outcome>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Method>>)]
    verification_methods: Option<Option<Vec<Method>>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Method>>)]
    prompt_to_enroll_verification_methods: Option<Option<Vec<Method>>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Method>)]
    default_verification_method: Option<Option<Method>>,
    #[schema(value_type = Value)]
    conditions: Option<Value>,
}

fn priority(asked: i64) -> Result<u8, Error> {
    let priority = u8::try_from(asked).ok().filter(|priority| *priority <= LAST_PRIORITY);
    priority.ok_or_else(|| Error::Invalid(format!("priority is between 0 and {LAST_PRIORITY}.")))
}

impl CreateRule {
    pub(crate) fn into_rule(self, action_code: ActionCode, now: Timestamp) -> Result<Rule, Error> {
        Ok(Rule {
            id: RuleId::generate(),
            action_code,
            name: self.name,
            description: self.description,
            is_active: self.is_active.unwrap_or(true),
            is_shadow: self.is_shadow.unwrap_or(false),
            priority: priority(self.priority)?,
            outcome: self.outcome,
            verification_methods: not_empty(self.verification_methods),
            prompt_to_enroll_verification_methods: each_once(self.prompt_to_enroll_verification_methods),
            default_verification_method: self.default_verification_method,
            conditions: self.conditions,
            created_at: now,
        })
    }
}

impl RuleChanges {
    fn apply(&self, rule: &mut Rule) -> Result<(), Error> {
        rule.name = self.name.clone().unwrap_or_else(|| rule.name.clone());
        rule.outcome = self.outcome.unwrap_or(rule.outcome);
        rule.is_active = self.is_active.map_or(rule.is_active, |changed| changed.unwrap_or(true));
        rule.is_shadow = self.is_shadow.map_or(rule.is_shadow, |changed| changed.unwrap_or(false));
        if let Some(asked) = self.priority {
            rule.priority = priority(asked)?;
        }
        if let Some(description) = &self.description {
            rule.description = description.clone();
        }
        if let Some(methods) = &self.verification_methods {
            rule.verification_methods = not_empty(methods.clone());
        }
        if let Some(methods) = &self.prompt_to_enroll_verification_methods {
            rule.prompt_to_enroll_verification_methods = each_once(methods.clone());
        }
        if let Some(method) = self.default_verification_method {
            rule.default_verification_method = method;
        }
        if let Some(conditions) = &self.conditions {
            rule.conditions = conditions.clone();
        }
        Ok(())
    }
}

/// A rule fits to what the tenant has, and to what is asked of everybody.
fn check(seen: &Versioned, rule: &Rule) -> Result<(), Error> {
    rule.check(&Catalogue::new(&seen.points, &seen.lists))?;
    seen.enforced().map_or(Ok(()), |settings| enrolable::check_rule(settings, rule))
}

/// List the rules of a kind of action, by priority.
#[utoipa::path(get, path = "/v1/management/action-configurations/{actionCode}/rules", tag = "Management API",
    operation_id = "listRules", params(("actionCode" = String, Path)),
    responses((status = 200, body = Vec<RuleView>)), security(("managementKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(code): Path<ActionCode>,
) -> Reply<Vec<RuleView>> {
    let rules = app.store().tenant(tenant.id()).rules(&code).await?;
    Ok(Json(rules.into_iter().map(|rule| view(tenant.id(), rule)).collect()))
}

/// Make a rule; 400 where another rule of the action has its priority. Names and types in its conditions are checked.
#[utoipa::path(post, path = "/v1/management/action-configurations/{actionCode}/rules", tag = "Management API",
    operation_id = "createRule", params(("actionCode" = String, Path)), request_body = CreateRule,
    responses((status = 200, body = RuleView)), security(("managementKey" = [])))]
pub(crate) async fn create(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(code): Path<ActionCode>,
    Body(request): Body<CreateRule>,
) -> Reply<RuleView> {
    let rule = request.into_rule(code, app.now())?;
    app.store().tenant(tenant.id()).create_rule(&rule, |seen| check(seen, &rule)).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(view(tenant.id(), rule)))
}

type RulePath = Path<(ActionCode, RuleId)>;

/// Get a rule.
#[utoipa::path(get, path = "/v1/management/action-configurations/{actionCode}/rules/{ruleId}", tag = "Management API",
    operation_id = "getRule", params(("actionCode" = String, Path), ("ruleId" = String, Path)),
    responses((status = 200, body = RuleView)), security(("managementKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path((code, id)): RulePath,
) -> Reply<RuleView> {
    let rules = app.store().tenant(tenant.id()).rules(&code).await?;
    let rule = rules.into_iter().find(|rule| rule.id == id).ok_or_else(no_rule)?;
    Ok(Json(view(tenant.id(), rule)))
}

/// Change a rule: absent keeps, null clears.
#[utoipa::path(patch, path = "/v1/management/action-configurations/{actionCode}/rules/{ruleId}", tag = "Management API",
    operation_id = "updateRule", params(("actionCode" = String, Path), ("ruleId" = String, Path)),
    request_body = RuleChanges, responses((status = 200, body = RuleView)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path((code, id)): RulePath,
    Body(changes): Body<RuleChanges>,
) -> Reply<RuleView> {
    let change = |seen: &Versioned, rule: &mut Rule| {
        changes.apply(rule)?;
        check(seen, rule)
    };
    let changed = app.store().tenant(tenant.id()).change_rule(&code, &id, change).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(view(tenant.id(), changed)))
}

/// Delete a rule; 404 where there is none.
#[utoipa::path(delete, path = "/v1/management/action-configurations/{actionCode}/rules/{ruleId}", tag = "Management API",
    operation_id = "deleteRule", params(("actionCode" = String, Path), ("ruleId" = String, Path)),
    responses((status = 200, body = Deleted)), security(("managementKey" = [])))]
pub(crate) async fn delete(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path((code, id)): RulePath,
) -> Reply<Deleted> {
    app.store().tenant(tenant.id()).delete_rule(&code, &id).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(Deleted { success: true }))
}
