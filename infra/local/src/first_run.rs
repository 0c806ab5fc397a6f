//! The first start and later ones: what is made, and what is found again.
//!
//! A first start makes four things, each whole or not at all, in this order: the database with its table, the keyring,
//! the credentials, and the tenant of those credentials in the database. So a start that was cut short anywhere is
//! repeated by the next one, and whatever lacks something that comes before it has lost it: that is refused, because a
//! new database beside old keys would answer ALLOW for everybody who is enrolled.

use std::{
    fs,
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
    tenant::{KeyKind, Settings},
};
use serde::{Deserialize, Serialize};

pub use crate::directory::CREDENTIALS;
use crate::{
    database,
    directory::{self, KEYRING, write_private},
    embedded::Embedded,
};

/// One line that says what is wrong and what to do about it.
#[derive(Debug)]
pub struct Trouble(pub String);

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One line, whatever the cause said.
        f.write_str(&self.0.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

pub(crate) fn trouble<E: std::fmt::Display>(what: impl std::fmt::Display) -> impl FnOnce(E) -> Trouble {
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

/// What is known of one of the first tenant's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIs {
    /// Made by this start: nobody has seen it.
    New,
    /// Fixed by the environment, at this start.
    Given,
    /// That of an earlier start.
    Kept,
}

/// The first tenant of a place.
pub struct FirstTenant {
    pub credentials: Credentials,
    pub secret_key: KeyIs,
    pub management_key: KeyIs,
}

impl FirstTenant {
    fn kept(credentials: Credentials) -> Self {
        Self { credentials, secret_key: KeyIs::Kept, management_key: KeyIs::Kept }
    }
}

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
    let embedded = match place {
        Place::Memory => Embedded::memory().map_err(trouble("cannot make a database in memory"))?,
        Place::Directory { path, durable } => {
            directory::make(path)?;
            let database = path.join(database::FILE);
            if !database.exists() {
                refuse_a_lost_database(path)?;
                database::make(&database).await?;
            }
            database::open(&database, *durable)?
        }
    };
    let store = database::with_table(&embedded).await?;
    let keyring = match place {
        Place::Memory => Keyring::generate().map_err(trouble("cannot make keys"))?.0,
        Place::Directory { path, .. } => keyring(path, &embedded)?,
    };
    Ok((App::new(store, keyring, clock, public_url, Outbox::Local(LocalQueue::default())), embedded))
}

/// Keys and credentials come after the database: where they are and it is not, it is lost.
fn refuse_a_lost_database(directory: &Path) -> Result<(), Trouble> {
    let beside = [KEYRING, CREDENTIALS].into_iter().find(|file| directory.join(file).exists());
    let Some(beside) = beside else { return Ok(()) };
    Err(Trouble(format!(
        "{} is missing beside its {beside}, and with it every user; restore it from a backup, or move the whole directory \
         away to begin anew without them",
        directory.join(database::FILE).display()
    )))
}

/// The master keys; made once. Without the file nothing sealed can be opened, so it is never made a second time.
fn keyring(directory: &Path, embedded: &Embedded) -> Result<Keyring, Trouble> {
    let path = directory.join(KEYRING);
    if path.exists() {
        return Keyring::read(&path).map_err(|error| Trouble(error.to_string()));
    }
    if embedded.has_items() || directory.join(CREDENTIALS).exists() {
        return Err(Trouble(format!("{} is missing beside its database; restore it from a backup", path.display())));
    }
    let (keyring, text) = Keyring::generate().map_err(trouble("cannot make keys"))?;
    write_private(&path, text.as_bytes())?;
    Ok(keyring)
}

/// The first tenant: that of an earlier start, or a new one. Its credentials are written down before it is made,
/// so that a start that is cut short can be repeated.
pub async fn first_tenant(app: &App, embedded: &Embedded, place: &Place, fixed: Fixed) -> Result<FirstTenant, Trouble> {
    let path = match place {
        Place::Memory => None,
        Place::Directory { path, .. } => Some(path.join(CREDENTIALS)),
    };
    let first = match path.as_ref().filter(|path| path.exists()) {
        Some(path) => FirstTenant::kept(known_credentials(path, &fixed)?),
        None => {
            let origin = |fixed: &Option<String>| if fixed.is_some() { KeyIs::Given } else { KeyIs::New };
            let (secret_key, management_key) = (origin(&fixed.secret_key), origin(&fixed.management_key));
            let is_whole = fixed.tenant_id.is_some() && fixed.secret_key.is_some() && fixed.management_key.is_some();
            let id = fixed.tenant_id.map(TenantId::parse).transpose().map_err(trouble("COUNTERSIGN_TENANT_ID"))?;
            let chosen = Credentials::choose(id, fixed.secret_key, fixed.management_key);
            let chosen = chosen.map_err(trouble("cannot make the first tenant"))?;
            if let Some(path) = &path {
                if embedded.has_items() && !(is_whole && are_of_the_database(app, &chosen).await?) {
                    return Err(lost_credentials(path));
                }
                save(path, &chosen)?;
            }
            FirstTenant { credentials: chosen, secret_key, management_key }
        }
    };
    let credentials = &first.credentials;
    let failed = trouble("cannot make the first tenant");
    let settings = Settings { is_local: true, ..Settings::named("Countersign") };
    match app.create_tenant(settings, credentials).await {
        Ok(()) => Ok(first),
        Err(Error::Conflict(_)) => {
            if !is_key(app, credentials, KeyKind::Secret).await? {
                return Err(Trouble(
                    "the database does not know the secret key of credentials.json; restore both from one backup"
                        .into(),
                ));
            }
            if !opens(app, &credentials.tenant_id).await {
                return Err(Trouble(
                    "keyring.json is not the one of this database; restore both from one backup".into(),
                ));
            }
            Ok(first)
        }
        Err(other) => Err(failed(other)),
    }
}

/// Without its credentials a start would make a second tenant, which has none of the users of the first; so it is
/// refused.
fn lost_credentials(path: &Path) -> Trouble {
    Trouble(format!(
        "{} is missing beside a database that has a tenant; restore it from a backup, or start once with \
         COUNTERSIGN_TENANT_ID, COUNTERSIGN_SECRET_KEY and COUNTERSIGN_MANAGEMENT_KEY set to what it held",
        path.display()
    ))
}

async fn are_of_the_database(app: &App, credentials: &Credentials) -> Result<bool, Trouble> {
    Ok(is_key(app, credentials, KeyKind::Secret).await? && is_key(app, credentials, KeyKind::Management).await?)
}

/// Whether the database knows this key as one of this tenant.
async fn is_key(app: &App, credentials: &Credentials, kind: KeyKind) -> Result<bool, Trouble> {
    let key = match kind {
        KeyKind::Secret => &credentials.secret_key,
        KeyKind::Management => &credentials.management_key,
    };
    let owner = app.store().key_owner(&key_hash(key)).await.map_err(trouble("cannot read the first tenant"))?;
    Ok(owner.is_some_and(|owner| owner.tenant == credentials.tenant_id && owner.kind == kind))
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

/// Looks whether a data directory has had its first start.
pub fn check_started(data: &Path) -> Result<(), Trouble> {
    directory::check(data)?;
    let file = data.join(CREDENTIALS);
    if file.exists() {
        return Ok(());
    }
    Err(Trouble(format!(
        "there is no {}; start countersign once, say where its data is with --data, or name a stack's table with --table",
        file.display()
    )))
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
