//! Ceremonies that were changed in a place, against a model of what each means that shares no code with the verifier.
//!
//! Two thousand of each kind by default; `COUNTERSIGN_MUTATIONS=1000000` for the long run. Where the verifier takes what the
//! model refuses, the test fails. Where it refuses what the model takes, it has to be for one of the reasons of
//! [`is_stricter`].

use ciborium::Value as Cbor;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use serde_json::{Value as Json, json};

use super::{
    super::{
        Credential,
        cose::Algorithm,
        refusal::Refusal,
        wire::{AuthenticationResponse, RegistrationResponse},
    },
    authenticator::{Answer, Creation, Keys, ORIGIN, Scene, Wanted, challenge, handle, registration_json},
};

/// Numbers that look random and are the same on each run (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    pub fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }

    /// Changes bytes in one place: a bit, a byte, a part gone, twice, or new.
    pub fn bytes(&mut self, bytes: &mut Vec<u8>) {
        let at = self.roll(bytes.len());
        let end = (at + 1 + self.roll(8)).min(bytes.len());
        match self.roll(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.roll(8),
            1 if !bytes.is_empty() => bytes[at] = self.byte(),
            2 => drop(bytes.drain(at.min(end)..end)),
            3 => bytes.truncate(at),
            4 => {
                let again = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => bytes.insert(at, self.byte()),
        }
    }

    /// Changes one name of client data.
    pub fn client(&mut self, client: &mut Json) {
        let name = self.pick(&["type", "challenge", "origin", "crossOrigin", "topOrigin", "later"]);
        let value = self.pick(&[
            json!("webauthn.create"),
            json!("webauthn.get"),
            json!(challenge().as_str()),
            json!("AAAA"),
            json!(ORIGIN),
            json!("https://example.org"),
            json!("https://evil.example"),
            json!(true),
            json!(false),
            json!(null),
            json!(["https://mfa.example.com"]),
            json!({"a": [1, 2]}),
        ]);
        client[name] = value;
    }
}

pub fn rounds() -> usize {
    std::env::var("COUNTERSIGN_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000)
}

/// What the model says of client data.
fn client_holds(bytes: &[u8], kind: &str) -> bool {
    let Ok(client) = serde_json::from_slice::<Json>(bytes) else { return false };
    let origins = [ORIGIN, "https://example.org", "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    client["type"] == kind
        && client["challenge"] == challenge().as_str()
        && client["origin"].as_str().is_some_and(|origin| origins.contains(&origin))
        && matches!(client["crossOrigin"], Json::Null | Json::Bool(false))
        && client["topOrigin"].is_null()
}

/// Whether flags and relying party hold.
fn data_holds(data: &[u8]) -> bool {
    let flags = data.get(32).copied().unwrap_or_default();
    data.get(..32) == Some(super::super::client_data::hash(b"example.com").as_ref())
        && flags & 0b101 == 0b101
        && (flags & 0b1_1000 != 0b1_0000)
}

/// What the model reads of a registration: the id, the key's numbers, flags, counter and model; none where it refuses.
fn model_of_creation(client: &[u8], object: &[u8], told: &[u8]) -> Option<(Vec<Cbor>, u8, u32, Vec<u8>)> {
    let map = |value: Cbor| value.into_map().ok();
    let all = |bytes: &[u8]| {
        let mut rest = bytes;
        let value: Cbor = ciborium::from_reader(&mut rest).ok()?;
        Some((value, rest.len()))
    };
    let (object, rest) = all(object)?;
    let object = map(object)?;
    let get = |name: &str| object.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value.clone());
    let (format, statement, data) = (get("fmt")?, get("attStmt")?, get("authData")?.into_bytes().ok()?);
    let is_none = format.as_text()? == "none";
    let statement_holds = !is_none || statement.as_map().is_some_and(Vec::is_empty);
    let (id_at, flags) = (55, *data.get(32)?);
    let length = usize::from(u16::from_be_bytes(data.get(53..55)?.try_into().ok()?));
    let id = data.get(id_at..id_at + length)?;
    let (key, behind) = all(data.get(id_at + length..)?)?;
    let behind = if flags & 0x80 == 0 { behind } else { all(&data[data.len() - behind..])?.1 };
    let key = map(key)?;
    let values: Vec<Cbor> = [1, 3, -1, -2, -3]
        .iter()
        .filter_map(|name| key.iter().find(|(key, _)| *key == Cbor::from(*name)))
        .map(|(_, value)| value.clone())
        .collect();
    let counter = u32::from_be_bytes(data.get(33..37)?.try_into().ok()?);
    let holds = client_holds(client, "webauthn.create")
        && data_holds(&data)
        && statement_holds
        && (rest, behind, flags & 0x40) == (0, 0, 0x40)
        && (id, (1..=1023).contains(&id.len())) == (told, true);
    holds.then(|| (values, flags, counter, data[37..53].to_vec()))
}

/// Why the verifier may refuse what the model takes: the model reads CBOR as ciborium does, base64 and JSON as loosely, and
/// looks at no key.
fn is_stricter(refusal: &Refusal) -> bool {
    match refusal {
        // Numbers that are not the shortest, names twice, tags, names that are no numbers or texts.
        Refusal::Cbor(..) => true,
        // A point off the curve, a part of another length, a name too many; another algorithm.
        Refusal::Key(_) | Refusal::OtherAlgorithm(_) => true,
        // A name of client data twice: serde_json's value keeps the last.
        Refusal::ClientData => true,
        // The outputs of extensions are a map: the model takes any value.
        Refusal::AuthenticatorData => true,
        _ => false,
    }
}

fn values(credential: &Credential) -> Vec<Cbor> {
    let cose = credential.public_key.to_cose();
    let key: Cbor = ciborium::from_reader(cose.as_slice()).unwrap();
    key.into_map().unwrap().into_iter().map(|(_, value)| value).collect()
}

pub fn change_creation(dice: &mut Dice, keys: &[Keys], made: &mut Creation) {
    match dice.roll(11) {
        0 => made.flags ^= 1 << dice.roll(8),
        1 => made.flags = dice.byte(),
        2 => made.counter = u32::from(dice.byte()),
        3 => made.aaguid[dice.roll(16)] = dice.byte(),
        4 => made.id = vec![dice.byte(); dice.pick(&[0, 1, 16, 64, 1023, 1024])],
        5 => made.key = keys[dice.roll(keys.len())].cose(),
        6 => dice.bytes(&mut made.key),
        7 => made.rp_id = dice.pick(&["example.com", "mfa.example.com", "example.org", ""]).into(),
        8 => made.format = dice.pick(&["none", "packed", "", "NONE", "fido-u2f"]),
        9 => {
            made.flags |= 0x80;
            made.extensions =
                dice.pick(&[vec![], vec![0xa0], vec![0xa1, 0x61, b'x', 0xf5], vec![0x80], vec![0xa0, 0xa0]]);
        }
        _ => dice.client(&mut made.client),
    }
}

#[test]
fn mutated_registrations_agree_with_the_model() {
    let mut dice = Dice(0x5eed_0001);
    let keys: Vec<Keys> = Algorithm::ALL.into_iter().map(Keys::generate).collect();
    let (mut taken, mut stricter) = (0, 0);
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
        let model = model_of_creation(&client, &object, &made.id);
        let response: RegistrationResponse = registration_json(&made.id, &client, &object);
        match (Wanted::new().verify(&response), model) {
            (Ok(credential), Some((key, flags, counter, aaguid))) => {
                taken += 1;
                assert_eq!(values(&credential), key, "round {round}: the key");
                let told = (credential.backup_eligible, credential.backed_up, credential.counter);
                assert_eq!(told, (flags & 8 != 0, flags & 16 != 0, counter), "round {round}");
                assert_eq!(credential.aaguid.0.as_slice(), aaguid, "round {round}");
            }
            (Ok(_), None) => panic!("round {round}: taken, and the model refuses it"),
            (Err(refusal), Some(_)) => {
                assert!(is_stricter(&refusal), "round {round}: {refusal:?}");
                stricter += 1;
            }
            (Err(_), None) => {}
        }
    }
    assert!(
        taken > rounds() / 10 && stricter > 0 && taken < rounds() * 9 / 10,
        "{taken} {stricter}: all kinds were met"
    );
}

/// Changes how a thing is written, and not what it says.
fn respell(dice: &mut Dice, response: &mut AuthenticationResponse) {
    let spell = |dice: &mut Dice, text: &mut String| {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        *text = dice.pick(&[BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]).encode(&bytes);
    };
    match dice.roll(6) {
        0 => spell(dice, &mut response.response.client_data_json),
        1 => spell(dice, &mut response.response.authenticator_data),
        2 => spell(dice, &mut response.response.signature),
        3 => response.raw_id = None,
        4 => response.r#type = None,
        _ => {
            let text = handle().as_str().to_owned();
            let letters = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap();
            let twice = BASE64URL_NOPAD.encode(text.as_bytes());
            response.response.user_handle = dice.pick(&[None, Some(String::new()), Some(letters), Some(twice)]);
        }
    }
}

/// Changes a part after it was signed.
fn break_part(dice: &mut Dice, response: &mut AuthenticationResponse) {
    let parts = &mut response.response;
    let part = match dice.roll(4) {
        0 => &mut parts.client_data_json,
        1 => &mut parts.authenticator_data,
        2 => &mut parts.signature,
        _ => &mut response.id,
    };
    let before = part.clone();
    let mut bytes = BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
    dice.bytes(&mut bytes);
    *part = BASE64URL_NOPAD.encode(&bytes);
    if *part == before {
        // The change was none: the last letter is one that no base64 has.
        part.push('!');
    }
}

#[test]
fn mutated_sign_ins_are_taken_only_where_nothing_was_changed() {
    let mut dice = Dice(0x5eed_0002);
    let scenes: Vec<Scene> = Algorithm::ALL.into_iter().map(Scene::new).collect();
    let stranger = Keys::generate(Algorithm::Es256);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..rounds() {
        let scene = &scenes[round % scenes.len()];
        let mut answer = Answer::new();
        // What a client that has the key could sign.
        for _ in 0..dice.roll(3) {
            match dice.roll(6) {
                0 => answer.flags ^= 1 << dice.roll(8),
                1 => answer.counter = u32::from(dice.byte()),
                2 => answer.rp_id = dice.pick(&["example.com", "example.org"]).into(),
                3 => answer.extensions = dice.pick(&[vec![], vec![0xa0]]),
                4 => answer.user_handle = dice.pick(&[None, Some("x".into()), Some(handle().as_str().into())]),
                _ => dice.client(&mut answer.client),
            }
        }
        let is_stranger = dice.roll(8) == 0;
        let mut response = answer.response(if is_stranger { &stranger } else { &scene.keys });
        let is_broken = dice.roll(4) == 0;
        if is_broken {
            break_part(&mut dice, &mut response);
        } else if dice.roll(2) == 0 {
            respell(&mut dice, &mut response);
        }
        // The model: nothing was changed after it was signed, by the right key, and what was signed holds.
        let user = response.response.user_handle.as_deref();
        let flags = answer.flags;
        let holds = !is_broken
            && !is_stranger
            && user != Some("x")
            && client_holds(answer.client.to_string().as_bytes(), "webauthn.get")
            && data_holds(&answer.auth_data())
            && flags & 0x48 == 0x08
            && (flags & 0x80 != 0) != answer.extensions.is_empty();
        let told = scene.verify(&response);
        assert_eq!(told.is_ok(), holds, "round {round}: {told:?}");
        let count = if holds { &mut taken } else { &mut refused };
        *count += 1;
    }
    assert!(taken > rounds() / 10 && refused > rounds() / 10, "{taken} {refused}: all kinds were met");
}
