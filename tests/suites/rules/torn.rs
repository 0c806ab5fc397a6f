//! Configuration is read as one version or not used: a warm process never mixes what it remembers with what is new.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign_local::embedded::TABLE;
use countersign_tests::{World, faults::Mutated};
use serde_json::{Value, json};

use super::support::{ACTIONS, LISTS, POINTS, create};

/// Makes an action that is blocked by a rule over a data point and a list, all of them new.
async fn guard(world: &World, code: &str) {
    let management = world.management();
    let post = async |path: &str, body: Value| world.http.post(path, &management, body).await.ok();
    post(POINTS, json!({"name": format!("of-{code}"), "dataType": "number", "modelType": "action"})).await;
    let networks = json!({"name": format!("nets-{code}"), "itemType": "string", "valueListItems": ["203.0.113.0/24"]});
    post(LISTS, networks).await;
    post(ACTIONS, json!({"actionCode": code, "defaultUserActionResult": "ALLOW"})).await;
    let conditions = json!({"or": [
        {"in_list": [{"var": "ip.address"}, format!("nets-{code}")]}, {">": [{"var": format!("custom.of-{code}")}, 5]}]});
    create(world, code, json!({"name": "Guard", "priority": 0, "type": "BLOCK", "conditions": conditions})).await.ok();
}

#[tokio::test]
async fn the_first_track_of_a_warm_process_is_decided_by_the_rules_that_came_with_the_action() {
    let world = World::start().await;
    let warm = world.another_process().await;
    for (code, body) in
        [("address", json!({"ipAddress": "203.0.113.7"})), ("custom", json!({"custom": {"of-custom": 6}}))]
    {
        warm.validate("warm").await;
        guard(&world, code).await;
        let tracked = warm.track("ada", code, body.clone()).await.ok();
        assert_eq!(tracked["state"], "BLOCK", "{code}");
        assert_eq!(tracked["rules"][0]["name"], "Guard", "{code}");
    }
    // What the new data points say of a request is asked of it too.
    warm.validate("warm").await;
    guard(&world, "typed").await;
    let refused = warm.track("ada", "typed", json!({"custom": {"of-typed": "6"}})).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn an_enforcement_that_came_with_the_action_counts() {
    let world = World::start().await;
    let warm = world.another_process().await;
    warm.validate("warm").await;
    guard(&world, "pay").await;
    let body = json!({"confirmation": "Enforce 2FA", "by": "Grace"});
    world.http.post("/v1/management/two-factor-enforcement", &world.management(), body).await.ok();
    assert_eq!(warm.track("ada", "pay", json!({})).await.ok()["state"], "CHALLENGE_REQUIRED");
}

/// Removed since it was cached: the action is made anew, and rules of its last life decide nothing.
#[tokio::test]
async fn rules_of_an_action_that_was_removed_do_not_decide_the_next() {
    let world = World::start().await;
    let warm = world.another_process().await;
    world.ready("ada").await;
    let management = world.management();
    let body = json!({"actionCode": "pay", "defaultUserActionResult": "BLOCK"});
    world.http.post(ACTIONS, &management, body).await.ok();
    create(&world, "pay", json!({"name": "All", "priority": 0, "type": "ALLOW", "conditions": true})).await.ok();
    assert_eq!(warm.track("ada", "pay", json!({})).await.ok()["state"], "ALLOW");
    // An hour later it is noted again that the action is tracked, which finds that it is gone.
    world.clock.advance(3700);
    warm.validate("warm").await;
    world.http.delete(&format!("{ACTIONS}/pay"), &management).await.ok();
    let tracked = warm.track("ada", "pay", json!({})).await.ok();
    assert_eq!((&tracked["state"], tracked.get("rules")), (&json!("CHALLENGE_REQUIRED"), None));
}

/// Where it cannot be read anew, nothing is decided.
#[tokio::test]
async fn what_cannot_be_read_anew_decides_nothing() {
    let embedded = countersign_local::embedded::Embedded::memory().expect("a store in memory");
    let world = World::start_with(embedded, 1).await;
    let other = world.another_process().await;
    world.validate("warm").await;
    guard(&other, "pay").await;
    // The key is known and the configuration cached: the action is made, is there already, and all is read.
    world.faults.fail(2, 1, countersign_tests::faults::Fault::ErrorBefore);
    let refused = world.track("ada", "pay", json!({"ipAddress": "203.0.113.7"})).await;
    let calls = world.faults.calls();
    world.faults.clear();
    assert_eq!((refused.refusal().0, &calls[..2]), (503, ["PutItem".to_owned(), "Query".to_owned()].as_slice()));
    assert_eq!(world.track("ada", "pay", json!({"ipAddress": "203.0.113.7"})).await.ok()["state"], "BLOCK");
}

/// A rule moves to another place in one transaction. A reading may show its new place from before and its old place from
/// after, and so no rule at all.
#[tokio::test]
async fn half_of_a_change_is_never_a_configuration() {
    let world = World::start().await;
    let management = world.management();
    world.http.post(ACTIONS, &management, json!({"actionCode": "pay", "defaultUserActionResult": "ALLOW"})).await.ok();
    let guard = json!({"name": "Guard", "priority": 7, "type": "BLOCK", "conditions": true});
    let made = create(&world, "pay", guard).await.ok();
    let path = format!("{ACTIONS}/pay/rules/{}", made["ruleId"].as_str().expect("an id"));
    world.http.patch(&path, &management, json!({"priority": 3})).await.ok();

    let warm = world.another_process().await;
    let mut torn = configuration(&world);
    let tenant = torn[0]["pk"].clone();
    torn.retain(|item| !item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("RULE#")));
    let is_first = AtomicBool::new(true);
    warm.faults.mutate(Arc::new(move |operation: &str, request: Value| {
        let is_of_the_tenant = operation == "Query" && request["ExpressionAttributeValues"][":pk"] == tenant;
        match is_of_the_tenant && is_first.swap(false, Ordering::SeqCst) {
            true => Mutated::Pretend(json!({"Items": torn, "Count": torn.len()})),
            false => Mutated::Send(request),
        }
    }));
    let tracked = warm.track("ada", "pay", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["rules"][0]["name"]), (&json!("BLOCK"), &json!("Guard")));
}

/// What was read last and still holds costs one reading; a process that begins, or finds a change, reads once more.
#[tokio::test]
async fn one_reading_is_enough_while_nothing_changes() {
    let world = World::start().await;
    world.ready("ada").await;
    let warm = world.another_process().await;
    let readings = async |expected: usize| {
        warm.faults.clear();
        warm.validate("warm").await;
        let queries = warm.faults.calls().iter().filter(|call| *call == "Query").count();
        assert_eq!(queries, expected, "{:?}", warm.faults.calls());
        world.clock.advance(31);
    };
    readings(2).await;
    readings(1).await;
    world.http.post(ACTIONS, &world.management(), json!({"actionCode": "pay"})).await.ok();
    readings(2).await;
    readings(1).await;
}

/// Every item of the tenant's configuration, in the order of their keys.
fn configuration(world: &World) -> Vec<Value> {
    let scan = json!({"TableName": TABLE});
    let answer = world.embedded.answer("Scan", scan.to_string().as_bytes());
    let all: Value = serde_json::from_slice(answer.body().bytes().unwrap_or_default()).expect("a scan");
    let mut items: Vec<Value> = all["Items"].as_array().expect("items").clone();
    let tenant = items.iter().find(|item| item["sk"]["S"] == "TENANT").expect("a tenant")["pk"].clone();
    items.retain(|item| item["pk"] == tenant);
    items.sort_by_key(|item| item["sk"]["S"].as_str().unwrap_or_default().to_owned());
    items
}
