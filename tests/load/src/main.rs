//! `load`: how many requests a second, how long each, and what they cost the server.
//!
//! The server is a child process, so that its CPU time and memory are read from /proc apart from the generator's,
//! and its clock is moved through its standard input: each TOTP step is accepted once, so every round of right
//! codes needs a step of its own. The product binary has no such hook, by design; approvals need none, and are asked of
//! the product binary, whose courier says on its output what it hands over.

mod approvals;
mod child;
mod client;
mod journey;
mod meter;
mod product;
mod report;
mod serve;
mod start;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use approvals::Approvals;
use child::{Child, Scratch};
use journey::Journey;
use meter::{Figures, Plan};
use product::Product;
use report::Report;

/// Any failure ends the run: figures of a server that answers wrongly are none.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures a Countersign server under load on this machine.
///
/// For each store and concurrency: track, enrol, right codes, validate, wrong codes, the challenge page. Then approvals on devices:
/// `push` is asking by push until the answer, `handed` the same until the courier hands it to the device (one run, so
/// both have its rate and CPU), `seen` until a device that asks what is pending, again and again, sees it, and
/// `approve` the device's answer.
///
/// Every answer is checked, and one that is not what it should be ends the run. CPU is the server's own; `gen` is the
/// load generator's, which shares the machine. Run it with --release, on a machine that does nothing else.
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
    /// The product's binary, for its start and for approvals [default: `countersign` beside this program].
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
    Page,
    Push,
    Handed,
    Seen,
    Approve,
}

impl Phase {
    const ON_DEVICES: [Self; 4] = [Self::Push, Self::Handed, Self::Seen, Self::Approve];
    const BY_CODE: [Self; 6] = [Self::Track, Self::Enrol, Self::Right, Self::Validate, Self::Wrong, Self::Page];
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
    let scratch = Scratch::new(command.dir.unwrap_or_else(std::env::temp_dir))?;
    let mut report = Report::new(command.json);
    // One thread: the generator must leave the machine to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let binary = match command.binary {
        Some(binary) => binary,
        None => std::env::current_exe()?.with_file_name("countersign"),
    };
    if plan.measures(Phase::Start) {
        let times = if command.quick { 3 } else { 10 };
        report.starts(&start::measure(&binary, &scratch, times)?);
    }
    for kept in command.store {
        let name = format!("{kept:?}").to_lowercase();
        let mut add = |concurrency, figures: Figures| report.add(&name, concurrency, figures);
        if plan.measures_any(&Phase::BY_CODE) {
            eprintln!("{name}: starting, enrolling {} users", plan.users);
            let child = Child::start(&scratch, kept, command.log)?;
            let mut journey = runtime.block_on(Journey::begin(child, &plan))?;
            for &concurrency in &command.concurrency {
                runtime.block_on(journey.run(&plan, concurrency, &mut |figures| add(concurrency, figures)))?;
            }
        }
        if plan.measures_any(&Phase::ON_DEVICES) {
            eprintln!("{name}: starting {}", binary.display());
            let mut approvals = Approvals::new(Product::start(&binary, &scratch, kept, command.log)?);
            for &concurrency in &command.concurrency {
                runtime.block_on(approvals.run(&plan, concurrency, &mut |figures| add(concurrency, figures)))?;
            }
        }
    }
    report.finish();
    Ok(())
}
