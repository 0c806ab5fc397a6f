//! `load`: how many requests a second, how long each, and what they cost the server.
//!
//! The server is a child process, so that its CPU time and memory are read from /proc apart from the generator's,
//! and its clock is moved through its standard input: each TOTP step is accepted once, so every round of right
//! codes needs a step of its own. The product binary has no such hook, by design.

mod child;
mod client;
mod journey;
mod report;
mod serve;
mod start;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use child::Child;
use journey::{Journey, Plan};
use report::Report;

/// Any failure ends the run: figures of a server that answers wrongly are none.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures a Countersign server under load on this machine.
///
/// For each store and concurrency: track, enrol, right codes, validate, wrong codes. Every answer is checked, and
/// one that is not what it should be ends the run. CPU is the server's own; `gen` is the load generator's, which
/// shares the machine. Run it with --release, on a machine that does nothing else.
#[derive(Parser)]
#[command(name = "load", version)]
struct Command {
    /// Where the server keeps its data: `durable` waits for the disk at each write.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "memory,disk")]
    store: Vec<Kept>,
    /// Requests under way at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    concurrency: Vec<usize>,
    /// Enrolled users; a round of right codes is one from each.
    #[arg(long, default_value_t = 2000)]
    users: usize,
    /// Rounds over all users in each phase.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// No phase sends for longer than this.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    limit: u64,
    /// A few seconds in all, to see that it works: few users, one round, concurrency 16.
    #[arg(long)]
    quick: bool,
    /// Only these phases are measured.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Phase>,
    /// Let the server log as the product does (to nowhere); off, its log costs nothing.
    #[arg(long)]
    log: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Directory for the databases [default: the temporary directory].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The product's binary, to time its start [default: `countersign` beside this program].
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Be the server: for this program's own use.
    #[arg(long, hide = true)]
    serve: bool,
    #[arg(long, hide = true, requires = "serve")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kept {
    Memory,
    Disk,
    Durable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    Start,
    Track,
    Enrol,
    Right,
    Validate,
    Wrong,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

fn main() -> ExitCode {
    let command = Command::parse();
    match if command.serve { serve(&command) } else { measure(command) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(command: &Command) -> Result<()> {
    let durable = command.store == [Kept::Durable];
    // What #[tokio::main] of the product makes.
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve::serve(
        command.data.clone(),
        durable,
        command.log,
    ))
}

fn measure(mut command: Command) -> Result<()> {
    if command.quick {
        (command.users, command.rounds, command.concurrency) = (100, 1, vec![16]);
    }
    let plan = Plan {
        users: command.users.max(1),
        rounds: command.rounds.max(1),
        limit: Duration::from_secs(command.limit),
        only: command.only,
    };
    let scratch = child::Scratch::new(command.dir.unwrap_or_else(std::env::temp_dir))?;
    let mut report = Report::new(command.json);
    // One thread: the generator must leave the machine to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if plan.measures(Phase::Start) {
        let binary = match command.binary {
            Some(binary) => binary,
            None => std::env::current_exe()?.with_file_name("countersign"),
        };
        let times = if command.quick { 3 } else { 10 };
        report.starts(&start::measure(&binary, &scratch, times)?);
    }
    for kept in command.store {
        let name = format!("{kept:?}").to_lowercase();
        eprintln!("{name}: starting, enrolling {} users", plan.users);
        let child = Child::start(&scratch, kept, command.log)?;
        let mut journey = runtime.block_on(Journey::begin(child, &plan))?;
        for &concurrency in &command.concurrency {
            runtime
                .block_on(journey.run(&plan, concurrency, &mut |figures| report.add(&name, concurrency, figures)))?;
        }
    }
    report.finish();
    Ok(())
}
