//! Handing users over to a file, in the form in which an import takes them.

use std::{
    fs,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::Arc,
};

use countersign_core::{
    app::{App, TenantContext},
    clock::{Timestamp, iso},
    error::Error,
    id::UserId,
    method::totp::{Owner, TotpSecret},
    secret::DataKey,
    user::{Profile, User},
};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};

use crate::{
    first_run::Trouble,
    progress::{self, Of},
};

use super::{
    Format,
    cells::{self, COLUMNS},
    failed,
};

const AT_A_TIME: usize = 16;

pub struct Options {
    pub file: PathBuf,
    pub format: Format,
    /// `None` leaves the secrets out.
    pub key: Option<Arc<DataKey>>,
}

/// What was written.
#[derive(Default)]
pub struct Summary {
    pub users: u64,
    pub apps: u64,
    /// Keys of devices, and addresses: they stay behind.
    pub others: u64,
}

struct Exported {
    profile: Map<String, Value>,
    apps: Vec<Value>,
    others: u64,
}

/// Writes all users, by their ids. Each is read consistently, and by itself.
pub async fn run(app: &App, tenant: &TenantContext, options: &Options) -> Result<Summary, Trouble> {
    let file = options.file.display();
    let wrong = |error: std::io::Error| Trouble(format!("cannot write {file}: {error}"));
    if options.file.exists() {
        return Err(Trouble(format!("{file} is there already; choose another name")));
    }
    let mut users = app.store().tenant(tenant.id()).scan_users(false).await.map_err(failed)?;
    users.sort_unstable();
    let mut new = options.file.clone().into_os_string();
    new.push(".new");
    let _ = fs::remove_file(&new);
    // Secrets in the clear: for the eyes of its owner.
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(wrong)?;
    let mut out = Out::new(BufWriter::new(opened), options.format)?;
    let bar = progress::bar(users.len() as u64, Of::Items);
    let key = options.key.as_deref();
    let each = stream::iter(users).map(async |id| exported(app, tenant, key, &id).await);
    let mut each = std::pin::pin!(each.buffered(AT_A_TIME));
    let mut summary = Summary::default();
    while let Some(one) = each.next().await {
        bar.inc(1);
        // Deleted since it was listed.
        let Some(one) = one.map_err(failed)? else { continue };
        summary.users += 1;
        summary.apps += one.apps.len() as u64;
        summary.others += one.others;
        out.write(one)?;
    }
    bar.finish_and_clear();
    out.finish()?.sync_all().map_err(wrong)?;
    fs::rename(&new, &options.file).map_err(wrong)?;
    Ok(summary)
}

async fn exported(
    app: &App,
    tenant: &TenantContext,
    key: Option<&DataKey>,
    id: &UserId,
) -> Result<Option<Exported>, Error> {
    let store = app.store().tenant(tenant.id());
    let (user, stored) = store.user_and_profile(id).await?;
    let Some(user) = user else { return Ok(None) };
    let described = match key {
        Some(_) if !user.totp.is_empty() => store.authenticators(&user).await?,
        _ => Vec::new(),
    };
    let mut apps = Vec::new();
    for one in &described {
        let (Some(key), Some(credential)) = (key, user.totp.get(&one.id)) else { continue };
        let secret = TotpSecret::open(
            key,
            &Owner { tenant: tenant.id(), user: id, authenticator: &one.id },
            &credential.sealed,
        )?;
        apps.push((one.created_at, described_app(&secret, &user, one.name.as_deref(), one.created_at)?));
    }
    // Ids are another tenant's elsewhere; what is the same there is when, and what.
    apps.sort_by_cached_key(|(at, app)| (*at, app.to_string()));
    let profile = stored.map(|stored| stored.profile).unwrap_or_default();
    Ok(Some(Exported {
        profile: fields(&user, profile),
        apps: apps.into_iter().map(|(_, app)| app).collect(),
        others: user.secretless.len() as u64,
    }))
}

fn described_app(secret: &TotpSecret, user: &User, name: Option<&str>, created: Timestamp) -> Result<Value, Error> {
    let mut app = Map::new();
    match secret.is_usual() {
        true => app.insert("secret".into(), json!(secret.to_base32().as_str())),
        false => app.insert("otpauthUri".into(), json!(secret.uri("Countersign", user.id.as_str())?.as_str())),
    };
    if let Some(name) = name {
        app.insert("name".into(), name.into());
    }
    app.insert("createdAt".into(), iso(created).into());
    Ok(app.into())
}

fn fields(user: &User, profile: Profile) -> Map<String, Value> {
    let texts = [
        ("userId", Some(user.id.to_string())),
        ("email", profile.email),
        ("phoneNumber", profile.phone_number),
        ("username", profile.username),
        ("displayName", profile.display_name),
        ("locale", profile.locale),
    ];
    let mut fields: Map<String, Value> =
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect();
    for (name, verified) in
        [("emailVerified", profile.email_verified), ("phoneNumberVerified", profile.phone_number_verified)]
    {
        if verified {
            fields.insert(name.into(), true.into());
        }
    }
    if let Some(custom) = profile.custom {
        fields.insert("custom".into(), custom.into());
    }
    fields
}

enum Out {
    Jsonl(BufWriter<fs::File>),
    Csv(Box<csv::Writer<BufWriter<fs::File>>>),
}

fn unwritten(error: impl std::fmt::Display) -> Trouble {
    Trouble(format!("the export cannot be written: {error}"))
}

impl Out {
    fn new(file: BufWriter<fs::File>, format: Format) -> Result<Self, Trouble> {
        match format {
            Format::Jsonl => Ok(Self::Jsonl(file)),
            // Files of tokens are only read.
            Format::OathCsv | Format::Pskc => Err(Trouble("export writes jsonl or csv; say --format jsonl".into())),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record(COLUMNS).map_err(unwritten)?;
                Ok(Self::Csv(Box::new(writer)))
            }
        }
    }

    fn write(&mut self, one: Exported) -> Result<(), Trouble> {
        let Exported { mut profile, apps, .. } = one;
        match self {
            Self::Jsonl(file) => {
                if !apps.is_empty() {
                    profile.insert("totp".into(), apps.into());
                }
                writeln!(file, "{}", Value::Object(profile)).map_err(unwritten)
            }
            Self::Csv(writer) => {
                let none = Value::Null;
                for app in if apps.is_empty() { vec![&none] } else { apps.iter().collect() } {
                    writer
                        .write_record(COLUMNS.map(|column| cells::safe(cell(&profile, app, column))))
                        .map_err(unwritten)?;
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<fs::File, Trouble> {
        match self {
            Self::Jsonl(file) => file.into_inner().map_err(unwritten),
            Self::Csv(writer) => writer.into_inner().map_err(unwritten)?.into_inner().map_err(unwritten),
        }
    }
}

fn cell(profile: &Map<String, Value>, app: &Value, column: &str) -> String {
    let value = match column {
        "totpSecret" if app.get("secret").is_some() => &app["secret"],
        "totpSecret" => &app["otpauthUri"],
        "totpName" => &app["name"],
        "totpCreatedAt" => &app["createdAt"],
        _ => profile.get(column).unwrap_or(&Value::Null),
    };
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
