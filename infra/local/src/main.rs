//! `countersign`: everything in one process.

use std::{io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use countersign_core::{
    app::App,
    clock::Clock,
    config::Environment,
    courier::Courier,
    http::serving::{self, Limits},
    lambda::stop_signal,
    log,
    operator::Credentials,
    outbox::Outbox,
    places::Places,
};
use countersign_local::{
    demo, directory,
    embedded::TABLE,
    first_run::{self, Fixed, Place, Trouble},
    openapi,
    operator::{Installation, KeyCommand, PushCommand, QueueCommand, TenantCommand},
    rules::RulesCommand,
    service, store_only, sweep,
    users::UsersCommand,
};
use tokio::net::TcpListener;

/// Multi-factor authentication, all of it in one process.
#[derive(Parser)]
#[command(version, about)]
struct Command {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Args)]
struct Serve {
    /// Address to listen on.
    #[arg(long, env = "COUNTERSIGN_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDR")]
    listen: SocketAddr,
    /// Directory with the database and its keys.
    #[arg(long, env = "COUNTERSIGN_DATA", default_value = ".countersign", value_name = "DIR", global = true)]
    data: PathBuf,
    /// Keep everything in memory; it ends with the process.
    #[arg(long, conflicts_with = "store_only")]
    memory: bool,
    /// Serve the store alone, as a DynamoDB endpoint, for functions that run as processes of their own.
    #[arg(long)]
    store_only: bool,
    /// Wait for the disk at every write, so that not even a power cut loses one.
    #[arg(long, conflicts_with = "memory")]
    durable: bool,
    /// Origin that end users reach the hosted pages at [default: http://ADDR].
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Do not serve the demo shop at /demo; it is only ever served to this machine, under a name of its own.
    #[arg(long, conflicts_with = "store_only")]
    no_demo: bool,
    /// The first tenant's id, instead of a generated one.
    #[arg(long, env = "COUNTERSIGN_TENANT_ID", hide = true)]
    tenant_id: Option<String>,
    /// The first tenant's secret key, instead of a generated one. From the environment, so that no process list shows it.
    #[arg(skip = std::env::var("COUNTERSIGN_SECRET_KEY").ok())]
    secret_key: Option<String>,
    /// The first tenant's management key, likewise.
    #[arg(skip = std::env::var("COUNTERSIGN_MANAGEMENT_KEY").ok())]
    management_key: Option<String>,
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
    /// Roll keys over, and revoke them.
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
    /// Show and redrive what a stack could not deliver.
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
    /// Print the API description (OpenAPI 3.1).
    Openapi,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    log::to_stderr();
    let done = match command.other {
        None => serve(command.serve).await.map(|()| ExitCode::SUCCESS),
        Some(Other::Openapi) => {
            print!("{}", openapi());
            Ok(ExitCode::SUCCESS)
        }
        Some(Other::Tenant { of, command: what }) => {
            of.tenant(&command.serve.data, what).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Other::Push { of, command: what }) => of.push(&command.serve.data, what).await.map(|()| ExitCode::SUCCESS),
        Some(Other::Key { of, command: what }) => of.key(&command.serve.data, what).await.map(|()| ExitCode::SUCCESS),
        Some(Other::Queue { of, command: what }) => of.queue(what).await.map(|()| ExitCode::SUCCESS),
        Some(Other::Rules { of, command: what }) => of.rules(&command.serve.data, what).await,
        Some(Other::Users { of, command: what }) => of.users(&command.serve.data, what).await,
    };
    match done {
        Ok(code) => code,
        Err(trouble) => {
            eprintln!("countersign: {trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Serve) -> Result<(), Trouble> {
    // Bound first: a port in use must not leave a data directory behind.
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        Trouble(format!("cannot listen on {}: {error}; choose another address with --listen", options.listen))
    })?;
    let address = listener.local_addr().map_err(|error| Trouble(error.to_string()))?;
    if options.store_only {
        store_only::check(address)?;
    }
    let public_url = options.public_url.unwrap_or_else(|| format!("http://{address}"));
    let public_url = public_url.trim_end_matches('/').to_owned();
    let place =
        if options.memory { Place::Memory } else { Place::Directory { path: options.data, durable: options.durable } };
    let places = Places::from_env(&Environment::default()).map_err(|error| Trouble(error.to_string()))?;
    // Held until this function ends.
    let _alone = directory::take(&place)?;
    let (app, embedded) = first_run::open(&place, Clock::System, &public_url).await?;
    let app = app.with_places(places);
    let fixed =
        Fixed { tenant_id: options.tenant_id, secret_key: options.secret_key, management_key: options.management_key };
    let credentials = first_run::first_tenant(&app, &embedded, &place, fixed).await.inspect_err(|_| embedded.end())?;
    let courier = app.clone();
    let origin = format!("http://{address}");
    let service = if options.store_only {
        how_to_use_the_store(&place, &origin, &credentials);
        store_only::service(embedded.clone())
    } else {
        let demo = if options.no_demo || !demo::is_safe(address, &public_url) { Demo::Off } else { Demo::On };
        welcome(&place, &origin, &credentials, demo);
        let shop = (demo == Demo::On).then(|| demo::routes(address, &public_url, &credentials.secret_key));
        let shop = shop.transpose().map_err(|error| Trouble(error.to_string()))?;
        shop.unwrap_or_default().fallback_service(service(app))
    };
    let sweeper = tokio::spawn(sweep::from_time_to_time(embedded.clone()));
    let postman = tokio::spawn(deliver_pushes(courier));
    serving::serve(listener, service, Limits::default(), stop_signal()).await;
    sweeper.abort();
    postman.abort();
    embedded.end();
    Ok(())
}

/// Whether the demo shop is served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demo {
    On,
    Off,
}

/// Takes pushes out of the queue as the function `deliver` does, and says on the terminal what a phone would show.
async fn deliver_pushes(app: App) {
    let Outbox::Local(queue) = app.outbox() else { return };
    let courier = Courier::console();
    loop {
        while countersign_deliver::drain(queue, &app, &courier).await > 0 {}
        // What was hidden shows again by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), queue.arrived()).await;
    }
}

/// What a function needs to be told to work on this store; lines for a shell.
fn how_to_use_the_store(place: &Place, origin: &str, credentials: &Credentials) {
    let Credentials { tenant_id, secret_key, management_key } = credentials;
    let keyring = match place {
        Place::Directory { path, .. } => path.join("keyring.json").display().to_string(),
        Place::Memory => "".into(),
    };
    let text = format!(
        "# tenant {tenant_id}, secret key {secret_key}, management key {management_key}\n\
         export AWS_ENDPOINT_URL_DYNAMODB={origin} AWS_REGION=local AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n\
         export COUNTERSIGN_TABLE={TABLE} COUNTERSIGN_KEYRING={keyring} COUNTERSIGN_PUBLIC_URL=http://127.0.0.1:9000\n"
    );
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn welcome(place: &Place, origin: &str, credentials: &Credentials, demo: Demo) {
    let kept = match place {
        Place::Memory => "in memory, gone when this ends".to_owned(),
        Place::Directory { path, .. } => format!("in {}", path.display()),
    };
    let Credentials { tenant_id, secret_key, management_key } = credentials;
    let demo = if demo == Demo::On { format!("  Demo            {origin}/demo\n") } else { String::new() };
    let text = format!(
        r#"
  Countersign is running; data is kept {kept}.

  API URL         {origin}/v1
  Tenant id       {tenant_id}
  Secret key      {secret_key}
  Management key  {management_key}
{demo}
  A journey to paste into another terminal:

    API={origin}/v1 KEY={secret_key}

    # 1. Your backend tracks an action. Nobody is enrolled yet: ALLOW, isEnrolled false, and a token that may enrol.
    curl -s -u $KEY: $API/users/ada/actions/signIn -d '{{}}' -H 'Content-Type: application/json'
    TOKEN=<token of the answer>

    # 2. The user enrols an authenticator app: a secret, and its URI for a QR code.
    curl -s -X POST $API/client/user-authenticators/totp -H "Authorization: Bearer $TOKEN"

    # 3. The first code completes it (or: oathtool --totp -b <secret>).
    curl -s $API/client/verify/totp -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"verificationCode":"<code>"}}'

    # 4. Your backend asks what the token is worth: CHALLENGE_SUCCEEDED.
    curl -s -u $KEY: $API/validate -H 'Content-Type: application/json' -d "{{\"token\":\"$TOKEN\"}}"

"#
    );
    // Nobody has to read it: a closed pipe is no reason to stop.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
