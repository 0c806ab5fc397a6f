//! `countersign rules apply` and `export`: files in Git are what a tenant has.

use std::fs;

use countersign_core::{clock::Timestamp, store::Applied};
use countersign_local::rules::{Files, Plan};
use countersign_tests::{START, World};
use serde_json::{Value, json};

use super::{
    process::{Directory, Server, countersign},
    support::{RULES, error, out, rules, written},
};

pub fn installation() -> Directory {
    let directory = Directory::new();
    Server::start(&directory).kill();
    directory
}

fn second_tenant(directory: &Directory) -> String {
    let arguments = ["tenant", "create", "--name", "Second", "--data", &directory.data(), "--output", "json"];
    let made = countersign(&arguments).output().expect("the program runs");
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    made["tenantId"].as_str().expect("an id").to_owned()
}

pub fn exported(directory: &Directory, arguments: &[&str]) -> String {
    let mut all = vec!["export"];
    all.extend(arguments);
    let done = rules(directory, &all);
    assert_eq!(done.status.code(), Some(0), "{}", error(&done));
    out(&done)
}

pub fn applied(directory: &Directory, arguments: &[&str]) -> String {
    let mut all = vec!["apply"];
    all.extend(arguments);
    let done = rules(directory, &all);
    assert_eq!(done.status.code(), Some(0), "{}{}", out(&done), error(&done));
    out(&done)
}

/// Texts that YAML has other ideas about.
fn with_hard_texts() -> String {
    let hard = [
        "on",
        "no",
        "null",
        "~",
        "0x1F",
        "1e3",
        "12:30:45",
        "2026-11-21",
        "a: b",
        "# c",
        "- d",
        "'",
        "\"",
        "\\n",
        "\n",
        " padded ",
        "\u{1f600}",
        "é",
        "*x",
        "&x",
        "!x",
        "%x",
        "@x",
        "`x",
        "{",
        "[",
        "=",
        "<<",
        ".5",
        "+1",
        "1_000",
        "007",
        "",
        "two\nlines\n",
        "tab\there",
        "true",
        "True",
        "-",
        "?",
        "|",
        ">",
    ];
    let items = hard.map(|text| json!(text).to_string()).join(", ");
    format!(
        "{RULES}  - actionCode: hard\n    messagingTemplates: {{en: {{\"on\": [{items}], deep: {{a: 1.0, b: -0.5, c: 9007199254740993, d: null}}}}}}\n    rules:\n      - {{name: \"on: off\", priority: 99, type: REVIEW, isActive: false, conditions: {{in: [{{var: user.id}}, [{items}]]}}}}\n"
    )
}

#[test]
fn what_is_applied_is_exported_and_applied_and_exported_the_same() {
    let directory = installation();
    let file = written(&directory, "rules.yaml", &with_hard_texts());
    let said = applied(&directory, &[&file, "--yes"]);
    assert!(said.contains("+ rule \"Large\" of pay\n"), "{said}");
    assert!(said.contains(": 11 to add, 0 to change, 0 to remove\n"), "{said}");
    assert_eq!(applied(&directory, &[&file, "--yes"]), "No changes\n");
    for format in ["yaml", "json"] {
        let first = exported(&directory, &["--format", format]);
        assert!(!first.contains("tenantId") && !first.contains("createdAt"), "{first}");
        let file = written(&directory, &format!("exported.{format}"), &first);
        assert_eq!(applied(&directory, &[&file, "--prune"]), "No changes\n");
        let tenant = second_tenant(&directory);
        applied(&directory, &[&file, "--yes", "--tenant", &tenant]);
        assert_eq!(exported(&directory, &["--format", format, "--tenant", &tenant]), first);
    }
}

#[test]
fn a_plan_shows_what_changes_and_changes_nothing_unasked() {
    let directory = installation();
    let file = written(&directory, "rules.yaml", RULES);
    let unasked = rules(&directory, &["apply", &file]);
    assert_eq!(unasked.status.code(), Some(1));
    assert!(error(&unasked).contains("no terminal to ask at"), "{}", error(&unasked));
    assert!(
        out(&unasked).contains("+ rule \"Large\" of pay\n    conditions:\n      + {\n      +   \">=\": ["),
        "{}",
        out(&unasked)
    );
    let dry = applied(&directory, &[&file, "--dry-run"]);
    assert_eq!(dry, out(&unasked));
    assert!(!exported(&directory, &[]).contains("pay"), "nothing is there");
    applied(&directory, &[&file, "--yes"]);

    let before = exported(&directory, &[]);
    // Two rules exchange their places, one is gone from the file, one changes; a field that is left out is the default.
    let (kept, _) = RULES.split_at(RULES.find("      - name: Ratio").unwrap());
    let changed = kept
        .replace("priority: 0\n", "priority: 1000\n")
        .replace("priority: 10\n", "priority: 0\n")
        .replace("priority: 1000\n", "priority: 10\n")
        .replace("        description: From 500 on\n", "")
        .replace("}, 500]", "}, 600]");
    let file = written(&directory, "changed.yaml", &changed);
    let dry = applied(&directory, &[&file, "--dry-run"]);
    let large = "~ rule \"Large\" of pay\n    conditions:\n      - {\n      -   \">=\": [\n      -     {\n      -       \"var\": \"custom.amount\"\n      -     },\n      -     500\n";
    assert!(dry.contains(large), "{dry}");
    assert!(dry.contains("    description: \"From 500 on\" -> (default)\n    priority: 10 -> 0\n"), "{dry}");
    assert!(dry.ends_with(": 0 to add, 2 to change, 0 to remove\n"), "{dry}");
    assert_eq!(exported(&directory, &[]), before);
    let pruned = applied(&directory, &[&file, "--yes", "--prune"]);
    assert!(pruned.contains("- rule \"Ratio\" of pay\n"), "{pruned}");
    assert!(pruned.contains(": 0 to add, 2 to change, 1 to remove\n"), "{pruned}");
    let after = exported(&directory, &[]);
    assert!(
        after.find("Large").unwrap()
            < after.find("name: Offices\n        priority").or(after.rfind("Offices")).unwrap(),
        "{after}"
    );
    assert!(!after.contains("Ratio"), "{after}");
    assert_eq!(applied(&directory, &[&file, "--prune"]), "No changes\n");
}

#[test]
fn a_bad_file_changes_nothing() {
    let directory = installation();
    let good = written(&directory, "good.yaml", RULES);
    applied(&directory, &[&good, "--yes"]);
    let before = exported(&directory, &[]);
    let rule = |from: &str, to: &str| RULES.replacen(from, to, 1);
    let bad = [
        (
            rule("dataType: number", "dataType: text"),
            "bad.yaml:3: customDataPoints[0].dataType: the type of a data point stays",
        ),
        (
            rule("itemType: number", "itemType: string"),
            "bad.yaml:17: valueLists[1].itemType: the type of a value list stays",
        ),
        (
            rule("name: Large", "name: Larger"),
            "bad.yaml:33: actions[0].rules[1].priority: the rule \"Large\" of pay, which no file has, has priority 10",
        ),
        (
            rule("custom.amount", "custom.amuont"),
            "bad.yaml:38: actions[0].rules[1].conditions.>=[0].var: there is no custom data point",
        ),
    ];
    for (text, expected) in bad {
        // A good file beside it does not go ahead.
        let other = written(&directory, "other.yaml", "actions: [{actionCode: other}]");
        let file = written(&directory, "bad.yaml", &text);
        let refused = rules(&directory, &["apply", &other, &file, "--yes"]);
        assert_eq!(refused.status.code(), Some(2), "{expected}");
        assert!(error(&refused).contains(expected), "{expected}\n{}", error(&refused));
        assert_eq!(exported(&directory, &[]), before);
    }
    // A point that a rule of no file still names is not pruned away: all rules of no file go with it.
    let lone = written(&directory, "lone.yaml", "actions: [{actionCode: pay, defaultUserActionResult: ALLOW}]");
    applied(&directory, &[&lone, "--yes", "--prune"]);
    let after = exported(&directory, &[]);
    assert!(!after.contains("amount") && !after.contains("offices") && !after.contains("rules"), "{after}");
}

pub fn plan_of(text: &str, seen: countersign_core::store::Configured) -> Plan {
    let directory = Directory::new();
    let file = directory.path().join("rules.yaml");
    fs::write(&file, text).unwrap();
    let files = Files::read(&[file]).unwrap_or_else(|bad| panic!("{}", bad.0));
    let now = Timestamp::from_second(START).unwrap();
    Plan::new(seen, &files, false, now).unwrap_or_else(|bad| panic!("{}", bad.0))
}

/// A plan was checked against the methods that were on: once one is off, what names methods is planned anew.
#[tokio::test]
async fn a_plan_that_names_methods_is_of_the_settings_that_it_was_made_from() {
    let world = World::start().await;
    let id = world.tenant.tenant_id.clone();
    let store = world.app.store().tenant(&id);
    let (management, named) = (world.management(), "[AUTHENTICATOR_APP, PUSH]");
    let body = json!({"confirmation": "Enforce 2FA", "by": "Grace"});
    world.http.post("/v1/management/two-factor-enforcement", &management, body).await.ok();
    let only = RULES.replace(named, "[AUTHENTICATOR_APP]");
    let (seen, off) = (store.configured().await.unwrap().unwrap(), json!({"isActive": false}));
    let (plan, nameless) = (
        plan_of(&only, seen.clone()),
        plan_of("valueLists: [{alias: a, name: A, itemType: number, valueListItems: [1]}]", seen),
    );
    let app = "/v1/management/authenticator-configurations/AUTHENTICATOR_APP";
    world.http.patch(app, &management, off).await.ok();
    assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::Changed { partly: false });
    assert_eq!(nameless.apply(&world.app, &id).await.unwrap(), Applied::All, "what names no methods goes on");
    world.http.patch(app, &management, json!({"isActive": true})).await.ok();
    let plan = plan_of(&only, store.configured().await.unwrap().unwrap());
    assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::All);
    // And the other way about: the methods are named, and the one of them is not switched off any more.
    assert_eq!(world.http.patch(app, &management, json!({"isActive": false})).await.refusal().0, 409);
}

/// Once two factors are asked of everybody, no file makes an action that is answered by what nobody can set up.
#[tokio::test]
async fn under_an_enforcement_a_file_leaves_something_to_set_up() {
    let world = World::start().await;
    let id = world.tenant.tenant_id.clone();
    let store = world.app.store().tenant(&id);
    let early =
        plan_of(&RULES.replace("[AUTHENTICATOR_APP, PUSH]", "[SMS]"), store.configured().await.unwrap().unwrap());
    let body = json!({"confirmation": "Enforce 2FA", "by": "Grace"});
    world.http.post("/v1/management/two-factor-enforcement", &world.management(), body).await.ok();
    assert_eq!(early.apply(&world.app, &id).await.unwrap(), Applied::Changed { partly: false });
    let seen = store.configured().await.unwrap().unwrap();
    plan_of(RULES, seen.clone());
    for (from, to) in [
        ("[AUTHENTICATOR_APP, PUSH]", "[SMS]"),
        ("verificationMethods: [PUSH]\n        default", "verificationMethods: [SMS]\n        #"),
    ] {
        let directory = Directory::new();
        let file = super::support::written(&directory, "rules.yaml", &RULES.replace(from, to));
        let files = Files::read(&[file.into()]).unwrap_or_else(|bad| panic!("{}", bad.0));
        let refused = Plan::new(seen.clone(), &files, false, Timestamp::from_second(START).unwrap());
        let text = refused.err().unwrap_or_else(|| panic!("accepted: {to}")).0;
        assert!(text.contains("actions[0]") && text.contains("SMS"), "{text}");
    }
}

/// Whatever is changed between plan and apply, the plan is not written.
#[tokio::test]
async fn a_plan_is_written_only_on_what_it_was_made_from() {
    let world = World::start().await;
    let id = world.tenant.tenant_id.clone();
    let store = world.app.store().tenant(&id);
    let seen = async || store.configured().await.unwrap().unwrap();
    let plan = plan_of(RULES, seen().await);
    assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::All);
    let actions = "/v1/management/action-configurations";
    let listed = world.http.get(&format!("{actions}/pay/rules"), &world.management()).await.ok();
    let large = listed.as_array().unwrap().iter().find(|rule| rule["name"] == "Large").unwrap()["ruleId"].clone();
    let large = format!("{actions}/pay/rules/{}", large.as_str().unwrap());
    // The rules decide at once.
    let point = world.track("ada", "pay", json!({"custom": {"amount": 500}})).await.ok();
    assert_eq!(point["rules"][0]["name"], "Large", "{point}");
    let changes = [
        (large.clone(), json!({"description": "another"})),
        (large, json!({"priority": 11})),
        (format!("{actions}/pay"), json!({"defaultUserActionResult": "BLOCK"})),
        ("/v1/management/value-lists/offices".to_owned(), json!({"valueListItems": []})),
    ];
    for (path, change) in changes {
        let plan = plan_of(&RULES.replace("}, 500]", "}, 700]"), seen().await);
        world.http.patch(&path, &world.management(), change).await.ok();
        let before = seen().await;
        assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::Changed { partly: false }, "{path}");
        let after = seen().await;
        assert_eq!((before.rules, before.lists, before.actions), (after.rules, after.lists, after.actions), "{path}");
    }
    // Tracking is no change of rules.
    let plan = plan_of(&RULES.replace("}, 500]", "}, 700]"), seen().await);
    world.clock.advance(2 * 3600);
    world.track("ada", "pay", json!({})).await.ok();
    assert_eq!(plan.apply(&world.app, &id).await.unwrap(), Applied::All);
    // Of two plans of one state one is written, however they interleave.
    for round in 0..20 {
        let state = seen().await;
        let [one, two] = [701, 702]
            .map(|amount| plan_of(&RULES.replace("}, 500]", &format!("}}, {}]", amount + round * 2)), state.clone()));
        let (one, two) = tokio::join!(one.apply(&world.app, &id), two.apply(&world.app, &id));
        let done = [one.unwrap(), two.unwrap()].iter().filter(|done| **done == Applied::All).count();
        assert_eq!(done, 1, "round {round}");
    }
}
