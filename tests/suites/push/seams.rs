//! What held for one method and not between them: what a device is shown of a tracked action, what is told to the devices
//! that were there before, and what a reset ends (security.md, T35-T39).

use countersign_tests::{World, device::Device, http::Auth};
use serde_json::{Value, json};

use super::text;

async fn points(world: &World) {
    for (name, kind) in [("amount", "number"), ("payee", "text")] {
        let point = json!({"name": name, "dataType": kind, "modelType": "action", "isPublic": true});
        world.http.post("/v1/management/custom-data-points", &world.management(), point).await.ok();
    }
}

async fn shown_by_code(world: &World, device: &Device, auth: &Auth, said: Value) -> Value {
    let body = json!({"action": "pay", "custom": said});
    let shown = world.http.post("/v1/client/challenge/qr-code", auth, body).await.ok();
    let id = text(&shown, "challengeId");
    let claim = json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id)});
    world.http.post("/v1/client/user-authenticators/qr-code/challenge/claim", &world.tenant_auth(), claim).await.ok()
}

/// T36: a browser with the token of a payment says another amount; the device shows, and signs, what the backend tracked.
#[tokio::test]
async fn a_device_is_shown_what_was_tracked_and_not_what_a_browser_says() {
    let world = World::start().await;
    points(&world).await;
    let device = world.device("ada", "qr-code").await;
    let tracked = json!({"custom": {"amount": 10_000, "payee": "Mallory"}});
    let token = text(&world.track("ada", "pay", tracked).await.ok(), "token");
    let lie = json!({"amount": 10, "payee": "Grandma"});
    let shown = shown_by_code(&world, &device, &Auth::Token(token), lie.clone()).await;
    assert_eq!(shown["custom"], json!({"amount": 10_000, "payee": "Mallory"}), "{shown}");
    assert_eq!(shown.get("isClaimed"), None);
    assert_eq!(shown.get("origin"), None, "a page's own word of itself stands for nothing here");

    let claimed = shown_by_code(&world, &device, &world.tenant_auth(), lie.clone()).await;
    assert_eq!((&claimed["custom"], &claimed["isClaimed"]), (&lie, &json!(true)), "what a page claims is marked");
    assert_ne!(claimed["contextHash"], shown["contextHash"]);
}

/// How many messages wait, without those that are looked at.
fn waiting(world: &World) -> usize {
    let messages = world.queue.receive(world.app.now());
    messages.iter().for_each(|message| world.queue.delete(message));
    messages.len()
}

/// NIST SP 800-63B, 4.1.2: what was there before is told of what is added, whoever adds it.
#[tokio::test]
async fn what_is_added_is_told_to_the_phone_that_was_there() {
    let world = World::start().await;
    let phone = world.device_with("ada", "push", json!({"pushToken": "t"})).await;
    assert_eq!(waiting(&world), 0, "there was nothing to tell");

    world.device("ada", "qr-code").await;
    assert_eq!(waiting(&world), 1, "a device");
    let app = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"});
    world.http.post("/v1/users/ada/authenticators", &world.key(), app).await.ok();
    assert_eq!(waiting(&world), 2, "an app that a backend vouches for, and the first recovery codes with it");

    let scope = json!({"scope": "read:authenticators add:authenticators"});
    let token = text(&world.track("ada", "pair", scope).await.ok(), "token");
    let secret = text(&world.enroll(&token).await.ok(), "secret");
    assert_eq!(world.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
    assert_eq!(waiting(&world), 1, "an app, by its first code");
    assert_eq!(world.pending(&phone).await.ok().get("challengeId"), None, "a notice asks nothing");
}

/// The same of what a backend removes: whoever stole its key, or talked its help desk into it, does not go unseen.
#[tokio::test]
async fn what_a_backend_removes_is_told_to_the_phone_that_stays() {
    let world = World::start().await;
    let phone = world.device_with("ada", "push", json!({"pushToken": "t"})).await;
    let other = world.device("ada", "qr-code").await;
    waiting(&world);
    let remove = async |id: &str| {
        world.http.delete(&format!("/v1/users/ada/authenticators/{id}"), &world.key()).await.ok();
        waiting(&world)
    };
    assert_eq!(remove(&other.id).await, 1, "the phone stays");
    assert_eq!(remove(&phone.id).await, 0, "nobody is left to tell");
}

/// T39: what a help desk resets is reset: tokens, open actions and devices of before are nothing.
#[tokio::test]
async fn a_reset_ends_what_was_entitled_before() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let success = world.token("ada", "signIn").await;
    let succeeded = world.verify(&success, &world.code(&secret, 0)).await.ok();
    let open = text(&world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok(), "token");
    let after = text(&succeeded, "accessToken");
    assert_eq!(world.validate(&after).await.ok()["isValid"], true);

    world.http.post("/v1/users/ada/reset", &world.key(), json!({})).await.ok();
    for token in [&success, &after, &open] {
        assert_eq!(world.validate(token).await.ok()["isValid"], false);
        assert_eq!(world.enroll(token).await.status, 401, "a token of before enrols nothing");
    }
    let user = world.http.get("/v1/users/ada", &world.key()).await.ok();
    assert_eq!(user["isEnrolled"], false);
    let again = world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok();
    assert_eq!(again["state"], "ALLOW", "the open action of before is nobody's");
    assert_eq!(world.enroll(&text(&again, "token")).await.status, 200);
}
