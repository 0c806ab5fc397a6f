//! Replay: what other rules would have made of actions that are past.

use std::{collections::BTreeSet, fs};

use countersign_local::{
    embedded::Embedded,
    rules::{Files, replayed},
};
use countersign_tests::{World, http::Answer};
use serde_json::{Value, json};

use super::{
    process::{Directory, Server, call},
    support::{error, out, rules, written},
};

const ACTIONS: &str = "/v1/management/action-configurations";

/// Payments of 100 to 900 by nine users, under a rule that challenges from 500 on.
async fn payments() -> World {
    let world = World::start_with(Embedded::memory().expect("a store in memory"), 3).await;
    let management = world.management();
    let point = json!({"name": "amount", "dataType": "number", "modelType": "action"});
    world.http.post("/v1/management/custom-data-points", &management, point).await.ok();
    for code in ["pay", "bare"] {
        let body = json!({"actionCode": code, "defaultUserActionResult": "ALLOW"});
        world.http.post(ACTIONS, &management, body).await.ok();
    }
    let rule = json!({"name": "Large", "priority": 10, "type": "CHALLENGE", "conditions": from(500)});
    world.http.post(&format!("{ACTIONS}/pay/rules"), &management, rule).await.ok();
    for hundred in 1..10 {
        let user = format!("user{hundred}");
        for code in ["pay", "bare"] {
            let body = json!({"idempotencyKey": "k", "custom": {"amount": hundred * 100}, "ipAddress": "192.0.2.1"});
            world.track(&user, code, body).await.ok();
        }
    }
    world
}

fn from(amount: u32) -> Value {
    json!({">=": [{"var": "custom.amount"}, amount]})
}

fn rule(name: &str, priority: u8, outcome: &str, conditions: Value) -> Value {
    json!({"name": name, "priority": priority, "type": outcome, "conditions": conditions})
}

async fn ask(world: &World, code: &str, body: Value) -> Answer {
    world.http.post(&format!("{ACTIONS}/{code}/rules/replay"), &world.management(), body).await
}

#[tokio::test]
async fn a_page_says_what_would_have_changed() {
    let world = payments().await;
    let rules = json!([rule("Large", 10, "CHALLENGE", from(300)), rule("Huge", 0, "BLOCK", from(900))]);
    let report = ask(&world, "pay", json!({ "rules": rules })).await.ok();
    let pay = &report["actions"]["pay"];
    assert_eq!((&pay["seen"], &pay["notEvaluated"], &pay["changed"]), (&json!(9), &json!(0), &json!(3)), "{report}");
    assert_eq!(pay["changes"], json!({"ALLOW -> CHALLENGE": 2, "CHALLENGE -> BLOCK": 1}));
    assert_eq!(pay["before"], json!({"ALLOW": 4, "CHALLENGE": 5}));
    assert_eq!(pay["after"], json!({"ALLOW": 2, "BLOCK": 1, "CHALLENGE": 6}));
    assert!((pay["challengeRateBefore"].as_f64().unwrap() - 5.0 / 9.0).abs() < 1e-9);
    assert!((pay["challengeRateAfter"].as_f64().unwrap() - 6.0 / 9.0).abs() < 1e-9);
    let example = report["examples"].as_array().unwrap().iter().find(|one| one["userId"] == "user9").unwrap();
    assert_eq!(
        (&example["before"], &example["after"], &example["rule"]),
        (&json!("CHALLENGE"), &json!("BLOCK"), &json!("Huge"))
    );
    assert_eq!(report["users"], 9);
    assert!(report.get("lastEvaluatedUserId").is_none(), "{report}");
    // The same rules change nothing, and nothing is written by asking.
    let same = ask(&world, "pay", json!({"rules": [rule("Large", 10, "CHALLENGE", from(500))]})).await.ok();
    assert_eq!(same["actions"]["pay"]["changed"], 0, "{same}");
    let listed = world.http.get(&format!("{ACTIONS}/pay/rules"), &world.management()).await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_shadow_rule_is_counted_and_decides_nothing() {
    let world = payments().await;
    let mut shadow = rule("Tried", 0, "BLOCK", from(200));
    shadow["isShadow"] = json!(true);
    let report = ask(&world, "pay", json!({"rules": [shadow, rule("Large", 10, "CHALLENGE", from(500))]})).await.ok();
    let pay = &report["actions"]["pay"];
    assert_eq!((&pay["changed"], &pay["shadow"]), (&json!(0), &json!({"Tried": 8})), "{report}");
}

/// What had no rules was stored with what its backend said, and no more.
#[tokio::test]
async fn what_was_not_stored_is_not_guessed() {
    let world = payments().await;
    let told = json!({"rules": [rule("Large", 10, "CHALLENGE", from(800))]});
    let report = ask(&world, "bare", told).await.ok();
    assert_eq!(report["actions"]["bare"]["changes"], json!({"ALLOW -> CHALLENGE": 2}), "{report}");
    let untold = rule("Fast", 10, "CHALLENGE", json!({">=": [{"var": "velocity.actions1h"}, 0]}));
    let report = ask(&world, "bare", json!({ "rules": [untold] })).await.ok();
    let bare = &report["actions"]["bare"];
    assert_eq!((&bare["seen"], &bare["notEvaluated"], &bare["changed"]), (&json!(9), &json!(9), &json!(0)), "{report}");
    // Of those that had rules all was stored: memory, the user, the clock.
    let stored = json!({"and": [{"==": [{"var": "velocity.actions1h"}, 0]}, {"var": "ip.isUnrecognized"},
        {"==": [{"var": "time.hour"}, 10]}, {"==": [{"local_hour": ["Europe/Berlin"]}, 11]},
        {"==": [{"var": "user.isEnrolled"}, false]}, {"ip_in_cidr": [{"var": "ip.address"}, ["192.0.2.0/24"]]}]});
    let report = ask(&world, "pay", json!({"rules": [rule("All", 0, "BLOCK", stored)]})).await.ok();
    assert_eq!(report["actions"]["pay"]["after"], json!({"BLOCK": 9}), "{report}");
}

/// Of lists and data points it is the present ones that are asked.
#[tokio::test]
async fn lists_are_those_of_now() {
    let world = payments().await;
    let list = json!({"name": "Anonymous IPs", "itemType": "string", "valueListItems": ["192.0.2.0/24"]});
    world.http.post("/v1/management/value-lists", &world.management(), list).await.ok();
    let hidden = rule("Hidden", 0, "BLOCK", json!({"var": "ip.isAnonymous"}));
    let report = ask(&world, "pay", json!({ "rules": [hidden] })).await.ok();
    assert_eq!(report["actions"]["pay"]["after"], json!({"BLOCK": 9}), "{report}");
}

#[tokio::test]
async fn pages_cover_every_user_once() {
    let world = payments().await;
    let (mut seen, mut users, mut last) = (0, BTreeSet::new(), Value::Null);
    for page in 0.. {
        assert!(page < 20, "pages without end");
        let mut body = json!({"rules": [rule("All", 0, "BLOCK", json!(true))], "maxUsers": 2});
        if !last.is_null() {
            body["lastEvaluatedUserId"] = last.clone();
        }
        let report = ask(&world, "pay", body).await.ok();
        assert!(report["users"].as_u64().unwrap() <= 2, "{report}");
        seen += report["actions"]["pay"]["seen"].as_u64().unwrap_or(0);
        for example in report["examples"].as_array().unwrap() {
            assert!(users.insert(example["userId"].as_str().unwrap().to_owned()), "{example} twice");
        }
        last = report["lastEvaluatedUserId"].clone();
        if last.is_null() {
            break;
        }
    }
    assert_eq!((seen, users.len()), (9, 9));
}

#[tokio::test]
async fn only_the_time_that_is_asked_counts() {
    let world = payments().await;
    world.clock.advance(3 * 24 * 3600);
    world.track("late", "pay", json!({"custom": {"amount": 1}})).await.ok();
    let all = json!([rule("All", 0, "BLOCK", json!(true))]);
    for (days, seen) in [(1, 1), (2, 1), (4, 10), (30, 10)] {
        let report = ask(&world, "pay", json!({"rules": all, "days": days})).await.ok();
        assert_eq!(report["actions"]["pay"]["seen"], seen, "{days} days: {report}");
    }
}

#[tokio::test]
async fn a_bad_candidate_is_refused() {
    let world = payments().await;
    let good = rule("A", 0, "BLOCK", json!(true));
    let bad = [
        (json!({"rules": [good, good]}), "rules[1]: There is already another rule with priority: 0"),
        (json!({"rules": [good, rule("B", 100, "BLOCK", json!(true))]}), "rules[1].priority is between 0 and 99."),
        (
            json!({"rules": [rule("A", 0, "BLOCK", json!({"var": "custom.amuont"}))]}),
            "rules[0].conditions.var: there is no custom data point",
        ),
        (json!({"rules": [], "days": 0}), "days is between 1 and 30."),
        (json!({"rules": [], "days": 31}), "days is between 1 and 30."),
        (json!({"rules": [], "maxUsers": 0}), "maxUsers is between 1 and 100."),
        (json!({"rules": [], "maxUsers": 101}), "maxUsers is between 1 and 100."),
        (json!({"rules": [], "ruleErrorOutcome": "ALLOW"}), "ruleErrorOutcome is CHALLENGE, REVIEW or BLOCK"),
        (json!({"rules": [], "lastEvaluatedUserId": ""}), "user id has 1 to 256 bytes"),
        (json!({}), "rules"),
    ];
    for (body, message) in bad {
        let answer = ask(&world, "pay", body).await;
        assert_eq!(answer.status, 400, "{message}");
        assert!(answer.text().contains(message), "{message}: {}", answer.text());
    }
    assert_eq!(ask(&world, "unknown", json!({"rules": []})).await.status, 404);
    let path = format!("{ACTIONS}/pay/rules/replay");
    assert_eq!(
        world.http.post(&path, &world.key(), json!({"rules": []})).await.status,
        401,
        "a secret key manages nothing"
    );
}

/// The operator's command, over the actions of a server that has stopped.
#[tokio::test]
async fn the_command_says_the_same() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    let first = "customDataPoints: [{name: amount, dataType: number, modelType: action}]\nactions:\n  - actionCode: pay\n    defaultUserActionResult: ALLOW\n    rules:\n      - {name: Large, priority: 10, type: CHALLENGE, conditions: {\">=\": [{var: custom.amount}, 500]}}\n";
    let file = written(&directory, "rules.yaml", first);
    server.kill();
    assert_eq!(rules(&directory, &["apply", &file, "--yes"]).status.code(), Some(0));
    let server = Server::start(&directory);
    for hundred in 1..10 {
        let path = format!("/v1/users/user{hundred}/actions/pay");
        let body = json!({"idempotencyKey": "k", "custom": {"amount": hundred * 100}});
        call(&server.http(), "POST", &path, &server.key(), Some(body)).await.expect("an answer");
    }
    server.kill();
    let candidate = written(&directory, "candidate.yaml", &first.replace("500", "300"));
    let done = rules(&directory, &["replay", &candidate, "--since", "7d", "--json"]);
    let report: Value = serde_json::from_str(&out(&done)).unwrap_or_else(|e| panic!("{e}: {}", error(&done)));
    assert_eq!(report["actions"]["pay"]["changes"], json!({"ALLOW -> CHALLENGE": 2}), "{report}");
    let done = rules(&directory, &["replay", &candidate, "--since", "7d", "--action", "pay"]);
    let said = out(&done);
    assert!(said.starts_with("pay: 9 actions seen, 2 would have another outcome\n"), "{said}");
    assert!(said.contains("  challenge rate 55.6 % -> 77.8 %\n"), "{said}");
    assert!(said.contains(" pay user3 k: ALLOW -> CHALLENGE by \"Large\"\n"), "{said}");
    for (arguments, code, message) in
        [(["--since", "yesterday"], 2, "7d, 12h or 30m"), (["--since", "0d"], 2, "7d, 12h or 30m")]
    {
        let done = rules(&directory, &[&["replay", &candidate], arguments.as_slice()].concat());
        assert_eq!(done.status.code(), Some(code));
        assert!(error(&done).contains(message), "{}", error(&done));
    }
    let done = rules(&directory, &["replay", &candidate, "--since", "7d", "--action", "other"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(error(&done).contains("the files have no action other"), "{}", error(&done));
}

/// Every user's actions of every kind are found by the scan, each once, and another tenant's are not.
#[tokio::test]
async fn a_scan_sees_each_action_once() {
    let world = payments().await;
    let other = countersign_tests::add_tenant(&world.app, "Other").await;
    let key = countersign_tests::http::Auth::Key(other.secret_key.clone());
    world.http.post("/v1/users/eve/actions/pay", &key, json!({"custom": {"amount": 900}})).await.ok();
    let directory = Directory::new();
    let file = directory.path().join("rules.yaml");
    let text = "actions: [{actionCode: pay, rules: [{name: All, priority: 0, type: BLOCK, conditions: true}]}, {actionCode: bare}]";
    fs::write(&file, text).unwrap();
    let files = Files::read(&[file]).unwrap_or_else(|bad| panic!("{}", bad.0));
    let report = replayed(&world.app, &world.tenant.tenant_id, &files, 7 * 24 * 3600).await;
    let report = report.unwrap_or_else(|message| panic!("{message}"));
    assert_eq!(report.actions["pay"].seen, 9);
    assert_eq!(report.actions["pay"].after["BLOCK"], 9);
    // Its default of files is CHALLENGE.
    assert_eq!(report.actions["bare"].after["CHALLENGE"], 9);
}
