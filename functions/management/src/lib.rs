//! Management: what an operator or a tool such as Terraform configures (contract, section 5).

mod action_configurations;
mod authenticator_configurations;
mod custom_data_points;
mod message_overrides;
mod policy;
mod replay;
mod rules;
mod tenant;
mod theme;
mod value_lists;

use axum::routing;
use countersign_core::{app::App, method::Method};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    use action_configurations as actions;
    use authenticator_configurations as authenticators;
    use custom_data_points as points;
    use message_overrides as overrides;
    use value_lists as lists;
    OpenApiRouter::new()
        .routes(routes!(actions::list, actions::create))
        .routes(routes!(actions::get, actions::patch, actions::delete))
        .routes(routes!(rules::list, rules::create))
        .routes(routes!(rules::get, rules::patch, rules::delete))
        .routes(routes!(replay::replay))
        .merge(with_an_underscore())
        .routes(routes!(authenticators::list))
        .routes(routes!(authenticators::patch))
        .routes(routes!(lists::list, lists::create))
        .routes(routes!(lists::get, lists::patch, lists::delete))
        .routes(routes!(points::list, points::create))
        .routes(routes!(points::get, points::patch, points::delete))
        .routes(routes!(tenant::get, tenant::patch))
        .routes(routes!(theme::get, theme::patch))
        .routes(routes!(overrides::get, overrides::patch))
        .routes(routes!(overrides::catalog))
        .routes(routes!(policy::get, policy::enforce))
        .routes(routes!(policy::list_required))
        .routes(routes!(policy::patch_required))
}

/// The same as the documentation of the contract also spells it, with an underscore.
fn with_an_underscore() -> OpenApiRouter<App> {
    use action_configurations as actions;
    OpenApiRouter::new()
        .route("/v1/management/action_configurations", routing::get(actions::list).post(actions::create))
        .route("/v1/management/action_configurations/{actionCode}", routing::get(actions::get))
        .route("/v1/management/action_configurations/{actionCode}", routing::patch(actions::patch))
        .route("/v1/management/action_configurations/{actionCode}", routing::delete(actions::delete))
        .route("/v1/management/action_configurations/{actionCode}/rules", routing::get(rules::list).post(rules::create))
        .route("/v1/management/action_configurations/{actionCode}/rules/{ruleId}", routing::get(rules::get))
        .route("/v1/management/action_configurations/{actionCode}/rules/{ruleId}", routing::patch(rules::patch))
        .route("/v1/management/action_configurations/{actionCode}/rules/{ruleId}", routing::delete(rules::delete))
}

/// What a deletion answers: never an empty body (contract, rule 1).
#[derive(Debug, Serialize, ToSchema)]
struct Deleted {
    success: bool,
}

/// A list of methods that is empty is one that is not set.
fn not_empty(methods: Option<Vec<Method>>) -> Option<Vec<Method>> {
    methods.filter(|methods| !methods.is_empty())
}
