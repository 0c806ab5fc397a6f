//! The whole table, to be compared with itself.

use std::collections::BTreeMap;

use countersign_local::embedded::TABLE;
use countersign_tests::World;
use serde_json::{Value, json};

/// Every item, by its key.
pub fn dump(world: &World) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    let mut request = json!({"TableName": TABLE, "ConsistentRead": true});
    loop {
        let answer = world.embedded.answer("Scan", request.to_string().as_bytes());
        let page: Value = serde_json::from_slice(answer.body().bytes().expect("bytes")).expect("JSON");
        for item in page["Items"].as_array().expect("items") {
            let key = |name: &str| item[name]["S"].as_str().expect("a key").to_owned();
            all.insert((key("pk"), key("sk")), item.clone());
        }
        match &page["LastEvaluatedKey"] {
            Value::Null => return all,
            last => request["ExclusiveStartKey"] = last.clone(),
        }
    }
}
