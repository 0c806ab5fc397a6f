//! What a process writes down, and what must not be in it.

use std::sync::{Arc, Mutex, OnceLock};

use countersign_core::log::subscriber;

/// What this process writes down, as much of it as an operator can turn on.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The log of the whole process, from now on at the latest: which events are of interest is remembered for all threads,
    /// and those of the other tests have no subscriber of their own. What they write is looked through too.
    pub fn of_this_process() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            let all = subscriber(Some("trace"), move || writer.clone());
            tracing::subscriber::set_global_default(all).expect("the only one");
            log
        });
        // A test may have met a place that logs before this subscriber was there to be asked.
        tracing::callsite::rebuild_interest_cache();
        log.clone()
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("a log")).into_owned()
    }
}

/// Six digits of a code are in some random id sooner or later: a code counts where it is not part of a longer word.
pub fn stands_alone(text: &str, at: usize, canary: &str) -> bool {
    let is_code = canary.len() == 6 && canary.bytes().all(|byte| byte.is_ascii_digit());
    let part_of_a_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let (before, after) = (text[..at].chars().next_back(), text[at + canary.len()..].chars().next());
    !(is_code && (part_of_a_word(before) || part_of_a_word(after)))
}

pub fn assert_silent(where_: &str, text: &str, canaries: &[String]) {
    for canary in canaries {
        let position = text.match_indices(canary.as_str()).map(|(at, _)| at).find(|at| stands_alone(text, *at, canary));
        let around =
            |at: usize| text.chars().skip(text[..at].chars().count().saturating_sub(150)).take(400).collect::<String>();
        assert!(position.is_none(), "{canary} is in {where_}: …{}…", around(position.unwrap_or(0)));
    }
}
