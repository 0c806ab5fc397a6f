//! Shapes that more than one function sends.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authenticator::Authenticator,
    clock::{Timestamp, iso},
    facts::{Fact, Facts, masked},
    id::UserId,
    method::{Method, device::DevicePlatform},
    user::User,
};

/// What is confirmed, in words, as the page, the device and the signature have it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownFacts {
    /// The kind of action.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    rows: Vec<Fact>,
}

impl From<Facts> for ShownFacts {
    fn from(Facts { what, rows, .. }: Facts) -> Self {
        Self { what, rows }
    }
}

/// An authenticator of a user (contract, section 1.2, `UserAuthenticator`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAuthenticator {
    pub user_id: String,
    pub user_authenticator_id: String,
    pub verification_method: Method,
    /// ISO 8601, UTC.
    pub created_at: String,
    pub verified_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_verified_at: Option<String>,
    /// Whether its method is the user's default, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `IOS`, `ANDROID` or `WEB`, for the key of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_platform: Option<DevicePlatform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// The app's own name for the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// When its push service last refused it for good, ISO 8601 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errored_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

impl UserAuthenticator {
    /// An authenticator in the list of its user.
    pub fn listed(user: &User, authenticator: &Authenticator) -> Self {
        let last = user.totp.get(&authenticator.id).map(|credential| credential.spent.at).filter(|at| *at > 0);
        let last = last.and_then(|at| Timestamp::from_second(at).ok()).or(authenticator.use_so_far.last_verified_at);
        let is_asked_first = authenticator.method != Method::Push
            || user.primary.as_ref().is_none_or(|primary| *primary == authenticator.id);
        Self {
            last_verified_at: last.map(iso),
            is_default: Some(user.default_method() == Some(authenticator.method) && is_asked_first),
            ..Self::enrolled(&user.id, authenticator)
        }
    }

    /// An authenticator that was enrolled this moment.
    pub fn enrolled(user: &UserId, authenticator: &Authenticator) -> Self {
        Self {
            user_id: user.to_string(),
            user_authenticator_id: authenticator.id.to_string(),
            verification_method: authenticator.method.on_run_time_api(),
            created_at: iso(authenticator.created_at),
            verified_at: iso(authenticator.verified_at),
            last_verified_at: None,
            is_default: None,
            phone_number: authenticator.phone_number.clone(),
            email: authenticator.email.clone(),
            display_name: authenticator.name.clone(),
            device_platform: authenticator.device.as_ref().map(|device| device.platform),
            device_model: authenticator.device.as_ref().and_then(|device| device.model.clone()),
            device_id: authenticator.device.as_ref().and_then(|device| device.device_id.clone()),
            errored_at: authenticator.use_so_far.errored.as_ref().map(|error| iso(error.at)),
            error_code: authenticator.use_so_far.errored.as_ref().map(|error| error.code.clone()),
        }
    }

    /// The same with its addresses masked: enough to be recognised by their owner.
    #[must_use]
    pub fn masked(self) -> Self {
        Self {
            email: self.email.as_deref().map(masked),
            phone_number: self.phone_number.as_deref().map(masked),
            ..self
        }
    }
}
