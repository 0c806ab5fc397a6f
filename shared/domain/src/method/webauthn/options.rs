//! What a browser or a system is asked with: `PublicKeyCredentialCreationOptionsJSON` and
//! `PublicKeyCredentialRequestOptionsJSON` (WebAuthn Level 3, section 5.1.8 and 5.1.9), as the SDKs decode them.

use serde::Serialize;

use super::{
    cose::Algorithm,
    policy::{RelyingParty, RpId, UserVerification},
    wire::{Challenge, CredentialId, Transport, UserHandle},
};

/// Five minutes, in milliseconds (15.1 recommends 300,000): as long as the challenge lives.
pub const TIMEOUT: u32 = 300_000;

/// Longer names some authenticators cut off, at a byte (6.4.1.2): so they are cut here, at a letter.
const NAME_BYTES: usize = 64;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    pub challenge: Challenge,
    pub rp: Rp,
    pub user: User,
    pub pub_key_cred_params: Vec<Parameter>,
    pub timeout: u32,
    /// There always: Android's SDK does not read options without it.
    pub exclude_credentials: Vec<Descriptor>,
    pub authenticator_selection: Selection,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// "none": nobody's hardware is asked for its papers.
    pub attestation: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Rp {
    pub id: RpId,
    pub name: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Text that is base64url: browsers decode it, iOS's SDK does not (see [`UserHandle`]).
    pub id: UserHandle,
    pub name: String,
    pub display_name: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Parameter {
    pub r#type: &'static str,
    pub alg: i64,
}

/// A credential by its id.
#[derive(Clone, Debug, Serialize)]
pub struct Descriptor {
    pub r#type: &'static str,
    pub id: CredentialId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<Transport>,
}

impl Descriptor {
    pub fn new(id: CredentialId, transports: Vec<Transport>) -> Self {
        Self { r#type: "public-key", id, transports }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticator_attachment: Option<Attachment>,
    pub resident_key: ResidentKey,
    /// The same for clients of Level 1; Android's SDK demands it.
    pub require_resident_key: bool,
    pub user_verification: UserVerification,
}

/// Whether the authenticator is part of the device (5.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attachment {
    Platform,
    CrossPlatform,
}

/// Whether the credential is found without a user's name (5.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResidentKey {
    Required,
    Discouraged,
}

/// Which way the browser shows first (5.8.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    SecurityKey,
    ClientDevice,
    Hybrid,
}

/// For whom, under which challenge, beside which credentials of theirs.
#[derive(Clone, Debug)]
pub struct Newcomer<'a> {
    pub challenge: Challenge,
    pub handle: UserHandle,
    /// What the user signs in with, as in `name@example.com`.
    pub name: &'a str,
    pub display_name: &'a str,
    /// All of the user's, so that no authenticator holds two (5.4, `excludeCredentials`).
    pub registered: Vec<Descriptor>,
}

impl CreationOptions {
    /// A passkey: found without a name, and for a user who is verified.
    pub fn passkey(party: &RelyingParty, of: Newcomer<'_>, attachment: Option<Attachment>) -> Self {
        let selection = Selection {
            authenticator_attachment: attachment,
            resident_key: ResidentKey::Required,
            require_resident_key: true,
            user_verification: UserVerification::Required,
        };
        Self::new(party, of, selection, Vec::new())
    }

    /// A security key as a second factor: it takes no place of the few that it has, and its touch is enough.
    pub fn security_key(party: &RelyingParty, of: Newcomer<'_>, user_verification: UserVerification) -> Self {
        let selection = Selection {
            authenticator_attachment: Some(Attachment::CrossPlatform),
            resident_key: ResidentKey::Discouraged,
            require_resident_key: false,
            user_verification,
        };
        Self::new(party, of, selection, vec![Hint::SecurityKey])
    }

    fn new(party: &RelyingParty, of: Newcomer<'_>, selection: Selection, hints: Vec<Hint>) -> Self {
        Self {
            challenge: of.challenge,
            rp: Rp { id: party.id().clone(), name: party.name.clone() },
            user: User { id: of.handle, name: cut(of.name), display_name: cut(of.display_name) },
            pub_key_cred_params: Algorithm::ALL
                .map(|algorithm| Parameter { r#type: "public-key", alg: algorithm.id() })
                .to_vec(),
            timeout: TIMEOUT,
            exclude_credentials: of.registered,
            authenticator_selection: selection,
            hints,
            attestation: "none",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    pub challenge: Challenge,
    pub timeout: u32,
    pub rp_id: RpId,
    /// There always; empty where the authenticator says who signs in.
    pub allow_credentials: Vec<Descriptor>,
    pub user_verification: UserVerification,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
}

impl RequestOptions {
    /// Sign-in by a passkey: one of these, or any that the authenticator finds.
    pub fn passkey(party: &RelyingParty, challenge: Challenge, allowed: Vec<Descriptor>) -> Self {
        Self {
            challenge,
            timeout: TIMEOUT,
            rp_id: party.id().clone(),
            allow_credentials: allowed,
            user_verification: UserVerification::Required,
            hints: Vec::new(),
        }
    }

    /// An answer by a security key.
    pub fn security_key(
        party: &RelyingParty,
        challenge: Challenge,
        allowed: Vec<Descriptor>,
        user_verification: UserVerification,
    ) -> Self {
        let hints = vec![Hint::SecurityKey];
        Self { user_verification, hints, ..Self::passkey(party, challenge, allowed) }
    }
}

/// The name as far as authenticators keep it.
fn cut(name: &str) -> String {
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= NAME_BYTES).last();
    name.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::policy::Origin, *};

    fn party() -> RelyingParty {
        let origin = Origin::parse("https://mfa.example.com").unwrap();
        RelyingParty::new(RpId::parse("example.com").unwrap(), "Example".into(), vec![origin], vec![]).unwrap()
    }

    fn newcomer(registered: Vec<Descriptor>) -> Newcomer<'static> {
        Newcomer {
            challenge: Challenge::of(&[1; 32]),
            handle: UserHandle::of(&[2; 16]),
            name: "ada@example.com",
            display_name: "Ada",
            registered,
        }
    }

    #[test]
    fn options_of_a_passkey_are_as_the_sdks_decode_them() {
        let options = CreationOptions::passkey(&party(), newcomer(vec![]), None);
        let expected = json!({
            "challenge": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
            "rp": {"id": "example.com", "name": "Example"},
            "user": {"id": "MDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDI", "name": "ada@example.com", "displayName": "Ada"},
            "pubKeyCredParams": [
                {"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -8}, {"type": "public-key", "alg": -257},
            ],
            "timeout": 300_000,
            "excludeCredentials": [],
            "authenticatorSelection": {
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
            },
            "attestation": "none",
        });
        assert_eq!(serde_json::to_value(&options).unwrap(), expected);
        let here = CreationOptions::passkey(&party(), newcomer(vec![]), Some(Attachment::Platform));
        let selection = serde_json::to_value(&here).unwrap()["authenticatorSelection"].clone();
        assert_eq!(selection["authenticatorAttachment"], "platform");
    }

    #[test]
    fn options_of_a_security_key_ask_for_a_touch() {
        let known = Descriptor::new(CredentialId::parse("AQID").unwrap(), vec![Transport::Usb]);
        let listed = json!([{"type": "public-key", "id": "AQID", "transports": ["usb"]}]);
        let of = newcomer(vec![known.clone()]);
        let options = CreationOptions::security_key(&party(), of, UserVerification::Discouraged);
        let options = serde_json::to_value(&options).unwrap();
        assert_eq!(options["excludeCredentials"], listed);
        assert_eq!(options["hints"], json!(["security-key"]));
        let selection = json!({
            "authenticatorAttachment": "cross-platform", "residentKey": "discouraged", "requireResidentKey": false,
            "userVerification": "discouraged",
        });
        assert_eq!(options["authenticatorSelection"], selection);
        let challenge = Challenge::of(&[1; 32]);
        let asked = RequestOptions::security_key(&party(), challenge, vec![known], UserVerification::Preferred);
        let asked = serde_json::to_value(&asked).unwrap();
        assert_eq!((&asked["allowCredentials"], &asked["userVerification"]), (&listed, &json!("preferred")));
    }

    #[test]
    fn a_sign_in_without_a_name_allows_any() {
        let options = RequestOptions::passkey(&party(), Challenge::of(&[1; 32]), vec![]);
        let expected = json!({
            "challenge": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
            "timeout": 300_000,
            "rpId": "example.com",
            "allowCredentials": [],
            "userVerification": "required",
        });
        assert_eq!(serde_json::to_value(&options).unwrap(), expected);
    }

    #[test]
    fn names_are_cut_at_a_letter() {
        assert_eq!(cut("Ada"), "Ada");
        assert_eq!(cut(&"é".repeat(40)), "é".repeat(32));
        assert_eq!(cut(&format!("a{}", "é".repeat(40))), format!("a{}", "é".repeat(31)));
        assert_eq!(cut(""), "");
    }
}
