//! What a token is worth is what its action is (security.md, T09, T12).

use countersign_tests::{World, add_tenant, http::Auth};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// T09: every token against every pair of arguments; valid for its own user and action alone.
#[tokio::test]
async fn a_token_is_valid_for_its_own_action_and_user_alone() {
    let world = World::start().await;
    let hour = json!({"tokenDurationInMinutes": 60});
    world.http.patch("/v1/management/tenant", &world.management(), hour).await.ok();
    let (users, codes, keys) = (["ada", "bob", "ADA"], ["pay", "signIn", "Pay"], ["k1", "k2"]);
    let mut tokens = Vec::new();
    for user in users {
        let secret = world.ready(user).await;
        for code in codes {
            for key in keys {
                let tracked = world.track(user, code, json!({"idempotencyKey": key})).await.ok();
                let verified = world.verify(tracked["token"].as_str().unwrap(), &world.code(&secret, 0)).await.ok();
                tokens.push((user, code, key, verified["accessToken"].as_str().unwrap().to_owned()));
                world.clock.advance(30);
            }
        }
    }
    let given = |names: &[&'static str]| names.iter().map(|name| Some(*name)).chain([None]).collect::<Vec<_>>();
    for (user, code, key, token) in &tokens {
        for for_user in given(&users) {
            for for_code in given(&codes) {
                let body = json!({"token": token, "userId": for_user, "action": for_code});
                let answer = world.http.post("/v1/validate", &world.key(), body.clone()).await.ok();
                let right = for_user.is_none_or(|u| u == *user) && for_code.is_none_or(|c| c == *code);
                assert_eq!(answer["isValid"], right, "a token of {user} {code} {key}, asked with {body}: {answer}");
                assert_eq!((&answer["userId"], &answer["idempotencyKey"]), (&json!(user), &json!(key)));
            }
        }
    }
}

/// A code answers the action of the token it came with, and no other one that is open.
#[tokio::test]
async fn a_success_is_of_one_action() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let mut open = Vec::new();
    for (code, key) in [("pay", "k1"), ("pay", "k2"), ("signIn", "k1")] {
        let tracked = world.track("ada", code, json!({"idempotencyKey": key})).await.ok();
        open.push(tracked["token"].as_str().unwrap().to_owned());
    }
    assert_eq!(world.verify(&open[0], &world.code(&secret, 0)).await.ok()["isVerified"], true);
    for (index, token) in open.iter().enumerate() {
        assert_eq!(world.validate(token).await.ok()["isValid"], index == 0, "token {index}");
    }
}

/// T12: asked twice, or by many at once, the answer is the same; nothing is upgraded by asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn validating_again_is_the_same_answer() {
    let world = World::start().await;
    let other = world.another_process().await;
    let secret = world.ready("ada").await;
    let open = world.token("ada", "pay").await;
    let done = world.token("ada", "signIn").await;
    world.verify(&done, &world.code(&secret, 0)).await.ok();
    for token in [open, done, "x.y.z".to_owned()] {
        let first: Value = world.validate(&token).await.ok();
        let mut running = JoinSet::new();
        for index in 0..40 {
            let server = if index % 2 == 0 { &world } else { &other };
            let (http, key, body) = (server.http.clone(), server.key(), json!({"token": token}));
            running.spawn(async move { http.post("/v1/validate", &key, body).await.ok() });
        }
        for answer in running.join_all().await {
            assert_eq!(answer, first);
        }
        assert_eq!(world.validate(&token).await.ok(), first);
    }
}

/// T12: "not enrolled, so allowed" is never "verified".
#[tokio::test]
async fn an_allowed_action_is_never_valid() {
    let world = World::start().await;
    let fresh = world.token("ada", "signIn").await;
    let answer = world.validate(&fresh).await.ok();
    assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!("ALLOW")));
    world.enroll(&fresh).await.ok();
    assert_eq!(world.validate(&fresh).await.ok()["isValid"], false, "an offer is no proof");
    let body = json!({"actionCode": "free", "defaultUserActionResult": "ALLOW"});
    world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
    let secret = world.ready("bob").await;
    let allowed = world.token("bob", "free").await;
    assert_eq!(world.verify(&allowed, &world.code(&secret, 0)).await.ok()["isVerified"], false, "nothing was asked");
    let answer = world.validate(&allowed).await.ok();
    assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!("ALLOW")));
}

/// An old token sees what has become of its action; a verified one does not survive the action's end otherwise.
#[tokio::test]
async fn a_token_says_what_its_action_is_by_now() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    for end in ["BLOCK", "CHALLENGE_FAILED", "REVIEW_FAILED"] {
        let tracked = world.track("ada", "pay", json!({"idempotencyKey": end})).await.ok();
        let token = tracked["token"].as_str().unwrap();
        let path = format!("/v1/users/ada/actions/pay/{end}");
        world.http.patch(&path, &world.key(), json!({"state": end})).await.ok();
        assert_eq!(world.verify(token, &world.code(&secret, 0)).await.ok()["isVerified"], false, "{end}");
        let answer = world.validate(token).await.ok();
        assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!(end)));
        world.clock.advance(60);
    }
}

/// A token is of the tenant that asks, whatever its claims share with another's.
#[tokio::test]
async fn the_backend_of_another_tenant_learns_nothing() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "pay").await;
    let verified = world.verify(&token, &world.code(&secret, 0)).await.ok();
    let other = Auth::Key(add_tenant(&world.app, "t2").await.secret_key);
    for token in [token.as_str(), verified["accessToken"].as_str().unwrap()] {
        let answer = world.http.post("/v1/validate", &other, json!({ "token": token })).await.ok();
        let told: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((told, &answer["isValid"]), (vec!["error", "isValid"], &json!(false)));
    }
}
