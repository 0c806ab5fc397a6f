//! How many connections there may be, and which one makes room for the next.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::turn::Turn;

/// How long a connection that was asked to leave is waited for, before another is asked.
const NEXT: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    last: u64,
    turns: HashMap<u64, Arc<Turn>>,
}

/// A connection's place; free again when it is dropped.
pub(super) struct Place {
    pub(super) turn: Arc<Turn>,
    number: u64,
    taken: Arc<Mutex<Taken>>,
    _permit: Option<OwnedSemaphorePermit>,
}

fn locked(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.taken).turns.remove(&self.number);
    }
}

impl Room {
    pub(super) fn for_connections(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), taken: Arc::default() }
    }

    /// A place for one more connection. Where there is none, the connection that has waited longest for its client is
    /// asked to leave. Where all of them are being served, one is soon free.
    pub(super) async fn take(&self) -> Place {
        let permit = loop {
            if let Ok(permit) = self.free.clone().try_acquire_owned() {
                break Some(permit);
            }
            self.ask_the_oldest_to_leave();
            if let Ok(permit) = tokio::time::timeout(NEXT, self.free.clone().acquire_owned()).await {
                break permit.ok();
            }
        };
        let turn = Arc::new(Turn::new());
        let mut taken = locked(&self.taken);
        taken.last += 1;
        let number = taken.last;
        taken.turns.insert(number, turn.clone());
        Place { turn, number, taken: self.taken.clone(), _permit: permit }
    }

    fn ask_the_oldest_to_leave(&self) {
        let taken = locked(&self.taken);
        let waiting = taken.turns.values().filter_map(|turn| Some((turn.waits_since()?, turn)));
        if let Some((_, turn)) = waiting.min_by_key(|(since, _)| *since) {
            turn.ask_to_leave();
        }
    }
}
