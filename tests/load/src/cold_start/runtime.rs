//! Lambda's Runtime API, as much of it as a function calls.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing,
};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    Result,
    aws::{REGION, listen, lock},
};

/// One invocation: when its event left and its answer was here.
pub struct Invocation {
    pub sent: Instant,
    pub answered: Instant,
    pub answer: Bytes,
}

impl Invocation {
    pub fn latency(&self) -> Duration {
        self.answered - self.sent
    }
}

pub struct Runtime {
    pub address: SocketAddr,
    desk: Arc<Desk>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Desk {
    state: Mutex<Queue>,
    /// There is an event, for the function that waits for one.
    more: Notify,
    /// The function asks, or has said something, for the one who measures.
    heard: Notify,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Bytes>,
    /// When the function first asked for an event.
    ready: Option<Instant>,
    waits: bool,
    under_way: Option<Instant>,
    done: Vec<Invocation>,
    failed: Option<String>,
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Runtime {
    pub async fn start() -> Result<Self> {
        let desk = Arc::new(Desk::default());
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", routing::get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", routing::post(answered))
            .route("/2018-06-01/runtime/init/error", routing::post(failed))
            .with_state(desk.clone());
        let (address, server) = listen(routes).await?;
        Ok(Self { address, desk, server })
    }

    /// Puts events in front of the function. They are handed out one after the other, as it asks.
    pub fn put(&self, events: Vec<Bytes>) {
        let mut queue = lock(&self.desk.state);
        queue.waits = false;
        queue.events.extend(events);
        drop(queue);
        self.desk.more.notify_one();
    }

    /// All answers since the last call of this, once the function has nothing to do.
    pub async fn idle(&self) -> Result<Vec<Invocation>> {
        loop {
            {
                let mut queue = lock(&self.desk.state);
                if let Some(why) = queue.failed.take() {
                    return Err(why.into());
                }
                if queue.waits && queue.events.is_empty() {
                    return Ok(std::mem::take(&mut queue.done));
                }
            }
            self.desk.heard.notified().await;
        }
    }

    pub fn ready(&self) -> Option<Instant> {
        lock(&self.desk.state).ready
    }
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    let asked = Instant::now();
    loop {
        {
            let mut queue = lock(&desk.state);
            queue.ready.get_or_insert(asked);
            if let Some(event) = queue.events.pop_front() {
                let deadline = "4102444800000";
                let function = format!("arn:aws:lambda:{REGION}:000000000000:function:f");
                let headers = [
                    ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                    ("lambda-runtime-deadline-ms", deadline),
                    ("lambda-runtime-invoked-function-arn", function.as_str()),
                    ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
                    ("content-type", "application/json"),
                ];
                let response = (headers, event).into_response();
                queue.under_way = Some(Instant::now());
                return response;
            }
            queue.waits = true;
        }
        desk.heard.notify_one();
        desk.more.notified().await;
    }
}

async fn answered(State(desk): State<Arc<Desk>>, Path((_, what)): Path<(String, String)>, answer: Bytes) -> StatusCode {
    let now = Instant::now();
    if what != "response" {
        return failed(State(desk), answer).await;
    }
    let mut queue = lock(&desk.state);
    if let Some(sent) = queue.under_way.take() {
        queue.done.push(Invocation { sent, answered: now, answer });
    }
    StatusCode::ACCEPTED
}

async fn failed(State(desk): State<Arc<Desk>>, body: Bytes) -> StatusCode {
    lock(&desk.state).failed = Some(String::from_utf8_lossy(&body).into_owned());
    desk.heard.notify_one();
    StatusCode::ACCEPTED
}
