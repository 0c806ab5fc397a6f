//! Management: what an operator or a tool such as Terraform configures (contract, section 5).

mod action_configurations;
mod tenant;

use countersign_core::app::App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    use action_configurations as actions;
    OpenApiRouter::new()
        .routes(routes!(actions::list, actions::create))
        .routes(routes!(actions::get, actions::patch, actions::delete))
        .routes(routes!(tenant::get, tenant::patch))
}
