//! Validate: a backend asks what the token that came back is worth (contract, S14).

use axum::{Json, extract::State};
use countersign_core::{
    action, admission,
    app::App,
    clock::iso,
    error::Error,
    http::{Body, Reply, ServerCaller},
    method::Method,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(validate))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ValidateRequest {
    /// The token that track returned, or that a verification or the hosted page gave back.
    token: String,
    /// Where given, the token must be of this action code.
    #[serde(default)]
    action: Option<String>,
    /// Where given, the token must be of this user.
    #[serde(default)]
    user_id: Option<String>,
}

/// `isValid` is true for `CHALLENGE_SUCCEEDED` alone (contract, S14).
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ValidateResponse {
    is_valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<action::State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The action code, under both names that SDKs read.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<Method>,
    /// Why the token is not valid, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Validate the token of an action. A bad token is an answer, `isValid: false`; the same token has the same answer.
#[utoipa::path(post, path = "/v1/validate", tag = "Server API", operation_id = "validateChallenge",
    request_body = ValidateRequest, responses((status = 200, body = ValidateResponse)), security(("secretKey" = [])))]
async fn validate(
    State(app): State<App>,
    ServerCaller(caller): ServerCaller,
    Body(request): Body<ValidateRequest>,
) -> Reply<ValidateResponse> {
    let refused = |why: String| Ok(Json(ValidateResponse { error: Some(why), ..ValidateResponse::default() }));
    let claims = match app.open_token(&request.token).await {
        Ok(user) if user.tenant.id() == caller.id() => user.claims,
        // A token of another tenant is answered like one that nobody issued.
        Ok(_) => return refused(countersign_core::token::not_ours().to_string()),
        Err(error @ (Error::InvalidToken(_) | Error::ExpiredToken)) => return refused(error.to_string()),
        Err(error) => return Err(error),
    };
    let store = app.store().tenant(caller.id());
    let key = store.action_key(&claims.sub, &claims.other.action_code, &claims.other.idempotency_key);
    let (user, action) = store.user_and_action(&claims.sub, &key).await?;
    let live = user.zip(action).filter(|(user, action)| admission::is_live(&claims, user, action));
    let Some((_, action)) = live else {
        return refused("The action of this token is gone, or its user was reset since.".into());
    };
    let succeeded_at = action.verification.as_ref().map_or(action.state_changed_at, |verification| verification.at);
    let now = app.now();
    let is_over = now.as_second() >= caller.success_ends(succeeded_at);
    let mismatch = if request.user_id.is_some_and(|user| user != claims.sub.as_str()) {
        Some("The token is of another user.")
    } else if request.action.is_some_and(|code| code != claims.other.action_code.as_str()) {
        Some("The token is of another action.")
    } else if admission::has_not_come(&action, now) {
        Some(admission::NOT_COME)
    } else if action.state == action::State::ChallengeSucceeded && is_over {
        Some("The success is older than tokens get. Track another action.")
    } else {
        None
    };
    Ok(Json(ValidateResponse {
        is_valid: mismatch.is_none() && action.state == action::State::ChallengeSucceeded,
        state: Some(action.state),
        state_updated_at: Some(iso(action.state_changed_at)),
        user_id: Some(claims.sub.into()),
        action: Some(action.code.to_string()),
        action_code: Some(action.code.into()),
        idempotency_key: Some(action.key.into()),
        verification_method: action.verification.map(|verification| verification.method.on_run_time_api()),
        error: mismatch.map(str::to_owned),
    }))
}
