//! A message on its way to one device of one user.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, TenantId},
};

/// Which push service a device is reached through, as SNS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Platform {
    Apns,
    ApnsSandbox,
    Gcm,
}

/// The body of a message of the delivery queue: it says which challenge waits, and nothing of what it asks or of
/// how it is answered (security.md, T22, T27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    pub version: u8,
    pub tenant_id: TenantId,
    pub challenge_id: String,
    pub user_authenticator_id: AuthenticatorId,
    /// ARN of the SNS platform endpoint.
    pub target: String,
    pub platform: Platform,
    /// Unix seconds.
    pub expires_at: i64,
}

impl Delivery {
    pub const VERSION: u8 = 1;

    /// Reads the body of a message; 400 for one that this version cannot read.
    pub fn parse(body: &str) -> Result<Self, Error> {
        let delivery: Self = serde_json::from_str(body).map_err(|error| Error::Invalid(error.to_string()))?;
        match delivery.version {
            Self::VERSION => Ok(delivery),
            other => {
                Err(Error::Invalid(format!("a message of version {other}; this function reads {}", Self::VERSION)))
            }
        }
    }

    /// A push for a challenge that is over would only confuse.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.as_second() >= self.expires_at
    }
}
