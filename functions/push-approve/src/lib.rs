//! Push-approve: what the app on a device calls: to enrol its key, to see what is asked, and to answer (contract,
//! section 2.6). A device is known by its key; the tenant id says only which customer's.

mod answers;
mod credentials;
mod kinds;
mod pairing;
mod pending;

use countersign_core::{app::App, error::Error, id::ChallengeId, method::device::DeviceKey};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(kinds::get_push, kinds::enroll_push, credentials::update_push))
        .routes(routes!(credentials::sign_update))
        .routes(routes!(credentials::web_push_key))
        .routes(routes!(kinds::remove_push))
        .routes(routes!(kinds::get_qr_code, kinds::enroll_qr_code))
        .routes(routes!(kinds::remove_qr_code))
        .routes(routes!(kinds::get_in_app, kinds::enroll_in_app))
        .routes(routes!(kinds::remove_in_app))
        .routes(routes!(pending::sign))
        .routes(routes!(pending::get, answers::answer_push))
        .routes(routes!(answers::claim))
        .routes(routes!(answers::answer_qr_code))
        .routes(routes!(pairing::redeem))
        .routes(routes!(pairing::status))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct KeyQuery {
    /// The key as in a body, base64 once more.
    public_key: String,
}

impl KeyQuery {
    fn key(&self) -> Result<DeviceKey, Error> {
        DeviceKey::parse_query(&self.public_key)
    }
}

/// An id that cannot be one of ours is unknown, as any other that we did not make.
fn challenge_id(text: &str) -> Result<ChallengeId, Error> {
    ChallengeId::parse(text).map_err(|_| Error::InvalidCredential)
}
