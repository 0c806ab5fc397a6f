//! The hosted pages: where `url` of track leads. They ask for a proof, set authenticators up, show users what they have,
//! and return to the app with a token (contract, section 2.8). They need no JavaScript.
//!
//! Also here, because they belong to no operation: the API description and the health check.

mod assets;
mod challenge;
mod ends;
mod frame;
mod front;
mod pairing;
mod phones;
mod set_up;
mod settings;
mod visit;

use axum::{
    Form,
    extract::{
        Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};
use countersign_core::{app::App, error::Error, form, id::TenantId};
use utoipa_axum::router::OpenApiRouter;

use visit::{Fields, Manner, Visit};

/// The API description, generated from the code by `countersign openapi` and checked by the tests.
const OPENAPI: &str = include_str!("../../../infra/openapi.json");

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/", routing::get(front::show))
        .route("/challenge", routing::get(show_challenge).post(answer_challenge))
        .route("/set-up", routing::get(show_set_up).post(answer_set_up))
        .route("/settings", routing::get(show_settings).post(answer_settings))
        .route("/pair/{tenant}/{id}", routing::get(show_link))
        .route("/assets/{name}", routing::get(assets::get))
        .route("/openapi.json", routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], OPENAPI) }))
        .route("/healthz", routing::get(healthz))
}

/// 200 when the table takes a write: what cannot, answers no user.
async fn healthz(State(app): State<App>) -> Result<Response, Error> {
    app.store().ready(app.now()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#).into_response())
}

type Asked = Result<Query<Vec<(String, String)>>, QueryRejection>;
type Sent = Result<Form<Vec<(String, String)>>, FormRejection>;

async fn show_challenge(State(app): State<App>, headers: HeaderMap, asked: Asked) -> Response {
    show(&app, asked, &headers, async |visit, fields| challenge::show(&app, visit, fields, &headers).await).await
}
async fn answer_challenge(State(app): State<App>, headers: HeaderMap, sent: Sent) -> Response {
    act(&app, sent, &headers, async |visit, fields, once| challenge::answer(&app, visit, fields, once).await).await
}
async fn show_set_up(State(app): State<App>, headers: HeaderMap, asked: Asked) -> Response {
    show(&app, asked, &headers, async |visit, fields| set_up::show(&app, visit, fields, &headers).await).await
}
async fn answer_set_up(State(app): State<App>, headers: HeaderMap, sent: Sent) -> Response {
    act(&app, sent, &headers, async |visit, fields, once| set_up::answer(&app, visit, fields, once).await).await
}
async fn show_settings(State(app): State<App>, headers: HeaderMap, asked: Asked) -> Response {
    show(&app, asked, &headers, async |visit, fields| settings::show(&app, visit, fields).await).await
}
async fn answer_settings(State(app): State<App>, headers: HeaderMap, sent: Sent) -> Response {
    act(&app, sent, &headers, async |visit, fields, once| settings::answer(&app, visit, fields, once).await).await
}

/// What the link in the picture says to a browser. The link's own part is for apps, and is not looked at.
async fn show_link(State(app): State<App>, headers: HeaderMap, Path((tenant, _)): Path<(String, String)>) -> Response {
    let known = match TenantId::parse(tenant) {
        Ok(id) => app.tenant(&id).await,
        Err(_) => Ok(None),
    };
    let (known, error) = match known {
        Ok(Some(known)) => (Some(known), None),
        Ok(None) => (None, Some(Error::NotFound("There is no such link.".into()))),
        Err(error) => (None, Some(error)),
    };
    let manner = Manner::of_tenant(&app, known, &Fields::default(), &headers).await;
    match error {
        Some(error) => ends::failed(&manner, error),
        None => pairing::link_page(&manner).unwrap_or_else(|error| ends::failed(&manner, error)),
    }
}

/// Whether a form counts: the first time that it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Once {
    First,
    Again,
}

/// A page, or the page that says why there is none.
async fn show(
    app: &App,
    asked: Asked,
    headers: &HeaderMap,
    page: impl AsyncFnOnce(&Visit, &Fields) -> Result<Response, Error>,
) -> Response {
    let Ok(Query(pairs)) = asked else {
        let manner = Manner::of_stranger(app, &Fields::default(), headers).await;
        return ends::failed(&manner, Error::invalid("The address of this page is not one that track gave out."));
    };
    let fields = Fields::new(pairs);
    match Visit::begin(app, &fields, headers).await {
        Ok(visit) => page(&visit, &fields).await.unwrap_or_else(|error| ends::failed_in(&visit, error)),
        Err(error) => ends::without_visit(app, &fields, headers, error).await,
    }
}

/// What a form asks for, once; no other site's form.
async fn act(
    app: &App,
    sent: Sent,
    headers: &HeaderMap,
    action: impl AsyncFnOnce(&Visit, &Fields, Once) -> Result<Response, Error>,
) -> Response {
    let fields = match sent {
        Ok(Form(pairs)) => Fields::new(pairs),
        Err(rejection) => {
            let manner = Manner::of_stranger(app, &Fields::default(), headers).await;
            let text = "The form was not understood. Go back and try again.".to_owned();
            return ends::failed(
                &manner,
                match rejection {
                    FormRejection::InvalidFormContentType(_) => Error::UnsupportedMediaType(text),
                    _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(text),
                    _ => Error::Invalid(text),
                },
            );
        }
    };
    let visit = match Visit::begin(app, &fields, headers).await {
        Ok(visit) => visit,
        Err(error) => return ends::without_visit(app, &fields, headers, error).await,
    };
    let answered = async {
        if is_of_another_site(headers) {
            return Err(Error::Forbidden("The form is not one of this page. Reload the page and try again.".into()));
        }
        let first = form::spend(app, &visit.caller, fields.get("state"), app.now()).await?;
        action(&visit, &fields, if first { Once::First } else { Once::Again }).await
    };
    answered.await.unwrap_or_else(|error| ends::failed_in(&visit, error))
}

/// What browsers say of who sends a form (Fetch Metadata). `Origin` is `null` under our referrer policy.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}
