//! Actions (contract, S10–S14).

use countersign_tests::World;
use serde_json::{Value, json};

async fn set_outcome(world: &World, code: &str, outcome: &str) {
    let body = json!({"actionCode": code, "defaultUserActionResult": outcome});
    world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
}

#[tokio::test]
async fn s10_track_says_all_that_sdks_read() {
    let world = World::start().await;
    let fresh = world.track("ada", "signIn", json!({})).await.ok();
    let key = fresh["idempotencyKey"].as_str().expect("a generated key");
    assert_eq!(key.len(), 36, "a UUID: {key}");
    assert_eq!((&fresh["state"], &fresh["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
    assert_eq!(fresh["enrolledVerificationMethods"], json!([]));
    assert_eq!(
        fresh["allowedVerificationMethods"],
        json!(["AUTHENTICATOR_APP", "PUSH", "DEVICE"]),
        "Python asks for one at least"
    );
    let (url, token) = (fresh["url"].as_str().unwrap(), fresh["token"].as_str().unwrap());
    assert_eq!(url, format!("http://pages.example/challenge?token={token}"), "SDKs append &mode=popup to it");
    world.ready("ada").await;
    let enrolled = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!((&enrolled["state"], &enrolled["isEnrolled"]), (&json!("CHALLENGE_REQUIRED"), &json!(true)));
    assert_eq!(enrolled["enrolledVerificationMethods"], json!(["AUTHENTICATOR_APP"]));
    assert_eq!(enrolled["defaultVerificationMethod"], "AUTHENTICATOR_APP");
}

#[tokio::test]
async fn s10_each_outcome_gives_its_state() {
    let world = World::start().await;
    world.ready("ada").await;
    for (outcome, enrolled, fresh) in [
        ("ALLOW", "ALLOW", "ALLOW"),
        ("BLOCK", "BLOCK", "BLOCK"),
        ("REVIEW", "REVIEW_REQUIRED", "REVIEW_REQUIRED"),
        ("CHALLENGE", "CHALLENGE_REQUIRED", "ALLOW"),
    ] {
        set_outcome(&world, outcome, outcome).await;
        assert_eq!(world.track("ada", outcome, json!({})).await.ok()["state"], enrolled, "{outcome}");
        let tracked = world.track("newcomer", outcome, json!({})).await.ok();
        assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!(fresh), &json!(false)), "{outcome}");
    }
}

#[tokio::test]
async fn s10_the_same_key_is_the_same_action() {
    let world = World::start().await;
    let body = json!({"idempotencyKey": "order-1", "custom": {"amount": 5}});
    let first = world.track("ada", "pay", body.clone()).await.ok();
    world.http.patch("/v1/users/ada/actions/pay/order-1", &world.key(), json!({"state": "REVIEW_FAILED"})).await.ok();
    let again = world.track("ada", "pay", body).await.ok();
    assert_eq!(first["idempotencyKey"], again["idempotencyKey"]);
    assert_eq!(again["state"], "REVIEW_FAILED", "it is the action as it is by now");
    for (user, code) in [("ada", "other"), ("bob", "pay")] {
        let other = world.track(user, code, json!({"idempotencyKey": "order-1"})).await.ok();
        assert_eq!(other["state"], "ALLOW", "{user} {code} is another action");
    }
    assert_eq!(world.http.get("/v1/users/ada/actions", &world.key()).await.ok().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn s10_what_track_cannot_mean_is_refused() {
    let world = World::start().await;
    for code in ["a%20b", "a.b", "%C3%A9", &"x".repeat(65), "a%2Fb", "a:b"] {
        assert_eq!(world.track("ada", code, json!({})).await.refusal(), (400, "invalid_request".into()), "{code}");
    }
    for code in ["A-z_0", &"x".repeat(64)] {
        world.track("ada", code, json!({})).await.ok();
    }
    let unknown = world.track("ada", "pay", json!({"challengeId": "no-such-challenge"})).await;
    assert_eq!(unknown.status, 401, "an unknown challengeId");
    for body in [json!({"scope": "everything"}), json!({"idempotencyKey": ""}), json!({"redirectUrl": "/done"})] {
        assert_eq!(world.track("ada", "pay", body.clone()).await.refusal().0, 400, "{body}");
    }
    let codes = world.http.get("/v1/management/action-configurations", &world.management()).await.ok();
    assert_eq!(codes.as_array().unwrap().len(), 2, "a refused track makes no kind of action: {codes}");
}

#[tokio::test]
async fn s11_an_action_is_told_with_its_rules_and_output() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let tracked = world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok();
    let path = "/v1/users/ada/actions/pay/k";
    let open = world.http.get(path, &world.key()).await.ok();
    let date = "2026-11-21T10:01:15.000Z";
    let expected =
        json!({"state": "CHALLENGE_REQUIRED", "stateUpdatedAt": date, "createdAt": date, "rules": [], "output": {}});
    assert_eq!(open, expected);
    world.clock.advance(5);
    world.verify(tracked["token"].as_str().unwrap(), &world.code(&secret, 0)).await.ok();
    let done = world.http.get(path, &world.key()).await.ok();
    assert_eq!(
        (&done["state"], &done["verificationMethod"]),
        (&json!("CHALLENGE_SUCCEEDED"), &json!("AUTHENTICATOR_APP"))
    );
    assert_eq!((&done["stateUpdatedAt"], &done["createdAt"]), (&json!("2026-11-21T10:01:20.000Z"), &json!(date)));
}

#[tokio::test]
async fn s12_a_review_comes_to_one_end() {
    let world = World::start().await;
    set_outcome(&world, "transfer", "REVIEW").await;
    world.track("ada", "transfer", json!({"idempotencyKey": "k"})).await.ok();
    let set = async |state: &str| {
        world.http.patch("/v1/users/ada/actions/transfer/k", &world.key(), json!({"state": state})).await
    };
    for wrong in ["", "DONE", "review_succeeded"] {
        assert_eq!(set(wrong).await.refusal().0, 400, "{wrong}");
    }
    for _ in 0..2 {
        assert_eq!(set("REVIEW_SUCCEEDED").await.ok()["state"], "REVIEW_SUCCEEDED", "the same again is no change");
    }
    for other in ["REVIEW_FAILED", "ALLOW", "CHALLENGE_SUCCEEDED", "REVIEW_REQUIRED"] {
        assert_eq!(set(other).await.refusal(), (409, "conflict".into()), "{other}");
    }
}

/// Actions of two kinds on three days; keys tell the order in which they were made.
async fn history() -> World {
    let world = World::start().await;
    for (day, key) in ["a", "b", "c", "d"].iter().enumerate() {
        let code = if day % 2 == 0 { "pay" } else { "signIn" };
        world.track("ada", code, json!({"idempotencyKey": key})).await.ok();
        world.clock.advance(24 * 3600);
    }
    world.track("bob", "pay", json!({"idempotencyKey": "of bob"})).await.ok();
    world.http.patch("/v1/users/ada/actions/pay/c", &world.key(), json!({"state": "CHALLENGE_FAILED"})).await.ok();
    world
}

async fn listed(world: &World, query: &str) -> Vec<String> {
    let answer: Value = world.http.get(&format!("/v1/users/ada/actions{query}"), &world.key()).await.ok();
    answer.as_array().expect("an array").iter().map(|a| a["idempotencyKey"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn s13_actions_are_listed_newest_first_and_filtered() {
    let world = history().await;
    assert_eq!(listed(&world, "").await, ["d", "c", "b", "a"]);
    assert_eq!(listed(&world, "?codes=pay").await, ["c", "a"]);
    assert_eq!(listed(&world, "?codes=pay,signIn").await, ["d", "c", "b", "a"]);
    assert_eq!(listed(&world, "?codes=pay%2CsignIn,none").await, ["d", "c", "b", "a"]);
    assert_eq!(listed(&world, "?codes=PAY").await, [""; 0], "codes have case");
    assert_eq!(listed(&world, "?state=CHALLENGE_FAILED").await, ["c"]);
    assert_eq!(listed(&world, "?state=ALLOW&codes=pay").await, ["a"]);
    // The second action was made at 10:00:15 on the 22nd.
    assert_eq!(listed(&world, "?fromDate=2026-11-22T10:00:15.000Z").await, ["d", "c", "b"], "from then on");
    assert_eq!(listed(&world, "?fromDate=2026-11-22T10:00:16Z").await, ["d", "c"]);
    assert_eq!(listed(&world, "?fromDate=2026-11-22T11:00:16%2B01:00&codes=pay").await, ["c"]);
    let first: Value = world.http.get("/v1/users/ada/actions?state=CHALLENGE_FAILED", &world.key()).await.ok();
    let expected = json!({
        "actionCode": "pay", "idempotencyKey": "c", "state": "CHALLENGE_FAILED", "createdAt": "2026-11-23T10:00:15.000Z",
        "updatedAt": "2026-11-25T10:00:15.000Z", "stateUpdatedAt": "2026-11-25T10:00:15.000Z",
    });
    assert_eq!(first[0], expected);
}

#[tokio::test]
async fn s13_thirty_days_are_the_default_and_the_most() {
    let world = history().await;
    world.clock.advance(26 * 24 * 3600 + 1);
    assert_eq!(listed(&world, "").await, ["d", "c", "b"], "the first is 30 days and a second old");
    for wrong in ["2020-01-01T00:00:00Z", "yesterday", "", "20261122", "1795255215"] {
        let answer = world.http.get(&format!("/v1/users/ada/actions?fromDate={wrong}"), &world.key()).await;
        assert_eq!(answer.refusal().0, 400, "{wrong}");
    }
    let answer = world.http.get("/v1/users/ada/actions?state=DONE", &world.key()).await;
    assert_eq!(answer.refusal().0, 400, "a state that is none");
}

#[tokio::test]
async fn s14_only_a_succeeded_challenge_is_valid() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let tracked = world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok();
    let token = tracked["token"].as_str().unwrap();
    let open = world.validate(token).await.ok();
    assert_eq!(
        open,
        json!({"isValid": false, "state": "CHALLENGE_REQUIRED", "stateUpdatedAt": "2026-11-21T10:01:15.000Z",
            "userId": "ada", "action": "pay", "actionCode": "pay", "idempotencyKey": "k"})
    );
    let verified = world.verify(token, &world.code(&secret, 0)).await.ok();
    for token in [token, verified["accessToken"].as_str().unwrap()] {
        let valid = world.validate(token).await.ok();
        assert_eq!((&valid["isValid"], &valid["state"]), (&json!(true), &json!("CHALLENGE_SUCCEEDED")));
        assert_eq!(valid["verificationMethod"], "AUTHENTICATOR_APP");
    }
    for (state, outcome) in [("BLOCK", "BLOCK"), ("ALLOW", "ALLOW"), ("REVIEW_REQUIRED", "REVIEW")] {
        set_outcome(&world, outcome, outcome).await;
        let answer = world.validate(&world.token("ada", outcome).await).await.ok();
        assert_eq!((&answer["isValid"], &answer["state"]), (&json!(false), &json!(state)));
    }
}

#[tokio::test]
async fn s14_a_bad_token_is_an_answer() {
    let world = World::start().await;
    for token in ["", "x", "a.b.c", "\u{1f511}", &"x".repeat(10_000)] {
        let answer = world.validate(token).await.ok();
        assert_eq!(answer["isValid"], false, "{token}");
        assert!(answer.get("state").is_none() && answer["error"].is_string(), "{answer}");
    }
}
