//! Devices of a user that rules have seen, and for how long they are remembered (contract, S26-S28).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::{Timestamp, iso},
    error::Error,
    http::{Body, Path, Reply, ServerCaller, present},
    id::{DeviceName, TenantId, UserId},
    method::Method,
    rule::recent::Device,
    store::no_device,
    user::User,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device (contract, S26). Those that were never let through are forgotten after a month.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceView {
    user_id: String,
    device_id: String,
    created_at: String,
    /// When an action from it last succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalidated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remembered_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_verification_method: Option<Method>,
}

impl DeviceView {
    fn new(user: &User, device: Device) -> Self {
        Self {
            user_id: user.id.to_string(),
            device_id: device.id,
            created_at: iso(device.created_at),
            authenticated_at: device.authenticated_at.map(iso),
            invalidated_at: device.invalidated_at.map(iso),
            remembered_until: device.remembered_until.map(iso),
            last_verification_method: device.last_method.map(Method::on_run_time_api),
        }
    }
}

async fn user(app: &App, tenant: &TenantId, id: &UserId) -> Result<User, Error> {
    app.store().tenant(tenant).user(id).await?.ok_or_else(no_device)
}

/// List the devices from which actions with rules were tracked with a `deviceId`, oldest first.
#[utoipa::path(get, path = "/v1/users/{userId}/devices", tag = "Server API", operation_id = "listDevices",
    params(("userId" = String, Path)), responses((status = 200, body = Vec<DeviceView>)), security(("secretKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(user_id): Path<UserId>,
) -> Reply<Vec<DeviceView>> {
    let store = app.store().tenant(tenant.id());
    let Some(user) = store.user(&user_id).await? else { return Ok(Json(Vec::new())) };
    let devices = store.devices(&user).await?;
    Ok(Json(devices.into_iter().map(|device| DeviceView::new(&user, device)).collect()))
}

/// Forget what is known of a device: rules take it for a new one that is not remembered.
#[utoipa::path(post, path = "/v1/users/{userId}/devices/{deviceId}/invalidate", tag = "Server API",
    operation_id = "invalidateDevice", params(("userId" = String, Path), ("deviceId" = String, Path)),
    responses((status = 200, body = DeviceView)), security(("secretKey" = [])))]
pub(crate) async fn invalidate(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user_id, device)): Path<(UserId, DeviceName)>,
) -> Reply<DeviceView> {
    let user = user(&app, tenant.id(), &user_id).await?;
    let changed = app.store().tenant(tenant.id()).invalidate_device(&user, device.as_str(), app.now()).await?;
    tracing::info!(event = "device_invalidated", tenant = %tenant.id(), user = %user.uid);
    Ok(Json(DeviceView::new(&user, changed)))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeviceChanges {
    /// ISO 8601, at most 400 days ahead; null forgets, absent keeps.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    remembered_until: Option<Option<String>>,
}

/// The longest that browsers keep a cookie (RFC 6265bis, section 5.5).
const LONGEST_DAYS: i64 = 400;

/// Remember a device until a time: `device.isRemembered` is true to rules until then.
#[utoipa::path(patch, path = "/v1/users/{userId}/devices/{deviceId}", tag = "Server API", operation_id = "updateDevice",
    params(("userId" = String, Path), ("deviceId" = String, Path)), request_body = DeviceChanges,
    responses((status = 200, body = DeviceView)), security(("secretKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user_id, device)): Path<(UserId, DeviceName)>,
    Body(changes): Body<DeviceChanges>,
) -> Reply<DeviceView> {
    let latest = app.now().as_second() + LONGEST_DAYS * 24 * 3600;
    let until = changes.remembered_until.map(|until| until.map(|text| time(&text, latest)).transpose()).transpose()?;
    let user = user(&app, tenant.id(), &user_id).await?;
    let store = app.store().tenant(tenant.id());
    let device = match until {
        Some(until) => store.remember_device(&user, device.as_str(), until).await?,
        None => store.device(&user, device.as_str()).await?,
    };
    Ok(Json(DeviceView::new(&user, device)))
}

fn time(text: &str, latest: i64) -> Result<Timestamp, Error> {
    let time: Option<Timestamp> = text.parse().ok();
    time.filter(|time| time.as_second() <= latest).ok_or_else(|| {
        Error::Invalid(format!(
            "rememberedUntil is a date and time in ISO 8601, such as 2026-12-01T00:00:00Z, at most {LONGEST_DAYS} days ahead."
        ))
    })
}
