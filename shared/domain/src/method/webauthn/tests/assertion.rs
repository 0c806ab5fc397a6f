//! 7.2: what holds is taken, and each step refuses what it is there for.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::json;

use super::{
    super::{
        assertion::{Assertion, Registered, Signed, Who},
        cose::Algorithm,
        policy::{Frames, Origin, RpId, UserVerification},
        refusal::Refusal,
        wire::{AuthenticationResponse, CredentialId, UserHandle},
    },
    authenticator::{AT, Answer, BE, BS, ED, Keys, Scene, UP, UV, ada, assertion_json, challenge, handle},
};
use crate::id::UserId;

fn scene() -> Scene {
    Scene::new(Algorithm::Es256)
}

fn changed(change: impl Fn(&mut Answer)) -> Answer {
    let mut answer = Answer::new();
    change(&mut answer);
    answer
}

/// What is said of a good sign-in that was changed, and signed so.
fn refused(scene: &Scene, change: impl Fn(&mut Answer)) -> Refusal {
    scene.verify(&changed(change).response(&scene.keys)).unwrap_err()
}

#[test]
fn a_sign_in_holds() {
    for algorithm in Algorithm::ALL {
        let scene = Scene::new(algorithm);
        let signed = Signed { user_verified: true, counter: 0, backed_up: true };
        assert_eq!(scene.verify(&Answer::new().response(&scene.keys)), Ok(signed));
        assert_eq!(scene.verify(&Answer::new().ios_response(&scene.keys)), Ok(signed), "iOS's base64");
    }
}

#[test]
fn step_3_the_answer_has_its_shape() {
    for wrong in [
        json!({}),
        json!({"id": "AQ", "response": {"clientDataJSON": "AQ", "attestationObject": "AQ"}}),
        json!({"id": "AQ", "response": {"clientDataJSON": "AQ", "authenticatorData": "AQ", "signature": null}}),
    ] {
        assert!(serde_json::from_value::<AuthenticationResponse>(wrong).is_err());
    }
    // Step 4: what the client says of extensions is not looked at.
    let parts = json!({"clientDataJSON": "AQ", "authenticatorData": "AQ", "signature": "AQ"});
    for results in [json!(null), json!(7), json!({"appid": true})] {
        let more = json!({"id": "AQ", "response": parts, "clientExtensionResults": results});
        assert!(serde_json::from_value::<AuthenticationResponse>(more).is_ok());
    }
    let scene = scene();
    let with = |change: &dyn Fn(&mut AuthenticationResponse)| {
        let mut response = Answer::new().response(&scene.keys);
        change(&mut response);
        scene.verify(&response)
    };
    assert_eq!(with(&|of| of.r#type = Some("x".into())), Err(Refusal::NotPublicKey));
    assert_eq!(with(&|of| of.raw_id = Some("AQID".into())), Err(Refusal::TwoIds));
    assert_eq!(with(&|of| of.response.signature.push('!')), Err(Refusal::NotBase64("signature")));
    assert_eq!(with(&|of| of.response.authenticator_data.push(' ')), Err(Refusal::NotBase64("authenticatorData")));
    assert_eq!(with(&|of| of.response.user_handle = Some("A".repeat(16 * 1024))), Err(Refusal::TooLarge));
    assert!(with(&|of| of.raw_id = None).is_ok());
}

#[test]
fn step_5_the_credential_was_asked_for() {
    let scene = scene();
    let response = Answer::new().response(&scene.keys);
    let ids = [CredentialId::new(&[2; 32]).unwrap(), CredentialId::new(&[1; 32]).unwrap()];
    let verify = |asked_for: &[CredentialId]| {
        let (ada, challenge) = (ada(), challenge());
        let user_verification = UserVerification::Required;
        let who = Who::Known(&ada);
        let asked = Assertion { challenge: &challenge, party: &scene.party, user_verification, asked_for, who };
        asked.verify(&response, &Registered { credential: &scene.credential, owner: &ada, handle: None })
    };
    assert!(verify(&ids).is_ok() && verify(&[]).is_ok());
    assert_eq!(verify(&ids[..1]).unwrap_err(), Refusal::NotAskedFor);
}

#[test]
fn step_6_the_credential_is_its_users() {
    let scene = scene();
    assert_eq!(refused(&scene, |of| of.id = vec![2; 32]), Refusal::NotAskedFor, "another credential's record");
    let other = UserHandle::of(&[8; 16]);
    assert_eq!(refused(&scene, |of| of.user_handle = Some(other.as_str().into())), Refusal::OtherUser);
    let grace = UserId::parse("grace").unwrap();
    let response = Answer::new().response(&scene.keys);
    assert_eq!(scene.verify_as(&response, Who::Known(&grace), Some(&handle())), Err(Refusal::OtherUser));
    // Who was known may be left unnamed, as security keys leave it; iOS sends an empty text.
    for unnamed in [None, Some(String::new())] {
        let response = changed(|of| of.user_handle.clone_from(&unnamed)).response(&scene.keys);
        assert!(scene.verify(&response).is_ok());
        assert_eq!(scene.verify_as(&response, Who::Discovered, Some(&handle())), Err(Refusal::NoUser));
    }
    // All three spellings that come back.
    let text = handle().as_str().to_owned();
    let letters = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap();
    for named in [text.clone(), letters, BASE64URL_NOPAD.encode(text.as_bytes()), BASE64.encode(text.as_bytes())] {
        let response = changed(|of| of.user_handle = Some(named.clone())).response(&scene.keys);
        assert!(scene.verify_as(&response, Who::Discovered, Some(&handle())).is_ok(), "{named}");
    }
    assert_eq!(scene.verify_as(&response, Who::Discovered, Some(&other)), Err(Refusal::OtherUser));
    // A credential from another system: its handle is not known here, so it is the credential that says who.
    assert!(scene.verify_as(&response, Who::Discovered, None).is_ok());
}

#[test]
fn a_credential_stays_with_its_relying_party() {
    let mut scene = scene();
    scene.credential.rp_id = RpId::parse("old.example.net").unwrap();
    assert_eq!(refused(&scene, |_| {}), Refusal::RegisteredElsewhere("old.example.net".into()));
}

#[test]
fn steps_8_and_9_client_data_is_utf8_json() {
    let scene = scene();
    let data = Answer::new().auth_data();
    for wrong in [&b"\xff{}"[..], b"", b"[]"] {
        let signed = [data.clone(), super::super::client_data::hash(wrong).as_ref().to_vec()].concat();
        let response = assertion_json(&[1; 32], wrong, &data, &scene.keys.sign(&signed), None);
        assert_eq!(scene.verify(&response), Err(Refusal::ClientData));
    }
}

#[test]
fn step_10_the_type_is_get() {
    let scene = scene();
    for other in ["webauthn.create", "payment.get", ""] {
        assert_eq!(refused(&scene, |of| of.client["type"] = json!(other)), Refusal::OtherCeremony("webauthn.get"));
    }
}

#[test]
fn step_11_the_challenge_is_this_ceremonys() {
    let scene = scene();
    assert_eq!(refused(&scene, |of| of.client["challenge"] = json!("AAAA")), Refusal::OtherChallenge);
}

#[test]
fn step_12_the_origin_is_listed_to_the_letter() {
    let scene = scene();
    for other in ["https://mfa.example.com.evil.org", "https://evil.example.com", "http://mfa.example.com"] {
        assert_eq!(refused(&scene, |of| of.client["origin"] = json!(other)), Refusal::OtherOrigin(other.into()));
    }
    let app = "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(scene.verify(&changed(|of| of.client["origin"] = json!(app)).response(&scene.keys)).is_ok());
}

#[test]
fn steps_13_and_14_a_frame_is_one_that_is_expected() {
    let mut scene = scene();
    let shop = "https://shop.example.net";
    let in_frame = |top: &'static str| {
        move |of: &mut Answer| {
            of.client["crossOrigin"] = json!(true);
            of.client["topOrigin"] = json!(top);
        }
    };
    assert_eq!(refused(&scene, in_frame(shop)), Refusal::InFrame);
    let top_origins = vec![Origin::parse(shop).unwrap()];
    scene.party = scene.party.with_frames(Frames::Within { top_origins, accepts_unnamed: false });
    assert!(scene.verify(&changed(in_frame(shop)).response(&scene.keys)).is_ok());
    let evil = "https://evil.example.net";
    assert_eq!(refused(&scene, in_frame(evil)), Refusal::OtherTopOrigin(evil.into()));
    assert_eq!(refused(&scene, |of| of.client["crossOrigin"] = json!(true)), Refusal::UnnamedTopOrigin);
    assert_eq!(refused(&scene, |of| of.client["topOrigin"] = json!(shop)), Refusal::TopOriginWithoutFrame);
}

#[test]
fn step_15_the_relying_party_is_this_one() {
    let scene = scene();
    let refusal = Refusal::OtherRelyingParty("example.com".into());
    assert_eq!(refused(&scene, |of| of.rp_id = "evil.com".into()), refusal);
}

#[test]
fn step_16_somebody_is_present() {
    assert_eq!(refused(&scene(), |of| of.flags &= !UP), Refusal::NotPresent);
}

#[test]
fn step_17_the_user_is_verified_where_that_is_required() {
    let mut scene = scene();
    assert_eq!(refused(&scene, |of| of.flags &= !UV), Refusal::NotVerified);
    for verification in [UserVerification::Preferred, UserVerification::Discouraged] {
        scene.user_verification = verification;
        let signed = scene.verify(&changed(|of| of.flags &= !UV).response(&scene.keys)).unwrap();
        assert!(!signed.user_verified, "and it is told");
    }
}

#[test]
fn step_18_what_is_backed_up_can_be() {
    let mut scene = scene();
    scene.credential.backup_eligible = false;
    assert_eq!(refused(&scene, |of| of.flags &= !BE), Refusal::BackedUpButNotEligible);
}

#[test]
fn step_19_eligibility_never_changes_and_the_state_may() {
    let mut scene = scene();
    assert_eq!(refused(&scene, |of| of.flags &= !(BE | BS)), Refusal::EligibilityChanged("able to be synced"));
    let signed = scene.verify(&changed(|of| of.flags &= !BS).response(&scene.keys)).unwrap();
    assert!(!signed.backed_up);
    scene.credential.backup_eligible = false;
    assert_eq!(refused(&scene, |_| {}), Refusal::EligibilityChanged("bound to its device"));
    assert!(scene.verify(&changed(|of| of.flags &= !(BE | BS)).response(&scene.keys)).is_ok());
}

#[test]
fn steps_20_and_21_the_signature_is_by_the_credential_over_all_of_it() {
    for algorithm in Algorithm::ALL {
        let scene = Scene::new(algorithm);
        let stranger = Keys::generate(algorithm);
        assert_eq!(scene.verify(&Answer::new().response(&stranger)), Err(Refusal::Signature));
        let (good, other) = (Answer::new().response(&scene.keys), changed(|of| of.counter = 1).response(&scene.keys));
        // One answer's signature over another's data, and over another's client data.
        let mut mixed = good.clone();
        mixed.response.authenticator_data.clone_from(&other.response.authenticator_data);
        assert_eq!(scene.verify(&mixed), Err(Refusal::Signature));
        let mut mixed = good.clone();
        let later = changed(|of| of.client["later"] = json!(1)).response(&scene.keys);
        mixed.response.client_data_json.clone_from(&later.response.client_data_json);
        assert_eq!(scene.verify(&mixed), Err(Refusal::Signature));
        let mut empty = good;
        empty.response.signature.clear();
        assert_eq!(scene.verify(&empty), Err(Refusal::Signature));
    }
}

#[test]
fn step_22_the_counter_grows_where_there_is_one() {
    let mut scene = scene();
    for (stored, counter, kept) in [
        (0, 0, Some(0)),
        (0, 7, Some(7)),
        (7, 8, Some(8)),
        (7, 0, Some(7)),
        (7, 7, None),
        (7, 6, None),
        (u32::MAX, 1, None),
        (1, u32::MAX, Some(u32::MAX)),
    ] {
        scene.credential.counter = stored;
        let told = scene.verify(&changed(|of| of.counter = counter).response(&scene.keys));
        assert_eq!(told.map(|signed| signed.counter), kept.ok_or(Refusal::CounterDidNotGrow), "{stored} {counter}");
    }
    // A copy of the key is told of after the signature: nobody else learns the counter.
    scene.credential.counter = 7;
    let strange = changed(|of| of.counter = 6).response(&Keys::generate(Algorithm::Es256));
    assert_eq!(scene.verify(&strange), Err(Refusal::Signature));
}

#[test]
fn step_23_extensions_that_nobody_asked_for_are_ignored_and_read_whole() {
    let scene = scene();
    let with = |outputs: &[u8]| {
        changed(|of| {
            of.flags |= ED;
            of.extensions = outputs.to_vec();
        })
        .response(&scene.keys)
    };
    assert!(scene.verify(&with(&[0xa1, 0x61, b'x', 0xf5])).is_ok());
    assert_eq!(scene.verify(&with(&[0xa1, 0x61, b'x', 0xf5, 0])), Err(Refusal::AuthenticatorData));
    assert_eq!(scene.verify(&with(&[0x80])), Err(Refusal::AuthenticatorData));
    assert_eq!(refused(&scene, |of| of.extensions = vec![0xa0]), Refusal::AuthenticatorData);
    assert_eq!(refused(&scene, |of| of.flags |= AT), Refusal::AuthenticatorData, "and no new credential is announced");
}
