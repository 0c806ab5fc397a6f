//! Authenticators that the backend vouches for (contract, S6, S7, S9).

use aws_lc_rs::hmac;
use countersign_tests::World;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

const PATH: &str = "/v1/users/ada/authenticators";

/// 32 bytes, as RFC 6238 has them for SHA-256.
const SEED: &[u8] = b"12345678901234567890123456789012";

fn otp_uri(more: &str) -> String {
    format!("otpauth://totp/Acme:ada?secret={}&issuer=Acme{more}", BASE32_NOPAD.encode(SEED))
}

/// RFC 6238 with SHA-256, eight digits and a period of 60 seconds, by another hand than the server's.
fn code_sha256(unix_seconds: i64) -> String {
    let counter = u64::try_from(unix_seconds / 60).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SEED), &counter.to_be_bytes());
    let offset = usize::from(tag.as_ref()[31] & 0xf);
    let word = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:08}", word % 100_000_000)
}

async fn enroll(world: &World, body: Value) -> Value {
    world.http.post(PATH, &world.key(), body).await.ok()
}

#[tokio::test]
async fn s7_an_app_with_parameters_of_its_own_answers_through_the_client_api() {
    let world = World::start().await;
    // The vector of RFC 6238, appendix B, has a period of 30: the same hand, at twice its time.
    assert_eq!(code_sha256(2 * 1_111_111_109), "68084774");
    let uri = otp_uri("&algorithm=SHA256&digits=8&period=60");
    let made = enroll(&world, json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri})).await;
    assert_eq!(made["recoveryCodes"].as_array().map(Vec::len), Some(10));
    let again = enroll(&world, json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri})).await;
    assert_eq!(again["recoveryCodes"], json!([]), "never null: .NET cannot read it");
    let authenticator = &made["authenticator"];
    assert_eq!((&authenticator["userId"], &authenticator["isDefault"]), (&json!("ada"), &json!(true)));
    assert_eq!(authenticator["verificationMethod"], "AUTHENTICATOR_APP");
    assert_eq!(authenticator["createdAt"], "2026-11-21T10:00:15.000Z");

    let token = world.token("ada", "pay").await;
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    assert_eq!(
        world.verify(&token, &code_sha256(world.now())[2..]).await.ok()["isVerified"],
        false,
        "not six of eight"
    );
    assert_eq!(world.verify(&token, &code_sha256(world.now() - 120)).await.ok()["isVerified"], false, "two steps ago");
    assert_eq!(world.verify(&token, &code_sha256(world.now() - 60)).await.ok()["isVerified"], true, "one step ago");
    let token = world.token("ada", "pay").await;
    assert_eq!(world.verify(&token, &code_sha256(world.now() - 60)).await.ok()["isVerified"], false, "used before");
    assert_eq!(world.verify(&token, &code_sha256(world.now())).await.ok()["isVerified"], true);
    let action = world.http.get("/v1/users/ada/actions?state=CHALLENGE_SUCCEEDED", &world.key()).await.ok();
    assert_eq!(action[0]["verifiedByAuthenticatorId"], authenticator["userAuthenticatorId"]);
}

#[tokio::test]
async fn s7_addresses_are_enrolled_and_the_same_one_twice_is_one() {
    let world = World::start().await;
    let sms = json!({"verificationMethod": "SMS", "phoneNumber": "+491515551234"});
    let mail = json!({"verificationMethod": "EMAIL_OTP", "email": "ada@example.com", "isDefault": true});
    let first = enroll(&world, sms.clone()).await;
    assert_eq!(first["authenticator"]["phoneNumber"], "+491515551234");
    assert_eq!(
        enroll(&world, sms).await["authenticator"]["userAuthenticatorId"],
        first["authenticator"]["userAuthenticatorId"]
    );
    assert_eq!(enroll(&world, mail).await["authenticator"]["email"], "ada@example.com");
    let listed = world.http.get(PATH, &world.key()).await.ok();
    let methods: Vec<_> =
        listed.as_array().unwrap().iter().map(|a| (&a["verificationMethod"], &a["isDefault"])).collect();
    assert_eq!(methods.len(), 2);
    assert!(methods.contains(&(&json!("SMS"), &json!(false))), "{methods:?}");
    assert!(methods.contains(&(&json!("EMAIL_OTP"), &json!(true))), "{methods:?}");
    let user = world.http.get("/v1/users/ada", &world.key()).await.ok();
    assert_eq!(user["enrolledVerificationMethods"], json!(["SMS", "EMAIL_OTP"]));
    assert_eq!(user["defaultVerificationMethod"], "EMAIL_OTP");
}

#[tokio::test]
async fn s7_what_cannot_be_enrolled_is_refused_and_makes_no_user() {
    let world = World::start().await;
    let app = |uri: &str| json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
    let wrong = [
        json!({}),
        json!({"verificationMethod": "AUTHENTICATOR_APP"}),
        json!({"verificationMethod": "SMS"}),
        json!({"verificationMethod": "SMS", "phoneNumber": " "}),
        json!({"verificationMethod": "EMAIL_OTP", "phoneNumber": "+1"}),
        json!({"verificationMethod": "PASSKEY"}),
        json!({"verificationMethod": "sms", "phoneNumber": "+1"}),
        app(""),
        app("otpauth://totp/a"),
        app("otpauth://totp/a?secret="),
        app("otpauth://totp/a?secret=AAAA"),
        app("otpauth://totp/a?secret=not!base32"),
        app("otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=1"),
        app("https://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
        app(&otp_uri("&digits=4")),
        app(&otp_uri("&digits=99")),
        app(&otp_uri("&period=0")),
        app(&otp_uri("&period=86400")),
        app(&otp_uri("&period=18446744073709551615")),
        app(&otp_uri("&algorithm=MD5")),
    ];
    for body in wrong {
        let answer = world.http.post(PATH, &world.key(), body.clone()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{body}");
    }
    assert!(world.http.get("/v1/users/ada", &world.key()).await.ok().get("createdAt").is_none(), "no user was made");
}

#[tokio::test]
async fn s7_there_is_room_for_five_apps() {
    let world = World::start().await;
    for number in 0..5 {
        let seed = BASE32_NOPAD.encode(format!("seed number {number} of ada").as_bytes());
        let uri = format!("otpauth://totp/ada?secret={seed}");
        enroll(&world, json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri})).await;
    }
    let sixth = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": otp_uri("")});
    assert_eq!(world.http.post(PATH, &world.key(), sixth).await.refusal(), (409, "conflict".into()));
    assert_eq!(world.http.get(PATH, &world.key()).await.ok().as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn s6_and_s9_without_its_last_authenticator_a_user_is_not_enrolled() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "pay").await;
    let listed = world.http.get(PATH, &world.key()).await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    for name in ["userId", "userAuthenticatorId", "createdAt", "verifiedAt", "lastVerifiedAt"] {
        assert!(listed[0][name].is_string(), "{name}: {listed}");
    }
    let path = format!("{PATH}/{}", listed[0]["userAuthenticatorId"].as_str().unwrap());
    assert!(world.http.delete(&path, &world.key()).await.ok().is_object());
    assert_eq!(world.http.delete(&path, &world.key()).await.refusal(), (404, "not_found".into()), "it is gone");
    assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok()["isEnrolled"], false);
    let verified = world.verify(&token, &world.code(&secret, 0)).await;
    assert_eq!(
        verified.refusal(),
        (401, "invalid_token".into()),
        "tokens from before are nothing, and so are its codes"
    );
    assert_eq!(world.track("ada", "pay", json!({})).await.ok()["state"], "ALLOW");
}

/// HMAC pads a key with zeros (RFC 2104, section 2): a secret with zeros at its end has the codes of the one without.
#[tokio::test]
async fn s7_a_secret_padded_with_zeros_is_the_same_secret() {
    let world = World::start().await;
    let uri = |secret: &[u8]| format!("otpauth://totp/a?secret={}", data_encoding::BASE32_NOPAD.encode(secret));
    let app = |secret: &[u8]| json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri(secret)});
    let secret = b"12345678901234567890".to_vec();
    let made = enroll(&world, app(&secret)).await;
    for zeros in [1, 5, 44] {
        let padded = [secret.clone(), vec![0; zeros]].concat();
        let again = enroll(&world, app(&padded)).await;
        assert_eq!(again["authenticator"], made["authenticator"], "{zeros} zeros");
    }
    let listed = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
}
