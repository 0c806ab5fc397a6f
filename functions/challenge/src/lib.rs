//! Challenge: somebody who wants to sign in asks a device (contract, C1, C29, C48).

mod ndef;

use axum::{Json, extract::State};
use countersign_core::{
    admission::{self, Admitted, Beginning},
    app::{App, UserCaller},
    approval::{self, Shown},
    challenge::{Challenge, Kind, State as ChallengeState, Subject},
    clock::iso,
    error::Error,
    http::{Body, ClientCaller, Path, Reply, Requester},
    id::{ActionCode, AuthenticatorId, ChallengeId, IdempotencyKey},
    method::{Method, device::Context},
    push::{self, Number},
    secret::random,
    strangers,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(ask_by_push))
        .routes(routes!(show_qr_code))
        .routes(routes!(tag))
}

/// How long an app's own question may be answered.
const IN_APP_SECONDS: i64 = 120;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct BeginChallengeRequest {
    /// What the app will have done, where nobody has tracked it.
    action: Option<String>,
    idempotency_key: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BeginChallengeResponse {
    challenge_id: String,
    /// A nonce for the attestation of a device; only with a user token.
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// Begin a challenge that the app on the device answers itself (`verify/in-app`). At most 300 in five minutes from one
/// network, or with the tokens of one action; then 429.
#[utoipa::path(post, path = "/v1/client/challenge", tag = "Client API", operation_id = "beginChallenge",
    request_body = BeginChallengeRequest, responses((status = 200, body = BeginChallengeResponse)), security(("tenantId" = []), ("userToken" = [])))]
async fn begin(
    State(app): State<App>,
    caller: ClientCaller,
    requester: Requester,
    Body(request): Body<BeginChallengeRequest>,
) -> Reply<BeginChallengeResponse> {
    let mut challenge = Challenge::new(Kind::InApp, app.now(), IN_APP_SECONDS);
    let action = request.action.map(ActionCode::parse).transpose()?;
    let key = request.idempotency_key.map(IdempotencyKey::parse).transpose()?;
    let (tenant, nonce) = match &caller {
        ClientCaller::User(user) => {
            let Admitted { action, .. } = admission::open(&app, user).await?;
            admission::may_answer(&user.tenant, &action, Method::InApp, challenge.created_at)?;
            challenge.subject = Some(of_user(user));
            challenge.about = Some(admission::about(&user.claims));
            (&user.tenant, Some(BASE64URL_NOPAD.encode(&random::<32>()?)))
        }
        ClientCaller::Tenant(tenant) => {
            if let Some(code) = action {
                // The app answers its own question, so where it asks from is where its device is; rules may ask that.
                challenge.context.ip_address = requester.ip_address.clone();
                let may_be_tracked = key.is_some();
                let beginning =
                    Beginning { code: &code, method: Method::InApp, context: &challenge.context, may_be_tracked };
                admission::may_begin(tenant, &beginning)?;
                challenge.about = Some(approval::about(code, key));
            }
            (tenant, None)
        }
    };
    strangers::admit(&app, tenant, &caller.source(&requester), challenge.created_at).await?;
    app.store().tenant(tenant.id()).ask(&challenge).await?;
    Ok(Json(BeginChallengeResponse { challenge_id: challenge.id.into(), nonce }))
}

fn of_user(caller: &UserCaller) -> Subject {
    Subject { user: caller.claims.sub.clone(), uid: caller.claims.other.user_uid.clone() }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct AskByPushRequest {
    /// The action of the token; another one is refused.
    action: Option<String>,
    /// The one device to ask.
    user_authenticator_id: Option<String>,
    /// Whether a number has to be typed on the device. Ours.
    number_matching: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AskByPushResponse {
    challenge_id: String,
    /// With number matching: six digits to show. The person types them on the device. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_code: Option<String>,
    /// When the challenge ends, ISO 8601 in UTC. Ours.
    expires_at: String,
    delivery_results: Vec<DeliveryResult>,
}

/// What became of the push to one device; a device that no push reaches can still ask for the challenge.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryResult {
    user_authenticator_id: String,
    /// `device_unreachable` where the device has no push token, or its push service refused it; `not_sent` where the queue
    /// refused the push.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
}

/// Ask the user's devices by push. At most 3 questions are open, and 5 begun in 10 minutes.
#[utoipa::path(post, path = "/v1/client/challenge/push", tag = "Client API", operation_id = "challengePush",
    request_body = AskByPushRequest, responses((status = 200, body = AskByPushResponse)), security(("userToken" = [])))]
async fn ask_by_push(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<AskByPushRequest>,
) -> Reply<AskByPushResponse> {
    if request.action.is_some_and(|action| action != caller.claims.other.action_code.as_str()) {
        return Err(Error::invalid("action: the token is for another action. Track this one, and use its token."));
    }
    let only = request.user_authenticator_id.map(AuthenticatorId::parse).transpose()?;
    let with_number = if request.number_matching == Some(true) { Number::Wanted } else { Number::NotWanted };
    let asked = push::ask(&app, &caller, only.as_ref(), with_number, app.now()).await?;
    let results = asked.deliveries.into_iter();
    Ok(Json(AskByPushResponse {
        challenge_id: asked.challenge.into(),
        verification_code: asked.number,
        expires_at: iso(asked.expires_at),
        delivery_results: results
            .map(|sent| DeliveryResult { user_authenticator_id: sent.authenticator.into(), error_code: sent.error })
            .collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShowQrCodeRequest {
    action: String,
    /// Data points; a device is shown those that are public, as what the page claims. With a user token they are those of
    /// the tracked action, whatever is sent here.
    #[serde(default)]
    custom: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShowQrCodeResponse {
    /// What the QR code shows.
    challenge_id: String,
    /// ISO 8601, UTC.
    expires_at: String,
    /// What the page polls with, and shows to nobody.
    device_code: String,
}

/// Begin a sign-in by QR code: the device that scans it says who signs in. With a user token only that user may. At most 300 in
/// five minutes from one network, or with the tokens of one action; then 429.
#[utoipa::path(post, path = "/v1/client/challenge/qr-code", tag = "Client API", operation_id = "challengeQrCode",
    request_body = ShowQrCodeRequest, responses((status = 200, body = ShowQrCodeResponse)), security(("tenantId" = []), ("userToken" = [])))]
async fn show_qr_code(
    State(app): State<App>,
    caller: ClientCaller,
    requester: Requester,
    Body(request): Body<ShowQrCodeRequest>,
) -> Reply<ShowQrCodeResponse> {
    let action = ActionCode::parse(request.action)?;
    let (tenant, mut shown) = match &caller {
        ClientCaller::User(user) => {
            if user.claims.other.action_code != action {
                return Err(Error::invalid(
                    "action: the token is for another action. Track this one, and use its token.",
                ));
            }
            let mut shown = Shown::new(app.now())?;
            let Admitted { user: owner, profile, action } = admission::open(&app, user).await?;
            admission::may_answer(&user.tenant, &action, Method::QrCode, shown.challenge.created_at)?;
            push::describe(&mut shown.challenge, &app, &user.tenant, &owner, &profile, &action);
            (&user.tenant, shown)
        }
        ClientCaller::Tenant(tenant) => {
            let context = Context {
                ip_address: requester.ip_address.clone(),
                user_agent: requester.user_agent.clone(),
                origin: requester.origin.clone(),
                custom: tenant.public_points(request.custom.as_ref(), false),
                ..Context::default()
            };
            (tenant, Shown::to_anybody(tenant, action, context, app.now())?)
        }
    };
    shown.begin(&app, tenant, &caller.source(&requester), requester.ip_address.as_ref()).await?;
    Ok(Json(ShowQrCodeResponse {
        challenge_id: shown.challenge.id.into(),
        expires_at: iso(shown.challenge.expires_at),
        device_code: shown.device_code,
    }))
}

/// What a terminal writes to an NFC tag.
#[derive(Debug, Serialize, ToSchema)]
struct NfcTag {
    /// The message, base64: one record, of the well-known type URI.
    ndef: String,
    /// What the record says: `countersign://claim/<challengeId>`.
    uri: String,
}

/// Get the NDEF message that a terminal writes to an NFC tag, so that touching it is scanning the code.
#[utoipa::path(get, path = "/v1/client/challenge/qr-code/{challengeId}/ndef", tag = "Client API", operation_id = "getNdef",
    params(("challengeId" = String, Path)), responses((status = 200, body = NfcTag)), security(("tenantId" = []), ("userToken" = [])))]
async fn tag(State(app): State<App>, caller: ClientCaller, Path(id): Path<ChallengeId>) -> Reply<NfcTag> {
    let found = app.store().tenant(caller.tenant().id()).challenge(&id).await?;
    let open = |one: &Challenge| one.kind == Kind::QrCode && one.state_at(app.now()) == ChallengeState::Pending;
    let none = || Error::NotFound("There is no open QR-code challenge with this id.".into());
    let challenge = found.filter(open).ok_or_else(none)?;
    let uri = format!("countersign://claim/{}", challenge.id);
    Ok(Json(NfcTag { ndef: BASE64.encode(&ndef::uri_message(&uri)), uri }))
}
