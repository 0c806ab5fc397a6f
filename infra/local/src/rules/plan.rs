//! What would change, before it does: a plan is made from what is there and from files, shown, and then written.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::{
    app::App,
    clock::Timestamp,
    enrolable,
    error::Error,
    id::{ActionCode, PointId, RuleId, TenantId},
    rule::catalogue::Catalogue,
    store::{Applied, Configured},
    tenant::Settings,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    document::Bad,
    file::{ActionOf, Files, List, Point, RuleOf, RulesFile},
};

/// What is there, what is wanted, and how they differ.
pub struct Plan {
    seen: Configured,
    wanted: Configured,
    pub differences: Vec<Difference>,
}

/// One thing that differs.
pub struct Difference {
    pub what: String,
    pub before: Option<Map<String, Value>>,
    pub after: Option<Map<String, Value>>,
}

impl Plan {
    /// Checks files against a tenant as it will be; bad ones make no plan. With `prune`, rules, value lists and data
    /// points that no file has are to go; kinds of action stay, for track makes them.
    pub fn new(seen: Configured, files: &Files, prune: bool, now: Timestamp) -> Result<Self, Bad> {
        let wanted = wanted(&seen, files, prune, prune, now)?;
        let differences = differences(&named(&seen), &named(&wanted));
        Ok(Self { seen, wanted, differences })
    }

    /// Writes it, unless something changed since it was made.
    pub async fn apply(&self, app: &App, tenant: &TenantId) -> Result<Applied, Error> {
        let applied = app.store().tenant(tenant).apply(&self.seen, &self.wanted).await?;
        app.forget_tenant(tenant);
        Ok(applied)
    }

    /// What there would be if the rules of the files were the only ones.
    pub fn candidate(seen: &Configured, files: &Files, now: Timestamp) -> Result<Configured, Bad> {
        wanted(seen, files, false, true, now)
    }
}

fn wanted(
    seen: &Configured,
    files: &Files,
    prune_names: bool,
    prune_rules: bool,
    now: Timestamp,
) -> Result<Configured, Bad> {
    let file = files.together();
    let mut wanted = Configured::default();
    points(&mut wanted, seen, files, &file, prune_names)?;
    lists(&mut wanted, seen, files, &file, prune_names, now)?;
    files.check(&Catalogue::new(&wanted.points, &wanted.lists))?;
    actions(&mut wanted, seen, files, &file, prune_rules, now)?;
    if let Some(settings) = &seen.enforced {
        can_be_set_up(settings, files, &file, &wanted)?;
    }
    Ok(wanted)
}

/// While two factors are asked of everybody, no action of the files is answered by what nobody can set up.
fn can_be_set_up(settings: &Settings, files: &Files, file: &RulesFile, wanted: &Configured) -> Result<(), Bad> {
    for action in &file.actions {
        let code = &action.action_code;
        let at = |said: &RulesFile| said.actions.iter().position(|one| one.action_code == *code);
        let bad =
            |refused: Error| files.bad(|said| at(said).map(|index| format!("actions[{index}]")), &refused.to_string());
        enrolable::check_action(settings, &action.config(None)).map_err(bad)?;
        let mut rules = wanted.rules.iter().filter(|rule| rule.action_code == *code);
        rules.try_for_each(|rule| enrolable::check_rule(settings, rule)).map_err(bad)?;
    }
    Ok(())
}

fn points(wanted: &mut Configured, seen: &Configured, files: &Files, file: &RulesFile, prune: bool) -> Result<(), Bad> {
    for point in &file.custom_data_points {
        let known = seen.points.iter().find(|one| (one.model_type, &one.name) == (point.model_type, &point.name));
        if known.is_some_and(|known| known.data_type != point.data_type) {
            let at = |said: &RulesFile| {
                let index = said
                    .custom_data_points
                    .iter()
                    .position(|one| (one.model_type, &one.name) == (point.model_type, &point.name));
                index.map(|index| format!("customDataPoints[{index}].dataType"))
            };
            return Err(files.bad(
                at,
                "the type of a data point stays, because rules are checked against it; give the new one another name",
            ));
        }
        let id = known.map_or_else(PointId::generate, |known| known.id.clone());
        wanted.points.push(point.clone().into_point(id));
    }
    if !prune {
        keep(&mut wanted.points, &seen.points, |one, known| one.id == known.id);
    }
    Ok(())
}

fn lists(
    wanted: &mut Configured,
    seen: &Configured,
    files: &Files,
    file: &RulesFile,
    prune: bool,
    now: Timestamp,
) -> Result<(), Bad> {
    for list in &file.value_lists {
        let known = seen.lists.iter().find(|one| one.alias == list.alias);
        if known.is_some_and(|known| known.item_type != list.item_type) {
            let at = |said: &RulesFile| {
                let index = said.value_lists.iter().position(|one| one.alias == list.alias);
                index.map(|index| format!("valueLists[{index}].itemType"))
            };
            return Err(files.bad(
                at,
                "the type of a value list stays, because rules are checked against it; give the new one another alias",
            ));
        }
        wanted.lists.push(list.clone().into_list(known.map_or(now, |known| known.created_at)));
    }
    if !prune {
        keep(&mut wanted.lists, &seen.lists, |one, known| one.alias == known.alias);
    }
    Ok(())
}

/// Rules are known again by their name within an action.
fn actions(
    wanted: &mut Configured,
    seen: &Configured,
    files: &Files,
    file: &RulesFile,
    prune: bool,
    now: Timestamp,
) -> Result<(), Bad> {
    for action in &file.actions {
        let known = seen.actions.iter().find(|one| one.action_code == action.action_code);
        wanted.actions.push(action.config(known));
        for rule in &action.rules {
            let mut same =
                seen.rules.iter().filter(|one| one.action_code == action.action_code && one.name == rule.name);
            let (known, other) = (same.next(), same.next());
            if other.is_some() {
                let message = format!("two rules of {} are called so; rename one of them first", action.action_code);
                return Err(files.bad(|said| place(said, action, &rule.name, "name"), &message));
            }
            let (id, since) =
                known.map_or_else(|| (RuleId::generate(), now), |known| (known.id.clone(), known.created_at));
            wanted.rules.push(rule.clone().into_rule(action.action_code.clone(), id, since));
        }
    }
    keep(&mut wanted.actions, &seen.actions, |one, known| one.action_code == known.action_code);
    if prune {
        return Ok(());
    }
    let of_files = wanted.rules.len();
    keep(&mut wanted.rules, &seen.rules, |one, known| one.id == known.id);
    let (of_files, kept) = wanted.rules.split_at(of_files);
    for kept in kept {
        let taken = of_files.iter().find(|one| (&one.action_code, one.priority) == (&kept.action_code, kept.priority));
        if let Some(taken) = taken {
            let message = format!(
                "the rule \"{}\" of {}, which no file has, has priority {}; give one of them another, or say --prune",
                kept.name, kept.action_code, kept.priority
            );
            let action = file.actions.iter().find(|one| one.action_code == kept.action_code);
            let at = |said: &RulesFile| action.and_then(|action| place(said, action, &taken.name, "priority"));
            return Err(files.bad(at, &message));
        }
    }
    Ok(())
}

/// What no file has stays as it is.
fn keep<T: Clone>(wanted: &mut Vec<T>, seen: &[T], is_same: impl Fn(&T, &T) -> bool) {
    let kept: Vec<T> = seen.iter().filter(|known| !wanted.iter().any(|one| is_same(one, known))).cloned().collect();
    wanted.extend(kept);
}

fn place(said: &RulesFile, action: &ActionOf, name: &str, field: &str) -> Option<String> {
    let at = said.actions.iter().position(|one| one.action_code == action.action_code)?;
    let index = said.actions.get(at)?.rules.iter().position(|rule| rule.name == name)?;
    Some(format!("actions[{at}].rules[{index}].{field}"))
}

/// Everything of a tenant that files may have, in the order in which it is exported.
pub fn exported(of: &Configured) -> RulesFile {
    let mut points: Vec<Point> = of.points.iter().map(Point::of).collect();
    points.sort_by(|one, two| (&one.name, one.model_type as u8).cmp(&(&two.name, two.model_type as u8)));
    let mut lists: Vec<List> = of.lists.iter().map(List::of).collect();
    lists.sort_by(|one, two| one.alias.cmp(&two.alias));
    let rules_of = |code| {
        let mut rules: Vec<RuleOf> = of.rules.iter().filter(|rule| rule.action_code == code).map(RuleOf::of).collect();
        rules.sort_by_key(|rule| rule.priority);
        rules
    };
    let of_action = |config| ActionOf::of(config, rules_of(config.action_code.clone()));
    let mut actions: Vec<ActionOf> = of.actions.iter().map(of_action).collect();
    actions.sort_by(|one, two| one.action_code.cmp(&two.action_code));
    RulesFile { custom_data_points: points, value_lists: lists, actions }
}

/// Names that more than one rule of an action has. The management API takes them; a file means one rule by a name.
pub fn names_of_several(file: &RulesFile) -> BTreeSet<(&ActionCode, &str)> {
    let mut seen = BTreeSet::new();
    let rules = file.actions.iter().flat_map(|of| of.rules.iter().map(|rule| (&of.action_code, rule.name.as_str())));
    rules.filter(|rule| !seen.insert(*rule)).collect()
}

/// Each thing under a name that people know it by; the sort is the order in which a plan shows them.
fn named(of: &Configured) -> BTreeMap<(u8, String), (String, Map<String, Value>)> {
    let file = exported(of);
    let mut all = BTreeMap::new();
    let mut put = |rank: u8, what: String, fields: Map<String, Value>| {
        // Two rules of one name are no fault of this plan, which changes neither.
        let mut key = (rank, what.clone());
        while all.contains_key(&key) {
            key.1.push('\'');
        }
        all.insert(key, (what, fields));
    };
    for point in &file.custom_data_points {
        let fields = fields(point);
        let model = fields.get("modelType").and_then(Value::as_str).unwrap_or_default().to_owned();
        put(0, format!("data point {} of {model}", point.name), fields);
    }
    for list in &file.value_lists {
        put(1, format!("value list {}", list.alias), fields(list));
    }
    for action in file.actions {
        let code = action.action_code.clone();
        for rule in &action.rules {
            put(3, format!("rule \"{}\" of {code}", rule.name), fields(rule));
        }
        put(2, format!("action {code}"), fields(&ActionOf { rules: Vec::new(), ..action }));
    }
    all
}

fn fields(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

type Named = BTreeMap<(u8, String), (String, Map<String, Value>)>;

fn differences(before: &Named, after: &Named) -> Vec<Difference> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differ = keys.into_iter().filter_map(|key| {
        let (old, new) = (before.get(key), after.get(key));
        let what = new.or(old)?.0.clone();
        let fields = |one: Option<&(String, Map<String, Value>)>| one.map(|(_, fields)| fields.clone());
        (old != new).then(|| Difference { what, before: fields(old), after: fields(new) })
    });
    differ.collect()
}

impl Difference {
    pub fn sign(&self) -> char {
        match (&self.before, &self.after) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        }
    }

    /// For people: field by field, what is a tree written as one.
    pub fn lines(&self) -> Vec<String> {
        let empty = Map::new();
        let (before, after) = (self.before.as_ref().unwrap_or(&empty), self.after.as_ref().unwrap_or(&empty));
        let mut lines = vec![format!("{} {}", self.sign(), self.what)];
        if self.after.is_none() {
            return lines;
        }
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (old, new) = (before.get(name), after.get(name));
            if old == new {
                continue;
            }
            let is_tree = |value: &Value| value.is_object();
            if old.is_some_and(is_tree) || new.is_some_and(is_tree) {
                lines.push(format!("    {name}:"));
                tree(&mut lines, '-', old);
                tree(&mut lines, '+', new);
            } else {
                let shown = |value: Option<&Value>| value.map_or_else(|| "(default)".to_owned(), Value::to_string);
                lines.push(match self.before {
                    None => format!("    {name}: {}", shown(new)),
                    Some(_) => format!("    {name}: {} -> {}", shown(old), shown(new)),
                });
            }
        }
        lines
    }
}

fn tree(lines: &mut Vec<String>, sign: char, value: Option<&Value>) {
    let text = value.and_then(|value| serde_json::to_string_pretty(value).ok()).unwrap_or_default();
    lines.extend(text.lines().map(|line| format!("      {sign} {line}")));
}
