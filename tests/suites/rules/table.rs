//! What conditions mean, case by case.

use countersign_core::{clock::Timestamp, rule::Outcome};
use serde_json::{Value, json};

use super::support::{decide, now, rule, says, says_at};

/// A condition, data, and whether it matches.
fn holds(cases: Vec<(Value, Value, bool)>) {
    for (conditions, data, expected) in cases {
        assert_eq!(says(&conditions, &data), Some(expected), "{conditions} over {data}");
    }
}

fn var(name: &str) -> Value {
    json!({ "var": name })
}

#[test]
fn equality_is_strict() {
    let amount = var("custom.amount");
    holds(vec![
        (json!({"==": [amount, 5]}), json!({"custom.amount": 5}), true),
        (json!({"==": [amount, 5]}), json!({"custom.amount": 5.0}), true),
        (json!({"==": [amount, 5]}), json!({"custom.amount": 6}), false),
        (json!({"===": [5, amount]}), json!({"custom.amount": 5}), true),
        (json!({"!=": [amount, 5]}), json!({"custom.amount": 6}), true),
        (json!({"!=": [amount, 5]}), json!({"custom.amount": 5}), false),
        (json!({"!==": [amount, 0]}), json!({"custom.amount": 0}), false),
        (json!({"==": [amount, 0.1]}), json!({"custom.amount": 0.1}), true),
        (json!({"==": [var("custom.currency"), "EUR"]}), json!({"custom.currency": "EUR"}), true),
        (json!({"==": [var("custom.currency"), "EUR"]}), json!({"custom.currency": "eur"}), false),
        (json!({"==": [var("custom.currency"), ""]}), json!({"custom.currency": ""}), true),
        (json!({"==": [var("custom.isTransfer"), true]}), json!({"custom.isTransfer": true}), true),
        (json!({"==": [var("custom.isTransfer"), false]}), json!({"custom.isTransfer": false}), true),
        (json!({"!=": [var("custom.isTransfer"), true]}), json!({"custom.isTransfer": false}), true),
        (
            json!({"==": [var("user.email"), var("user.username")]}),
            json!({"user.email": "a", "user.username": "a"}),
            true,
        ),
        (
            json!({"!=": [var("user.email"), var("user.username")]}),
            json!({"user.email": "a", "user.username": "b"}),
            true,
        ),
        // Texts that look like times are texts.
        (
            json!({"==": [var("custom.currency"), "2026-01-01T00:00:00Z"]}),
            json!({"custom.currency": "2026-01-01T01:00:00+01:00"}),
            false,
        ),
    ]);
}

#[test]
fn order_is_of_numbers() {
    let amount = var("custom.amount");
    let of = |amount: f64| json!({ "custom.amount": amount });
    holds(vec![
        (json!({"<": [amount, 5]}), of(4.999), true),
        (json!({"<": [amount, 5]}), of(5.0), false),
        (json!({"<=": [amount, 5]}), of(5.0), true),
        (json!({"<=": [amount, 5]}), of(5.001), false),
        (json!({">": [amount, 5]}), of(5.001), true),
        (json!({">": [amount, 5]}), of(5.0), false),
        (json!({">=": [amount, 5]}), of(5.0), true),
        (json!({">=": [amount, 5]}), of(4.0), false),
        (json!({">": [100, amount]}), of(99.0), true),
        (json!({"<": [1, amount, 10]}), of(5.0), true),
        (json!({"<": [1, amount, 10]}), of(1.0), false),
        (json!({"<": [1, amount, 10]}), of(10.0), false),
        (json!({"<=": [1, amount, 10]}), of(10.0), true),
        (json!({"!": {"<": [1, amount, 10]}}), of(10.0), true),
        (json!({">": [amount, -1e300]}), of(-1e299), true),
        (json!({">": [amount, 9007199254740992_u64]}), json!({"custom.amount": 18446744073709551615_u64}), true),
        (json!({">": [var("velocity.actions1h"), 3]}), json!({"velocity.actions1h": 4}), true),
    ]);
}

#[test]
fn logic_joins_and_turns() {
    let (yes, no) = (json!({"==": [1, 1]}), json!({"==": [1, 2]}));
    let none = json!({});
    holds(vec![
        (json!(true), none.clone(), true),
        (json!(false), none.clone(), false),
        (json!({"and": [yes, yes]}), none.clone(), true),
        (json!({"and": [yes, no]}), none.clone(), false),
        (json!({"and": [yes]}), none.clone(), true),
        (json!({"or": [no, yes]}), none.clone(), true),
        (json!({"or": [no, no]}), none.clone(), false),
        (json!({"!": no}), none.clone(), true),
        (json!({"!": [yes]}), none.clone(), false),
        (json!({"!!": [yes]}), none.clone(), true),
        (json!({"!": {"!": yes}}), none.clone(), true),
        (json!({"!": {"and": [yes, no]}}), none.clone(), true),
        (json!({"!": {"or": [no, yes]}}), none.clone(), false),
        (json!({"and": [{"or": [no, {"and": [yes, {"!": no}]}]}, {"or": [yes, no]}]}), none.clone(), true),
        (json!({"==": [{"and": [yes, yes]}, true]}), none.clone(), true),
        (json!({"==": [{"or": [no, no]}, false]}), none.clone(), true),
        (json!({"!=": [{"in": ["a", ["a"]]}, true]}), none.clone(), false),
        (var("device.isNew"), json!({"device.isNew": true}), true),
        (var("device.isNew"), json!({"device.isNew": false}), false),
        (json!({"!": var("device.isNew")}), json!({"device.isNew": false}), true),
        (
            json!({"and": [{"var": ["device.isNew"]}, {"!": [var("device.isBot")]}]}),
            json!({"device.isNew": true, "device.isBot": false}),
            true,
        ),
    ]);
}

/// A condition over what is not there does not match, and neither does its opposite: only a test of existence does.
#[test]
fn absent_data_matches_nothing() {
    let amount = var("custom.amount");
    let conditions = [
        json!({"==": [amount, 1]}),
        json!({"!=": [amount, 1]}),
        json!({"<": [amount, 1]}),
        json!({"<=": [amount, 0]}),
        json!({">": [amount, -1]}),
        json!({">=": [amount, 0]}),
        json!({"<": [-1, amount, 1]}),
        json!({"in": [amount, [0, 1]]}),
        json!({"in_list": [amount, "odd-amounts"]}),
        json!({"in": ["a", var("custom.tags")]}),
        json!({"in": ["a", var("custom.currency")]}),
        json!({"in": [var("custom.currency"), ["EUR"]]}),
        json!({"==": [var("custom.isTransfer"), false]}),
        var("custom.isTransfer"),
        json!({"ip_in_cidr": [var("ip.address"), ["0.0.0.0/0"]]}),
        json!({"in_list": [var("ip.address"), "offices"]}),
        json!({"==": [{"+": [amount, 1]}, 1]}),
        json!({"<": [{"*": [amount, 0]}, 1]}),
        json!({"==": [amount, var("user.custom.limit")]}),
        json!({"!=": [var("user.custom.limit"), var("custom.amount")]}),
    ];
    for condition in conditions {
        for data in [json!({}), json!({"custom.amount": null})] {
            assert_eq!(says(&condition, &data), Some(false), "{condition}");
            let opposite = json!({ "!": condition });
            assert_eq!(says(&opposite, &data), Some(false), "{opposite}");
            let twice = json!({"!": {"!": condition}});
            assert_eq!(says(&twice, &data), Some(false), "{twice}");
            let either = json!({"or": [condition, {"==": [1, 1]}]});
            assert_eq!(says(&either, &data), Some(true), "what does not hang on it is not lost: {either}");
            let neither = json!({"!": {"and": [condition, {"==": [1, 2]}]}});
            assert_eq!(says(&neither, &data), Some(true), "{neither}");
        }
    }
}

#[test]
fn existence_is_tested() {
    let amount = var("custom.amount");
    let (there, absent) = (json!({"custom.amount": 0}), json!({}));
    holds(vec![
        (json!({"==": [amount, null]}), absent.clone(), true),
        (json!({"==": [amount, null]}), there.clone(), false),
        (json!({"!=": [amount, null]}), there.clone(), true),
        (json!({"!=": [null, amount]}), absent.clone(), false),
        (json!({"missing": ["custom.amount"]}), absent.clone(), true),
        (json!({"missing": "custom.amount"}), there.clone(), false),
        (json!({"missing": ["custom.amount", "custom.currency"]}), there.clone(), true),
        (json!({"!": {"missing": ["custom.amount"]}}), there.clone(), true),
        (json!({"!": [{"missing": ["custom.amount", "custom.currency"]}]}), there, false),
        (json!({"and": [{"!=": [amount, null]}, {"!=": [amount, 1]}]}), absent, false),
    ]);
}

#[test]
fn texts_and_lists_are_looked_into() {
    holds(vec![
        (json!({"in": [var("ip.countryCode"), ["DE", "FR"]]}), json!({"ip.countryCode": "FR"}), true),
        (json!({"in": [var("ip.countryCode"), ["DE", "FR"]]}), json!({"ip.countryCode": "US"}), false),
        (json!({"!": {"in": [var("ip.countryCode"), ["DE"]]}}), json!({"ip.countryCode": "US"}), true),
        (json!({"in": [var("ip.countryCode"), []]}), json!({"ip.countryCode": "US"}), false),
        (json!({"in": [var("custom.amount"), [1, 2.5]]}), json!({"custom.amount": 2.5}), true),
        (json!({"in": ["@example.com", var("user.email")]}), json!({"user.email": "ada@example.com"}), true),
        (json!({"in": ["@example.org", var("user.email")]}), json!({"user.email": "ada@example.com"}), false),
        (json!({"in": ["new", var("custom.tags")]}), json!({"custom.tags": ["old", "new"]}), true),
        (json!({"in": ["ne", var("custom.tags")]}), json!({"custom.tags": ["old", "new"]}), false),
        (
            json!({"in": [var("custom.currency"), var("custom.tags")]}),
            json!({"custom.currency": "a", "custom.tags": ["a"]}),
            true,
        ),
        (json!({"in": ["PUSH", var("user.enrolledMethods")]}), json!({"user.enrolledMethods": ["PUSH"]}), true),
        (json!({"in_list": [var("user.id"), "vip-users"]}), json!({"user.id": "ada"}), true),
        (json!({"in_list": [var("user.id"), "vip-users"]}), json!({"user.id": "Ada"}), false),
        (json!({"!": {"in_list": [var("user.id"), "vip-users"]}}), json!({"user.id": "eva"}), true),
        (json!({"in_list": [var("custom.amount"), "odd-amounts"]}), json!({"custom.amount": 13.0}), true),
        (json!({"in_list": [var("custom.amount"), "odd-amounts"]}), json!({"custom.amount": 14}), false),
        (json!({"in_list": [var("custom.tags"), "vip-users"]}), json!({"custom.tags": ["x", "ada"]}), true),
        (json!({"in_list": [var("ip.address"), "offices"]}), json!({"ip.address": "10.200.0.1"}), true),
        (json!({"in_list": [var("ip.address"), "offices"]}), json!({"ip.address": "2001:db8::9"}), true),
        (json!({"in_list": [var("ip.address"), "offices"]}), json!({"ip.address": "192.0.2.8"}), false),
        // Nothing is known of a list that is not active.
        (json!({"in_list": [var("user.id"), "retired"]}), json!({"user.id": "ada"}), false),
        (json!({"!": {"in_list": [var("user.id"), "retired"]}}), json!({"user.id": "eva"}), false),
    ]);
}

#[test]
fn networks_hold_addresses() {
    let cidr = |networks: Value| json!({"ip_in_cidr": [var("ip.address"), networks]});
    let of = |address: &str| json!({ "ip.address": address });
    holds(vec![
        (cidr(json!(["10.0.0.0/8"])), of("10.1.2.3"), true),
        (cidr(json!(["10.0.0.0/8"])), of("11.1.2.3"), false),
        (cidr(json!("10.0.0.0/8")), of("10.1.2.3"), true),
        (cidr(json!(["10.0.0.0/8", "2001:db8::/32"])), of("2001:db8:1::1"), true),
        (cidr(json!(["2001:db8::/32"])), of("2001:db9::1"), false),
        (cidr(json!(["2001:db8::/32"])), of("10.1.2.3"), false),
        (cidr(json!(["10.0.0.0/8"])), of("::ffff:10.1.2.3"), true),
        (cidr(json!(["192.0.2.1"])), of("192.0.2.1"), true),
        (cidr(json!(["192.0.2.1/32"])), of("192.0.2.2"), false),
        (json!({"!": cidr(json!(["10.0.0.0/8"]))}), of("11.1.2.3"), true),
        (json!({"ip_in_cidr": [var("custom.currency"), ["10.0.0.0/8"]]}), json!({"custom.currency": "10.0.0.1"}), true),
    ]);
    // A text that is no address is neither inside of a network nor outside.
    assert_eq!(says(&cidr(json!(["0.0.0.0/0", "::/0"])), &of("localhost")), None);
    assert_eq!(says(&json!({"!": cidr(json!(["10.0.0.0/8"]))}), &of("localhost")), None);
}

#[test]
fn numbers_are_computed() {
    let amount = var("custom.amount");
    let of = |amount: f64| json!({"custom.amount": amount, "user.custom.limit": 100});
    let limit = var("user.custom.limit");
    holds(vec![
        (json!({">": [{"+": [amount, limit]}, 150]}), of(51.0), true),
        (json!({"<": [{"-": [limit, amount]}, 0]}), of(101.0), true),
        (json!({">": [amount, {"*": [limit, 2]}]}), of(201.0), true),
        (json!({">=": [{"/": [amount, limit]}, 0.5]}), of(50.0), true),
        (json!({"==": [{"%": [amount, 2]}, 1]}), of(3.0), true),
        (json!({"==": [{"min": [amount, limit, 7]}, 7]}), of(8.0), true),
        (json!({"==": [{"max": [amount, limit]}, 100]}), of(8.0), true),
        (json!({"!": {">": [{"+": [amount, 1, 1]}, 4]}}), of(1.0), true),
    ]);
}

/// A condition that cannot be computed is neither matched nor passed over.
#[test]
fn what_cannot_be_computed_has_the_outcome_for_errors() {
    let broken = json!({">": [{"/": [var("custom.amount"), var("user.custom.limit")]}, 1]});
    let data = json!({"custom.amount": 5, "user.custom.limit": 0});
    assert_eq!(says(&broken, &data), None);
    assert_eq!(says(&json!({"!": broken}), &data), None);
    assert_eq!(says(&json!({"==": [{"%": [5, var("user.custom.limit")]}, 1]}), &data), None);
    assert_eq!(says(&json!({"or": [{"==": [1, 1]}, broken]}), &data), Some(true), "it is not reached");
    assert_eq!(says(&json!({"and": [{"==": [1, 2]}, broken]}), &data), Some(false), "it is not reached");
    let after =
        |outcome| decide(vec![rule(0, Outcome::Allow, broken.clone()), rule(1, outcome, json!(true))], &data, now());
    let decided = after(Outcome::Allow);
    assert_eq!(
        (decided.outcome, decided.trace.decided_by),
        (Some(Outcome::Review), None),
        "configured for errors here"
    );
    assert_eq!(after(Outcome::Challenge).outcome, Some(Outcome::Review));
    assert_eq!(after(Outcome::Block).outcome, Some(Outcome::Block), "never weaker than what else matches");
    let before =
        decide(vec![rule(0, Outcome::Allow, json!(true)), rule(1, Outcome::Block, broken.clone())], &data, now());
    assert_eq!(before.outcome, Some(Outcome::Allow), "the first match has decided before it");
    let mut shadow = rule(0, Outcome::Block, broken);
    shadow.is_shadow = true;
    let decided = decide(vec![shadow], &data, now());
    assert_eq!((decided.outcome, decided.trace.failed.len()), (None, 1), "a shadow rule decides nothing");
}

#[test]
fn time_is_utc_or_of_a_zone() {
    // A Saturday, 10:00:15 UTC; Berlin is at +1, Kolkata at +5:30, Los Angeles at -8.
    let hour = |zone: &str, hour: i64| json!({"==": [{"local_hour": [zone]}, hour]});
    let none = json!({});
    holds(vec![
        (hour("Europe/Berlin", 11), none.clone(), true),
        (hour("America/Los_Angeles", 2), none.clone(), true),
        (hour("UTC", 10), none.clone(), true),
        (json!({"==": [{"local_hour": "Asia/Kolkata"}, 15]}), none.clone(), true),
        (json!({"==": [{"local_minute": ["Asia/Kolkata"]}, 30]}), none.clone(), true),
        (json!({"==": [{"local_day_of_week": ["Europe/Berlin"]}, 6]}), none.clone(), true),
        (json!({"==": [{"local_day_of_week": ["Pacific/Auckland"]}, 6]}), none.clone(), true),
        (json!({"or": [{"<": [var("time.hour"), 6]}, {">=": [var("time.hour"), 22]}]}), json!({"time.hour": 23}), true),
        (json!({"<=": [9, {"local_hour": ["Europe/Berlin"]}, 17]}), none, true),
    ]);
    // Summer time: 01:30 UTC is 03:30 in Berlin from 29 March 2026 on; the hour from 2 to 3 is left out.
    for (utc, berlin) in [
        ("2026-03-29T00:59:59Z", 1),
        ("2026-03-29T01:00:00Z", 3),
        ("2026-10-25T00:30:00Z", 2),
        ("2026-10-25T01:30:00Z", 2),
    ] {
        let at: Timestamp = utc.parse().unwrap();
        assert_eq!(says_at(&hour("Europe/Berlin", berlin), &json!({}), at), Some(true), "{utc}");
    }
}

#[test]
fn the_first_active_match_decides() {
    let mut rules: Vec<_> = (0..5).map(|priority| rule(priority, Outcome::Block, json!({"==": [1, 1]}))).collect();
    rules[0].is_active = false;
    rules[1].is_shadow = true;
    rules[2].conditions = json!({"==": [1, 2]});
    rules[3].outcome = Outcome::Challenge;
    rules.reverse();
    let Ruling { outcome, trace, .. } = decide(rules, &json!({"action.code": "pay"}), now());
    assert_eq!(outcome, Some(Outcome::Challenge));
    let ids =
        |all: &[countersign_core::rule::Named]| all.iter().map(|rule| rule.rule_id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&trace.matched), ["r3", "r4"]);
    assert_eq!(trace.decided_by.unwrap().as_str(), "r3");
    assert_eq!(trace.shadow.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["r1"]);
    assert_eq!(trace.data["action.code"], "pay");
}

use countersign_core::rule::Ruling;
