//! Rules that ask for what only a backend can say: an action that a device makes has nobody to say it, so it is refused
//! where such a rule could stop it, and what a page claims decides nothing (T37, T40).

use countersign_tests::{
    World,
    device::Device,
    http::{Answer, Auth, Http},
};
use serde_json::{Value, json};

use super::{strangers, text};

const ACTIONS: &str = "/v1/management/action-configurations";

async fn kind(world: &World, code: &str, result: &str) {
    let config = json!({"actionCode": code, "defaultUserActionResult": result});
    world.http.post(ACTIONS, &world.management(), config).await.ok();
}

async fn rule(world: &World, code: &str, rule: Value) {
    let mut whole = json!({"name": "Rule", "priority": 0});
    for (name, value) in rule.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    world.http.post(&format!("{ACTIONS}/{code}/rules"), &world.management(), whole).await.ok();
}

/// A world with a data point of actions.
async fn world() -> World {
    let world = World::start().await;
    let point = json!({"name": "amount", "dataType": "number", "modelType": "action"});
    world.http.post("/v1/management/custom-data-points", &world.management(), point).await.ok();
    world
}

fn large() -> Value {
    json!({">": [{"var": "custom.amount"}, 100]})
}

async fn show(http: &Http, auth: &Auth, code: &str, agent: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let body = json!({"action": code, "custom": {"amount": 5}}).to_string().into_bytes();
    http.raw("POST", "/v1/client/challenge/qr-code", auth, &headers, body).await
}

async fn begin(world: &World, code: &str) -> Answer {
    world.http.post("/v1/client/challenge", &world.tenant_auth(), json!({"action": code})).await
}

async fn claim(world: &World, device: &Device, challenge: &str) -> Answer {
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(challenge)});
    world.http.post("/v1/client/user-authenticators/qr-code/challenge/claim", &world.tenant_auth(), body).await
}

async fn sign_in(world: &World, device: &Device, challenge: &str) -> Answer {
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(challenge)});
    world.http.post("/v1/client/verify/in-app", &world.tenant_auth(), body).await
}

/// Signs in by the code of a page that says it is this browser.
async fn by_code(world: &World, device: &Device, code: &str, agent: &str) -> Answer {
    let shown = show(&world.http, &world.tenant_auth(), code, agent).await;
    if shown.status != 200 {
        return shown;
    }
    let challenge = text(&shown.json(), "challengeId");
    let claimed = claim(world, device, &challenge).await;
    if claimed.status != 200 {
        return claimed;
    }
    world.approve(device, &challenge).await
}

#[track_caller]
fn assert_untold(answer: &Answer, point: &str) {
    assert_eq!(answer.refusal(), (403, "forbidden".into()));
    assert!(answer.text().contains(point) && answer.text().contains("track"), "{}", answer.text());
}

#[tokio::test]
async fn what_a_rule_may_stop_and_nobody_vouches_for_is_refused_in_words() {
    let stranger = json!({"==": [{"var": "device.isNew"}, false]});
    let robot = json!({"==": [{"var": "device.isBot"}, true]});
    let spoken = json!({"==": [{"var": "action.locale"}, "de"]});
    let absent = json!({"missing": ["custom.amount"]});
    for (point, conditions) in [
        ("custom.amount", large()),
        ("custom.amount", absent),
        ("device.isNew", stranger),
        ("device.isBot", robot),
        ("action.locale", spoken),
        ("custom.amount", json!({"or": [{"==": [{"var": "ip.address"}, "192.0.2.1"]}, large()]})),
    ] {
        for outcome in ["BLOCK", "REVIEW"] {
            let world = world().await;
            kind(&world, "wire", "CHALLENGE").await;
            rule(&world, "wire", json!({"type": outcome, "conditions": conditions})).await;
            let written = strangers::challenges(&world).len();
            assert_untold(&show(&world.http, &world.tenant_auth(), "wire", "Firefox").await, point);
            assert_untold(&begin(&world, "wire").await, point);
            assert_eq!(strangers::challenges(&world).len(), written, "nothing is written");
        }
    }
}

/// A rule of this kind is made while the question is open.
#[tokio::test]
async fn it_is_asked_again_at_the_decision() {
    let world = world().await;
    let (scanner, app) = (world.device("ada", "qr-code").await, world.device("ada", "in-app").await);
    kind(&world, "wire", "CHALLENGE").await;
    let shown = show(&world.http, &world.tenant_auth(), "wire", "Firefox").await.ok();
    let unclaimed = show(&world.http, &world.tenant_auth(), "wire", "Firefox").await.ok();
    let begun = text(&begin(&world, "wire").await.ok(), "challengeId");
    let challenge = text(&shown, "challengeId");
    claim(&world, &scanner, &challenge).await.ok();
    rule(&world, "wire", json!({"type": "BLOCK", "conditions": large()})).await;
    assert_untold(&claim(&world, &scanner, &text(&unclaimed, "challengeId")).await, "custom.amount");
    assert_untold(&world.approve(&scanner, &challenge).await, "custom.amount");
    assert_untold(&sign_in(&world, &app, &begun).await, "custom.amount");
    let poll = json!({"challengeId": challenge, "deviceCode": shown["deviceCode"]});
    let said = world.http.post("/v1/client/verify/qr-code", &world.tenant_auth(), poll).await.ok();
    assert_eq!((&said["isVerified"], said.get("accessToken")), (&json!(false), None));
    // What the backend tracks is judged by what it says, also where the app names it and has no token.
    let key = json!({"idempotencyKey": "k", "custom": {"amount": 5}});
    let tracked = text(&world.track("ada", "wire", key).await.ok(), "token");
    for (key, status) in [("k", 200), ("nobody's", 403)] {
        let named = json!({"action": "wire", "idempotencyKey": key});
        let begun = world.http.post("/v1/client/challenge", &world.tenant_auth(), named).await.ok();
        let answer = sign_in(&world, &app, &text(&begun, "challengeId")).await;
        assert_eq!(answer.status, status, "{key}: {}", answer.text());
    }
    assert_eq!(world.state(&tracked).await, "CHALLENGE_SUCCEEDED");
    let small = text(&world.track("ada", "wire", json!({"custom": {"amount": 5}})).await.ok(), "token");
    let shown = show(&world.http, &Auth::Token(small.clone()), "wire", "Firefox").await.ok();
    claim(&world, &scanner, &text(&shown, "challengeId")).await.ok();
    world.approve(&scanner, &text(&shown, "challengeId")).await.ok();
    assert_eq!(world.state(&small).await, "CHALLENGE_SUCCEEDED");
}

/// A page is free to say which browser it is, so that opens nothing; nor does what is missing because nobody says it.
#[tokio::test]
async fn what_a_page_claims_makes_no_rule_match() {
    let is_firefox = json!({"==": [{"var": "device.userAgent"}, "Firefox"]});
    let is_new = json!({"==": [{"var": "device.isNew"}, true]});
    let absent = json!({"missing": ["custom.amount"]});
    for conditions in [is_firefox, is_new, absent] {
        for outcome in ["ALLOW", "CHALLENGE"] {
            let world = world().await;
            let scanner = world.device("ada", "qr-code").await;
            kind(&world, "wire", "BLOCK").await;
            rule(&world, "wire", json!({"type": outcome, "conditions": conditions})).await;
            let answer = by_code(&world, &scanner, "wire", "Firefox").await;
            assert_eq!(answer.refusal().0, 403, "{outcome} {conditions}: {}", answer.text());
        }
    }
}

/// A rule that would ask for other methods could stop it too; one that would let it through could not.
#[tokio::test]
async fn a_rule_of_other_methods_stops_as_well() {
    let world = world().await;
    let scanner = world.device("ada", "qr-code").await;
    for code in ["wire", "fine"] {
        kind(&world, code, "CHALLENGE").await;
    }
    let other = json!({"type": "CHALLENGE", "conditions": large(), "verificationMethods": ["PUSH"]});
    rule(&world, "wire", other).await;
    assert_untold(&by_code(&world, &scanner, "wire", "Firefox").await, "custom.amount");
    rule(&world, "fine", json!({"type": "CHALLENGE", "conditions": large()})).await;
    by_code(&world, &scanner, "fine", "Firefox").await.ok();
}

/// Where the request comes from this server sees itself, of a page and of an app.
#[tokio::test]
async fn an_address_is_seen_and_judged() {
    let world = world().await;
    let (scanner, app) = (world.device("ada", "qr-code").await, world.device("ada", "in-app").await);
    for (code, address, is_open) in [("here", "127.0.0.1", false), ("there", "192.0.2.1", true)] {
        kind(&world, code, "CHALLENGE").await;
        let conditions = json!({"==": [{"var": "ip.address"}, address]});
        rule(&world, code, json!({"type": "BLOCK", "conditions": conditions})).await;
        let status = if is_open { 200 } else { 403 };
        assert_eq!(by_code(&world, &scanner, code, "Firefox").await.status, status, "a code, {code}");
        let begun = text(&begin(&world, code).await.ok(), "challengeId");
        assert_eq!(sign_in(&world, &app, &begun).await.status, status, "an app, {code}");
    }
}
