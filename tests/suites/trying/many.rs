//! More than one transaction takes, and names that mean two rules.

use std::fmt::Write as _;

use countersign_core::store::Applied;
use countersign_local::{embedded::Embedded, rules::Plan};
use countersign_tests::{World, faults::Fault, http::Auth};
use serde_json::json;

use super::{
    apply::{applied, exported, installation, plan_of},
    process::{Server, call},
    support::{error, out, rules, written},
};

/// So many rules of an action, from a priority on, that let amounts of a size pass.
fn action(code: &str, priorities: std::ops::Range<u8>, amount: u32) -> String {
    let mut text = format!("  - actionCode: {code}\n    rules:\n");
    for priority in priorities {
        let conditions = format!("{{\">\": [{{var: velocity.actions1h}}, {amount}]}}");
        writeln!(
            text,
            "      - {{name: Rule {priority}, priority: {priority}, type: BLOCK, conditions: {conditions}}}"
        )
        .unwrap();
    }
    text
}

/// 60 value lists and three actions of 60 rules: 243 items.
fn many(amount: u32) -> String {
    let mut text = "valueLists:\n".to_owned();
    for number in 0..60 {
        writeln!(text, "  - {{alias: list-{number}, name: List, itemType: number, valueListItems: [{amount}]}}")
            .unwrap();
    }
    text + "actions:\n" + &["a", "b", "c"].map(|code| action(code, 0..60, amount)).concat()
}

#[test]
fn a_plan_of_more_than_a_transaction_is_applied_in_parts() {
    let directory = installation();
    let file = written(&directory, "many.yaml", &many(5));
    let said = applied(&directory, &[&file, "--yes"]);
    assert!(said.contains(": 243 to add, 0 to change, 0 to remove\n"), "{said}");
    let all = exported(&directory, &[]);
    assert_eq!((all.matches("alias:").count(), all.matches("name: Rule").count()), (60, 180));
    assert_eq!(applied(&directory, &[&file, "--yes"]), "No changes\n");
    // The same by one action with all its places taken.
    let full = written(&directory, "full.yaml", &format!("actions:\n{}", action("full", 0..100, 5)));
    let refused = rules(&directory, &["apply", &full, "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", out(&refused));
    assert!(error(&refused).contains("99 can at a time; nothing was written. Apply"), "{}", error(&refused));
    assert_eq!(exported(&directory, &[]), all);
    // What it says to do is the way out.
    let less = written(&directory, "less.yaml", &format!("actions:\n{}", action("full", 0..99, 5)));
    applied(&directory, &[&less, "--yes"]);
    applied(&directory, &[&full, "--yes"]);
    assert_eq!(exported(&directory, &[]).matches("name: Rule").count(), 280);
}

/// Each part that names methods moves the tenant's version, from where the part before has left it.
#[test]
fn what_names_methods_is_applied_in_parts_too() {
    let directory = installation();
    let named = |text: &str| text.replace("    rules:\n", "    verificationMethods: [PUSH]\n    rules:\n");
    let file = written(&directory, "many.yaml", &named(&many(5)));
    let said = applied(&directory, &[&file, "--yes"]);
    assert!(said.contains(": 243 to add, 0 to change, 0 to remove\n"), "{said}");
    assert_eq!(exported(&directory, &[]).matches("verificationMethods").count(), 3);
    assert_eq!(applied(&directory, &[&file, "--yes"]), "No changes\n");
    let of_full = |rules: u8| named(&format!("actions:\n{}", action("full", 0..rules, 5)));
    let full = written(&directory, "full.yaml", &of_full(99));
    let refused = rules(&directory, &["apply", &full, "--yes"]);
    let expected = "99 rules of one action were to change, and 98 can at a time; nothing was written.";
    assert!(error(&refused).contains(expected), "{}", error(&refused));
    let less = written(&directory, "less.yaml", &of_full(98));
    applied(&directory, &[&less, "--yes"]);
    applied(&directory, &[&full, "--yes"]);
}

/// Wherever it stops, each action is whole, it is said that a part was written, and once more finishes it.
#[tokio::test]
async fn what_stops_in_the_middle_says_so_and_is_finished_by_another_run() {
    for (failing, fault) in [
        (1, Fault::ErrorBefore),
        (2, Fault::ErrorBefore),
        (3, Fault::ErrorBefore),
        (4, Fault::ErrorBefore),
        (3, Fault::Conflict),
    ] {
        let world = World::start_with(Embedded::memory().expect("a store in memory"), 1).await;
        let id = world.tenant.tenant_id.clone();
        let store = world.app.store().tenant(&id);
        let seen = async || store.configured().await.unwrap().unwrap();
        let plan: Plan = plan_of(&many(5), seen().await);
        assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::All);
        let plan = plan_of(&many(6), seen().await);
        // It is read twice more first; then four transactions.
        world.faults.fail(failing, usize::MAX, fault);
        let stopped = plan.apply(&world.app, &id).await;
        world.faults.clear();
        let partly = failing > 2;
        match (fault, stopped) {
            (Fault::Conflict, stopped) => assert_eq!(stopped.unwrap(), Applied::Changed { partly }),
            (_, stopped) => {
                let stopped = stopped.unwrap_err();
                let cause = std::error::Error::source(&stopped).expect("a cause").to_string();
                assert_eq!(cause.starts_with("a part had been written"), partly, "{cause}");
            }
        }
        let now = seen().await;
        for code in ["a", "b", "c"] {
            let of = now.rules.iter().filter(|rule| rule.action_code.as_str() == code);
            let amounts: std::collections::BTreeSet<String> = of.map(|rule| rule.conditions.to_string()).collect();
            assert_eq!(amounts.len(), 1, "{code} is half of one and half of the other");
        }
        let plan = plan_of(&many(6), seen().await);
        assert!(!plan.differences.is_empty());
        assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::All);
        assert!(plan_of(&many(6), seen().await).differences.is_empty());
    }
}

/// The API takes two rules of one name; a file means one by a name, and says so.
#[tokio::test]
async fn a_name_that_two_rules_have_is_said_wherever_a_file_meets_it() {
    let directory = installation();
    let file = written(&directory, "rules.yaml", &format!("actions:\n{}", action("pay", 0..1, 5)));
    applied(&directory, &[&file, "--yes"]);
    let server = Server::start(&directory);
    let management = Auth::Key(server.credential("managementKey"));
    let twin = json!({"name": "Rule 0", "priority": 7, "type": "REVIEW", "conditions": true});
    let path = "/v1/management/action-configurations/pay/rules";
    call(&server.http(), "POST", path, &management, Some(twin)).await.expect("an answer");
    server.kill();
    let done = rules(&directory, &["export"]);
    let warning =
        "warning: several rules of pay are called \"Rule 0\"; rename all but one, or apply takes no such file\n";
    assert_eq!((done.status.code(), error(&done).as_str()), (Some(0), warning));
    let twice = written(&directory, "twice.yaml", &out(&done));
    for (file, expected) in [
        (
            twice,
            "twice.yaml:12: actions[0].rules[1].name: the rule \"Rule 0\" of pay is there twice; leave one out, or give it another name",
        ),
        (file, "rules.yaml:4: actions[0].rules[0].name: two rules of pay are called so; rename one of them first"),
    ] {
        for arguments in [["apply", &file, "--yes"].as_slice(), &["replay", &file, "--since", "1d"]] {
            let refused = rules(&directory, arguments);
            assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", out(&refused));
            assert!(error(&refused).contains(expected), "{expected}\n{}", error(&refused));
        }
    }
    assert_eq!(out(&rules(&directory, &["export"])).matches("name: Rule 0").count(), 2, "nothing has changed");
    // A file that is about something else leaves them alone.
    let other = written(&directory, "other.yaml", &format!("actions:\n{}", action("other", 0..1, 5)));
    assert!(applied(&directory, &[&other, "--yes"]).contains(": 2 to add, 0 to change, 0 to remove\n"));
}
