//! What rules remember of a user: addresses and devices that were let through, and how often it tried.

use countersign_tests::World;
use serde_json::{Value, json};

use super::{
    support::{create, with_amounts},
    whole::dump,
};

/// Rules that tell what is known, without a say.
async fn watched() -> World {
    let world = with_amounts().await;
    let points = ["ip.isUnrecognized", "device.isNew", "device.isRemembered", "user.hasPreviouslyVerified"];
    for (priority, name) in (10..).zip(points) {
        let body =
            json!({"name": name, "priority": priority, "type": "ALLOW", "isShadow": true, "conditions": {"var": name}});
        create(&world, "pay", body).await.ok();
    }
    let challenge = json!({"name": "Big", "priority": 0, "type": "CHALLENGE", "conditions": {">": [{"var": "custom.amount"}, 100]}});
    create(&world, "pay", challenge).await.ok();
    let block =
        json!({"name": "Huge", "priority": 1, "type": "BLOCK", "conditions": {"<": [{"var": "custom.amount"}, 0]}});
    create(&world, "pay", block).await.ok();
    let review =
        json!({"name": "Odd", "priority": 2, "type": "REVIEW", "conditions": {"==": [{"var": "custom.amount"}, 13]}});
    create(&world, "pay", review).await.ok();
    world
}

const FROM: &str = "192.0.2.1";

async fn pay(world: &World, amount: i64, address: &str, device: &str) -> Value {
    let key = format!("k{}", dump(world).len());
    let body = json!({"idempotencyKey": key, "custom": {"amount": amount}, "ipAddress": address, "deviceId": device});
    let mut tracked = world.track("ada", "pay", body).await.ok();
    tracked["data"] = data(world, &key);
    tracked
}

/// The inputs that rules were asked over, as they are stored with the action.
fn data(world: &World, key: &str) -> Value {
    let item = dump(world).remove(&("T#t1#U#ada".into(), format!("ACTION#pay#{key}"))).expect("the action");
    let doc: Value = serde_json::from_str(item["doc"]["S"].as_str().unwrap()).unwrap();
    doc["rules"]["data"].clone()
}

/// What is known before an action: unrecognised address, new device.
async fn known(world: &World, address: &str, device: &str) -> (Value, Value) {
    // Blocked, so that asking teaches nothing.
    let asked = pay(world, -1, address, device).await;
    assert_eq!(asked["state"], "BLOCK");
    (asked["data"]["ip.isUnrecognized"].clone(), asked["data"]["device.isNew"].clone())
}

const UNKNOWN: (Value, Value) = (Value::Bool(true), Value::Bool(true));
const KNOWN: (Value, Value) = (Value::Bool(false), Value::Bool(false));

#[tokio::test]
async fn an_attempt_makes_nothing_known() {
    let world = watched().await;
    world.ready("ada").await;
    assert_eq!(known(&world, FROM, "laptop").await, UNKNOWN);
    for amount in [-1, 500, 13] {
        let tried = pay(&world, amount, FROM, "laptop").await;
        assert_ne!(tried["state"], "ALLOW");
        assert_eq!(known(&world, FROM, "laptop").await, UNKNOWN, "{}", tried["state"]);
    }
}

#[tokio::test]
async fn what_was_allowed_is_known() {
    let world = watched().await;
    world.ready("ada").await;
    assert_eq!(pay(&world, 5, FROM, "laptop").await["state"], "ALLOW");
    assert_eq!(known(&world, FROM, "laptop").await, KNOWN);
    assert_eq!(known(&world, "::ffff:192.0.2.1", "laptop").await, KNOWN, "the same address in its other form");
    assert_eq!(known(&world, "192.0.2.2", "phone").await, UNKNOWN);
    let body = json!({"idempotencyKey": "none", "custom": {"amount": -1}});
    assert_eq!(world.track("ada", "pay", body).await.ok()["state"], "BLOCK");
    let none = data(&world, "none");
    assert_eq!((none.get("ip.isUnrecognized"), &none["device.isNew"]), (None, &json!(true)));
}

#[tokio::test]
async fn a_right_code_makes_its_address_and_device_known() {
    let world = watched().await;
    let secret = world.ready("ada").await;
    let asked = pay(&world, 500, FROM, "laptop").await;
    let token = asked["token"].as_str().unwrap();
    let wrong = countersign_tests::otp::wrong(&secret, world.now());
    assert_eq!(world.verify(token, &wrong).await.ok()["isVerified"], false);
    assert_eq!(known(&world, FROM, "laptop").await, UNKNOWN);
    assert_eq!(world.verify(token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
    assert_eq!(known(&world, FROM, "laptop").await, KNOWN);
    let devices = world.http.get("/v1/users/ada/devices", &world.key()).await.ok();
    assert_eq!(
        (&devices[0]["deviceId"], &devices[0]["lastVerificationMethod"]),
        (&json!("laptop"), &json!("AUTHENTICATOR_APP"))
    );
    assert!(devices[0]["authenticatedAt"].is_string(), "{devices}");
}

#[tokio::test]
async fn an_approval_makes_its_address_and_device_known() {
    let world = watched().await;
    world.ready("ada").await;
    let phone = world.device("ada", "push").await;
    for (approved, expected) in [(false, UNKNOWN), (true, KNOWN)] {
        let asked = pay(&world, 500, FROM, "laptop").await;
        let pushed = world.push(asked["token"].as_str().unwrap(), json!({"action": "pay"})).await.ok();
        let body = phone.answer(pushed["challengeId"].as_str().unwrap(), approved);
        let path = "/v1/client/user-authenticators/push/challenge";
        assert_eq!(world.http.post(path, &world.tenant_auth(), body).await.ok()["isVerified"], approved);
        assert_eq!(known(&world, FROM, "laptop").await, expected);
    }
}

#[tokio::test]
async fn a_review_that_succeeds_makes_them_known() {
    let world = watched().await;
    world.ready("ada").await;
    for (state, expected) in [("REVIEW_FAILED", UNKNOWN), ("REVIEW_SUCCEEDED", KNOWN)] {
        let asked = pay(&world, 13, FROM, "laptop").await;
        assert_eq!(asked["state"], "REVIEW_REQUIRED");
        let path = format!("/v1/users/ada/actions/pay/{}", asked["idempotencyKey"].as_str().unwrap());
        world.http.patch(&path, &world.key(), json!({ "state": state })).await.ok();
        assert_eq!(known(&world, FROM, "laptop").await, expected, "{state}");
    }
}

#[tokio::test]
async fn actions_and_failures_are_counted() {
    let world = watched().await;
    let secret = world.ready("ada").await;
    let counts = async || {
        let data = pay(&world, -1, FROM, "laptop").await["data"].clone();
        let of = |name: &str| data[format!("velocity.{name}")].as_i64().unwrap();
        [of("actions1h"), of("actions24h"), of("failures1h"), of("failures24h")]
    };
    assert_eq!(counts().await, [0, 0, 0, 0]);
    assert_eq!(counts().await, [1, 1, 0, 0], "this one is not counted");
    world.track("ada", "other", json!({})).await.ok();
    let asked = pay(&world, 500, FROM, "laptop").await;
    pay(&world, 500, FROM, "laptop").await;
    assert_eq!(counts().await, [4, 4, 2, 2], "of this code; challenges that have not succeeded");
    world.verify(asked["token"].as_str().unwrap(), &world.code(&secret, 0)).await.ok();
    assert_eq!(counts().await, [5, 5, 1, 1]);
    world.clock.advance(3600 + 300);
    assert_eq!(counts().await, [0, 6, 0, 1]);
    world.clock.advance(24 * 3600);
    assert_eq!(counts().await, [0, 1, 0, 0], "the last of them is within the hours that are counted");
    world.clock.advance(25 * 3600);
    assert_eq!(counts().await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn s26_to_s28_devices_are_listed_remembered_and_invalidated() {
    let world = watched().await;
    world.ready("ada").await;
    let list = async || world.http.get("/v1/users/ada/devices", &world.key()).await.ok();
    assert_eq!(list().await, json!([]));
    assert_eq!(world.http.get("/v1/users/nobody/devices", &world.key()).await.ok(), json!([]));
    pay(&world, 5, FROM, "laptop/1 \u{e9}").await;
    let path = "/v1/users/ada/devices/laptop%2F1%20%C3%A9";
    let listed = list().await;
    assert_eq!(listed[0]["deviceId"], "laptop/1 \u{e9}");
    assert_eq!((&listed[0]["userId"], listed[0].get("authenticatedAt")), (&json!("ada"), None));
    let remembered = async || pay(&world, -1, FROM, "laptop/1 \u{e9}").await["data"]["device.isRemembered"].clone();
    assert_eq!(remembered().await, false);
    let patch = async |body: Value| world.http.patch(path, &world.key(), body).await;
    let until = patch(json!({"rememberedUntil": "2026-11-21T12:00:00Z"})).await.ok();
    assert_eq!(until["rememberedUntil"], "2026-11-21T12:00:00.000Z");
    assert_eq!(patch(json!({})).await.ok(), until, "absent keeps");
    assert_eq!(remembered().await, true);
    assert_eq!(patch(json!({"rememberedUntil": null})).await.ok().get("rememberedUntil"), None);
    assert_eq!(remembered().await, false);
    patch(json!({"rememberedUntil": "2026-11-21T12:00:00Z"})).await.ok();
    let gone = world.http.post(&format!("{path}/invalidate"), &world.key(), json!({})).await.ok();
    assert!(gone["invalidatedAt"].is_string() && gone.get("rememberedUntil").is_none(), "{gone}");
    assert_eq!(remembered().await, false);
    assert_eq!(known(&world, FROM, "laptop/1 \u{e9}").await.1, true, "an invalidated device is new");
    patch(json!({"rememberedUntil": "2026-11-21T12:00:00Z"})).await.ok();
    assert_eq!(remembered().await, true, "remembered anew");
    world.clock.advance(2 * 3600);
    assert_eq!(remembered().await, false, "it has ended by the clock, and by nothing else");
    for (path, body) in [
        ("/v1/users/ada/devices/other", json!({"rememberedUntil": null})),
        ("/v1/users/ada/devices/other", json!({})),
        ("/v1/users/eva/devices/laptop", json!({"rememberedUntil": null})),
    ] {
        assert_eq!(world.http.patch(path, &world.key(), body).await.refusal(), (404, "not_found".into()));
    }
    assert_eq!(
        world.http.post("/v1/users/ada/devices/other/invalidate", &world.key(), json!({})).await.refusal().0,
        404
    );
    for bad in [json!("tomorrow"), json!(5), json!("2028-11-21T12:00:00Z"), json!("2026-11-21")] {
        assert_eq!(patch(json!({"rememberedUntil": bad})).await.refusal(), (400, "invalid_request".into()), "{bad}");
    }
}

/// Deleted and made again, a user inherits nothing.
#[tokio::test]
async fn a_new_life_is_not_recognised() {
    let world = watched().await;
    world.ready("ada").await;
    pay(&world, 5, FROM, "laptop").await;
    world
        .http
        .patch("/v1/users/ada/devices/laptop", &world.key(), json!({"rememberedUntil": "2026-11-22T00:00:00Z"}))
        .await
        .ok();
    let old: Vec<_> =
        dump(&world).into_iter().filter(|((_, sk), _)| sk == "RECENT" || sk.starts_with("DEVICE#")).collect();
    assert_eq!(old.len(), 2);
    world.http.delete("/v1/users/ada", &world.key()).await.ok();
    assert!(!dump(&world).keys().any(|(pk, _)| pk == "T#t1#U#ada"), "all is swept");
    // As if the sweep had been cut short.
    for (_, item) in &old {
        let put = json!({"TableName": countersign_local::embedded::TABLE, "Item": item});
        world.embedded.answer("PutItem", put.to_string().as_bytes());
    }
    assert_eq!(known(&world, FROM, "laptop").await, UNKNOWN);
    let devices = world.http.get("/v1/users/ada/devices", &world.key()).await.ok();
    assert_eq!(devices.as_array().unwrap().len(), 1, "of this life: {devices}");
    assert_eq!(devices[0].get("rememberedUntil"), None);
    pay(&world, 5, FROM, "laptop").await;
    assert_eq!(known(&world, FROM, "laptop").await, KNOWN);
}

/// What is remembered stays small, and those who were let through stay in it.
#[tokio::test]
async fn attempts_do_not_push_out_what_is_known() {
    let world = watched().await;
    world.ready("ada").await;
    pay(&world, 5, FROM, "laptop").await;
    for host in 0..40 {
        pay(&world, 500, &format!("198.51.100.{host}"), &format!("attacker{host}")).await;
    }
    assert_eq!(known(&world, FROM, "laptop").await, KNOWN);
    let recent = dump(&world).remove(&("T#t1#U#ada".into(), "RECENT".into())).unwrap();
    assert!(recent.to_string().len() < 6000, "{}", recent.to_string().len());
    for host in 0..25 {
        pay(&world, 5, &format!("203.0.113.{host}"), "laptop").await;
    }
    assert_eq!(known(&world, FROM, "laptop").await, (json!(true), json!(false)), "the last twenty addresses");
}

/// Wrong codes are counted where the guess budget is kept, of whatever action they were.
#[tokio::test]
async fn wrong_codes_are_known_while_they_count() {
    let world = watched().await;
    for (priority, name) in (20..).zip(["velocity.wrongCodes5m", "velocity.wrongCodesInARow"]) {
        let conditions = json!({">=": [{"var": name}, 3]});
        let body =
            json!({"name": name, "priority": priority, "type": "BLOCK", "isShadow": true, "conditions": conditions});
        create(&world, "pay", body).await.ok();
    }
    let secret = world.ready("ada").await;
    let wrong_codes = async || {
        let data = pay(&world, -1, FROM, "laptop").await["data"].take();
        (data["velocity.wrongCodes5m"].clone(), data["velocity.wrongCodesInARow"].clone())
    };
    assert_eq!(wrong_codes().await, (json!(0), json!(0)));
    let token = world.token("ada", "signIn").await;
    for count in 1..=3 {
        world.verify(&token, &countersign_tests::otp::wrong(&secret, world.now())).await.ok();
        assert_eq!(wrong_codes().await, (json!(count), json!(count)));
    }
    world.clock.advance(300);
    assert_eq!(wrong_codes().await, (json!(0), json!(3)), "those of five minutes ago do not count");
    world.verify(&token, &countersign_tests::otp::wrong(&secret, world.now())).await.ok();
    assert_eq!(wrong_codes().await, (json!(1), json!(4)));
    let token = world.token("ada", "signIn").await;
    assert_eq!(world.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
    assert_eq!(wrong_codes().await, (json!(0), json!(0)), "a right code takes them away");
}
