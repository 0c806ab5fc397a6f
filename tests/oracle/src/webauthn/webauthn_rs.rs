//! `webauthn-rs-core` beside the verifier, over mutated ceremonies; where they disagree, the reason stands in a table.

use std::{collections::BTreeMap, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value as Json, json};
use url::Url;
use webauthn_rs_core::{
    WebauthnCore,
    proto::{COSEAlgorithm, Credential as Theirs, UserVerificationPolicy},
};

use super::{
    authenticator::{Answer, Creation, Keys, ORIGIN, Scene, Wanted, challenge, handle},
    cose::Algorithm,
    mutations::{Dice, change_creation, rounds},
};

/// The two algorithms that both know; webauthn-rs does not ask for Ed25519.
const BOTH: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

fn core() -> WebauthnCore {
    let origins = [ORIGIN, "https://example.org"].map(|origin| Url::parse(origin).unwrap()).to_vec();
    WebauthnCore::new_unsafe_experts_only("Example", "example.com", origins, Duration::from_secs(60), None, None)
}

/// A state of theirs with our challenge in it.
fn with_challenge<T: serde::Serialize + serde::de::DeserializeOwned>(state: &T) -> T {
    let mut state = serde_json::to_value(state).unwrap();
    state["challenge"] = json!(challenge().as_str());
    serde_json::from_value(state).unwrap()
}

fn register(core: &WebauthnCore, response: &Json) -> Result<Theirs, String> {
    let builder = core.new_challenge_register_builder(b"ada", "ada", "Ada").unwrap();
    let builder = builder.user_verification_policy(UserVerificationPolicy::Required).credential_algorithms(vec![
        COSEAlgorithm::ES256,
        COSEAlgorithm::RS256,
        COSEAlgorithm::EDDSA,
    ]);
    let (_, state) = core.generate_challenge_register(builder).unwrap();
    let response = serde_json::from_value(response.clone()).map_err(|error| format!("JSON: {error}"))?;
    core.register_credential(&response, &with_challenge(&state), None).map_err(|error| format!("{error:?}"))
}

fn sign_in(core: &WebauthnCore, response: &Json, credential: Theirs) -> Result<(), String> {
    let builder =
        core.new_challenge_authenticate_builder(vec![credential], Some(UserVerificationPolicy::Required)).unwrap();
    let (_, state) = core.generate_challenge_authenticate(builder).unwrap();
    let response = serde_json::from_value(response.clone()).map_err(|error| format!("JSON: {error}"))?;
    core.authenticate_credential(&response, &with_challenge(&state)).map(|_| ()).map_err(|error| format!("{error:?}"))
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Why the verifier takes what webauthn-rs refuses, by webauthn-rs's word for it.
const LOOSER: &[(&str, &str)] = &[
    ("Attestation", "another format than none was not asked for, so its statement is not looked at"),
];

/// Why the verifier refuses what webauthn-rs takes, by the verifier's word for it.
const STRICTER: &[(&str, &str)] = &[
    ("AttestedNone", "webauthn-rs does not look at the statement of the format none (8.7)"),
    (
        "OtherOrigin",
        "webauthn-rs compares addresses: a scheme in capitals and a port that is the scheme's own are the same",
    ),
    ("OtherId", "the id beside the authenticator data is told by the client; webauthn-rs does not look at it"),
    ("Cbor", "CBOR that can be read in two ways: serde_cbor takes longer numbers and names twice"),
    ("Key(", "names that a key's algorithm has not, and parts of another length"),
    ("ClientData", "a name of client data twice or of another type, where webauthn-rs does not read the name"),
    ("InFrame", "webauthn-rs looks at crossOrigin of a sign-in not at all"),
    ("TopOriginWithoutFrame", "webauthn-rs looks at topOrigin not at all"),
    ("AuthenticatorData", "bytes after the end, or flags that announce what is not there"),
    ("OtherUser", "webauthn-rs-core leaves userHandle to its caller"),
    ("CredentialId", "an empty id is none"),
];

/// Counts disagreements, and fails on one that no table explains.
#[derive(Default)]
struct Table {
    agreed_good: usize,
    agreed_bad: usize,
    counts: BTreeMap<String, usize>,
    unexplained: BTreeMap<String, usize>,
}

impl Table {
    fn add(&mut self, ours: Result<(), String>, theirs: Result<(), String>) {
        let (list, word, side) = match (&ours, &theirs) {
            (Ok(()), Ok(())) => return self.agreed_good += 1,
            (Err(_), Err(_)) => return self.agreed_bad += 1,
            (Ok(()), Err(word)) => (LOOSER, word, "taken here, refused there"),
            (Err(word), Ok(())) => (STRICTER, word, "refused here, taken there"),
        };
        let found = list.iter().find(|(known, _)| word.starts_with(known));
        match found {
            Some((known, why)) => *self.counts.entry(format!("{side}: {known}: {why}")).or_default() += 1,
            None => *self.unexplained.entry(format!("{side}: {word:.120}")).or_default() += 1,
        }
    }

    fn judge(&self) {
        println!("agreed: {} taken, {} refused", self.agreed_good, self.agreed_bad);
        for (line, count) in self.counts.iter().chain(&self.unexplained) {
            println!("{count:8}  {line}");
        }
        assert!(self.unexplained.is_empty(), "{:#?}", self.unexplained);
        assert!(self.agreed_good > rounds() / 20 && self.agreed_bad > rounds() / 20, "all kinds were met");
    }
}

#[test]
fn registrations_agree_with_webauthn_rs() {
    let (core, mut dice, mut table) = (core(), Dice(0x5eed_0003), Table::default());
    let keys: Vec<Keys> = BOTH.into_iter().map(Keys::generate).collect();
    for round in 0..rounds() {
        let mut made = Creation::new(&keys[round % keys.len()]);
        for _ in 0..dice.roll(3) {
            change_creation(&mut dice, &keys, &mut made);
        }
        let (mut client, mut object) = (made.client.to_string().into_bytes(), made.object());
        match dice.roll(6) {
            0 => dice.bytes(&mut client),
            1 | 2 => dice.bytes(&mut object),
            _ => {}
        }
        let id = text(&made.id);
        let response = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": {"clientDataJSON": text(&client), "attestationObject": text(&object)},
        });
        let ours = Wanted::new().verify(&serde_json::from_value(response.clone()).unwrap());
        let theirs = register(&core, &response);
        if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
            assert_eq!(ours.id.to_string(), text(theirs.cred_id.as_slice()));
            assert_eq!((ours.backup_eligible, ours.backed_up), (theirs.backup_eligible, theirs.backup_state));
            assert_eq!((ours.counter, ours.user_verified), (theirs.counter, theirs.user_verified));
        }
        table.add(ours.map(|_| ()).map_err(|refusal| format!("{refusal:?}")), theirs.map(|_| ()));
    }
    table.judge();
}

#[test]
fn sign_ins_agree_with_webauthn_rs() {
    let (core, mut dice, mut table) = (core(), Dice(0x5eed_0004), Table::default());
    let scenes: Vec<(Scene, Theirs)> = BOTH
        .into_iter()
        .map(|algorithm| {
            let scene = Scene::new(algorithm);
            let made = Creation::new(&scene.keys);
            let id = text(&made.id);
            let client = made.client.to_string();
            let response = json!({
                "id": id, "rawId": id, "type": "public-key",
                "response": {"clientDataJSON": text(client.as_bytes()), "attestationObject": text(&made.object())},
            });
            let theirs = register(&core, &response).unwrap();
            (scene, theirs)
        })
        .collect();
    for round in 0..rounds() {
        let (scene, theirs) = &scenes[round % scenes.len()];
        let mut answer = Answer::new();
        for _ in 0..dice.roll(3) {
            match dice.roll(6) {
                0 => answer.flags ^= 1 << dice.roll(8),
                1 => answer.counter = u32::from(dice.byte()),
                2 => answer.rp_id = dice.pick(&["example.com", "example.org"]).into(),
                3 => answer.extensions = dice.pick(&[vec![], vec![0xa0]]),
                4 => answer.user_handle = dice.pick(&[None, Some("AAAA".into()), Some(handle().as_str().into())]),
                _ => dice.client(&mut answer.client),
            }
        }
        let signed = answer.response(&scene.keys).response;
        let parts = [&signed.client_data_json, &signed.authenticator_data, &signed.signature];
        let mut parts = parts.map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
        if dice.roll(3) == 0 {
            let part = dice.roll(3);
            dice.bytes(&mut parts[part]);
        }
        let [client, data, signature] = parts.map(|part| text(&part));
        let id = text(&answer.id);
        let response = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": {
                "clientDataJSON": client, "authenticatorData": data, "signature": signature,
                "userHandle": answer.user_handle,
            },
        });
        let ours = scene.verify(&serde_json::from_value(response.clone()).unwrap());
        let theirs = sign_in(&core, &response, theirs.clone());
        table.add(ours.map(|_| ()).map_err(|refusal| format!("{refusal:?}")), theirs);
    }
    table.judge();
}
