//! `countersign push`: how a tenant's devices are reached.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use countersign_core::{
    courier::{
        application::{self, Credential},
        web_push,
    },
    delivery::Platform,
    id::{TenantId, digest},
    tenant::{PushSettings, Tenant, WebPush},
};
use serde_json::json;
use url::Url;

use super::{Installation, OfTenant, Opened, failed, tenant, which};
use crate::first_run::Trouble;

/// How a tenant's devices are reached: phones through SNS platform applications, browsers by web push.
#[derive(Subcommand)]
pub enum PushCommand {
    /// Use a push service from now on: an SNS application that exists or is made of your credentials, or web push.
    Set {
        service: PushService,
        #[command(flatten)]
        by: Box<By>,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Stop using a push service. Its devices can still ask what is pending.
    Unset {
        service: PushService,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Show which push services are used.
    Show {
        #[command(flatten)]
        of: OfTenant,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PushService {
    Apns,
    ApnsSandbox,
    Fcm,
    /// Browsers (RFC 8030, VAPID).
    Web,
}

impl PushService {
    fn platform(self) -> Option<Platform> {
        match self {
            Self::Apns => Some(Platform::Apns),
            Self::ApnsSandbox => Some(Platform::ApnsSandbox),
            Self::Fcm => Some(Platform::Gcm),
            Self::Web => None,
        }
    }
}

#[derive(Args)]
pub struct By {
    /// ARN of a platform application, `arn:aws:sns:<region>:<account>:app/<platform>/<stack>-<name>`.
    #[arg(long, value_name = "ARN", conflicts_with_all = ["service_account", "signing_key"])]
    application: Option<String>,
    /// fcm: the JSON file of a Firebase service account, of which an application is made.
    #[arg(long, value_name = "FILE")]
    service_account: Option<PathBuf>,
    /// apns: the .p8 file of a signing key, of which an application is made.
    #[arg(long, value_name = "FILE", requires_all = ["key_id", "team_id", "bundle_id"])]
    signing_key: Option<PathBuf>,
    /// apns: the id of the signing key.
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// apns: the id of your team.
    #[arg(long, value_name = "ID")]
    team_id: Option<String>,
    /// apns: the bundle id of the app.
    #[arg(long, value_name = "ID")]
    bundle_id: Option<String>,
    /// Name of the stack, which the names of its applications begin with.
    #[arg(long, env = "COUNTERSIGN_STACK", value_name = "NAME")]
    stack: Option<String>,
    /// web: whom a push service may write to, `mailto:you@example.com` or an https address.
    #[arg(long, value_name = "URI")]
    subject: Option<String>,
    /// web: the origin of a push service of your own; those of Chrome, Edge, Firefox and Safari are known. Repeatable.
    #[arg(long = "also", value_name = "ORIGIN")]
    services: Vec<String>,
}

impl Installation {
    /// Says how a tenant's devices are reached, and changes it.
    pub async fn push(&self, data: &std::path::Path, command: PushCommand) -> Result<(), Trouble> {
        let (PushCommand::Set { of, .. } | PushCommand::Unset { of, .. } | PushCommand::Show { of }) = &command;
        let opened = self.open(data).await?;
        let id = which(&opened, of).await?;
        match command {
            PushCommand::Set { service: PushService::Web, by, .. } => self.set_web(&opened, &id, *by).await?,
            PushCommand::Set { service, by, .. } => {
                let Some(platform) = service.platform() else { return Ok(()) };
                let arn = self.application(platform, &id, *by).await?;
                change(&opened, &id, |push| drop(push.applications.insert(platform, arn.clone()))).await?;
            }
            PushCommand::Unset { service, .. } => match service.platform() {
                Some(platform) => change(&opened, &id, |push| drop(push.applications.remove(&platform))).await?,
                None => change(&opened, &id, |push| push.web = None).await?,
            },
            PushCommand::Show { .. } => {}
        }
        let PushSettings { applications, web, .. } = tenant(&opened.app, id.to_string()).await?.settings.push;
        let web = web
            .map(|web| json!({"subject": web.subject, "applicationServerKey": web.public_key, "also": web.services}));
        self.print(&json!({"tenantId": id, "applications": applications, "web": web}));
        Ok(())
    }

    /// The application to use: the one that is named, or one that is made.
    async fn application(&self, platform: Platform, tenant: &TenantId, by: By) -> Result<String, Trouble> {
        if let Some(arn) = by.application {
            check_application(platform, &arn)?;
            return Ok(arn);
        }
        let credential = credential(platform, &by)?;
        let stack = by.stack.ok_or_else(|| {
            Trouble("say --stack NAME (COUNTERSIGN_STACK of the stack's output OperatorEnvironment)".into())
        })?;
        // A tenant's id may have characters that a name may not have.
        let name = format!("{stack}-{}", &digest(&[tenant.as_str().as_bytes()])[..16]);
        application::create(&self.aws().await?, platform, &name, &credential).await.map_err(failed)
    }

    async fn set_web(&self, opened: &Opened<'_>, id: &TenantId, by: By) -> Result<(), Trouble> {
        let known = tenant(&opened.app, id.to_string()).await?.settings.push.web;
        let subject = by.subject.or_else(|| known.as_ref().map(|web| web.subject.clone()));
        let subject = subject.ok_or_else(|| Trouble("say --subject mailto:you@example.com".into()))?;
        if !(subject.starts_with("mailto:") && subject.contains('@') || subject.starts_with("https://")) {
            return Err(Trouble("--subject is mailto:you@example.com or an https address (RFC 8292)".into()));
        }
        let services = by.services.iter().map(|text| origin(text)).collect::<Result<Vec<_>, _>>()?;
        // The key stays: every browser has subscribed with it.
        let (sealed_key, public_key) = match known {
            Some(web) => (web.sealed_key, web.public_key),
            None => web_push::new_key(&opened.app, id).await.map_err(failed)?,
        };
        let web = WebPush { subject, public_key, sealed_key, services };
        change(opened, id, |push| push.web = Some(web.clone())).await
    }
}

async fn change(opened: &Opened<'_>, id: &TenantId, change: impl Fn(&mut PushSettings)) -> Result<(), Trouble> {
    let apply = |tenant: &mut Tenant| {
        change(&mut tenant.settings.push);
        Ok(())
    };
    opened.app.store().tenant(id).change(apply).await.map_err(failed)?;
    opened.app.forget_tenant(id);
    Ok(())
}

fn origin(text: &str) -> Result<String, Trouble> {
    let wrong = || Trouble(format!("--also {text}: say an origin, as https://push.example.com"));
    let url = Url::parse(text).map_err(|_| wrong())?;
    let origin = url.origin();
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if !origin.is_tuple() || url.path() != "/" || !(url.scheme() == "https" || url.scheme() == "http" && is_loopback) {
        return Err(wrong());
    }
    Ok(origin.ascii_serialization())
}

fn read(path: &PathBuf) -> Result<String, Trouble> {
    fs::read_to_string(path).map_err(|error| Trouble(format!("cannot read {}: {error}", path.display())))
}

fn credential(platform: Platform, by: &By) -> Result<Credential, Trouble> {
    match (platform, &by.service_account, &by.signing_key) {
        (Platform::Gcm, Some(file), None) => {
            let account = read(file)?;
            let json = serde_json::from_str::<serde_json::Value>(&account).unwrap_or_default();
            if json["type"] != "service_account" || !json["private_key"].is_string() {
                return Err(Trouble(format!("{} is not the JSON of a service account of Firebase", file.display())));
            }
            Ok(Credential::Firebase { service_account: account })
        }
        (Platform::Gcm, ..) => Err(Trouble("say --application ARN, or --service-account FILE".into())),
        (_, None, Some(file)) => {
            let key = read(file)?;
            if !key.contains("BEGIN PRIVATE KEY") {
                return Err(Trouble(format!("{} is not the .p8 file of a signing key of Apple", file.display())));
            }
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            Ok(Credential::Apple {
                signing_key: key,
                key_id: text(&by.key_id),
                team_id: text(&by.team_id),
                bundle_id: text(&by.bundle_id),
            })
        }
        _ => {
            Err(Trouble("say --application ARN, or --signing-key FILE with --key-id, --team-id and --bundle-id".into()))
        }
    }
}

/// An application of another push service would refuse every token.
fn check_application(platform: Platform, arn: &str) -> Result<(), Trouble> {
    let name = platform.name();
    let parts: Vec<&str> = arn.split(':').collect();
    if !matches!(parts[..], ["arn", _, "sns", _, _, app] if app.starts_with(&format!("app/{name}/"))) {
        return Err(Trouble(format!(
            "--application is not the ARN of a platform application of {name} (…:app/{name}/<name>)"
        )));
    }
    Ok(())
}
