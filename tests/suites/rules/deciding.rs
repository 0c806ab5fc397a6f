//! What rules make of actions, over HTTP: outcome, methods, and what is told and kept of it.

use countersign_tests::World;
use serde_json::{Value, json};

use super::support::{ACTIONS, LISTS, POINTS, create, with_amounts};

async fn rule(world: &World, priority: u8, outcome: &str, conditions: Value, more: Value) -> String {
    let mut body =
        json!({"name": format!("Rule {priority}"), "priority": priority, "type": outcome, "conditions": conditions});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    create(world, "pay", body).await.ok()["ruleId"].as_str().unwrap().to_owned()
}

async fn action(world: &World, user: &str, key: &str) -> Value {
    world.http.get(&format!("/v1/users/{user}/actions/pay/{key}"), &world.key()).await.ok()
}

#[tokio::test]
async fn the_first_match_decides_and_all_are_told() {
    let world = with_amounts().await;
    world.ready("ada").await;
    let over = |amount: i64| json!({">": [{"var": "custom.amount"}, amount]});
    let block = rule(&world, 0, "BLOCK", over(10_000), json!({})).await;
    let review = rule(&world, 1, "REVIEW", over(1000), json!({"description": "By hand"})).await;
    let challenge = rule(&world, 2, "CHALLENGE", over(100), json!({})).await;
    let shadow = rule(&world, 3, "BLOCK", over(10), json!({"isShadow": true})).await;
    rule(&world, 4, "BLOCK", over(0), json!({"isActive": false})).await;
    for (amount, state, ids) in [
        (5, "ALLOW", vec![]),
        (50, "ALLOW", vec![]),
        (500, "CHALLENGE_REQUIRED", vec![&challenge]),
        (5000, "REVIEW_REQUIRED", vec![&review, &challenge]),
        (50_000, "BLOCK", vec![&block, &review, &challenge]),
    ] {
        let key = format!("k{amount}");
        let tracked =
            world.track("ada", "pay", json!({"idempotencyKey": key, "custom": {"amount": amount}})).await.ok();
        assert_eq!(tracked["state"], state, "{amount}: {tracked}");
        assert_eq!(tracked["ruleIds"], json!(ids), "{amount}");
        assert_eq!(tracked.get("priorityRuleId"), ids.first().map(|id| json!(id)).as_ref());
        let stored = action(&world, "ada", &key).await;
        assert_eq!(
            (&stored["ruleIds"], stored.get("priorityRuleId")),
            (&tracked["ruleIds"], tracked.get("priorityRuleId"))
        );
        assert_eq!(stored["rules"], tracked["rules"]);
        let expected = (amount > 10).then(|| json!([shadow]));
        assert_eq!(stored.get("shadowRuleIds"), expected.as_ref(), "{amount}: recorded, and deciding nothing");
        assert_eq!(tracked.get("shadowRuleIds"), None);
    }
    let stored = action(&world, "ada", "k5000").await;
    assert_eq!(
        stored["rules"],
        json!([{"ruleId": review, "name": "Rule 1", "description": "By hand"}, {"ruleId": challenge, "name": "Rule 2"}])
    );
}

#[tokio::test]
async fn an_action_without_rules_says_nothing_of_them() {
    let world = with_amounts().await;
    let tracked = world.track("ada", "pay", json!({"idempotencyKey": "k", "deviceId": "d"})).await.ok();
    for name in ["ruleIds", "rules", "priorityRuleId"] {
        assert_eq!(tracked.get(name), None, "{tracked}");
    }
    let stored = action(&world, "ada", "k").await;
    assert_eq!((&stored["rules"], stored.get("ruleIds")), (&json!([]), None));
    assert_eq!(world.http.get("/v1/users/ada/devices", &world.key()).await.ok(), json!([]));
}

#[tokio::test]
async fn a_rule_may_say_which_methods_answer() {
    let world = with_amounts().await;
    let secret = world.ready("ada").await;
    world.device("ada", "push").await;
    world.clock.advance(60);
    let more = json!({"verificationMethods": ["PUSH"], "defaultVerificationMethod": "PUSH"});
    rule(&world, 0, "CHALLENGE", json!({">": [{"var": "custom.amount"}, 100]}), more).await;
    rule(&world, 1, "CHALLENGE", json!(true), json!({})).await;
    let track = async |key: &str, amount: i64| {
        world.track("ada", "pay", json!({"idempotencyKey": key, "custom": {"amount": amount}})).await.ok()
    };
    let big = track("big", 500).await;
    assert_eq!(
        (&big["allowedVerificationMethods"], &big["defaultVerificationMethod"]),
        (&json!(["PUSH"]), &json!("PUSH"))
    );
    let token = big["token"].as_str().unwrap();
    let refused = world.verify(token, &world.code(&secret, 0)).await.ok();
    assert_eq!(refused["isVerified"], false, "an authenticator app is not among the methods of the action");
    assert_eq!(world.state(token).await, "CHALLENGE_REQUIRED");
    let small = track("small", 5).await;
    assert_eq!(small["defaultVerificationMethod"], "AUTHENTICATOR_APP");
    world.clock.advance(60);
    let verified = world.verify(small["token"].as_str().unwrap(), &world.code(&secret, 0)).await.ok();
    assert_eq!(verified["isVerified"], true);
    let again = track("big", 500).await;
    for name in
        ["state", "allowedVerificationMethods", "defaultVerificationMethod", "ruleIds", "rules", "priorityRuleId"]
    {
        assert_eq!(again[name], big[name], "the same key is the same answer");
    }
}

#[tokio::test]
async fn the_same_key_is_the_same_answer_whatever_has_changed() {
    let world = with_amounts().await;
    world.ready("ada").await;
    let id = rule(&world, 0, "CHALLENGE", json!({">": [{"var": "custom.amount"}, 100]}), json!({})).await;
    let body = json!({"idempotencyKey": "k", "custom": {"amount": 500}, "deviceId": "d", "ipAddress": "192.0.2.1"});
    let first = world.track("ada", "pay", body.clone()).await.ok();
    let path = format!("{ACTIONS}/pay/rules/{id}");
    world.http.patch(&path, &world.management(), json!({"type": "BLOCK"})).await.ok();
    for _ in 0..2 {
        let again = world.track("ada", "pay", body.clone()).await.ok();
        assert_eq!((&again["state"], &again["ruleIds"]), (&first["state"], &first["ruleIds"]));
        world.http.delete(&path, &world.management()).await;
    }
    let other = world.track("ada", "pay", json!({"idempotencyKey": "k", "custom": {"amount": 5}})).await;
    assert_eq!(other.refusal().0, 409);
    let fresh = world.track("ada", "pay", json!({"custom": {"amount": 500}})).await.ok();
    assert_eq!(
        (&fresh["state"], fresh.get("ruleIds")),
        (&json!("ALLOW"), None),
        "without rules the action's own outcome"
    );
}

#[tokio::test]
async fn a_user_with_nothing_enrolled_is_not_challenged_and_can_be_blocked() {
    let world = with_amounts().await;
    rule(&world, 0, "BLOCK", json!({">": [{"var": "custom.amount"}, 1000]}), json!({})).await;
    rule(&world, 1, "CHALLENGE", json!(true), json!({})).await;
    let state = async |amount: i64| {
        world.track("eva", "pay", json!({"custom": {"amount": amount}})).await.ok()["state"].clone()
    };
    assert_eq!(state(5).await, "ALLOW");
    assert_eq!(state(5000).await, "BLOCK");
}

/// The outcome for errors is what the action says, CHALLENGE where it says nothing, and never ALLOW.
#[tokio::test]
async fn a_rule_that_cannot_be_computed_never_allows() {
    let world = with_amounts().await;
    world.ready("ada").await;
    let share = json!({"name": "count", "dataType": "number", "modelType": "action"});
    world.http.post(POINTS, &world.management(), share).await.ok();
    rule(&world, 0, "ALLOW", json!({">": [{"/": [{"var": "custom.amount"}, {"var": "custom.count"}]}, 5]}), json!({}))
        .await;
    let state = async |count: i64| {
        world.track("ada", "pay", json!({"custom": {"amount": 10, "count": count}})).await.ok()["state"].clone()
    };
    assert_eq!(state(1).await, "ALLOW");
    assert_eq!(state(0).await, "CHALLENGE_REQUIRED");
    world.http.patch(&format!("{ACTIONS}/pay"), &world.management(), json!({"ruleErrorOutcome": "BLOCK"})).await.ok();
    assert_eq!(state(0).await, "BLOCK");
}

#[tokio::test]
async fn absent_data_does_not_match_and_neither_does_its_opposite() {
    let world = with_amounts().await;
    rule(&world, 0, "BLOCK", json!({"!": {"<": [{"var": "custom.amount"}, 100]}}), json!({})).await;
    rule(&world, 1, "REVIEW", json!({"missing": ["custom.amount"]}), json!({})).await;
    for (amount, state) in [(json!(500), "BLOCK"), (json!(5), "ALLOW"), (json!(null), "REVIEW_REQUIRED")] {
        let tracked = world.track("ada", "pay", json!({"custom": {"amount": amount}})).await.ok();
        assert_eq!(tracked["state"], state, "{amount}");
    }
    assert_eq!(world.track("ada", "pay", json!({})).await.ok()["state"], "REVIEW_REQUIRED");
}

/// Each variable as it comes from a request, a profile and the clock.
#[tokio::test]
async fn every_variable_has_its_value() {
    let world = with_amounts().await;
    world.ready("ada").await;
    let plan = json!({"name": "plan", "dataType": "text", "modelType": "user"});
    world.http.post(POINTS, &world.management(), plan).await.ok();
    let profile = json!({"email": "ada@example.com", "emailVerified": true, "phoneNumber": "+4930", "username": "ada1",
        "displayName": "Ada", "locale": "de", "custom": {"plan": "gold"}});
    world.http.patch("/v1/users/ada", &world.key(), profile).await.ok();
    let list =
        json!({"name": "Anonymous IPs", "itemType": "string", "valueListItems": ["198.51.100.0/24", "192.0.2.99"]});
    world.http.post(LISTS, &world.management(), list).await.ok();
    let is = |name: &str, value: Value| json!({"==": [{"var": name}, value]});
    let all = [
        is("ip.address", json!("192.0.2.1")),
        is("ip.isAnonymous", json!(false)),
        is("ip.isUnrecognized", json!(true)),
        json!({"missing": ["ip.countryCode"]}),
        json!({"missing": ["ip.asn"]}),
        json!({"missing": ["ip.countryCodeInOfacList"]}),
        json!({"missing": ["ip.impossibleTravel"]}),
        is("device.id", json!("laptop")),
        is("device.userAgent", json!("Mozilla/5.0")),
        is("device.isNew", json!(true)),
        is("device.isBot", json!(false)),
        is("device.isRemembered", json!(false)),
        is("user.id", json!("ada")),
        is("user.email", json!("new@example.com")),
        is("user.emailVerified", json!(false)),
        is("user.phoneNumber", json!("+4930")),
        is("user.phoneNumberVerified", json!(false)),
        is("user.username", json!("ada1")),
        is("user.displayName", json!("Ada")),
        is("user.locale", json!("de")),
        is("user.custom.plan", json!("gold")),
        is("user.isEnrolled", json!(true)),
        json!({"in": ["AUTHENTICATOR_APP", {"var": "user.enrolledMethods"}]}),
        is("user.hasPreviouslyVerified", json!(true)),
        is("user.ageInDays", json!(0)),
        is("action.code", json!("pay")),
        is("action.locale", json!("en")),
        is("custom.amount", json!(7)),
        is("time.hour", json!(10)),
        is("time.minute", json!(1)),
        is("time.dayOfWeek", json!(6)),
        is("time.date", json!("2026-11-21")),
        is("velocity.actions1h", json!(0)),
        is("velocity.actions24h", json!(0)),
        is("velocity.failures1h", json!(0)),
        is("velocity.failures24h", json!(0)),
        is("velocity.wrongCodes5m", json!(0)),
        is("velocity.wrongCodesInARow", json!(0)),
    ];
    let mut ids = Vec::new();
    for (priority, conditions) in (0..).zip(&all) {
        ids.push(rule(&world, priority, "ALLOW", conditions.clone(), json!({})).await);
    }
    let body = json!({"idempotencyKey": "k", "custom": {"amount": 7}, "ipAddress": "192.0.2.1", "deviceId": "laptop",
        "userAgent": "Mozilla/5.0", "email": "new@example.com", "locale": "en"});
    let tracked = world.track("ada", "pay", body).await.ok();
    for (id, conditions) in ids.iter().zip(&all) {
        assert!(tracked["ruleIds"].as_array().unwrap().contains(&json!(id)), "{conditions} has not matched");
    }
    let anonymous = world.track("ada", "pay", json!({"ipAddress": "198.51.100.9", "userAgent": "curl/8.5"})).await.ok();
    let matched = anonymous["ruleIds"].as_array().unwrap().clone();
    assert!(
        !matched.contains(&json!(ids[1])) && !matched.contains(&json!(ids[10])),
        "anonymous, and a bot: {matched:?}"
    );
    let nowhere = world.track("ada", "pay", json!({"ipAddress": null})).await.ok();
    let matched = nowhere["ruleIds"].as_array().unwrap().clone();
    assert!(!matched.contains(&json!(ids[0])) && !matched.contains(&json!(ids[2])), "{matched:?}");
}

#[tokio::test]
async fn a_review_is_listed_and_moved() {
    let world = with_amounts().await;
    rule(&world, 0, "REVIEW", json!({">": [{"var": "custom.amount"}, 100]}), json!({})).await;
    world.track("ada", "pay", json!({"idempotencyKey": "r", "custom": {"amount": 500}})).await.ok();
    world.track("ada", "pay", json!({"idempotencyKey": "a", "custom": {"amount": 5}})).await.ok();
    let list = async |state: &str| {
        let all = world.http.get(&format!("/v1/users/ada/actions?state={state}"), &world.key()).await.ok();
        all.as_array().unwrap().iter().map(|one| one["idempotencyKey"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("REVIEW_REQUIRED").await, ["r"]);
    let moved =
        world.http.patch("/v1/users/ada/actions/pay/r", &world.key(), json!({"state": "REVIEW_SUCCEEDED"})).await.ok();
    assert_eq!((&moved["state"], moved["ruleIds"].as_array().unwrap().len()), (&json!("REVIEW_SUCCEEDED"), 1));
    assert!(list("REVIEW_REQUIRED").await.is_empty());
    assert_eq!(list("REVIEW_SUCCEEDED").await, ["r"]);
    // And one that no rule has seen.
    world.track("ada", "other", json!({"idempotencyKey": "o"})).await.ok();
    let path = "/v1/users/ada/actions/other/o";
    world.http.patch(path, &world.key(), json!({"state": "REVIEW_SUCCEEDED"})).await.ok();
}

/// Within the time for which configuration is cached, every process follows.
#[tokio::test]
async fn another_process_follows_within_thirty_seconds() {
    let world = with_amounts().await;
    let other = world.another_process().await;
    assert_eq!(other.track("ada", "pay", json!({})).await.ok()["state"], "ALLOW");
    rule(&world, 0, "BLOCK", json!(true), json!({})).await;
    assert_eq!(world.track("ada", "pay", json!({})).await.ok()["state"], "BLOCK", "at once where it was made");
    world.clock.advance(30);
    assert_eq!(other.track("ada", "pay", json!({})).await.ok()["state"], "BLOCK");
}
