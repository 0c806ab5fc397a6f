//! `countersign users`: users come from somewhere, and may go somewhere.

mod cells;
mod export;
mod import;
mod oath;
mod preshared;
mod pskc;
mod row;
mod source;
mod tokens;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Subcommand, ValueEnum};
use countersign_core::{app::TenantContext, error::Error, secret::DataKey};
use serde_json::json;

use crate::{
    first_run::Trouble,
    operator::{Installation, OfTenant, Opened, failed, which},
};

/// Users of a tenant.
#[derive(Subcommand)]
pub enum UsersCommand {
    /// Take users over from a file, with their verified TOTP secrets. The same line again changes nothing. The exit code
    /// is 2 when lines were rejected.
    Import {
        /// JSON Lines or CSV of users, or hardware tokens in OATH CSV or PSKC. FILE.journal notes how far it was read.
        file: PathBuf,
        /// [default: by the name of the file]
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Check every line and change nothing.
        #[arg(long, conflicts_with = "resume")]
        dry_run: bool,
        /// Write down which lines were rejected and why, as JSON Lines.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// Whose tokens are whose: CSV with serial,userId, for files of tokens that do not say it.
        #[arg(long, value_name = "FILE")]
        owners: Option<PathBuf>,
        /// The key that decrypts a PSKC file, in hexadecimal in this file.
        #[arg(long, value_name = "FILE")]
        pskc_key: Option<PathBuf>,
        /// The password that decrypts a PSKC file, in the first line of this file.
        #[arg(long, value_name = "FILE", conflicts_with = "pskc_key")]
        pskc_password: Option<PathBuf>,
        /// Go on where an interrupted import of this file stopped.
        #[arg(long)]
        resume: bool,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Write all users to a file that import reads, with their TOTP secrets in the clear. Reads the whole table.
    Export {
        file: PathBuf,
        /// [default: by the name of the file]
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Leave the secrets out.
        #[arg(long)]
        without_secrets: bool,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Add the users of versions that had no index of users to it. Reads the whole table.
    Reindex {
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Jsonl,
    Csv,
    /// Hardware tokens, as Microsoft Entra, privacyIDEA and LinOTP take them.
    OathCsv,
    /// Hardware tokens in XML (RFC 6030).
    Pskc,
}

impl Format {
    fn of(given: Option<Self>, file: &Path) -> Self {
        let ends_in = |ending: &str| file.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
        match given {
            Some(given) => given,
            None if ends_in("csv") && source::has_tokens(file) => Self::OathCsv,
            None if ends_in("csv") => Self::Csv,
            None if ends_in("xml") || ends_in("pskc") || ends_in("pskcxml") => Self::Pskc,
            None => Self::Jsonl,
        }
    }
}

impl Installation {
    /// Imports, exports or indexes users.
    pub async fn users(&self, data: &Path, command: UsersCommand) -> Result<ExitCode, Trouble> {
        let (UsersCommand::Import { of, .. } | UsersCommand::Export { of, .. } | UsersCommand::Reindex { of }) =
            &command;
        let opened = self.open(data).await?;
        let id = which(&opened, of).await?;
        let tenant = opened.app.tenant(&id).await.map_err(failed)?;
        let tenant = tenant.ok_or_else(|| Trouble(format!("there is no tenant {id}")))?;
        match command {
            UsersCommand::Import { file, format, dry_run, report, resume, owners, pskc_key, pskc_password, .. } => {
                let format = Format::of(format, &file);
                let options =
                    import::Options { file, format, dry_run, report, resume, owners, pskc_key, pskc_password };
                self.import(&opened, tenant, &options).await
            }
            UsersCommand::Export { file, format, without_secrets, .. } => {
                let key = match without_secrets {
                    true => None,
                    false => Some(data_key(&opened, &tenant).await?),
                };
                let options = export::Options { format: Format::of(format, &file), file, key };
                self.export(&opened, &tenant, &options).await
            }
            UsersCommand::Reindex { .. } => {
                let store = opened.app.store().tenant(&id);
                let users = store.scan_users(true).await.map_err(failed)?;
                for user in &users {
                    store.list_user(user).await.map_err(failed)?;
                }
                self.print(&json!({"tenantId": id, "indexed": users.len()}));
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    async fn import(
        &self,
        opened: &Opened<'_>,
        tenant: Arc<TenantContext>,
        options: &import::Options,
    ) -> Result<ExitCode, Trouble> {
        let key = data_key(opened, &tenant).await?;
        let target = import::Target { app: &opened.app, tenant, key };
        let done = import::run(&target, options).await?;
        self.print(&json!({
            "tenantId": target.tenant.id(), "dryRun": options.dry_run, "created": done.created,
            "updated": done.updated, "unchanged": done.unchanged, "rejected": done.rejected,
        }));
        Ok(if done.rejected == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }

    async fn export(
        &self,
        opened: &Opened<'_>,
        tenant: &TenantContext,
        options: &export::Options,
    ) -> Result<ExitCode, Trouble> {
        let done = export::run(&opened.app, tenant, options).await?;
        if options.key.is_some() && done.apps > 0 {
            eprintln!(
                "warning: {} holds {} TOTP secrets in the clear; whoever has it can answer for these users",
                options.file.display(),
                done.apps
            );
        }
        self.print(&json!({
            "tenantId": tenant.id(), "users": done.users, "authenticatorApps": done.apps,
            "authenticatorsLeftOut": done.others,
        }));
        Ok(ExitCode::SUCCESS)
    }
}

async fn data_key(opened: &Opened<'_>, tenant: &TenantContext) -> Result<Arc<DataKey>, Trouble> {
    opened.app.data_key(tenant).await.map_err(|error: Error| failed(error))
}
