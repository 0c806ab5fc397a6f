//! One connection: its requests, one after the other, and its end.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, header},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tower::ServiceExt;

use super::{Limits, lent::lend, room::Place, turn::Turn};

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) peer: SocketAddr,
    pub(super) stop: watch::Receiver<()>,
}

impl Connection {
    /// Serves it until its client leaves, takes too long, or has to make room; or until the server stops.
    pub(super) async fn serve(self, stream: TcpStream, place: Place) {
        let Self { router, limits, peer, mut stop } = self;
        let turn = &place.turn;
        let answer = service_fn(|request| {
            let (router, limits, turn) = (router.clone(), limits.clone(), turn.clone());
            async move { Ok::<_, Infallible>(answer(router, &limits, &turn, peer, request).await) }
        });
        let io = TokioIo::new(Watched { stream, turn: turn.clone() });
        let mut connection = http1::Builder::new()
            // Twice what is let in, so that a client whose head is a little too long is told so.
            .max_buf_size((2 * limits.head_bytes).max(8192))
            .max_header_size(limits.head_bytes)
            .serve_connection(io, answer);
        let mut is_stopping = false;
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                () = turn.over(&limits) => return,
                _ = stop.changed(), if !is_stopping => {
                    is_stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        // The client was refused while it still sends: its head was none, or its body was not read.
        if ended.is_err() || turn.is_last() {
            let stream = connection.into_parts().io.into_inner().stream;
            let _ = timeout(limits.linger, hear_out(&stream)).await;
        }
    }
}

/// Answers one request, with the address that it came from, and its body read to the end or the connection's end
/// announced (RFC 9112, section 9.6).
async fn answer(
    router: Router,
    limits: &Limits,
    turn: &Arc<Turn>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    turn.ours();
    let waits_for_continue = request.headers().contains_key(header::EXPECT);
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(ConnectInfo(peer));
    let (lender, lent) = lend(body, turn, limits.body, waits_for_continue);
    let answered = router.oneshot(Request::from_parts(parts, Body::new(lent))).await;
    let mut response = answered.unwrap_or_else(|never| match never {});
    if !lender.reads_the_rest(limits.unread_bytes).await {
        turn.last();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    turn.answered();
    response
}

/// Takes what a client still sends after its last answer and drops it: closing at once would answer it with a reset,
/// which takes the answer from a client that has not read it yet.
async fn hear_out(stream: &TcpStream) {
    let mut dropped = vec![0; 16 * 1024];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut dropped) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// A stream that tells the turn when something comes in and when something goes out.
struct Watched {
    stream: TcpStream,
    turn: Arc<Turn>,
}

impl Watched {
    fn went(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.turn.wrote();
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.turn.heard();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.went(written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.went(written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
