//! The embedded store over HTTP, as DynamoDB speaks it: for functions that run as processes of their own.

use std::net::SocketAddr;

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, middleware, response::IntoResponse, routing};

use crate::{embedded::Embedded, first_run::Trouble, loopback};

/// Why it is not served where others reach it.
pub(crate) fn refusal(listen: SocketAddr) -> Trouble {
    Trouble(format!(
        "--store-only asks nobody for a key, so whoever reaches {listen} could read and write every user; listen on this \
         machine alone, as with --listen 127.0.0.1:8000"
    ))
}

/// A DynamoDB endpoint over an embedded database. Nothing is asked of a caller: it is for the loopback alone.
pub fn service(embedded: Embedded) -> Router {
    Router::new()
        .route("/", routing::post(answer))
        .with_state(embedded)
        .layer(middleware::from_fn(loopback::only_under_its_own_name))
}

async fn answer(State(embedded): State<Embedded>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let answered = tokio::task::spawn_blocking(move || {
        let answer = embedded.answer(&operation, &body);
        let status = answer.status().as_u16();
        (status, answer.body().bytes().unwrap_or_default().to_vec())
    });
    // Only a panic of the emulator ends it otherwise.
    let (status, body) = answered.await.unwrap_or((500, Vec::new()));
    let status = axum::http::StatusCode::from_u16(status).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/x-amz-json-1.0")], body)
}
