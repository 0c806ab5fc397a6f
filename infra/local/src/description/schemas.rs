//! Properties and parameters: the words and limits that belong to their names.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Words, operations};

/// Adds words and limits to every schema and parameter.
pub(super) fn complete(document: &mut Value, words: &Words) {
    let sent = sent_schemas(document);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas {
            complete_schema(name, schema, words);
            if !sent.contains(name) {
                without_null(schema);
            }
        }
    }
    for operation in operations(&mut document["paths"]) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        let id = id.trim_end_matches("WithUnderscore").to_owned();
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            complete_parameter(&id, parameter, words);
        }
    }
}

fn complete_schema(name: &str, schema: &mut Value, words: &Words) {
    let parts = match schema.get_mut("allOf").and_then(Value::as_array_mut) {
        Some(parts) => parts.iter_mut().collect(),
        None => Vec::from([&mut *schema]),
    };
    for part in parts {
        for (property, schema) in part.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            if let Some(schema) = schema.as_object_mut() {
                complete_field(name, property, schema, words);
            }
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        plain(schema);
        merge(schema, words.own.get(name));
    }
}

fn complete_parameter(operation: &str, parameter: &mut Value, words: &Words) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let (Some(parameter), mut described) = (parameter.as_object_mut(), Map::new()) else { return };
    if let Some(text) = parameter.remove("description") {
        described.insert("description".into(), text);
    }
    let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { return };
    schema.append(&mut described);
    complete_field(operation, &name, schema, words);
    // A parameter that is left out is left out: a query or a header has no null.
    without_null_itself(schema);
    let text = schema.remove("description");
    parameter.extend(text.map(|text| ("description".to_owned(), text)));
}

/// Adds what `words.yaml` says of a name, and of this one property before that.
fn complete_field(of: &str, name: &str, schema: &mut Map<String, Value>, words: &Words) {
    hoist_description(schema);
    plain(schema);
    for (key, value) in resolved(words, words.fields.get(name)).into_iter().flatten() {
        let fits = match key.as_str() {
            "pattern" | "format" | "minLength" | "maxLength" => has_type(schema, "string"),
            "minimum" | "maximum" => has_type(schema, "integer") || has_type(schema, "number"),
            "description" => !schema.contains_key("description"),
            _ => true,
        };
        if fits {
            schema.insert(key, value);
        }
    }
    merge(schema, words.own.get(&format!("{of}.*")));
    merge(schema, resolved(words, words.own.get(&format!("{of}.{name}"))).as_ref());
    let may_be_null = has_type(schema, "null") || schema.contains_key("oneOf");
    if let Some(all) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && may_be_null
        && !all.contains(&Value::Null)
    {
        all.push(Value::Null);
    }
}

/// `$like` stands for what another entry says.
fn resolved(words: &Words, entry: Option<&Map<String, Value>>) -> Option<Map<String, Value>> {
    let mut entry = entry?.clone();
    let Some(like) = entry.remove("$like") else { return Some(entry) };
    let like = like.as_str()?;
    let mut all = words.fields.get(like).or_else(|| words.own.get(like))?.clone();
    all.append(&mut entry);
    Some(all)
}

/// Null takes a limit back.
fn merge(schema: &mut Map<String, Value>, changes: Option<&Map<String, Value>>) {
    for (key, value) in changes.into_iter().flatten() {
        if value.is_null() {
            schema.remove(key);
        } else {
            schema.insert(key.clone(), value.clone());
        }
    }
}

/// utoipa writes the comment of an optional field beside its `$ref`, inside of `oneOf`.
fn hoist_description(schema: &mut Map<String, Value>) {
    let inner = schema.get_mut("oneOf").and_then(Value::as_array_mut).and_then(|all| all.first_mut());
    if let Some(text) = inner.and_then(Value::as_object_mut).and_then(|inner| inner.remove("description")) {
        schema.insert("description".into(), text);
    }
}

fn plain(schema: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = for_users(text);
    }
}

/// A comment of the code without its references to the contract and to records, and in full words.
pub(super) fn for_users(comment: &str) -> String {
    let mut text = comment.replace('\n', " ");
    for opening in [" (contract", " (infra/decisions", " (security.md"] {
        while let Some(start) = text.find(opening) {
            let end = text[start..].find(')').map_or(text.len(), |length| start + length + 1);
            text.replace_range(start..end, "");
        }
    }
    text.replace("Ours.", "Countersign only.").trim().to_owned()
}

fn has_type(schema: &Map<String, Value>, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(all)) => all.iter().any(|one| one == wanted),
        _ => false,
    }
}

/// The schemas that a request holds.
fn sent_schemas(document: &mut Value) -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    let bodies: Vec<Value> =
        operations(&mut document["paths"]).filter_map(|operation| operation.get("requestBody").cloned()).collect();
    for body in &bodies {
        collect(body, &document["components"]["schemas"], &mut sent);
    }
    sent
}

fn collect(value: &Value, schemas: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next())
                && found.insert(name.to_owned())
            {
                collect(&schemas[name], schemas, found);
            }
            fields.values().for_each(|value| collect(value, schemas, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, schemas, found)),
        _ => {}
    }
}

/// What an answer does not know it leaves out; it never says null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            without_null_itself(fields);
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn without_null_itself(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(all)) = schema.get_mut("oneOf") {
        all.retain(|one| one["type"] != "null");
        if let [Value::Object(one)] = all.as_slice() {
            let mut one = one.clone();
            schema.remove("oneOf");
            one.append(schema);
            *schema = one;
        }
    }
    if let Some(Value::Array(all)) = schema.get_mut("enum") {
        all.retain(|one| !one.is_null());
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_told_what_they_can_know() {
        assert_eq!(for_users("An action (contract, S11)."), "An action.");
        assert_eq!(for_users("Over all that\nwas shown (infra/decisions/0015)."), "Over all that was shown.");
        assert_eq!(for_users("The place. Ours."), "The place. Countersign only.");
    }
}
