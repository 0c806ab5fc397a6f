//! Any bytes that are JSON: refused, or run over data, and never both a condition and its opposite match.
//!
//! `tests/suites/rules/hostile.rs` does the same with generated trees and with this target's corpus, on every run.

#![no_main]

use std::sync::LazyLock;

use countersign_core::{
    rule::{
        catalogue::Catalogue,
        condition::{Condition, Program, run},
    },
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);

fn says(tree: &Value) -> Option<bool> {
    let condition = Condition::check(tree, &CATALOGUE).ok()?;
    let places: Vec<usize> = (0..condition.reads().len()).collect();
    let program = Program::new(&condition, &places);
    // Absent, a number, a text, true, a list: each read is of some type, and of the wrong ones.
    let values = [Value::Null, json!(5), json!("10.0.0.1"), json!(true), json!(["a"])];
    let values: Vec<&Value> = places.iter().map(|place| &values[place % values.len()]).collect();
    run([program.as_ref()].into_iter(), &values).pop().flatten()
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(tree) = serde_json::from_slice::<Value>(bytes) else { return };
    if says(&tree) == Some(true) {
        assert_ne!(says(&json!({"!": [tree]})), Some(true));
    }
});
