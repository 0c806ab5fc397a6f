//! The command `countersign`: the server in one process, and what an operator asks of it.

use std::{path::Path, process::ExitCode};

use clap::{Parser, Subcommand};
use countersign_core::log;

use crate::{
    directory,
    first_run::{self, Trouble},
    homes::RoutesCommand,
    openapi,
    operator::{Installation, KeyCommand, PushCommand, QueueCommand, TenantCommand},
    rules::RulesCommand,
    serve::Serve,
    users::UsersCommand,
    welcome,
};

/// Multi-factor authentication, all of it in one process.
#[derive(Parser)]
#[command(name = "countersign", version, about)]
struct Command {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    /// Make and show tenants, of a stack in AWS or of the data directory.
    Tenant {
        #[command(flatten)]
        of: Installation,
        #[command(subcommand)]
        command: TenantCommand,
    },
    /// Make new keys, and end old ones.
    Key {
        #[command(flatten)]
        of: Installation,
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Say how a tenant's phones and browsers are reached.
    Push {
        #[command(flatten)]
        of: Installation,
        #[command(subcommand)]
        command: PushCommand,
    },
    /// Show the pushes that a stack could not deliver, and send them again.
    Queue {
        #[command(flatten)]
        of: Installation,
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Import users with their TOTP secrets, and export them.
    Users {
        #[command(flatten)]
        of: Installation,
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Try rules of files, bring them in and out, and see what they would have decided.
    Rules {
        #[command(flatten)]
        of: Installation,
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Print API, TENANT_ID, KEY and MANAGEMENT_KEY of the data directory for a shell: eval "$(countersign env)".
    Env,
    /// Print the API description (OpenAPI 3.1).
    Openapi,
    Routes(RoutesCommand),
}

/// Does what the arguments of the process say.
///
/// The runtime is made here and not in `main`: the code of a future is generated where it is first polled, and would be
/// generated again in the binary.
pub fn run() -> ExitCode {
    let command = Command::parse();
    // A command says what there is to say by itself; its log is for whoever asks for it.
    if command.other.is_none() || std::env::var_os("RUST_LOG").is_some() {
        log::to_stderr();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(command.run()),
        Err(error) => Err(Trouble(format!("cannot start: {error}"))),
    };
    match done {
        Ok(code) => code,
        Err(trouble) => {
            eprintln!("countersign: {trouble}");
            ExitCode::FAILURE
        }
    }
}

impl Command {
    async fn run(self) -> Result<ExitCode, Trouble> {
        match self.other {
            None => self.serve.run().await.map(|()| ExitCode::SUCCESS),
            Some(Other::Env) => env(&self.serve.data).map(|()| ExitCode::SUCCESS),
            Some(Other::Openapi) => openapi().map(|text| {
                print!("{text}");
                ExitCode::SUCCESS
            }),
            Some(Other::Routes(command)) => command.run(),
            Some(Other::Tenant { of, command: what }) => {
                of.tenant(&self.serve.data, what).await.map(|()| ExitCode::SUCCESS)
            }
            Some(Other::Push { of, command: what }) => {
                of.push(&self.serve.data, what).await.map(|()| ExitCode::SUCCESS)
            }
            Some(Other::Key { of, command: what }) => of.key(&self.serve.data, what).await.map(|()| ExitCode::SUCCESS),
            Some(Other::Queue { of, command: what }) => of.queue(what).await.map(|()| ExitCode::SUCCESS),
            Some(Other::Rules { of, command: what }) => of.rules(&self.serve.data, what).await,
            Some(Other::Users { of, command: what }) => of.users(&self.serve.data, what).await,
        }
    }
}

/// Prints where the server of a data directory is, and its keys, as lines for a shell.
fn env(data: &Path) -> Result<(), Trouble> {
    first_run::check_started(data)?;
    let public_url = directory::served_at(data).ok_or_else(|| {
        Trouble(format!("no server has served {} yet; start countersign with it first", data.display()))
    })?;
    welcome::say(&welcome::environment(&public_url, &first_run::known(data)?));
    Ok(())
}
