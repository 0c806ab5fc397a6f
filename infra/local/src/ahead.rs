//! Whether the database's one file has all of it, or the file that SQLite writes ahead in belongs to it.
//!
//! SQLite writes to `countersign.db-wal` first and brings it over now and then. A copy without that file opens well, and
//! has forgotten the last users, who would be let in as users who have enrolled nothing. So while it is open the database
//! says of itself that the other file belongs to it, in a place that nothing but Countersign writes to: the user version of
//! its header (SQLite file format, section 1.3).

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

/// The user version in the header of a database that is not whole without its other file. It is 0 otherwise, as in a new
/// database and in one of an earlier version.
const AHEAD: u32 = 1;

/// Where the user version stands in a database: big-endian.
const PLACE: std::ops::Range<usize> = 60..64;
/// As much of the header as is needed to see it.
pub(crate) const HEADER: usize = PLACE.end;

/// How long another program's lock is waited for, at the start and at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the one file says that the other one belongs to it.
pub(crate) fn is_ahead(header: &[u8]) -> bool {
    header.get(PLACE) == Some(AHEAD.to_be_bytes().as_slice())
}

/// A connection of its own beside the one that serves.
///
/// SQLite brings everything over and removes the other file when the last connection is closed, and the database would go
/// on saying that it lacks it. This one does not, so it is opened first and closed last.
#[derive(Debug)]
pub(crate) struct Keeper(Mutex<Connection>);

impl Keeper {
    /// To be called before any other connection of this process is opened.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // From here on it is a connection in SQLite's eyes too.
        user_version(&connection)?;
        Ok(Self(connection.into()))
    }

    /// Says in the one file that the other one belongs to it, before anything is acknowledged that is there alone.
    pub(crate) fn begin(&self, says_so: bool) -> rusqlite::Result<()> {
        let connection = self.connection();
        if says_so && user_version(&connection)? == AHEAD {
            return Ok(());
        }
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        if mode != "wal" {
            // Some file systems do not let it: everything is in the one file then.
            return Ok(());
        }
        connection.pragma_update(None, "user_version", AHEAD)?;
        bring_over(&connection, "FULL")
    }

    /// Brings everything over, and says in the one file that it is whole. Nothing may be written afterwards.
    ///
    /// Everything but the header is brought over first: whoever copies the one file meanwhile has a header that says
    /// that it lacks something, or all of it.
    pub(crate) fn end(&self) -> rusqlite::Result<()> {
        let connection = self.connection();
        connection.busy_timeout(PATIENCE)?;
        bring_over(&connection, "TRUNCATE")?;
        connection.pragma_update(None, "user_version", 0)?;
        bring_over(&connection, "TRUNCATE")?;
        // SQLite may remove the other file now.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
    }

    /// Whether one could write now: no other program holds SQLite's lock.
    pub(crate) fn is_free(&self) -> bool {
        let connection = self.connection();
        let try_it = || {
            connection.busy_timeout(Duration::ZERO)?;
            connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        };
        try_it().is_ok()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn user_version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings all that was written ahead over into the one file. An error where a reader, or a writer, is in the way.
fn bring_over(connection: &Connection, how: &str) -> rusqlite::Result<()> {
    let was_busy: bool = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get(0))?;
    match was_busy {
        false => Ok(()),
        true => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            Some("another program is using it".into()),
        )),
    }
}
