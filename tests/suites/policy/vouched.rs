//! A user whose only method is one that nobody here can ask for has no second factor, once one is asked of everybody.

use countersign_tests::{World, device::Device};
use serde_json::{Value, json};

use super::{ENFORCEMENT, enforce, enforced, page, set_up, text};

/// A backend vouches for an address (contract, S7).
async fn vouched(world: &World, user: &str, method: &str) {
    let body = json!({"verificationMethod": method, "email": "a@example.com", "phoneNumber": "+1"});
    world.http.post(&format!("/v1/users/{user}/authenticators"), &world.key(), body).await.ok();
}

async fn configure(world: &World, code: &str, result: &str) {
    let body = json!({"actionCode": code, "defaultUserActionResult": result});
    world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
}

const METHODS: [&str; 3] = ["EMAIL_OTP", "SMS", "EMAIL_MAGIC_LINK"];

#[tokio::test]
async fn such_a_user_is_led_to_set_up() {
    for (method, result) in METHODS.into_iter().flat_map(|method| [(method, "ALLOW"), (method, "CHALLENGE")]) {
        let world = enforced().await;
        configure(&world, "signIn", result).await;
        vouched(&world, "ada", method).await;
        let tracked = world.track("ada", "signIn", json!({})).await.ok();
        assert_eq!(tracked["state"], "CHALLENGE_REQUIRED", "{method} {result}");
        assert_eq!(tracked["isEnrolled"], true, "the contract's word for it stays");
        let shown = page(&world, &tracked).await.text();
        assert!(shown.contains("Set up your authenticator app"), "{method} {result}: {shown}");
        assert!(shown.contains("asks everybody for a second step"), "{shown}");
        set_up(&world, &tracked).await;
        assert_eq!(world.state(&text(&tracked, "token")).await, "CHALLENGE_SUCCEEDED", "{method} {result}");
        // From now on there is something to ask for, and nobody adds to it without proof.
        let again = world.track("ada", "signIn", json!({})).await.ok();
        assert_eq!(again["state"], if result == "ALLOW" { "ALLOW" } else { "CHALLENGE_REQUIRED" });
        assert_eq!(world.enroll(&text(&again, "token")).await.refusal().0, 403);
    }
}

#[tokio::test]
async fn a_device_is_set_up_as_well_and_has_to_approve() {
    let world = enforced().await;
    vouched(&world, "ada", "EMAIL_OTP").await;
    let token = text(&world.track("ada", "signIn", json!({})).await.ok(), "token");
    let mut device = Device::new("push");
    device.user = "ada".into();
    device.id = text(&world.enrol_device(&device, &token, json!({})).await.ok(), "userAuthenticatorId");
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    // The last that can be asked for stays, though an address is left.
    let body = json!({"publicKey": device.public_key, "signature": device.sign(format!("{}.0", world.now() / 600))});
    let path = "/v1/client/user-authenticators/push/remove";
    assert_eq!(world.http.post(path, &world.tenant_auth(), body).await.refusal(), (409, "conflict".into()));
    let asked = world.push(&token, json!({})).await.ok();
    world.approve(&device, &text(&asked, "challengeId")).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

/// Of two that begin with nothing proved, one completes.
#[tokio::test]
async fn what_was_begun_without_proof_ends_where_somebody_else_was_first() {
    let world = enforced().await;
    vouched(&world, "ada", "EMAIL_OTP").await;
    let first = text(&world.track("ada", "signIn", json!({})).await.ok(), "token");
    let second = text(&world.track("ada", "signIn", json!({})).await.ok(), "token");
    let secret = text(&world.enroll(&first).await.ok(), "secret");
    let mut device = Device::new("push");
    device.user = "ada".into();
    world.enrol_device(&device, &second, json!({})).await.ok();
    let late = world.verify(&first, &world.code(&secret, 0)).await.ok();
    assert_eq!(late["isVerified"], false, "{late}");
    assert_eq!(world.enroll(&second).await.refusal().0, 403);
}

#[tokio::test]
async fn before_it_is_asked_of_everybody_all_stays_as_the_contract_has_it() {
    let world = World::start().await;
    configure(&world, "read", "ALLOW").await;
    vouched(&world, "ada", "EMAIL_OTP").await;
    assert_eq!(world.track("ada", "read", json!({})).await.ok()["state"], "ALLOW");
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("CHALLENGE_REQUIRED"), &json!(true)));
    assert_eq!(world.enroll(&text(&tracked, "token")).await.refusal().0, 403);
    // The preview counts who will be stopped.
    let preview = async || world.http.get(ENFORCEMENT, &world.management()).await.ok()["preview"].clone();
    assert_eq!((&preview().await["unEnrolled"], &preview().await["enrolled"]), (&json!(1), &json!(0)));
    let start = json!({"confirmation": "Enforce 2FA", "by": "Grace", "startsAt": "2026-11-28T00:00:00Z"});
    enforce(&world, start).await.ok();
    let reminded: Value = world.track("ada", "read", json!({})).await.ok();
    assert!(reminded["enforcement"].is_object(), "{reminded}");
    let token = text(&world.track("ada", "signIn", json!({"scope": "add:authenticators"})).await.ok(), "token");
    let secret = text(&world.enroll(&token).await.ok(), "secret");
    world.verify(&token, &world.code(&secret, 0)).await.ok();
    assert_eq!(preview().await["enrolled"], json!(1));
}

/// A set-up that is required of such a user is one that the user can finish.
#[tokio::test]
async fn a_required_set_up_can_be_finished() {
    let world = World::start().await;
    configure(&world, "signIn", "ALLOW").await;
    vouched(&world, "ada", "EMAIL_OTP").await;
    let enabled = json!({"enabled": true});
    let path = "/v1/management/required-actions/AUTHENTICATOR_APPLICATION_SETUP";
    world.http.patch(path, &world.management(), enabled).await.ok();
    let path = "/v1/users/ada/required-actions/AUTHENTICATOR_APPLICATION_SETUP";
    world.http.call("PUT", path, &world.key(), Some(json!({}))).await.ok();
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED");
    set_up(&world, &tracked).await;
    assert_eq!(world.track("ada", "signIn", json!({})).await.ok()["state"], "ALLOW");
}
