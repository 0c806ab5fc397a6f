//! A device is paired by the link that a page shows (infra/decisions/0024). Ours: with a token it enrols as ever (C32).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::iso,
    error::Error,
    http::{Body, ClientCaller, Reply, Requester},
    method::{Method, device::DeviceKey},
    pairing::{self, Newcomer, PairingId},
    pairing_link::{self, Device, DevicePairing},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::credentials::{EnrollDeviceRequest, asking, tenant};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RedeemPairingRequest {
    /// The end of the link's path.
    pairing_id: String,
    /// By the device's new key, over `redeem` (infra/decisions/0024): DER, base64.
    signature: String,
    /// P-256, SubjectPublicKeyInfo in DER, base64.
    public_key: String,
    /// What its owner knows the device by.
    #[serde(default)]
    device_name: Option<String>,
    /// `ios`, `android`, or `web`.
    device_platform: String,
    /// Where the push service knows the device; for `web` the JSON of a push subscription.
    #[serde(default)]
    push_token: Option<String>,
    #[serde(default)]
    device_model: Option<String>,
    /// The app's own name for the device.
    #[serde(default)]
    device_id: Option<String>,
    /// Whether the app lets its user type the number of the other screen.
    #[serde(default)]
    takes_numbers: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PairingStatusRequest {
    pairing_id: String,
    public_key: String,
    /// By the device's key, over `status`: DER, base64.
    signature: String,
}

/// How far it has come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Standing {
    /// For the page to say that the device is the user's.
    Waiting,
    /// The device is enrolled.
    Confirmed,
    Refused,
    Expired,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PairingResponse {
    state: Standing,
    /// Six digits for the device to show: the page shows the same, and its user compares them.
    code: String,
    /// Until when the page may confirm the device, ISO 8601 in UTC.
    expires_at: String,
    /// Your own id of the user, once the device is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_authenticator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<String>,
}

impl PairingResponse {
    fn new(DevicePairing { pairing, code }: DevicePairing) -> Result<Self, Error> {
        let answer = |state| Self {
            state,
            code,
            expires_at: iso(pairing.expires_at),
            user_id: None,
            user_authenticator_id: None,
            verified_at: None,
        };
        Ok(match pairing.state {
            pairing::State::Waiting(_) => answer(Standing::Waiting),
            pairing::State::Confirmed { by, at } => Self {
                user_id: Some(pairing.subject.user.to_string()),
                user_authenticator_id: Some(by.into()),
                verified_at: Some(iso(at)),
                ..answer(Standing::Confirmed)
            },
            pairing::State::Refused => answer(Standing::Refused),
            pairing::State::Expired => answer(Standing::Expired),
            pairing::State::Open => return Err(Error::internal("a pairing has a device and is open")),
        })
    }
}

fn pairing_id(text: &str) -> Result<PairingId, Error> {
    PairingId::parse(text).ok_or(Error::InvalidCredential)
}

/// Pair a device by the link of a page. The first device that uses the link has it, and can answer nothing until the page confirms it.
#[utoipa::path(post, path = "/v1/client/pairing", tag = "Device API", operation_id = "redeemPairing",
    request_body = RedeemPairingRequest, responses((status = 200, body = PairingResponse)), security(("tenantId" = [])))]
pub(crate) async fn redeem(
    State(app): State<App>,
    caller: ClientCaller,
    requester: Requester,
    Body(request): Body<RedeemPairingRequest>,
) -> Reply<PairingResponse> {
    let (tenant, id) = (tenant(&caller), pairing_id(&request.pairing_id)?);
    let described = EnrollDeviceRequest {
        public_key: request.public_key,
        device_name: request.device_name,
        device_platform: request.device_platform,
        push_token: request.push_token,
        device_model: request.device_model,
        device_id: request.device_id,
        takes_numbers: request.takes_numbers,
    };
    let described = asking(tenant, Method::Push, described)?;
    let device = Device { pairing: &id, key: &described.key, signature: &request.signature };
    let newcomer = Newcomer {
        public_key: described.key.to_base64(),
        name: described.name,
        platform: described.platform,
        model: described.model,
        device_id: described.device_id,
        push_token: described.push_token,
        takes_numbers: described.takes_numbers,
        ip_address: requester.ip_address,
    };
    let redeemed = pairing_link::redeem(&app, tenant, &device, &newcomer, app.now()).await?;
    PairingResponse::new(redeemed).map(Json)
}

/// Ask what the page has said of the device; 403 for a key that has not used the link.
#[utoipa::path(post, path = "/v1/client/pairing/status", tag = "Device API", operation_id = "getPairingStatus",
    request_body = PairingStatusRequest, responses((status = 200, body = PairingResponse)), security(("tenantId" = [])))]
pub(crate) async fn status(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<PairingStatusRequest>,
) -> Reply<PairingResponse> {
    let (id, key) = (pairing_id(&request.pairing_id)?, DeviceKey::parse(&request.public_key)?);
    let device = Device { pairing: &id, key: &key, signature: &request.signature };
    PairingResponse::new(pairing_link::status(&app, tenant(&caller), &device, app.now()).await?).map(Json)
}
