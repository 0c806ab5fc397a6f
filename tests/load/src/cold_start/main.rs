//! `cold-start`: what a function costs on Lambda before and after it is warm.
//!
//! Each function runs as Lambda runs it, alone and against this program's own Runtime API and AWS on the loopback.
//! Lambda's sandbox, the network and TLS handshakes are not in the figures: they compare builds, they are not AWS's.

mod aws;
mod event;
mod package;
mod people;
mod process;
mod report;
mod runtime;
mod work;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use aws::Aws;
use people::World;
use process::Scratch;
use report::{Figures, Report};
use work::{Function, Work};

/// Any failure ends the run: figures of a function that answers wrongly are none.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures the functions of Countersign as Lambda runs them.
///
/// For each: from spawn to its first `/next` (init) and to its first answer, which costs one call of the store; the
/// latency of further such requests; from spawn to the answer of an ordinary request, which fetches the tenant and its
/// keys too; then what an ordinary request takes of the warm function, in latency, CPU, calls, DynamoDB's units and
/// log, and what the other requests of an approval take. Every answer is checked.
#[derive(Parser)]
#[command(name = "cold-start", version)]
struct Command {
    /// Binaries, or names of functions in `target/lambda/x86_64` [default: all that are there].
    functions: Vec<PathBuf>,
    /// Starts of each function.
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Requests after each start.
    #[arg(long, default_value_t = 50)]
    warm: usize,
    /// Ordinary requests of the warm function.
    #[arg(long, default_value_t = 500)]
    requests: usize,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Fail where an aim is missed: verify's start, CPU and memory, and the size of each zip.
    #[arg(long)]
    gate: bool,
}

fn main() -> ExitCode {
    let command = Command::parse();
    // The fakes must answer while the function runs, and leave it the other processor.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(measure(&command))) {
        Ok(missed) if command.gate && missed => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cold-start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(command: &Command) -> Result<bool> {
    let binaries = binaries(&command.functions)?;
    let scratch = Scratch::new()?;
    let aws = Aws::start().await?;
    let world = World::new(&aws).await?;
    let mut report = Report::new(command.json);
    for (function, binary) in binaries {
        let size = package::measure(&binary)?;
        // The first start reads the file from the disk; on Lambda that belongs to the sandbox.
        let stage = process::Stage { function, binary: &binary, aws: &aws, world: &world, scratch: &scratch };
        progress(format_args!("{}: {} starts", function.name(), command.runs));
        stage.start(1).await?;
        let mut starts = Vec::new();
        for _ in 0..command.runs.max(1) {
            starts.push(stage.start(command.warm).await?);
        }
        progress(format_args!("{}: {} starts for an ordinary request", function.name(), command.runs));
        let cold = stage.start_for_ordinary(command.runs.max(1)).await?;
        progress(format_args!("{}: {} ordinary requests", function.name(), command.requests));
        let ordinary = stage.serve(Work::Ordinary, command.requests.max(1)).await?;
        let mut others = Vec::new();
        for &work in function.others() {
            progress(format_args!("{}: {} requests, {}", function.name(), command.requests, work.name()));
            others.push((work, stage.serve(work, command.requests.max(1)).await?));
        }
        progress(format_args!(""));
        report.add(Figures { function, size, starts, cold, ordinary, others });
    }
    Ok(report.finish())
}

/// What is being done: in one line of a terminal, and in a line each of anything else.
fn progress(what: std::fmt::Arguments<'_>) {
    let text = what.to_string();
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    } else if !text.is_empty() {
        eprintln!("{text}");
    }
}

/// What to run: each with the function that it is.
fn binaries(asked: &[PathBuf]) -> Result<Vec<(Function, PathBuf)>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("where is the target directory?")?;
    let packaged = |name: &str| target.join("lambda/x86_64").join(name).join("bootstrap");
    let mut found = Vec::new();
    for path in asked {
        let bare = path.to_str().and_then(Function::named).filter(|_| !path.is_file());
        found.push(match bare {
            Some(function) => (function, packaged(function.name())),
            None => (function_of(path)?, path.clone()),
        });
    }
    if asked.is_empty() {
        let all = Function::ALL.into_iter().map(|function| (function, packaged(function.name())));
        found.extend(all.filter(|(_, binary)| binary.is_file()));
    }
    if found.is_empty() {
        return Err("no function in target/lambda/x86_64: run tests/aws/build x86_64, or say which binary".into());
    }
    Ok(found)
}

/// `target/lambda/x86_64/verify/bootstrap` and `target/release/verify` are both `verify`.
fn function_of(binary: &Path) -> Result<Function> {
    let name = binary.file_name().filter(|name| *name != "bootstrap");
    let name = name.or_else(|| binary.parent()?.file_name()).and_then(|name| name.to_str()).unwrap_or_default();
    Function::named(name).ok_or_else(|| format!("{} is none of the functions", binary.display()).into())
}
