//! The database's file: made whole or not at all, looked at before it is believed, and watched while it is open.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use countersign_core::store::Store;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    directory,
    embedded::{Embedded, TABLE},
    first_run::{Trouble, trouble},
};

/// In the data directory: everything but keys.
pub const FILE: &str = "countersign.db";

/// The first bytes of a database (SQLite file format, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

fn damaged(path: &Path, how: impl std::fmt::Display) -> Trouble {
    Trouble(format!(
        "the database {} is damaged: {how}; keep a copy of it, and restore the data directory from a backup",
        path.display()
    ))
}

/// Makes a database with an empty table. dynoxide makes a table in several steps, and a kill between two of them would
/// leave a file that neither has one nor lets it be made: so it is made in memory, and put in its place when it is done.
pub(crate) async fn make(path: &Path) -> Result<(), Trouble> {
    let what = format!("cannot make the database {}", path.display());
    let memory = Embedded::memory().map_err(trouble(&what))?;
    let table = Store::create_table(memory.client(), TABLE).await;
    table.map_err(|error| trouble(&what)(because(&error)))?;
    let temporary = directory::fresh(path).map_err(trouble(&what))?;
    memory.copy_to(&temporary).map_err(trouble(&what))?;
    directory::put(&temporary, path).map_err(trouble(&what))
}

/// Opens a database that is there.
pub(crate) fn open(path: &Path, durable: bool) -> Result<Embedded, Trouble> {
    check_header(path)?;
    // Before anything is written: SQLite gives its two other files the same mode.
    for file in files(path) {
        match fs::set_permissions(&file, fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(trouble(format!("cannot keep {} from others", file.display()))(error));
            }
            _ => {}
        }
    }
    Embedded::file(path, durable).map_err(|error| damaged(path, error))
}

/// Gives an existing database what newer versions want of its table.
pub(crate) async fn with_table(embedded: &Embedded) -> Result<Store, Trouble> {
    Store::create_table(embedded.client(), TABLE)
        .await
        .map_err(|error| Trouble(format!("the database is damaged or not one of Countersign's: {}", because(&error))))
}

fn because(error: &countersign_core::error::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// The database, the file that SQLite writes ahead in, and the index of that.
fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}

fn check_header(path: &Path) -> Result<(), Trouble> {
    let mut header = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut header));
    read.map_err(trouble(format!("cannot read the database {}", path.display())))?;
    if header != MAGIC {
        return Err(damaged(path, "it does not begin as a database does"));
    }
    Ok(())
}

/// Reads the whole database and says what is wrong with it, without writing to it.
pub(crate) fn check_whole(path: &Path) -> Result<(), Trouble> {
    check_header(path)?;
    let look = || -> rusqlite::Result<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // What is only looked at stays as it is.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    match look() {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(damaged(path, said)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(damaged(path, "its header cannot be read"))
        }
        Err(error) => Err(damaged(path, error)),
    }
}

/// The files that a database was opened from, to be told from others of the same name.
#[derive(Clone, Debug)]
pub(crate) struct Opened(Vec<(PathBuf, u64, u64)>);

impl Opened {
    pub(crate) fn now(path: &Path) -> Self {
        let [database, ahead, _] = files(path);
        let found = [database, ahead].into_iter().filter_map(|path| {
            let (device, inode) = identity(&path)?;
            Some((path, device, inode))
        });
        Self(found.collect())
    }

    /// Whether they are still in their places. SQLite would go on writing to deleted files, and what it acknowledges
    /// would be gone with the process.
    pub(crate) fn are_there(&self) -> bool {
        self.0.iter().all(|(path, device, inode)| identity(path) == Some((*device, *inode)))
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
