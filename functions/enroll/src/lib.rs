//! Enrol: a user gets a TOTP secret to put into an authenticator app (contract, C16), or a backend hands in an
//! authenticator that it has verified (S7).

mod attested;

use axum::{Json, extract::State};
use countersign_core::{
    app::{App, UserCaller},
    enrolment,
    error::Error,
    http::{Body, Reply},
    id::has_control,
    typed,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(enroll_totp)).routes(routes!(attested::enroll))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct EnrollTotpRequest {
    /// What its owner calls this authenticator, up to 64 characters; numbered where absent. The SDKs send no body.
    display_name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EnrollTotpResponse {
    /// `otpauth://totp/…`, for a QR code.
    uri: String,
    /// The same secret in base32, for typing in.
    secret: String,
    user_authenticator_id: String,
    user_id: String,
}

/// Begin to enrol an authenticator app. It is confirmed by its first code, within 10 minutes.
#[utoipa::path(post, path = "/v1/client/user-authenticators/totp", tag = "Client API", operation_id = "enrollTotp",
    request_body = EnrollTotpRequest, responses((status = 200, body = EnrollTotpResponse)), security(("userToken" = [])))]
async fn enroll_totp(
    State(app): State<App>,
    caller: UserCaller,
    Body(request): Body<EnrollTotpRequest>,
) -> Reply<EnrollTotpResponse> {
    let name = request.display_name.map(|name| name.trim().to_owned()).filter(|name| !typed::is_blank(name));
    if name.as_ref().is_some_and(|name| name.chars().count() > 64) {
        return Err(Error::invalid("displayName has at most 64 characters."));
    }
    if name.as_deref().is_some_and(has_control) {
        return Err(Error::invalid("displayName has a control character, such as NUL or a line break; leave it out."));
    }
    let offer = enrolment::begin(&app, &caller, name, app.now()).await?;
    Ok(Json(EnrollTotpResponse {
        uri: offer.uri.to_string(),
        secret: offer.secret.to_string(),
        user_authenticator_id: offer.authenticator.into(),
        user_id: caller.claims.sub.into(),
    }))
}
