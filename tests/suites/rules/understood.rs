//! What is not understood is refused, and never skipped: a rule that asks about it would not match (T40).

use countersign_tests::World;
use serde_json::{Value, json};

use super::{
    support::{LISTS, POINTS, check, create, decide, rule, with_amounts},
    whole::dump,
};
use countersign_core::action::Outcome;

/// A world whose action `pay` is blocked from some networks and wherever the address is unrecognised.
async fn guarded() -> World {
    let world = with_amounts().await;
    let networks = json!({"ip_in_cidr": [{"var": "ip.address"}, ["203.0.113.0/24", "2001:db8::/32", "fe80::/10"]]});
    let body = json!({"name": "Networks", "priority": 0, "type": "BLOCK", "conditions": networks});
    create(&world, "pay", body).await.ok();
    world
}

fn stored(world: &World, key: &str) -> Value {
    let item = dump(world).remove(&("T#t1#U#ada".into(), format!("ACTION#pay#{key}"))).expect("the action");
    serde_json::from_str(item["doc"]["S"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn an_address_is_read_in_every_form_that_backends_have_it_in() {
    let world = guarded().await;
    for (index, (sent, bare)) in [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("203.0.113.7:_hidden", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("k{index}");
        let tracked = world.track("ada", "pay", json!({"idempotencyKey": key, "ipAddress": sent})).await.ok();
        assert_eq!(tracked["state"], "BLOCK", "{sent}");
        let stored = stored(&world, &key);
        assert_eq!(stored["rules"]["data"]["ip.address"], bare, "{sent}");
        let input: Value = serde_json::from_str(stored["input"].as_str().unwrap()).unwrap();
        assert_eq!(input["ipAddress"], bare, "what is kept, and shown to a device: {sent}");
        // Said again in the bare form, it is the same action.
        let again = world.track("ada", "pay", json!({"idempotencyKey": key, "ipAddress": bare})).await.ok();
        assert_eq!(again["state"], "BLOCK", "{sent}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_read_is_refused_and_nothing_is_written() {
    let world = guarded().await;
    let before = dump(&world);
    for sent in [
        "",
        " ",
        "not an address",
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113",
        "203.0.113.256",
        "0203.0.113.7",
        "203.0.113.7:",
        "203.0.113.7:port",
        "203.0.113.7:65536",
        "203.0.113.7:1:2",
        "203.0.113.7, 198.51.100.1",
        "203.0.113.7/24",
        "203.0.113.7%eth0",
        "[203.0.113.7]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]443",
        "[2001:db8::1]:",
        "[2001:db8::1]:-1",
        "fe80::1%",
        "fe80::1%a b",
        "::1::",
        "203.0.113.7\0",
        "for=203.0.113.7",
        "https://203.0.113.7/",
    ] {
        let refused = world.track("ada", "pay", json!({"ipAddress": sent})).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".into()), "{sent:?}");
        let text = refused.json()["errorDescription"].as_str().unwrap().to_owned();
        assert!(text.starts_with("ipAddress: ") && text.contains("203.0.113.7"), "it says what to send: {text}");
    }
    assert!(dump(&world) == before, "something was written");
    assert_eq!(world.track("ada", "pay", json!({"ipAddress": null})).await.ok()["state"], "ALLOW", "it is not known");
}

/// Declared data points have their type, or are not sent.
#[tokio::test]
async fn custom_data_of_another_type_is_refused() {
    let world = with_amounts().await;
    let management = world.management();
    for (name, data_type, model) in [
        ("payee", "text", "action"),
        ("isNew", "boolean", "action"),
        ("tags", "multiselect", "action"),
        ("plan", "text", "user"),
    ] {
        let body = json!({"name": name, "dataType": data_type, "modelType": model});
        world.http.post(POINTS, &management, body).await.ok();
    }
    let big =
        json!({"name": "Big", "priority": 0, "type": "BLOCK", "conditions": {">": [{"var": "custom.amount"}, 100]}});
    create(&world, "pay", big).await.ok();
    let before = dump(&world);
    for (name, sent, wanted) in [
        ("amount", json!("5000"), "a number"),
        ("amount", json!([5000]), "a number"),
        ("amount", json!({"value": 5000}), "a number"),
        ("amount", json!(true), "a number"),
        ("payee", json!(5), "a text"),
        ("isNew", json!("true"), "true or false"),
        ("tags", json!("a"), "a list of texts"),
        ("tags", json!(["a", 1]), "a list of texts"),
    ] {
        let refused = world.track("ada", "pay", json!({"custom": {name: sent}})).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".into()), "{name} {sent}");
        let text = refused.json()["errorDescription"].as_str().unwrap().to_owned();
        assert!(text.starts_with(&format!("custom.{name}: ")) && text.contains(wanted), "{text}");
    }
    let patch =
        async |custom: Value| world.http.patch("/v1/users/ada", &world.key(), json!({ "custom": custom })).await;
    let refused = patch(json!({"plan": 5})).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".into()));
    assert!(refused.text().contains("custom.plan: "), "{}", refused.text());
    assert!(dump(&world) == before, "something was written");
    // What is not known, and what nobody declared, is let be.
    let body = json!({"custom": {"amount": null, "plan": 7, "whatever": {"a": 1}}});
    assert_eq!(world.track("ada", "pay", body).await.ok()["state"], "ALLOW");
    patch(json!({"plan": "gold", "amount": "of a user it is nothing"})).await.ok();
}

/// What was stored before it was a data point cannot be refused any more: the rule cannot be computed.
#[tokio::test]
async fn stored_data_of_another_type_is_an_evaluation_that_fails() {
    let world = with_amounts().await;
    world.http.patch("/v1/users/ada", &world.key(), json!({"custom": {"limit": "5000"}})).await.ok();
    let point = json!({"name": "limit", "dataType": "number", "modelType": "user"});
    world.http.post(POINTS, &world.management(), point).await.ok();
    world.ready("ada").await;
    let low = json!({"name": "Low", "priority": 0, "type": "BLOCK", "conditions": {">": [{"var": "user.custom.limit"}, 100]}});
    create(&world, "pay", low).await.ok();
    assert_eq!(world.track("ada", "pay", json!({})).await.ok()["state"], "CHALLENGE_REQUIRED");
    let absent = world.track("eva", "pay", json!({})).await.ok();
    assert_eq!(absent["state"], "ALLOW", "who has none has none");
}

#[test]
fn a_rule_over_what_is_not_understood_is_not_computed_unless_it_matches_without() {
    let at = super::support::now();
    let of = |conditions: &Value, data: &Value| {
        let decision = decide(vec![rule(0, Outcome::Block, conditions.clone())], data, at);
        (!decision.trace.matched.is_empty(), !decision.trace.failed.is_empty())
    };
    let var = |name: &str| json!({"var": name});
    let wrong = json!({"custom.amount": "5", "custom.currency": "not an address", "user.id": "ada"});
    for conditions in [
        json!({"==": [var("custom.amount"), 5]}),
        json!({"!=": [var("custom.amount"), 5]}),
        json!({"<": [var("custom.amount"), 5]}),
        json!({"in_list": [var("custom.amount"), "odd-amounts"]}),
        json!({"ip_in_cidr": [var("custom.currency"), ["10.0.0.0/8"]]}),
        json!({"!": {"ip_in_cidr": [var("custom.currency"), ["10.0.0.0/8"]]}}),
        json!({"and": [{"==": [var("user.id"), "ada"]}, {">": [var("custom.amount"), 1]}]}),
    ] {
        assert_eq!(of(&conditions, &wrong), (false, true), "{conditions}");
        assert_eq!(of(&conditions, &json!({"user.id": "ada"})), (false, false), "absent: {conditions}");
    }
    let either = json!({"or": [{"==": [var("user.id"), "ada"]}, {">": [var("custom.amount"), 1]}]});
    assert_eq!(of(&either, &wrong), (true, false), "it matches whatever the amount is");
    // What is there and not understood is not missing: nobody is let through for that.
    let missing = json!({"missing": ["custom.amount"]});
    let weak = decide(vec![rule(0, Outcome::Allow, missing)], &wrong, at);
    assert_eq!((weak.outcome, weak.trace.matched.len()), (Some(Outcome::Review), 0), "the outcome for errors");
}

/// A literal that no data point can ever be would be a rule that never matches.
#[test]
fn a_literal_that_can_never_match_is_refused() {
    let var = |name: &str| json!({"var": name});
    for (conditions, path, message) in [
        (json!({"==": [var("ip.address"), "2001:DB8::1"]}), "conditions.==[1]", "2001:db8::1"),
        (json!({"!=": ["::ffff:192.0.2.7", var("ip.address")]}), "conditions.!=[0]", "192.0.2.7"),
        (json!({"==": [var("ip.address"), "10.0.0.0/8"]}), "conditions.==[1]", "ip_in_cidr"),
        (json!({"in": [var("ip.address"), ["192.0.2.7", "10.0.0.0/8"]]}), "conditions.in[1][1]", "ip_in_cidr"),
        (json!({"==": [var("ip.countryCode"), "de"]}), "conditions.==[1]", "two capital letters"),
        (json!({"in": [var("ip.countryCode"), ["DE", "Germany"]]}), "conditions.in[1][1]", "two capital letters"),
        (json!({"in": ["TOTP", var("user.enrolledMethods")]}), "conditions.in[0]", "AUTHENTICATOR_APP"),
        (json!({"==": [var("time.date"), "21.11.2026"]}), "conditions.==[1]", "2026-11-21"),
        (json!({"in_list": [var("ip.address"), "vip-users"]}), "conditions.in_list[1]", "not every item"),
        (json!({"in_list": [var("ip.countryCode"), "offices"]}), "conditions.in_list[1]", "not every item"),
    ] {
        let fault = check(&conditions).err().unwrap_or_else(|| panic!("accepted: {conditions}"));
        assert_eq!(fault.path, path, "{conditions}: {fault}");
        assert!(fault.message.contains(message), "{conditions}: {fault}");
    }
    for conditions in [
        json!({"==": [var("ip.address"), "2001:db8::1"]}),
        json!({"in": ["10.", var("ip.address")]}),
        json!({"in": [var("ip.countryCode"), []]}),
        json!({"in": ["PUSH", var("user.enrolledMethods")]}),
        json!({"in_list": [var("ip.address"), "offices"]}),
        json!({"==": [var("custom.currency"), "10.0.0.0/8"]}),
    ] {
        assert!(check(&conditions).is_ok(), "{conditions}");
    }
}

/// Items of a list that is asked about addresses or countries are that.
#[tokio::test]
async fn an_item_that_can_never_match_is_refused() {
    let world = with_amounts().await;
    let management = world.management();
    let post = async |name: &str, of: &str, items: Value| {
        let body = json!({"name": name, "itemType": of, "valueListItems": items});
        world.http.post(LISTS, &management, body).await
    };
    let refused = async |answer: countersign_tests::http::Answer, place: &str| {
        assert_eq!(answer.refusal(), (400, "invalid_request".into()));
        let text = answer.json()["errorDescription"].as_str().unwrap().to_owned();
        assert!(text.starts_with(place), "{text}");
    };
    refused(post("Anonymous IPs", "string", json!(["10.0.0.0/8", "tor exit"])).await, "valueListItems[1]: ").await;
    refused(post("Anonymous IPs", "number", json!([1])).await, "itemType: ").await;
    refused(post("OFAC countries", "string", json!(["KP", "ir"])).await, "valueListItems[1]: ").await;
    post("Anonymous IPs", "string", json!(["10.0.0.0/8", "2001:DB8::1"])).await.ok();
    post("Offices", "string", json!(["10.0.0.0/8"])).await.ok();
    post("Names", "string", json!(["ada", "10.0.0.0/8"])).await.ok();
    let offices = format!("{LISTS}/offices");
    let patch = async |items: Value| world.http.patch(&offices, &management, json!({ "valueListItems": items })).await;
    patch(json!(["the one in Berlin"])).await.ok();
    patch(json!(["10.0.0.0/8"])).await.ok();
    let body = json!({"name": "Office", "priority": 0, "type": "BLOCK", "conditions": {"!": {"in_list": [{"var": "ip.address"}, "offices"]}}});
    create(&world, "pay", body).await.ok();
    refused(patch(json!(["10.0.0.0/8", "the one in Berlin"])).await, "valueListItems[1]: ").await;
    patch(json!(["10.0.0.0/8", "192.0.2.1"])).await.ok();
    assert_eq!(world.track("ada", "pay", json!({"ipAddress": "192.0.2.1:80"})).await.ok()["state"], "ALLOW");
    assert_eq!(world.track("ada", "pay", json!({"ipAddress": "192.0.2.2:80"})).await.ok()["state"], "BLOCK");
}
