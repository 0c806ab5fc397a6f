//! What people and devices call something is as long as it may be, and has nothing that controls where it is shown.

use countersign_tests::{World, device::Device, http::Auth, pages::field};
use serde_json::json;

use super::{
    process::{Directory, Server, countersign},
    table::dump,
};

const DEVICES: &str = "/v1/client/user-authenticators";

/// One byte more than is kept.
const LONG: usize = 2049;

const CONTROLS: [&str; 4] = ["a\u{0}b", "a\nb", "a\u{1b}[31mb", "a\u{85}b"];

#[tokio::test]
async fn a_push_token_that_is_too_long_is_kept_by_no_way() {
    let world = World::start().await;
    let (long, most) = ("x".repeat(LONG), "x".repeat(LONG - 1));
    let token = world.token("ada", "signIn").await;
    let device = Device::new("push");
    let (redeemed, link) = (Device::new("push"), world.link(&token).await);
    let mut body = link.body(&redeemed);
    body["pushToken"] = long.as_str().into();
    let before = dump(&world);
    let by_link = world.http.post("/v1/client/pairing", &world.tenant_auth(), body.clone()).await;
    let by_token = world.enrol_device(&device, &token, json!({"pushToken": long})).await;
    for refused in [by_link, by_token] {
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains("pushToken has at most 2048 bytes"), "{}", refused.text());
    }
    assert_eq!(dump(&world), before, "nothing is written");
    body["pushToken"] = most.as_str().into();
    world.http.post("/v1/client/pairing", &world.tenant_auth(), body).await.ok();
    world.enrol_device(&device, &token, json!({"pushToken": most})).await.ok();

    let sign = format!("{DEVICES}/push/sign?{}", device.query());
    let asked = world.http.post(&sign, &world.tenant_auth(), json!({})).await.ok();
    let before = dump(&world);
    let update = json!({
        "challengeId": asked["challengeId"], "publicKey": device.public_key, "pushToken": long,
        "signature": device.sign(asked["message"].as_str().expect("a message")),
    });
    let refused = world.http.patch(&format!("{DEVICES}/push"), &world.tenant_auth(), update).await;
    assert!(refused.status == 400 && refused.text().contains("pushToken has at most 2048"), "{}", refused.text());
    assert_eq!(dump(&world), before, "nothing is written");
}

#[tokio::test]
async fn a_name_of_an_authenticator_controls_nothing() {
    let world = World::start().await;
    let token = world.token("ada", "signIn").await;
    let page = world.page("/set-up?kind=app", &token).await.text();
    let app = field(&page, "app").expect("an app");
    let before = dump(&world);
    for name in CONTROLS {
        let by_api = json!({"displayName": name});
        let enrolled = format!("{DEVICES}/totp");
        let said = world.http.post(&enrolled, &Auth::Token(token.clone()), by_api).await;
        assert_eq!(said.status, 400, "{name:?}: {}", said.text());
        for what in ["deviceName", "deviceModel", "deviceId"] {
            let said = world.enrol_device(&Device::new("push"), &token, json!({what: name})).await;
            assert!(said.status == 400 && said.text().contains(what), "{what} {name:?}: {}", said.text());
        }
    }
    assert_eq!(dump(&world), before, "nothing is written");
    for name in CONTROLS {
        let seal = field(&world.page("/set-up?kind=app", &token).await.text(), "seal").expect("a form");
        let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("app", &app), ("name", name)];
        let said = world.send_form("/set-up", &form).await.text();
        assert!(said.contains("A name has 1 to 64 characters"), "{name:?}: {said}");
    }
    let stored = format!("{:?}", dump(&world));
    assert!(!stored.contains("[31mb"), "{stored}");
}

#[tokio::test]
async fn a_name_that_an_operator_gives_controls_nothing() {
    let world = World::start().await;
    let management = world.management();
    let before = dump(&world);
    for name in CONTROLS {
        for (method, path, body) in [
            ("PATCH", "tenant", json!({"name": name})),
            ("PATCH", "theme", json!({"name": name})),
            ("PATCH", "authenticator-configurations/AUTHENTICATOR_APP", json!({"issuerName": name})),
            ("POST", "value-lists", json!({"name": name, "valueListItems": [], "itemType": "string"})),
            ("POST", "action-configurations", json!({"actionCode": "named", "displayName": {"en": name}})),
        ] {
            let path = format!("/v1/management/{path}");
            let said = world.http.call(method, &path, &management, Some(body)).await;
            assert!(
                said.status == 400 && ["control", "cannot be seen"].iter().any(|word| said.text().contains(word)),
                "{path} {name:?}: {}",
                said.text()
            );
        }
    }
    assert_eq!(dump(&world), before, "nothing is written");
}

/// The operator's command says so too. A shell cannot pass NUL.
#[test]
fn a_name_of_a_tenant_controls_nothing() {
    let directory = Directory::new();
    Server::start(&directory).kill();
    let data = directory.data();
    for name in &CONTROLS[1..] {
        let said = countersign(&["tenant", "create", "--name", name, "--data", &data]).output().expect("it runs");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success() && text.contains("--name has a control character"), "{name:?}: {text}");
    }
}
