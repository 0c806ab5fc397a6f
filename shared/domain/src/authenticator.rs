//! An enrolled authenticator, described.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{AuthenticatorId, UserUid},
    method::{
        Method,
        device::{Device, DevicePlatform},
    },
};

/// What is known of an enrolled authenticator beyond what a verification needs.
///
/// The user's item says which authenticators exist; this is their description and decides nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authenticator {
    pub id: AuthenticatorId,
    pub user_uid: UserUid,
    pub method: Method,
    pub created_at: Timestamp,
    pub verified_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Where it is a key of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// What changes after the enrolment. It is stored in attributes of its own.
    #[serde(skip)]
    pub use_so_far: UseSoFar,
}

impl Authenticator {
    /// What people know it by.
    pub fn called(&self) -> String {
        let model = self.device.as_ref().and_then(|device| device.model.clone());
        self.name.clone().or(model).unwrap_or_else(|| self.method.facts().label.to_owned())
    }

    /// Whether its key lives in a browser, which is reached by web push.
    pub fn is_browser(&self) -> bool {
        self.device.as_ref().is_some_and(|device| device.platform == DevicePlatform::Web)
    }
}

/// How an authenticator has fared since it was enrolled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UseSoFar {
    pub last_verified_at: Option<Timestamp>,
    pub errored: Option<PushError>,
}

/// The last time that the push service of a device refused it for good.
#[derive(Clone, Debug, PartialEq)]
pub struct PushError {
    pub at: Timestamp,
    /// How the service called that.
    pub code: String,
}
