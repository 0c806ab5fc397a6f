//! Every route of the server, read from its own description, and a request to each that succeeds. A route that is
//! not known here fails the suites that walk over all of them: say how it is called, and it is covered.

use countersign_tests::{
    World,
    http::{Answer, Auth, segment},
};
use serde_json::{Value, json};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Backend,
    Operator,
    User,
}

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: String,
    pub path: String,
    pub operation: String,
    pub caller: Caller,
    /// The schema of the body with its references replaced; `None` where the route takes no body.
    pub body: Option<Value>,
}

impl Route {
    /// Names of the body's fields with their schemas.
    pub fn fields(&self) -> Vec<(String, Value)> {
        let mut fields = Vec::new();
        for part in self.body.iter().flat_map(parts) {
            let properties = part["properties"].as_object().cloned().unwrap_or_default();
            fields.extend(properties);
        }
        fields
    }

    /// Fields that must be there.
    pub fn required(&self) -> Vec<String> {
        let all = self.body.iter().flat_map(parts).flat_map(|part| part["required"].as_array().cloned());
        all.flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

fn parts(schema: &Value) -> Vec<&Value> {
    match schema["allOf"].as_array() {
        Some(all) => all.iter().flat_map(parts).collect(),
        None => vec![schema],
    }
}

fn resolved(document: &Value, schema: &Value) -> Value {
    match (schema["$ref"].as_str(), schema) {
        (Some(name), _) => resolved(document, document.pointer(&name[1..]).expect("a schema of that name")),
        (None, Value::Object(fields)) => fields.iter().map(|(k, v)| (k.clone(), resolved(document, v))).collect(),
        (None, Value::Array(items)) => items.iter().map(|item| resolved(document, item)).collect(),
        (None, other) => other.clone(),
    }
}

/// All routes of all functions.
pub fn routes() -> Vec<Route> {
    let document = serde_json::to_value(countersign_local::routes().into_openapi()).expect("a description");
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = operation["security"][0].as_object().and_then(|one| one.keys().next()).map(String::as_str);
            let schema = operation.pointer("/requestBody/content/application~1json/schema");
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                operation: operation["operationId"].as_str().expect("an operation id").to_owned(),
                caller: match security {
                    Some("secretKey") => Caller::Backend,
                    Some("managementKey") => Caller::Operator,
                    Some("userToken") => Caller::User,
                    other => panic!("{method} {path}: who may call it? {other:?} is not known here"),
                },
                body: schema.map(|schema| resolved(&document, schema)),
            });
        }
    }
    assert!(routes.len() >= 24, "routes have gone missing: {}", routes.len());
    routes
}

/// A world in which every route has something to work on: a user who is enrolled, and an action of it that is open.
pub struct Scene {
    pub world: World,
    pub user: String,
    pub secret: String,
    /// Of the open action; may read and add authenticators.
    pub token: String,
    pub authenticator: String,
}

/// Code and idempotency key of the open action.
pub const ACTION: (&str, &str) = ("pay", "k1");

impl Scene {
    pub async fn set() -> Self {
        Self::set_for(World::start().await, "ada").await
    }

    /// The same with a user of this id, in a world that may have others.
    pub async fn set_for(world: World, user: &str) -> Self {
        let secret = world.ready(user).await;
        let body = json!({"idempotencyKey": ACTION.1, "scope": "read:authenticators add:authenticators"});
        let tracked = world.track(user, ACTION.0, body).await.ok();
        let path = format!("/v1/users/{}/authenticators", segment(user));
        let listed = world.http.get(&path, &world.key()).await.ok();
        Self {
            user: user.to_owned(),
            secret,
            token: tracked["token"].as_str().expect("a token").to_owned(),
            authenticator: listed[0]["userAuthenticatorId"].as_str().expect("an id").to_owned(),
            world,
        }
    }

    /// The credential that a route asks for.
    pub fn auth(&self, route: &Route) -> Auth {
        match route.caller {
            Caller::Backend => self.world.key(),
            Caller::Operator => self.world.management(),
            Caller::User => Auth::Token(self.token.clone()),
        }
    }

    /// The route's address in this scene.
    pub fn path(&self, route: &Route) -> String {
        let filled = [
            ("{userId}", segment(&self.user)),
            ("{action}", ACTION.0.into()),
            ("{actionCode}", ACTION.0.into()),
            ("{idempotencyKey}", ACTION.1.into()),
            ("{userAuthenticatorId}", self.authenticator.clone()),
        ]
        .iter()
        .fold(route.path.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!filled.contains('{'), "{filled}: say here what stands in this place");
        if route.operation == "queryUsers" { format!("{filled}?email=ada%40example.com") } else { filled }
    }

    /// A body that the route accepts; `None` where it takes none.
    pub fn body(&self, route: &Route) -> Option<Value> {
        let body = match route.operation.as_str() {
            "track" => json!({"idempotencyKey": "k2", "custom": {"amount": 5}}),
            "validateChallenge" => json!({"token": self.token}),
            "enrollTotp" => json!({"displayName": "My phone"}),
            "verifyTotp" => json!({"verificationCode": self.world.code(&self.secret, 0)}),
            "updateUser" | "postUser" => json!({"email": "ada@example.com", "emailVerified": true}),
            "enrollVerifiedAuthenticator" => json!({"verificationMethod": "EMAIL_OTP", "email": "ada@example.com"}),
            "updateAction" => json!({"state": "CHALLENGE_FAILED"}),
            "createActionConfiguration" => json!({"actionCode": "fresh", "defaultUserActionResult": "ALLOW"}),
            "updateActionConfiguration" => json!({"defaultUserActionResult": "BLOCK"}),
            "updateTenant" => json!({"name": "Acme"}),
            other => {
                assert!(route.body.is_none(), "{other} is new: say here which body it accepts");
                return None;
            }
        };
        Some(body)
    }

    /// Calls a route as it should be called.
    pub async fn call(&self, route: &Route) -> Answer {
        self.world.http.call(&route.method, &self.path(route), &self.auth(route), self.body(route)).await
    }
}
