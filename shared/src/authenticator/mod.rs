//! Authenticators and their kinds; one file a method.

pub mod device;
pub mod recovery;
pub mod subscription;
pub mod totp;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{AuthenticatorId, UserUid},
};
use device::{Device, DevicePlatform};

/// The kind of an authenticator (contract, section 4, `verificationMethod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    Sms,
    EmailOtp,
    EmailMagicLink,
    AuthenticatorApp,
    Passkey,
    SecurityKey,
    Push,
    Veriff,
    Iproov,
    Idverse,
    PalmBiometricsRr,
    RecoveryCode,
    Device,
    #[serde(rename = "WHATSAPP")]
    WhatsApp,
    QrCode,
    InApp,
}

/// What a success shows, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Nothing that was asked for here.
    Nothing,
    /// Somebody knows a short code or a recovery code.
    Secret,
    /// Somebody has the key of a device.
    Key,
    /// The same, and whoever holds it is in front of the screen that asks: they carried the number over, or the key
    /// signs for that site alone.
    Matched,
}

impl Method {
    /// How strong a success of the method is; with number matching, where the number was typed.
    pub fn worth(self, with_number: bool) -> Worth {
        match self {
            Self::AuthenticatorApp | Self::RecoveryCode => Worth::Secret,
            Self::Sms | Self::EmailOtp | Self::EmailMagicLink | Self::WhatsApp => Worth::Secret,
            Self::Push | Self::QrCode | Self::InApp | Self::Device if !with_number => Worth::Key,
            Self::Push | Self::QrCode | Self::InApp | Self::Device => Worth::Matched,
            Self::Passkey | Self::SecurityKey => Worth::Matched,
            Self::Veriff | Self::Iproov | Self::Idverse | Self::PalmBiometricsRr => Worth::Nothing,
        }
    }

    /// Those that can be enrolled and answer here.
    pub const ANSWERING: [Self; 5] =
        [Self::AuthenticatorApp, Self::Push, Self::RecoveryCode, Self::QrCode, Self::InApp];

    /// The name on the wire, as in `AUTHENTICATOR_APP`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::EmailOtp => "EMAIL_OTP",
            Self::EmailMagicLink => "EMAIL_MAGIC_LINK",
            Self::AuthenticatorApp => "AUTHENTICATOR_APP",
            Self::Passkey => "PASSKEY",
            Self::SecurityKey => "SECURITY_KEY",
            Self::Push => "PUSH",
            Self::Veriff => "VERIFF",
            Self::Iproov => "IPROOV",
            Self::Idverse => "IDVERSE",
            Self::PalmBiometricsRr => "PALM_BIOMETRICS_RR",
            Self::RecoveryCode => "RECOVERY_CODE",
            Self::Device => "DEVICE",
            Self::WhatsApp => "WHATSAPP",
            Self::QrCode => "QR_CODE",
            Self::InApp => "IN_APP",
        }
    }

    /// The method as the run-time APIs call it: two SDKs cannot read `QR_CODE` and `IN_APP`, which only the Management
    /// API knows; to them such a key is a `DEVICE` (contract, section 4).
    pub fn on_run_time_api(self) -> Self {
        match self {
            Self::QrCode | Self::InApp => Self::Device,
            other => other,
        }
    }

    /// Some methods as the run-time APIs call them, each once. Recovery codes are not listed: they are what is left when
    /// the user's methods are not at hand, only the hosted pages ask for them, and the Java SDK cannot read their name.
    pub fn all_on_run_time_api(methods: &[Self]) -> Vec<Self> {
        let shown = methods.iter().filter(|method| **method != Self::RecoveryCode);
        let mut named: Vec<Self> = shown.map(|method| method.on_run_time_api()).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Whether it is answered with the key of a device.
    pub fn is_of_device(self) -> bool {
        matches!(self, Self::Push | Self::QrCode | Self::InApp)
    }

    /// The method of that name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(name.into())).ok()
    }
}

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
    /// What changes after the enrolment; attributes of their own.
    #[serde(skip)]
    pub use_so_far: UseSoFar,
}

impl Authenticator {
    /// Whether its key lives in a browser, which is reached by web push.
    pub fn is_browser(&self) -> bool {
        self.device.as_ref().is_some_and(|device| device.platform == DevicePlatform::Web)
    }
}

/// How an authenticator has fared since it was enrolled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UseSoFar {
    pub last_verified_at: Option<Timestamp>,
    /// When its push service last refused it for good, and how that was called.
    pub errored: Option<(Timestamp, String)>,
}
