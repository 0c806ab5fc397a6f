//! The database's file: made whole or not at all, looked at before it is believed, and watched while it is open.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use countersign_core::store::Store;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    ahead::{self, Keeper},
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
    let is_ahead = check_header(path)?;
    // Before anything is written: SQLite gives its two other files the same mode.
    for file in files(path) {
        match fs::set_permissions(&file, fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(trouble(format!("cannot keep {} from others", file.display()))(error));
            }
            _ => {}
        }
    }
    let keeper = Keeper::open(path).map_err(|error| damaged(path, error))?;
    let embedded = Embedded::file(path, durable, keeper).map_err(|error| damaged(path, error))?;
    embedded.begin(is_ahead).map_err(trouble(format!("cannot write to the database {}", path.display())))?;
    Ok(embedded)
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
pub(crate) fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}

/// Reads the header before SQLite opens anything: whether the database says that it is not whole by itself. It is refused
/// where it does and the other file is missing.
fn check_header(path: &Path) -> Result<bool, Trouble> {
    let mut header = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(ahead::HEADER as u64).read_to_end(&mut header));
    read.map_err(trouble(format!("cannot read the database {}", path.display())))?;
    if !header.starts_with(MAGIC) {
        return Err(damaged(path, "it does not begin as a database does"));
    }
    let is_ahead = ahead::is_ahead(&header);
    let [_, other, _] = files(path);
    if is_ahead && !other.exists() {
        let other = other.display();
        return Err(Trouble(format!(
            "{other} is missing, and with it the last users: the database was copied or killed while it was open; restore \
             both files from one backup, or, if another program has opened the database since and so brought everything \
             over, make an empty {other}"
        )));
    }
    Ok(is_ahead)
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
