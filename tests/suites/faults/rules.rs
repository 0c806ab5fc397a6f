//! The operations on rules, and those that rules take part in.

use countersign_tests::{World, http::Auth};
use serde_json::{Value, json};

use super::operations::{
    Operation::{self, *},
    Prepared,
};

const ACTIONS: &str = "/v1/management/action-configurations";
const LISTS: &str = "/v1/management/value-lists";

pub fn route(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        ListRules => ("GET", "/v1/management/action-configurations/{actionCode}/rules"),
        CreateRule => ("POST", "/v1/management/action-configurations/{actionCode}/rules"),
        GetRule => ("GET", "/v1/management/action-configurations/{actionCode}/rules/{ruleId}"),
        PatchRule => ("PATCH", "/v1/management/action-configurations/{actionCode}/rules/{ruleId}"),
        DeleteRule => ("DELETE", "/v1/management/action-configurations/{actionCode}/rules/{ruleId}"),
        ReplayRules => ("POST", "/v1/management/action-configurations/{actionCode}/rules/replay"),
        ListLists => ("GET", "/v1/management/value-lists"),
        CreateList => ("POST", "/v1/management/value-lists"),
        GetList => ("GET", "/v1/management/value-lists/{alias}"),
        PatchList => ("PATCH", "/v1/management/value-lists/{alias}"),
        DeleteList => ("DELETE", "/v1/management/value-lists/{alias}"),
        ListKnownDevices => ("GET", "/v1/users/{userId}/devices"),
        InvalidateKnownDevice => ("POST", "/v1/users/{userId}/devices/{deviceId}/invalidate"),
        RememberDevice => ("PATCH", "/v1/users/{userId}/devices/{deviceId}"),
        TrackWithRules => ("POST", "/v1/users/{userId}/actions/{action}"),
        VerifyWithRules => ("POST", "/v1/client/verify/totp"),
        ListConfigured => ("GET", "/v1/management/authenticator-configurations"),
        PatchConfigured => ("PATCH", "/v1/management/authenticator-configurations/{authenticatorId}"),
        other => panic!("{other:?} has no route"),
    }
}

/// A rule of an action of its own, which challenges everybody.
async fn ruled(world: &World) {
    if world.http.get(&format!("{ACTIONS}/ruled"), &world.management()).await.status == 404 {
        world.http.post(ACTIONS, &world.management(), json!({"actionCode": "ruled"})).await.ok();
        let rule = json!({"name": "All", "priority": 0, "type": "CHALLENGE", "conditions": true});
        world.http.post(&format!("{ACTIONS}/ruled/rules"), &world.management(), rule).await.ok();
        world.token("first", "ruled").await;
    }
}

fn from_laptop(key: &str) -> Value {
    json!({"idempotencyKey": key, "deviceId": "laptop", "ipAddress": "192.0.2.1"})
}

pub async fn prepare(world: &World, ready: &mut Prepared) {
    let (user, management) = (ready.user.clone(), world.management());
    match ready.operation {
        ListRules | CreateRule | GetRule | PatchRule | DeleteRule => {
            world.http.post(ACTIONS, &management, json!({ "actionCode": user })).await.ok();
            let rule = json!({"name": user, "priority": 0, "type": "BLOCK", "conditions": true});
            if ready.operation == CreateRule {
                ready.body = Some(rule);
                return;
            }
            let made = world.http.post(&format!("{ACTIONS}/{user}/rules"), &management, rule).await.ok();
            ready.id = made["ruleId"].as_str().expect("an id").to_owned();
            ready.body = (ready.operation == PatchRule).then(|| json!({"description": "changed", "priority": 5}));
        }
        ReplayRules => {
            world.http.post(ACTIONS, &management, json!({ "actionCode": user })).await.ok();
            world.track(&user, &user, json!({})).await.ok();
            let rule = json!({"name": "All", "priority": 0, "type": "BLOCK", "conditions": true});
            ready.body = Some(json!({"rules": [rule], "maxUsers": 1}));
        }
        ListLists | CreateList | GetList | PatchList | DeleteList => {
            let list = json!({"name": user, "itemType": "string", "valueListItems": ["a"]});
            if ready.operation == CreateList {
                ready.body = Some(list);
                return;
            }
            world.http.post(LISTS, &management, list).await.ok();
            ready.body = (ready.operation == PatchList).then(|| json!({"valueListItems": ["b"]}));
        }
        PatchConfigured => ready.body = Some(json!({ "issuerName": user })),
        ListKnownDevices | InvalidateKnownDevice | RememberDevice => {
            ruled(world).await;
            world.track(&user, "ruled", from_laptop("seen")).await.ok();
            ready.body = match ready.operation {
                InvalidateKnownDevice => Some(json!({})),
                RememberDevice => Some(json!({"rememberedUntil": "2027-01-01T00:00:00Z"})),
                _ => None,
            };
        }
        TrackWithRules => {
            ruled(world).await;
            ready.body = Some(from_laptop("new"));
        }
        VerifyWithRules => {
            ruled(world).await;
            let tracked = world.track(&user, "ruled", from_laptop("k")).await.ok();
            ready.token = tracked["token"].as_str().expect("a token").to_owned();
            ready.auth = Auth::Token(ready.token.clone());
            ready.body = Some(json!({ "verificationCode": world.code(&ready.secret, 0) }));
        }
        _ => {}
    }
}

/// Whether this is what the operation should say.
pub fn is_right(operation: Operation, body: &Value, ready: &Prepared) -> bool {
    match operation {
        ListRules => body.as_array().is_some_and(|all| all.len() == 1),
        CreateRule | GetRule => body["name"] == *ready.user,
        ReplayRules => body["users"] == 1 && body["actions"].is_object(),
        PatchRule => body["description"] == "changed" && body["priority"] == 5,
        ListLists => body.is_array(),
        CreateList | GetList => body["valueListItems"] == json!(["a"]),
        PatchList => body["valueListItems"] == json!(["b"]),
        DeleteRule | DeleteList => body["success"] == true,
        ListKnownDevices => body[0]["deviceId"] == "laptop",
        InvalidateKnownDevice => body["invalidatedAt"].is_string(),
        RememberDevice => body["rememberedUntil"] == "2027-01-01T00:00:00.000Z",
        TrackWithRules => {
            body["state"] == "CHALLENGE_REQUIRED" && body["ruleIds"].as_array().is_some_and(|ids| ids.len() == 1)
        }
        VerifyWithRules => body["isVerified"] == true,
        ListConfigured => body[0]["authenticatorId"] == "AUTHENTICATOR_APP",
        PatchConfigured => body["issuerName"] == *ready.user,
        _ => false,
    }
}
