//! The calls of the contract's section 5 about rules and value lists (M6-M15), by a real HTTP client.

use countersign_tests::World;
use serde_json::{Value, json};

use super::support::{ACTIONS, LISTS, POINTS, create, with_amounts};

fn full() -> Value {
    json!({
        "name": "Big payments", "description": "Over a thousand", "isActive": true, "isShadow": false, "priority": 5, "type": "CHALLENGE",
        "verificationMethods": ["PUSH", "AUTHENTICATOR_APP"], "promptToEnrollVerificationMethods": ["PASSKEY"],
        "defaultVerificationMethod": "PUSH",
        "conditions": {"and": [{">": [{"var": "custom.amount"}, 1000]}, {"!": {"in": [{"var": ["ip.countryCode"]}, ["DE", "FR"]]}}]},
    })
}

fn without(mut value: Value, names: &[&str]) -> Value {
    names.iter().for_each(|name| drop(value.as_object_mut().unwrap().remove(*name)));
    value
}

#[tokio::test]
async fn m6_to_m10_a_rule_is_made_read_changed_and_deleted() {
    let world = with_amounts().await;
    let management = world.management();
    let rules = format!("{ACTIONS}/pay/rules");
    assert_eq!(world.http.get(&rules, &management).await.ok(), json!([]));
    let made = create(&world, "pay", full()).await.ok();
    let path = format!("{rules}/{}", made["ruleId"].as_str().unwrap());
    assert_eq!((&made["actionCode"], &made["tenantId"]), (&json!("pay"), &json!("t1")));
    assert_eq!(without(made.clone(), &["ruleId", "actionCode", "tenantId", "createdAt"]), full(), "as it was sent");
    assert_eq!(world.http.get(&path, &management).await.ok(), made);
    let bare =
        create(&world, "pay", json!({"name": "b", "priority": 1, "type": "ALLOW", "conditions": true, "unknown": 1}))
            .await
            .ok();
    assert_eq!(
        without(bare.clone(), &["ruleId", "createdAt"]),
        json!({"actionCode": "pay", "tenantId": "t1", "name": "b", "isActive": true, "isShadow": false, "priority": 1, "type": "ALLOW", "conditions": true})
    );
    assert_eq!(world.http.get(&rules, &management).await.ok(), json!([bare, made]), "by priority");

    let patch = async |body: Value| world.http.patch(&path, &management, body).await.ok();
    assert_eq!(patch(json!({})).await, made, "absent keeps");
    let mut expected = made.clone();
    for name in ["description", "verificationMethods", "promptToEnrollVerificationMethods", "defaultVerificationMethod"]
    {
        expected = without(expected, &[name]);
        assert_eq!(patch(json!({ name: null })).await, expected, "null clears {name}");
    }
    assert_eq!(patch(json!({"verificationMethods": []})).await, expected, "unset, not an empty list");
    assert_eq!(patch(json!({"name": null, "priority": null, "type": null, "conditions": null})).await, expected);
    for (name, value) in [
        ("isActive", json!(false)),
        ("isShadow", json!(true)),
        ("priority", json!(99)),
        ("type", json!("BLOCK")),
        ("name", json!("Other")),
        ("conditions", json!({"==": [{"var": "custom.amount"}, null]})),
    ] {
        expected[name] = value.clone();
        assert_eq!(patch(json!({ name: value })).await, expected);
    }
    assert_eq!(patch(json!({"isActive": null}).clone()).await["isActive"], true, "back to what it is unset");
    assert_eq!(patch(json!({"ruleId": "x", "actionCode": "y"})).await["ruleId"], made["ruleId"]);

    assert_eq!(world.http.delete(&path, &management).await.ok(), json!({"success": true}));
    for answer in [
        world.http.get(&path, &management).await,
        world.http.patch(&path, &management, json!({})).await,
        world.http.delete(&path, &management).await,
    ] {
        assert_eq!(answer.refusal(), (404, "not_found".into()));
    }
    assert_eq!(world.http.get(&rules, &management).await.ok(), json!([bare]));
}

#[tokio::test]
async fn conditions_come_back_as_they_were_sent() {
    let world = with_amounts().await;
    for (priority, conditions) in [
        json!(true),
        json!({"var": ["device.isNew"]}),
        json!({"!": {"==": [{"var": "custom.amount"}, 1.50]}}),
        json!({"<": [-1e-7, {"var": "custom.amount"}, 12345678901234567890_u64]}),
        json!({"in": [{"var": "user.email"}, ["\u{e4}\u{1f600}\"\\", ""]]}),
        json!({"and": [{"or": [{"!!": [true]}, {"missing": "custom.amount"}]}, {"===": [{"var": "user.id"}, "a.b[0]"]}]}),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"name": "r", "priority": priority, "type": "ALLOW", "conditions": conditions});
        let made = create(&world, "pay", body).await.ok();
        assert_eq!(made["conditions"], conditions);
        let path = format!("{ACTIONS}/pay/rules/{}", made["ruleId"].as_str().unwrap());
        assert_eq!(world.http.get(&path, &world.management()).await.ok()["conditions"], conditions);
    }
}

#[tokio::test]
async fn priorities_are_unique_per_action() {
    let world = with_amounts().await;
    let body = |priority: i64| json!({"name": "r", "priority": priority, "type": "ALLOW", "conditions": true});
    let first = create(&world, "pay", body(0)).await.ok();
    let refused = create(&world, "pay", body(0)).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".into()));
    assert_eq!(refused.json()["errorDescription"], "There is already another rule with priority: 0");
    let second = create(&world, "pay", body(1)).await.ok();
    let path = |rule: &Value| format!("{ACTIONS}/pay/rules/{}", rule["ruleId"].as_str().unwrap());
    let moved = world.http.patch(&path(&second), &world.management(), json!({"priority": 0, "name": "moved"})).await;
    assert_eq!(moved.refusal().0, 400);
    assert_eq!(moved.json()["errorDescription"], "There is already another rule with priority: 0");
    assert_eq!(world.http.get(&path(&second), &world.management()).await.ok(), second, "nothing of it has happened");
    world.http.patch(&path(&first), &world.management(), json!({"priority": 0})).await.ok();
    world.http.delete(&path(&first), &world.management()).await.ok();
    world.http.patch(&path(&second), &world.management(), json!({"priority": 0})).await.ok();
    create(&world, "pay", body(1)).await.ok();
    world.http.post(ACTIONS, &world.management(), json!({"actionCode": "other"})).await.ok();
    create(&world, "other", body(0)).await.ok();
}

#[tokio::test]
async fn the_underscore_is_the_same() {
    let world = with_amounts().await;
    let under = "/v1/management/action_configurations";
    let body = json!({"name": "r", "priority": 0, "type": "ALLOW", "conditions": true});
    let made = world.http.post(&format!("{under}/pay/rules"), &world.management(), body).await.ok();
    let id = made["ruleId"].as_str().unwrap();
    for base in [ACTIONS, under] {
        assert_eq!(world.http.get(&format!("{base}/pay/rules/{id}"), &world.management()).await.ok(), made);
        assert_eq!(world.http.get(&format!("{base}/pay/rules"), &world.management()).await.ok(), json!([made]));
        assert_eq!(world.http.get(&format!("{base}/pay"), &world.management()).await.ok()["actionCode"], "pay");
        assert_eq!(
            world.http.get(&format!("{base}/pay/rules"), &world.key()).await.refusal().0,
            401,
            "management key only"
        );
    }
    let path = format!("{under}/pay/rules/{id}");
    assert_eq!(world.http.patch(&path, &world.management(), json!({"priority": 3})).await.ok()["priority"], 3);
    world.http.delete(&path, &world.management()).await.ok();
    world.http.delete(&format!("{under}/pay"), &world.management()).await.ok();
    assert_eq!(world.http.get(&format!("{ACTIONS}/pay"), &world.management()).await.refusal().0, 404);
}

#[tokio::test]
async fn rules_go_with_their_action() {
    let world = with_amounts().await;
    let body = json!({"name": "r", "priority": 0, "type": "BLOCK", "conditions": true});
    let made = create(&world, "pay", body.clone()).await.ok();
    world.http.delete(&format!("{ACTIONS}/pay"), &world.management()).await.ok();
    let path = format!("{ACTIONS}/pay/rules/{}", made["ruleId"].as_str().unwrap());
    assert_eq!(world.http.get(&path, &world.management()).await.refusal(), (404, "not_found".into()));
    assert_eq!(create(&world, "pay", body.clone()).await.refusal().0, 404, "there is no such action");
    assert_eq!(world.track("ada", "pay", json!({})).await.ok()["state"], "ALLOW", "made anew, without the rule");
    assert_eq!(world.http.get(&format!("{ACTIONS}/pay/rules"), &world.management()).await.ok(), json!([]));
    create(&world, "pay", body).await.ok();
    let changed =
        world.http.patch(&format!("{ACTIONS}/pay"), &world.management(), json!({"verificationWebhookUrl": null})).await;
    changed.ok();
    assert_eq!(world.track("ada", "pay", json!({})).await.ok()["state"], "BLOCK", "a change keeps the rules");
}

#[tokio::test]
async fn m11_to_m15_value_lists() {
    let world = World::start().await;
    let management = world.management();
    let post = async |body: Value| world.http.post(LISTS, &management, body).await;
    let items = json!(["ada", "grace", "10.0.0.0/8"]);
    let made = post(json!({"name": "VIP Users (EU)", "itemType": "string", "valueListItems": items})).await.ok();
    let expected = json!({"alias": "vip-users-eu", "tenantId": "t1", "name": "VIP Users (EU)", "itemType": "string",
        "isActive": true, "valueListItems": items});
    assert_eq!(without(made.clone(), &["createdAt"]), expected);
    let path = format!("{LISTS}/vip-users-eu");
    assert_eq!(world.http.get(&path, &management).await.ok(), made);
    let again = post(json!({"name": "vip users eu", "itemType": "number"})).await;
    assert_eq!(again.refusal(), (409, "conflict".into()));
    let other = post(json!({"name": "VIP Users (EU)", "alias": "amounts", "itemType": "number", "isActive": false, "valueListItems": [1, 2.5]})).await.ok();
    assert_eq!(world.http.get(LISTS, &management).await.ok(), json!([other, made]), "by alias");
    for body in [
        json!({}),
        json!({"name": "a"}),
        json!({"name": "", "itemType": "string"}),
        json!({"name": "!!", "itemType": "string"}),
        json!({"name": "a", "alias": "A b", "itemType": "string"}),
        json!({"name": "a", "itemType": "text"}),
        json!({"name": "a", "itemType": "string", "valueListItems": ["a", 1]}),
        json!({"name": "a", "itemType": "number", "valueListItems": ["a"]}),
        json!({"name": "a", "itemType": "string", "valueListItems": "a"}),
    ] {
        assert_eq!(post(body.clone()).await.refusal(), (400, "invalid_request".into()), "{body}");
    }
    let refused = post(json!({"name": "a", "itemType": "string", "valueListItems": ["a", null]})).await;
    assert_eq!(refused.json()["errorDescription"], "valueListItems[1]: this is no text, and itemType is string.");
    let patch = async |body: Value| world.http.patch(&path, &management, body).await.ok();
    assert_eq!(patch(json!({})).await, made);
    let mut expected = made.clone();
    for (name, sent, stored) in [
        ("name", json!("Friends"), json!("Friends")),
        ("isActive", json!(false), json!(false)),
        ("isActive", json!(null), json!(true)),
        ("valueListItems", json!(["eva"]), json!(["eva"])),
        ("valueListItems", json!(null), json!([])),
        ("alias", json!("other"), json!("vip-users-eu")),
        ("itemType", json!("number"), json!("string")),
    ] {
        expected[name] = stored;
        assert_eq!(patch(json!({ name: sent })).await, expected);
    }
    assert_eq!(world.http.patch(&path, &management, json!({"valueListItems": [1]})).await.refusal().0, 400);
    assert_eq!(world.http.delete(&path, &management).await.ok(), json!({"success": true}));
    for method in ["GET", "PATCH", "DELETE"] {
        let body = (method == "PATCH").then(|| json!({}));
        assert_eq!(world.http.call(method, &path, &management, body).await.refusal(), (404, "not_found".into()));
    }
}

#[tokio::test]
async fn what_a_rule_asks_cannot_be_taken_away() {
    let world = with_amounts().await;
    let management = world.management();
    world
        .http
        .post(LISTS, &management, json!({"name": "VIPs", "itemType": "string", "valueListItems": ["ada"]}))
        .await
        .ok();
    let conditions = json!({"and": [{"in_list": [{"var": "user.id"}, "vips"]}, {">": [{"var": "custom.amount"}, 5]}]});
    let rule = json!({"name": "VIP rule", "priority": 0, "type": "BLOCK", "conditions": conditions});
    let rule = create(&world, "pay", rule).await.ok();
    let list = format!("{LISTS}/vips");
    let refused = world.http.delete(&list, &management).await;
    assert_eq!(refused.refusal(), (409, "conflict".into()));
    assert_eq!(
        refused.json()["errorDescription"],
        "The rule \"VIP rule\" of pay names this list; change or delete it first."
    );
    let points = world.http.get(POINTS, &management).await.ok();
    let point = format!("{POINTS}/{}", points[0]["id"].as_str().unwrap());
    let refused = world.http.delete(&point, &management).await;
    assert_eq!(refused.refusal(), (409, "conflict".into()));
    assert_eq!(
        refused.json()["errorDescription"],
        "The rule \"VIP rule\" of pay asks about custom.amount; change or delete it first."
    );
    assert_eq!(world.http.patch(&point, &management, json!({"name": "sum"})).await.refusal().0, 409, "rules name it");
    world.http.patch(&point, &management, json!({"description": "How much"})).await.ok();
    world.http.delete(&format!("{ACTIONS}/pay/rules/{}", rule["ruleId"].as_str().unwrap()), &management).await.ok();
    world.http.delete(&list, &management).await.ok();
    world.http.delete(&point, &management).await.ok();
}

#[tokio::test]
async fn the_outcome_for_errors_never_allows() {
    let world = with_amounts().await;
    let path = format!("{ACTIONS}/pay");
    let patch = async |body: Value| world.http.patch(&path, &world.management(), body).await;
    assert_eq!(patch(json!({"ruleErrorOutcome": "ALLOW"})).await.refusal(), (400, "invalid_request".into()));
    assert_eq!(patch(json!({"ruleErrorOutcome": "BLOCK"})).await.ok()["ruleErrorOutcome"], "BLOCK");
    assert_eq!(patch(json!({"ruleErrorOutcome": null})).await.ok().get("ruleErrorOutcome"), None);
}

#[tokio::test]
async fn m28_and_m29_authenticator_configurations() {
    let world = World::start().await;
    let path = "/v1/management/authenticator-configurations";
    let listed = world.http.get(path, &world.management()).await.ok();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["authenticatorId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["AUTHENTICATOR_APP", "PUSH", "QR_CODE", "IN_APP"]);
    let expected = json!({"authenticatorId": "PUSH", "tenantId": "t1", "authenticatorType": "PUSH", "verificationMethod": "PUSH", "isActive": true});
    assert_eq!(listed[1], expected);
    let patch =
        async |id: &str, body: Value| world.http.patch(&format!("{path}/{id}"), &world.management(), body).await;
    // The issuer is what apps show.
    let body = json!({"issuerName": "Acme Bank", "pushProvider": "WEBHOOK", "relyingParty": "x"});
    assert_eq!(patch("AUTHENTICATOR_APP", body).await.ok()["issuerName"], "Acme Bank");
    let token = world.token("ada", "enrol").await;
    let uri = world.enroll(&token).await.ok()["uri"].as_str().unwrap().to_owned();
    assert!(uri.contains("issuer=Acme%20Bank"), "{uri}");
    assert_eq!(patch("AUTHENTICATOR_APP", json!({"issuerName": null})).await.ok().get("issuerName"), None);
    // What is switched off is not enrolled, and answers no new action.
    let secret = world.ready("eva").await;
    assert_eq!(patch("AUTHENTICATOR_APP", json!({"isActive": false})).await.ok()["isActive"], false);
    assert_eq!(world.enroll(&world.token("bob", "enrol").await).await.refusal(), (403, "forbidden".into()));
    let tracked = world.track("eva", "signIn", json!({})).await.ok();
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED", "never allowed for want of a method");
    assert_eq!(tracked["allowedVerificationMethods"], json!(["PUSH", "DEVICE"]));
    let verified = world.verify(tracked["token"].as_str().unwrap(), &world.code(&secret, 0)).await;
    assert_eq!(verified.refusal(), (403, "forbidden".into()));
    for id in ["PUSH", "QR_CODE", "IN_APP"] {
        patch(id, json!({"isActive": false})).await.ok();
    }
    let tracked = world.track("eva", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["allowedVerificationMethods"]), (&json!("CHALLENGE_REQUIRED"), &json!([])));
    assert_eq!(patch("AUTHENTICATOR_APP", json!({"isActive": null})).await.ok()["isActive"], true);
    for (id, body, status) in [
        ("SMS", json!({}), 404),
        ("nope", json!({}), 404),
        ("PUSH", json!({"issuerName": "x"}), 400),
        ("AUTHENTICATOR_APP", json!({"issuerName": " "}), 400),
        ("AUTHENTICATOR_APP", json!({"issuerName": "n".repeat(65)}), 400),
        ("PUSH", json!({"isActive": "yes"}), 400),
    ] {
        assert_eq!(patch(id, body.clone()).await.refusal().0, status, "{id} {body}");
    }
}
