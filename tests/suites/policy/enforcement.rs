//! From then on nobody gets in without a second factor, and everybody is led to one.

use countersign_core::app::CACHE_SECONDS;
use countersign_tests::{
    World,
    device::Device,
    http::{Answer, Auth},
};
use serde_json::json;

use super::{enforce, enforced, is_led_through_set_up, page, set_up, text};

async fn configure(world: &World, code: &str, result: &str) {
    let body = json!({"actionCode": code, "defaultUserActionResult": result});
    world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
}

#[tokio::test]
async fn existing_new_and_invited_users_are_led_to_set_up() {
    let world = World::start().await;
    configure(&world, "read", "ALLOW").await;
    for user in ["existing", "reader"] {
        assert_eq!(world.track(user, "signIn", json!({})).await.ok()["state"], "ALLOW");
    }
    world.http.patch("/v1/users/invited", &world.key(), json!({"email": "i@example.com"})).await.ok();
    let on = enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    assert_eq!(on["status"], "2FA is currently set to: ON");
    assert_eq!((&on["enforcedBy"], &on["isOn"]), (&json!("Grace"), &json!(true)));
    assert_eq!(on["enforcedAt"], "2026-11-21T10:00:15.000Z");
    for (user, action) in [("existing", "signIn"), ("new", "signIn"), ("invited", "signIn"), ("reader", "read")] {
        is_led_through_set_up(&world, user, action).await;
    }
    // What lets an enrolled user through does so still.
    assert_eq!(world.track("reader", "read", json!({})).await.ok()["state"], "ALLOW");
}

#[tokio::test]
async fn what_is_blocked_or_held_back_stays_so() {
    let world = enforced().await;
    for (result, state) in [("BLOCK", "BLOCK"), ("REVIEW", "REVIEW_REQUIRED"), ("ALLOW", "CHALLENGE_REQUIRED")] {
        configure(&world, result, result).await;
        let tracked = world.track("ada", result, json!({})).await.ok();
        assert_eq!(tracked["state"], state);
    }
}

#[tokio::test]
async fn every_process_asks_within_the_cache_s_time() {
    let world = World::start().await;
    let other = world.another_process().await;
    assert_eq!(other.track("ada", "signIn", json!({})).await.ok()["state"], "ALLOW");
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    assert_eq!(world.track("ada", "signIn", json!({})).await.ok()["state"], "CHALLENGE_REQUIRED", "at once where said");
    world.clock.advance(CACHE_SECONDS);
    assert_eq!(other.track("ada", "signIn", json!({})).await.ok()["state"], "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn who_abandons_set_up_comes_back_to_it() {
    let world = enforced().await;
    let first = world.track("ada", "signIn", json!({"redirectUrl": "https://app.example/done"})).await.ok();
    let shown = page(&world, &first).await.text();
    assert!(shown.contains("Cancel and go back"), "{shown}");
    let secret = text(&world.enroll(&text(&first, "token")).await.ok(), "secret");
    assert_eq!(world.state(&text(&first, "token")).await, "CHALLENGE_REQUIRED", "as it was when she went");
    world.clock.advance(3600);
    let late = world.verify(&text(&first, "token"), &world.code(&secret, 0)).await;
    assert_eq!(late.refusal(), (401, "expired_token".into()));
    is_led_through_set_up(&world, "ada", "signIn").await;
}

#[tokio::test]
async fn the_same_action_again_gets_nobody_around_it() {
    let world = World::start().await;
    let key = json!({"idempotencyKey": "k"});
    let before = world.track("ada", "signIn", key.clone()).await.ok();
    assert_eq!(before["state"], "ALLOW");
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    let again = world.track("ada", "signIn", key.clone()).await.ok();
    assert_eq!(again["state"], "CHALLENGE_REQUIRED");
    assert_eq!(world.state(&text(&before, "token")).await, "CHALLENGE_REQUIRED", "it is the same action");
    set_up(&world, &again).await;
    let done = world.track("ada", "signIn", key).await.ok();
    assert_eq!(done["state"], "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn a_user_with_another_method_answers_with_it() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    let (token, asked) = world.pushed("ada", json!({})).await;
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    world.approve(&device, &text(&asked, "challengeId")).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

/// A public key that came with a token proves nothing yet; its signature does.
#[tokio::test]
async fn a_device_as_first_authenticator_has_to_approve_too() {
    let world = enforced().await;
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    let token = text(&tracked, "token");
    let mut device = Device::new("push");
    device.user = "ada".into();
    device.id = text(&world.enrol_device(&device, &token, json!({})).await.ok(), "userAuthenticatorId");
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED", "enrolled, and not let in by that");
    let asked = world.push(&token, json!({})).await.ok();
    world.approve(&device, &text(&asked, "challengeId")).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_enrolments_at_once_one_wins() {
    let world = enforced().await;
    let other = world.another_process().await;
    for round in 0..60_u64 {
        world.faults.weather(round, 0);
        other.faults.weather(!round, 0);
        let user = format!("user{round}");
        let mut running = tokio::task::JoinSet::new();
        for process in [&world, &other] {
            let token = text(&process.track(&user, "signIn", json!({})).await.ok(), "token");
            let (http, clock) = (process.http.clone(), world.clock.clone());
            running.spawn(async move {
                let auth = Auth::Token(token.clone());
                let begun = http.post("/v1/client/user-authenticators/totp", &auth, json!({})).await;
                let Some(secret) = begun.json()["secret"].as_str().map(str::to_owned) else { return (token, false) };
                let code = countersign_tests::otp::totp(&secret, clock.now().as_second());
                let body = json!({"verificationCode": code});
                let verified = http.post("/v1/client/verify/totp", &auth, body).await.json();
                (token, verified["isVerified"] == true)
            });
        }
        let said = running.join_all().await;
        assert_eq!(said.iter().filter(|(_, won)| *won).count(), 1, "round {round}: {said:?}");
        for (token, won) in said {
            assert_eq!(world.state(&token).await == "CHALLENGE_SUCCEEDED", won, "round {round}");
        }
        let listed = world.http.get(&format!("/v1/users/{user}/authenticators"), &world.key()).await.ok();
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "round {round}");
    }
}

#[tokio::test]
async fn before_its_start_it_only_reminds() {
    let world = World::start().await;
    world.enrolled("enrolled").await;
    let start = "2026-11-28T00:00:00.000Z";
    let body = json!({"confirmation": "Enforce 2FA", "by": "Grace", "startsAt": start});
    let said = enforce(&world, body).await.ok();
    assert_eq!((&said["status"], &said["startsAt"]), (&json!("2FA is currently set to: OFF"), &json!(start)));
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["enforcement"]), (&json!("ALLOW"), &json!({"startsAt": start})));
    assert!(page(&world, &tracked).await.text().contains("From 2026-11-28"), "the page reminds too");
    let enrolled = world.track("enrolled", "signIn", json!({})).await.ok();
    assert!(enrolled.get("enforcement").is_none(), "{enrolled}");
    // One second before, and at the second.
    world.clock.set(1_795_824_000 - 1);
    assert_eq!(world.track("ada", "signIn", json!({})).await.ok()["state"], "ALLOW");
    world.clock.advance(1);
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED");
    assert!(tracked.get("enforcement").is_none(), "{tracked}");
    is_led_through_set_up(&world, "bob", "signIn").await;
}

#[tokio::test]
async fn a_device_does_not_remove_the_last_authenticator_and_the_help_desk_does() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    let refused = removes_itself(&world, &device).await;
    assert_eq!(refused.refusal(), (409, "conflict".into()));
    assert!(refused.text().contains("last authenticator"), "{}", refused.text());
    assert_eq!(world.track("ada", "signIn", json!({})).await.ok()["isEnrolled"], true);

    let path = format!("/v1/users/ada/authenticators/{}", device.id);
    world.http.delete(&path, &world.key()).await.ok();
    is_led_through_set_up(&world, "ada", "signIn").await;

    // With a second one, the device may go.
    let second = world.device("ada", "push").await;
    let removed = removes_itself(&world, &second).await.ok();
    assert_eq!(removed["removedAuthenticatorId"], json!(second.id));
}

async fn removes_itself(world: &World, device: &Device) -> Answer {
    let body = json!({"publicKey": device.public_key, "signature": device.sign(format!("{}.0", world.now() / 600))});
    world.http.post("/v1/client/user-authenticators/push/remove", &world.tenant_auth(), body).await
}
