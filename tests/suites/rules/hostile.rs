//! Trees that nobody would write: refused or run, in bounded time, and never a panic. `tests/fuzz` has the same target
//! for cargo-fuzz, with a corpus that is run here too.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{check, says};

/// The target: checks a tree, and runs it over data where it is accepted.
fn judge(tree: &Value) {
    let started = Instant::now();
    if check(tree).is_ok() {
        for data in [
            json!({}),
            json!({"custom.amount": 5, "user.id": "ada", "ip.address": "10.0.0.1", "custom.tags": ["a"], "device.isNew": true}),
        ] {
            let found = says(tree, &data);
            let opposite = json!({"!": [tree]});
            if check(&opposite).is_ok() && found == Some(true) {
                assert_ne!(says(&opposite, &data), Some(true), "both {tree} and its opposite");
            }
        }
    }
    assert!(started.elapsed() < Duration::from_secs(2), "slow: {tree}");
}

fn anything() -> impl Strategy<Value = Value> {
    let words = [
        "and",
        "or",
        "!",
        "!!",
        "==",
        "!=",
        "===",
        "<",
        ">",
        "<=",
        ">=",
        "in",
        "var",
        "missing",
        "in_list",
        "ip_in_cidr",
        "+",
        "-",
        "*",
        "/",
        "%",
        "min",
        "max",
        "local_hour",
        "map",
        "reduce",
        "if",
        "log",
        "",
        "a",
        "custom.amount",
        "user.id",
        "custom.tags",
        "ip.address",
        "device.isNew",
        "vip-users",
        "10.0.0.0/8",
        "::/0",
        "UTC",
        "var.var",
        "\u{0}",
        "__proto__",
    ];
    let word = prop::sample::select(words.to_vec());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        word.clone().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(20, 250, 6, move |inner| {
        let of = inner.clone();
        let word = word.clone();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            (word.clone(), prop::collection::vec(of, 0..4))
                .prop_map(|(operator, operands)| json!({ operator: operands })),
            (word.clone(), inner.clone()).prop_map(|(operator, operand)| json!({ operator: operand })),
            prop::collection::hash_map("\\PC{0,3}", inner, 0..3).prop_map(|fields| json!(fields)),
        ]
    })
}

/// Trees that are accepted, of everything that there is, with tests of existence or without.
fn accepted(existence: bool) -> impl Strategy<Value = Value> {
    let absent = |tree: Value| Just(if existence { tree } else { json!({"var": "device.isNew"}) });
    let number = prop_oneof![
        any::<i32>().prop_map(Value::from),
        Just(json!({"var": "custom.amount"})),
        Just(json!({"var": "user.custom.limit"})),
        Just(json!({"local_hour": ["Asia/Kolkata"]})),
    ];
    let number = number.prop_recursive(3, 10, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
        (operator, inner.clone(), inner).prop_map(|(operator, a, b)| json!({ operator: [a, b] }))
    });
    let test = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!=", "==="]), number.clone(), number.clone())
            .prop_map(|(operator, a, b)| json!({ operator: [a, b] })),
        (number, prop::collection::vec(any::<i8>(), 0..4)).prop_map(|(a, all)| json!({"in": [a, all]})),
        Just(json!({"var": "device.isNew"})),
        absent(json!({"missing": ["custom.amount", "user.id"]})),
        Just(json!({"in_list": [{"var": "user.id"}, "vip-users"]})),
        Just(json!({"in": ["a", {"var": "custom.tags"}]})),
        absent(json!({"!=": [{"var": "custom.currency"}, null]})),
    ];
    test.prop_recursive(6, 60, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({ "and": all })),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({ "or": all })),
            inner.prop_map(|one| json!({"!": [one]})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_tree_is_answered(tree in anything()) {
        judge(&tree);
    }

    #[test]
    fn a_tree_and_its_opposite_never_both_match(tree in accepted(true)) {
        judge(&tree);
    }

    /// What a condition says, it says whatever the absent data would be.
    #[test]
    fn a_match_does_not_hang_on_what_is_absent(tree in accepted(false), amount in any::<i32>(), limit in 1..100_i32) {
        prop_assume!(check(&tree).is_ok());
        let some = json!({"user.custom.limit": limit, "device.isNew": true});
        let all = json!({"user.custom.limit": limit, "device.isNew": true, "custom.amount": amount, "user.id": "ada", "custom.tags": ["a"]});
        if let (Some(true), Some(then)) = (says(&tree, &some), says(&tree, &all)) {
            prop_assert!(then, "{} matched without the amount {} and not with it", tree, amount);
        }
    }
}

#[test]
fn the_corpus_of_the_fuzzer_is_answered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/condition");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("a corpus") {
        let text = std::fs::read(entry.expect("an entry").path()).expect("a file");
        if let Ok(tree) = serde_json::from_slice(&text) {
            judge(&tree);
        }
        read += 1;
    }
    assert!(read >= 20, "{read}");
}

#[test]
fn wide_and_deep_trees_end_quickly() {
    let started = Instant::now();
    let wide = json!({"and": vec![json!({"==": [1, 1]}); 100_000]});
    assert!(check(&wide).is_err());
    let mut deep = json!(true);
    for _ in 0..100 {
        deep = json!({"and": [deep, true]});
    }
    assert!(check(&deep).is_err());
    let many = json!({"or": vec![json!({"in": [{"var": "user.id"}, ["a"]]}); 49]});
    assert_eq!(says(&many, &json!({"user.id": "b"})), Some(false));
    assert!(started.elapsed() < Duration::from_secs(5));
}
