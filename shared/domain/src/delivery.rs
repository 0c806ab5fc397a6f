//! A message on its way to one device of one user.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, ChallengeId, TenantId},
};

/// Which push service a device is reached through, as SNS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Platform {
    Apns,
    ApnsSandbox,
    Gcm,
}

impl Platform {
    /// As SNS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apns => "APNS",
            Self::ApnsSandbox => "APNS_SANDBOX",
            Self::Gcm => "GCM",
        }
    }
}

/// The body of a message of the delivery queue: it says which challenge waits, and nothing of what it asks or of
/// how it is answered (security.md, T22, T27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    pub version: u8,
    pub tenant_id: TenantId,
    pub challenge_id: ChallengeId,
    pub user_authenticator_id: AuthenticatorId,
    /// Unix seconds.
    pub enqueued_at: i64,
    /// Unix seconds.
    pub expires_at: i64,
}

impl Delivery {
    pub const VERSION: u8 = 2;

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

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sent, or not to be sent any more.
    Done,
    /// To be tried again after this time.
    Later { seconds: u64 },
}
