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
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tower::ServiceExt;

use super::{Door, lent::lend, refusal, room::Place, turn::Turn};
use crate::http::ClientIp;

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) door: Arc<Door>,
    pub(super) peer: SocketAddr,
    pub(super) stop: watch::Receiver<()>,
}

impl Connection {
    /// Serves it until its client leaves, takes too long, or has to make room; or until the server stops.
    pub(super) async fn serve(mut self, stream: TcpStream, place: Place) {
        let Some(certificate) = &self.door.certificate else { return self.talk(stream, place).await };
        let shaken = tokio::select! {
            shaken = certificate.acceptor().accept(stream) => shaken,
            () = place.turn.over(&self.door.limits) => return,
            _ = self.stop.changed() => return,
        };
        // Who fails the handshake was told so by TLS.
        if let Ok(stream) = shaken {
            self.talk(stream, place).await;
        }
    }

    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin, place: Place) {
        let Self { router, door, peer, mut stop } = self;
        let (limits, turn) = (&door.limits, &place.turn);
        let answer = service_fn(|request| {
            let (router, door, turn) = (router.clone(), door.clone(), turn.clone());
            async move { Ok::<_, Infallible>(answer(router, &door, &turn, peer, request).await) }
        });
        let io = TokioIo::new(Watched { stream, turn: turn.clone(), refused: Vec::new() });
        let mut connection = http1::Builder::new()
            // Twice what is let in, so that a client whose head is a little too long is told so.
            .max_buf_size((2 * limits.head_bytes).max(8192))
            .max_header_size(limits.head_bytes)
            .serve_connection(io, answer);
        let mut is_stopping = false;
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                () = turn.over(limits) => return,
                _ = stop.changed(), if !is_stopping => {
                    is_stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        // The client was refused while it still sends: its head was none, or its body was not read.
        if ended.is_err() || turn.is_last() {
            let Watched { stream, refused, .. } = connection.into_parts().io.into_inner();
            let _ = timeout(limits.linger, part(stream, &refused, limits.head_bytes)).await;
        }
    }
}

/// Answers one request, with the address that it came from, and its body read to the end or the connection's end
/// announced (RFC 9112, section 9.6).
async fn answer(
    router: Router,
    door: &Door,
    turn: &Arc<Turn>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    turn.ours();
    let waits_for_continue = request.headers().contains_key(header::EXPECT);
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(ConnectInfo(peer));
    parts.extensions.insert(ClientIp(door.proxies.client(peer.ip(), &parts.headers)));
    let (lender, lent) = lend(body, turn, door.limits.body, waits_for_continue);
    let answered = router.oneshot(Request::from_parts(parts, Body::new(lent))).await;
    let mut response = answered.unwrap_or_else(|never| match never {});
    if !lender.reads_the_rest(door.limits.unread_bytes).await {
        turn.last();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    turn.answered();
    response
}

/// Says what hyper has refused, then takes what a client still sends after its last answer and drops it: closing at once
/// would answer it with a reset, which takes the answer from a client that has not read it yet.
async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin, refused: &[u8], head_bytes: usize) -> io::Result<()> {
    if !refused.is_empty() {
        stream.write_all(&refusal::in_words(refused, head_bytes)).await?;
    }
    // It may be shut already.
    let _ = stream.shutdown().await;
    let mut dropped = vec![0; 16 * 1024];
    while stream.read(&mut dropped).await? > 0 {}
    Ok(())
}

/// A stream that tells the turn when something comes in and when something goes out.
struct Watched<S> {
    stream: S,
    turn: Arc<Turn>,
    /// What hyper would have answered to a head that is none: kept back, to be said in words.
    refused: Vec<u8>,
}

impl<S> Watched<S> {
    fn went(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.turn.wrote();
        }
        written
    }

    /// Whether these bytes are kept back: an answer to a head that no handler has seen.
    fn keeps_back(&mut self, bytes: &[u8]) -> bool {
        let is_kept = !self.refused.is_empty() || (self.turn.is_at_the_head() && refusal::status(bytes).is_some());
        if is_kept {
            self.refused.extend_from_slice(bytes);
        }
        is_kept
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.turn.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.keeps_back(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.went(written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = bytes.iter().find(|slice| !slice.is_empty())
            && self.keeps_back(first)
        {
            return Poll::Ready(Ok(first.len()));
        }
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
        // What was kept back is still to be said.
        if !self.refused.is_empty() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
