//! Ids in paths, as eleven SDKs spell them (contract, rule 12 and section 1.0).

use countersign_tests::{World, http::segment};
use serde_json::json;

/// Each is one id in two spellings: as some SDK sends it, and decoded.
const SPELLINGS: &[(&str, &str)] = &[
    ("plain", "plain"),
    ("auth0|5f7c8ec7c33c6c004bbafe82", "auth0|5f7c8ec7c33c6c004bbafe82"),
    ("ada@example.com", "ada@example.com"),
    ("urn:user:1", "urn:user:1"),
    ("ada+test@example.com", "ada+test@example.com"),
    ("a%20b", "a b"),
    ("a%2Fb", "a/b"),
    ("a%2fc", "a/c"),
    ("%C3%A9t%C3%A9", "\u{e9}t\u{e9}"),
    ("%F0%9F%94%91", "\u{1f511}"),
    ("ada%40example.org", "ada@example.org"),
    ("a%2Bb", "a+b"),
    // Decoded once, not twice.
    ("a%2520b", "a%20b"),
    ("a%252Fb", "a%2Fb"),
    ("%25", "%"),
    ("a!$&'()*,;=~b", "a!$&'()*,;=~b"),
];

#[tokio::test]
async fn a_user_id_is_decoded_once() {
    let world = World::start().await;
    for (sent, id) in SPELLINGS {
        let path = format!("/v1/users/{sent}");
        let made = world.http.patch(&path, &world.key(), json!({"displayName": id})).await.ok();
        assert_eq!(made["userId"], *id, "{sent}");
        let encoded = world.http.get(&format!("/v1/users/{}", segment(id)), &world.key()).await.ok();
        assert_eq!(encoded["displayName"], *id, "{sent} and its full encoding are one user");
        let tracked = world.http.post(&format!("{path}/actions/pay"), &world.key(), json!({})).await.ok();
        let validated = world.validate(tracked["token"].as_str().unwrap()).await.ok();
        assert_eq!(validated["userId"], *id, "{sent}");
    }
    for (_, id) in SPELLINGS {
        let found = world.http.get(&format!("/v1/users/{}", segment(id)), &world.key()).await.ok();
        assert_eq!(found["displayName"], *id, "no spelling is another's");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_decoded_once() {
    let world = World::start().await;
    for (sent, key) in SPELLINGS {
        world.track("ada", "pay", json!({"idempotencyKey": key})).await.ok();
        let path = format!("/v1/users/ada/actions/pay/{sent}");
        world.http.get(&path, &world.key()).await.ok();
        let moved = world.http.patch(&path, &world.key(), json!({"state": "CHALLENGE_FAILED"})).await.ok();
        assert_eq!(moved["state"], "CHALLENGE_FAILED", "{sent}");
    }
    let listed = world.http.get("/v1/users/ada/actions", &world.key()).await.ok();
    let mut keys: Vec<_> = listed.as_array().unwrap().iter().map(|a| a["idempotencyKey"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = SPELLINGS.iter().map(|(_, key)| *key).collect();
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn an_id_has_1_to_256_bytes_of_utf_8() {
    let world = World::start().await;
    for (id, status) in [("x".repeat(256), 200), ("x".repeat(257), 400), ("\u{e9}".repeat(129), 400)] {
        let path = format!("/v1/users/{}", segment(&id));
        assert_eq!(world.http.get(&path, &world.key()).await.status, status, "{} bytes", id.len());
    }
    for broken in ["%FF", "%C3", "%ED%A0%80", "%C0%AF"] {
        let answer = world.http.get(&format!("/v1/users/{broken}"), &world.key()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{broken}");
    }
    for (length, status) in [(200, 200), (201, 400)] {
        let body = json!({"idempotencyKey": "k".repeat(length)});
        assert_eq!(world.track("ada", "pay", body).await.status, status, "{length}");
    }
}
