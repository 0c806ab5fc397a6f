//! Replay: what other rules would have made of actions that are past, page by page. Ours.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::{Timestamp, iso},
    error::Error,
    http::{Body, ManagementCaller, Path, Reply},
    id::{ActionCode, TenantId, UserId},
    replay::{Candidate, Report},
    rule::{Outcome, catalogue::Catalogue},
    store::{PAGE_USERS, no_action_config},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules::CreateRule;

/// Actions are kept for 31 days, and listed for 30.
const MOST_DAYS: i64 = 30;
const MOST_RULES: usize = 100;

/// A candidate: all rules that the action would have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayRequest {
    rules: Vec<CreateRule>,
    /// The outcome without a rule; the action's own where absent.
    default_user_action_result: Option<Outcome>,
    /// The outcome where a rule cannot be evaluated; the action's own where absent.
    rule_error_outcome: Option<Outcome>,
    /// How many days back: 1 to 30; 7 where absent.
    days: Option<i64>,
    /// The most users of a page: 1 to 100, and 100 where absent.
    max_users: Option<usize>,
    /// `lastEvaluatedUserId` of the page before.
    #[schema(value_type = Option<String>)]
    last_evaluated_user_id: Option<UserId>,
}

/// The report of this page: at most 100 users, and about 1,000 actions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayResponse {
    /// ISO 8601, UTC.
    since: String,
    /// Users whose actions were read.
    users: usize,
    #[serde(flatten)]
    report: Report,
    /// Absent after the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_user_id: Option<String>,
}

/// Try other rules on past actions, for a page of users. Nothing is changed.
#[utoipa::path(post, path = "/v1/management/action-configurations/{actionCode}/rules/replay", tag = "Management API",
    operation_id = "replayRules", params(("actionCode" = String, Path)), request_body = ReplayRequest,
    responses((status = 200, body = ReplayResponse)), security(("managementKey" = [])))]
pub(crate) async fn replay(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(code): Path<ActionCode>,
    Body(request): Body<ReplayRequest>,
) -> Reply<ReplayResponse> {
    let now = app.now();
    let days = request.days.unwrap_or(7);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Error::Invalid(format!("days is between 1 and {MOST_DAYS}.")));
    }
    let users = request.max_users.unwrap_or(PAGE_USERS);
    if !(1..=PAGE_USERS).contains(&users) {
        return Err(Error::Invalid(format!("maxUsers is between 1 and {PAGE_USERS}.")));
    }
    let since = Timestamp::from_second(now.as_second() - days * 24 * 3600).unwrap_or(now);
    let after = request.last_evaluated_user_id.clone();
    let candidate = candidate(&app, tenant.id(), code.clone(), request, now).await?;
    let page = app.store().tenant(tenant.id()).past_actions(&code, since, after.as_ref(), users).await?;
    let mut report = Report::default();
    for (user, action) in &page.actions {
        report.count(&candidate, user, action);
    }
    Ok(Json(ReplayResponse {
        since: iso(since),
        users: page.users,
        report,
        last_evaluated_user_id: page.last.map(String::from),
    }))
}

async fn candidate(
    app: &App,
    tenant: &TenantId,
    code: ActionCode,
    request: ReplayRequest,
    now: Timestamp,
) -> Result<Candidate, Error> {
    let loaded = app.store().tenant(tenant).load().await?.ok_or(Error::Unauthorized)?;
    let config = loaded.actions.into_iter().find(|config| config.action_code == code).ok_or_else(no_action_config)?;
    let mut config = config;
    config.default_user_action_result = request.default_user_action_result.unwrap_or(config.default_user_action_result);
    config.rule_error_outcome = request.rule_error_outcome.or(config.rule_error_outcome);
    config.check()?;
    if request.rules.len() > MOST_RULES {
        return Err(Error::Invalid(format!("rules has at most {MOST_RULES} rules.")));
    }
    let catalogue = Catalogue::new(&loaded.points, &loaded.lists);
    let (mut rules, mut places) = (Vec::new(), BTreeSet::new());
    for (index, rule) in request.rules.into_iter().enumerate() {
        let at = |error: Error| match error {
            Error::Invalid(message) => Error::Invalid(format!("rules[{index}].{message}")),
            other => other,
        };
        let rule = rule.into_rule(code.clone(), now).map_err(at)?;
        rule.check(&catalogue).map_err(at)?;
        if !places.insert(rule.priority) {
            let message = format!("rules[{index}]: There is already another rule with priority: {}", rule.priority);
            return Err(Error::Invalid(message));
        }
        rules.push(rule);
    }
    Ok(Candidate::new([(config, rules)], loaded.points, &loaded.lists))
}
