//! The operations on how pages look and what they say.

use countersign_tests::World;
use serde_json::{Value, json};

use super::operations::{
    Operation::{self, *},
    Prepared,
};

const THEME: &str = "/v1/management/theme";
const OVERRIDES: &str = "/v1/management/message-overrides";

pub fn route(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        GetTheme => ("GET", THEME),
        PatchTheme => ("PATCH", THEME),
        GetOverrides => ("GET", OVERRIDES),
        PatchOverrides => ("PATCH", OVERRIDES),
        GetCatalog => ("GET", "/v1/management/message-overrides/catalog"),
        other => panic!("{other:?} is not about looks"),
    }
}

pub async fn prepare(world: &World, ready: &mut Prepared) {
    let theme = json!({"name": ready.user, "primaryColor": "#1d4ed8"});
    let overrides = json!({"messageOverrides": {"en": {"challenge-heading": ready.user}}});
    match ready.operation {
        GetTheme => drop(world.http.patch(THEME, &world.management(), theme).await.ok()),
        GetOverrides => drop(world.http.patch(OVERRIDES, &world.management(), overrides).await.ok()),
        PatchTheme => ready.body = Some(theme),
        PatchOverrides => ready.body = Some(overrides),
        _ => {}
    }
}

/// Whether this is what the operation should say.
pub fn is_right(body: &Value, ready: &Prepared) -> bool {
    match ready.operation {
        GetTheme | PatchTheme => body["name"] == *ready.user && body["contrastWarnings"] == json!([]),
        GetOverrides | PatchOverrides => body["messageOverrides"]["en"]["challenge-heading"] == *ready.user,
        GetCatalog => body["points"].as_array().is_some_and(|points| points.len() > 100),
        _ => false,
    }
}
