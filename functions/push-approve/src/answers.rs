//! A device claims, approves and denies (contract, C38, C42, C43).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    approval::{self, Answer, Claimed, DeviceVerdict},
    challenge::{Kind, NUMBER_EXPECTED},
    error::Error,
    http::{Body, ClientCaller, Reply},
    method::device::DeviceKey,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{challenge_id, credentials::tenant, pending::ShownContext};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerChallengeRequest {
    challenge_id: String,
    /// SubjectPublicKeyInfo, base64.
    public_key: String,
    approved: bool,
    /// ECDSA-SHA256 over the challenge's id: DER, base64.
    signature: String,
    /// The signature over all that was shown and decided (infra/decisions/0015). Ours.
    #[serde(default)]
    signature_v2: Option<String>,
    /// The number that the other screen shows, as the person typed it; spaces and dashes in it do not count.
    #[serde(default)]
    verification_code: Option<String>,
    /// With `approved: false`: the user did not ask for this. No push reaches the user for a quarter of an hour then. Ours.
    #[serde(default)]
    report: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerChallengeResponse {
    is_verified: bool,
    /// Why the number was not accepted: `CODE_INVALID_OR_EXPIRED` or `MAX_ATTEMPTS_EXCEEDED`. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
}

async fn answer(
    app: &App,
    caller: &ClientCaller,
    kind: Kind,
    request: &AnswerChallengeRequest,
) -> Reply<AnswerChallengeResponse> {
    if request.approved && request.report == Some(true) {
        return Err(Error::invalid("report: only a denial can say that it was not the user who asked."));
    }
    if request.verification_code.as_ref().is_some_and(|code| code.chars().count() > 64) {
        return Err(Error::Invalid(format!("verificationCode: {NUMBER_EXPECTED}")));
    }
    let id = challenge_id(&request.challenge_id)?;
    let answer = Answer {
        challenge: &id,
        key: DeviceKey::parse(&request.public_key)?,
        approved: request.approved,
        report: request.report.unwrap_or(false),
        signature: &request.signature,
        signature_v2: request.signature_v2.as_deref(),
        number: request.verification_code.as_deref(),
    };
    let verdict = approval::decide(app, tenant(caller), kind, &answer, app.now()).await?;
    Ok(Json(AnswerChallengeResponse {
        is_verified: verdict == DeviceVerdict::Approved,
        failure_reason: match verdict {
            DeviceVerdict::Approved | DeviceVerdict::Denied => None,
            DeviceVerdict::WrongNumber => Some("CODE_INVALID_OR_EXPIRED"),
            DeviceVerdict::Exhausted => Some("MAX_ATTEMPTS_EXCEEDED"),
        },
    }))
}

/// Approve or deny what a push asks; the first decision is the only one.
#[utoipa::path(post, path = "/v1/client/user-authenticators/push/challenge", tag = "Device API", operation_id = "answerPush",
    request_body = AnswerChallengeRequest, responses((status = 200, body = AnswerChallengeResponse)), security(("tenantId" = [])))]
pub(crate) async fn answer_push(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<AnswerChallengeRequest>,
) -> Reply<AnswerChallengeResponse> {
    answer(&app, &caller, Kind::Push, &request).await
}

/// Approve or deny what was scanned and claimed.
#[utoipa::path(post, path = "/v1/client/user-authenticators/qr-code/challenge", tag = "Device API", operation_id = "answerQrCode",
    request_body = AnswerChallengeRequest, responses((status = 200, body = AnswerChallengeResponse)), security(("tenantId" = [])))]
pub(crate) async fn answer_qr_code(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<AnswerChallengeRequest>,
) -> Reply<AnswerChallengeResponse> {
    answer(&app, &caller, Kind::QrCode, &request).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimQrCodeRequest {
    challenge_id: String,
    public_key: String,
    signature: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimQrCodeResponse {
    success: bool,
    #[serde(flatten)]
    shown: ShownContext,
}

/// Claim a scanned code; one device has it, and sees who asks.
#[utoipa::path(post, path = "/v1/client/user-authenticators/qr-code/challenge/claim", tag = "Device API",
    operation_id = "claimQrCode", request_body = ClaimQrCodeRequest, responses((status = 200, body = ClaimQrCodeResponse)), security(("tenantId" = [])))]
pub(crate) async fn claim(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<ClaimQrCodeRequest>,
) -> Reply<ClaimQrCodeResponse> {
    let id = challenge_id(&request.challenge_id)?;
    let answer = Answer::yes(&id, DeviceKey::parse(&request.public_key)?, &request.signature);
    let Claimed { credential, challenge } = approval::claim(&app, tenant(&caller), &answer, app.now()).await?;
    Ok(Json(ClaimQrCodeResponse { success: true, shown: ShownContext::new(&credential, &challenge) }))
}
