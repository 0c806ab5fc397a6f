//! What became of a question to a device, for its initiator; and the question that an app answers itself.

use axum::{Json, extract::State};
use countersign_core::{
    app::{App, UserCaller},
    approval::{self, Answer, Scanned, SignedIn},
    error::Error,
    http::{Body, ClientCaller, Reply},
    id::ChallengeId,
    method::device::DeviceKey,
    push::{self, Standing},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyPushRequest {
    challenge_id: String,
}

/// Approved: `isVerified`. Denied or over: `isConsumed` alone. Still open: neither.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyPushResponse {
    is_verified: bool,
    is_consumed: bool,
    /// Takes the place of the token of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
}

/// Ask whether a push was answered.
#[utoipa::path(post, path = "/v1/client/verify/push", tag = "Client API", operation_id = "verifyPush",
    request_body = VerifyPushRequest, responses((status = 200, body = VerifyPushResponse)), security(("userToken" = [])))]
pub(crate) async fn push(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<VerifyPushRequest>,
) -> Reply<VerifyPushResponse> {
    let id = ChallengeId::parse(request.challenge_id)?;
    let (is_verified, is_consumed, access_token) = match push::standing(&app, &caller, &id, app.now()).await? {
        Standing::Pending { .. } => (false, false, None),
        Standing::Approved { token } => (true, true, Some(token)),
        Standing::Rejected | Standing::Expired => (false, true, None),
    };
    Ok(Json(VerifyPushResponse { is_verified, is_consumed, access_token }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyQrCodeRequest {
    challenge_id: String,
    /// What the challenge was begun with.
    device_code: String,
}

/// Approved: `isVerified`. Denied: `isClaimed` and `isConsumed`. Scanned: `isClaimed`.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyQrCodeResponse {
    is_claimed: bool,
    is_verified: bool,
    is_consumed: bool,
    /// A token of the user whose device approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
}

/// Ask whether a QR code was scanned and answered.
#[utoipa::path(post, path = "/v1/client/verify/qr-code", tag = "Client API", operation_id = "verifyQrCode",
    request_body = VerifyQrCodeRequest, responses((status = 200, body = VerifyQrCodeResponse)), security(("tenantId" = []), ("userToken" = [])))]
pub(crate) async fn qr_code(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<VerifyQrCodeRequest>,
) -> Reply<VerifyQrCodeResponse> {
    let tenant = match &caller {
        ClientCaller::User(user) => &user.tenant,
        ClientCaller::Tenant(tenant) => tenant,
    };
    let id = ChallengeId::parse(request.challenge_id)?;
    let Scanned { standing, is_claimed } =
        approval::scanned(&app, tenant, &id, &request.device_code, app.now()).await?;
    let (is_verified, is_consumed, access_token) = match standing {
        Standing::Pending { .. } => (false, false, None),
        Standing::Approved { token } => (true, true, Some(token)),
        Standing::Rejected | Standing::Expired => (false, true, None),
    };
    Ok(Json(VerifyQrCodeResponse { is_claimed, is_verified, is_consumed, access_token }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyInAppRequest {
    challenge_id: String,
    /// SubjectPublicKeyInfo, base64.
    public_key: String,
    /// ECDSA-SHA256 over the challenge's id: DER, base64.
    signature: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyInAppResponse {
    token: String,
    user_id: String,
    user_authenticator_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

/// Answer, on the device itself, a challenge that its app began: with a user token for that token's action, and
/// otherwise for the action that was named at the beginning.
#[utoipa::path(post, path = "/v1/client/verify/in-app", tag = "Client API", operation_id = "verifyInApp",
    request_body = VerifyInAppRequest, responses((status = 200, body = VerifyInAppResponse)), security(("tenantId" = []), ("userToken" = [])))]
pub(crate) async fn in_app(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<VerifyInAppRequest>,
) -> Reply<VerifyInAppResponse> {
    let challenge = ChallengeId::parse(request.challenge_id).map_err(|_| Error::InvalidCredential)?;
    let answer = Answer::yes(&challenge, DeviceKey::parse(&request.public_key)?, &request.signature);
    let (tenant, claims) = match &caller {
        ClientCaller::User(user) => (&user.tenant, Some(&user.claims)),
        ClientCaller::Tenant(tenant) => (tenant, None),
    };
    let SignedIn { credential, token } = approval::sign_in(&app, tenant, claims, &answer, app.now()).await?;
    let (_, profile) = app.store().tenant(tenant.id()).user_and_profile(&credential.user).await?;
    Ok(Json(VerifyInAppResponse {
        token,
        user_id: credential.user.into(),
        user_authenticator_id: credential.authenticator.into(),
        username: profile.and_then(|stored| stored.profile.username),
    }))
}
