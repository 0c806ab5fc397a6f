//! The attributes of the table stand in one list. The compiler holds that for items, which are written and read by its
//! constants; expressions write the names inline, so they are read here.

use std::collections::BTreeSet;

use countersign_core::store::keys::attributes::ALL;

use super::{code, files, none};

const LIST: &str = "shared/store/src/keys/attributes.rs";

/// What is no name in an expression: its clauses, its operators and its functions.
const WORDS: [&str; 14] = [
    "ADD",
    "AND",
    "DELETE",
    "IN",
    "NOT",
    "OR",
    "REMOVE",
    "SET",
    "attribute_exists",
    "attribute_not_exists",
    "begins_with",
    "contains",
    "if_not_exists",
    "size",
];

/// What takes an expression, whatever it looks like.
const TAKES: [&str; 10] = [
    ".add(",
    ".condition_expression(",
    ".delete(",
    ".filter_expression(",
    ".key_condition_expression(",
    ".projection_expression(",
    ".remove(",
    ".require(",
    ".set(",
    ".update_expression(",
];

/// The texts of a source, each with what stands right before it; without its comments and unit tests.
fn texts(source: &str) -> Vec<(String, String)> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let source = lines.collect::<Vec<_>>().join("\n").replace("\\\"", "'");
    let mut parts = source.split('"');
    let mut found = Vec::new();
    while let (Some(before), Some(text)) = (parts.next(), parts.next()) {
        let tight: String = before.chars().filter(|c| !c.is_whitespace()).collect();
        found.push((tight, text.to_owned()));
    }
    found
}

/// Whether a text is an expression: it names a value, calls a function, or is given to what takes one.
fn is_expression(before: &str, text: &str) -> bool {
    let names_a_value = text.contains(' ') && text.split([' ', '(']).any(|part| is_placeholder(part, ':'));
    let calls = WORDS.iter().any(|word| text.contains(&format!("{word}(")));
    let before = before.trim_end_matches("format!(");
    names_a_value || calls || TAKES.iter().any(|call| before.ends_with(call))
}

fn is_placeholder(part: &str, sign: char) -> bool {
    part.strip_prefix(sign).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// The names of attributes in an expression: neither a word of the language, nor `:value`, `#name` or `{}`.
fn names(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut outside = String::new();
    let mut depth = 0;
    for c in expression.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            // A placeholder of the format stands for a name of the list, or for a number behind `:` or `#`.
            _ if depth > 0 => {}
            _ => outside.push(c),
        }
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '#');
    for part in outside.split(|c| !is_part(c)) {
        let is_name = part.starts_with(|c: char| c.is_ascii_alphabetic()) && !WORDS.contains(&part);
        if is_name {
            found.push(part.to_owned());
        }
    }
    found
}

#[test]
fn attributes_of_the_table_are_listed_once() {
    let listed: BTreeSet<&str> = ALL.iter().map(|(_, attribute)| attribute.as_str()).collect();
    let (mut wrong, mut expressions, mut used) = (Vec::new(), 0, BTreeSet::new());
    for (file, source) in files("shared/store/src", "rs") {
        if file == LIST {
            continue;
        }
        let mut is_named = false;
        for (before, text) in texts(&source) {
            if is_named && matches!(before.as_str(), "," | "),") {
                wrong.push(format!("{file}: \"{text}\" names an attribute; use a constant of {LIST}"));
            }
            is_named = [".name(", "_names("].iter().any(|call| before.trim_end_matches("format!(").ends_with(call));
            if is_expression(&before, &text) {
                expressions += 1;
                let unknown = names(&text).into_iter().filter(|name| !listed.contains(name.as_str()));
                wrong.extend(unknown.map(|name| format!("{file}: {name} in \"{text}\" is not in {LIST}")));
                used.extend(names(&text));
            } else if listed.contains(text.as_str()) {
                wrong.push(format!("{file}: \"{text}\" is an attribute's name; use its constant of {LIST}"));
            }
        }
        let words: BTreeSet<String> =
            code(&source).split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned).collect();
        used.extend(words);
    }
    for (constant, attribute) in ALL {
        if !used.contains(*constant) && !used.contains(attribute.as_str()) {
            wrong.push(format!("{LIST}: nothing uses {constant}"));
        }
    }
    none(&wrong);
    assert!(expressions >= 130, "only {expressions} expressions were seen");
}

/// The rule above sees what it should see.
#[test]
fn the_reader_of_expressions_reads() {
    let source = "a.set(\"st = :new, totp.#i.s = if_not_exists(lv, :at)\").remove(\n    \"pend\",\n).value(\":at\", b);\n\
                  const C: &str = \"attribute_not_exists(pk) OR {failures} < :v\";\nError::invalid(\"no place: sit\");\n\
                  .require(format!(\"size({slots}.#a{i}) = :w{i}\"))\n// .set(\"x = :y\")\n#[cfg(test)]\n.set(\"z = :z\")";
    let texts = texts(source);
    let found = texts.iter().filter(|(before, text)| is_expression(before, text));
    let found: Vec<Vec<String>> = found.map(|(_, text)| names(text)).collect();
    assert_eq!(found, [vec!["st", "totp", "s", "lv"], vec!["pend"], vec!["pk"], vec![]]);
}
