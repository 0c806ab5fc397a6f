//! Rules files: kinds of action with their rules, value lists and data points, as people keep them in Git.
//!
//! What a file says of a thing is all of it: a field that is left out has its default.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use countersign_core::{
    clock::Timestamp,
    error::Error,
    facts::{Format, Shown, Texts},
    id::{ActionCode, ListAlias, PointId, RuleId},
    method::Method,
    policy::FailureMode,
    rule::{
        DataPoint, DataType, LAST_PRIORITY, ModelType, Outcome, Rule,
        catalogue::Catalogue,
        list::{ItemType, ValueList},
    },
    tenant::ActionConfig,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Bad, Document};

/// What a file says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RulesFile {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_data_points: Vec<Point>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value_lists: Vec<List>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionOf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Point {
    pub name: String,
    pub data_type: DataType,
    pub model_type: ModelType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_public: bool,
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub label: Texts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct List {
    pub alias: ListAlias,
    pub name: String,
    pub item_type: ItemType,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub is_active: bool,
    #[serde(default)]
    pub value_list_items: Vec<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActionOf {
    pub action_code: ActionCode,
    #[serde(default = "challenge")]
    pub default_user_action_result: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_error_outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "is_closed")]
    pub failure_mode: FailureMode,
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub display_name: Texts,
    #[serde(default, skip_serializing_if = "none_or_empty")]
    pub verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "none_or_empty")]
    pub prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_verification_method: Option<Method>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_webhook_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_templates: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleOf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleOf {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub priority: u8,
    #[serde(rename = "type")]
    pub outcome: Outcome,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub is_active: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_shadow: bool,
    #[serde(default, skip_serializing_if = "none_or_empty")]
    pub verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "none_or_empty")]
    pub prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_verification_method: Option<Method>,
    pub conditions: Value,
}

fn yes() -> bool {
    true
}
fn challenge() -> Outcome {
    Outcome::Challenge
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_true(value: &bool) -> bool {
    *value
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_closed(mode: &FailureMode) -> bool {
    *mode == FailureMode::Closed
}
fn none_or_empty(methods: &Option<Vec<Method>>) -> bool {
    methods.as_ref().is_none_or(Vec::is_empty)
}
fn not_empty(methods: &Option<Vec<Method>>) -> Option<Vec<Method>> {
    methods.clone().filter(|methods| !methods.is_empty())
}

impl Point {
    pub fn into_point(self, id: PointId) -> DataPoint {
        let Self { name, data_type, model_type, description, is_public, label, format, unit } = self;
        let shown = Shown { label, format, unit };
        DataPoint { id, name, data_type, model_type, description, is_public, shown }
    }
    pub fn of(point: &DataPoint) -> Self {
        let DataPoint { name, data_type, model_type, description, is_public, shown, .. } = point.clone();
        let Shown { label, format, unit } = shown;
        Self { name, data_type, model_type, description, is_public, label, format, unit }
    }
}

impl List {
    pub fn into_list(self, created_at: Timestamp) -> ValueList {
        let Self { alias, name, item_type, is_active, value_list_items: items } = self;
        ValueList { alias, name, item_type, is_active, items, created_at }
    }
    pub fn of(list: &ValueList) -> Self {
        let ValueList { alias, name, item_type, is_active, items, .. } = list.clone();
        Self { alias, name, item_type, is_active, value_list_items: items }
    }
}

impl ActionOf {
    /// The kind of action without its rules, in the life and with the dates of one that is there.
    pub fn config(&self, known: Option<&ActionConfig>) -> ActionConfig {
        let of = known.cloned().unwrap_or_else(|| ActionConfig::new(self.action_code.clone()));
        ActionConfig {
            default_user_action_result: self.default_user_action_result,
            rule_error_outcome: self.rule_error_outcome,
            failure_mode: self.failure_mode,
            display_name: self.display_name.clone(),
            verification_methods: not_empty(&self.verification_methods),
            prompt_to_enroll_verification_methods: self.prompt_to_enroll_verification_methods.clone(),
            default_verification_method: self.default_verification_method,
            verification_webhook_url: self.verification_webhook_url.clone(),
            messaging_templates: self.messaging_templates.clone(),
            ..of
        }
    }
    pub fn of(config: &ActionConfig, rules: Vec<RuleOf>) -> Self {
        let config = config.clone();
        Self {
            action_code: config.action_code,
            default_user_action_result: config.default_user_action_result,
            rule_error_outcome: config.rule_error_outcome,
            failure_mode: config.failure_mode,
            display_name: config.display_name,
            verification_methods: config.verification_methods,
            prompt_to_enroll_verification_methods: config.prompt_to_enroll_verification_methods,
            default_verification_method: config.default_verification_method,
            verification_webhook_url: config.verification_webhook_url,
            messaging_templates: config.messaging_templates,
            rules,
        }
    }
}

impl RuleOf {
    pub fn into_rule(self, action_code: ActionCode, id: RuleId, created_at: Timestamp) -> Rule {
        Rule {
            id,
            action_code,
            name: self.name,
            description: self.description,
            is_active: self.is_active,
            is_shadow: self.is_shadow,
            priority: self.priority,
            outcome: self.outcome,
            verification_methods: not_empty(&self.verification_methods),
            prompt_to_enroll_verification_methods: self.prompt_to_enroll_verification_methods.clone(),
            default_verification_method: self.default_verification_method,
            conditions: self.conditions,
            created_at,
        }
    }
    pub fn of(rule: &Rule) -> Self {
        let rule = rule.clone();
        Self {
            name: rule.name,
            description: rule.description,
            priority: rule.priority,
            outcome: rule.outcome,
            is_active: rule.is_active,
            is_shadow: rule.is_shadow,
            verification_methods: rule.verification_methods,
            prompt_to_enroll_verification_methods: rule.prompt_to_enroll_verification_methods,
            default_verification_method: rule.default_verification_method,
            conditions: rule.conditions,
        }
    }
}

/// What some files say together, with where they say it.
pub struct Files {
    documents: Vec<(Document, RulesFile)>,
}

impl Files {
    /// Reads files, and of folders every file in them that is JSON or YAML, by name.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Bad> {
        let mut documents = Vec::new();
        for path in paths {
            for file in if path.is_dir() { in_folder(path)? } else { vec![path.clone()] } {
                let document = Document::read(&file)?;
                let said = document.typed()?;
                documents.push((document, said));
            }
        }
        let files = Self { documents };
        files.each_once()?;
        Ok(files)
    }

    /// Everything that they say, in one.
    pub fn together(&self) -> RulesFile {
        let mut all = RulesFile::default();
        for (_, said) in &self.documents {
            all.custom_data_points.extend(said.custom_data_points.iter().cloned());
            all.value_lists.extend(said.value_lists.iter().cloned());
            all.actions.extend(said.actions.iter().cloned());
        }
        all
    }

    /// Names are names: of two things with one, it would be chance which is meant.
    fn each_once(&self) -> Result<(), Bad> {
        let (mut things, mut places) = (BTreeSet::new(), BTreeSet::new());
        for (document, said) in &self.documents {
            let mut once = |path: String, what: String| match things.insert(what.clone()) {
                true => Ok(()),
                false => {
                    Err(document.bad(&path, format!("{what} is there twice; leave one out, or give it another name")))
                }
            };
            for (index, point) in said.custom_data_points.iter().enumerate() {
                let model = if point.model_type == ModelType::User { "user" } else { "action" };
                once(format!("customDataPoints[{index}].name"), format!("the {model} data point {}", point.name))?;
            }
            for (index, list) in said.value_lists.iter().enumerate() {
                once(format!("valueLists[{index}].alias"), format!("the value list {}", list.alias))?;
            }
            for (at, action) in said.actions.iter().enumerate() {
                once(format!("actions[{at}].actionCode"), format!("the action {}", action.action_code))?;
                for (index, rule) in action.rules.iter().enumerate() {
                    let path = format!("actions[{at}].rules[{index}]");
                    once(format!("{path}.name"), format!("the rule \"{}\" of {}", rule.name, action.action_code))?;
                    if rule.priority > LAST_PRIORITY {
                        let message = format!("priority is between 0 and {LAST_PRIORITY}.");
                        return Err(document.bad(&format!("{path}.priority"), message));
                    }
                    if !places.insert((action.action_code.clone(), rule.priority)) {
                        let message = format!("There is already another rule with priority: {}", rule.priority);
                        return Err(document.bad(&format!("{path}.priority"), message));
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks everything as the management API does, against the data points and lists that there will be.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), Bad> {
        let now = Timestamp::UNIX_EPOCH;
        for (document, said) in &self.documents {
            let at = |path: &str, found: Result<(), Error>| found.map_err(|error| located(document, path, &error));
            for (index, point) in said.custom_data_points.iter().enumerate() {
                let path = format!("customDataPoints[{index}]");
                at(&path, point.clone().into_point(PointId::generate()).check())?;
            }
            for (index, list) in said.value_lists.iter().enumerate() {
                at(&format!("valueLists[{index}]"), list.clone().into_list(now).check())?;
            }
            for (index, action) in said.actions.iter().enumerate() {
                at(&format!("actions[{index}]"), action.config(None).check())?;
                for (place, rule) in action.rules.iter().enumerate() {
                    let rule = rule.clone().into_rule(action.action_code.clone(), RuleId::generate(), now);
                    at(&format!("actions[{index}].rules[{place}]"), rule.check(catalogue))?;
                }
            }
        }
        Ok(())
    }

    /// A fault of the thing that `find` names by its path.
    pub fn bad(&self, find: impl Fn(&RulesFile) -> Option<String>, message: &str) -> Bad {
        let found = self.documents.iter().find_map(|(document, said)| Some(document.bad(&find(said)?, message)));
        found.unwrap_or_else(|| Bad(message.to_owned()))
    }
}

/// A message of the API begins with the field that it is about, or with its path.
fn located(document: &Document, path: &str, error: &Error) -> Bad {
    let message = error.to_string();
    if let Some((field, rest)) = message.split_once(": ").filter(|(field, _)| !field.contains(' ')) {
        return document.bad(&format!("{path}.{field}"), rest);
    }
    let field = message.split(' ').next().unwrap_or_default();
    let is_field = !field.is_empty() && field.starts_with(char::is_lowercase);
    document.bad(&if is_field { format!("{path}.{field}") } else { path.to_owned() }, message)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Bad> {
    let name = folder.display();
    let unread = |error: std::io::Error| Bad(format!("{name}: it cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.extension().is_some_and(|ending| ["json", "yaml", "yml"].iter().any(|known| ending == *known)) {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Bad(format!("{name}: there is no .yaml, .yml or .json in it")));
    }
    files.sort();
    Ok(files)
}

/// The data points and value lists that a rule of these files may name, in a tenant that has none.
pub fn catalogue_of(file: &RulesFile) -> (Vec<DataPoint>, Vec<ValueList>) {
    let points = file.custom_data_points.iter().map(|point| point.clone().into_point(PointId::generate()));
    let lists = file.value_lists.iter().map(|list| list.clone().into_list(Timestamp::UNIX_EPOCH));
    (points.collect(), lists.collect())
}
