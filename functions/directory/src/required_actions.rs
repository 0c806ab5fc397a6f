//! Set-ups that an administrator wants chosen users to finish. Ours.

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    error::Error,
    http::{Path, Reply, ServerCaller},
    id::UserId,
    user::{RequiredAction, User},
};
use serde::Serialize;
use utoipa::ToSchema;

/// What a user has still to finish.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequiredActionsOfUser {
    user_id: String,
    required_actions: Vec<RequiredAction>,
}

fn of(user: &User, requires: impl Fn(RequiredAction) -> bool) -> Json<RequiredActionsOfUser> {
    let open = user.required.iter().copied().filter(|action| requires(*action) && !action.is_done_by(user));
    Json(RequiredActionsOfUser { user_id: user.id.to_string(), required_actions: open.collect() })
}

fn known(id: &str) -> Result<RequiredAction, Error> {
    RequiredAction::parse(id).ok_or_else(|| Error::NotFound("There is no required action with this id.".into()))
}

/// Have a user finish a required action: each sign-in leads to it until then. It has to be enabled; a user who has
/// finished it already is not asked again.
#[utoipa::path(put, path = "/v1/users/{userId}/required-actions/{id}", tag = "Server API",
    operation_id = "assignRequiredAction", params(("userId" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = RequiredActionsOfUser)), security(("secretKey" = [])))]
pub(crate) async fn assign(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user, id)): Path<(UserId, String)>,
) -> Reply<RequiredActionsOfUser> {
    let (action, store) = (known(&id)?, app.store().tenant(tenant.id()));
    // Read now and not from the cache, because an administrator may have enabled it a moment ago.
    if !store.requirement(action).await?.enabled {
        return Err(Error::Conflict(format!(
            "{} is not enabled; PATCH /v1/management/required-actions/{} with enabled: true first.",
            action.name(),
            action.as_str()
        )));
    }
    let user = store.require_of(&user, action).await?;
    tracing::info!(event = "required_action_assigned", tenant = %tenant.id(), user = %user.uid);
    Ok(of(&user, |one| one == action || tenant.policy().requirement(one).enabled))
}

/// Take a required action back from a user.
#[utoipa::path(delete, path = "/v1/users/{userId}/required-actions/{id}", tag = "Server API",
    operation_id = "unassignRequiredAction", params(("userId" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = RequiredActionsOfUser)), security(("secretKey" = [])))]
pub(crate) async fn unassign(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user, id)): Path<(UserId, String)>,
) -> Reply<RequiredActionsOfUser> {
    let user = app.store().tenant(tenant.id()).let_off(&user, known(&id)?).await?;
    tracing::info!(event = "required_action_unassigned", tenant = %tenant.id(), user = %user.uid);
    Ok(of(&user, |one| tenant.policy().requirement(one).enabled))
}
