//! Verifying a sign-in: WebAuthn Level 3, section 7.2, step by step.

use super::{
    Credential,
    authenticator_data::{AuthenticatorData, Presence},
    client_data::{self, Ceremony, ClientData},
    policy::{RelyingParty, UserVerification},
    refusal::Refusal,
    wire::{AuthenticationResponse, Challenge, CredentialId, UserHandle},
};
use crate::id::UserId;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    pub challenge: &'a Challenge,
    pub party: &'a RelyingParty,
    pub user_verification: UserVerification,
    /// Those of `allowCredentials`; empty where any of the user's may answer.
    pub asked_for: &'a [CredentialId],
    pub who: Who<'a>,
}

/// Who signs in.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// A token said so before: one of this user's credentials has to answer.
    Known(&'a UserId),
    /// Nobody said: the credential does, and has to name its user.
    Discovered,
}

/// A credential that is registered, looked up by the id in the answer.
#[derive(Clone, Copy, Debug)]
pub struct Registered<'a> {
    pub credential: &'a Credential,
    pub owner: &'a UserId,
    /// What authenticators call the owner; not known where a backend brought the credential from another system.
    pub handle: Option<&'a UserHandle>,
}

/// A sign-in that holds, and what changes in the record by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    pub user_verified: bool,
    pub counter: u32,
    pub backed_up: bool,
}

impl Assertion<'_> {
    /// Verifies the answer of `navigator.credentials.get`.
    ///
    /// Steps 1 and 2, the options and the call, are [`super::options`] and the client's. Step 3, the answer's type, is the
    /// JSON's shape. Step 4, the client's extension outputs, is not looked at: nothing here asks for an extension.
    pub fn verify(&self, response: &AuthenticationResponse, registered: &Registered<'_>) -> Result<Signed, Refusal> {
        let asserted = response.read()?;
        let credential = registered.credential;
        // Step 5: it is one that was asked for.
        if !self.asked_for.is_empty() && !self.asked_for.contains(&asserted.id) {
            return Err(Refusal::NotAskedFor);
        }
        // Step 6: it is the record's credential, and its user's.
        if credential.id != asserted.id {
            return Err(Refusal::NotAskedFor);
        }
        self.check_user(response, registered)?;
        // The record is of this relying party: it is stored with each credential, because another id orphans it.
        if credential.rp_id != *self.party.id() {
            return Err(Refusal::RegisteredElsewhere(credential.rp_id.to_string()));
        }
        // Steps 7 to 9: the parts, UTF-8, JSON.
        let client_data = ClientData::read(&asserted.client_data)?;
        // Steps 10 to 14: type, challenge, origin, frame, top origin.
        client_data.check(Ceremony::Get, self.challenge, self.party)?;
        let data = AuthenticatorData::read(&asserted.authenticator_data)?;
        // Steps 15 to 18: relying party, presence, verification, BS without BE.
        data.check(self.party.id(), Presence::Required, self.user_verification)?;
        // Step 19: BE is what it was. BS may have changed.
        if data.is_eligible() != credential.backup_eligible {
            let was = if credential.backup_eligible { "able to be synced" } else { "bound to its device" };
            return Err(Refusal::EligibilityChanged(was));
        }
        // Steps 20 and 21: the signature is over the authenticator data and the hash of clientDataJSON.
        let hash = client_data::hash(&asserted.client_data);
        let message = [&asserted.authenticator_data, hash.as_ref()].concat();
        if !credential.public_key.has_signed(&message, &asserted.signature) {
            return Err(Refusal::Signature);
        }
        // Step 22: the counter grows, where there is one. Passkeys that are synced say zero, some only after a restore.
        if data.counter != 0 && credential.counter != 0 && data.counter <= credential.counter {
            return Err(Refusal::CounterDidNotGrow);
        }
        // Step 23: extension outputs that nobody asked for are ignored. Step 24: what the caller updates; the largest
        // counter stays, so that a zero in between hides no copy. `user_verified` of the record stays as it was: to
        // raise it asks for another factor. Step 25: the caller goes on.
        Ok(Signed {
            user_verified: data.is_verified(),
            counter: data.counter.max(credential.counter),
            backed_up: data.is_backed_up(),
        })
    }

    /// Step 6: the user that was known owns it; one that was not is named. A name that is there is the owner's.
    fn check_user(&self, response: &AuthenticationResponse, registered: &Registered<'_>) -> Result<(), Refusal> {
        let named = response.user_handle();
        match self.who {
            Who::Known(user) if user != registered.owner => return Err(Refusal::OtherUser),
            Who::Discovered if named.is_none() => return Err(Refusal::NoUser),
            Who::Known(_) | Who::Discovered => {}
        }
        match (named, registered.handle) {
            (Some(named), Some(handle)) if !handle.is(named) => Err(Refusal::OtherUser),
            _ => Ok(()),
        }
    }
}
