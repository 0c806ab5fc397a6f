//! A request's body, lent to a handler: what it has not read comes back, and is read before the answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Bytes};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout_at};

use super::turn::Turn;

/// The body did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
pub struct TooSlow;

/// A body in a handler's hands.
pub(super) struct Lent {
    body: Option<Incoming>,
    returned: Arc<Mutex<Returned>>,
    turn: Arc<Turn>,
    patience: Duration,
    /// Set when a handler waits for the first time: how long it does something else is not the client's fault.
    ends: Option<Pin<Box<Sleep>>>,
    is_too_slow: bool,
}

#[derive(Default)]
struct Returned {
    body: Option<Incoming>,
    /// The handler has asked for some of it.
    is_begun: bool,
    /// The handler has given up.
    is_too_slow: bool,
}

/// Where the body comes back to.
pub(super) struct Lender {
    returned: Arc<Mutex<Returned>>,
    turn: Arc<Turn>,
    patience: Duration,
    /// The client sends its body when it is told to, which asking for it does (RFC 9110, section 10.1.1).
    waits_for_continue: bool,
}

/// Lends a body; `patience` is how long it may take to arrive.
pub(super) fn lend(body: Incoming, turn: &Arc<Turn>, patience: Duration, waits_for_continue: bool) -> (Lender, Lent) {
    let returned = Arc::<Mutex<Returned>>::default();
    let lender = Lender { returned: returned.clone(), turn: turn.clone(), patience, waits_for_continue };
    (lender, Lent { body: Some(body), returned, turn: turn.clone(), patience, ends: None, is_too_slow: false })
}

impl Body for Lent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.turn.ours();
                Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
            }
            Poll::Pending => {
                this.turn.waits_for_body();
                let ends = this.ends.get_or_insert_with(|| Box::pin(sleep(this.patience)));
                ready!(ends.as_mut().poll(cx));
                this.turn.ours();
                this.is_too_slow = true;
                Poll::Ready(Some(Err(TooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        returned.is_begun = self.ends.is_some();
        returned.is_too_slow = self.is_too_slow;
        returned.body = self.body.take().filter(|body| !body.is_end_stream());
    }
}

impl Lender {
    /// Reads what the handler has left, up to so many bytes; whether that was all of it. Where it was not, nothing
    /// more can be asked on this connection.
    pub(super) async fn reads_the_rest(self, most: u64) -> bool {
        let Returned { body, is_begun, is_too_slow } =
            std::mem::take(&mut *self.returned.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(mut body) = body else { return true };
        if is_too_slow || body.size_hint().lower() > most || (self.waits_for_continue && !is_begun) {
            return false;
        }
        self.turn.waits_for_body();
        let (ends, mut read) = (Instant::now() + self.patience, 0);
        loop {
            match timeout_at(ends, body.frame()).await {
                Ok(None) => return true,
                Ok(Some(Ok(frame))) => {
                    read += frame.data_ref().map_or(0, |data| data.len() as u64);
                    if read > most {
                        return false;
                    }
                }
                Ok(Some(Err(_))) | Err(_) => return false,
            }
        }
    }
}
