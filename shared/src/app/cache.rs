//! What a process remembers of what the store and the keyring said.

use std::{collections::HashMap, hash::Hash, sync::Mutex};

use crate::clock::Timestamp;

/// Remembers answers for some seconds of the injected clock; only ever a copy of what the store or the keyring said.
pub(super) struct Cache<K, V> {
    seconds: i64,
    map: Mutex<HashMap<K, (V, Timestamp)>>,
}

/// More than this is not remembered, so that a flood of names does not fill the memory.
const MOST_REMEMBERED: usize = 10_000;

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn for_seconds(seconds: i64) -> Self {
        Self { seconds, map: Mutex::new(HashMap::new()) }
    }
    pub(super) fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        self.copy(key, now, self.seconds)
    }
    pub(super) fn copy(&self, key: &K, now: Timestamp, seconds: i64) -> Option<V> {
        let map = self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (value, since) = map.get(key)?;
        // Where the clock has jumped back, an answer from its future is not used.
        (0..seconds).contains(&(now.as_second() - since.as_second())).then(|| value.clone())
    }
    /// What was put last, however old.
    pub(super) fn last(&self, key: &K) -> Option<V> {
        self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).map(|(value, _)| value.clone())
    }
    pub(super) fn put(&self, key: K, value: V, now: Timestamp) {
        let mut map = self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if map.len() >= MOST_REMEMBERED {
            map.clear();
        }
        map.insert(key, (value, now));
    }
    pub(super) fn expire(&self, key: &K) {
        let mut map = self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, since)) = map.get_mut(key) {
            *since = Timestamp::from_second(since.as_second() - self.seconds).unwrap_or(Timestamp::MIN);
        }
    }
    pub(super) fn forget(&self, key: &K) {
        self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(key);
    }
}
