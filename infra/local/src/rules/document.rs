//! A file that people write, as values that know their line: JSON, or YAML without its surprises.

use std::{collections::HashMap, fmt, fs, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Options, Spanned, budget, options};

/// More than this is no file that people write.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// What is wrong with a file: where, and what to change. Nothing has been done.
#[derive(Debug)]
pub struct Bad(pub String);

/// What a file says, and on which line it says it.
pub struct Document {
    name: String,
    value: Value,
    /// By the path of a value: `actions[0].rules[2].type`.
    lines: HashMap<String, u64>,
}

impl Document {
    /// Reads a file; JSON where its name ends so, and else YAML.
    pub fn read(path: &Path) -> Result<Self, Bad> {
        let name = path.display().to_string();
        let unread = |error: std::io::Error| Bad(format!("{name}: it cannot be read: {error}"));
        let size = fs::metadata(path).map_err(unread)?.len();
        if size > MAX_BYTES {
            return Err(Bad(format!("{name}: it has {size} bytes, and at most {MAX_BYTES}; make several files of it")));
        }
        let text = fs::read(path).map_err(unread)?;
        let text = String::from_utf8(text).map_err(|_| Bad(format!("{name}: it is no UTF-8; save it as UTF-8")))?;
        Self::parse(name, &text, path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")))
    }

    fn parse(name: String, text: &str, is_json: bool) -> Result<Self, Bad> {
        let read = serde_saphyr::from_str_with_options::<Node>(text, limits());
        let mut lines = HashMap::new();
        if is_json {
            let value = serde_json::from_str::<NoTwice>(text);
            let value = value.map_err(|error| Bad(format!("{name}:{}: {error}", error.line())))?.0;
            // YAML 1.2 is a superset of JSON; a line that it cannot say is missing in messages, and nothing else.
            if let Ok(node) = read {
                node.into_value("", &mut lines);
            }
            return Ok(Self { name, value, lines });
        }
        let node = read.map_err(|error| {
            let line = error.location().map_or(0, |location| location.line());
            Bad(format!("{name}:{line}: {}", error.without_snippet().to_string().replace('\n', " ")))
        })?;
        let value = node.into_value("", &mut lines);
        Ok(Self { name, value, lines })
    }

    /// A fault at a path, with the line of the nearest value that contains it.
    pub fn bad(&self, path: &str, message: impl fmt::Display) -> Bad {
        let mut near = path;
        let line = loop {
            match (self.lines.get(near), near.rfind(['.', '['])) {
                (Some(line), _) => break *line,
                (None, Some(end)) => near = near.get(..end).unwrap_or_default(),
                (None, None) => break self.lines.get("").copied().unwrap_or(1),
            }
        };
        let at = if path.is_empty() { String::new() } else { format!(" {path}:") };
        Bad(format!("{}:{line}:{at} {message}", self.name))
    }

    /// What it says, as a type; unknown names are faults where the type says so.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Bad> {
        serde_path_to_error::deserialize(self.value.clone()).map_err(|error| {
            let path = error.path().to_string();
            self.bad(if path == "." { "" } else { &path }, error.inner())
        })
    }
}

/// No billion laughs: what a text of this size can say, nested no deeper than rules are.
fn limits() -> Options {
    let mut options = options! {
        budget: budget! { max_depth: 100, max_nodes: 200_000, max_aliases: 100, max_anchors: 100 },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    options.alias_limits.max_total_replayed_events = 10_000;
    options
}

/// A value with its line.
struct Node(Spanned<Raw>);

enum Raw {
    One(Value),
    List(Vec<Node>),
    /// With the line of each name: a value may begin below it.
    Map(Vec<(Spanned<String>, Node)>),
}

impl Node {
    fn into_value(self, path: &str, lines: &mut HashMap<String, u64>) -> Value {
        lines.entry(path.to_owned()).or_insert(self.0.referenced.line());
        match self.0.value {
            Raw::One(value) => value,
            Raw::List(items) => {
                let items = items.into_iter().enumerate();
                items.map(|(index, item)| item.into_value(&format!("{path}[{index}]"), lines)).collect()
            }
            Raw::Map(entries) => {
                let dot = if path.is_empty() { "" } else { "." };
                let entries = entries.into_iter().map(|(name, value)| {
                    let path = format!("{path}{dot}{}", name.value);
                    lines.insert(path.clone(), name.referenced.line());
                    (name.value, value.into_value(&path, lines))
                });
                Value::Object(entries.collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value as JSON has it")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::One(Value::Null))
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::One(Value::Null))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::One(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::One(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::One(value.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        let number = Number::from_f64(value);
        number.map(|number| Raw::One(number.into())).ok_or_else(|| E::custom("a number is finite"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::One(value.into()))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(Any)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = all.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = all.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// JSON in which no name stands twice: of two rules' fields one would be lost silently.
struct NoTwice(Value);

impl<'de> Deserialize<'de> for NoTwice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Json).map(Self)
    }
}

struct Json;

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(NoTwice(item)) = all.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((name, NoTwice(value))) = all.next_entry::<String, _>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("\"{name}\" stands here twice; leave one out")));
            }
            fields.insert(name, value);
        }
        Ok(fields.into())
    }
}
