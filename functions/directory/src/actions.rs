//! Actions of a user, as their backend sees them.

use axum::{Json, extract::State};
use countersign_core::{
    action::{self, Action, Failure, Verification},
    app::App,
    clock::{Timestamp, iso},
    error::Error,
    http::{Body, Path, Query, Reply, ServerCaller},
    id::{ActionCode, IdempotencyKey, UserId},
    method::Method,
    rule::Named,
    store::{UserAndAction, no_action},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An action (contract, S11).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionView {
    state: action::State,
    state_updated_at: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<Method>,
    /// Why the failure mode decided the action, and not its rules. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// The active rules that matched, by priority.
    rules: Vec<Named>,
    /// Absent where the action had no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_ids: Option<Vec<String>>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_rule_id: Option<String>,
    /// The shadow rules that matched. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow_rule_ids: Option<Vec<String>>,
    /// What else is known of the success; an empty object where nothing is.
    output: serde_json::Map<String, serde_json::Value>,
}

impl From<Action> for ActionView {
    fn from(action: Action) -> Self {
        let has_rules = action.rules.is_some();
        let rules = action.rules.map(|rules| *rules).unwrap_or_default();
        let shadow: Vec<String> = rules.shadow.into_iter().map(String::from).collect();
        Self {
            state: action.state,
            state_updated_at: iso(action.state_changed_at),
            created_at: iso(action.created_at),
            verification_method: action.verification.as_ref().map(|one| one.method.on_run_time_api()),
            failure: action.failure,
            rule_ids: has_rules.then(|| rules.matched.iter().map(|rule| rule.rule_id.to_string()).collect()),
            rules: rules.matched,
            priority_rule_id: rules.decided_by.map(String::from),
            shadow_rule_ids: Some(shadow).filter(|shadow| !shadow.is_empty()),
            output: action.verification.as_ref().map(output).unwrap_or_default(),
        }
    }
}

/// How strong an approval on a device was: whether a number was carried over, and whether all that was shown was signed.
fn output(verification: &Verification) -> serde_json::Map<String, serde_json::Value> {
    let of_device = verification.method.is_of_device();
    let strength = of_device.then(|| serde_json::to_value(verification.strength).unwrap_or_default());
    strength.map(|strength| ("approval".to_owned(), strength)).into_iter().collect()
}

type ActionPath = Path<(UserId, ActionCode, IdempotencyKey)>;

/// Get an action; 404 for one that was never tracked.
#[utoipa::path(get, path = "/v1/users/{userId}/actions/{action}/{idempotencyKey}", tag = "Server API",
    operation_id = "getAction",
    params(("userId" = String, Path), ("action" = String, Path), ("idempotencyKey" = String, Path)),
    responses((status = 200, body = ActionView)), security(("secretKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user_id, code, key)): ActionPath,
) -> Reply<ActionView> {
    let store = app.store().tenant(tenant.id());
    let key = store.action_key(&user_id, &code, &key);
    let UserAndAction { user, action, .. } = store.user_profile_and_action(&user_id, &key).await?;
    let action = action.filter(|action| user.is_some_and(|user| user.uid.is_of_same_life(&action.user_uid)));
    Ok(Json(action.ok_or_else(no_action)?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UpdateActionRequest {
    /// The new state; an action that has come to its end keeps it.
    state: action::State,
}

/// Move an action to another state, such as the end of a review.
#[utoipa::path(patch, path = "/v1/users/{userId}/actions/{action}/{idempotencyKey}", tag = "Server API",
    operation_id = "updateAction",
    params(("userId" = String, Path), ("action" = String, Path), ("idempotencyKey" = String, Path)),
    request_body = UpdateActionRequest, responses((status = 200, body = ActionView)), security(("secretKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user_id, code, key)): ActionPath,
    Body(request): Body<UpdateActionRequest>,
) -> Reply<ActionView> {
    let store = app.store().tenant(tenant.id());
    let key = store.action_key(&user_id, &code, &key);
    let user = store.user(&user_id).await?.ok_or_else(no_action)?;
    let action = store.set_state(&user, &key, request.state, app.now()).await?;
    tracing::info!(event = "action_moved", tenant = %tenant.id(), action = %action.id, state = action.state.as_str());
    Ok(Json(action.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ActionQuery {
    /// ISO 8601; 30 days ago by default, and at the most.
    from_date: Option<String>,
    /// Action codes, separated by commas.
    codes: Option<String>,
    state: Option<String>,
}

/// An action in a list (contract, S13).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedAction {
    action_code: String,
    idempotency_key: String,
    created_at: String,
    updated_at: String,
    state: action::State,
    state_updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_by_authenticator_id: Option<String>,
}

impl From<Action> for ListedAction {
    fn from(action: Action) -> Self {
        let (method, authenticator) =
            action.verification.map(|v| (v.method.on_run_time_api(), v.authenticator.into())).unzip();
        Self {
            action_code: action.code.into(),
            idempotency_key: action.key.into(),
            created_at: iso(action.created_at),
            updated_at: iso(action.state_changed_at),
            state: action.state,
            state_updated_at: iso(action.state_changed_at),
            verification_method: method,
            verified_by_authenticator_id: authenticator,
        }
    }
}

const DAY: i64 = 24 * 3600;

/// List a user's actions, newest first.
#[utoipa::path(get, path = "/v1/users/{userId}/actions", tag = "Server API", operation_id = "queryUserActions",
    params(("userId" = String, Path), ActionQuery), responses((status = 200, body = Vec<ListedAction>)), security(("secretKey" = [])))]
pub(crate) async fn query(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(user_id): Path<UserId>,
    Query(query): Query<ActionQuery>,
) -> Reply<Vec<ListedAction>> {
    let now = app.now();
    let since = since(query.from_date.as_deref(), now)?;
    let codes: Option<Vec<&str>> = query.codes.as_deref().map(|codes| codes.split(',').map(str::trim).collect());
    let state = match query.state.as_deref() {
        None => None,
        Some(name) => Some(action::State::parse(name).ok_or_else(|| {
            let names: Vec<&str> = action::State::ALL.iter().map(|state| state.as_str()).collect();
            Error::Invalid(format!("state is one of {}.", names.join(", ")))
        })?),
    };
    let store = app.store().tenant(tenant.id());
    let Some(user) = store.user(&user_id).await? else { return Ok(Json(Vec::new())) };
    let mut actions = store.actions_since(&user, since).await?;
    actions.retain(|action| codes.as_ref().is_none_or(|codes| codes.contains(&action.code.as_str())));
    actions.retain(|action| state.is_none_or(|state| action.state == state));
    Ok(Json(actions.into_iter().map(ListedAction::from).collect()))
}

/// From when on actions are listed. A day more than 30 is let pass, for a caller whose "30 days ago" is not ours.
fn since(from_date: Option<&str>, now: Timestamp) -> Result<Timestamp, Error> {
    let days_ago = |days: i64| Timestamp::from_second(now.as_second() - days * DAY).unwrap_or(Timestamp::MIN);
    let Some(text) = from_date else { return Ok(days_ago(30)) };
    let asked: Timestamp = text
        .parse()
        .map_err(|_| Error::invalid("fromDate is a date and time in ISO 8601, such as 2026-11-01T00:00:00Z."))?;
    if asked < days_ago(31) {
        return Err(Error::invalid("fromDate is at most 30 days ago."));
    }
    Ok(asked)
}
