//! Keys of devices come and go (contract, C31-C35, C39-C41, C44-C46).

use axum::{Json, extract::State};
use countersign_core::{
    app::{App, TenantContext, UserCaller},
    authenticator::Authenticator,
    challenge::{Challenge, Kind, Subject},
    clock::{Timestamp, iso},
    enrolment::{self, Asking},
    error::Error,
    happened::Event,
    http::{Body, ClientCaller, Query, Reply, Requester},
    id::{UserId, has_control},
    method::{
        Method,
        device::{DeviceKey, DevicePlatform},
        subscription::Subscription,
    },
    notice::{self, Concerned},
    store::{Credential, Removal, Removed, Remover},
    strangers, typed,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{KeyQuery, challenge_id};

/// A device's key (contract, C31).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceCredential {
    user_authenticator_id: String,
    user_id: String,
    /// ISO 8601, UTC.
    verified_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_verified_at: Option<String>,
}

impl DeviceCredential {
    fn new(user: &UserId, one: &Authenticator) -> Self {
        Self {
            user_authenticator_id: one.id.to_string(),
            user_id: user.to_string(),
            verified_at: iso(one.verified_at),
            last_verified_at: one.use_so_far.last_verified_at.map(iso),
        }
    }
}

/// A device's key to be enrolled (contract, C32). An attestation is not asked for, and not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollDeviceRequest {
    /// P-256, SubjectPublicKeyInfo in DER, base64.
    pub(crate) public_key: String,
    /// What its owner knows the device by.
    #[serde(default)]
    pub(crate) device_name: Option<String>,
    /// `ios`, `android`, or `web`.
    pub(crate) device_platform: String,
    /// Where the push service knows the device; for `web` the JSON of a push subscription. Without one it asks what is
    /// pending.
    #[serde(default)]
    pub(crate) push_token: Option<String>,
    #[serde(default)]
    pub(crate) device_model: Option<String>,
    /// The app's own name for the device.
    #[serde(default)]
    pub(crate) device_id: Option<String>,
    /// Whether the app lets its user type the number of the other screen. Ours.
    #[serde(default)]
    pub(crate) takes_numbers: Option<bool>,
}

/// The longest push token: a browser's subscription has an address and two keys.
const LONGEST_TOKEN: usize = 2048;

fn is_short(token: Option<&str>) -> Result<(), Error> {
    match token.is_some_and(|token| token.len() > LONGEST_TOKEN) {
        true => Err(Error::Invalid(format!("pushToken has at most {LONGEST_TOKEN} bytes."))),
        false => Ok(()),
    }
}

fn token(tenant: &TenantContext, platform: DevicePlatform, token: Option<String>) -> Result<Option<String>, Error> {
    let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    is_short(token.as_deref())?;
    if let (DevicePlatform::Web, Some(subscription)) = (platform, &token) {
        let web = tenant.settings().push.web.as_ref().ok_or_else(no_web_push)?;
        Subscription::parse(subscription, &web.services)?;
    }
    Ok(token)
}

/// What a device says of itself, read.
pub(crate) fn asking(tenant: &TenantContext, method: Method, request: EnrollDeviceRequest) -> Result<Asking, Error> {
    let text = |name: &str, text: Option<String>| match text.map(|text| text.trim().to_owned()) {
        Some(text) if text.chars().count() > 128 || has_control(&text) => {
            Err(Error::Invalid(format!("{name} has at most 128 characters, and no control characters.")))
        }
        text => Ok(text.filter(|text| !typed::is_blank(text))),
    };
    let platform = DevicePlatform::parse(&request.device_platform)?;
    // Also where no push is sent: what is refused for one kind of key is refused for all.
    is_short(request.push_token.as_deref())?;
    Ok(Asking {
        method,
        key: DeviceKey::parse(&request.public_key)?,
        name: text("deviceName", request.device_name)?,
        platform,
        model: text("deviceModel", request.device_model)?,
        device_id: text("deviceId", request.device_id)?,
        takes_numbers: request.takes_numbers.unwrap_or(false),
        push_token: if method == Method::Push { token(tenant, platform, request.push_token)? } else { None },
    })
}

pub(crate) async fn enroll(
    app: &App,
    caller: &UserCaller,
    method: Method,
    request: EnrollDeviceRequest,
) -> Reply<DeviceCredential> {
    let asking = asking(&caller.tenant, method, request)?;
    let (user, one) = enrolment::enrol_device(app, caller, &asking, app.now()).await?;
    Ok(Json(DeviceCredential::new(&user.id, &one)))
}

/// The tenant that a device's call is for.
pub(crate) fn tenant(caller: &ClientCaller) -> &TenantContext {
    match caller {
        ClientCaller::User(user) => &user.tenant,
        ClientCaller::Tenant(tenant) => tenant,
    }
}

async fn known(
    app: &App,
    tenant: &TenantContext,
    method: Method,
    key: &DeviceKey,
) -> Result<(Credential, Authenticator), Error> {
    let store = app.store().tenant(tenant.id());
    let credential = store.credential(method, &key.fingerprint()).await?.ok_or(Error::InvalidCredential)?;
    let found = store.user_and_authenticator(&credential.user, &credential.authenticator).await?;
    let (user, one) = found.ok_or(Error::InvalidCredential)?;
    if user.uid == credential.uid { Ok((credential, one)) } else { Err(Error::InvalidCredential) }
}

pub(crate) async fn get(app: &App, caller: &ClientCaller, method: Method, query: &KeyQuery) -> Reply<DeviceCredential> {
    let (credential, one) = known(app, tenant(caller), method, &query.key()?).await?;
    Ok(Json(DeviceCredential::new(&credential.user, &one)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoveDeviceRequest {
    public_key: String,
    /// The signature over floor(seconds since 1970 / 600) as the SDKs write it, such as `2938431.0`: DER, base64.
    signature: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoveDeviceResponse {
    /// Absent where the key was not enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_authenticator_id: Option<String>,
}

pub(crate) async fn remove(
    app: &App,
    caller: &ClientCaller,
    method: Method,
    request: &RemoveDeviceRequest,
) -> Reply<RemoveDeviceResponse> {
    let key = DeviceKey::parse(&request.public_key)?;
    key.verify_removal(app.now(), &request.signature)?;
    let tenant = tenant(caller);
    let store = app.store().tenant(tenant.id());
    let mut removed_authenticator_id = None;
    if let Some(credential) = store.credential(method, &key.fingerprint()).await? {
        let user = store.user(&credential.user).await?.filter(|user| user.uid == credential.uid);
        if let Some(user) = user {
            let keep_last = tenant.keeps_last(app.now());
            let concerned = Concerned { user: &user, but: Some(&credential.authenticator) };
            let event = Event::Removed { name: method.facts().label.to_owned() };
            let notice = notice::announce(app, tenant, &concerned, &event, app.now()).await;
            let removal = Removal {
                id: &credential.authenticator,
                keep_last,
                remover: Remover::Owner(None),
                notice: notice.as_ref(),
                now: app.now(),
            };
            match store.remove_authenticator(&user, &removal).await? {
                Removed::Yes => {
                    tracing::info!(event = "device_removed_itself", tenant = %tenant.id(), user = %user.uid, authenticator = %credential.authenticator);
                    removed_authenticator_id = Some(credential.authenticator.into());
                }
                Removed::Gone => {}
                Removed::Kept => return Err(last_stays()),
            }
        }
    }
    Ok(Json(RemoveDeviceResponse { removed_authenticator_id }))
}

fn no_web_push() -> Error {
    Error::invalid(
        "pushToken: this tenant pushes to no browsers (`countersign push set web`); leave it out, and ask what is pending.",
    )
}

/// What a page subscribes with. Ours.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebPushKey {
    /// For `pushManager.subscribe`: a point of P-256, uncompressed, base64url.
    application_server_key: String,
}

/// Get the key with which a page subscribes to pushes; 404 where the tenant pushes to no browsers.
#[utoipa::path(get, path = "/v1/client/user-authenticators/push/web-push-key", tag = "Device API", operation_id = "getWebPushKey",
    responses((status = 200, body = WebPushKey)), security(("tenantId" = []), ("userToken" = [])))]
pub(crate) async fn web_push_key(State(app): State<App>, caller: ClientCaller) -> Reply<WebPushKey> {
    // Read now and not from the cache, because a page that subscribes with a key that is gone hears nothing.
    let loaded = app.store().tenant(tenant(&caller).id()).load().await?;
    let web = loaded.and_then(|loaded| loaded.tenant.settings.push.web);
    let none = || Error::NotFound("This tenant pushes to no browsers; `countersign push set web` begins it.".into());
    Ok(Json(WebPushKey { application_server_key: web.ok_or_else(none)?.public_key }))
}

fn last_stays() -> Error {
    Error::Conflict("This is the last authenticator, and two factors are enforced: set up another one first.".into())
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignUpdateResponse {
    challenge_id: String,
    /// What the device signs for the update.
    message: String,
}

/// A device has this long to sign what it was given.
const SIGN_SECONDS: i64 = 120;

fn update_message(id: &str) -> String {
    format!("countersign/update/{id}")
}

/// Get a message to sign for an update.
#[utoipa::path(post, path = "/v1/client/user-authenticators/push/sign", tag = "Device API", operation_id = "signPushUpdate",
    params(KeyQuery), responses((status = 200, body = SignUpdateResponse)), security(("tenantId" = [])))]
pub(crate) async fn sign_update(
    State(app): State<App>,
    caller: ClientCaller,
    requester: Requester,
    Query(query): Query<KeyQuery>,
) -> Reply<SignUpdateResponse> {
    let tenant = tenant(&caller);
    let store = app.store().tenant(tenant.id());
    let credential = store.credential(Method::Push, &query.key()?.fingerprint()).await?;
    let credential = credential.ok_or(Error::InvalidCredential)?;
    let mut challenge = Challenge::new(Kind::Update, app.now(), SIGN_SECONDS);
    strangers::admit(&app, tenant, &caller.source(&requester), challenge.created_at).await?;
    challenge.subject = Some(Subject { user: credential.user, uid: credential.uid });
    challenge.only = Some(credential.authenticator);
    store.ask(&challenge).await?;
    Ok(Json(SignUpdateResponse { message: update_message(challenge.id.as_str()), challenge_id: challenge.id.into() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateDeviceRequest {
    challenge_id: String,
    public_key: String,
    /// The signature over the message that came with the challenge: DER, base64.
    signature: String,
    #[serde(default)]
    push_token: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateDeviceResponse {
    user_authenticator_id: String,
    user_id: String,
    last_verified_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_token: Option<String>,
}

/// Update the push token of a device.
#[utoipa::path(patch, path = "/v1/client/user-authenticators/push", tag = "Device API", operation_id = "updatePushCredential",
    request_body = UpdateDeviceRequest, responses((status = 200, body = UpdateDeviceResponse)), security(("tenantId" = [])))]
pub(crate) async fn update_push(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<UpdateDeviceRequest>,
) -> Reply<UpdateDeviceResponse> {
    let now: Timestamp = app.now();
    let tenant = tenant(&caller);
    let key = DeviceKey::parse(&request.public_key)?;
    let id = challenge_id(&request.challenge_id)?;
    let (credential, one) = known(&app, tenant, Method::Push, &key).await?;
    key.verify(update_message(id.as_str()).as_bytes(), &request.signature)?;
    let platform = one.device.as_ref().map_or(DevicePlatform::Android, |device| device.platform);
    let push_token = token(tenant, platform, request.push_token)?;
    let store = app.store().tenant(tenant.id());
    if !store.update_device(&credential, &id, push_token.as_deref(), now).await? {
        return Err(Error::InvalidCredential);
    }
    tracing::info!(event = "device_updated", tenant = %tenant.id(), authenticator = %credential.authenticator);
    Ok(Json(UpdateDeviceResponse {
        user_authenticator_id: credential.authenticator.into(),
        user_id: credential.user.into(),
        last_verified_at: iso(now),
        push_token,
    }))
}
