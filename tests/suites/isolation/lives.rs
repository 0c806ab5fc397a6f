//! A user who is deleted and made again is another one: old tokens are dead, and nothing is inherited (T34).

use countersign_tests::{World, http::Auth, otp};
use serde_json::{Value, json};

use super::table::dump;

const LIST: &str = "/v1/client/user-authenticators";

async fn delete(world: &World, user: &str) {
    world.http.delete(&format!("/v1/users/{user}"), &world.key()).await.ok();
}

/// Nothing that a token can be used for works any more.
async fn assert_dead(world: &World, token: &str, code: &str) {
    assert_eq!(world.enroll(token).await.refusal(), (401, "invalid_token".into()));
    assert_eq!(world.verify(token, code).await.refusal(), (401, "invalid_token".into()));
    assert_eq!(world.http.get(LIST, &Auth::Token(token.into())).await.refusal(), (401, "invalid_token".into()));
    let validated = world.validate(token).await.ok();
    assert_eq!((&validated["isValid"], validated.get("state")), (&json!(false), None), "{validated}");
    let page = world.http.get(&format!("/challenge?token={token}"), &Auth::None).await;
    assert_eq!(page.status, 401, "the hosted page");
}

#[tokio::test]
async fn a_pending_enrolment_ends_with_its_user() {
    for made_again in [false, true] {
        let world = World::start().await;
        let token = world.token("ada", "enrol").await;
        let offer = world.enroll(&token).await.ok();
        let secret = offer["secret"].as_str().unwrap().to_owned();
        delete(&world, "ada").await;
        if made_again {
            world.token("ada", "enrol").await;
        }
        assert_dead(&world, &token, &world.code(&secret, 0)).await;
        assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok()["isEnrolled"], false);
    }
}

#[tokio::test]
async fn a_pending_challenge_ends_with_its_user() {
    for made_again in [false, true] {
        let world = World::start().await;
        let secret = world.ready("ada").await;
        let body = json!({"idempotencyKey": "k", "scope": "read:authenticators add:authenticators"});
        let token = world.track("ada", "pay", body.clone()).await.ok()["token"].as_str().unwrap().to_owned();
        delete(&world, "ada").await;
        if made_again {
            // Under the very same key: the old token still is not one of the new action.
            let tracked = world.track("ada", "pay", body).await.ok();
            assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
        }
        assert_dead(&world, &token, &world.code(&secret, 0)).await;
    }
}

#[tokio::test]
async fn a_succeeded_challenge_is_not_inherited() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let body = json!({"idempotencyKey": "k"});
    let token = world.track("ada", "pay", body.clone()).await.ok()["token"].as_str().unwrap().to_owned();
    let verified = world.verify(&token, &world.code(&secret, 0)).await.ok();
    let success = verified["accessToken"].as_str().unwrap().to_owned();
    assert_eq!(world.validate(&success).await.ok()["isValid"], true);
    delete(&world, "ada").await;
    assert_dead(&world, &success, &world.code(&secret, 1)).await;
    let again = world.track("ada", "pay", body).await.ok();
    assert_eq!(again["state"], "ALLOW", "the same key of another life is another action");
    assert_dead(&world, &success, &world.code(&secret, 1)).await;
    assert_eq!(world.validate(again["token"].as_str().unwrap()).await.ok()["isValid"], false);
}

#[tokio::test]
async fn nothing_of_an_earlier_life_is_left() {
    let world = World::start().await;
    world.http.patch("/v1/management/tenant", &world.management(), json!({"name": "t1"})).await.ok();
    world.track("bob", "pay", json!({})).await.ok();
    world.track("bob", "enrol", json!({})).await.ok();
    delete(&world, "bob").await;
    let before = dump(&world);
    let secret = world.ready("ada").await;
    let profile = json!({"email": "ada@example.com", "username": "ada", "phoneNumber": "+1", "custom": {"a": 1}});
    world.http.patch("/v1/users/ada", &world.key(), profile).await.ok();
    let sms = json!({"verificationMethod": "SMS", "phoneNumber": "+1", "isDefault": true});
    world.http.post("/v1/users/ada/authenticators", &world.key(), sms).await.ok();
    let token = world.token("ada", "pay").await;
    for _ in 0..10 {
        world.verify(&token, &otp::wrong(&secret, world.now())).await.ok();
    }
    let spent = world.verify(&token, &world.code(&secret, 0)).await.ok();
    assert_eq!(spent["failureReason"], "MAX_ATTEMPTS_EXCEEDED", "the budget is spent");
    delete(&world, "ada").await;
    let mut after = dump(&world);
    // Which step its app accepted last is kept for an hour: the secret may come back. It says neither whose nor which.
    let spent: Vec<_> = after.keys().filter(|(_, sk)| sk == "SPENT").cloned().collect();
    assert!(matches!(spent.as_slice(), [(pk, _)] if !pk.contains("ada")), "{spent:?}");
    after.remove(&spent[0]);
    assert!(after == before, "a deleted user leaves no other row");

    let user: Value = world.http.get("/v1/users/ada", &world.key()).await.ok();
    assert_eq!((&user["isEnrolled"], user.get("email"), user.get("custom")), (&json!(false), None, None));
    let tracked = world.track("ada", "pay", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
    assert!(tracked.get("defaultVerificationMethod").is_none(), "{tracked}");
    assert_eq!(world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok(), json!([]));
    assert_eq!(world.http.get("/v1/users/ada/actions", &world.key()).await.ok().as_array().unwrap().len(), 1);
    for query in ["email=ada%40example.com", "username=ada", "phoneNumber=%2B1"] {
        let found = world.http.get(&format!("/v1/users?{query}"), &world.key()).await.ok();
        assert_eq!(found, json!({"users": []}), "{query}");
    }
    // The budget is a new one: an enrolment needs a guess.
    let token = tracked["token"].as_str().unwrap();
    let secret = world.enroll(token).await.ok()["secret"].as_str().unwrap().to_owned();
    assert_eq!(world.verify(token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
}

/// A profile that an update put down in the moment of the deletion belongs to nobody afterwards.
#[tokio::test]
async fn what_a_sweep_has_missed_is_nobodys() {
    let world = World::start().await;
    world.ready("ada").await;
    let profile = json!({"email": "ada@example.com", "custom": {"vip": true}});
    world.http.patch("/v1/users/ada", &world.key(), profile).await.ok();
    world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok();
    let left = dump(&world);
    delete(&world, "ada").await;
    // Everything but the user itself comes back, as if the sweep had died before it.
    for ((pk, sk), item) in left.iter().filter(|((pk, _), _)| pk != "T#t1" && !pk.starts_with("KEY#")) {
        if sk != "USER" {
            let put = json!({"TableName": countersign_local::embedded::TABLE, "Item": item});
            assert_eq!(world.embedded.answer("PutItem", put.to_string().as_bytes()).status().as_u16(), 200, "{pk}");
        }
    }
    for made_again in [false, true] {
        if made_again {
            let tracked = world.track("ada", "pay", json!({"idempotencyKey": "k", "custom": {"x": 1}})).await.ok();
            assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
        }
        let user = world.http.get("/v1/users/ada", &world.key()).await.ok();
        assert_eq!((user.get("email"), user.get("custom")), (None, None), "made again: {made_again}");
        assert_eq!(world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok(), json!([]));
        let actions = world.http.get("/v1/users/ada/actions", &world.key()).await.ok();
        assert_eq!(actions.as_array().unwrap().len(), usize::from(made_again), "{actions}");
        let found = world.http.get("/v1/users?email=ada%40example.com", &world.key()).await.ok();
        assert_eq!(found, json!({"users": []}));
        if !made_again {
            let old = world.http.get("/v1/users/ada/actions/pay/k", &world.key()).await;
            assert_eq!(old.refusal(), (404, "not_found".into()));
            let path = "/v1/users/ada/actions/pay/k";
            let moved = world.http.patch(path, &world.key(), json!({"state": "CHALLENGE_SUCCEEDED"})).await;
            assert_eq!(moved.refusal(), (404, "not_found".into()), "what cannot be read cannot be changed");
        }
    }
    let renamed = world.http.patch("/v1/users/ada", &world.key(), json!({"email": "new@example.com"})).await.ok();
    assert_eq!((&renamed["email"], renamed.get("custom")), (&json!("new@example.com"), None));
}
