//! What required actions need before they can be asked for.

use countersign_tests::World;
use serde_json::json;

use super::operations::{Operation, Prepared};

pub const ID: &str = "AUTHENTICATOR_APPLICATION_SETUP";

/// A user with nothing enrolled, who has a required action where it is to be taken off.
pub async fn prepare(world: &World, ready: &mut Prepared) {
    ready.id = ID.into();
    if ready.operation == Operation::PatchRequired {
        return;
    }
    let path = format!("/v1/management/required-actions/{ID}");
    world.http.patch(&path, &world.management(), json!({"enabled": true})).await.ok();
    ready.token = world.token(&ready.user, "enrol").await;
    if ready.operation == Operation::UnassignRequired {
        let path = format!("/v1/users/{}/required-actions/{ID}", ready.user);
        world.http.call("PUT", &path, &world.key(), None).await.ok();
    }
}
