//! The routes that every kind of key has: for push, for QR codes, and for the app itself.

use axum::extract::State;
use countersign_core::{
    app::{App, UserCaller},
    http::{Body, ClientCaller, Query, Reply},
    method::Method,
};

use crate::{
    KeyQuery,
    credentials::{
        DeviceCredential, EnrollDeviceRequest, RemoveDeviceRequest, RemoveDeviceResponse, enroll, get, remove,
    },
};

/// Get the authenticator of a device's key; 403 `invalid_credential` for one that is not enrolled.
#[utoipa::path(get, path = "/v1/client/user-authenticators/push", tag = "Device API", operation_id = "getPushCredential", params(KeyQuery),
    responses((status = 200, body = DeviceCredential)), security(("tenantId" = [])))]
pub(crate) async fn get_push(
    State(app): State<App>,
    caller: ClientCaller,
    Query(query): Query<KeyQuery>,
) -> Reply<DeviceCredential> {
    get(&app, &caller, Method::Push, &query).await
}

/// Enrol a device's key for the user of the token.
#[utoipa::path(post, path = "/v1/client/user-authenticators/push", tag = "Device API", operation_id = "enrollPush", request_body = EnrollDeviceRequest,
    responses((status = 200, body = DeviceCredential)), security(("userToken" = [])))]
pub(crate) async fn enroll_push(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<EnrollDeviceRequest>,
) -> Reply<DeviceCredential> {
    enroll(&app, &caller, Method::Push, request).await
}

/// Remove a device's key, signed by that key.
#[utoipa::path(post, path = "/v1/client/user-authenticators/push/remove", tag = "Device API", operation_id = "removePushCredential",
    request_body = RemoveDeviceRequest, responses((status = 200, body = RemoveDeviceResponse)), security(("tenantId" = [])))]
pub(crate) async fn remove_push(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<RemoveDeviceRequest>,
) -> Reply<RemoveDeviceResponse> {
    remove(&app, &caller, Method::Push, &request).await
}

/// Get the authenticator of a device's key; 403 `invalid_credential` for one that is not enrolled.
#[utoipa::path(get, path = "/v1/client/user-authenticators/qr-code", tag = "Device API", operation_id = "getQrCodeCredential", params(KeyQuery),
    responses((status = 200, body = DeviceCredential)), security(("tenantId" = [])))]
pub(crate) async fn get_qr_code(
    State(app): State<App>,
    caller: ClientCaller,
    Query(query): Query<KeyQuery>,
) -> Reply<DeviceCredential> {
    get(&app, &caller, Method::QrCode, &query).await
}

/// Enrol a device's key for the user of the token.
#[utoipa::path(post, path = "/v1/client/user-authenticators/qr-code", tag = "Device API", operation_id = "enrollQrCode", request_body = EnrollDeviceRequest,
    responses((status = 200, body = DeviceCredential)), security(("userToken" = [])))]
pub(crate) async fn enroll_qr_code(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<EnrollDeviceRequest>,
) -> Reply<DeviceCredential> {
    enroll(&app, &caller, Method::QrCode, request).await
}

/// Remove a device's key, signed by that key.
#[utoipa::path(post, path = "/v1/client/user-authenticators/qr-code/remove", tag = "Device API", operation_id = "removeQrCodeCredential",
    request_body = RemoveDeviceRequest, responses((status = 200, body = RemoveDeviceResponse)), security(("tenantId" = [])))]
pub(crate) async fn remove_qr_code(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<RemoveDeviceRequest>,
) -> Reply<RemoveDeviceResponse> {
    remove(&app, &caller, Method::QrCode, &request).await
}

/// Get the authenticator of a device's key; 403 `invalid_credential` for one that is not enrolled.
#[utoipa::path(get, path = "/v1/client/user-authenticators/in-app", tag = "Device API", operation_id = "getInAppCredential", params(KeyQuery),
    responses((status = 200, body = DeviceCredential)), security(("tenantId" = [])))]
pub(crate) async fn get_in_app(
    State(app): State<App>,
    caller: ClientCaller,
    Query(query): Query<KeyQuery>,
) -> Reply<DeviceCredential> {
    get(&app, &caller, Method::InApp, &query).await
}

/// Enrol a device's key for the user of the token.
#[utoipa::path(post, path = "/v1/client/user-authenticators/in-app", tag = "Device API", operation_id = "enrollInApp", request_body = EnrollDeviceRequest,
    responses((status = 200, body = DeviceCredential)), security(("userToken" = [])))]
pub(crate) async fn enroll_in_app(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<EnrollDeviceRequest>,
) -> Reply<DeviceCredential> {
    enroll(&app, &caller, Method::InApp, request).await
}

/// Remove a device's key, signed by that key.
#[utoipa::path(post, path = "/v1/client/user-authenticators/in-app/remove", tag = "Device API", operation_id = "removeInAppCredential",
    request_body = RemoveDeviceRequest, responses((status = 200, body = RemoveDeviceResponse)), security(("tenantId" = [])))]
pub(crate) async fn remove_in_app(
    State(app): State<App>,
    caller: ClientCaller,
    Body(request): Body<RemoveDeviceRequest>,
) -> Reply<RemoveDeviceResponse> {
    remove(&app, &caller, Method::InApp, &request).await
}
