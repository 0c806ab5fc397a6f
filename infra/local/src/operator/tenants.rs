//! The commands that make, change and show tenants and their keys.

use std::path::Path;

use clap::{Subcommand, ValueEnum};
use countersign_core::{
    id::{TenantId, check_name},
    operator::Credentials,
    redirect,
    tenant::{KeyKind, Settings, Tenant},
};
use serde_json::{Value, json};

use super::{Installation, OfTenant, Opened, failed, tenant, which};
use crate::first_run::{self, CREDENTIALS, Trouble};

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

impl Installation {
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
