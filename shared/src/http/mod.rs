//! HTTP as the wire contract has it: who calls, what they send, and what every answer looks like.

mod auth;
mod body;
mod requester;
pub mod serving;
mod wire;

use std::{any::Any, convert::Infallible};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};

pub use auth::{ClientCaller, ManagementCaller, ServerCaller, TrackCaller};
pub use body::{Body, MAX_BODY, Path, Query, present, strict_json};
pub use requester::{ClientIp, Requester};
pub use wire::{ShownFacts, UserAuthenticator};

use crate::{app::App, error::Error, tenant::KeyKind};

/// An answer: JSON with `Content-Type: application/json` and nothing after it (contract, rules 1 and 2).
pub type Reply<T> = Result<Json<T>, Error>;

/// Allows pages of any origin to call the client API with a token (contract, section 2.0). No cookie takes part,
/// so nothing is sent that the page does not already hold.
fn cross_origin() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH])
        // By name: the Fetch standard's `*` does not cover Authorization.
        .allow_headers(tower_http::cors::AllowHeaders::mirror_request())
        .max_age(std::time::Duration::from_secs(7200))
}

/// Makes a server of some routes: what no route answers, and what every answer carries.
pub fn service(routes: Router<App>, app: App) -> Router {
    let routes = routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(common_headers))
        .with_state(app);
    // Outside the routes, because a route that knows no OPTIONS would refuse the browser's question.
    let open = cross_origin().layer(routes.clone());
    Router::new().fallback_service(service_fn(move |request: Request| {
        let (routes, open) = (routes.clone(), open.clone());
        async move {
            let answered = if request.uri().path().starts_with("/v1/client/") {
                open.oneshot(request).await
            } else {
                routes.oneshot(request).await
            };
            answered.map_err(|never: Infallible| match never {})
        }
    }))
}

/// What every answer carries that says nothing else.
const COMMON_HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
];

async fn common_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in COMMON_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A path that is no route. Credentials are looked at first: with a bad key it is 401, whatever the path
/// (contract, section 1.0).
async fn no_such_route(State(app): State<App>, request: Request) -> Error {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    let known = if path.starts_with("/v1/client/") {
        auth::client(&app, &parts.headers).await.map(|_| ())
    } else if path.starts_with("/v1/management/") {
        auth::api_key(&app, &parts.headers, KeyKind::Management).await.map(|_| ())
    } else if path.starts_with("/v1/") {
        auth::api_key(&app, &parts.headers, KeyKind::Secret).await.map(|_| ())
    } else {
        Ok(())
    };
    known
        .err()
        .unwrap_or_else(|| Error::NotFound("There is nothing at this address. Check the path of the call.".into()))
}

async fn no_such_method(method: Method) -> Error {
    Error::MethodNotAllowed(format!("This address does not answer {method}. The Allow header says what it answers."))
}

/// A panic is our fault and says nothing of itself.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Error::internal("a handler panicked").into_response()
}
