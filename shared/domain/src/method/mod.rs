//! The methods by which a user proves who they are; one file a method.

pub mod device;
pub mod recovery;
pub mod subscription;
pub mod totp;

use serde::{Deserialize, Serialize};

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

impl Method {
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
