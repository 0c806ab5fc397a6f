//! The directory: users, their authenticators and their actions, for backends (contract, S1–S6, S9, S11–S13,
//! S26–S28) and,
//! read only, for the user's own devices (C3).

mod actions;
mod authenticators;
mod devices;
mod receipts;
mod required_actions;
mod users;

use countersign_core::app::App;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(users::query))
        .routes(routes!(users::get, users::patch, users::post, users::delete))
        .routes(routes!(users::unlock))
        .routes(routes!(users::reset))
        .routes(routes!(authenticators::list))
        .routes(routes!(authenticators::update, authenticators::delete))
        .routes(routes!(receipts::get))
        .routes(routes!(required_actions::assign, required_actions::unassign))
        .routes(routes!(devices::list))
        .routes(routes!(devices::invalidate))
        .routes(routes!(devices::patch))
        .routes(routes!(actions::query))
        .routes(routes!(actions::get, actions::patch))
        .routes(routes!(authenticators::list_own))
}

/// What a deletion answers, so that no body is empty (contract, rule 1).
#[derive(Debug, Serialize, ToSchema)]
struct Done {
    success: bool,
}
