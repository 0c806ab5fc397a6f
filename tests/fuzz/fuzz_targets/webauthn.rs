//! Any bytes in each place of a passkey's ceremony: refused or read, and what is taken keeps its meaning.
//!
//! The first byte says which place. `shared/domain/src/method/webauthn/tests/mutations.rs` does the same with ceremonies that
//! are changed in a place, on every run.

#![no_main]

use std::sync::LazyLock;

use countersign_domain::{
    id::UserId,
    method::webauthn::{
        Credential,
        assertion::{Assertion, Registered, Who},
        authenticator_data::Presence,
        cbor,
        cose::{Algorithm, PublicKey},
        policy::{Aaguid, Frames, Origin, RelyingParty, RpId, Taken, UserVerification},
        registration::Registration,
        wire::{AuthenticationResponse, Challenge, CredentialId, RegistrationResponse, UserHandle},
    },
};
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static PARTY: LazyLock<RelyingParty> = LazyLock::new(|| {
    let origin = |text| vec![Origin::parse(text).unwrap()];
    let party = RelyingParty::new(RpId::parse("example.org").unwrap(), "E".into(), origin("https://example.org"), vec![]);
    let top_origins = origin("https://example.com");
    party.unwrap().with_frames(Frames::Within { top_origins, accepts_unnamed: true })
});
static CHALLENGE: LazyLock<Challenge> = LazyLock::new(|| Challenge::of(&[0; 32]));

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn client(kind: &str) -> Vec<u8> {
    json!({"type": kind, "challenge": CHALLENGE.as_str(), "origin": "https://example.org"}).to_string().into_bytes()
}

fn register(response: &RegistrationResponse) -> Option<Credential> {
    let registration = Registration {
        challenge: &CHALLENGE,
        party: &PARTY,
        algorithms: &Algorithm::ALL,
        user_verification: UserVerification::Discouraged,
        presence: Presence::Conditional,
        taken: &Taken::default(),
    };
    let credential = registration.verify(response).ok()?;
    // What is taken can be stored, and read again as the same.
    let stored = serde_json::to_string(&credential).unwrap();
    assert_eq!(serde_json::from_str::<Credential>(&stored).unwrap(), credential);
    Some(credential)
}

/// Nobody here has the key, so whatever is sent is refused.
fn sign_in(response: &AuthenticationResponse) {
    let key = "pQECAyYgASFYIK_voW-XypstI-uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir-HlxfBLMaO1zKQry4mZHlrkiA";
    let public_key: PublicKey = serde_json::from_value(json!(key)).unwrap();
    let credential = Credential {
        id: CredentialId::new(&[1]).unwrap(),
        public_key,
        rp_id: PARTY.id().clone(),
        counter: 0,
        user_verified: true,
        backup_eligible: false,
        backed_up: false,
        aaguid: Aaguid([0; 16]),
        transports: vec![],
    };
    let assertion = Assertion {
        challenge: &CHALLENGE,
        party: &PARTY,
        user_verification: UserVerification::Discouraged,
        asked_for: &[],
        who: Who::Discovered,
    };
    let (owner, handle) = (UserId::parse("ada").unwrap(), UserHandle::of(&[2; 16]));
    let registered = Registered { credential: &credential, owner: &owner, handle: Some(&handle) };
    assert!(assertion.verify(response, &registered).is_err());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((place, bytes)) = bytes.split_first() else { return };
    let created = |client: &[u8], object: &[u8], id: &[u8]| {
        let response = json!({"clientDataJSON": text(client), "attestationObject": text(object)});
        serde_json::from_value(json!({"id": text(id), "response": response})).unwrap()
    };
    let asserted = |client: &[u8], data: &[u8], signature: &[u8]| {
        let parts = json!({
            "clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature),
            "userHandle": "MDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDIwMjAyMDI",
        });
        serde_json::from_value(json!({"id": "AQ", "response": parts})).unwrap()
    };
    match place % 7 {
        0 => {
            if let Ok((_, taken)) = cbor::read(bytes) {
                assert!(cbor::read_all(&bytes[..taken]).is_ok());
            }
        }
        1 => {
            if let Ok(key) = PublicKey::from_cose(bytes) {
                assert!(PublicKey::from_cose(&key.to_cose()).is_ok_and(|again| again == key));
                assert!(!key.has_signed(b"nobody signed this", &[0; 64]));
            }
        }
        2 => drop(register(&created(&client("webauthn.create"), bytes, &[1]))),
        3 => drop(register(&created(bytes, &[0xa0], &[1]))),
        4 => sign_in(&asserted(&client("webauthn.get"), bytes, &[0x30])),
        5 => sign_in(&asserted(bytes, &[0; 37], &[0x30])),
        _ => {
            let _ = serde_json::from_slice(bytes).map(|response| register(&response));
            let _ = serde_json::from_slice(bytes).map(|response| sign_in(&response));
        }
    }
});
