//! Whose turn it is on a connection, and since when.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::Limits;

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The client: the beginning of a request.
    Head,
    /// The client: more of a body. Whoever reads it gives up by itself.
    Body,
    /// A handler.
    Ours,
    /// The client: it reads its answer, and may ask again.
    Idle,
}

#[derive(Clone, Copy)]
struct State {
    whose: Whose,
    since: Instant,
    /// Its place is needed by somebody else.
    is_asked_to_leave: bool,
    /// What is left of a body makes it the last.
    is_last: bool,
}

/// The turn of one connection.
pub(super) struct Turn {
    state: Mutex<State>,
    asked: Notify,
}

impl Turn {
    /// A new connection: its client begins.
    pub(super) fn new() -> Self {
        let state = State { whose: Whose::Head, since: Instant::now(), is_asked_to_leave: false, is_last: false };
        Self { state: Mutex::new(state), asked: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, whose: Whose) {
        let mut state = self.state();
        (state.whose, state.since) = (whose, Instant::now());
    }

    /// A byte has come in. The first after an answer begins the next request.
    pub(super) fn heard(&self) {
        let mut state = self.state();
        if state.whose == Whose::Idle {
            (state.whose, state.since) = (Whose::Head, Instant::now());
        }
    }

    /// Some of an answer has gone out: its reader may be slow, as long as it reads.
    pub(super) fn wrote(&self) {
        let mut state = self.state();
        if state.whose == Whose::Idle {
            state.since = Instant::now();
        }
    }

    /// A request is whole, or what a handler waited for has come.
    pub(super) fn ours(&self) {
        let mut state = self.state();
        (state.whose, state.is_asked_to_leave) = (Whose::Ours, false);
    }

    pub(super) fn waits_for_body(&self) {
        let is_new = self.state().whose != Whose::Body;
        if is_new {
            self.set(Whose::Body);
        }
    }

    /// Nothing more can be asked on this connection.
    pub(super) fn last(&self) {
        self.state().is_last = true;
    }
    pub(super) fn is_last(&self) -> bool {
        self.state().is_last
    }

    /// Whether a request has begun that no handler has seen yet.
    pub(super) fn is_at_the_head(&self) -> bool {
        self.state().whose == Whose::Head
    }

    pub(super) fn answered(&self) {
        self.set(Whose::Idle);
    }

    /// Since when this connection waits for its client; `None` where it does not, or has been asked to leave.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.whose != Whose::Ours && !state.is_asked_to_leave).then_some(state.since)
    }

    /// Asks a connection that waits for its client to leave.
    pub(super) fn ask_to_leave(&self) {
        self.state().is_asked_to_leave = true;
        self.asked.notify_one();
    }

    /// Resolves once the client's turn has lasted too long, or its place is needed while it waits.
    pub(super) async fn over(&self, limits: &Limits) {
        loop {
            let State { whose, since, is_asked_to_leave, .. } = *self.state();
            let longest = match whose {
                Whose::Head => Some(limits.head),
                Whose::Idle => Some(limits.idle),
                Whose::Body | Whose::Ours => None,
            };
            let now = Instant::now();
            let ends = longest.map(|longest| since + longest);
            if ends.is_some_and(|ends| ends <= now) || (is_asked_to_leave && whose != Whose::Ours) {
                return;
            }
            // Looked at again before that long, because the turn may change meanwhile to one that ends sooner.
            let again = now + limits.head.min(limits.idle).max(Duration::from_millis(1));
            tokio::select! {
                () = tokio::time::sleep_until(ends.map_or(again, |ends| ends.min(again))) => {}
                () = self.asked.notified() => {}
            }
        }
    }
}
