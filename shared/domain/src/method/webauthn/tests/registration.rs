//! 7.1: what holds is taken, and each step refuses what it is there for.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use serde_json::json;

use super::{
    super::{
        authenticator_data::Presence,
        cbor::Value,
        cose::Algorithm,
        policy::{Aaguid, Frames, Origin, Taken, UserVerification},
        refusal::Refusal,
        wire::Transport,
    },
    authenticator::{AT, BE, BS, Creation, ED, Keys, UP, UV, Wanted, encode, registration_json},
};

/// A good registration, changed.
fn changed(change: impl Fn(&mut Creation)) -> Creation {
    let mut creation = Creation::new(&Keys::generate(Algorithm::Es256));
    change(&mut creation);
    creation
}

/// What is said of a good registration that was changed.
fn refused(change: impl Fn(&mut Creation)) -> Refusal {
    Wanted::new().verify(&changed(change).response()).unwrap_err()
}

/// What is said of a good registration where something else is wanted.
fn refused_where(wanted: &Wanted, change: impl Fn(&mut Creation)) -> Refusal {
    wanted.verify(&changed(change).response()).unwrap_err()
}

#[test]
fn a_registration_is_kept_as_it_was_made() {
    for algorithm in Algorithm::ALL {
        let keys = Keys::generate(algorithm);
        let credential = Wanted::new().verify(&Creation::new(&keys).response()).unwrap();
        assert_eq!(credential.public_key.algorithm(), algorithm);
        assert_eq!(credential.public_key.to_cose(), keys.cose());
        assert!(credential.user_verified && credential.backup_eligible && credential.backed_up);
        assert_eq!((credential.counter, credential.aaguid), (0, Aaguid([3; 16])));
        assert_eq!(credential.transports, [Transport::Internal, Transport::Hybrid]);
        let stored = serde_json::to_string(&credential).unwrap();
        assert_eq!(serde_json::from_str::<super::super::Credential>(&stored).unwrap(), credential);
    }
}

#[test]
fn ios_sends_fewer_names_and_other_base64() {
    let creation = changed(|_| {});
    let spelled = |encoding: &data_encoding::Encoding| {
        let [client, object] =
            [creation.client.to_string().into_bytes(), creation.object()].map(|of| encoding.encode(&of));
        let id = BASE64URL_NOPAD.encode(&creation.id);
        json!({
            "id": id, "rawId": id, "authenticatorAttachment": "cross-platform",
            "response": {"clientDataJSON": client, "attestationObject": object},
        })
    };
    for encoding in [&BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD] {
        let response = serde_json::from_value(spelled(encoding)).unwrap();
        assert_eq!(Wanted::new().verify(&response).unwrap().transports, []);
    }
}

#[test]
fn step_3_the_answer_has_its_shape() {
    let good = json!({"id": "AQ", "response": {"clientDataJSON": "AQ", "attestationObject": "AQ"}});
    type Response = super::super::wire::RegistrationResponse;
    assert!(serde_json::from_value::<Response>(good).is_ok(), "iOS sends no more");
    for wrong in [
        json!({}),
        json!({"id": "AQ", "response": {}}),
        json!({"id": 1, "response": {"clientDataJSON": "AQ", "attestationObject": "AQ"}}),
        json!({"id": "AQ", "response": {"clientDataJSON": ["AQ"], "attestationObject": "AQ"}}),
        json!({"id": "AQ", "response": {"clientDataJSON": "AQ", "authenticatorData": "AQ", "signature": "AQ"}}),
    ] {
        assert!(serde_json::from_value::<Response>(wrong.clone()).is_err(), "{wrong}");
    }
    let wanted = Wanted::new();
    let mut response = changed(|_| {}).response();
    response.r#type = Some("password".into());
    assert_eq!(wanted.verify(&response).unwrap_err(), Refusal::NotPublicKey);
    let mut response = changed(|_| {}).response();
    response.raw_id = Some("AQID".into());
    assert_eq!(wanted.verify(&response).unwrap_err(), Refusal::TwoIds);
    let mut response = changed(|_| {}).response();
    response.response.client_data_json.push('!');
    assert_eq!(wanted.verify(&response).unwrap_err(), Refusal::NotBase64("clientDataJSON"));
    let mut response = changed(|_| {}).response();
    response.response.attestation_object = "A".repeat(16 * 1024);
    assert_eq!(wanted.verify(&response).unwrap_err(), Refusal::TooLarge);
    let mut response = changed(|_| {}).response();
    response.response.transports = Some(vec!["a".repeat(1024); 16]);
    assert_eq!(wanted.verify(&response).unwrap_err(), Refusal::TooLarge);
}

#[test]
fn step_4_what_the_client_says_of_extensions_is_not_looked_at() {
    let mut json = json!({"id": "AQ", "response": {"clientDataJSON": "AQ", "attestationObject": "AQ"}});
    for results in [json!(null), json!("x"), json!({"credProps": {"rk": 7}}), json!({"prf": {"results": {}}})] {
        json["clientExtensionResults"] = results;
        assert!(serde_json::from_value::<super::super::wire::RegistrationResponse>(json.clone()).is_ok());
    }
}

#[test]
fn steps_5_and_6_client_data_is_utf8_json() {
    let creation = changed(|_| {});
    for wrong in [&b"\xff\xfe{}"[..], b"{", b"[]", b"\"webauthn.create\""] {
        let response = registration_json(&creation.id, wrong, &creation.object());
        assert_eq!(Wanted::new().verify(&response).unwrap_err(), Refusal::ClientData);
    }
}

#[test]
fn step_7_the_type_is_create() {
    for other in ["webauthn.get", "payment.get", "", "webauthn.create "] {
        assert_eq!(refused(|made| made.client["type"] = json!(other)), Refusal::OtherCeremony("webauthn.create"));
    }
}

#[test]
fn step_8_the_challenge_is_this_ceremonys() {
    let other = super::super::wire::Challenge::of(&[6; 32]);
    for other in [other.as_str(), "", "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="] {
        assert_eq!(refused(|made| made.client["challenge"] = json!(other)), Refusal::OtherChallenge);
    }
}

#[test]
fn step_9_the_origin_is_listed_to_the_letter() {
    for good in [
        "https://mfa.example.com",
        "https://example.org",
        "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let creation = changed(|made| made.client["origin"] = json!(good));
        assert!(Wanted::new().verify(&creation.response()).is_ok(), "{good}");
    }
    for other in [
        "https://mfa.example.com/",
        "https://mfa.example.com:443",
        "https://MFA.example.com",
        "http://mfa.example.com",
        "https://example.com",
        "https://evil.mfa.example.com",
        "https://mfa.example.com.evil.org",
        "https://mfa.example.com@evil.org",
        "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "null",
        "",
    ] {
        assert_eq!(refused(|made| made.client["origin"] = json!(other)), Refusal::OtherOrigin(other.into()));
    }
}

#[test]
fn steps_10_and_11_a_frame_is_one_that_is_expected() {
    let shop = "https://shop.example.net";
    let in_frame = |top: Option<&'static str>| {
        move |made: &mut Creation| {
            made.client["crossOrigin"] = json!(true);
            if let Some(top) = top {
                made.client["topOrigin"] = json!(top);
            }
        }
    };
    for top in [None, Some(shop)] {
        assert_eq!(refused(in_frame(top)), Refusal::InFrame);
    }
    let mut wanted = Wanted::new();
    let within = |accepts_unnamed| Frames::Within { top_origins: vec![Origin::parse(shop).unwrap()], accepts_unnamed };
    wanted.party = wanted.party.with_frames(within(false));
    assert!(wanted.verify(&changed(in_frame(Some(shop))).response()).is_ok());
    assert!(wanted.verify(&changed(|_| {}).response()).is_ok(), "and at the top");
    assert_eq!(refused_where(&wanted, in_frame(None)), Refusal::UnnamedTopOrigin);
    // The page's own origin is listed as such, and not as a page around it.
    for other in ["https://evil.example.net", "https://mfa.example.com", "https://shop.example.net/", ""] {
        assert_eq!(refused_where(&wanted, in_frame(Some(other))), Refusal::OtherTopOrigin(other.into()));
    }
    wanted.party = wanted.party.with_frames(within(true));
    assert!(wanted.verify(&changed(in_frame(None)).response()).is_ok());
    assert!(wanted.verify(&changed(in_frame(Some("https://evil.example.net"))).response()).is_err());
    for cross_origin in [json!(false), json!(null)] {
        let lie = |made: &mut Creation| {
            made.client["crossOrigin"] = cross_origin.clone();
            made.client["topOrigin"] = json!(shop);
        };
        assert_eq!(refused_where(&wanted, lie), Refusal::TopOriginWithoutFrame);
    }
}

#[test]
fn step_13_the_attestation_object_is_read_whole() {
    let creation = changed(|_| {});
    let client = creation.client.to_string();
    let verify =
        |object: &[u8]| Wanted::new().verify(&registration_json(&creation.id, client.as_bytes(), object)).unwrap_err();
    let object = creation.object();
    for length in 0..object.len() {
        assert_eq!(verify(&object[..length]), Refusal::Cbor("attestationObject", "it is cut off"), "{length}");
    }
    let longer = [&object[..], &[0]].concat();
    assert_eq!(verify(&longer), Refusal::Cbor("attestationObject", "there are bytes after its end"));
    let auth_data = creation.auth_data();
    let whole = vec![
        (Value::Text("fmt"), Value::Text("none")),
        (Value::Text("attStmt"), Value::Map(vec![])),
        (Value::Text("authData"), Value::Bytes(&auth_data)),
    ];
    for missing in 0..3 {
        let mut part = whole.clone();
        part.remove(missing);
        assert_eq!(verify(&encode(&Value::Map(part))), Refusal::AttestationObject);
    }
    for wrong in [Value::Bool(true), Value::Integer(7), Value::Array(vec![])] {
        let mut part = whole.clone();
        part[2].1 = wrong;
        assert_eq!(verify(&encode(&Value::Map(part))), Refusal::AttestationObject);
    }
    // Names in another order are read: some authenticators write `authData` first.
    let mut turned = whole.clone();
    turned.rotate_right(1);
    let response = registration_json(&creation.id, client.as_bytes(), &encode(&Value::Map(turned)));
    assert!(Wanted::new().verify(&response).is_ok());
}

#[test]
fn step_14_the_relying_party_is_this_one() {
    for other in ["evil.com", "mfa.example.com", "EXAMPLE.COM", ""] {
        assert_eq!(refused(|made| made.rp_id = other.into()), Refusal::OtherRelyingParty("example.com".into()));
    }
}

#[test]
fn step_15_somebody_is_present_but_for_conditional_create() {
    assert_eq!(refused(|made| made.flags &= !UP), Refusal::NotPresent);
    let mut wanted = Wanted::new();
    wanted.presence = Presence::Conditional;
    assert!(wanted.verify(&changed(|made| made.flags &= !UP).response()).is_ok());
    assert_eq!(refused_where(&wanted, |made| made.flags &= !(UP | UV)), Refusal::NotVerified, "that alone is spared");
}

#[test]
fn step_16_the_user_is_verified_where_that_is_required() {
    assert_eq!(refused(|made| made.flags &= !UV), Refusal::NotVerified);
    for verification in [UserVerification::Preferred, UserVerification::Discouraged] {
        let mut wanted = Wanted::new();
        wanted.user_verification = verification;
        let credential = wanted.verify(&changed(|made| made.flags &= !UV).response()).unwrap();
        assert!(!credential.user_verified);
    }
}

#[test]
fn step_17_what_is_backed_up_can_be() {
    assert_eq!(refused(|made| made.flags &= !BE), Refusal::BackedUpButNotEligible);
}

#[test]
fn step_18_synced_credentials_are_taken_or_not() {
    let mut wanted = Wanted::new();
    wanted.taken = Taken { synced: false, ..Taken::default() };
    assert_eq!(refused_where(&wanted, |_| {}), Refusal::Synced);
    assert_eq!(refused_where(&wanted, |made| made.flags &= !BS), Refusal::Synced, "it could be, later");
    let bound = wanted.verify(&changed(|made| made.flags &= !(BE | BS)).response()).unwrap();
    assert!(!bound.backup_eligible && !bound.backed_up);
}

#[test]
fn step_19_whether_it_is_backed_up_is_kept() {
    let credential = Wanted::new().verify(&changed(|made| made.flags &= !BS).response()).unwrap();
    assert!(credential.backup_eligible && !credential.backed_up);
}

#[test]
fn step_20_the_algorithm_was_asked_for() {
    let mut wanted = Wanted::new();
    wanted.algorithms = vec![Algorithm::EdDsa, Algorithm::Rs256];
    assert_eq!(refused_where(&wanted, |_| {}), Refusal::OtherAlgorithm(-7));
    assert_eq!(refused(|made| made.flags &= !AT), Refusal::NoCredential);
}

#[test]
fn steps_21_to_24_attestation_is_none_or_worth_none() {
    let filled = Value::Map(vec![(Value::Text("x"), Value::Integer(1))]);
    assert_eq!(refused(|made| made.statement = filled.clone()), Refusal::AttestedNone);
    assert_eq!(refused(|made| made.statement = Value::Null), Refusal::AttestedNone);
    let packed = |made: &mut Creation| {
        made.format = "packed";
        made.statement =
            Value::Map(vec![(Value::Text("alg"), Value::Integer(-7)), (Value::Text("sig"), Value::Bytes(b"no"))]);
    };
    assert!(Wanted::new().verify(&changed(packed).response()).is_ok(), "it is not looked at");
    let mut wanted = Wanted::new();
    wanted.taken.only_unattested = true;
    assert_eq!(refused_where(&wanted, packed), Refusal::Attested("packed".into()));
    assert!(wanted.verify(&changed(|_| {}).response()).is_ok());
}

#[test]
fn step_24_models_are_taken_by_lists() {
    let of = |allowed: &[u8], denied: &[u8]| {
        let list = |of: &[u8]| of.iter().map(|byte| Aaguid([*byte; 16])).collect();
        let taken = Taken { allowed: list(allowed), denied: list(denied), ..Taken::default() };
        let wanted = Wanted { taken, ..Wanted::new() };
        wanted.verify(&changed(|_| {}).response()).map(|_| ())
    };
    let refusal = Err(Refusal::Model("03030303-0303-0303-0303-030303030303".into()));
    for (allowed, denied, good) in [
        (&[][..], &[][..], true),
        (&[3, 4], &[], true),
        (&[4], &[], false),
        (&[], &[4], true),
        (&[], &[3], false),
        (&[3], &[3], false),
    ] {
        assert_eq!(of(allowed, denied), if good { Ok(()) } else { refusal.clone() }, "{allowed:?} {denied:?}");
    }
}

#[test]
fn step_25_the_id_has_at_most_1023_bytes_and_is_the_one_told() {
    assert!(Wanted::new().verify(&changed(|made| made.id = vec![1; 1023]).response()).is_ok());
    for length in [0, 1024] {
        assert_eq!(refused(|made| made.id = vec![1; length]), Refusal::CredentialId, "{length}");
    }
    // The client tells a good one, the authenticator another.
    let creation = changed(|made| made.id = vec![1; 1024]);
    let told = registration_json(&[1; 32], creation.client.to_string().as_bytes(), &creation.object());
    assert_eq!(Wanted::new().verify(&told).unwrap_err(), Refusal::CredentialId);
    let creation = changed(|_| {});
    let told = registration_json(&[2; 32], creation.client.to_string().as_bytes(), &creation.object());
    assert_eq!(Wanted::new().verify(&told).unwrap_err(), Refusal::OtherId);
}

#[test]
fn step_28_extensions_that_nobody_asked_for_are_ignored_and_read_whole() {
    let outputs = encode(&Value::Map(vec![(Value::Text("credProtect"), Value::Integer(2))]));
    let with = |outputs: Vec<u8>| {
        move |made: &mut Creation| {
            made.flags |= ED;
            made.extensions.clone_from(&outputs);
        }
    };
    assert!(Wanted::new().verify(&changed(with(outputs.clone())).response()).is_ok());
    assert_eq!(refused(with(vec![])), Refusal::Cbor("The extensions' output", "it is cut off"));
    assert_eq!(refused(with([outputs.clone(), vec![0]].concat())), Refusal::AuthenticatorData);
    assert_eq!(refused(|made| made.extensions.clone_from(&outputs)), Refusal::AuthenticatorData, "not announced");
}
