//! Taking users over from a file: each line in one transaction, as often as one likes.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use countersign_core::{
    app::{App, TenantContext},
    authenticator::{Authenticator, UseSoFar},
    clock::Timestamp,
    error::Error,
    method::{Method, totp::Owner},
    secret::DataKey,
    store::{Import, NewAuthenticator, SpentSteps, UserAndSpent},
    user::{MAX_TOTP, User},
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    first_run::Trouble,
    progress::{self, Of},
};

use super::{
    Format, failed,
    preshared::Unlock,
    row::{Problem, Row, problem},
    source::{self, Beside},
    tokens::Owners,
};

/// So many lines are under way at a time: what a table in AWS takes without a thought.
const AT_A_TIME: usize = 16;

/// How far an import has come is written down after so many lines.
const NOTED_EVERY: u64 = 100;

/// Problems that are shown where no report is asked for.
const SHOWN: u64 = 20;

pub struct Options {
    pub file: PathBuf,
    pub format: Format,
    pub dry_run: bool,
    pub report: Option<PathBuf>,
    pub resume: bool,
    /// Whose tokens are whose, in files of seeds that do not say it.
    pub owners: Option<PathBuf>,
    /// What decrypts a PSKC file.
    pub pskc_key: Option<PathBuf>,
    pub pskc_password: Option<PathBuf>,
}

/// What became of the lines.
#[derive(Default)]
pub struct Summary {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub rejected: u64,
}

/// Who the users become, and what seals their secrets.
pub struct Target<'a> {
    pub app: &'a App,
    pub tenant: Arc<TenantContext>,
    pub key: Arc<DataKey>,
}

enum Taken {
    Created,
    Updated,
    Unchanged,
    Rejected(Problem),
}

/// Takes over the users of a file. Stops where the store cannot be reached; what was done is done, and a later
/// `--resume` goes on from there.
pub async fn run(target: &Target<'_>, options: &Options) -> Result<Summary, Trouble> {
    let mut journal = Journal::open(target, options)?;
    let mut report = Report::open(options)?;
    let unlock = match (&options.pskc_key, &options.pskc_password) {
        (Some(key), _) => Some(Unlock::read_key(key)?),
        (None, Some(password)) => Some(Unlock::read_password(password)?),
        (None, None) => None,
    };
    let beside = Beside { owners: Owners::read(options.owners.as_deref())?, unlock };
    let lines = source::lines(&options.file, options.format, beside)?;
    let bar = progress::bar(journal.bytes, Of::Bytes);
    let rows = usize::try_from(journal.rows).unwrap_or(usize::MAX);
    let under_way = stream::iter(lines.skip(rows)).map(async |line| {
        let taken = match line.row {
            Ok(row) => take(target, &row, options.dry_run).await,
            Err(found) => Ok(Taken::Rejected(found)),
        };
        (line.number, line.read_so_far, taken)
    });
    // In the order of the file, so that a number says what is done.
    let mut done = std::pin::pin!(under_way.buffered(AT_A_TIME));
    let mut summary = Summary::default();
    while let Some((number, read, taken)) = done.next().await {
        match taken {
            Ok(Taken::Created) => summary.created += 1,
            Ok(Taken::Updated) => summary.updated += 1,
            Ok(Taken::Unchanged) => summary.unchanged += 1,
            Ok(Taken::Rejected(found)) => {
                summary.rejected += 1;
                bar.suspend(|| report.write(number, &found))?;
            }
            Err(error) => {
                journal.note()?;
                let Trouble(cause) = failed(error);
                return Err(Trouble(format!("stopped at line {number}: {cause}; run it again with --resume")));
            }
        }
        journal.advance()?;
        bar.set_position(read);
    }
    bar.finish_and_clear();
    journal.end();
    report.end();
    Ok(summary)
}

/// Takes one user over, or says what would come of it.
async fn take(target: &Target<'_>, row: &Row, dry_run: bool) -> Result<Taken, Error> {
    let store = target.app.store().tenant(target.tenant.id());
    let now = target.app.now();
    if let Err(found) = row.check_custom(target.tenant.points()) {
        return Ok(Taken::Rejected(found));
    }
    // Each turn that finds its reading stale means that another write succeeded, so there are few.
    for _ in 0..8 {
        let UserAndSpent { user: known, profile: stored, spent } = store.user_profile_and_spent(&row.user).await?;
        let is_new = known.is_none();
        let user = known.unwrap_or_else(|| target.tenant.new_user(row.user.clone(), now));
        let apps = apps(target, row, &user, (&spent, now))?;
        if user.totp.len() + apps.len() > MAX_TOTP {
            let has = user.totp.len() + apps.len();
            let why = format!("would give the user {has} authenticator apps; {MAX_TOTP} is the most, leave some out");
            return Ok(Taken::Rejected(problem("totp", why)));
        }
        let before = stored.as_ref().map(|stored| stored.profile.clone()).unwrap_or_default();
        let mut profile = before.clone();
        row.apply(&mut profile);
        let profile = (profile != before).then_some(profile);
        if !is_new && profile.is_none() && apps.is_empty() {
            return Ok(Taken::Unchanged);
        }
        let (old, profile) = (stored.as_ref(), profile.as_ref());
        let import = Import { user: &user, is_new, old, profile, apps: &apps, spent: &spent, now };
        if dry_run || store.import(&import).await? {
            return Ok(if is_new { Taken::Created } else { Taken::Updated });
        }
    }
    Err(Error::unavailable("the user kept changing"))
}

/// The apps of a line that the user does not have, each once: the same secret is the same authenticator.
fn apps(
    target: &Target<'_>,
    row: &Row,
    user: &User,
    (spent, now): (&SpentSteps, Timestamp),
) -> Result<Vec<NewAuthenticator>, Error> {
    let mut new: Vec<NewAuthenticator> = Vec::new();
    for app in &row.apps {
        let id = app.secret.authenticator_id(&target.key, &user.uid);
        if user.totp.contains_key(&id) || new.iter().any(|one| one.description.id == id) {
            continue;
        }
        let owner = Owner { tenant: target.tenant.id(), user: &user.id, authenticator: &id };
        let sealed = Some(app.secret.seal(&target.key, &owner)?);
        let at = app.created_at.unwrap_or(now);
        let description = Authenticator {
            id,
            user_uid: user.uid.clone(),
            method: Method::AuthenticatorApp,
            created_at: at,
            verified_at: at,
            name: app.name.clone(),
            email: None,
            phone_number: None,
            device: None,
            use_so_far: UseSoFar::default(),
        };
        let last_step = spent.last_step(|life| app.secret.authenticator_id(&target.key, life), now);
        new.push(NewAuthenticator { description, sealed, last_step, notice: None });
    }
    Ok(new)
}

/// How far the import of a file has come, in a file beside it.
struct Journal {
    /// `None` for a dry run, which goes nowhere.
    path: Option<PathBuf>,
    tenant: String,
    bytes: u64,
    rows: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Noted {
    tenant_id: String,
    bytes: u64,
    rows: u64,
}

impl Journal {
    fn open(target: &Target<'_>, options: &Options) -> Result<Self, Trouble> {
        let file = options.file.display();
        let bytes = fs::metadata(&options.file).map_err(|error| Trouble(format!("cannot read {file}: {error}")))?.len();
        let mut path = options.file.clone().into_os_string();
        path.push(".journal");
        let path = PathBuf::from(path);
        let mut journal = Self { path: Some(path.clone()), tenant: target.tenant.id().to_string(), bytes, rows: 0 };
        if options.dry_run {
            journal.path = None;
            return Ok(journal);
        }
        let Ok(text) = fs::read_to_string(&path) else { return Ok(journal) };
        let noted: Option<Noted> = serde_json::from_str(&text).ok();
        let known = noted.filter(|noted| noted.bytes == bytes && noted.tenant_id == journal.tenant);
        match (known, options.resume) {
            (Some(noted), true) => {
                journal.rows = noted.rows;
                Ok(journal)
            }
            (Some(noted), false) => Err(Trouble(format!(
                "an import of {file} was interrupted after {} rows; say --resume to go on, or remove {} to begin again",
                noted.rows,
                path.display()
            ))),
            (None, _) => Err(Trouble(format!(
                "{} is of another tenant, or {file} has changed since; remove it to begin again (what is there already stays as it is)",
                path.display()
            ))),
        }
    }

    fn advance(&mut self) -> Result<(), Trouble> {
        self.rows += 1;
        if self.rows.is_multiple_of(NOTED_EVERY) { self.note() } else { Ok(()) }
    }

    fn note(&self) -> Result<(), Trouble> {
        let Some(path) = &self.path else { return Ok(()) };
        let noted = Noted { tenant_id: self.tenant.clone(), bytes: self.bytes, rows: self.rows };
        let new = path.with_extension("journal.new");
        let write = || {
            fs::write(&new, serde_json::to_vec(&noted)?)?;
            fs::rename(&new, path)
        };
        write().map_err(|error| Trouble(format!("cannot write {}: {error}", path.display())))
    }

    fn end(self) {
        if let Some(path) = self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// The lines that were not taken, and why.
struct Report {
    file: Option<fs::File>,
    count: u64,
}

impl Report {
    fn open(options: &Options) -> Result<Self, Trouble> {
        let open = |path: &Path| {
            let mut how = fs::OpenOptions::new();
            how.create(true).write(true).append(options.resume).truncate(!options.resume).mode(0o600);
            how.open(path).map_err(|error| Trouble(format!("cannot write {}: {error}", path.display())))
        };
        Ok(Self { file: options.report.as_deref().map(open).transpose()?, count: 0 })
    }

    fn write(&mut self, line: u64, found: &Problem) -> Result<(), Trouble> {
        self.count += 1;
        let Problem { field, problem } = found;
        match &mut self.file {
            Some(file) => {
                let row: Value = json!({"line": line, "field": field, "problem": problem});
                writeln!(file, "{row}").map_err(|error| Trouble(format!("cannot write the report: {error}")))
            }
            None => {
                if self.count <= SHOWN {
                    eprintln!("line {line}: {field} {problem}");
                }
                Ok(())
            }
        }
    }

    fn end(self) {
        if self.file.is_none() && self.count > SHOWN {
            eprintln!("and {} more; say --report FILE for all of them", self.count - SHOWN);
        }
    }
}
