//! Every route of the server, read from its own description, and a request to each that succeeds. A route that is
//! not known here fails the suites that walk over all of them: say how it is called, and it is covered.

use countersign_tests::{
    World,
    device::Device,
    http::{Answer, Auth, segment},
    pairing::Link,
};
use serde_json::{Value, json};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Backend,
    Operator,
    User,
    /// A device, or whoever shows a code: the tenant's id is all they say of themselves.
    Device,
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

/// The operations beside the API, by their ids: pages, and what belongs to no operation.
pub fn pages() -> Vec<String> {
    let document = serde_json::to_value(countersign_local::routes().into_openapi()).expect("a description");
    let paths = document["paths"].as_object().expect("paths").iter().filter(|(path, _)| !path.starts_with("/v1/"));
    let operations = paths.flat_map(|(_, methods)| methods.as_object().expect("methods").values());
    operations.map(|one| one["operationId"].as_str().expect("an operation id").to_owned()).collect()
}

/// All calls of the API.
pub fn routes() -> Vec<Route> {
    let document = serde_json::to_value(countersign_local::routes().into_openapi()).expect("a description");
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // Pages are no calls, and what is deprecated is another spelling of the same call.
            if !path.starts_with("/v1/") || operation["deprecated"] == true {
                continue;
            }
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
                    Some("tenantId") => Caller::Device,
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
    pub devices: Devices,
}

/// The user's devices, one of each kind, and what each of them has to answer.
pub struct Devices {
    push: Device,
    push_challenge: Value,
    qr_code: Device,
    qr_challenge: Value,
    in_app: Device,
    in_app_challenge: Value,
    update: Value,
    /// A challenge that was approved.
    decided: String,
    /// A link that nobody has used, one that a device waits for, and the device.
    unused: Link,
    used: Link,
    waiting: Device,
    point: String,
    rule: String,
}

impl Devices {
    async fn of(world: &World, user: &str, token: &str) -> Self {
        let push = world.device(user, "push").await;
        let qr_code = world.device(user, "qr-code").await;
        let in_app = world.device(user, "in-app").await;
        let push_challenge = world.push(token, json!({})).await.ok();
        let (_, decided) = world.pushed(user, json!({})).await;
        let decided = decided["challengeId"].as_str().expect("an id").to_owned();
        world.approve(&push, &decided).await.ok();
        let basic = world.tenant_auth();
        let post = async |path: &str, body: Value| world.http.post(path, &basic, body).await.ok();
        let qr_challenge = post("/v1/client/challenge/qr-code", json!({"action": "signIn"})).await;
        let id = qr_challenge["challengeId"].as_str().expect("an id");
        let claim = json!({"challengeId": id, "publicKey": qr_code.public_key, "signature": qr_code.sign(id)});
        post("/v1/client/user-authenticators/qr-code/challenge/claim", claim).await;
        let in_app_challenge = post("/v1/client/challenge", json!({"action": "signIn"})).await;
        let sign = format!("/v1/client/user-authenticators/push/sign?{}", push.query());
        let update = post(&sign, json!({})).await;
        let point = json!({"name": "amount", "dataType": "number", "modelType": "action"});
        let point = world.http.post("/v1/management/custom-data-points", &world.management(), point).await.json();
        let point = point["id"].as_str().unwrap_or("none").to_owned();
        let rule = rules_of(world, user).await;
        let (unused, used, waiting) = (world.link(token).await, world.link(token).await, Device::new("push"));
        world.redeem(&used, &waiting).await.ok();
        Self {
            push,
            push_challenge,
            qr_code,
            qr_challenge,
            in_app,
            in_app_challenge,
            update,
            decided,
            unused,
            used,
            waiting,
            point,
            rule,
        }
    }

    fn of_route(&self, path: &str) -> &Device {
        match path {
            path if path.contains("qr-code") => &self.qr_code,
            path if path.contains("in-app") => &self.in_app,
            _ => &self.push,
        }
    }
}

/// A value list, a rule of a code of its own so that nothing else of the scene is decided by it, and a device that it
/// has seen; gives the rule's id.
async fn rules_of(world: &World, user: &str) -> String {
    let list = json!({"name": "VIP users", "itemType": "string", "valueListItems": ["grace"]});
    world.http.post("/v1/management/value-lists", &world.management(), list).await;
    world.track(user, "ruled", json!({})).await.ok();
    let rule =
        json!({"name": "Nights", "priority": 7, "type": "REVIEW", "conditions": {"<": [{"var": "time.hour"}, 5]}});
    let path = format!("{RULES}/ruled/rules");
    let rule = world.http.post(&path, &world.management(), rule).await.json();
    world.track(user, "ruled", json!({"deviceId": "laptop"})).await.ok();
    // Where the world has it already, it is the only one.
    let known = world.http.get(&path, &world.management()).await.ok();
    rule["ruleId"].as_str().or(known[0]["ruleId"].as_str()).expect("an id").to_owned()
}

const RULES: &str = "/v1/management/action-configurations";

/// Code and idempotency key of the open action.
pub const ACTION: (&str, &str) = ("pay", "k1");

impl Scene {
    pub async fn set() -> Self {
        Self::set_for(World::start().await, "ada").await
    }

    /// The same with a user of this id, in a world that may have others.
    pub async fn set_for(world: World, user: &str) -> Self {
        let secret = world.ready(user).await;
        world.push_to_browsers(&[]).await;
        let enabled = json!({"enabled": true});
        let required = "/v1/management/required-actions/AUTHENTICATOR_APPLICATION_SETUP";
        world.http.patch(required, &world.management(), enabled).await.ok();
        let body = json!({"idempotencyKey": ACTION.1, "scope": "read:authenticators add:authenticators"});
        let tracked = world.track(user, ACTION.0, body).await.ok();
        let path = format!("/v1/users/{}/authenticators", segment(user));
        let listed = world.http.get(&path, &world.key()).await.ok();
        Self {
            user: user.to_owned(),
            secret,
            token: tracked["token"].as_str().expect("a token").to_owned(),
            authenticator: listed[0]["userAuthenticatorId"].as_str().expect("an id").to_owned(),
            devices: Devices::of(&world, user, tracked["token"].as_str().expect("a token")).await,
            world,
        }
    }

    /// The credential that a route asks for.
    pub fn auth(&self, route: &Route) -> Auth {
        match route.caller {
            Caller::Backend => self.world.key(),
            Caller::Operator => self.world.management(),
            Caller::User => Auth::Token(self.token.clone()),
            Caller::Device => self.world.tenant_auth(),
        }
    }

    /// The route's address in this scene.
    pub fn path(&self, route: &Route) -> String {
        let filled = [
            ("{userId}", segment(&self.user)),
            ("{action}", ACTION.0.into()),
            ("{actionCode}", if route.path.contains("/rules") { "ruled" } else { ACTION.0 }.into()),
            ("{ruleId}", self.devices.rule.clone()),
            ("{authenticatorId}", "PUSH".into()),
            ("{alias}", "vip-users".into()),
            ("{deviceId}", "laptop".into()),
            ("{idempotencyKey}", ACTION.1.into()),
            ("{userAuthenticatorId}", self.authenticator.clone()),
            ("{challengeId}", self.challenge(route)),
            ("{id}", self.id(route)),
        ]
        .iter()
        .fold(route.path.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!filled.contains('{'), "{filled}: say here what stands in this place");
        match route.operation.as_str() {
            "queryUsers" => format!("{filled}?email=ada%40example.com"),
            "getPushCredential"
            | "getQrCodeCredential"
            | "getInAppCredential"
            | "signPushUpdate"
            | "signPendingPush"
            | "getPendingPush" => format!("{filled}?{}", self.devices.of_route(&route.path).query()),
            _ => filled,
        }
    }

    /// What stands as `{id}` in the route's path.
    fn id(&self, route: &Route) -> String {
        match route.path.contains("required-actions") {
            true => "AUTHENTICATOR_APPLICATION_SETUP".into(),
            false => self.devices.point.clone(),
        }
    }

    /// The challenge that stands in the route's path.
    fn challenge(&self, route: &Route) -> String {
        if route.operation == "getReceipt" {
            return self.devices.decided.clone();
        }
        let of = if route.path.contains("qr-code") { &self.devices.qr_challenge } else { &self.devices.push_challenge };
        of["challengeId"].as_str().expect("an id").to_owned()
    }

    /// What the device of a route answers.
    fn answer(&self, route: &Route) -> Value {
        let device = self.devices.of_route(&route.path);
        device.answer(&self.challenge(route), true)
    }

    /// A body that the route accepts; `None` where it takes none.
    pub fn body(&self, route: &Route) -> Option<Value> {
        let devices = &self.devices;
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
            "updateTheme" => json!({"primaryColor": "#1d4ed8", "borders": {"cardBorderRadius": 12}}),
            "updateMessageOverrides" => {
                json!({"messageOverrides": {"en": {"challenge-heading": "Is it you?"}}})
            }
            "updateAuthenticator" => json!({"isDefault": true}),
            "createCustomDataPoint" => {
                json!({"name": "fresh", "dataType": "text", "modelType": "user", "isPublic": true})
            }
            "enforceTwoFactor" => json!({"confirmation": "Enforce 2FA", "by": "Grace"}),
            "updateRequiredAction" => json!({"enabled": true, "default": true}),
            "createRule" => {
                let conditions = json!({"in_list": [{"var": "user.id"}, "vip-users"]});
                json!({"name": "VIPs", "priority": 3, "type": "ALLOW", "conditions": conditions})
            }
            "replayRules" => json!({"rules": [{"name": "All", "priority": 0, "type": "BLOCK", "conditions": true}]}),
            "updateRule" => json!({"description": "At night"}),
            "updateAuthenticatorConfiguration" => json!({"isActive": true}),
            "createValueList" => json!({"name": "Fresh", "itemType": "number", "valueListItems": [1, 2.5]}),
            "updateValueList" => json!({"valueListItems": ["eva"]}),
            "updateDevice" => json!({"rememberedUntil": null}),
            "updateCustomDataPoint" => json!({"description": "How much"}),
            "beginChallenge" => json!({"action": "signIn", "idempotencyKey": "k9"}),
            "challengePush" => json!({"action": ACTION.0}),
            "challengeQrCode" => json!({"action": "signIn"}),
            "verifyPush" => json!({"challengeId": devices.push_challenge["challengeId"]}),
            "verifyQrCode" => {
                json!({"challengeId": devices.qr_challenge["challengeId"], "deviceCode": devices.qr_challenge["deviceCode"]})
            }
            "verifyInApp" => {
                let id = devices.in_app_challenge["challengeId"].as_str().expect("an id");
                let device = &devices.in_app;
                json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(id)})
            }
            "enrollPush" | "enrollQrCode" | "enrollInApp" => {
                let fresh = Device::new("push").public_key;
                json!({"publicKey": fresh, "deviceName": "Second phone", "devicePlatform": "ios"})
            }
            "removePushCredential" | "removeQrCodeCredential" | "removeInAppCredential" => {
                let device = devices.of_route(&route.path);
                let window = format!("{}.0", self.world.now() / 600);
                json!({"publicKey": device.public_key, "signature": device.sign(window)})
            }
            "updatePushCredential" => {
                let message = devices.update["message"].as_str().expect("a message");
                let (device, id) = (&devices.push, &devices.update["challengeId"]);
                json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(message), "pushToken": "t"})
            }
            "answerPush" | "answerQrCode" => self.answer(route),
            "claimQrCode" => {
                let id = self.challenge(route);
                let device = &devices.qr_code;
                json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id)})
            }
            "redeemPairing" => devices.unused.body(&Device::new("push")),
            "getPairingStatus" => devices.used.question(&devices.waiting),
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
