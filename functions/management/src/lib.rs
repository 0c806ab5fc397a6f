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

use countersign_core::{app::App, method::Method};
use serde::Serialize;
use utoipa::{ToSchema, openapi::Deprecated};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter},
    routes,
};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    use action_configurations as actions;
    use authenticator_configurations as authenticators;
    use custom_data_points as points;
    use message_overrides as overrides;
    use value_lists as lists;
    let with_actions = [
        routes!(actions::list, actions::create),
        routes!(actions::get, actions::patch, actions::delete),
        routes!(rules::list, rules::create),
        routes!(rules::get, rules::patch, rules::delete),
    ];
    with_actions
        .into_iter()
        .fold(OpenApiRouter::new(), |all, one| all.routes(with_an_underscore(&one)).routes(one))
        .routes(routes!(replay::replay))
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

/// The same routes as the documentation of the contract also spells them, with an underscore.
fn with_an_underscore((schemas, paths, handlers): &UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    let mut paths = paths.clone();
    paths.paths = std::mem::take(&mut paths.paths)
        .into_iter()
        .map(|(path, mut item)| {
            for operation in [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten() {
                operation.deprecated = Some(Deprecated::True);
                operation.operation_id = operation.operation_id.as_ref().map(|id| format!("{id}WithUnderscore"));
            }
            (path.replace("action-configurations", "action_configurations"), item)
        })
        .collect();
    (schemas.clone(), paths, handlers.clone())
}

/// What a deletion answers, so that no body is empty (contract, rule 1).
#[derive(Debug, Serialize, ToSchema)]
struct Deleted {
    success: bool,
}

/// A list of methods that is empty is one that is not set. A method that stands twice is one.
fn not_empty(methods: Option<Vec<Method>>) -> Option<Vec<Method>> {
    each_once(methods).filter(|methods| !methods.is_empty())
}

/// A list in which each method stands once. An empty one stays: what a page offers to set up may be nothing.
fn each_once(methods: Option<Vec<Method>>) -> Option<Vec<Method>> {
    let mut once: Vec<Method> = Vec::new();
    for method in methods? {
        if !once.contains(&method) {
            once.push(method);
        }
    }
    Some(once)
}
