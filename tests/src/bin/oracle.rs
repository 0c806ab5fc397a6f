//! Says what conditions make of data, a case a line: `{"conditions": …, "data": {…}}` on standard input, and `true`,
//! `false`, `null` (it cannot be computed) or the message of a refusal on standard output.
//!
//! `tests/sdk/node/rules-oracle.test.js` compares that with json-logic-js.

use std::io::{BufRead, Write};

use countersign_core::{
    id::PointId,
    rule::{
        DataPoint, DataType, ModelType,
        catalogue::Catalogue,
        condition::{Condition, Program, Read, run},
    },
};
use serde_json::{Value, json};

fn catalogue() -> Catalogue {
    let point = |name: &str, data_type| DataPoint {
        id: PointId::generate(),
        name: name.into(),
        data_type,
        model_type: ModelType::Action,
        description: None,
        is_public: false,
        shown: Default::default(),
    };
    let points = [
        point("n1", DataType::Number),
        point("n2", DataType::Number),
        point("t1", DataType::Text),
        point("t2", DataType::Text),
        point("b1", DataType::Boolean),
        point("m1", DataType::Multiselect),
    ];
    Catalogue::new(&points, [])
}

fn says(catalogue: &Catalogue, case: &Value) -> Value {
    let condition = match Condition::check(&case["conditions"], catalogue) {
        Ok(condition) => condition,
        Err(fault) => return json!(fault.to_string()),
    };
    let places: Vec<usize> = (0..condition.reads().len()).collect();
    let program = Program::new(&condition, &places);
    let value = |read: &Read| match read {
        // As json-logic-js reads it: a point is a name in an object in an object.
        Read::Point(name) => name.split('.').fold(&case["data"], |inner, part| &inner[part]),
        _ => &Value::Null,
    };
    let values: Vec<&Value> = condition.reads().iter().map(value).collect();
    run([program.as_ref()].into_iter(), &values).pop().flatten().map_or(Value::Null, Value::from)
}

fn main() -> std::io::Result<()> {
    let (catalogue, mut out) = (catalogue(), std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        writeln!(out, "{}", says(&catalogue, &case))?;
    }
    Ok(())
}
