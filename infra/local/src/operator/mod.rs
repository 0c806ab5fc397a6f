//! The operator's commands, on a stack in AWS or on the data directory of this machine.

mod advice;
mod push;
mod queue;

use std::path::{Path, PathBuf};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use clap::{Args, Subcommand, ValueEnum};
use countersign_core::{
    app::App,
    clock::Clock,
    error::Error,
    id::{TenantId, check_name},
    keyring::{Keyring, KmsKeyring},
    operator::Credentials,
    outbox::Outbox,
    redirect,
    store::Store,
    tenant::{KeyKind, Settings, Tenant},
};
use serde_json::{Value, json};

use crate::{
    directory::Ending,
    first_run::{self, CREDENTIALS, Fixed, Place, Trouble},
};
pub use push::PushCommand;
pub use queue::QueueCommand;

/// Over the options that name a stack; on a data directory none of them is needed.
const STACK: &str = "Of a stack in AWS";

/// Which installation is meant. With a table it is a stack in AWS (its output OperatorEnvironment is what to set),
/// reached with the ordinary AWS credentials; without one, the data directory.
#[derive(Args)]
pub struct Installation {
    /// DynamoDB table of the stack.
    #[arg(long, env = "COUNTERSIGN_TABLE", value_name = "NAME", global = true, help_heading = STACK)]
    table: Option<String>,
    /// ARN of the KMS key that wraps each tenant's data key.
    #[arg(long, env = "COUNTERSIGN_SECRETS_KEY", value_name = "ARN", global = true, help_heading = STACK)]
    secrets_key: Option<String>,
    /// ARNs of the KMS keys that tokens derive from, newest first.
    #[arg(long, env = "COUNTERSIGN_TOKEN_KEYS", value_name = "ARN,...", value_delimiter = ',', global = true, help_heading = STACK)]
    token_keys: Vec<String>,
    /// File with the master keys, instead of KMS.
    #[arg(long, env = "COUNTERSIGN_KEYRING", value_name = "FILE", conflicts_with_all = ["secrets_key", "token_keys"], global = true, help_heading = STACK)]
    keyring: Option<PathBuf>,
    /// Endpoint of AWS, for a local one.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", global = true, help_heading = STACK)]
    endpoint_url: Option<String>,
    /// AWS region.
    #[arg(long, env = "AWS_REGION", value_name = "REGION", global = true, help_heading = STACK)]
    region: Option<String>,
    /// How to print what was made.
    #[arg(long, value_enum, default_value_t = Output::Table, global = true)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Customers of the installation.
#[derive(Subcommand)]
pub enum TenantCommand {
    /// Make a tenant and print its keys, this once.
    Create {
        /// Shown to end users, and the issuer in authenticator apps.
        #[arg(long)]
        name: String,
        /// Its id; generated where absent.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Where hosted pages may send its users: https://host[:port][/path], or myapp: for an app. Repeatable.
        #[arg(long = "redirect-url", value_name = "URL")]
        redirect_urls: Vec<String>,
        /// For trying things out: hosted pages may also send its users to their own machine.
        #[arg(long)]
        local: bool,
    },
    /// Change a tenant's settings.
    Set {
        /// The tenant; for a data directory its first one.
        id: Option<String>,
        /// Where hosted pages may send its users, in place of the list so far. Repeatable.
        #[arg(long = "redirect-url", value_name = "URL", required = true)]
        redirect_urls: Vec<String>,
    },
    /// Show a tenant's settings and which keys are live.
    Show {
        /// The tenant; for a data directory its first one.
        id: Option<String>,
    },
}

/// Keys of a tenant.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a new key. The one before it stays good until the next rotation, or until it is revoked.
    Rotate {
        kind: Key,
        /// End the old key now, because it has leaked. Warm functions take it for up to 60 s more, and tokens of an old
        /// token key have to be made again.
        #[arg(long)]
        at_once: bool,
        #[command(flatten)]
        of: OfTenant,
    },
    /// End all keys of a kind but the newest. They are refused everywhere within 60 s.
    Revoke {
        kind: ApiKeyKind,
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Args)]
pub struct OfTenant {
    /// The tenant; for a data directory its first one.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Key {
    /// The key of the customer's backend.
    Secret,
    /// The key of the management API.
    Management,
    /// The key that signs user tokens.
    Token,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ApiKeyKind {
    /// The key of the customer's backend.
    Secret,
    /// The key of the management API.
    Management,
}

impl From<ApiKeyKind> for KeyKind {
    fn from(kind: ApiKeyKind) -> Self {
        match kind {
            ApiKeyKind::Secret => Self::Secret,
            ApiKeyKind::Management => Self::Management,
        }
    }
}

/// An installation that was reached.
pub(crate) struct Opened<'a> {
    pub(crate) app: App,
    /// The data directory, where it is one; its credentials are kept up to date.
    directory: Option<&'a Path>,
    _ending: Option<Ending>,
}

impl Opened<'_> {
    /// Whether it is a data directory, and no stack in AWS.
    pub(crate) fn is_directory(&self) -> bool {
        self.directory.is_some()
    }
}

pub(crate) fn failed(error: Error) -> Trouble {
    // The operator is shown the cause, which a client is not.
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    Trouble(cause.map_or_else(|| error.to_string(), |cause| advice::with(&cause)))
}

impl Installation {
    /// The operator's own way into AWS.
    async fn aws(&self) -> Result<SdkConfig, Trouble> {
        let mut aws = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &self.region {
            aws = aws.region(Region::new(region.clone()));
        }
        if let Some(url) = &self.endpoint_url {
            aws = aws.endpoint_url(url);
        }
        let aws = aws.load().await;
        if aws.region().is_none() {
            return Err(Trouble("set AWS_REGION, or say --region".into()));
        }
        Ok(aws)
    }

    pub(crate) async fn open<'a>(&self, data: &'a Path) -> Result<Opened<'a>, Trouble> {
        let Some(table) = &self.table else { return open_directory(data).await };
        let aws = self.aws().await?;
        let keyring = match (&self.keyring, &self.secrets_key) {
            (Some(file), _) => Keyring::read(file).map_err(|error| Trouble(error.to_string()))?,
            (None, Some(key)) if !self.token_keys.is_empty() => {
                Keyring::Kms(KmsKeyring::new(&aws, Some(key.clone()), self.token_keys.clone()).into())
            }
            _ => {
                return Err(Trouble(
                    "set COUNTERSIGN_SECRETS_KEY and COUNTERSIGN_TOKEN_KEYS as the stack's output OperatorEnvironment has them"
                        .into(),
                ));
            }
        };
        let store = Store::connect(&aws, table);
        store.check().await.map_err(|error| Trouble(advice::with(&error.to_string())))?;
        Ok(Opened { app: App::new(store, keyring, Clock::System, "", Outbox::None), directory: None, _ending: None })
    }

    pub(crate) fn print(&self, value: &Value) {
        match self.output {
            Output::Json => println!("{value:#}"),
            Output::Table => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    println!("{name:<24}{value}");
                }
            }
        }
    }

    /// Makes or shows a tenant.
    pub async fn tenant(&self, data: &Path, command: TenantCommand) -> Result<(), Trouble> {
        let opened = self.open(data).await?;
        let app = &opened.app;
        match command {
            TenantCommand::Create { name, id, redirect_urls, local } => {
                check_name("--name", &name, 64).map_err(failed)?;
                let id = id.map(TenantId::parse).transpose().map_err(failed)?;
                let made = Credentials::choose(id, None, None).map_err(failed)?;
                redirect::check_entries(&redirect_urls, local).map_err(failed)?;
                let settings = Settings { redirect_urls, is_local: local, ..Settings::named(name.trim()) };
                app.create_tenant(settings, &made).await.map_err(failed)?;
                self.print(&json!({
                    "tenantId": made.tenant_id, "secretKey": made.secret_key, "managementKey": made.management_key,
                }));
            }
            TenantCommand::Set { id, redirect_urls } => {
                let id = which(&opened, &OfTenant { tenant: id }).await?;
                let change = |tenant: &mut Tenant| {
                    redirect::check_entries(&redirect_urls, tenant.settings.is_local)?;
                    tenant.settings.redirect_urls.clone_from(&redirect_urls);
                    Ok(())
                };
                let changed = app.store().tenant(&id).change(change).await.map_err(failed)?;
                self.print(&shown(&changed));
            }
            TenantCommand::Show { id } => {
                let id = which(&opened, &OfTenant { tenant: id }).await?;
                self.print(&shown(&tenant(app, id.to_string()).await?));
            }
        }
        Ok(())
    }

    /// Rolls over or revokes a key.
    pub async fn key(&self, data: &Path, command: KeyCommand) -> Result<(), Trouble> {
        let (KeyCommand::Rotate { of, .. } | KeyCommand::Revoke { of, .. }) = &command;
        let opened = self.open(data).await?;
        let id = which(&opened, of).await?;
        match command {
            KeyCommand::Rotate { kind: Key::Token, at_once, .. } => {
                opened.app.rotate_token_key(&id, at_once).await.map_err(failed)?;
                let from = if at_once { "now" } else { "the next minute" };
                self.print(&json!({"tenantId": id, "tokenKey": "rotated", "signsFrom": from}));
            }
            KeyCommand::Rotate { kind: Key::Secret, at_once, .. } => {
                self.rotate(&opened, &id, (KeyKind::Secret, "secretKey"), at_once).await?;
            }
            KeyCommand::Rotate { kind: Key::Management, at_once, .. } => {
                self.rotate(&opened, &id, (KeyKind::Management, "managementKey"), at_once).await?;
            }
            KeyCommand::Revoke { kind, .. } => {
                opened.app.revoke_api_keys(&id, kind.into()).await.map_err(failed)?;
                self.print(&json!({"tenantId": id, "olderKeys": "revoked", "deadWithin": "60 s"}));
            }
        }
        Ok(())
    }

    async fn rotate(
        &self,
        opened: &Opened<'_>,
        id: &TenantId,
        (kind, name): (KeyKind, &str),
        at_once: bool,
    ) -> Result<(), Trouble> {
        let new = opened.app.rotate_api_key(id, kind).await.map_err(failed)?;
        // Printed before anything else can fail: nobody can show it again.
        self.print(&json!({"tenantId": id, name: new}));
        if let Some(directory) = opened.directory {
            let mut known = first_run::known(directory)?;
            if known.tenant_id == *id {
                match kind {
                    KeyKind::Secret => known.secret_key = new,
                    KeyKind::Management => known.management_key = new,
                }
                first_run::save(&directory.join(CREDENTIALS), &known)?;
            }
        }
        if at_once {
            opened.app.revoke_api_keys(id, kind).await.map_err(failed)?;
        }
        Ok(())
    }
}

pub(crate) async fn which(opened: &Opened<'_>, of: &OfTenant) -> Result<TenantId, Trouble> {
    match (&of.tenant, opened.directory) {
        (Some(id), _) => Ok(tenant(&opened.app, id.clone()).await?.id),
        (None, Some(directory)) => Ok(first_run::known(directory)?.tenant_id),
        (None, None) => Err(Trouble("say which tenant of the stack is meant, by its id".into())),
    }
}

async fn open_directory(data: &Path) -> Result<Opened<'_>, Trouble> {
    first_run::check_started(data)?;
    let place = Place::Directory { path: data.to_owned(), durable: true };
    let (app, embedded) = first_run::open(&place, Clock::System, "").await?;
    let ending = Ending::of(data, &embedded);
    // A start that was cut short is completed first.
    first_run::first_tenant(&app, &embedded, &place, Fixed::default()).await?;
    Ok(Opened { app, directory: Some(data), _ending: Some(ending) })
}

async fn tenant(app: &App, id: String) -> Result<Tenant, Trouble> {
    let id = TenantId::parse(id).map_err(failed)?;
    let found = app.store().tenant(&id).load().await.map_err(failed)?;
    found.map(|found| found.tenant).ok_or_else(|| Trouble(format!("there is no tenant {id}")))
}

fn shown(tenant: &Tenant) -> Value {
    let of = |kind| {
        let live = tenant.api_keys.iter().filter(|key| key.kind == kind);
        live.map(|key| json!({"sha256": key.hash, "createdAt": key.created_at})).collect::<Vec<_>>()
    };
    json!({
        "tenantId": tenant.id,
        "name": tenant.settings.name,
        "redirectUrls": tenant.settings.redirect_urls,
        "isLocal": tenant.settings.is_local,
        "tokenDurationInMinutes": tenant.settings.token_duration_in_minutes,
        "secretKeys": of(KeyKind::Secret),
        "managementKeys": of(KeyKind::Management),
        "tokenKeys": tenant.token_keys.iter().map(|key| json!({"kid": key.kid, "master": key.master, "signsFrom": key.signs_from})).collect::<Vec<_>>(),
    })
}
