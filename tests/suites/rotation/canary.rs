//! Canaries: what must be in no log, no error and no row is looked for in all of them (T27, S9, S22).

use countersign_core::{id::TenantId, tenant::KeyKind};
use countersign_tests::{
    World,
    device::Device,
    faults::Fault,
    http::{Answer, Auth},
    otp,
};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use super::{
    log::{Log, assert_silent, stands_alone},
    table::dump,
};

const EMAIL: &str = "canary.address@example.com";
const PHONE: &str = "+4915559876543";
const USERNAME: &str = "canary-username";
const PUSH_TOKEN: &str = "canary-push-token";
const DEVICE_NAME: &str = "canary of a device";
const ADDRESS: &str = "198.51.100.77";

/// What was said that must not be repeated, and what was answered with an error.
#[derive(Default)]
struct Heard {
    canaries: Vec<String>,
    errors: Vec<String>,
    /// Bodies of the queue.
    queue: Vec<String>,
    /// What a device is shown before it answers.
    shown: Vec<String>,
}

impl Heard {
    fn secret(&mut self, canary: &str) -> String {
        if !canary.is_empty() && !self.canaries.iter().any(|known| known == canary) {
            self.canaries.push(canary.to_owned());
        }
        canary.to_owned()
    }
    fn answer(&mut self, answer: Answer) -> Value {
        let body: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        if answer.status != 200 {
            self.errors.push(answer.text());
        }
        for name in ["token", "accessToken", "secret", "verificationCode", "deviceCode"] {
            self.secret(body[name].as_str().unwrap_or_default());
        }
        body
    }
}

/// A user's whole life, with everything that can be refused on the way.
async fn journey(world: &World, user: &str, heard: &mut Heard) {
    let profile = json!({"email": EMAIL, "phoneNumber": PHONE, "username": USERNAME});
    let path = format!("/v1/users/{user}");
    heard.answer(world.http.patch(&path, &world.key(), profile.clone()).await);
    let tracked = heard.answer(world.track(user, "enrol", profile).await);
    let token = tracked["token"].as_str().unwrap_or("x").to_owned();
    let offer = heard.answer(world.enroll(&token).await);
    let secret = offer["secret"].as_str().unwrap_or("AAAAAAAAAAAAAAAA").to_owned();
    for code in [otp::wrong(&secret, world.now()), world.code(&secret, 0), world.code(&secret, 0)] {
        heard.secret(&code);
        heard.answer(world.verify(&token, &code).await);
    }
    for body in [
        json!({"verificationMethod": "SMS", "phoneNumber": PHONE}),
        json!({"verificationMethod": "EMAIL_OTP", "email": EMAIL}),
    ] {
        heard.answer(world.http.post(&format!("{path}/authenticators"), &world.key(), body).await);
    }
    approval(world, user, heard).await;
    heard.answer(world.validate(&token).await);
    heard.answer(world.http.get(&format!("/v1/users?email={EMAIL}"), &world.key()).await);
    heard.answer(world.http.get(&format!("/challenge?token={token}"), &Auth::None).await);
    heard.answer(world.http.delete(&path, &world.key()).await);
    heard.answer(world.verify(&token, &world.code(&secret, 0)).await);
}

/// A push with a number, which is typed wrong and right, and a QR code; what the device is told is looked at for the
/// number, and so is what waits in the queue (T22).
async fn approval(world: &World, user: &str, heard: &mut Heard) {
    let pairing = heard.answer(world.track(user, "pair", json!({"scope": "add:authenticators"})).await);
    let device = Device::new("push");
    // A key of a device is public, and still what a log would know the phone by.
    heard.secret(&device.public_key);
    let more = json!({"pushToken": PUSH_TOKEN, "deviceName": DEVICE_NAME});
    heard.answer(world.enrol_device(&device, pairing["token"].as_str().unwrap_or("x"), more).await);
    let token = heard.answer(world.track(user, "signIn", json!({"ipAddress": ADDRESS})).await);
    let token = token["token"].as_str().unwrap_or("x").to_owned();
    let asked = heard.answer(world.push(&token, json!({"numberMatching": true})).await);
    let (id, number) =
        (asked["challengeId"].as_str().unwrap_or("x"), asked["verificationCode"].as_str().unwrap_or("x"));
    for message in world.queue.receive(world.app.now()) {
        heard.queue.push(message.body.clone());
        world.queue.delete(&message);
    }
    let public_key = format!("/v1/client/user-authenticators/push/challenge?{}", device.query());
    let shown = world.http.get(&public_key, &world.tenant_auth()).await;
    heard.shown.push(shown.text());
    for typed in ["000000", number] {
        let mut body = device.answer(id, true);
        body["verificationCode"] = typed.into();
        heard.answer(world.answer(&device, body).await);
    }
    heard.answer(world.standing(&token, id).await);
    let code = json!({"action": "signIn"});
    heard.answer(world.http.post("/v1/client/challenge/qr-code", &world.tenant_auth(), code).await);
}

/// A phone that is paired by a link, and one that is refused.
async fn pairing(world: &World, heard: &mut Heard) {
    let token = heard.answer(world.track("grace", "pair", json!({})).await);
    let token = token["token"].as_str().expect("a token").to_owned();
    for word in ["refuse", "pair"] {
        let (link, device) = (world.link(&token).await, Device::new("push"));
        heard.secret(&link.id);
        let mut body = link.body(&device);
        body["pushToken"] = PUSH_TOKEN.into();
        heard.answer(world.http.post("/v1/client/pairing", &world.tenant_auth(), body).await);
        heard.answer(world.redeem(&link, &Device::new("push")).await);
        heard.answer(world.ask_about(&link, &Device::new("push")).await);
        world.say(&link, word).await;
        heard.answer(world.ask_about(&link, &device).await);
    }
}

/// Bodies whose secrets stand where they do not belong, so that an error might quote them.
async fn mistakes(world: &World, heard: &mut Heard) {
    let uri = format!("otpauth://totp/a?secret={}&digits=99", BASE32_NOPAD.encode(b"canary of a TOTP secret"));
    heard.secret(&BASE32_NOPAD.encode(b"canary of a TOTP secret"));
    let token = world.token("mallory", "pay").await;
    heard.secret(&token);
    let (key, auth) = (world.key(), Auth::Token(token.clone()));
    let code = heard.secret("731846");
    let calls = [
        ("PATCH", "/v1/users/ada", &key, json!({"emailVerified": EMAIL})),
        ("PATCH", "/v1/users/ada", &key, json!({"phoneNumberVerified": PHONE, "custom": EMAIL})),
        ("PATCH", "/v1/users/ada", &key, json!({"defaultVerificationMethod": EMAIL})),
        ("POST", "/v1/users/ada/actions/pay", &key, json!({"scope": EMAIL})),
        ("POST", "/v1/users/ada/actions/pay", &key, json!({"redirectUrl": format!("x:{token}")})),
        (
            "POST",
            "/v1/users/ada/authenticators",
            &key,
            json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri}),
        ),
        ("POST", "/v1/users/ada/authenticators", &key, json!({"verificationMethod": uri})),
        ("POST", "/v1/client/verify/totp", &auth, json!({"verificationCode": code.parse::<u32>().expect("digits")})),
        ("POST", "/v1/client/verify/totp", &auth, json!({"verificationCode": code.repeat(20)})),
        ("POST", "/v1/validate", &key, json!({"token": [token], "userId": {"x": EMAIL}})),
    ];
    for (method, path, auth, body) in calls {
        let answer = world.http.call(method, path, auth, Some(body.clone())).await;
        assert_eq!(answer.status.as_u16(), 400, "{method} {path} {body}: {}", answer.text());
        heard.answer(answer);
    }
    for auth in
        [Auth::Key(token.clone()), Auth::Token(world.tenant.secret_key.clone()), Auth::Raw(format!("Basic {token}"))]
    {
        heard.answer(world.http.get("/v1/users/ada", &auth).await);
        heard.answer(world.http.get("/v1/client/user-authenticators", &auth).await);
    }
}

#[test]
fn a_code_is_seen_where_it_stands_alone() {
    let sees = |text: &str| text.match_indices("327326").any(|(at, _)| stands_alone(text, at, "327326"));
    assert!(sees(r#"{"code":"327326"}"#) && sees("327326") && sees("code=327326&x"));
    assert!(!sees("3ac1d693327326232") && !sees("a327326") && !sees("327326f"));
}

#[tokio::test]
async fn no_secret_is_in_a_log_or_in_the_error_of_a_journey() {
    let log = Log::of_this_process();
    let world = World::start().await;
    let mut heard = Heard::default();
    for canary in [
        EMAIL,
        PHONE,
        USERNAME,
        PUSH_TOKEN,
        DEVICE_NAME,
        ADDRESS,
        &world.tenant.secret_key,
        &world.tenant.management_key,
    ] {
        heard.secret(canary);
    }
    journey(&world, "ada", &mut heard).await;
    pairing(&world, &mut heard).await;
    let written = log.text();
    for event in [
        "pairing_begun",
        "pairing_redeemed",
        "pairing_refused",
        "action_tracked",
        "enrolment_begun",
        "code_judged",
        "authenticator_added",
        "device_enrolled",
        "push_asked",
        "challenge_judged",
        "user_deleted",
    ] {
        assert!(written.contains(event), "the log is heard at all: {event}");
    }
    // Its errors are looked at below; here it is what they leave in the log.
    let mut mistaken = Heard::default();
    mistakes(&world, &mut mistaken).await;
    heard.canaries.append(&mut mistaken.canaries);
    // The same with the store failing at every place, because errors carry what they were about.
    for fault in Fault::ALL {
        for call in 0..28 {
            world.faults.fail(call, 4, fault);
            journey(&world, &format!("user{call}"), &mut heard).await;
            world.faults.clear();
        }
    }
    let tenant = TenantId::parse("t1").expect("a tenant id");
    heard.secret(&world.app.rotate_api_key(&tenant, KeyKind::Secret).await.expect("a key"));
    world.app.rotate_token_key(&tenant, true).await.expect("a rotation");
    assert!(log.text().contains("request_failed"), "failures are written down");
    assert!(heard.canaries.len() > 100 && heard.errors.len() > 50, "there was something to hear");
    assert_silent("the log", &log.text(), &heard.canaries);
    assert_silent("an error body", &heard.errors.join("\n"), &heard.canaries);
    assert!(heard.queue.len() > 20 && heard.shown.iter().any(|shown| shown.contains("numberMatching")));
    assert_silent("the queue", &heard.queue.join("\n"), &heard.canaries);
    // Where somebody signs in from is what a device is asked about.
    heard.canaries.retain(|canary| canary != ADDRESS);
    assert_silent("what a device is shown", &heard.shown.join("\n"), &heard.canaries);
}

/// An error says where and what is wrong, and does not quote it: errors end up in other people's logs.
#[tokio::test]
async fn an_error_does_not_quote_what_was_sent() {
    let world = World::start().await;
    let mut heard = Heard::default();
    for canary in [EMAIL, PHONE, &world.tenant.secret_key] {
        heard.secret(canary);
    }
    mistakes(&world, &mut heard).await;
    assert!(heard.errors.len() >= 10, "there was something to hear");
    assert_silent("an error body", &heard.errors.join("\n"), &heard.canaries);
}

/// The table has hashes of API keys and sealed TOTP secrets: none of them is there as it is, in any spelling.
#[tokio::test]
async fn no_secret_is_in_the_table() {
    let world = World::start().await;
    let tenant = TenantId::parse("t1").expect("a tenant id");
    let rotated = world.app.rotate_api_key(&tenant, KeyKind::Secret).await.expect("a key");
    let enrolled = world.enrolled("ada").await;
    let pending =
        world.enroll(&world.token("bob", "enrol").await).await.ok()["secret"].as_str().expect("a secret").to_owned();
    let given = BASE32_NOPAD.encode(b"a secret that was given");
    let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": format!("otpauth://totp/a?secret={given}")});
    world.http.post("/v1/users/eve/authenticators", &world.key(), body).await.ok();
    let table = Value::from_iter(dump(&world).into_values()).to_string();
    for (what, key) in [
        ("secret key", &world.tenant.secret_key),
        ("management key", &world.tenant.management_key),
        ("new key", &rotated),
    ] {
        assert!(!table.contains(key.as_str()), "the {what} is in the table");
        assert!(table.contains(&countersign_core::app::key_hash(key)), "the hash of the {what} is");
    }
    for secret in [&enrolled, &pending, &given] {
        let bytes = BASE32_NOPAD.decode(secret.as_bytes()).expect("base32");
        let decoded: Vec<Vec<u8>> = blobs(&table);
        assert!(!decoded.is_empty(), "there are sealed secrets to look at");
        assert!(
            decoded.iter().all(|blob| !blob.windows(bytes.len()).any(|part| part == bytes)),
            "a secret is not sealed"
        );
        for spelling in [secret.clone(), data_encoding::HEXLOWER.encode(&bytes), data_encoding::BASE64.encode(&bytes)] {
            assert!(!table.contains(&spelling), "a TOTP secret is in the table");
        }
    }
}

/// Every binary value, decoded.
fn blobs(table: &str) -> Vec<Vec<u8>> {
    let after = table.split("{\"B\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    after.map(|text| data_encoding::BASE64.decode(text.as_bytes()).expect("base64")).collect()
}
