//! What the shop's backend asked, for the page to show beside the shop.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::backend::{Answer, Backend};

/// So many calls of a visitor are shown, and so many visitors are remembered.
const CALLS: usize = 40;
const VISITORS: usize = 64;

/// One call, or the address that the browser was sent to.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) at: u128,
    /// `track`, `url`, `validate`, or nothing for any other.
    pub(super) step: &'static str,
    pub(super) line: String,
    pub(super) state: String,
    /// `good`, `ask` or `bad`.
    pub(super) mood: &'static str,
    pub(super) why: String,
    /// The same call for a terminal.
    pub(super) curl: String,
    pub(super) answer: String,
}

/// The calls of each visitor, by a name in its cookie; the oldest first.
#[derive(Default)]
pub(super) struct Calls(Mutex<BTreeMap<String, Vec<Call>>>);

impl Calls {
    pub(super) fn add(&self, trace: &str, call: Call) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |calls: &Vec<Call>| calls.last().map_or(0, |call| call.at);
        if all.len() >= VISITORS && !all.contains_key(trace) {
            let oldest = all.iter().min_by_key(|(_, calls)| at(calls)).map(|(name, _)| name.clone());
            if let Some(name) = oldest {
                all.remove(&name);
            }
        }
        let calls = all.entry(trace.to_owned()).or_default();
        calls.push(call);
        let too_many = calls.len().saturating_sub(CALLS);
        calls.drain(..too_many);
    }

    /// The newest first.
    pub(super) fn of(&self, trace: &str) -> Vec<Call> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(trace).into_iter().flatten().rev().cloned().collect()
    }
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

impl Call {
    pub(super) fn new(backend: &Backend, method: &str, path: &[&str], body: &Value, answer: &Answer) -> Self {
        let Answer { status, said } = answer;
        let url = backend.url(path).map(|url| url.to_string()).unwrap_or_default();
        let line = format!("{method} {}", url.strip_prefix(&backend.origin).unwrap_or(&url));
        let step = match path {
            [.., "validate"] => "validate",
            [_, _, "actions", _] => "track",
            _ => "",
        };
        let state = said["state"].as_str().map_or_else(|| status.to_string(), str::to_owned);
        let sent = match method {
            "GET" => String::new(),
            _ => format!(" \\\n  -H 'content-type: application/json' \\\n  -d {}", quoted(&body.to_string())),
        };
        Self {
            at: now(),
            step,
            line,
            mood: mood(step, *status, said),
            state,
            why: why(step, path, said),
            curl: format!("curl -u {}: -X {method} {}{sent}", backend.secret_key, quoted(&url)),
            answer: serde_json::to_string_pretty(&shortened(said)).unwrap_or_default(),
        }
    }

    /// The browser goes to the hosted page.
    pub(super) fn browser(url: &str) -> Self {
        let page = url.split('?').next().unwrap_or(url);
        Self {
            at: now(),
            step: "url",
            line: format!("the browser opens url: {page}?token=…"),
            state: String::new(),
            mood: "ask",
            why: "The hosted page asks, in the shop's colours. The shop waits for its word and believes only validate."
                .into(),
            curl: String::new(),
            answer: String::new(),
        }
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn mood(step: &str, status: u16, said: &Value) -> &'static str {
    match said["state"].as_str().unwrap_or_default() {
        _ if status != 200 => "bad",
        "CHALLENGE_REQUIRED" if step == "validate" => "bad",
        "CHALLENGE_REQUIRED" | "REVIEW_REQUIRED" => "ask",
        "BLOCK" | "CHALLENGE_FAILED" | "REVIEW_FAILED" => "bad",
        _ => "good",
    }
}

/// What decided, in a line.
fn why(step: &str, path: &[&str], said: &Value) -> String {
    let name = |rule: &&Value| rule["ruleId"] == said["priorityRuleId"] && rule["ruleId"].is_string();
    let rule =
        said["rules"].as_array().and_then(|rules| rules.iter().find(name)).and_then(|rule| rule["name"].as_str());
    let is_enrolled = said["isEnrolled"] == true;
    match (step, rule, said["state"].as_str().unwrap_or_default()) {
        ("validate", ..) if said["isValid"] == true => {
            "Confirmed, once and for this very action. Only now the shop acts.".into()
        }
        ("validate", ..) => "Not confirmed, so the shop does nothing.".into(),
        ("track", Some(rule), "ALLOW") if !is_enrolled => {
            format!("The rule “{rule}” asks for a second step, and nobody has set one up: isEnrolled is false.")
        }
        ("track", Some(rule), _) => format!("The rule “{rule}” decided."),
        ("track", None, "ALLOW") if !is_enrolled => {
            "No rule decided, and nothing is set up that could be asked for.".into()
        }
        ("", ..) if said["isEnrolled"] == true => "The backend looks: isEnrolled is true now.".into(),
        ("track", None, _) => format!("No rule decided: what {} does by default.", path.last().unwrap_or(&"it")),
        _ => String::new(),
    }
}

/// The answer without what fills a screen and says nothing.
fn shortened(said: &Value) -> Value {
    match said {
        Value::String(text) if text.len() > 80 => text.chars().take(60).chain(['…']).collect::<String>().into(),
        Value::Array(all) => all.iter().map(shortened).collect(),
        Value::Object(all) => all.iter().map(|(name, one)| (name.clone(), shortened(one))).collect(),
        other => other.clone(),
    }
}
