//! Sign-in by QR code and by the app itself (C39-C49; T24).

use countersign_tests::{
    World,
    device::Device,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::text;

async fn show(world: &World, auth: &Auth) -> Value {
    let headers = [("content-type", "application/json"), ("user-agent", "Firefox"), ("origin", "https://shop.example")];
    let body = json!({"action": "signIn", "custom": {"secret": 1}}).to_string().into_bytes();
    world.http.raw("POST", "/v1/client/challenge/qr-code", auth, &headers, body).await.ok()
}

async fn poll(world: &World, shown: &Value) -> Value {
    let body = json!({"challengeId": shown["challengeId"], "deviceCode": shown["deviceCode"]});
    world.http.post("/v1/client/verify/qr-code", &world.tenant_auth(), body).await.ok()
}

async fn claim(world: &World, device: &Device, challenge: &str) -> Answer {
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(challenge)});
    world.http.post("/v1/client/user-authenticators/qr-code/challenge/claim", &world.tenant_auth(), body).await
}

#[tokio::test]
async fn whoever_scans_signs_in() {
    let world = World::start().await;
    let device = world.device("ada", "qr-code").await;
    let shown = show(&world, &world.tenant_auth()).await;
    let challenge = text(&shown, "challengeId");
    assert_ne!(challenge, text(&shown, "deviceCode"), "T24: what is shown is not what polls");
    assert_eq!(poll(&world, &shown).await, json!({"isClaimed": false, "isVerified": false, "isConsumed": false}));
    let claimed = claim(&world, &device, &challenge).await.ok();
    for (name, value) in [
        ("success", json!(true)),
        ("origin", json!("https://shop.example")),
        ("userAgent", json!("Firefox")),
        ("ipAddress", json!("127.0.0.1")),
        ("actionCode", json!("signIn")),
        ("custom", json!({})),
    ] {
        assert_eq!(claimed[name], value, "{name} of {claimed}");
    }
    assert_eq!(poll(&world, &shown).await, json!({"isClaimed": true, "isVerified": false, "isConsumed": false}));
    assert_eq!(world.approve(&device, &challenge).await.ok(), json!({"isVerified": true}));
    let said = poll(&world, &shown).await;
    assert_eq!((&said["isVerified"], &said["isClaimed"]), (&json!(true), &json!(true)));
    let validated = world.validate(&text(&said, "accessToken")).await.ok();
    for (name, value) in [
        ("state", "CHALLENGE_SUCCEEDED"),
        ("userId", "ada"),
        ("actionCode", "signIn"),
        ("verificationMethod", "DEVICE"),
    ] {
        assert_eq!(validated[name], value, "{validated}");
    }
}

#[tokio::test]
async fn a_denied_one_stays_claimed_and_an_old_one_is_over() {
    let world = World::start().await;
    let device = world.device("ada", "qr-code").await;
    let shown = show(&world, &world.tenant_auth()).await;
    let challenge = text(&shown, "challengeId");
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (403, "invalid_credential".into()), "not claimed");
    claim(&world, &device, &challenge).await.ok();
    world.deny(&device, &challenge).await.ok();
    assert_eq!(poll(&world, &shown).await, json!({"isClaimed": true, "isVerified": false, "isConsumed": true}));
    let shown = show(&world, &world.tenant_auth()).await;
    world.clock.advance(540);
    assert_eq!(claim(&world, &device, &text(&shown, "challengeId")).await.refusal(), (409, "conflict".into()));
    assert_eq!(poll(&world, &shown).await, json!({"isClaimed": false, "isVerified": false, "isConsumed": true}));
    let guessed = json!({"challengeId": challenge, "deviceCode": "guess"});
    let refused = world.http.post("/v1/client/verify/qr-code", &world.tenant_auth(), guessed).await;
    assert_eq!(refused.refusal(), (403, "invalid_credential".into()));
}

/// T24: shown for nine minutes, and two at most from when it is claimed; claiming again gives no more time.
#[tokio::test]
async fn a_claimed_one_is_open_for_two_minutes() {
    let world = World::start().await;
    let device = world.device("ada", "qr-code").await;
    for (shown_for, open_for) in [(0, 120), (300, 120), (419, 120), (500, 40), (539, 1)] {
        let begun = world.now();
        let shown = show(&world, &world.tenant_auth()).await;
        let challenge = text(&shown, "challengeId");
        let expected = countersign_core::clock::Timestamp::from_second(begun + 540).unwrap();
        assert_eq!(text(&shown, "expiresAt"), countersign_core::clock::iso(expected));
        world.clock.advance(shown_for);
        let claimed = claim(&world, &device, &challenge).await.ok();
        assert_eq!(claimed["expiresAt"], world.now() + open_for);
        world.clock.advance(open_for - 1);
        let again = claim(&world, &device, &challenge).await.ok();
        assert_eq!(again["expiresAt"], world.now() + 1, "no more time");
        if shown_for == 300 {
            world.approve(&device, &challenge).await.ok();
        }
        world.clock.advance(1);
        let said = poll(&world, &shown).await;
        assert_eq!((&said["isClaimed"], &said["isConsumed"]), (&json!(true), &json!(true)));
        assert_eq!(said["isVerified"], shown_for == 300);
        if shown_for != 300 {
            assert_eq!(world.approve(&device, &challenge).await.refusal(), (409, "conflict".into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_device_claims() {
    let world = World::start().await;
    let other = world.another_process().await;
    let (adas, bobs) = (world.device("ada", "qr-code").await, world.device("bob", "qr-code").await);
    for _ in 0..100 {
        let shown = show(&world, &world.tenant_auth()).await;
        let challenge = text(&shown, "challengeId");
        let (first, second) = tokio::join!(claim(&world, &adas, &challenge), claim(&other, &bobs, &challenge));
        let won = [first.status.as_u16(), second.status.as_u16()];
        assert!(won == [200, 409] || won == [409, 200], "{won:?}");
        let (winner, loser) = if won[0] == 200 { (&adas, &bobs) } else { (&bobs, &adas) };
        assert_eq!(world.approve(loser, &challenge).await.refusal(), (403, "invalid_credential".into()));
        assert_eq!(claim(&world, winner, &challenge).await.status, 200, "the same again");
        world.approve(winner, &challenge).await.ok();
        let said = poll(&world, &shown).await;
        assert_eq!(world.validate(&text(&said, "accessToken")).await.ok()["userId"], *winner.user);
    }
}

#[tokio::test]
async fn with_a_token_only_its_user_may_scan() {
    let world = World::start().await;
    let (adas, bobs) = (world.device("ada", "qr-code").await, world.device("bob", "qr-code").await);
    let token = world.token("ada", "signIn").await;
    let shown = show(&world, &Auth::Token(token.clone())).await;
    let challenge = text(&shown, "challengeId");
    assert_eq!(claim(&world, &bobs, &challenge).await.refusal(), (403, "invalid_credential".into()));
    claim(&world, &adas, &challenge).await.ok();
    world.approve(&adas, &challenge).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED", "the very action that was tracked");
    assert_eq!(world.state(&text(&poll(&world, &shown).await, "accessToken")).await, "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn a_tag_says_what_the_code_says() {
    let world = World::start().await;
    let shown = show(&world, &world.tenant_auth()).await;
    let path = |id: &str| format!("/v1/client/challenge/qr-code/{id}/ndef");
    let challenge = text(&shown, "challengeId");
    let answer = world.http.get(&path(&challenge), &world.tenant_auth()).await.ok();
    let uri = format!("countersign://claim/{challenge}");
    let mut expected = vec![0xd1, 0x01, u8::try_from(uri.len() + 1).unwrap(), b'U', 0];
    expected.extend(uri.bytes());
    assert_eq!(data_encoding::BASE64.decode(text(&answer, "ndef").as_bytes()).unwrap(), expected);
    assert_eq!(text(&answer, "uri"), uri);
    assert_eq!(world.http.get(&path("unknown"), &world.tenant_auth()).await.refusal(), (404, "not_found".into()));
    world.clock.advance(540);
    assert_eq!(world.http.get(&path(&challenge), &world.tenant_auth()).await.refusal(), (404, "not_found".into()));
}

async fn in_app(world: &World, device: &Device, begin: &Auth, finish: &Auth, body: Value) -> Answer {
    let begun = world.http.post("/v1/client/challenge", begin, body).await.ok();
    let challenge = text(&begun, "challengeId");
    assert_eq!(begun["nonce"].is_string(), matches!(begin, Auth::Token(_)));
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(&challenge)});
    world.http.post("/v1/client/verify/in-app", finish, body).await
}

#[tokio::test]
async fn an_app_signs_its_owner_in() {
    let world = World::start().await;
    let device = world.device("ada", "in-app").await;
    world.http.patch("/v1/users/ada", &world.key(), json!({"username": "Ada L."})).await.ok();
    let basic = world.tenant_auth();
    let said = in_app(&world, &device, &basic, &basic, json!({"action": "signIn", "idempotencyKey": "k"})).await.ok();
    assert_eq!(
        (text(&said, "userId"), text(&said, "username"), text(&said, "userAuthenticatorId")),
        ("ada".into(), "Ada L.".into(), device.id.clone())
    );
    let validated = world.validate(&text(&said, "token")).await.ok();
    assert_eq!(
        (text(&validated, "state"), text(&validated, "idempotencyKey")),
        ("CHALLENGE_SUCCEEDED".into(), "k".into())
    );
    // The same key is the same action, which has come to its end.
    let again = in_app(&world, &device, &basic, &basic, json!({"action": "signIn", "idempotencyKey": "k"})).await;
    assert_eq!(again.refusal(), (403, "forbidden".into()));
    // One that the backend tracked is succeeded.
    let tracked = world.track("ada", "pay", json!({"idempotencyKey": "p"})).await.ok();
    let said = in_app(&world, &device, &basic, &basic, json!({"action": "pay", "idempotencyKey": "p"})).await.ok();
    assert_eq!(world.state(&text(&tracked, "token")).await, "CHALLENGE_SUCCEEDED");
    assert_eq!(world.state(&text(&said, "token")).await, "CHALLENGE_SUCCEEDED");
    // With the token of an action it is that action; begun with the tenant's id or with that token, and no other.
    for with_token in [false, true] {
        let token = world.token("ada", "signIn").await;
        let bearer = Auth::Token(token.clone());
        let begin = if with_token { &bearer } else { &basic };
        in_app(&world, &device, begin, &bearer, json!({})).await.ok();
        assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
    }
    let (one, other) = (world.token("ada", "signIn").await, Auth::Token(world.token("ada", "x").await));
    let crossed = in_app(&world, &device, &other, &Auth::Token(one.clone()), json!({})).await;
    assert_eq!(crossed.refusal(), (403, "invalid_credential".into()));
    assert_eq!(world.state(&one).await, "CHALLENGE_REQUIRED");
}

/// What is asked of pushes and scanned codes does not close an app's own question: nothing is shown to it that it could
/// sign, because it begins and answers by itself (contract, C47).
#[tokio::test]
async fn an_app_signs_its_owner_in_where_pushes_want_more() {
    let world = World::start().await;
    let device = world.device("ada", "in-app").await;
    let wanted = json!({"pushSignatureV2": "required", "pushNumberMatching": "required"});
    world.http.patch("/v1/management/tenant", &world.management(), wanted).await.ok();
    let basic = world.tenant_auth();
    in_app(&world, &device, &basic, &basic, json!({"action": "signIn"})).await.ok();
    let token = world.token("ada", "signIn").await;
    in_app(&world, &device, &basic, &Auth::Token(token.clone()), json!({})).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
    let scanner = world.device("ada", "qr-code").await;
    let challenge = text(&show(&world, &basic).await, "challengeId");
    claim(&world, &scanner, &challenge).await.ok();
    let refused = world.approve(&scanner, &challenge).await;
    assert!(refused.status == 403 && refused.text().contains("signatureV2"), "{}", refused.text());
}

#[tokio::test]
async fn an_app_signs_nobody_else_in() {
    let world = World::start().await;
    let (adas, bobs) = (world.device("ada", "in-app").await, world.device("bob", "in-app").await);
    let basic = world.tenant_auth();
    let token = world.token("ada", "signIn").await;
    let refused = |answer: Answer| answer.refusal() == (403, "invalid_credential".into());
    assert!(
        refused(in_app(&world, &bobs, &basic, &Auth::Token(token.clone()), json!({})).await),
        "Bob's device, Ada's token"
    );
    let begin = Auth::Token(world.token("bob", "signIn").await);
    assert!(refused(in_app(&world, &adas, &begin, &basic, json!({})).await), "Bob's challenge");
    assert!(refused(in_app(&world, &adas, &basic, &basic, json!({})).await), "no action was named");
    assert!(
        refused(in_app(&world, &Device::new("in-app"), &basic, &basic, json!({"action": "signIn"})).await),
        "no key"
    );
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    let begun = world.http.post("/v1/client/challenge", &basic, json!({"action": "signIn"})).await.ok();
    let challenge = text(&begun, "challengeId");
    let body = json!({"challengeId": challenge, "publicKey": adas.public_key, "signature": adas.sign(&challenge)});
    world.http.post("/v1/client/verify/in-app", &basic, body.clone()).await.ok();
    let again = world.http.post("/v1/client/verify/in-app", &basic, body.clone()).await;
    assert_eq!(again.status, 200, "the same again is the same answer: {}", again.text());
    let mut others = body;
    others["publicKey"] = bobs.public_key.clone().into();
    others["signature"] = bobs.sign(&challenge).into();
    assert_eq!(world.http.post("/v1/client/verify/in-app", &basic, others).await.refusal().0, 403);
}
