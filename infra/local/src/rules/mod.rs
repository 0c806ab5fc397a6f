//! `countersign rules`: rules are files in Git, tried before they are turned on.

mod cases;
mod document;
mod file;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;

use crate::{first_run::Trouble, operator::Installation};

use document::{Bad, Document};
use file::Files;

/// Rules from files. Exit code 2: a file is bad, and nothing was done.
#[derive(Subcommand)]
pub enum RulesCommand {
    /// Try cases against rules, offline. Exit code 1: some failed.
    Test {
        /// JSON or YAML: inputs, and what is expected of them.
        cases: PathBuf,
        /// A rules file, or a folder of them.
        #[arg(long, value_name = "PATH", required = true)]
        rules: Vec<PathBuf>,
    },
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
    pub async fn rules(&self, _data: &Path, command: RulesCommand) -> Result<ExitCode, Trouble> {
        let done = match command {
            RulesCommand::Test { cases, rules } => test(&cases, &rules),
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
}

fn test(cases: &Path, rules: &[PathBuf]) -> Result<ExitCode, Stop> {
    let files = Files::read(rules)?;
    let results = cases::run(&Document::read(cases)?, &files)?;
    for line in &results.lines {
        println!("{line}");
    }
    println!("{} passed, {} failed", results.lines.len() - results.failed, results.failed);
    Ok(if results.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
