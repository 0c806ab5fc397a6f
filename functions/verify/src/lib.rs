//! Verify: a user answers with a code (contract, C17), or has answered on a device (C30, C47, C49).

mod devices;

use axum::{Json, extract::State};
use countersign_core::{
    app::{App, UserCaller},
    error::Error,
    http::{Body, Reply, UserAuthenticator},
    method::totp,
    proof::{Success, Verdict, verify_totp},
    typed,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(verify))
        .routes(routes!(devices::push))
        .routes(routes!(devices::qr_code))
        .routes(routes!(devices::in_app))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VerifyRequest {
    /// The code that the app shows, as it was typed; spaces and dashes in it do not count.
    verification_code: String,
}

/// A wrong code is an answer, not an error (contract, `VerifyResponse`).
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VerifyResponse {
    is_verified: bool,
    /// Takes the place of the token of the request; it may enrol further authenticators.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// `CODE_INVALID_OR_EXPIRED` or `MAX_ATTEMPTS_EXCEEDED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    /// What is expected, where the text can be no code. That costs no guess. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_description: Option<&'static str>,
    /// The new authenticator, where the code completed an enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_authenticator: Option<UserAuthenticator>,
}

/// Verify a TOTP code for the action of the token, or complete an enrolment with it.
#[utoipa::path(post, path = "/v1/client/verify/totp", tag = "Client API", operation_id = "verifyTotp",
    request_body = VerifyRequest, responses((status = 200, body = VerifyResponse)), security(("userToken" = [])))]
async fn verify(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<VerifyRequest>,
) -> Reply<VerifyResponse> {
    let code = request.verification_code;
    if typed::is_empty(&code) || code.chars().count() > 64 {
        return Err(Error::invalid("verificationCode: send the digits that the authenticator app shows."));
    }
    Ok(Json(match verify_totp(&app, &caller, &code, app.now()).await? {
        Verdict::Accepted(Success { token, enrolled }) => VerifyResponse {
            is_verified: true,
            access_token: Some(token),
            user_authenticator: enrolled.map(|new| UserAuthenticator::enrolled(&caller.claims.sub, &new)),
            ..VerifyResponse::default()
        },
        // No guess was paid for.
        Verdict::Rejected { attempts_left: None } => {
            VerifyResponse { failure_description: Some(totp::EXPECTED), ..failed("CODE_INVALID_OR_EXPIRED") }
        }
        Verdict::Rejected { .. } => failed("CODE_INVALID_OR_EXPIRED"),
        Verdict::Exhausted { .. } => failed("MAX_ATTEMPTS_EXCEEDED"),
    }))
}

fn failed(reason: &'static str) -> VerifyResponse {
    VerifyResponse { failure_reason: Some(reason), ..VerifyResponse::default() }
}
