//! All of Countersign in one process: every function's routes over an embedded DynamoDB.

mod ahead;
mod database;
pub mod demo;
pub mod directory;
pub mod embedded;
pub mod first_run;
pub mod loopback;
mod opened;
pub mod operator;
mod progress;
pub mod rules;
pub mod store_only;
pub mod sweep;
pub mod users;

use axum::Router;
use countersign_core::app::App;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

/// A quarter of a request's time went into allocating, most of it in the SDK and the emulator's JSON.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The routes of all functions; each has its full path, so that they merge.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(countersign_track::routes())
        .merge(countersign_validate_challenge::routes())
        .merge(countersign_enroll::routes())
        .merge(countersign_verify::routes())
        .merge(countersign_challenge::routes())
        .merge(countersign_push_approve::routes())
        .merge(countersign_directory::routes())
        .merge(countersign_management::routes())
        .merge(countersign_hosted_ui::routes())
}

/// A server of all routes.
pub fn service(app: App) -> Router {
    countersign_core::http::service(routes().into(), app)
}

/// The API description as committed in `infra/openapi.json`.
pub fn openapi() -> String {
    let document = routes().into_openapi();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Multi-factor authentication in your own AWS account, on the wire contract of the public Authsignal SDKs.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Credentials)
)]
struct Description;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for (name, scheme, description) in [
            ("secretKey", HttpAuthScheme::Basic, "The secret key as user name, an empty password."),
            ("managementKey", HttpAuthScheme::Basic, "The management key as user name, an empty password."),
            ("tenantId", HttpAuthScheme::Basic, "The tenant id as user name, an empty password."),
            ("userToken", HttpAuthScheme::Bearer, "The token that track, or a verification, returned."),
        ] {
            let scheme = HttpBuilder::new().scheme(scheme).description(Some(description)).build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}
