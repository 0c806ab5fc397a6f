//! What waits for a device (contract, C36, C37).

use axum::{Json, extract::State, http::HeaderMap};
use countersign_core::{
    app::App,
    approval::pending,
    challenge::{Challenge, Kind, State as ChallengeState},
    error::Error,
    http::{ClientCaller, Query, Reply, ShownFacts},
    method::{Method, device::Context},
    store::Credential,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{KeyQuery, credentials::tenant};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignPendingResponse {
    /// What the device signs for the header `X-Authsignal-Signature` when it asks what is pending.
    message: String,
}

/// Get a message to sign for asking what is pending.
#[utoipa::path(post, path = "/v1/client/user-authenticators/push/challenge/sign", tag = "Device API",
    operation_id = "signPendingPush", params(KeyQuery), responses((status = 200, body = SignPendingResponse)), security(("tenantId" = [])))]
pub(crate) async fn sign(
    State(app): State<App>,
    caller: ClientCaller,
    Query(query): Query<KeyQuery>,
) -> Reply<SignPendingResponse> {
    let (tenant, key) = (tenant(&caller), query.key()?);
    let store = app.store().tenant(tenant.id());
    store.credential(Method::Push, &key.fingerprint()).await?.ok_or(Error::InvalidCredential)?;
    Ok(Json(SignPendingResponse { message: pending::message(&app, tenant, &key, app.now()).await? }))
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownOfUser {
    custom: Map<String, Value>,
}

/// What a device is shown of a challenge. It is told whether the other screen shows a number, and never which.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    /// The address of the browser, as your backend said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    /// Where that address is, as far as it is known. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    /// The site that shows the code. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// Whether `origin` and `custom` are only what a page said. Nobody tracked the action, so no backend has confirmed them. Ours.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    is_claimed: bool,
    /// When the challenge ends, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// Public data points of the action, and of the user.
    custom: Map<String, Value>,
    user: ShownOfUser,
    /// The same in words, as the page shows it: what is confirmed, then each line. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<ShownFacts>,
    /// Whether the number of the other screen has to be typed. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    number_matching: Option<bool>,
    /// The SHA-256 of what is shown, which `signatureV2` covers. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_hash: Option<String>,
}

impl ShownContext {
    pub(crate) fn new(credential: &Credential, challenge: &Challenge) -> Self {
        let Context { ip_address, place, user_agent, device_id, origin, is_claimed, custom, user_custom, facts } =
            challenge.context.clone();
        Self {
            user_id: Some(credential.user.to_string()),
            action_code: challenge.about.as_ref().map(|about| about.code.to_string()),
            idempotency_key: challenge.about.as_ref().map(|about| about.key.to_string()),
            ip_address,
            place,
            user_agent,
            device_id,
            origin,
            is_claimed,
            expires_at: Some(challenge.expires_at.as_second()),
            custom,
            user: ShownOfUser { custom: user_custom },
            facts: facts.map(ShownFacts::from),
            number_matching: challenge.number.as_ref().map(|_| true),
            context_hash: Some(challenge.context.digest()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PendingChallenge {
    user_authenticator_id: String,
    /// Absent where nothing is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_id: Option<String>,
    #[serde(flatten)]
    shown: ShownContext,
}

/// Get what is pending for a device. A signature that is sent must be good.
#[utoipa::path(get, path = "/v1/client/user-authenticators/push/challenge", tag = "Device API", operation_id = "getPendingPush",
    params(KeyQuery, ("X-Authsignal-Signature" = Option<String>, Header)),
    responses((status = 200, body = PendingChallenge)), security(("tenantId" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: ClientCaller,
    headers: HeaderMap,
    Query(query): Query<KeyQuery>,
) -> Reply<PendingChallenge> {
    let now = app.now();
    let (tenant, key) = (tenant(&caller), query.key()?);
    let store = app.store().tenant(tenant.id());
    let credential = store.credential(Method::Push, &key.fingerprint()).await?.ok_or(Error::InvalidCredential)?;
    if let Some(signature) = headers.get("x-authsignal-signature") {
        let signature = signature.to_str().map_err(|_| Error::InvalidCredential)?;
        pending::check(&app, tenant, &key, signature, now).await?;
    }
    let user = store.user(&credential.user).await?.filter(|user| user.uid == credential.uid);
    let user = user.filter(|user| user.has_authenticator(&credential.authenticator)).ok_or(Error::InvalidCredential)?;
    let mut waiting = None;
    for id in user.pushes.open() {
        let waits = |one: &Challenge| {
            one.kind == Kind::Push
                && one.state_at(now) == ChallengeState::Pending
                && one.may_be_answered_by(&credential.uid, &credential.authenticator)
        };
        if let Some(found) = store.challenge(id).await?.filter(waits) {
            waiting = Some(found);
            break;
        }
    }
    Ok(Json(PendingChallenge {
        user_authenticator_id: credential.authenticator.to_string(),
        challenge_id: waiting.as_ref().map(|found| found.id.to_string()),
        shown: waiting.map(|found| ShownContext::new(&credential, &found)).unwrap_or_default(),
    }))
}
