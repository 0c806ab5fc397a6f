//! What a tenant asks of its users: two factors of everybody, for good, and set-ups that some have to finish.

mod enforcement;
mod enrolable;
mod failure;
mod import;
mod one_version;
mod one_way;
mod preview;
mod required;
mod seeds;
mod unasked;
mod vouched;

use crate::support::{process, scene, table};

use countersign_tests::{World, http::Answer};
use serde_json::{Value, json};

const ENFORCEMENT: &str = "/v1/management/two-factor-enforcement";
const APP: &str = "AUTHENTICATOR_APPLICATION_SETUP";

async fn enforce(world: &World, body: Value) -> Answer {
    world.http.post(ENFORCEMENT, &world.management(), body).await
}

/// Enforced from this moment on.
async fn enforced() -> World {
    let world = World::start().await;
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    world
}

/// The text of a field.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// The page behind the `url` of a tracked action.
async fn page(world: &World, tracked: &Value) -> Answer {
    let path = text(tracked, "url").replace("http://pages.example", "");
    world.http.get(&path, &countersign_tests::http::Auth::None).await
}

/// Sets an app up with the token of a tracked action; its secret.
async fn set_up(world: &World, tracked: &Value) -> String {
    let token = text(tracked, "token");
    let secret = text(&world.enroll(&token).await.ok(), "secret");
    let verified = world.verify(&token, &world.code(&secret, 0)).await.ok();
    assert_eq!(verified["isVerified"], true, "{verified}");
    secret
}

/// Stopped, and led to set-up; after which the very action has succeeded.
async fn is_led_through_set_up(world: &World, user: &str, action: &str) {
    let tracked = world.track(user, action, json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("CHALLENGE_REQUIRED"), &json!(false)), "{user}");
    let shown = page(world, &tracked).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains("Set up your authenticator app"), "{}", shown.text());
    assert!(shown.text().contains("asks everybody for a second step"), "{}", shown.text());
    let before = world.validate(&text(&tracked, "token")).await.ok();
    assert_eq!((&before["isValid"], &before["state"]), (&json!(false), &json!("CHALLENGE_REQUIRED")));
    set_up(world, &tracked).await;
    let after = world.validate(&text(&tracked, "token")).await.ok();
    assert_eq!((&after["isValid"], &after["state"]), (&json!(true), &json!("CHALLENGE_SUCCEEDED")));
}
