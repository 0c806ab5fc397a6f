//! Answers that are not those of the device that was asked (T20, T21): refused, and the challenge stays open.

use countersign_tests::{add_tenant, device::Device, http::Auth};
use serde_json::{Value, json};

use super::{APPROVED, PENDING, standing, text, world_with_a_device};

#[tokio::test]
async fn nobody_else_answers() {
    let (world, device) = world_with_a_device().await;
    let bobs = world.device("bob", "push").await;
    let other_kind = world.device("ada", "qr-code").await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    let (_, bobs_challenge) = world.pushed("bob", json!({})).await;
    let bobs_challenge = text(&bobs_challenge, "challengeId");
    let right = device.answer(&challenge, true);
    let with = |changes: Value| {
        let mut body = right.clone();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let stranger = Device::new("push");
    let forgeries = [
        ("a key that nobody enrolled", stranger.answer(&challenge, true)),
        ("another user's device", bobs.answer(&challenge, true)),
        ("a key for another kind", other_kind.answer(&challenge, true)),
        ("another key's signature", with(json!({"signature": bobs.sign(&challenge)}))),
        ("a signature of another challenge", with(json!({"signature": device.sign(&bobs_challenge)}))),
        ("a signature of nothing", with(json!({"signature": device.sign("")}))),
        ("no base64", with(json!({"signature": "?"}))),
        ("an empty signature", with(json!({"signature": ""}))),
        ("another user's challenge", device.answer(&bobs_challenge, true)),
        ("a challenge that never was", device.answer("AAAAAAAAAAAAAAAAAAAAAA", true)),
        ("an id that is none", device.answer("a#b", true)),
    ];
    for (what, body) in forgeries {
        let refused = world.answer(&device, body).await;
        assert_eq!(refused.refusal(), (403, "invalid_credential".into()), "{what}");
        assert_eq!(standing(&world, &token, &challenge).await, PENDING, "{what}");
    }
    let another = add_tenant(&world.app, "t2").await;
    let path = "/v1/client/user-authenticators/push/challenge";
    let foreign = world.http.post(path, &Auth::Key(another.tenant_id.to_string()), right.clone()).await;
    assert_eq!(foreign.refusal(), (403, "invalid_credential".into()), "another tenant");
    let qr_code = "/v1/client/user-authenticators/qr-code/challenge";
    let at_qr = world.http.post(qr_code, &world.tenant_auth(), right.clone()).await;
    assert_eq!(at_qr.refusal(), (403, "invalid_credential".into()), "the other entrance");
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);
    world.answer(&device, right).await.ok();
    assert_eq!(standing(&world, &token, &challenge).await, APPROVED);
    assert_eq!(
        world.state(&text(&world.standing(&token, &challenge).await.ok(), "accessToken")).await,
        "CHALLENGE_SUCCEEDED"
    );
}

/// T09: only the token of the very action learns of its challenge.
#[tokio::test]
async fn nobody_else_is_told() {
    let (world, device) = world_with_a_device().await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    world.approve(&device, &challenge).await.ok();
    for other in
        [world.token("ada", "signIn").await, world.token("ada", "pay").await, world.token("bob", "signIn").await]
    {
        assert_eq!(world.standing(&other, &challenge).await.refusal(), (404, "not_found".into()));
        assert_ne!(world.state(&other).await, "CHALLENGE_SUCCEEDED");
    }
    let poll = json!({"challengeId": challenge, "deviceCode": ""});
    let as_qr = world.http.post("/v1/client/verify/qr-code", &world.tenant_auth(), poll).await;
    assert_eq!(as_qr.refusal(), (403, "invalid_credential".into()));
    let as_in_app =
        json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(&challenge)});
    let as_in_app = world.http.post("/v1/client/verify/in-app", &Auth::Token(token), as_in_app).await;
    assert_eq!(as_in_app.refusal(), (403, "invalid_credential".into()));
}

#[tokio::test]
async fn what_is_signed_whole_is_checked_whole() {
    let (world, device) = world_with_a_device().await;
    let tenant = world.tenant.tenant_id.to_string();
    let context = json!({"ipAddress": "203.0.113.7"});
    let token = text(&world.track("ada", "signIn", context).await.ok(), "token");
    let challenge = text(&world.push(&token, json!({"numberMatching": true})).await.ok(), "challengeId");
    let shown = world.pending(&device).await.ok();
    let altered = |name: &str, value: Value| {
        let mut altered = shown.clone();
        altered[name] = value;
        device.full_answer(&tenant, &altered, true, "123456")
    };
    for (name, value) in [
        ("ipAddress", json!("203.0.113.8")),
        ("userAgent", json!("x")),
        ("actionCode", json!("pay")),
        ("idempotencyKey", json!("x")),
        ("userId", json!("bob")),
        ("expiresAt", json!(world.now() + 121)),
        ("custom", json!({"amount": 1})),
        ("origin", json!("https://evil.example")),
    ] {
        let mut body = altered(name, value);
        body["challengeId"] = challenge.clone().into();
        assert_eq!(world.answer(&device, body).await.refusal(), (403, "invalid_credential".into()), "{name}");
    }
    let mut other_number = device.full_answer(&tenant, &shown, true, "123456");
    other_number["verificationCode"] = "654321".into();
    assert_eq!(world.answer(&device, other_number).await.refusal(), (403, "invalid_credential".into()), "number");
    let mut denial = device.full_answer(&tenant, &shown, false, "");
    denial["approved"] = true.into();
    assert_eq!(world.answer(&device, denial).await.refusal(), (403, "invalid_credential".into()), "decision");
    let foreign = device.full_answer("t2", &shown, true, "123456");
    assert_eq!(world.answer(&device, foreign).await.refusal(), (403, "invalid_credential".into()), "tenant");
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);
}

#[tokio::test]
async fn a_tenant_may_want_all_of_it_signed() {
    let (world, device) = world_with_a_device().await;
    let wanted = json!({"pushSignatureV2": "required"});
    world.http.patch("/v1/management/tenant", &world.management(), wanted).await.ok();
    world.clock.advance(31);
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (403, "forbidden".into()));
    let shown = world.pending(&device).await.ok();
    let body = device.full_answer(&world.tenant.tenant_id.to_string(), &shown, true, "");
    assert_eq!(world.answer(&device, body).await.ok()["isVerified"], true);
    assert_eq!(standing(&world, &token, &challenge).await, APPROVED);
    let bad = world.http.patch("/v1/management/tenant", &world.management(), json!({"pushSignatureV2": "maybe"})).await;
    assert_eq!(bad.refusal(), (400, "invalid_request".into()));
}

/// A signature that is sent with the question what is pending must be good, and is good for a minute.
#[tokio::test]
async fn asking_what_is_pending_is_signed() {
    let (world, device) = world_with_a_device().await;
    world.pushed("ada", json!({})).await;
    let path = format!("/v1/client/user-authenticators/push/challenge?{}", device.query());
    let ask = async |signature: &str| {
        world.http.raw("GET", &path, &world.tenant_auth(), &[("x-authsignal-signature", signature)], Vec::new()).await
    };
    assert_eq!(ask(&device.sign("made up")).await.refusal(), (403, "invalid_credential".into()));
    let sign = format!("/v1/client/user-authenticators/push/challenge/sign?{}", device.query());
    let message = text(&world.http.post(&sign, &world.tenant_auth(), json!({})).await.ok(), "message");
    let signature = device.sign(&message);
    assert!(ask(&signature).await.ok()["challengeId"].is_string());
    // The message is over; the question is open for another second.
    world.clock.advance(119);
    assert_eq!(ask(&signature).await.refusal(), (403, "invalid_credential".into()));
    assert!(world.http.get(&path, &world.tenant_auth()).await.ok()["challengeId"].is_string(), "old SDKs do not sign");
}
