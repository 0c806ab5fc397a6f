//! Passkeys and security keys: the verifier of WebAuthn Level 3, and what it asks with and reads.
//!
//! Pure: typed inputs, no store, no clock, no network. [`registration::Registration::verify`] is section 7.1,
//! [`assertion::Assertion::verify`] is section 7.2; each step of theirs is a line with its number. Whether a challenge is
//! of this action, not spent and not over is the store's condition, and so is that a credential is registered once. Record:
//! `infra/decisions/0032-passkey-verifier.md`.

pub mod assertion;
pub mod authenticator_data;
pub mod cbor;
pub mod client_data;
pub mod cose;
pub mod options;
pub mod policy;
pub mod refusal;
pub mod registration;
pub mod wire;

use serde::{Deserialize, Serialize};

use cose::PublicKey;
use policy::{Aaguid, RpId};
use wire::{CredentialId, Transport};

/// What is kept of a credential (4, "credential record"). The key never leaves the authenticator; this is its public half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    pub id: CredentialId,
    pub public_key: PublicKey,
    /// The relying party that it was made for. It never changes.
    pub rp_id: RpId,
    /// The largest counter that was seen; zero where the authenticator counts nothing.
    pub counter: u32,
    /// UV, when it was registered.
    pub user_verified: bool,
    /// BE: whether it may be synced. It never changes.
    pub backup_eligible: bool,
    /// BS, when it was seen last.
    pub backed_up: bool,
    pub aaguid: Aaguid,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<Transport>,
}

#[cfg(test)]
mod tests;
