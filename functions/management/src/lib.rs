//! Management: what an operator or a tool such as Terraform configures (contract, section 5).

mod action_configurations;
mod custom_data_points;
mod policy;
mod tenant;

use countersign_core::app::App;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    use action_configurations as actions;
    use custom_data_points as points;
    OpenApiRouter::new()
        .routes(routes!(actions::list, actions::create))
        .routes(routes!(actions::get, actions::patch, actions::delete))
        .routes(routes!(points::list, points::create))
        .routes(routes!(points::get, points::patch, points::delete))
        .routes(routes!(tenant::get, tenant::patch))
        .routes(routes!(policy::get, policy::enforce))
        .routes(routes!(policy::list_required))
        .routes(routes!(policy::patch_required))
}

/// What a deletion answers: never an empty body (contract, rule 1).
#[derive(Debug, Serialize, ToSchema)]
struct Deleted {
    success: bool,
}
