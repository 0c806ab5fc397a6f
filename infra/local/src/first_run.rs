//! The data directory: what a first start makes, and later ones find again.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use countersign_core::{
    app::{App, key_hash},
    clock::Clock,
    error::Error,
    id::TenantId,
    keyring::Keyring,
    operator::Credentials,
    outbox::{LocalQueue, Outbox},
    store::Store,
    tenant::{KeyKind, Settings},
};
use serde::{Deserialize, Serialize};

use crate::embedded::{Embedded, TABLE};

/// One line that says what is wrong and what to do about it.
#[derive(Debug)]
pub struct Trouble(pub String);

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One line, whatever the cause said.
        f.write_str(&self.0.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn trouble<E: std::fmt::Display>(what: impl std::fmt::Display) -> impl FnOnce(E) -> Trouble {
    move |cause| Trouble(format!("{what}: {cause}"))
}

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Place {
    Memory,
    Directory { path: PathBuf, durable: bool },
}

/// Credentials that the environment fixes instead of having them generated.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    pub tenant_id: Option<String>,
    pub secret_key: Option<String>,
    pub management_key: Option<String>,
}

/// In the data directory: what the first tenant is reached with.
pub const CREDENTIALS: &str = "credentials.json";

/// `credentials.json`, for its owner's eyes only: the store itself has hashes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialsFile {
    tenant_id: TenantId,
    secret_key: String,
    management_key: String,
}

/// Opens the database and the keyring of a place, making what is missing.
pub async fn open(place: &Place, clock: Clock, public_url: &str) -> Result<(App, Embedded), Trouble> {
    let (embedded, keyring) = match place {
        Place::Memory => {
            let (keyring, _) = Keyring::generate().map_err(trouble("cannot make keys"))?;
            (Embedded::memory().map_err(trouble("cannot make a database in memory"))?, keyring)
        }
        Place::Directory { path, durable } => {
            let make = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
            make.map_err(trouble(format!("cannot make the data directory {}", path.display())))?;
            let keyring = keyring(path)?;
            let database = path.join("countersign.db");
            let open = Embedded::file(&database, *durable);
            (open.map_err(trouble(format!("cannot open the database {}", database.display())))?, keyring)
        }
    };
    let store = Store::create_table(embedded.client(), TABLE).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        Trouble(format!("the database is damaged or not one of Countersign's: {cause}"))
    })?;
    Ok((App::new(store, keyring, clock, public_url, Outbox::Local(LocalQueue::default())), embedded))
}

/// The master keys; made once. Without the file nothing sealed can be opened, so it is never made a second time.
fn keyring(directory: &Path) -> Result<Keyring, Trouble> {
    let path = directory.join("keyring.json");
    if path.exists() {
        return Keyring::read(&path).map_err(|error| Trouble(error.to_string()));
    }
    if directory.join("countersign.db").exists() {
        return Err(Trouble(format!("{} is missing beside its database; restore it from a backup", path.display())));
    }
    let (keyring, text) = Keyring::generate().map_err(trouble("cannot make keys"))?;
    write_private(&path, text.as_bytes())?;
    Ok(keyring)
}

/// The first tenant: that of an earlier start, or a new one. Its credentials are written down before it is made,
/// so that a start that is cut short can be repeated.
pub async fn first_tenant(app: &App, place: &Place, fixed: Fixed) -> Result<Credentials, Trouble> {
    let path = match place {
        Place::Memory => None,
        Place::Directory { path, .. } => Some(path.join(CREDENTIALS)),
    };
    let credentials = match path.as_ref().filter(|path| path.exists()) {
        Some(path) => known_credentials(path, &fixed)?,
        None => {
            let id = fixed.tenant_id.map(TenantId::parse).transpose().map_err(trouble("COUNTERSIGN_TENANT_ID"))?;
            let chosen = Credentials::choose(id, fixed.secret_key, fixed.management_key);
            let chosen = chosen.map_err(trouble("cannot make the first tenant"))?;
            if let Some(path) = &path {
                save(path, &chosen)?;
            }
            chosen
        }
    };
    let failed = trouble("cannot make the first tenant");
    let settings = Settings { is_local: true, ..Settings::named("Countersign") };
    match app.create_tenant(settings, &credentials).await {
        Ok(()) => Ok(credentials),
        Err(Error::Conflict(_)) => {
            let owner = app.store().key_owner(&key_hash(&credentials.secret_key)).await.map_err(failed)?;
            let ours = owner.is_some_and(|o| o.tenant == credentials.tenant_id && o.kind == KeyKind::Secret);
            if ours && !opens(app, &credentials.tenant_id).await {
                return Err(Trouble(
                    "keyring.json is not the one of this database; restore both from one backup".into(),
                ));
            }
            ours.then_some(credentials).ok_or_else(|| {
                Trouble(
                    "the database does not know the secret key of credentials.json; restore both from one backup"
                        .into(),
                )
            })
        }
        Err(other) => Err(failed(other)),
    }
}

/// Whether the keyring has the keys of this tenant.
async fn opens(app: &App, tenant: &TenantId) -> bool {
    let Ok(Some(tenant)) = app.tenant(tenant).await else { return false };
    app.signing_keys(&tenant).await.is_ok() && app.data_key(&tenant).await.is_ok()
}

/// The credentials that a data directory was made with.
pub fn known(directory: &Path) -> Result<Credentials, Trouble> {
    known_credentials(&directory.join(CREDENTIALS), &Fixed::default())
}

fn known_credentials(path: &Path, fixed: &Fixed) -> Result<Credentials, Trouble> {
    let text = fs::read_to_string(path).map_err(trouble(format!("cannot read {}", path.display())))?;
    let file: CredentialsFile = serde_json::from_str(&text)
        .map_err(|_| Trouble(format!("{} is not readable; restore it from a backup", path.display())))?;
    for (name, fixed, known) in [
        ("COUNTERSIGN_TENANT_ID", &fixed.tenant_id, file.tenant_id.as_str()),
        ("COUNTERSIGN_SECRET_KEY", &fixed.secret_key, &file.secret_key),
        ("COUNTERSIGN_MANAGEMENT_KEY", &fixed.management_key, &file.management_key),
    ] {
        if fixed.as_ref().is_some_and(|fixed| fixed != known) {
            return Err(Trouble(format!(
                "{name} is not what this data directory was made with; unset it, or use another --data"
            )));
        }
    }
    Ok(Credentials { tenant_id: file.tenant_id, secret_key: file.secret_key, management_key: file.management_key })
}

/// Writes the credentials down in place of the old.
pub fn save(path: &Path, credentials: &Credentials) -> Result<(), Trouble> {
    let file = CredentialsFile {
        tenant_id: credentials.tenant_id.clone(),
        secret_key: credentials.secret_key.clone(),
        management_key: credentials.management_key.clone(),
    };
    let text = serde_json::to_string_pretty(&file).map_err(trouble("cannot write the credentials"))?;
    write_private(path, text.as_bytes())
}

/// Writes a file that only its owner may read; whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let temporary = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(trouble(format!("cannot write {}", path.display())))
}
