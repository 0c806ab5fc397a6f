//! What becomes of an action while the tenant's configuration cannot be read: what its kind says, and never an
//! enforcement passed by.

use countersign_core::app::{CACHE_SECONDS, COPY_SECONDS};
use countersign_local::embedded::Embedded;
use countersign_tests::{World, faults::Fault, http::Answer};
use serde_json::{Value, json};

use super::{APP, enforce, table::dump};

const CONFIGURATIONS: &str = "/v1/management/action-configurations";

async fn configure(world: &World, code: &str, mode: Value, result: &str) {
    let body = json!({"actionCode": code, "failureMode": mode, "defaultUserActionResult": result});
    world.http.post(CONFIGURATIONS, &world.management(), body).await.ok();
}

/// Kinds of action named after their mode and what their rules say; each process has them in its cache.
async fn world() -> World {
    let world = World::start_with(Embedded::memory().expect("a store in memory"), 1).await;
    for (code, mode, result) in [
        ("closed", json!("closed"), "ALLOW"),
        ("unset", Value::Null, "ALLOW"),
        ("review", json!("review"), "CHALLENGE"),
        ("open", json!("open"), "CHALLENGE"),
        ("blocked", json!("open"), "BLOCK"),
    ] {
        configure(&world, code, mode, result).await;
    }
    world.ready("ada").await;
    world.validate("warm").await;
    world
}

/// Tracks while the one call that reads the configuration fails.
async fn track_without_configuration(world: &World, user: &str, code: &str) -> Answer {
    world.clock.advance(CACHE_SECONDS);
    // The key is asked for first, then the configuration.
    world.faults.fail(1, 1, Fault::ErrorBefore);
    let answer = world.track(user, code, json!({"idempotencyKey": code})).await;
    let calls = world.faults.calls();
    world.faults.clear();
    assert_eq!(calls[..2], ["GetItem", "Query"], "{calls:?}");
    answer
}

async fn stored(world: &World, user: &str, code: &str) -> Value {
    world.http.get(&format!("/v1/users/{user}/actions/{code}/{code}"), &world.key()).await.ok()
}

#[tokio::test]
async fn each_kind_fails_as_it_says_and_it_is_written_down() {
    for (code, state) in [("review", "REVIEW_REQUIRED"), ("open", "ALLOW"), ("blocked", "BLOCK")] {
        let world = world().await;
        let tracked = track_without_configuration(&world, "ada", code).await.ok();
        assert_eq!(tracked["state"], state, "{code}");
        let stored = stored(&world, "ada", code).await;
        assert_eq!((&stored["state"], &stored["failure"]), (&json!(state), &json!("configuration_unavailable")));
        // The next one is decided by the rules again.
        let normal = world.track("ada", code, json!({"idempotencyKey": "normal"})).await.ok();
        let expected = if code == "blocked" { "BLOCK" } else { "CHALLENGE_REQUIRED" };
        assert_eq!(normal["state"], expected, "{code}");
        let path = format!("/v1/users/ada/actions/{code}/normal");
        assert!(world.http.get(&path, &world.key()).await.ok().get("failure").is_none());
    }
    for code in ["closed", "unset", "never-configured"] {
        let world = world().await;
        let before = dump(&world);
        let refused = track_without_configuration(&world, "ada", code).await;
        assert_eq!(refused.refusal(), (503, "service_unavailable".into()), "{code}");
        assert!(refused.headers.contains_key("retry-after"));
        assert!(dump(&world) == before, "{code}: something was written");
    }
}

/// The copy's rules may be others by now, so the mode decides; but what they block stays blocked.
#[tokio::test]
async fn what_the_rules_of_the_copy_block_stays_blocked() {
    let world = world().await;
    for (priority, kind, device) in [(0, "BLOCK", "stolen"), (1, "CHALLENGE", "known")] {
        let conditions = json!({"==": [{"var": "device.id"}, device]});
        let rule = json!({"name": kind, "priority": priority, "type": kind, "conditions": conditions});
        world.http.post(&format!("{CONFIGURATIONS}/open/rules"), &world.management(), rule).await.ok();
    }
    world.validate("warm").await;
    for (device, key, state) in [("stolen", "s", "BLOCK"), ("known", "k", "ALLOW")] {
        world.clock.advance(CACHE_SECONDS);
        world.faults.fail(1, 1, Fault::ErrorBefore);
        let body = json!({"idempotencyKey": key, "deviceId": device});
        let tracked = world.track("ada", "open", body).await.ok();
        world.faults.clear();
        assert_eq!(tracked["state"], state, "{tracked}");
        let path = format!("/v1/users/ada/actions/open/{key}");
        let stored = world.http.get(&path, &world.key()).await.ok();
        assert_eq!(stored["failure"], "configuration_unavailable");
        assert_eq!(stored.get("priorityRuleId").is_some(), state == "BLOCK", "{stored}");
    }
}

#[tokio::test]
async fn without_a_recent_copy_or_a_place_to_write_it_down_nothing_is_allowed() {
    let world = world().await;
    world.clock.advance(COPY_SECONDS);
    assert_eq!(track_without_configuration(&world, "ada", "open").await.refusal().0, 503, "the copy is an hour old");
    let cold = world.another_process().await;
    world.clock.advance(CACHE_SECONDS);
    cold.faults.fail(1, 9, Fault::ErrorBefore);
    assert_eq!(cold.track("ada", "open", json!({})).await.refusal().0, 503, "a process that never knew it");

    let world = self::world().await;
    for failing in 1..8 {
        world.clock.advance(CACHE_SECONDS);
        world.faults.fail(failing, usize::MAX, Fault::ErrorBefore);
        let answer = world.track("ada", "open", json!({})).await;
        let calls = world.faults.calls();
        world.faults.clear();
        if calls.len() > failing {
            assert_eq!(answer.refusal().0, 503, "from call {failing} on nothing answers: {calls:?}");
        }
        world.track("ada", "open", json!({})).await.ok();
    }
    // A key is never believed for longer than ever.
    world.clock.advance(CACHE_SECONDS);
    world.faults.fail(0, 1, Fault::ErrorBefore);
    assert_eq!(world.track("ada", "open", json!({})).await.refusal().0, 503);
    world.faults.clear();
}

#[tokio::test]
async fn an_enforcement_is_never_passed_by() {
    let world = world().await;
    let other = world.another_process().await;
    other.track("warm", "open", json!({})).await.ok();
    // Said in one process while the other has a copy from before.
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    for (code, state) in [("open", "CHALLENGE_REQUIRED"), ("review", "REVIEW_REQUIRED"), ("blocked", "BLOCK")] {
        world.clock.advance(CACHE_SECONDS);
        // As often as the SDK sends it.
        other.faults.fail(1, 3, Fault::ErrorBefore);
        let user = format!("new-{code}");
        let body = json!({"idempotencyKey": code});
        let tracked = other.http.post(&format!("/v1/users/{user}/actions/{code}"), &world.key(), body).await.ok();
        other.faults.clear();
        assert_eq!(tracked["state"], state, "{code}");
        assert_eq!(stored(&world, &user, code).await["failure"], "configuration_unavailable");
    }
    // And where that cannot be read either, nothing is decided.
    world.clock.advance(CACHE_SECONDS);
    other.faults.fail(1, 6, Fault::ErrorBefore);
    assert_eq!(other.track("ada", "open", json!({})).await.refusal().0, 503);
    other.faults.clear();
}

#[tokio::test]
async fn a_set_up_that_is_required_is_asked_for_all_the_same() {
    let world = world().await;
    let enabled = json!({"enabled": true});
    world.http.patch(&format!("/v1/management/required-actions/{APP}"), &world.management(), enabled).await.ok();
    world.token("bob", "signIn").await;
    world.http.call("PUT", &format!("/v1/users/bob/required-actions/{APP}"), &world.key(), None).await.ok();
    let tracked = track_without_configuration(&world, "bob", "open").await.ok();
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn the_mode_is_configured_like_the_rest() {
    let world = World::start().await;
    configure(&world, "pay", json!("open"), "CHALLENGE").await;
    let path = format!("{CONFIGURATIONS}/pay");
    assert_eq!(world.http.get(&path, &world.management()).await.ok()["failureMode"], "open");
    let patch = async |body: Value| world.http.patch(&path, &world.management(), body).await;
    assert_eq!(patch(json!({"failureMode": "review"})).await.ok()["failureMode"], "review");
    assert_eq!(patch(json!({})).await.ok()["failureMode"], "review");
    assert!(patch(json!({"failureMode": null})).await.ok().get("failureMode").is_none(), "cleared is closed");
    let refused = patch(json!({"failureMode": "ajar"})).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".into()));
    assert!(refused.text().contains("failureMode"), "{}", refused.text());
}
