//! `countersign rules`: rules are files in Git, tried before they are turned on.

mod cases;
mod document;
mod file;
mod plan;
mod replay;

use std::{
    io::{IsTerminal, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand, ValueEnum};
use countersign_core::{
    app::App,
    clock::Timestamp,
    id::TenantId,
    replay::Report,
    store::{Applied, Configured},
};
use serde_json::json;

use crate::{
    first_run::Trouble,
    operator::{Installation, OfTenant, Opened, failed, which},
};

pub use document::{Bad, Document};
pub use file::Files;
pub use plan::Plan;
pub use replay::ReplayOptions;

/// Rules from files. The exit code is 2 when a file is bad; then nothing was done.
#[derive(Subcommand)]
pub enum RulesCommand {
    /// Try cases against rules, offline. The exit code is 1 when a case failed.
    Test {
        /// JSON or YAML: inputs, and what is expected of them.
        cases: PathBuf,
        /// A rules file, or a folder of them.
        #[arg(long, value_name = "PATH", required = true)]
        rules: Vec<PathBuf>,
    },
    /// Show what files would change in a tenant, ask, and change it. The exit code is 3 when somebody else changed the
    /// tenant meanwhile.
    Apply {
        #[command(flatten)]
        options: ApplyOptions,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Write a tenant's rules, value lists, data points and actions as the file that apply takes.
    Export {
        #[arg(long, value_enum, default_value_t = Form::Yaml)]
        format: Form,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Say what the rules of files would have made of past actions. Reads the whole table, and changes nothing.
    Replay {
        #[command(flatten)]
        options: ReplayOptions,
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Args)]
pub struct ApplyOptions {
    /// Rules files, and folders of them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Remove rules, value lists and data points that no file has.
    #[arg(long)]
    prune: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Yaml,
    Json,
}

/// Why a command ended early.
enum Stop {
    Bad(Bad),
    Trouble(Trouble),
}

impl From<Bad> for Stop {
    fn from(bad: Bad) -> Self {
        Self::Bad(bad)
    }
}
impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Installation {
    /// Tries rules, and brings them in and out.
    pub async fn rules(&self, data: &Path, command: RulesCommand) -> Result<ExitCode, Trouble> {
        let done = match command {
            RulesCommand::Test { cases, rules } => test(&cases, &rules),
            RulesCommand::Apply { options, of } => self.apply(data, &options, &of).await,
            RulesCommand::Replay { options, of } => self.replay(data, &options, &of).await,
            RulesCommand::Export { format, of } => self.export_rules(data, format, &of).await,
        };
        match done {
            Ok(code) => Ok(code),
            Err(Stop::Trouble(trouble)) => Err(trouble),
            Err(Stop::Bad(Bad(message))) => {
                eprintln!("countersign: {message}");
                Ok(ExitCode::from(2))
            }
        }
    }

    async fn apply(&self, data: &Path, options: &ApplyOptions, of: &OfTenant) -> Result<ExitCode, Stop> {
        let files = Files::read(&options.files)?;
        let opened = self.open(data).await?;
        let (id, seen) = configured(&opened, of).await?;
        let plan = Plan::new(seen, &files, options.prune, opened.app.now())?;
        if plan.differences.is_empty() {
            say("No changes");
            return Ok(ExitCode::SUCCESS);
        }
        let mut counts = [0_usize; 3];
        for difference in &plan.differences {
            let place = ['+', '~', '-'].iter().position(|sign| *sign == difference.sign()).unwrap_or(0);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
            difference.lines().iter().for_each(|line| say(line));
        }
        let [add, change, remove] = counts;
        say(&format!("Plan for {id}: {add} to add, {change} to change, {remove} to remove"));
        if options.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        if !options.yes && !asked()? {
            say("Nothing was changed");
            return Ok(ExitCode::FAILURE);
        }
        match plan.apply(&opened.app, &id).await.map_err(failed)? {
            Applied::All => {
                say("Applied; warm functions have it within 30 s");
                Ok(ExitCode::SUCCESS)
            }
            Applied::Changed { partly } => {
                let done = if partly { "a part had been written by then" } else { "nothing was written" };
                eprintln!(
                    "countersign: somebody else changed the rules meanwhile, or the settings that they were checked against; {done}. Look at a new plan."
                );
                Ok(ExitCode::from(3))
            }
        }
    }

    async fn replay(&self, data: &Path, options: &ReplayOptions, of: &OfTenant) -> Result<ExitCode, Stop> {
        let files = Files::read(&options.files)?;
        let opened = self.open(data).await?;
        let (id, seen) = configured(&opened, of).await?;
        let now = opened.app.now();
        let since = options.begins(now)?;
        let candidate = replay::candidate(&seen, &files, options.action.as_ref(), now)?;
        let parts = if opened.is_directory() { 1 } else { replay::PARTS };
        let report = replay::run(&opened.app, &id, candidate, since, parts).await.map_err(failed)?;
        if options.json {
            say(&format!("{:#}", replay::as_json(&id, since, &report)));
        } else {
            replay::lines(&report).iter().for_each(|line| say(line));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn export_rules(&self, data: &Path, format: Form, of: &OfTenant) -> Result<ExitCode, Stop> {
        let opened = self.open(data).await?;
        let (_, seen) = configured(&opened, of).await?;
        let file = plan::exported(&seen);
        for (code, name) in plan::names_of_several(&file) {
            eprintln!(
                "warning: several rules of {code} are called \"{name}\"; rename all but one, or apply takes no such file"
            );
        }
        let text = match format {
            Form::Json => serde_json::to_string_pretty(&json!(file)).map(|text| text + "\n").map_err(|e| e.to_string()),
            Form::Yaml => serde_saphyr::to_string(&file).map_err(|error| error.to_string()),
        };
        let text = text.map_err(|error| Trouble(format!("the export cannot be written: {error}")))?;
        let written = std::io::stdout().write_all(text.as_bytes());
        written.map_err(|error| Trouble(format!("the export cannot be written: {error}")))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A replay of the rules of files over a tenant's actions of so many seconds; a message where it cannot be made.
pub async fn replayed(app: &App, tenant: &TenantId, files: &Files, seconds: i64) -> Result<Report, String> {
    let seen = app.store().tenant(tenant).configured().await.map_err(|error| error.to_string())?.unwrap_or_default();
    let now = app.now();
    let candidate = replay::candidate(&seen, files, None, now).map_err(|Bad(message)| message)?;
    let since = Timestamp::from_second(now.as_second() - seconds).map_err(|error| error.to_string())?;
    replay::run(app, tenant, candidate, since, replay::PARTS).await.map_err(|error| error.to_string())
}

async fn configured(opened: &Opened<'_>, of: &OfTenant) -> Result<(TenantId, Configured), Trouble> {
    let id = which(opened, of).await?;
    let seen = opened.app.store().tenant(&id).configured().await.map_err(failed)?;
    let seen = seen.ok_or_else(|| Trouble(format!("there is no tenant {id}")))?;
    Ok((id, seen))
}

/// One line for people. Nobody has to read it: a closed pipe is no reason to panic.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Whether the person at the terminal says yes.
fn asked() -> Result<bool, Trouble> {
    if !std::io::stdin().is_terminal() {
        return Err(Trouble("there is no terminal to ask at; look at the plan with --dry-run, and say --yes".into()));
    }
    print!("Apply? [y/N] ");
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer).map_err(|error| Trouble(error.to_string()))? == 0 {
        // Closed without an answer: the line is still the question's.
        println!();
    }
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

fn test(cases: &Path, rules: &[PathBuf]) -> Result<ExitCode, Stop> {
    let files = Files::read(rules)?;
    let results = cases::run(&Document::read(cases)?, &files)?;
    for line in &results.lines {
        say(line);
    }
    say(&format!("{} passed, {} failed", results.lines.len() - results.failed, results.failed));
    Ok(if results.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
