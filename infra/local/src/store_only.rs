//! The embedded store over HTTP, as DynamoDB speaks it: for functions that run as processes of their own.

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing};

use crate::embedded::Embedded;

/// A DynamoDB endpoint over an embedded database. Nothing is asked of a caller: it is for the loopback alone.
pub fn service(embedded: Embedded) -> Router {
    Router::new().route("/", routing::post(answer)).with_state(embedded)
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
