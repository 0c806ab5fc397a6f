//! The hosted pages: where `url` of track leads. They ask for a proof, set authenticators up, show users what they have,
//! and return to the app with a token (contract, section 2.8). They need no JavaScript.
//!
//! Also here, because they belong to no operation: the API description and the health check.

mod after;
mod anew;
mod assets;
mod cards;
mod challenge;
mod codes;
mod ends;
mod fields;
mod figures;
mod frame;
mod front;
mod next;
mod pairing;
mod phones;
mod qr_code;
mod refused;
mod set_up;
mod settings;
mod shut;
mod told;
mod visit;
mod way;

use axum::{
    Form,
    extract::{
        Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use countersign_core::{
    app::App,
    error::Error,
    form::{self, Sent},
    id::TenantId,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use frame::is_partial;
use next::Next;
use visit::{Fields, Manner, Visit};

/// The API description, generated from the code by `countersign openapi` and checked by the tests.
const OPENAPI: &str = include_str!("../../../infra/openapi.json");

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(front::show))
        .routes(routes!(show_challenge, answer_challenge))
        .routes(routes!(show_set_up, answer_set_up))
        .routes(routes!(show_settings, answer_settings))
        .routes(routes!(show_link))
        .routes(routes!(qr_code::show, qr_code::answer))
        .routes(routes!(assets::get))
        .routes(routes!(description))
        .routes(routes!(healthz))
}

/// Get this description.
#[utoipa::path(get, path = "/openapi.json", tag = "Service", operation_id = "getDescription",
    responses((status = 200, body = Object, description = "OpenAPI 3.1.")))]
async fn description() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// Ask whether the service is ready: whether its table takes a write.
#[utoipa::path(get, path = "/healthz", tag = "Service", operation_id = "getHealth",
    responses((status = 200, body = Object, description = "It does.")))]
async fn healthz(State(app): State<App>) -> Result<Response, Error> {
    app.store().ready(app.now()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#).into_response())
}

type PageQuery = Result<Query<Vec<(String, String)>>, QueryRejection>;
type SentForm = Result<Form<Vec<(String, String)>>, FormRejection>;

/// Show the page that asks for a proof.
#[utoipa::path(get, path = "/challenge", tag = "Hosted pages", operation_id = "showChallenge", params(("token" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn show_challenge(State(app): State<App>, headers: HeaderMap, query: PageQuery) -> Response {
    let page = async |visit: &Visit, fields: &Fields| {
        led(&app, visit, fields, &headers, challenge::show(visit, fields)?).await
    };
    show(&app, query, &headers, page).await
}
/// Send a form of the page that asks for a proof. A form counts once.
#[utoipa::path(post, path = "/challenge", tag = "Hosted pages", operation_id = "answerChallenge",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn answer_challenge(State(app): State<App>, headers: HeaderMap, form: SentForm) -> Response {
    let action = async |visit: &Visit, fields: &Fields, sent: &Sent<'_>| {
        led(&app, visit, fields, &headers, challenge::answer(&app, visit, fields, sent).await?).await
    };
    act(&app, form, &headers, action).await
}
/// Show the page that sets an authenticator up.
#[utoipa::path(get, path = "/set-up", tag = "Hosted pages", operation_id = "showSetUp", params(("token" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn show_set_up(State(app): State<App>, headers: HeaderMap, query: PageQuery) -> Response {
    let page = async |visit: &Visit, fields: &Fields| {
        led(&app, visit, fields, &headers, set_up::show(&app, visit, fields, &headers).await?).await
    };
    show(&app, query, &headers, page).await
}
/// Send a form of the page that sets an authenticator up. A form counts once.
#[utoipa::path(post, path = "/set-up", tag = "Hosted pages", operation_id = "answerSetUp",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn answer_set_up(State(app): State<App>, headers: HeaderMap, form: SentForm) -> Response {
    let action = async |visit: &Visit, fields: &Fields, sent: &Sent<'_>| {
        led(&app, visit, fields, &headers, set_up::answer(&app, visit, fields, sent).await?).await
    };
    act(&app, form, &headers, action).await
}
/// Show the page that shows users what they have.
#[utoipa::path(get, path = "/settings", tag = "Hosted pages", operation_id = "showSettings", params(("token" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn show_settings(State(app): State<App>, headers: HeaderMap, query: PageQuery) -> Response {
    show(&app, query, &headers, async |visit, fields| settings::show(&app, visit, fields).await).await
}
/// Send a form of the page that shows users what they have. A form counts once.
#[utoipa::path(post, path = "/settings", tag = "Hosted pages", operation_id = "answerSettings",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn answer_settings(State(app): State<App>, headers: HeaderMap, form: SentForm) -> Response {
    act(&app, form, &headers, async |visit, fields, sent| settings::answer(&app, visit, fields, sent).await).await
}

/// Follows a visit from page to page, to the one that is shown.
async fn led(
    app: &App,
    visit: &Visit,
    fields: &Fields,
    headers: &HeaderMap,
    mut next: Next,
) -> Result<Response, Error> {
    loop {
        next = match next {
            Next::Show(response) => return Ok(response),
            Next::Challenge { wanted, problem } => challenge::page(app, visit, wanted, problem).await?,
            Next::Locked { way, problem } => challenge::locked(app, visit, way, problem).await?,
            Next::SetUpLocked { problem } => set_up::locked(app, visit, &problem).await?,
            Next::AskPhones => phones::ask(app, visit).await?,
            Next::AwaitPhones => phones::wait(app, visit, fields, headers).await?,
            Next::SetUp { wanted, problem } => set_up::page(app, visit, wanted, &problem).await?,
            Next::Choose { problem } => set_up::choose(app, visit, &problem).await?.into(),
            Next::Pair { was } => pairing::begin(app, visit, &was).await?,
        };
    }
}

/// Show a browser what the link of a pairing is for. The end of the link is for the app, and is not looked at here.
#[utoipa::path(get, path = "/pair/{tenant}/{id}", tag = "Hosted pages", operation_id = "showPairing",
    params(("tenant" = String, Path), ("id" = String, Path, description = "The pairing.")),
    responses((status = 200, body = String, content_type = "text/html")))]
async fn show_link(
    State(app): State<App>,
    headers: HeaderMap,
    Path((tenant, _link)): Path<(String, String)>,
) -> Response {
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

/// A page, or the page that says why there is none.
async fn show(
    app: &App,
    asked: PageQuery,
    headers: &HeaderMap,
    page: impl AsyncFnOnce(&Visit, &Fields) -> Result<Response, Error>,
) -> Response {
    let Ok(Query(pairs)) = asked else {
        let manner = Manner::of_stranger(app, &Fields::default(), headers).await;
        return ends::failed(&manner, Error::invalid("The address of this page is not one that track gave out."));
    };
    let fields = Fields::new(pairs);
    match Visit::begin(app, &fields, headers).await {
        // An open tab asks whether it is still as it shows: nothing new.
        Ok(visit) if is_partial(headers) && fields.get("seen") == visit.action.state.as_str() => {
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(visit) => page(&visit, &fields).await.unwrap_or_else(|error| ends::failed_in(&visit, error)),
        Err(error) => anew::without_visit(app, &fields, headers, anew::What::Nothing, error).await,
    }
}

/// Does what a form asks for, once. A form of another site is refused.
async fn act(
    app: &App,
    sent: SentForm,
    headers: &HeaderMap,
    action: impl AsyncFnOnce(&Visit, &Fields, &Sent<'_>) -> Result<Response, Error>,
) -> Response {
    let fields = match sent {
        Ok(Form(pairs)) => Fields::new(pairs),
        Err(rejection) => {
            let manner = Manner::of_stranger(app, &Fields::default(), headers).await;
            return ends::failed(&manner, not_understood(&rejection));
        }
    };
    let visit = match Visit::begin(app, &fields, headers).await {
        Ok(visit) => visit,
        // A form of another site is none.
        Err(error) if is_of_another_site(headers) => {
            return ends::failed(&Manner::of_stranger(app, &fields, headers).await, error);
        }
        Err(error) => return anew::without_visit(app, &fields, headers, anew::What::Form, error).await,
    };
    let answered = async {
        if is_of_another_site(headers) {
            return Err(Error::Forbidden("The form is not one of this page. Reload the page and try again.".into()));
        }
        let sent = form::spend(app, &visit.caller, fields.get("seal"), app.now()).await?;
        action(&visit, &fields, &sent).await
    };
    answered.await.unwrap_or_else(|error| ends::failed_in(&visit, error))
}

/// The refusal of a form that cannot be read.
fn not_understood(rejection: &FormRejection) -> Error {
    let text = "The form was not understood. Go back and try again.".to_owned();
    match rejection {
        FormRejection::InvalidFormContentType(_) => Error::UnsupportedMediaType(text),
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(text),
        _ => Error::Invalid(text),
    }
}

/// Whether a form comes from another site, as browsers say it (Fetch Metadata). `Origin` is `null` under our referrer
/// policy.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}
