//! A phone is paired by a one-time link: one device uses it, and its page says whether that device is the user's
//! (security.md, S10, T13, T14; infra/decisions/0024).

mod hostile;
mod journey;
mod races;

use countersign_tests::{World, device::Device, http::Auth};
use serde_json::json;

/// A token of an action that may add a device, whatever the user has.
async fn adding(world: &World, user: &str) -> String {
    let tracked = world.track(user, "pair", json!({"scope": "read:authenticators add:authenticators"})).await.ok();
    tracked["token"].as_str().expect("a token").to_owned()
}

/// Whether the server knows the device's key for any kind of challenge.
async fn is_known(world: &World, device: &Device) -> bool {
    for kind in ["push", "qr-code", "in-app"] {
        let path = format!("/v1/client/user-authenticators/{kind}?{}", device.query());
        if world.http.get(&path, &world.tenant_auth()).await.status == 200 {
            return true;
        }
    }
    false
}

/// How many authenticators the backend sees.
async fn count(world: &World, user: &str) -> usize {
    let all = world.http.get(&format!("/v1/users/{user}/authenticators"), &world.key()).await.ok();
    all.as_array().expect("a list").len()
}

/// What stands in the Location header.
fn location(answer: &countersign_tests::http::Answer) -> String {
    let location = answer.headers.get("location").unwrap_or_else(|| panic!("goes nowhere: {}", answer.text()));
    location.to_str().expect("text").to_owned()
}

/// Follows to the page that an answer leads to.
async fn follow(world: &World, answer: &countersign_tests::http::Answer) -> String {
    let mut answer = world.http.get(&location(answer), &Auth::None).await;
    while answer.status.is_redirection() {
        answer = world.http.get(&location(&answer), &Auth::None).await;
    }
    answer.text()
}
