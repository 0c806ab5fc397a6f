//! The files of a database while it is open.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{ahead::Keeper, database::files};

/// What a database was opened from, and what watches over it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The files, to be told from others of the same name.
    found: Vec<(PathBuf, u64, u64)>,
    keeper: Keeper,
    has_ended: AtomicBool,
    /// One writes at a time.
    turn: Mutex<()>,
    /// Somebody waited in vain: it is asked whether another program holds SQLite's lock before the next one waits for it.
    is_doubtful: AtomicBool,
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _held: MutexGuard<'a, ()>,
}

impl Opened {
    pub(crate) fn now(path: &Path, keeper: Keeper) -> Self {
        let [database, other, _] = files(path);
        let found = [database, other].into_iter().filter_map(|path| {
            let (device, inode) = identity(&path)?;
            Some((path, device, inode))
        });
        Self {
            found: found.collect(),
            keeper,
            has_ended: AtomicBool::default(),
            turn: Mutex::default(),
            is_doubtful: AtomicBool::default(),
        }
    }

    /// Why nothing may be written, where that is so.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        if !self.are_there() {
            return Some("the database's files are gone from the data directory");
        }
        self.has_ended.load(Ordering::SeqCst).then_some("the database is closed")
    }

    /// Whether the files are still in their places. SQLite would go on writing to deleted files, and what it acknowledges
    /// would be gone with the process.
    fn are_there(&self) -> bool {
        self.found.iter().all(|(path, device, inode)| identity(path) == Some((*device, *inode)))
    }

    /// A turn to write, which ends when it is dropped; `None` where the time for it is over, or another program holds
    /// SQLite's lock.
    ///
    /// SQLite waits five seconds for that lock, each writer after the other. So they wait for their turn here, where those
    /// whose time is over leave; and once one has waited in vain nobody waits before the lock is seen to be free.
    pub(crate) fn turn(&self, until: Instant) -> Option<Turn<'_>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= until {
            return None;
        }
        if self.is_doubtful.load(Ordering::SeqCst) {
            if !self.keeper.is_free() {
                return None;
            }
            self.is_doubtful.store(false, Ordering::SeqCst);
        }
        Some(Turn { _held: turn })
    }

    /// Somebody waited in vain.
    pub(crate) fn doubt(&self) {
        self.is_doubtful.store(true, Ordering::SeqCst);
    }

    /// Begins to write: says in the one file that the other one belongs to it, where it does not say so yet.
    pub(crate) fn begin(&self, says_so: bool) -> rusqlite::Result<()> {
        self.keeper.begin(says_so)
    }

    /// Writes nothing more, and brings everything over into the one file. Where that fails, nothing is lost: both files
    /// belong together then, and the one says so.
    pub(crate) fn end(&self) -> rusqlite::Result<()> {
        self.has_ended.store(true, Ordering::SeqCst);
        // A write that is under way is finished first.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.are_there() { self.keeper.end() } else { Ok(()) }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
