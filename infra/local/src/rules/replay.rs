//! What rules of files would have made of the actions that are stored.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use clap::Args;
use countersign_core::{
    app::App,
    clock::{Timestamp, iso},
    error::Error,
    id::{ActionCode, TenantId},
    replay::{Candidate, OfAction, Report},
    store::Configured,
};
use serde_json::{Value, json};

use super::{
    document::Bad,
    file::{Files, RulesFile},
    plan::Plan,
};
use crate::{
    first_run::Trouble,
    progress::{self, Of},
};

/// Parts of the scan on AWS, each a task of its own. The embedded store is asked in one.
pub const PARTS: i32 = 8;

#[derive(Args)]
pub struct ReplayOptions {
    /// Rules files, and folders of them.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How far back: 7d, 12h or 30m. Actions are kept for 31 days.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub since: i64,
    /// Only actions of this code.
    #[arg(long, value_name = "CODE", value_parser = code)]
    pub action: Option<ActionCode>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

fn code(text: &str) -> Result<ActionCode, String> {
    ActionCode::parse(text).map_err(|error| error.to_string())
}

fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || "write how far back it goes: 7d, 12h or 30m".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let width = match unit {
        'd' => 24 * 3600,
        'h' => 3600,
        'm' => 60,
        _ => return Err(wrong()),
    };
    let count: i64 = text.strip_suffix(unit).and_then(|count| count.parse().ok()).ok_or_else(wrong)?;
    if (1..=i64::from(i32::MAX)).contains(&count) { Ok(count * width) } else { Err(wrong()) }
}

/// The rules of files as they would be in the tenant; of one kind of action where that is asked.
pub fn candidate(
    seen: &Configured,
    files: &Files,
    only: Option<&ActionCode>,
    now: Timestamp,
) -> Result<Candidate, Bad> {
    let RulesFile { actions, .. } = files.together();
    if let Some(code) = only.filter(|code| !actions.iter().any(|action| action.action_code == **code)) {
        return Err(Bad(format!("the files have no action {code}; correct --action")));
    }
    // Rules that no file has are not part of it: those of the files alone are tried.
    let wanted = Plan::candidate(seen, files, now)?;
    let named = |code: &ActionCode| {
        only.map_or_else(|| actions.iter().any(|one| one.action_code == *code), |only| only == code)
    };
    let configs = wanted.actions.into_iter().filter(|config| named(&config.action_code));
    let mut rules: BTreeMap<ActionCode, Vec<_>> = BTreeMap::new();
    for rule in wanted.rules {
        rules.entry(rule.action_code.clone()).or_default().push(rule);
    }
    let configs: Vec<_> = configs
        .map(|config| {
            let rules = rules.remove(&config.action_code).unwrap_or_default();
            (config, rules)
        })
        .collect();
    Ok(Candidate::new(configs, wanted.points, &wanted.lists))
}

/// Replays every action since a time, in parts side by side, with a bar where somebody watches.
pub async fn run(
    app: &App,
    tenant: &TenantId,
    candidate: Candidate,
    since: Timestamp,
    parts: i32,
) -> Result<Report, Error> {
    // The bar counts the items that are read, because nobody knows beforehand how many of them are actions.
    let bar = progress::bar(app.store().about_how_many_items().await?, Of::Items);
    let candidate = Arc::new(candidate);
    let tasks = (0..parts).map(|part| {
        let (app, tenant, candidate, bar) = (app.clone(), tenant.clone(), candidate.clone(), bar.clone());
        tokio::spawn(async move {
            let mut report = Report::default();
            let count = |user, action| {
                report.count(&candidate, &user, &action);
            };
            let read = |items| {
                bar.inc(items);
                // The table has more than it said.
                bar.set_length(bar.length().max(Some(bar.position())).unwrap_or_default());
            };
            app.store().tenant(&tenant).scan_actions(part, parts, since, count, read).await.map(|()| report)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut report = Report::default();
    for task in tasks {
        report.add(task.await.map_err(Error::internal)??);
    }
    bar.finish_and_clear();
    Ok(report)
}

pub fn as_json(tenant: &TenantId, since: Timestamp, report: &Report) -> Value {
    json!({"tenantId": tenant, "since": iso(since), "actions": report.actions, "examples": report.examples})
}

/// For people.
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for (code, of) in &report.actions {
        let OfAction { seen, not_evaluated, changed, failed, .. } = of;
        lines.push(format!("{code}: {seen} actions seen, {changed} would have another outcome"));
        if *not_evaluated > 0 {
            lines.push(format!(
                "  not evaluated {not_evaluated:>8}: they had no rules, and these ask more than was stored with them"
            ));
        }
        for (change, count) in &of.changes {
            lines.push(format!("  {change:<24} {count:>8}"));
        }
        let (before, after) = (of.challenge_rate_before * 100.0, of.challenge_rate_after * 100.0);
        lines.push(format!("  challenge rate {before:.1} % -> {after:.1} %"));
        for (name, count) in &of.shadow {
            lines.push(format!("  shadow rule \"{name}\" matches {count}"));
        }
        if *failed > 0 {
            lines.push(format!("  a rule cannot be computed for {failed}"));
        }
    }
    if lines.is_empty() {
        lines.push("no actions of these kinds in that time".into());
    }
    if !report.examples.is_empty() {
        lines.push("examples:".into());
    }
    for example in &report.examples {
        let by = example.rule.as_ref().map_or_else(|| "no rule".to_owned(), |name| format!("\"{name}\""));
        lines.push(format!(
            "  {} {} {} {}: {} -> {} by {by}",
            example.created_at,
            example.action_code,
            example.user_id.escape_debug(),
            example.idempotency_key.escape_debug(),
            example.before.as_str(),
            example.after.as_str()
        ));
    }
    lines
}

impl ReplayOptions {
    pub fn begins(&self, now: Timestamp) -> Result<Timestamp, Trouble> {
        let begins = now.as_second().saturating_sub(self.since);
        Timestamp::from_second(begins).map_err(|_| Trouble("--since goes back too far".into()))
    }
}
