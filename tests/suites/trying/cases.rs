//! `countersign rules test`: cases against rules, with no store at all.

use std::fs;

use super::{
    process::Directory,
    support::{RULES, error, out, rules, written},
};

const CASES: &str = r#"at: 2026-11-21T10:00:00Z
cases:
  - name: a small payment
    action: pay
    given: {custom: {amount: 499.99}}
    expect: {outcome: ALLOW, rules: [], methods: [AUTHENTICATOR_APP, PUSH]}
  - name: a large payment
    action: pay
    given: {custom.amount: 500}
    expect: {outcome: CHALLENGE, rules: [Large], decidedBy: Large, methods: [PUSH], shadow: []}
  - name: a large payment from an office
    action: pay
    given: {custom: {amount: 900}, ip: {address: 10.1.2.3}}
    expect: {outcome: ALLOW, rules: [Offices, Large], decidedBy: Offices}
  - name: a shadow rule sees it and decides nothing
    action: pay
    given: {user: {custom: {plan: "on"}}}
    expect: {outcome: ALLOW, shadow: ["yes"]}
  - name: the clock is the case's
    action: pay
    at: 2026-11-21T08:59:59Z
    given: {user: {custom: {plan: "on"}}}
    expect: {outcome: ALLOW, shadow: []}
  - name: what cannot be computed
    action: pay
    given: {velocity: {actions1h: 0}}
    expect: {outcome: REVIEW, failed: [Ratio]}
"#;

#[test]
fn cases_pass_or_say_why_not() {
    let directory = Directory::new();
    let file = written(&directory, "rules.yaml", RULES);
    let cases = written(&directory, "cases.yaml", CASES);
    let tried = rules(&directory, &["test", &cases, "--rules", &file]);
    let said = out(&tried);
    assert_eq!(tried.status.code(), Some(0), "{said}{}", error(&tried));
    assert!(said.ends_with("6 passed, 0 failed\n"), "{said}");
    assert!(said.contains("pass a large payment: CHALLENGE by \"Large\"\n"), "{said}");
    assert!(!std::path::Path::new(&directory.data()).exists(), "there is no store");

    let wrong = CASES.replace("{outcome: ALLOW, rules: [Offices, Large]", "{outcome: BLOCK, rules: [Large]");
    let cases = written(&directory, "wrong.yaml", &wrong);
    let tried = rules(&directory, &["test", &cases, "--rules", &file]);
    assert_eq!(tried.status.code(), Some(1));
    let said = out(&tried);
    let line = "FAIL a large payment from an office: expected outcome \"BLOCK\", decided \"ALLOW\"; \
                expected rules [\"Large\"], decided [\"Offices\",\"Large\"]; matched [\"Offices\",\"Large\"]; by \"Offices\"\n";
    assert!(said.contains(line), "{said}");
    assert!(said.ends_with("5 passed, 1 failed\n"), "{said}");
}

#[test]
fn json_and_folders_are_read_alike() {
    let directory = Directory::new();
    let folder = directory.path().join("rules");
    fs::create_dir(&folder).unwrap();
    let (points, actions) = RULES.split_at(RULES.find("actions:").unwrap());
    fs::write(folder.join("a.yml"), points).unwrap();
    fs::write(folder.join("b.yaml"), actions).unwrap();
    fs::write(folder.join("notes.txt"), "not: [read").unwrap();
    let json = r#"{"at": "2026-11-21T10:00:00Z", "cases": [{"name": "\ud83d\ude00", "action": "pay",
	"given": {"custom": {"amount": 500}}, "expect": {"outcome": "CHALLENGE"}}]}"#;
    let cases = written(&directory, "cases.json", json);
    let tried = rules(&directory, &["test", &cases, "--rules", folder.to_str().unwrap()]);
    assert_eq!(out(&tried), "pass \u{1f600}: CHALLENGE by \"Large\"\n1 passed, 0 failed\n", "{}", error(&tried));
}

/// Each is refused with its place and what to change, before anything is tried.
#[test]
fn bad_files_are_refused_with_their_line() {
    let bomb = (1..30).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let last = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", vec![last; 9].join(", "))
    });
    let deep = "[".repeat(5000);
    let rule = |from: &str, to: &str| RULES.replacen(from, to, 1);
    let bad = [
        (
            rule("type: CHALLENGE", "type: CHALENGE"),
            "rules.yaml:34: actions[0].rules[1].type: unknown variant `CHALENGE`, expected one of",
        ),
        (rule("priority: 10", "prio: 10"), "rules.yaml:33: actions[0].rules[1].prio: unknown field `prio`"),
        (
            rule("priority: 10", "priority: 0"),
            "rules.yaml:33: actions[0].rules[1].priority: There is already another rule with priority: 0",
        ),
        (
            rule("priority: 10", "priority: 100"),
            "rules.yaml:33: actions[0].rules[1].priority: priority is between 0 and 99.",
        ),
        (
            rule("priority: 10", "priority: 300"),
            "rules.yaml:33: actions[0].rules[1].priority: invalid value: integer `300`",
        ),
        (
            rule("name: Large", "name: Offices"),
            "rules.yaml:31: actions[0].rules[1].name: the rule \"Offices\" of pay is there twice",
        ),
        (
            rule("custom.amount}, 500", "custom.amount}, \"500\""),
            "rules.yaml:38: actions[0].rules[1].conditions.>=[1]: this is a text, where there should be a number",
        ),
        (
            rule("custom.amount", "custom.amuont"),
            "rules.yaml:38: actions[0].rules[1].conditions.>=[0].var: there is no custom data point \"amuont\"",
        ),
        (
            rule("in_list: [{var: ip.address}, offices]", "in_list: [{var: ip.address}, office]"),
            "rules.yaml:30: actions[0].rules[0].conditions.in_list[1]: there is no value list \"office\"",
        ),
        (
            rule("ruleErrorOutcome: REVIEW", "ruleErrorOutcome: ALLOW"),
            "rules.yaml:23: actions[0].ruleErrorOutcome: ruleErrorOutcome is CHALLENGE, REVIEW or BLOCK",
        ),
        (rule("[13, 0.5, -1]", "[13, a]"), "rules.yaml:19: valueLists[1].valueListItems[1]: this is no number"),
        (
            rule("defaultVerificationMethod: PUSH", "defaultVerificationMethod: AUTHENTICATOR_APP"),
            "rules.yaml:36: actions[0].rules[1].defaultVerificationMethod: AUTHENTICATOR_APP is not among",
        ),
        (rule("name: amount", "name: a b"), "rules.yaml:2: customDataPoints[0].name: name has 1 to 64 letters"),
        (rule("name: plan", "name: plan\n    name: plan"), "rules.yaml:6: "),
        (rule("actions:", "actions: ["), "rules.yaml:"),
        (rule("actions:", "acts:"), "rules.yaml:20: acts: unknown field `acts`"),
        ("- a\n".to_owned(), "rules.yaml:1: "),
        (bomb, "rules.yaml:"),
        (deep, "rules.yaml:1: "),
        ("#".repeat(1024 * 1024 + 1), "rules.yaml: it has 1048577 bytes, and at most 1048576"),
    ];
    let directory = Directory::new();
    let cases = written(&directory, "cases.yaml", CASES);
    for (text, expected) in bad {
        let file = written(&directory, "rules.yaml", &text);
        let tried = rules(&directory, &["test", &cases, "--rules", &file]);
        let message = error(&tried);
        assert_eq!(tried.status.code(), Some(2), "{expected}: {message}");
        assert!(message.contains(expected), "{expected}\n{message}");
        assert!(message.len() < 1000, "{message}");
        assert_eq!(out(&tried), "", "nothing is tried");
    }
    let twice = written(&directory, "rules.json", "{\"actions\": [],\n \"actions\": []}");
    let tried = rules(&directory, &["test", &cases, "--rules", &twice]);
    assert_eq!(tried.status.code(), Some(2));
    assert!(error(&tried).contains("rules.json:2: \"actions\" stands here twice"), "{}", error(&tried));
}

#[test]
fn bad_cases_are_refused_with_their_line() {
    let directory = Directory::new();
    let file = written(&directory, "rules.yaml", RULES);
    let case = |from: &str, to: &str| CASES.replacen(from, to, 1);
    let bad = [
        (case("action: pay", "action: pya"), "cases.yaml:4: cases[0].action: the rules have no action pya"),
        (
            case("amount: 499.99", "amount: many"),
            "cases.yaml:5: cases[0].given.custom.amount: custom.amount is a number, and not \"many\"",
        ),
        (
            case("ip: {address", "ip: {adress"),
            "cases.yaml:13: cases[2].given.ip.adress: there is no data point \"ip.adress\"",
        ),
        (case("outcome: ALLOW", "outcme: ALLOW"), "cases.yaml:6: cases[0].expect.outcme: unknown field"),
        (case("at: 2026-11-21T10:00:00Z\n", ""), "cases.yaml:2: cases[0]: say when it is"),
        (case("at: 2026-11-21T10:00:00Z", "at: yesterday"), "cases.yaml:1: at: "),
    ];
    for (text, expected) in bad {
        let cases = written(&directory, "cases.yaml", &text);
        let tried = rules(&directory, &["test", &cases, "--rules", &file]);
        assert_eq!(tried.status.code(), Some(2), "{expected}");
        assert!(error(&tried).contains(expected), "{expected}\n{}", error(&tried));
    }
}
