//! The data directory: one server at a time, and nothing in it that others may read.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{
    database,
    embedded::Embedded,
    first_run::{Place, Trouble, trouble},
};

/// In the data directory: the master keys.
pub const KEYRING: &str = "keyring.json";
/// In the data directory: what the first tenant is reached with.
pub const CREDENTIALS: &str = "credentials.json";
/// In the data directory: held by the server that serves it, with its process id and its address inside.
const LOCK: &str = "server.lock";

/// The right to serve a data directory; given back when the process ends, however it ends.
#[derive(Debug)]
pub struct Alone {
    _held: Option<File>,
}

/// Makes the data directory where it is missing, and takes it for this server alone. Then looks through its database:
/// a torn one is better told now than by the first user who needs what is torn.
///
/// The operator's commands ask for no lock: SQLite lets them write while a server serves.
pub fn take(place: &Place, public_url: &str) -> Result<Alone, Trouble> {
    let Place::Directory { path, .. } = place else { return Ok(Alone { _held: None }) };
    make(path)?;
    let mut held = lock(path)?;
    // For the one that comes second, and for `countersign env`; the lock is what counts.
    let _ = held.set_len(0).and_then(|()| writeln!(held, "{}\n{public_url}", std::process::id()));
    let database = path.join(database::FILE);
    if database.exists() {
        database::check_whole(&database)?;
    }
    Ok(Alone { _held: Some(held) })
}

/// Ends the database when an operator's command has done its work, unless a server serves it, which ends it itself.
#[derive(Debug)]
pub(crate) struct Ending {
    directory: PathBuf,
    embedded: Embedded,
}

impl Ending {
    pub(crate) fn of(directory: &Path, embedded: &Embedded) -> Self {
        Self { directory: directory.to_owned(), embedded: embedded.clone() }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Ok(_alone) = lock(&self.directory) {
            self.embedded.end();
        }
    }
}

/// Where the server of this data directory is reached, or was reached last.
pub fn served_at(directory: &Path) -> Option<String> {
    let text = fs::read_to_string(directory.join(LOCK)).ok()?;
    text.lines().nth(1).map(str::to_owned)
}

/// Refuses what is there and is no directory.
pub(crate) fn check(path: &Path) -> Result<(), Trouble> {
    if path.exists() && !path.is_dir() {
        return Err(Trouble(format!(
            "{} is a file, and --data wants a directory; name another one, which is made where it is missing",
            path.display()
        )));
    }
    Ok(())
}

/// Makes the data directory where it is missing, for its owner alone.
pub(crate) fn make(path: &Path) -> Result<(), Trouble> {
    check(path)?;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(trouble(format!("cannot make the data directory {}", path.display())))
}

fn lock(directory: &Path) -> Result<File, Trouble> {
    let path = directory.join(LOCK);
    let what = format!("cannot lock {}", path.display());
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = open.map_err(trouble(&what))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(Trouble(format!(
                "another countersign (process {}) serves the data directory {}; stop it first, or choose another with --data",
                holder.lines().next().unwrap_or_default(),
                directory.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(trouble(&what)(error)),
    }
    Ok(file)
}

/// Writes a file that only its owner may read; whole or not at all, whatever happens meanwhile.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let write = || {
        let temporary = fresh(path)?;
        OpenOptions::new().write(true).open(&temporary)?.write_all(bytes)?;
        put(&temporary, path)
    };
    write().map_err(trouble(format!("cannot write {}", path.display())))
}

/// An empty file beside this one, for its owner alone, in place of what an earlier attempt may have left there.
pub(crate) fn fresh(path: &Path) -> std::io::Result<PathBuf> {
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    Ok(temporary)
}

/// Puts a finished file in its place. Both it and its name are on the disk when this returns.
pub(crate) fn put(temporary: &Path, path: &Path) -> std::io::Result<()> {
    File::open(temporary)?.sync_all()?;
    fs::rename(temporary, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
