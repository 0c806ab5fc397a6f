//! The first start and later ones: what is made, and what is found again.
//!
//! A first start makes four things, each whole or not at all, in this order: the database with its table, the keyring,
//! the credentials, and the tenant of those credentials in the database; then the credentials say that it is made. So a
//! start that was cut short anywhere is repeated by the next one, and whatever lacks something that comes before it has
//! lost it: that is refused, because a new database, or a new tenant, beside old keys would answer ALLOW for everybody who
//! is enrolled. The tenant and its keys are in all three files, so files of two installations are told too.

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
    fn of(credentials: Credentials, [secret_key, management_key]: [KeyIs; 2]) -> Self {
        Self { credentials, secret_key, management_key }
    }
}

/// `credentials.json`, for its owner's eyes only: the store itself has hashes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialsFile {
    tenant_id: TenantId,
    secret_key: String,
    management_key: String,
    /// The tenant may not be in the database yet: the first start is under way, or was cut short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_pending: bool,
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

/// Keys, credentials and what was written ahead come after the database: where they are and it is not, it is lost.
fn refuse_a_lost_database(directory: &Path) -> Result<(), Trouble> {
    let database = directory.join(database::FILE);
    let [_, ahead, _] = database::files(&database);
    let beside = [directory.join(KEYRING), directory.join(CREDENTIALS), ahead].into_iter().find(|file| file.exists());
    let Some(beside) = beside else { return Ok(()) };
    Err(Trouble(format!(
        "{} is missing beside its {}, and with it every user; restore it from a backup, or move the whole directory \
         away to begin anew without them",
        database.display(),
        beside.file_name().unwrap_or_default().display()
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
    let new =
        [&fixed.secret_key, &fixed.management_key].map(|key| if key.is_some() { KeyIs::Given } else { KeyIs::New });
    let Place::Directory { path: directory, .. } = place else {
        let credentials = fixed.choose()?;
        make_tenant(app, &credentials).await?;
        return Ok(FirstTenant::of(credentials, new));
    };
    let path = directory.join(CREDENTIALS);
    let was_there = path.exists();
    let file = match was_there {
        true => known_file(&path, &fixed)?,
        false => first_file(app, embedded, &path, fixed).await?,
    };
    let is_pending = file.is_pending;
    let credentials = Credentials::from(file);
    // What else is in the database is another's, or it would hold this tenant too.
    if is_pending && (!embedded.has_items() || is_key(app, &credentials, KeyKind::Secret).await?) {
        make_tenant(app, &credentials).await?;
    }
    belong_together(app, directory, &credentials).await?;
    if is_pending {
        save(&path, &credentials)?;
    }
    // Nobody has seen the keys of a start that was cut short.
    let keys = if was_there && !is_pending { [KeyIs::Kept; 2] } else { new };
    Ok(FirstTenant::of(credentials, keys))
}

/// Writes down the credentials of a first start; or those of an earlier one, where the environment has all of them and the
/// database knows them.
async fn first_file(app: &App, embedded: &Embedded, path: &Path, fixed: Fixed) -> Result<CredentialsFile, Trouble> {
    let is_whole = fixed.tenant_id.is_some() && fixed.secret_key.is_some() && fixed.management_key.is_some();
    let chosen = fixed.choose()?;
    let is_known = embedded.has_items();
    if is_known && !(is_whole && are_of_the_database(app, &chosen).await?) {
        return Err(lost_credentials(path));
    }
    write(path, &chosen, !is_known)
}

impl Fixed {
    fn choose(self) -> Result<Credentials, Trouble> {
        let id = self.tenant_id.map(TenantId::parse).transpose().map_err(trouble("COUNTERSIGN_TENANT_ID"))?;
        let chosen = Credentials::choose(id, self.secret_key, self.management_key);
        chosen.map_err(trouble("cannot make the first tenant"))
    }
}

/// Makes the first tenant, where an earlier start has not.
async fn make_tenant(app: &App, credentials: &Credentials) -> Result<(), Trouble> {
    let settings = Settings { is_local: true, ..Settings::named("Countersign") };
    match app.create_tenant(settings, credentials).await {
        Ok(()) | Err(Error::Conflict(_)) => Ok(()),
        Err(other) => Err(trouble("cannot make the first tenant")(other)),
    }
}

/// Refuses a data directory whose files are of two installations, or whose database has lost the tenant: another tenant has
/// none of the users, and nobody who is enrolled would be asked.
async fn belong_together(app: &App, directory: &Path, credentials: &Credentials) -> Result<(), Trouble> {
    let why = if !is_key(app, credentials, KeyKind::Secret).await? {
        format!("does not know the tenant or the secret key of its {CREDENTIALS}")
    } else if !opens(app, &credentials.tenant_id).await {
        format!("was made with another {KEYRING}")
    } else {
        return Ok(());
    };
    Err(Trouble(format!(
        "{} {why}: one of them is another installation's, or has lost what it held; restore {}, {KEYRING} and {CREDENTIALS} \
         from one backup, or move the whole directory away to begin anew without its users",
        directory.join(database::FILE).display(),
        database::FILE,
    )))
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
    known_file(&directory.join(CREDENTIALS), &Fixed::default()).map(Credentials::from)
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

fn known_file(path: &Path, fixed: &Fixed) -> Result<CredentialsFile, Trouble> {
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
    Ok(file)
}

impl From<CredentialsFile> for Credentials {
    fn from(file: CredentialsFile) -> Self {
        Self { tenant_id: file.tenant_id, secret_key: file.secret_key, management_key: file.management_key }
    }
}

/// Writes the credentials of a tenant that is made down in place of the old.
pub fn save(path: &Path, credentials: &Credentials) -> Result<(), Trouble> {
    write(path, credentials, false).map(drop)
}

fn write(path: &Path, credentials: &Credentials, is_pending: bool) -> Result<CredentialsFile, Trouble> {
    let file = CredentialsFile {
        tenant_id: credentials.tenant_id.clone(),
        secret_key: credentials.secret_key.clone(),
        management_key: credentials.management_key.clone(),
        is_pending,
    };
    let text = serde_json::to_string_pretty(&file).map_err(trouble("cannot write the credentials"))?;
    write_private(path, text.as_bytes())?;
    Ok(file)
}
