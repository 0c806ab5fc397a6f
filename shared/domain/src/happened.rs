//! What happens to users, as a closed list: what is written down, logged, counted and told follows from it.

use serde::{Deserialize, Serialize};

/// What happened to a user's authenticators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Event {
    Removed { name: String },
    Renamed { name: String },
    MadePrimary { name: String },
    NewRecoveryCodes,
    RecoveryCodeUsed,
    DeviceForgotten,
}

impl Event {
    /// In the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Removed { .. } => "authenticator_removed",
            Self::Renamed { .. } => "authenticator_renamed",
            Self::MadePrimary { .. } => "authenticator_made_primary",
            Self::NewRecoveryCodes => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::DeviceForgotten => "device_forgotten",
        }
    }
}
