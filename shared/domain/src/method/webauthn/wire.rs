//! What crosses the wire: the JSON of credentials as browsers and systems give it (WebAuthn Level 3, section 5.1), and the
//! texts in it that are bytes.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// All texts of one credential together; attestation by a TPM, the longest in use, has about six thousand.
pub const MAX_BYTES: usize = 16 * 1024;

/// Decodes base64url without padding, as WebAuthn has it, and the three other spellings: iOS's SDK sends `clientDataJSON`
/// in standard base64 with padding. One text is never two sequences of bytes: where two spellings read it, they agree.
fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, Refusal> {
    let spellings = [BASE64URL_NOPAD, BASE64, BASE64URL, BASE64_NOPAD];
    let bytes = spellings.iter().find_map(|spelling| spelling.decode(text.as_bytes()).ok());
    bytes.ok_or(Refusal::NotBase64(what))
}

/// A random question that is answered once: base64url, as it stands in the options and in `clientDataJSON`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// 32 bytes that nobody can guess; 13.4.3 asks for 16.
    pub fn of(random: &[u8; 32]) -> Self {
        Self(BASE64URL_NOPAD.encode(random))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id that the authenticator gave to a credential: 1 to 1,023 bytes (7.1 step 25).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    pub fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        if (1..=1023).contains(&bytes.len()) { Ok(Self(bytes.to_vec())) } else { Err(Refusal::CredentialId) }
    }

    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        Self::new(&decode("The credential's id", text)?)
    }

    /// SHA-256, hexadecimal: the name under which it is looked up, as a device's key is.
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(digest::digest(&digest::SHA256, &self.0).as_ref())
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}
impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl TryFrom<String> for CredentialId {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}
impl From<CredentialId> for String {
    fn from(id: CredentialId) -> Self {
        id.to_string()
    }
}

/// What an authenticator calls a user: random, because a security key shows it to whoever holds it (14.6.1), one a user.
///
/// The options say it in base64url of 32 ASCII letters. A browser keeps what that decodes to, the letters; iOS's SDK keeps
/// the bytes of the text itself. A passkey that was made by one and is used by the other, as synced ones are, comes
/// back as the letters (iOS reads bytes as text), as the text, or as base64url of the text. So all three are the user's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserHandle(String);

impl UserHandle {
    /// Of 16 bytes that nobody can guess.
    pub fn of(random: &[u8; 16]) -> Self {
        Self(BASE64URL_NOPAD.encode(HEXLOWER.encode(random).as_bytes()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `userHandle` of an answer names this user.
    pub fn is(&self, given: &str) -> bool {
        let decoded = |text: &str| decode("userHandle", text).unwrap_or_default();
        let letters = decoded(&self.0);
        given == self.0
            || given.as_bytes() == letters
            || [letters.as_slice(), self.0.as_bytes()].contains(&decoded(given).as_slice())
    }
}

/// How an authenticator is reached (5.8.4). What is not known is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    Usb,
    Nfc,
    Ble,
    SmartCard,
    Hybrid,
    Internal,
}

impl Transport {
    /// `cable` is what `hybrid` was called before.
    fn parse(name: &str) -> Option<Self> {
        let all = [
            ("usb", Self::Usb),
            ("nfc", Self::Nfc),
            ("ble", Self::Ble),
            ("smart-card", Self::SmartCard),
            ("hybrid", Self::Hybrid),
            ("cable", Self::Hybrid),
            ("internal", Self::Internal),
        ];
        all.into_iter().find(|(known, _)| *known == name).map(|(_, transport)| transport)
    }

    /// Those of the names that are known, each once.
    pub fn all<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut known = Vec::new();
        for transport in names.into_iter().filter_map(Self::parse) {
            if !known.contains(&transport) {
                known.push(transport);
            }
        }
        known
    }
}

/// `RegistrationResponseJSON`. Names that nothing here reads are ignored: `clientExtensionResults`, `publicKey` and the
/// like are the client's word alone, and the same stands in what the authenticator made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    pub id: String,
    pub raw_id: Option<String>,
    pub r#type: Option<String>,
    pub response: AttestationResponse,
}

/// `AuthenticatorAttestationResponseJSON`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    pub attestation_object: String,
    /// iOS's SDK sends none.
    pub transports: Option<Vec<String>>,
}

/// `AuthenticationResponseJSON`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationResponse {
    pub id: String,
    pub raw_id: Option<String>,
    pub r#type: Option<String>,
    pub response: AssertionResponse,
}

/// `AuthenticatorAssertionResponseJSON`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    pub authenticator_data: String,
    pub signature: String,
    pub user_handle: Option<String>,
}

/// The parts of a registration as bytes.
#[derive(Debug)]
pub struct Created {
    pub id: CredentialId,
    pub client_data: Vec<u8>,
    pub attestation_object: Vec<u8>,
}

/// The parts of a sign-in as bytes.
#[derive(Debug)]
pub struct Asserted {
    pub id: CredentialId,
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub signature: Vec<u8>,
}

/// What both answers have around their parts.
fn read_id(id: &str, raw_id: Option<&String>, kind: Option<&String>) -> Result<CredentialId, Refusal> {
    if kind.is_some_and(|kind| kind != "public-key") {
        return Err(Refusal::NotPublicKey);
    }
    let read = CredentialId::parse(id)?;
    if raw_id.map(|raw| CredentialId::parse(raw)).transpose()?.is_some_and(|raw| raw != read) {
        return Err(Refusal::TwoIds);
    }
    Ok(read)
}

fn check_size<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    let total: usize = texts.into_iter().map(str::len).sum();
    if total > MAX_BYTES { Err(Refusal::TooLarge) } else { Ok(()) }
}

fn text(text: Option<&String>) -> &str {
    text.map(String::as_str).unwrap_or_default()
}

impl RegistrationResponse {
    pub fn read(&self) -> Result<Created, Refusal> {
        let AttestationResponse { client_data_json, attestation_object, transports } = &self.response;
        let fixed = [&self.id, text(self.raw_id.as_ref()), client_data_json, attestation_object];
        let transports = transports.iter().flatten().map(String::as_str);
        check_size(fixed.into_iter().chain(transports))?;
        Ok(Created {
            id: read_id(&self.id, self.raw_id.as_ref(), self.r#type.as_ref())?,
            client_data: decode("clientDataJSON", client_data_json)?,
            attestation_object: decode("attestationObject", attestation_object)?,
        })
    }

    pub fn transports(&self) -> Vec<Transport> {
        Transport::all(self.response.transports.iter().flatten().map(String::as_str))
    }
}

impl AuthenticationResponse {
    pub fn read(&self) -> Result<Asserted, Refusal> {
        let AssertionResponse { client_data_json, authenticator_data, signature, user_handle } = &self.response;
        check_size([
            &self.id,
            text(self.raw_id.as_ref()),
            client_data_json,
            authenticator_data,
            signature,
            text(user_handle.as_ref()),
        ])?;
        Ok(Asserted {
            id: read_id(&self.id, self.raw_id.as_ref(), self.r#type.as_ref())?,
            client_data: decode("clientDataJSON", client_data_json)?,
            authenticator_data: decode("authenticatorData", authenticator_data)?,
            signature: decode("signature", signature)?,
        })
    }

    /// Whom the authenticator names; security keys and iOS send an empty text where there is nobody.
    pub fn user_handle(&self) -> Option<&str> {
        self.response.user_handle.as_deref().filter(|handle| !handle.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_known_by_all_that_come_back() {
        let handle = UserHandle::of(&[0xab; 16]);
        let letters = "abababababababababababababababab";
        assert_eq!(handle.as_str(), BASE64URL_NOPAD.encode(letters.as_bytes()));
        assert!(handle.as_str().len() <= 64, "5.4.3: at most 64 bytes, for whoever takes the text");
        for same in [
            handle.as_str(),
            letters,
            &BASE64URL_NOPAD.encode(handle.as_str().as_bytes()),
            &BASE64.encode(letters.as_bytes()),
        ] {
            assert!(handle.is(same), "{same}");
        }
        let other = UserHandle::of(&[0xac; 16]);
        for wrong in ["", "a", other.as_str(), &letters[1..], &letters.to_uppercase()] {
            assert!(!handle.is(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_id_has_1_to_1023_bytes() {
        for (length, good) in [(0, false), (1, true), (1023, true), (1024, false)] {
            assert_eq!(CredentialId::new(&vec![7; length]).is_ok(), good, "{length}");
        }
        assert_eq!(CredentialId::parse("AQID").unwrap().to_string(), "AQID");
        assert_eq!(CredentialId::parse("+/+/").unwrap(), CredentialId::parse("-_-_").unwrap());
        assert_eq!(CredentialId::parse("A").unwrap_err(), Refusal::NotBase64("The credential's id"));
        assert_eq!(CredentialId::parse(&"A".repeat(20_000)).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn transports_that_are_known_are_kept_once() {
        let names = ["usb", "cable", "hybrid", "carrier-pigeon", "internal", "usb", "smart-card", "nfc", "ble"];
        let json = serde_json::to_string(&Transport::all(names)).unwrap();
        assert_eq!(json, r#"["usb","hybrid","internal","smart-card","nfc","ble"]"#);
    }
}
