//! The operator's commands, on a stack in AWS or on the data directory of this machine.

mod advice;
mod push;
mod queue;
mod tenants;

use std::path::{Path, PathBuf};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use clap::{Args, ValueEnum};
use countersign_core::{
    app::App,
    clock::Clock,
    error::Error,
    id::TenantId,
    keyring::{Keyring, KmsKeyring},
    outbox::Outbox,
    store::Store,
    tenant::Tenant,
};
use serde_json::Value;

use crate::{
    directory::Ending,
    first_run::{self, Fixed, Place, Trouble},
};
pub use push::PushCommand;
pub use queue::QueueCommand;
pub use tenants::{KeyCommand, TenantCommand};

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

#[derive(Args)]
pub struct OfTenant {
    /// The tenant; for a data directory its first one.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
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
