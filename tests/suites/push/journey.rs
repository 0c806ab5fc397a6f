//! The whole way: asked, seen, approved or denied.

use countersign_tests::http::{Auth, segment};
use serde_json::{Value, json};

use super::{APPROVED, OVER, PENDING, standing, text, world_with_a_device};

#[tokio::test]
async fn an_approval_succeeds_the_action() {
    let (world, device) = world_with_a_device().await;
    let context = json!({"ipAddress": "203.0.113.7", "userAgent": "Firefox", "deviceId": "d-1", "idempotencyKey": "k"});
    let token = text(&world.track("ada", "signIn", context).await.ok(), "token");
    let asked = world.push(&token, json!({"action": "signIn"})).await.ok();
    let challenge = text(&asked, "challengeId");
    assert_eq!(
        asked["deliveryResults"],
        json!([{"userAuthenticatorId": device.id, "errorCode": "device_unreachable"}]),
        "it has no push token, and that is said"
    );
    assert!(asked.get("verificationCode").is_none(), "{asked}");
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);

    let shown = world.pending(&device).await.ok();
    for (name, value) in [
        ("userAuthenticatorId", json!(device.id)),
        ("challengeId", json!(challenge)),
        ("userId", json!("ada")),
        ("actionCode", json!("signIn")),
        ("idempotencyKey", json!("k")),
        ("ipAddress", json!("203.0.113.7")),
        ("userAgent", json!("Firefox")),
        ("deviceId", json!("d-1")),
        ("expiresAt", json!(world.now() + 120)),
        ("custom", json!({})),
        ("user", json!({"custom": {}})),
    ] {
        assert_eq!(shown[name], value, "{name} of {shown}");
    }
    assert_eq!(world.approve(&device, &challenge).await.ok(), json!({"isVerified": true}));
    let answer = world.standing(&token, &challenge).await.ok();
    assert_eq!((&answer["isVerified"], &answer["isConsumed"]), (&json!(true), &json!(true)));
    let validated = world.validate(&text(&answer, "accessToken")).await.ok();
    assert_eq!(validated["state"], "CHALLENGE_SUCCEEDED");
    assert_eq!(validated["verificationMethod"], "PUSH");
    let action = world.http.get("/v1/users/ada/actions/signIn/k", &world.key()).await.ok();
    assert_eq!(
        action["output"],
        json!({"approval": {"numberMatching": false, "signatureV2": false}}),
        "the weaker kind"
    );
    let nothing = world.pending(&device).await.ok();
    assert_eq!(nothing, json!({"userAuthenticatorId": device.id, "custom": {}, "user": {"custom": {}}}));
}

#[tokio::test]
async fn a_denial_is_final_and_another_way_stays_open() {
    let (world, device) = world_with_a_device().await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    assert_eq!(world.deny(&device, &challenge).await.ok(), json!({"isVerified": false}));
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (409, "conflict".into()));
    assert_eq!(standing(&world, &token, &challenge).await, OVER);
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    let again = text(&world.push(&token, json!({})).await.ok(), "challengeId");
    world.approve(&device, &again).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn not_me_fails_the_action_and_stops_pushes_for_a_while() {
    let (world, device) = world_with_a_device().await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    let mut body = device.answer(&challenge, false);
    body["report"] = true.into();
    assert_eq!(world.answer(&device, body.clone()).await.ok(), json!({"isVerified": false}));
    assert_eq!(world.answer(&device, body).await.ok(), json!({"isVerified": false}), "the same again");
    assert_eq!(world.state(&token).await, "CHALLENGE_FAILED");
    let other = world.token("ada", "signIn").await;
    let refused = world.push(&other, json!({})).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    assert_eq!(refused.headers["retry-after"], "900");
    world.clock.advance(900);
    let other = world.token("ada", "signIn").await;
    world.push(&other, json!({})).await.ok();
    let mut both = device.answer(&challenge, true);
    both["report"] = true.into();
    assert_eq!(world.answer(&device, both).await.refusal(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn expiry_ends_a_challenge_and_once_it_was_seen_no_lagging_clock_undoes_it() {
    let (world, device) = world_with_a_device().await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    world.clock.advance(119);
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);
    world.clock.advance(1);
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (409, "conflict".into()));
    assert_eq!(standing(&world, &token, &challenge).await, OVER);
    assert!(world.pending(&device).await.ok().get("challengeId").is_none());
    world.clock.advance(-60);
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (409, "conflict".into()));
    assert_eq!(standing(&world, &token, &challenge).await, OVER);
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn a_challenge_lives_no_longer_than_its_action_and_as_the_tenant_says() {
    let (world, _) = world_with_a_device().await;
    let set = async |seconds: u32| {
        world.http.patch("/v1/management/tenant", &world.management(), json!({"pushDurationInSeconds": seconds})).await
    };
    set(600).await.ok();
    for wrong in [0, 29, 601] {
        assert_eq!(set(wrong).await.refusal(), (400, "invalid_request".into()));
    }
    world.clock.advance(31);
    let token = world.token("ada", "signIn").await;
    world.clock.advance(300);
    let asked = world.push(&token, json!({})).await.ok();
    let end: countersign_core::clock::Timestamp = text(&asked, "expiresAt").parse().unwrap();
    assert_eq!(end.as_second(), world.now() + 300, "the action ends after ten minutes");
}

#[tokio::test]
async fn an_action_that_may_not_be_answered_by_push_is_not() {
    let (world, device) = world_with_a_device().await;
    let only_codes = json!({"actionCode": "codes", "verificationMethods": ["AUTHENTICATOR_APP"]});
    world.http.post("/v1/management/action-configurations", &world.management(), only_codes).await.ok();
    world.clock.advance(31);
    let codes = world.token("ada", "codes").await;
    assert_eq!(world.push(&codes, json!({})).await.refusal(), (403, "forbidden".into()));
    let (token, asked) = world.pushed("ada", json!({})).await;
    assert_eq!(world.push(&token, json!({"action": "other"})).await.refusal(), (400, "invalid_request".into()));
    world.approve(&device, &text(&asked, "challengeId")).await.ok();
    assert_eq!(world.push(&token, json!({})).await.refusal(), (403, "forbidden".into()), "the action has succeeded");
    world.enrolled("bob").await;
    let bob = world.token("bob", "signIn").await;
    assert_eq!(world.push(&bob, json!({})).await.refusal(), (400, "invalid_request".into()), "Bob has no device");
}

#[tokio::test]
async fn the_primary_device_is_asked_first_and_others_may_still_answer() {
    let (world, first) = world_with_a_device().await;
    let second = world.device("ada", "push").await;
    let results = async |more: Value| {
        let (_, asked) = world.pushed("ada", more).await;
        let mut ids: Vec<String> =
            asked["deliveryResults"].as_array().unwrap().iter().map(|r| text(r, "userAuthenticatorId")).collect();
        ids.sort();
        (text(&asked, "challengeId"), ids)
    };
    let mut both = vec![first.id.clone(), second.id.clone()];
    both.sort();
    let (challenge, asked) = results(json!({})).await;
    assert_eq!(asked, both);
    assert_eq!(world.approve(&second, &challenge).await.ok()["isVerified"], true);
    let (challenge, asked) = results(json!({"userAuthenticatorId": first.id})).await;
    assert_eq!(asked, std::slice::from_ref(&first.id));
    assert_eq!(world.approve(&second, &challenge).await.refusal(), (403, "invalid_credential".into()), "not asked");
    assert!(world.pending(&second).await.ok().get("challengeId").is_none());
    world.approve(&first, &challenge).await.ok();

    let path = format!("/v1/users/ada/authenticators/{}", second.id);
    let listed = world.http.patch(&path, &world.key(), json!({"isDefault": true})).await.ok();
    assert_eq!((&listed["isDefault"], &listed["verificationMethod"]), (&json!(true), &json!("PUSH")));
    let all = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    let defaults: Vec<bool> = all.as_array().unwrap().iter().map(|one| one["isDefault"] == true).collect();
    assert_eq!(defaults.iter().filter(|is| **is).count(), 1, "{all}");
    // Neither has a push token: none is reached, so all are asked.
    assert_eq!(results(json!({})).await.1, both);
}

#[tokio::test]
async fn a_device_is_described_and_may_change_its_push_token_and_go() {
    let (world, _) = world_with_a_device().await;
    let more = json!({"deviceName": "Pixel", "deviceModel": "Pixel 9", "deviceId": "abc", "devicePlatform": "ios"});
    let device = world.device_with("ada", "push", more).await;
    let path = format!("/v1/client/user-authenticators/push?{}", device.query());
    let known = world.http.get(&path, &world.tenant_auth()).await.ok();
    assert_eq!((text(&known, "userId"), text(&known, "userAuthenticatorId")), ("ada".into(), device.id.clone()));
    assert!(known["verifiedAt"].is_string());
    let listed = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    let listed =
        listed.as_array().unwrap().iter().find(|one| one["userAuthenticatorId"] == *device.id).unwrap().clone();
    for (name, value) in
        [("displayName", "Pixel"), ("deviceModel", "Pixel 9"), ("deviceId", "abc"), ("devicePlatform", "IOS")]
    {
        assert_eq!(listed[name], value, "{listed}");
    }

    let sign = format!("/v1/client/user-authenticators/push/sign?{}", device.query());
    let signing = world.http.post(&sign, &world.tenant_auth(), json!({})).await.ok();
    let update = |message: &str| {
        json!({"challengeId": signing["challengeId"], "publicKey": device.public_key,
            "signature": device.sign(message), "pushToken": "new-token"})
    };
    let patch =
        async |body: Value| world.http.patch("/v1/client/user-authenticators/push", &world.tenant_auth(), body).await;
    let forged = update(&text(&signing, "challengeId"));
    assert_eq!(patch(forged).await.refusal(), (403, "invalid_credential".into()), "the message is signed, not the id");
    let updated = patch(update(&text(&signing, "message"))).await.ok();
    assert_eq!((text(&updated, "pushToken"), text(&updated, "userId")), ("new-token".into(), "ada".into()));
    assert_eq!(patch(update(&text(&signing, "message"))).await.ok()["pushToken"], "new-token", "the same again");
    let mut other = update(&text(&signing, "message"));
    other["pushToken"] = "a thief's".into();
    assert_eq!(patch(other).await.refusal(), (403, "invalid_credential".into()), "once");

    let window = format!("{}.0", world.now() / 600);
    let gone = json!({"publicKey": device.public_key, "signature": device.sign(window)});
    let remove = "/v1/client/user-authenticators/push/remove";
    let removed = world.http.post(remove, &world.tenant_auth(), gone.clone()).await.ok();
    assert_eq!(removed, json!({"removedAuthenticatorId": device.id}));
    assert_eq!(world.http.post(remove, &world.tenant_auth(), gone).await.ok(), json!({}));
    assert_eq!(world.http.get(&path, &world.tenant_auth()).await.refusal(), (403, "invalid_credential".into()));
    let token = world.track("ada", "pair", json!({"scope": "add:authenticators"})).await.ok();
    let again = world.enrol_device(&device, &text(&token, "token"), json!({})).await;
    assert_eq!(again.status, 200, "a removed key is nobody's: {}", again.text());
}

#[tokio::test]
async fn round_trips_are_those_of_the_design() {
    let (world, device) = world_with_a_device().await;
    world.token("ada", "signIn").await;
    let token = world.token("ada", "signIn").await;
    world.faults.clear();
    let challenge = text(&world.push(&token, json!({})).await.ok(), "challengeId");
    assert_eq!(world.faults.calls().len(), 2, "push challenge");
    world.faults.clear();
    world.approve(&device, &challenge).await.ok();
    assert_eq!(world.faults.calls().len(), 2, "approve");
    world.faults.clear();
    assert_eq!(standing(&world, &token, &challenge).await, APPROVED);
    assert_eq!(world.faults.calls().len(), 1, "poll");
    let token = world.token("ada", "signIn").await;
    let asked = world.push(&token, json!({"numberMatching": true})).await.ok();
    let mut body = device.answer(&text(&asked, "challengeId"), true);
    body["verificationCode"] = asked["verificationCode"].clone();
    world.faults.clear();
    assert_eq!(world.answer(&device, body).await.ok()["isVerified"], true);
    assert_eq!(world.faults.calls().len(), 3, "approve with a number, which is paid for first");
}

/// What the tenant flags as public is shown, and nothing else.
#[tokio::test]
async fn a_device_sees_public_data_points_alone() {
    let (world, device) = world_with_a_device().await;
    for (name, data_type, model, is_public) in [
        ("amount", "number", "action", true),
        ("risk", "number", "action", false),
        ("vip", "text", "user", true),
        ("debt", "text", "user", false),
    ] {
        let point = json!({"name": name, "dataType": data_type, "modelType": model, "isPublic": is_public});
        world.http.post("/v1/management/custom-data-points", &world.management(), point).await.ok();
    }
    let custom = json!({"vip": "gold", "debt": "all of it", "amount": "not this one"});
    world.http.patch("/v1/users/ada", &world.key(), json!({"custom": custom})).await.ok();
    world.clock.advance(31);
    let custom = json!({"custom": {"amount": 900, "risk": 0.7, "vip": "nor this"}});
    let token = text(&world.track("ada", "pay", custom).await.ok(), "token");
    world.push(&token, json!({})).await.ok();
    let shown = world.pending(&device).await.ok();
    assert_eq!(shown["custom"], json!({"amount": 900}));
    assert_eq!(shown["user"], json!({"custom": {"vip": "gold"}}));
    let foreign = Auth::Key("another".into());
    let path = format!("/v1/client/user-authenticators/push/challenge?publicKey={}", segment("x"));
    assert_eq!(world.http.get(&path, &foreign).await.status, 401);
}
