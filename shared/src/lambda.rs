//! A function's process: on Lambda where its runtime says so, and otherwise a plain server with the same routes.

use std::{convert::Infallible, process::ExitCode, str::FromStr, time::Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use axum::{Router, body::Body, http::Request, http::Uri};
use futures_util::future::join_all;
use lambda_http::{
    LambdaEvent, RequestExt,
    lambda_runtime::{self, service_fn},
    request::RequestContext,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt;

use crate::{
    app::App,
    aws::Aws,
    clock::{Clock, Timestamp},
    config::{Config, Environment, KeySource, Keys},
    courier::Courier,
    delivery::Outcome,
    error::Error,
    http::{
        self,
        serving::{self, Limits},
    },
    keyring::{Keyring, KmsKeyring},
    log,
    metrics::Emitter,
    outbox::{Outbox, Queue},
    places::Places,
    store::Store,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves routes until the process ends. A problem at the start is written as one line, and the process fails.
///
/// The runtime is made here and not in each `main`: the code of a future is generated where it is first polled, and would
/// be generated again in each binary.
pub fn serve(routes: Router<App>, keys: Keys) -> ExitCode {
    ended(|| answer_requests(routes, keys))
}

/// Hands each message of the delivery queue to `deliver`, with how often it was received; one that fails, or is to be
/// tried later, comes back, the others do not.
pub fn consume(deliver: impl AsyncFn(&App, &Courier, &str, u32, Timestamp) -> Result<Outcome, Error>) -> ExitCode {
    ended(|| take_messages(deliver))
}

/// Runs a function's work on one thread: Lambda gives it one request at a time.
fn ended<F: Future<Output = Result<(), BoxError>>>(work: impl FnOnce() -> F) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(BoxError::from).and_then(|runtime| runtime.block_on(work())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever the cause said.
            let line = error.to_string();
            eprintln!("countersign: {}", line.split_whitespace().collect::<Vec<_>>().join(" "));
            ExitCode::FAILURE
        }
    }
}

fn on_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

async fn answer_requests(routes: Router<App>, keys: Keys) -> Result<(), BoxError> {
    log::to_stderr();
    let mut environment = Environment::default();
    let config = Config::from_env(&mut environment, keys);
    let aws = Aws::from_env(&mut environment);
    environment.check()?;
    let places = Places::from_env(&environment)?;
    let app = open(&config, &aws?).await?.with_places(places);
    let service = http::service(routes, app);
    if on_lambda() {
        return on_http_api(service).await;
    }
    let listener = tokio::net::TcpListener::bind(&config.listen)
        .await
        .map_err(|e| format!("cannot listen on {}: {e}", config.listen))?;
    serving::serve(vec![listener], service, Limits::default(), stop_signal()).await;
    Ok(())
}

/// Opens the store and the keyring, and asks each whether it is there. That is done before the first request is
/// taken: Lambda gives a starting function a whole processor whatever its memory, so the TLS handshakes cost least
/// here, and configuration that cannot work is found by the deployment instead of by a user.
async fn open(config: &Config, aws: &Aws) -> Result<App, BoxError> {
    let keyring = keyring(&config.keys, aws)?;
    let store = Store::connect(&aws.of("DYNAMODB"), &config.table);
    let (table, keys) = tokio::join!(store.check(), keyring.check());
    table?;
    keys?;
    let outbox = config.delivery_queue.as_ref().map_or(Outbox::None, |url| Outbox::sqs(&aws.of("SQS"), url));
    Ok(App::new(store, keyring, Clock::System, &config.public_url, outbox))
}

fn keyring(keys: &KeySource, aws: &Aws) -> Result<Keyring, BoxError> {
    Ok(match keys {
        KeySource::None => Keyring::Empty,
        KeySource::File(path) => Keyring::read(path)?,
        KeySource::Kms { token_keys, secrets_key } => {
            Keyring::Kms(KmsKeyring::new(&aws.of("KMS"), secrets_key.clone(), token_keys.clone()).into())
        }
    })
}

async fn on_http_api(service: Router) -> Result<(), BoxError> {
    let emitter = Emitter::from_env();
    let answer = service_fn(move |request: lambda_http::Request| {
        let (service, emitter) = (service.clone(), emitter.clone());
        async move {
            let started = Instant::now();
            let answered = service.oneshot(as_it_was_sent(request)).await;
            if let (Some(emitter), Ok(response)) = (&emitter, &answered) {
                emitter.emit(Timestamp::now(), started.elapsed(), response.status().is_server_error());
            }
            answered.map_err(|never: Infallible| -> BoxError { match never {} })
        }
    });
    lambda_http::run(answer).await
}

/// What RFC 3986 (section 2.3) lets stand in a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The request with its path as the client sent it. An HTTP API decodes the path, all but `%25`, before the function
/// sees it; a `#` or a space in an id would then be taken for syntax. The route's key and its parameters say what
/// stood where. (What follows an encoded `?` or `/` is cut off or split before that; docs, limits.)
fn as_it_was_sent(request: lambda_http::Request) -> Request<Body> {
    let parameters = request.path_parameters();
    let route = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.route_key.as_deref(),
        _ => None,
    };
    let path = route.and_then(|route| path_of_route(route, |name| parameters.first(name).map(str::to_owned)));
    let raw_path_is_syntax = request.raw_http_path().contains(['?', '#']);
    let query = match (raw_path_is_syntax, request.uri().query()) {
        (false, query) => query.map(str::to_owned),
        (true, _) => {
            let all = request.query_string_parameters();
            let pairs = all.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
            Some(pairs.collect::<Vec<_>>().join("&")).filter(|query| !query.is_empty())
        }
    };
    let source = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok()),
        _ => None,
    };
    let (mut parts, body) = request.into_parts();
    if let Some(address) = source {
        parts.extensions.insert(http::ClientIp(address));
    }
    let path_and_query = path.map(|path| query.map_or_else(|| path.clone(), |query| format!("{path}?{query}")));
    if let Some(uri) = path_and_query.and_then(|text| Uri::from_str(&text).ok()) {
        parts.uri = uri;
    }
    Request::from_parts(parts, Body::new(body))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// `POST /v1/users/{userId}` with its parameters filled in; `None` for a route that does not name its path.
fn path_of_route(route: &str, parameter: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (_, template) = route.split_once(' ')?;
    let mut path = String::new();
    for segment in template.strip_prefix('/')?.split('/') {
        path.push('/');
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if name.ends_with('+') => return None,
            Some(name) => path += &encoded(&parameter(name)?.replace("%25", "%")),
            None => path += segment,
        }
    }
    Some(path)
}

async fn take_messages(
    deliver: impl AsyncFn(&App, &Courier, &str, u32, Timestamp) -> Result<Outcome, Error>,
) -> Result<(), BoxError> {
    log::to_stderr();
    let mut environment = Environment::default();
    let table = environment.needed("COUNTERSIGN_TABLE");
    let queue = environment.needed("COUNTERSIGN_DELIVERY_QUEUE");
    let keys = environment.web_push_key_source();
    let aws = Aws::from_env(&mut environment);
    environment.check()?;
    let aws = aws?;
    let courier = Courier::sns(&aws.of("SNS"));
    let store = Store::connect(&aws.of("DYNAMODB"), &table);
    store.check().await?;
    let app = App::new(store, keyring(&keys, &aws)?, Clock::System, "", Outbox::None);
    let queue = Queue::of(&aws.of("SQS"), queue);
    if !on_lambda() {
        return Err("this function takes messages from Lambda's runtime; run it with `cargo lambda watch`".into());
    }
    let (emitter, app, courier, queue, deliver) = (Emitter::from_env(), &app, &courier, &queue, &deliver);
    let take = |event: LambdaEvent<SqsEvent>| {
        let emitter = emitter.clone();
        async move {
            let started = Instant::now();
            let taken = event.payload.records.into_iter().map(async |record| {
                let done = take_message(app, courier, queue, deliver, &record).await;
                (!done).then(|| {
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = record.message_id.unwrap_or_default();
                    failure
                })
            });
            let failed = join_all(taken).await.into_iter().flatten().collect();
            if let Some(emitter) = emitter {
                emitter.emit(Timestamp::now(), started.elapsed(), false);
            }
            let mut answer = SqsBatchResponse::default();
            answer.batch_item_failures = failed;
            Ok::<_, BoxError>(answer)
        }
    };
    lambda_runtime::run(service_fn(take)).await
}

/// Delivers one message; whether it is done with.
async fn take_message(
    app: &App,
    courier: &Courier,
    queue: &Queue,
    deliver: &impl AsyncFn(&App, &Courier, &str, u32, Timestamp) -> Result<Outcome, Error>,
    record: &SqsMessage,
) -> bool {
    let receives = record.attributes.get("ApproximateReceiveCount").and_then(|n| n.parse().ok()).unwrap_or(1);
    let body = record.body.as_deref().unwrap_or_default();
    match deliver(app, courier, body, receives, Timestamp::now()).await {
        Ok(Outcome::Done) => true,
        Ok(Outcome::Later { seconds }) => {
            queue.show_again(record.receipt_handle.as_deref().unwrap_or_default(), seconds).await;
            false
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), |c| c.to_string());
            tracing::error!(event = "delivery_failed", message = record.message_id, cause);
            false
        }
    }
}

/// Resolves when the process is asked to end: SIGTERM, or Ctrl-C. From this call on, and not from the first poll, the signals
/// end nothing by themselves.
pub fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        match handlers {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            // Without handlers the signals end the process as they always did.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::path_of_route;

    #[test]
    fn a_path_is_put_together_again_from_its_route() {
        let path = |route: &str, id: &str| path_of_route(route, |name| (name == "userId").then(|| id.to_owned()));
        let users = "GET /v1/users/{userId}";
        assert_eq!(path(users, "ada@example.com").as_deref(), Some("/v1/users/ada%40example.com"));
        assert_eq!(path(users, "a b#c%25d/é").as_deref(), Some("/v1/users/a%20b%23c%25d%2F%C3%A9"));
        assert_eq!(path("GET /v1/users/{userId}/actions", "+").as_deref(), Some("/v1/users/%2B/actions"));
        assert_eq!(path("POST /v1/validate", "").as_deref(), Some("/v1/validate"));
        assert_eq!(path("$default", ""), None);
        assert_eq!(path("OPTIONS /v1/client/{proxy+}", ""), None);
        assert_eq!(path("GET /v1/{unknown}", ""), None);
    }
}
