//! Whose key is whose (T13, T14, T34).

use countersign_tests::{World, device::Device, http::Auth};
use serde_json::json;

use super::{PENDING, standing, text, world_with_a_device};

#[tokio::test]
async fn an_enrolled_user_needs_more_than_a_token_to_add_a_device() {
    let (world, first) = world_with_a_device().await;
    let token = world.token("ada", "signIn").await;
    let device = Device::new("push");
    assert_eq!(world.enrol_device(&device, &token, json!({})).await.refusal(), (403, "forbidden".into()));
    let asked = world.push(&token, json!({})).await.ok();
    let challenge = text(&asked, "challengeId");
    world.approve(&first, &challenge).await.ok();
    let better = text(&world.standing(&token, &challenge).await.ok(), "accessToken");
    world.enrol_device(&device, &better, json!({})).await.ok();
    let basic = world.http.post("/v1/client/user-authenticators/push", &world.tenant_auth(), json!({})).await;
    assert_eq!(basic.refusal(), (401, "token_required".into()));
}

#[tokio::test]
async fn a_key_belongs_to_one_user_and_the_same_call_again_is_the_same() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    let token = text(&world.track("ada", "pair", json!({"scope": "add:authenticators"})).await.ok(), "token");
    let again = world.enrol_device(&device, &token, json!({})).await.ok();
    assert_eq!(text(&again, "userAuthenticatorId"), device.id);
    let bob = world.token("bob", "pair").await;
    assert_eq!(world.enrol_device(&device, &bob, json!({})).await.refusal(), (409, "conflict".into()));
    assert_eq!(world.http.get("/v1/users/bob", &world.key()).await.ok()["isEnrolled"], false);
    // The same key for another kind of challenge is another authenticator.
    let qr = world
        .http
        .post(
            "/v1/client/user-authenticators/qr-code",
            &Auth::Token(token),
            json!({
        "publicKey": device.public_key, "devicePlatform": "ios", "deviceName": "x"}),
        )
        .await
        .ok();
    assert_ne!(text(&qr, "userAuthenticatorId"), device.id);
    let listed = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    let mut methods: Vec<_> = listed.as_array().unwrap().iter().map(|one| text(one, "verificationMethod")).collect();
    methods.sort();
    assert_eq!(methods, ["DEVICE", "PUSH"], "no name that an SDK cannot read");
    assert_eq!(
        world.http.get("/v1/users/ada", &world.key()).await.ok()["enrolledVerificationMethods"],
        json!(["PUSH", "DEVICE"])
    );
}

#[tokio::test]
async fn a_bad_key_or_device_is_refused_with_what_to_change() {
    let world = World::start().await;
    let token = world.token("ada", "pair").await;
    let device = Device::new("push");
    for (field, value, says) in [
        ("publicKey", json!("AAAA"), "publicKey"),
        ("publicKey", json!("!"), "publicKey"),
        ("devicePlatform", json!("symbian"), "devicePlatform"),
        ("deviceName", json!("x".repeat(129)), "deviceName"),
        ("pushToken", json!("x".repeat(4000)), "pushToken"),
    ] {
        let refused = world.enrol_device(&device, &token, json!({field: value})).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".into()));
        assert!(text(&refused.json(), "errorDescription").contains(says), "{}", refused.text());
    }
    let more = json!({"devicePlatform": "web", "pushToken": "t"});
    assert_eq!(world.enrol_device(&device, &token, more).await.refusal(), (400, "invalid_request".into()));
    assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok()["isEnrolled"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_first_devices_at_once_one_is_enrolled() {
    for _ in 0..40 {
        let world = World::start().await;
        let other = world.another_process().await;
        let mut running = tokio::task::JoinSet::new();
        for (index, server) in [&world, &other, &world, &other].into_iter().enumerate() {
            let token = world.token("ada", &format!("action{index}")).await;
            let http = server.http.clone();
            running.spawn(async move {
                let body = json!({"publicKey": Device::new("push").public_key, "devicePlatform": "ios"});
                http.post("/v1/client/user-authenticators/push", &Auth::Token(token), body).await.status == 200
            });
        }
        let won = running.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn a_removed_device_and_a_deleted_user_answer_nothing() {
    let (world, device) = world_with_a_device().await;
    let other = world.device("ada", "push").await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let challenge = text(&asked, "challengeId");
    let path = format!("/v1/users/ada/authenticators/{}", device.id);
    world.http.delete(&path, &world.key()).await.ok();
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (403, "invalid_credential".into()));
    assert_eq!(world.pending(&other).await.ok()["challengeId"], *challenge);
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);
    world.http.delete("/v1/users/ada", &world.key()).await.ok();
    assert_eq!(world.approve(&other, &challenge).await.refusal(), (403, "invalid_credential".into()));
    // A new life of the user inherits nothing: neither device nor challenge.
    let token = world.token("ada", "pair").await;
    world.enrol_device(&other, &token, json!({})).await.ok();
    assert_eq!(world.approve(&other, &challenge).await.refusal(), (403, "invalid_credential".into()));
}
