//! Cases: what rules are to make of an action, written down before anybody tries it.

use std::{collections::HashMap, fmt::Write as _};

use countersign_core::{
    clock::Timestamp,
    id::{ActionCode, RuleId},
    method::Method,
    rule::{
        Outcome, RuleSet, Ruling,
        catalogue::{Catalogue, Form},
        facts::{self, Data, Lists},
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    document::{Bad, Document},
    file::{ActionOf, Files, RulesFile, catalogue_of},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CasesFile {
    /// The time of cases that say none.
    #[serde(default)]
    at: Option<Timestamp>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    action: ActionCode,
    #[serde(default)]
    at: Option<Timestamp>,
    /// Data points by their names, `ip.address` or nested: `ip: {address: …}`.
    #[serde(default)]
    given: Map<String, Value>,
    expect: Expected,
}

/// What is not said is not compared.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    outcome: Outcome,
    /// Names of the active rules that match, by priority.
    #[serde(default)]
    rules: Option<Vec<String>>,
    #[serde(default)]
    decided_by: Option<String>,
    #[serde(default)]
    methods: Option<Vec<Method>>,
    /// Names of the shadow rules that match.
    #[serde(default)]
    shadow: Option<Vec<String>>,
    /// Names of the rules that cannot be computed.
    #[serde(default)]
    failed: Option<Vec<String>>,
}

/// What came of the cases: a line each, and how many failed.
pub struct Results {
    pub lines: Vec<String>,
    pub failed: usize,
}

/// Runs the cases of a file against rules, compiled as the server compiles them.
pub fn run(cases: &Document, files: &Files) -> Result<Results, Bad> {
    let said: CasesFile = cases.typed()?;
    let rules = files.together();
    let (points, lists) = catalogue_of(&rules);
    let catalogue = Catalogue::new(&points, &lists);
    files.check(&catalogue)?;
    let lists = Lists::new(&lists);
    let mut compiled = HashMap::new();
    let mut ready = Vec::new();
    for (index, case) in said.cases.iter().enumerate() {
        let path = format!("cases[{index}]");
        let action = action_of(&rules, case)
            .ok_or_else(|| cases.bad(&format!("{path}.action"), format!("the rules have no action {}", case.action)))?;
        let at = case.at.or(said.at).ok_or_else(|| {
            cases.bad(&path, "say when it is: at: 2026-11-21T10:00:00Z, here or for all cases beside them")
        })?;
        let mut data = Data::new();
        flatten(
            &case.given,
            "",
            &mut |name, value| {
                let here = format!("{path}.given.{name}");
                check(name, value, &catalogue).map_err(|message| cases.bad(&here, message))?;
                data.insert(name.to_owned(), value.clone());
                Ok(())
            },
            &catalogue,
        )?;
        facts::complete(&mut data, &case.action, &lists, at);
        compiled.entry(&case.action).or_insert_with(|| Compiled::new(action, &catalogue));
        ready.push((case, data, at));
    }
    let mut results = Results { lines: Vec::new(), failed: 0 };
    for (case, data, at) in ready {
        let Some(compiled) = compiled.get(&case.action) else { continue };
        let (line, passed) = compiled.judge(case, data, &lists, at);
        results.lines.push(line);
        results.failed += usize::from(!passed);
    }
    Ok(results)
}

fn action_of<'a>(rules: &'a RulesFile, case: &Case) -> Option<&'a ActionOf> {
    rules.actions.iter().find(|action| action.action_code == case.action)
}

/// Names each value by its data point: `ip: {address: …}` is `ip.address`.
fn flatten(
    fields: &Map<String, Value>,
    prefix: &str,
    each: &mut impl FnMut(&str, &Value) -> Result<(), Bad>,
    catalogue: &Catalogue,
) -> Result<(), Bad> {
    for (name, value) in fields {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(inner) => flatten(inner, &name, each, catalogue)?,
            // As absent as where it is not said.
            Value::Null if catalogue.point(&name).is_ok() => {}
            one => each(&name, one)?,
        }
    }
    Ok(())
}

fn check(name: &str, value: &Value, catalogue: &Catalogue) -> Result<(), String> {
    let wanted = catalogue.point(name)?;
    if !wanted.has(value) {
        return Err(format!("{name} is {}, and not {value}", wanted.name()));
    }
    let texts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    match Form::of(name) {
        Some(form) if !texts.iter().filter_map(Value::as_str).all(|text| form.has(text)) => {
            Err(format!("{name} is never {value}; write {}", form.wanted()))
        }
        _ => Ok(()),
    }
}

/// The rules of an action, and what they are called.
struct Compiled {
    rules: RuleSet,
    names: HashMap<RuleId, String>,
    default: Outcome,
    on_error: Outcome,
    methods: Vec<Method>,
}

impl Compiled {
    fn new(action: &ActionOf, catalogue: &Catalogue) -> Self {
        let (mut names, mut rules) = (HashMap::new(), Vec::new());
        for rule in &action.rules {
            let id = RuleId::generate();
            names.insert(id.clone(), rule.name.clone());
            rules.push(rule.clone().into_rule(action.action_code.clone(), id, Timestamp::UNIX_EPOCH));
        }
        let config = action.config(None);
        Self {
            rules: RuleSet::new(rules, catalogue),
            names,
            default: config.default_user_action_result,
            on_error: config.on_rule_error(),
            methods: config.allowed_methods(),
        }
    }

    fn named(&self, ids: &[RuleId]) -> Vec<String> {
        ids.iter().filter_map(|id| self.names.get(id).cloned()).collect()
    }

    /// One line, and whether everything is as expected.
    fn judge(&self, case: &Case, data: Data, lists: &Lists, at: Timestamp) -> (String, bool) {
        let Ruling { outcome, methods, trace } = self.rules.decide(data, lists, self.on_error, at);
        let outcome = outcome.unwrap_or(self.default);
        let decided_by = trace.decided_by.as_ref().and_then(|id| self.names.get(id)).cloned();
        let matched: Vec<String> = trace.matched.iter().map(|rule| rule.name.clone()).collect();
        let expected = &case.expect;
        let mut wrong = Vec::new();
        let mut compare = |what: &str, wanted: Value, was: Value| {
            if wanted != was {
                wrong.push(format!("expected {what} {wanted}, decided {was}"));
            }
        };
        compare("outcome", json!(expected.outcome), json!(outcome));
        if let Some(name) = &expected.decided_by {
            compare("decidedBy", json!(name), json!(decided_by));
        }
        if let Some(methods_wanted) = &expected.methods {
            compare("methods", json!(methods_wanted), json!(methods.as_ref().unwrap_or(&self.methods)));
        }
        let lists_of = [
            ("rules", &expected.rules, matched.clone()),
            ("shadow", &expected.shadow, self.named(&trace.shadow)),
            ("failed", &expected.failed, self.named(&trace.failed)),
        ];
        for (what, wanted, was) in lists_of {
            if let Some(wanted) = wanted {
                compare(what, json!(wanted), json!(was));
            }
        }
        let passed = wrong.is_empty();
        let mut line = format!("{} {}", if passed { "pass" } else { "FAIL" }, case.name);
        let by = decided_by.map_or_else(|| "no rule".to_owned(), |name| format!("\"{name}\""));
        let _ = match passed {
            true => write!(line, ": {} by {by}", json!(outcome).as_str().unwrap_or_default()),
            false => write!(line, ": {}; matched {}; by {by}", wrong.join("; "), json!(matched)),
        };
        (line, passed)
    }
}
