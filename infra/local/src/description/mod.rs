//! The API description: what utoipa reads off the handlers, and what is common to all of them (`words.yaml`).

mod schemas;

use std::collections::BTreeMap;

use countersign_core::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::first_run::Trouble;

const WORDS: &str = include_str!("words.yaml");

/// `words.yaml`, which says what each part is for.
#[derive(Deserialize)]
struct Words {
    servers: Value,
    tags: Value,
    error: Value,
    #[serde(rename = "errorCode")]
    error_code: Map<String, Value>,
    answers: BTreeMap<String, Refusal>,
    pages: BTreeMap<String, PageAnswer>,
    headers: BTreeMap<String, Value>,
    fields: BTreeMap<String, Map<String, Value>>,
    own: BTreeMap<String, Map<String, Value>>,
}

/// A refusal that operations share.
#[derive(Deserialize)]
struct Refusal {
    name: String,
    description: String,
    /// Which operations can answer it, where that does not follow from what they read.
    #[serde(default)]
    operations: Vec<String>,
}

/// An answer of the hosted pages beside the page itself.
#[derive(Deserialize)]
struct PageAnswer {
    description: String,
    /// Whether it is a page too.
    #[serde(default)]
    is_page: bool,
    /// Which operations have it; none is named where all have it.
    #[serde(default)]
    operations: Vec<String>,
}

/// The whole document, in the order in which a person reads it.
#[derive(Serialize)]
struct Document {
    openapi: Value,
    info: Value,
    servers: Value,
    tags: Value,
    paths: Value,
    components: Value,
}

/// The description as JSON, as it is committed in `infra/openapi.json`.
pub fn whole(of_the_code: &utoipa::openapi::OpenApi) -> Result<String, Trouble> {
    let words: Words = serde_saphyr::from_str(WORDS).map_err(trouble)?;
    let mut raw = serde_json::to_value(of_the_code).map_err(trouble)?;
    schemas::complete(&mut raw, &words);
    let (mut paths, mut components) = (raw["paths"].take(), raw["components"].take());
    for operation in operations(&mut paths) {
        complete(operation, &words, &components["schemas"]);
    }
    components["responses"] = words.answers.iter().map(|(status, refusal)| response(status, refusal, &words)).collect();
    components["schemas"]["Error"] = words.error.clone();
    components["schemas"]["ErrorCode"] = error_code(&words);
    let document = Document {
        openapi: raw["openapi"].take(),
        info: raw["info"].take(),
        servers: words.servers,
        tags: words.tags,
        paths,
        components,
    };
    let mut text = serde_json::to_string_pretty(&document).map_err(trouble)?;
    text.push('\n');
    Ok(text)
}

fn trouble(error: impl ToString) -> Trouble {
    Trouble(format!("the API description: {}", error.to_string()))
}

/// Each operation of each path.
fn operations(paths: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = paths.as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    operations.filter_map(Value::as_object_mut)
}

/// Adds to an operation what follows from what it reads: its refusals, and words for what it answers.
fn complete(operation: &mut Map<String, Value>, words: &Words, schemas: &Value) {
    split_summary(operation);
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let id = id.trim_end_matches("WithUnderscore").to_owned();
    let body = operation.get_mut("requestBody").and_then(Value::as_object_mut);
    let has_body = body.is_some();
    if let Some(body) = body {
        complete_body(body, schemas);
    }
    let needs_somebody = operation.get("security").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let has_parameters = operation.contains_key("parameters");
    // Said of each: that no key is needed is no oversight.
    operation.entry("security").or_insert_with(|| json!([]));
    let shows_a_page = operation.get("responses").is_some_and(|all| all.pointer("/200/content/text~1html").is_some());
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, answer) in words.pages.iter().filter(|_| shows_a_page) {
        if answer.operations.is_empty() || answer.operations.contains(&id) {
            let mut response = json!({ "description": answer.description });
            if answer.is_page {
                response["content"] = json!({ "text/html": { "schema": { "type": "string" } } });
            }
            responses.insert(status.clone(), response);
        }
    }
    for response in responses.values_mut().filter_map(Value::as_object_mut) {
        let is_described = response.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !is_described {
            response.insert("description".into(), "Done.".into());
        }
    }
    for (status, refusal) in &words.answers {
        let follows = match status.as_str() {
            "400" => needs_somebody && (has_body || has_parameters),
            "401" | "503" => needs_somebody,
            "413" | "415" => needs_somebody && has_body,
            _ => false,
        };
        if follows || refusal.operations.contains(&id) {
            let shared = json!({ "$ref": format!("#/components/responses/{}", refusal.name) });
            responses.insert(status.clone(), shared);
        }
    }
}

/// The beginning of a handler's comment is its summary, and what follows the first `.`, `;` or `:` describes it.
fn split_summary(operation: &mut Map<String, Value>) {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).map(schemas::for_users);
    let (summary, more) = (text("summary").unwrap_or_default(), text("description").unwrap_or_default());
    let end = [". ", "; ", ": "].iter().filter_map(|mark| summary.find(mark)).min();
    let (first, rest) = end.map_or((summary.trim_end_matches('.'), ""), |end| (&summary[..end], &summary[end + 2..]));
    let description = [sentence(rest), more].join("\n\n");
    let description = if description.trim().is_empty() { format!("{first}.") } else { description.trim().to_owned() };
    operation.insert("summary".into(), first.into());
    operation.insert("description".into(), description.into());
}

/// The same with a capital letter in front.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A body of which nothing is required may be left out, and `[]` is an empty object: PHP writes it so.
fn complete_body(body: &mut Map<String, Value>, schemas: &Value) {
    let Some(schema) = body.get_mut("content").and_then(|content| content.pointer_mut("/application~1json/schema"))
    else {
        return;
    };
    let named = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()).map(|name| &schemas[name]);
    let is_needed = named.is_some_and(|named| named["required"].is_array());
    if !is_needed {
        let empty = json!({ "type": "array", "maxItems": 0, "description": "An empty object, as PHP writes it." });
        *schema = json!({ "anyOf": [schema.take(), empty] });
    }
    body.insert("required".into(), is_needed.into());
}

fn response(status: &str, refusal: &Refusal, words: &Words) -> (String, Value) {
    let mut response = json!({
        "description": refusal.description,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
    });
    if let Some(headers) = words.headers.get(status) {
        response["headers"] = headers.clone();
    }
    (refusal.name.clone(), response)
}

fn error_code(words: &Words) -> Value {
    let mut schema = words.error_code.clone();
    schema.insert("enum".into(), Error::CODES.into());
    schema.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `words.yaml` speaks of nothing that is gone.
    #[test]
    fn every_word_is_of_something() {
        let words: Words = serde_saphyr::from_str(WORDS).unwrap();
        let mut raw = serde_json::to_value(crate::routes().into_openapi()).unwrap();
        let (mut names, mut places, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (schema, value) in raw["components"]["schemas"].as_object().unwrap() {
            places.insert(schema.clone());
            places.insert(format!("{schema}.*"));
            let parts = value["allOf"].as_array().map_or_else(|| vec![value], |parts| parts.iter().collect());
            for name in parts.into_iter().filter_map(|part| part["properties"].as_object()).flat_map(Map::keys) {
                places.insert(format!("{schema}.{name}"));
                names.insert(name.clone());
            }
        }
        for operation in operations(&mut raw["paths"]) {
            let id = operation["operationId"].as_str().unwrap();
            for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                places.insert(format!("{id}.{name}"));
                names.insert(name.to_owned());
            }
            ids.insert(id.to_owned());
        }
        let gone = |known: &BTreeSet<String>, said: Vec<&String>| -> Vec<String> {
            said.into_iter().filter(|one| !known.contains(*one)).cloned().collect()
        };
        assert_eq!(gone(&names, words.fields.keys().collect()), Vec::<String>::new());
        assert_eq!(gone(&places, words.own.keys().collect()), Vec::<String>::new());
        let refused = words.answers.values().flat_map(|refusal| &refusal.operations);
        let answered = refused.chain(words.pages.values().flat_map(|answer| &answer.operations)).collect();
        assert_eq!(gone(&ids, answered), Vec::<String>::new());
    }
}
