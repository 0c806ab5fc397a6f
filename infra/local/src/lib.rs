//! All of Countersign in one process: every function's routes over an embedded DynamoDB.

pub mod address;
mod ahead;
pub mod command;
mod database;
pub mod demo;
mod description;
pub mod directory;
pub mod embedded;
pub mod first_run;
pub mod homes;
pub mod loopback;
mod opened;
pub mod operator;
mod progress;
pub mod rules;
pub mod serve;
pub mod store_only;
pub mod sweep;
pub mod users;
pub mod welcome;

use axum::Router;
use countersign_core::app::App;
use first_run::Trouble;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

/// A quarter of a request's time went into allocating, most of it in the SDK and the emulator's JSON.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The functions that answer HTTP, each with its routes. A route has its full path, so that they merge.
pub fn functions() -> [(&'static str, OpenApiRouter<App>); 9] {
    [
        ("track", countersign_track::routes()),
        ("validate-challenge", countersign_validate_challenge::routes()),
        ("enroll", countersign_enroll::routes()),
        ("verify", countersign_verify::routes()),
        ("challenge", countersign_challenge::routes()),
        ("push-approve", countersign_push_approve::routes()),
        ("directory", countersign_directory::routes()),
        ("management", countersign_management::routes()),
        ("hosted-ui", countersign_hosted_ui::routes()),
    ]
}

/// The routes of all functions.
pub fn routes() -> OpenApiRouter<App> {
    let all = OpenApiRouter::with_openapi(Description::openapi());
    functions().into_iter().fold(all, |all, (_, routes)| all.merge(routes))
}

/// A server of all routes.
pub fn service(app: App) -> Router {
    countersign_core::http::service(routes().into(), app)
}

/// The API description as committed in `infra/openapi.json`.
pub fn openapi() -> Result<String, Trouble> {
    description::whole(&routes().into_openapi())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Multi-factor authentication that you run yourself. The public Authsignal SDKs call this API with a changed URL.",
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
