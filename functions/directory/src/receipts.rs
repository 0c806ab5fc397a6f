//! What devices signed, for whoever has to prove it.

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    challenge::{Challenge, State as ChallengeState},
    clock::iso,
    error::Error,
    http::{Path, Reply, ServerCaller, ShownFacts},
    id::ChallengeId,
    store::Receipt,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A decision and its signatures; the bytes and the key are base64, so that `openssl dgst -sha256 -verify` can check
/// them anywhere.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptView {
    challenge_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_authenticator_id: Option<String>,
    /// `VERIFIED` or `REJECTED`.
    #[schema(value_type = String)]
    state: &'static str,
    /// ISO 8601, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    /// What the device was shown in words. A statement of version 3 covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<ShownFacts>,
    /// The device's public key, SubjectPublicKeyInfo in base64.
    public_key: String,
    /// ECDSA-SHA256 over the text of `challengeId`: DER.
    signature: String,
    /// What was shown and decided, whole: each part after its length in four bytes, big-endian.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    /// The signature over `statement`: DER, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_v2: Option<String>,
}

/// Get what a device signed. It is kept as long as its action. 404 for a challenge that no device has decided.
#[utoipa::path(get, path = "/v1/challenges/{challengeId}/receipt", tag = "Server API", operation_id = "getReceipt",
    params(("challengeId" = String, Path)), responses((status = 200, body = ReceiptView)), security(("secretKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<ChallengeId>,
) -> Reply<ReceiptView> {
    let found = app.store().tenant(tenant.id()).receipt(&id).await?;
    let decided =
        |one: &(Challenge, Receipt)| matches!(one.0.state, ChallengeState::Verified | ChallengeState::Rejected);
    let none = || Error::NotFound("No device has decided a challenge with this id.".into());
    let (challenge, receipt) = found.filter(decided).ok_or_else(none)?;
    Ok(Json(ReceiptView {
        challenge_id: challenge.id.into(),
        user_id: challenge.subject.map(|subject| subject.user.into()),
        user_authenticator_id: challenge.decided.as_ref().map(|decided| decided.by.to_string()),
        state: challenge.state.as_str(),
        decided_at: challenge.decided.map(|decided| iso(decided.at)),
        action_code: challenge.about.as_ref().map(|about| about.code.to_string()),
        idempotency_key: challenge.about.map(|about| about.key.into()),
        facts: challenge.context.facts.map(ShownFacts::from),
        public_key: receipt.public_key,
        signature: receipt.signature,
        statement: receipt.statement,
        signature_v2: receipt.signature_v2,
    }))
}
