//! Registering a new credential: WebAuthn Level 3, section 7.1, step by step.

use super::{
    Credential,
    authenticator_data::{Attested, AuthenticatorData, Presence},
    cbor::{self, Value},
    client_data::{Ceremony, ClientData},
    cose::{Algorithm, PublicKey},
    policy::{RelyingParty, Taken, UserVerification},
    refusal::Refusal,
    wire::{Challenge, CredentialId, RegistrationResponse},
};

/// What was asked, and what is taken.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    pub challenge: &'a Challenge,
    pub party: &'a RelyingParty,
    /// Those of `pubKeyCredParams`.
    pub algorithms: &'a [Algorithm],
    pub user_verification: UserVerification,
    pub presence: Presence,
    pub taken: &'a Taken,
}

impl Registration<'_> {
    /// Verifies the answer of `navigator.credentials.create`, and returns the record to store.
    ///
    /// Steps 1 and 2, the options and the call, are [`super::options`] and the client's. Step 3, the answer's type, is the
    /// JSON's shape. Step 4, the client's extension outputs, is not looked at: nothing here asks for an extension.
    pub fn verify(&self, response: &RegistrationResponse) -> Result<Credential, Refusal> {
        let created = response.read()?;
        // Steps 5 and 6: UTF-8, JSON.
        let client_data = ClientData::read(&created.client_data)?;
        // Steps 7 to 11: type, challenge, origin, frame, top origin.
        client_data.check(Ceremony::Create, self.challenge, self.party)?;
        // Step 12, the hash of clientDataJSON, is what attestation signs: see steps 21 to 24.
        // Step 13: the attestation object.
        let object =
            cbor::read_all(&created.attestation_object).map_err(|fault| Refusal::Cbor("attestationObject", fault))?;
        let object = AttestationObject::read(&object).ok_or(Refusal::AttestationObject)?;
        let data = AuthenticatorData::read(object.auth_data)?;
        // Steps 14 to 17: relying party, presence, verification, BS without BE.
        data.check(self.party.id(), self.presence, self.user_verification)?;
        // Step 18: whether synced credentials are taken. Step 19: BS alone decides nothing, and is in the record.
        if data.is_eligible() && !self.taken.synced {
            return Err(Refusal::Synced);
        }
        let attested = data.attested.as_ref().ok_or(Refusal::NoCredential)?;
        // Step 20: the algorithm is one that was asked for.
        let public_key = self.check_key(attested)?;
        // Steps 21 to 24: attestation, of which "none" is asked.
        self.check_attestation(&object, attested)?;
        // Step 25: the id has 1 to 1,023 bytes, and is the one that the client told.
        let id = CredentialId::new(attested.id)?;
        if id != created.id {
            return Err(Refusal::OtherId);
        }
        // Step 26, that nobody has registered it, is the condition of the write that stores it. Step 27: the record.
        // Step 28: extension outputs that nobody asked for are ignored. Step 29: the caller stores the record.
        Ok(Credential {
            id,
            public_key,
            rp_id: self.party.id().clone(),
            counter: data.counter,
            user_verified: data.is_verified(),
            backup_eligible: data.is_eligible(),
            backed_up: data.is_backed_up(),
            aaguid: attested.aaguid,
            transports: response.transports(),
        })
    }

    fn check_key(&self, attested: &Attested<'_>) -> Result<PublicKey, Refusal> {
        let key = PublicKey::read(&attested.key)?;
        let algorithm = key.algorithm();
        if self.algorithms.contains(&algorithm) { Ok(key) } else { Err(Refusal::OtherAlgorithm(algorithm.id())) }
    }

    /// Steps 21 to 24. "none" is the format that is asked for, and it says nothing of the model; so another format, which
    /// some authenticators send all the same, is worth no more and is not verified: its key signs the next sign-in.
    fn check_attestation(&self, object: &AttestationObject<'_>, attested: &Attested<'_>) -> Result<(), Refusal> {
        match object.format {
            // 8.7: its statement is an empty map.
            "none" if object.statement.names() != Some(0) => return Err(Refusal::AttestedNone),
            "none" => {}
            other if self.taken.only_unattested => return Err(Refusal::Attested(quoted(other))),
            _ => {}
        }
        self.taken.check_model(attested.aaguid)
    }
}

/// `fmt`, `attStmt` and `authData` (6.5.4).
struct AttestationObject<'a> {
    format: &'a str,
    statement: &'a Value<'a>,
    auth_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    fn read(object: &'a Value<'a>) -> Option<Self> {
        Some(Self {
            format: object.get(&Value::Text("fmt"))?.text()?,
            statement: object.get(&Value::Text("attStmt"))?,
            auth_data: object.get(&Value::Text("authData"))?.bytes()?,
        })
    }
}

/// A format's name has at most 32 printable characters (8.1).
fn quoted(format: &str) -> String {
    format.chars().take(32).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}
