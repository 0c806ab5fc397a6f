//! The client API (contract, C3, C16, C17).

use countersign_tests::{World, http::Auth, otp};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

const TOTP: &str = "/v1/client/user-authenticators/totp";
const LIST: &str = "/v1/client/user-authenticators";

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// What a token allows.
fn scope_of(token: &str) -> String {
    let claims = BASE64URL_NOPAD.decode(token.split('.').nth(1).expect("claims").as_bytes()).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    text(&claims["scope"]).to_owned()
}

/// A token that a succeeded challenge gave.
async fn verified_token(world: &World, user: &str, secret: &str) -> String {
    let token = world.token(user, "settings").await;
    let verified = world.verify(&token, &world.code(secret, 0)).await.ok();
    world.clock.advance(60);
    text(&verified["accessToken"]).to_owned()
}

#[tokio::test]
async fn c16_an_offer_can_be_scanned_and_typed() {
    let world = World::start().await;
    world.http.patch("/v1/users/ada", &world.key(), json!({"email": "ada@example.com"})).await.ok();
    let token = world.token("ada", "enrol").await;
    // Browsers and phones send no body at all.
    let offer = world.http.call("POST", TOTP, &Auth::Token(token), None).await.ok();
    assert_eq!(offer["userId"], "ada");
    let uri = url::Url::parse(text(&offer["uri"])).expect("a URI");
    assert_eq!((uri.scheme(), uri.host_str()), ("otpauth", Some("totp")));
    let pairs: std::collections::HashMap<_, _> = uri.query_pairs().into_owned().collect();
    assert_eq!(pairs["secret"], text(&offer["secret"]));
    assert_eq!(pairs["issuer"], "t1");
    assert!(uri.path().contains("ada"), "the account is recognised: {uri}");
    assert_eq!(text(&offer["secret"]).len(), 32, "160 bits in base32");
}

#[tokio::test]
async fn c16_several_authenticators_each_have_a_name() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let offer = world.http.post(TOTP, &Auth::Token(token.clone()), json!({"displayName": " Work phone "})).await.ok();
    let first = text(&offer["secret"]).to_owned();
    let done = world.verify(&token, &world.code(&first, 0)).await.ok();
    assert_eq!(done["userAuthenticator"]["displayName"], "Work phone");
    let mut secrets = vec![first];
    let mut token = text(&done["accessToken"]).to_owned();
    for body in [json!({"displayName": "Tablet"}), json!({})] {
        world.clock.advance(1);
        let offer = world.http.post(TOTP, &Auth::Token(token.clone()), body).await.ok();
        let secret = text(&offer["secret"]).to_owned();
        let done = world.verify(&token, &world.code(&secret, 0)).await.ok();
        assert_eq!(done["isVerified"], true, "{done}");
        assert_eq!(done["userAuthenticator"]["userAuthenticatorId"], offer["userAuthenticatorId"]);
        token = text(&done["accessToken"]).to_owned();
        secrets.push(secret);
    }
    let listed = world.http.get(LIST, &Auth::Token(token)).await.ok();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| text(&one["displayName"])).collect();
    assert_eq!(names, ["Work phone", "Tablet", "Authenticator app 3"]);
    world.clock.advance(60);
    for secret in &secrets {
        let token = world.token("ada", "pay").await;
        assert_eq!(world.verify(&token, &world.code(secret, 0)).await.ok()["isVerified"], true, "each may answer");
    }
    let long = json!({"displayName": "n".repeat(65)});
    assert_eq!(world.http.post(TOTP, &Auth::Token(world.token("bob", "x").await), long).await.refusal().0, 400);
}

#[tokio::test]
async fn c16_the_next_offer_takes_the_place_of_one_that_was_not_confirmed() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let first = world.enroll(&token).await.ok();
    let second = world.enroll(&token).await.ok();
    assert_ne!(first["secret"], second["secret"]);
    let refused = world.verify(&token, &world.code(text(&first["secret"]), 0)).await.ok();
    assert_eq!(refused["isVerified"], false, "the first is nothing any more");
    let listed = world.http.get(LIST, &Auth::Token(token.clone())).await.ok();
    assert_eq!(listed, json!([]), "what is not confirmed is not listed");
    let done = world.verify(&token, &world.code(text(&second["secret"]), 0)).await.ok();
    assert_eq!(done["userAuthenticator"]["userAuthenticatorId"], second["userAuthenticatorId"]);
}

#[tokio::test]
async fn c16_an_offer_is_good_for_ten_minutes() {
    for (seconds, confirmed) in [(599, true), (600, false), (601, false)] {
        let world = World::start().await;
        // Tokens live longer than the offer here, so that it is the offer which is over.
        let longer = json!({"tokenDurationInMinutes": 60});
        world.http.patch("/v1/management/tenant", &world.management(), longer).await.ok();
        let token = world.token("ada", "enrol").await;
        let secret = text(&world.enroll(&token).await.ok()["secret"]).to_owned();
        world.clock.advance(seconds);
        let verdict = world.verify(&token, &world.code(&secret, 0)).await.ok();
        assert_eq!(verdict["isVerified"], confirmed, "after {seconds} seconds: {verdict}");
        assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok()["isEnrolled"], confirmed);
    }
}

#[tokio::test]
async fn c16_another_authenticator_needs_a_scope_or_a_succeeded_challenge() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let plain = world.token("ada", "settings").await;
    assert_eq!(world.enroll(&plain).await.refusal(), (403, "forbidden".into()));
    for scope in ["read:authenticators", "update:authenticators remove:authenticators"] {
        let tracked = world.track("ada", "settings", json!({ "scope": scope })).await.ok();
        assert_eq!(world.enroll(text(&tracked["token"])).await.refusal().0, 403, "{scope}");
    }
    let scoped = world.track("ada", "settings", json!({"scope": "add:authenticators"})).await.ok();
    let token = text(&scoped["token"]);
    let added = text(&world.enroll(token).await.ok()["secret"]).to_owned();
    // Its first code proves nothing of what the user had, so it allows no more than the backend said.
    for _ in 0..2 {
        let said = world.verify(token, &world.code(&added, 0)).await.ok();
        assert_eq!(scope_of(text(&said["accessToken"])), "add:authenticators");
    }
    let verified = verified_token(&world, "ada", &secret).await;
    assert_eq!(scope_of(&verified).split(' ').count(), 4);
    world.enroll(&verified).await.ok();
}

#[tokio::test]
async fn c3_the_list_needs_its_scope_and_masks_until_the_challenge_is_answered() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    for body in [
        json!({"verificationMethod": "EMAIL_OTP", "email": "ada@example.com"}),
        json!({"verificationMethod": "SMS", "phoneNumber": "+491515551234"}),
    ] {
        world.http.post("/v1/users/ada/authenticators", &world.key(), body).await.ok();
    }
    let without = world.track("ada", "settings", json!({"scope": "add:authenticators"})).await.ok();
    let answer = world.http.get(LIST, &Auth::Token(text(&without["token"]).into())).await;
    assert_eq!(answer.refusal(), (403, "forbidden".into()));
    let before = world.http.get(LIST, &Auth::Token(world.token("ada", "settings").await)).await.ok();
    assert_eq!(before.as_array().unwrap().len(), 3);
    assert!(!before.to_string().contains("ada@example.com") && !before.to_string().contains("5551234"), "{before}");
    // A token that may do everything has still proved nothing.
    let all = "read:authenticators add:authenticators update:authenticators remove:authenticators";
    let scoped = world.track("ada", "settings", json!({ "scope": all })).await.ok();
    let unproved = world.http.get(LIST, &Auth::Token(text(&scoped["token"]).into())).await.ok();
    assert_eq!(unproved, before);
    let after = world.http.get(LIST, &Auth::Token(verified_token(&world, "ada", &secret).await)).await.ok();
    assert!(after.to_string().contains("ada@example.com") && after.to_string().contains("+491515551234"), "{after}");
    for one in after.as_array().unwrap() {
        for name in ["userAuthenticatorId", "verificationMethod", "createdAt", "userId"] {
            assert!(one[name].is_string(), "{name}: {one}");
        }
    }
}

#[tokio::test]
async fn c17_a_code_is_read_as_people_type_it() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let code = world.code(&secret, 0);
    let token = world.token("ada", "pay").await;
    for (wrong, status) in
        [("", 400), ("  ", 400), ("12345", 200), (&"1".repeat(65), 400), ("\u{661}\u{662}\u{663}456", 200)]
    {
        let answer = world.verify(&token, wrong).await;
        assert_eq!(answer.status, status, "{wrong:?}");
        assert_ne!(answer.json()["isVerified"], true, "{wrong:?}");
    }
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    assert_eq!(world.verify(&token, &spaced).await.ok()["isVerified"], true);
}

#[tokio::test]
async fn c17_a_verification_gives_a_token_and_says_what_it_enrolled() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let secret = text(&world.enroll(&token).await.ok()["secret"]).to_owned();
    let wrong = world.verify(&token, &otp::wrong(&secret, world.now())).await.ok();
    assert_eq!(wrong, json!({"isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED"}));
    let enrolled = world.verify(&token, &world.code(&secret, 0)).await.ok();
    assert!(enrolled["accessToken"].is_string() && enrolled["userAuthenticator"].is_object(), "{enrolled}");
    assert!(enrolled.get("failureReason").is_none(), "{enrolled}");
    world.clock.advance(60);
    let answered = world.verify(&world.token("ada", "pay").await, &world.code(&secret, 0)).await.ok();
    assert!(answered["accessToken"].is_string() && answered.get("userAuthenticator").is_none(), "{answered}");
}

/// Browsers ask before they call (contract, section 2.0), and no other API is for them.
#[tokio::test]
async fn client_calls_are_open_to_any_origin_and_server_calls_to_none() {
    let world = World::start().await;
    let ask = async |path: &str, method: &str| {
        let headers = [
            ("origin", "https://app.example"),
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        world.http.raw("OPTIONS", path, &Auth::None, &headers, Vec::new()).await
    };
    for (path, method) in [(LIST, "GET"), (TOTP, "POST"), ("/v1/client/verify/totp", "POST")] {
        let answer = ask(path, method).await;
        assert_eq!(answer.status, 200, "{path}");
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_lowercase();
        assert_eq!(header("access-control-allow-origin"), "*", "{path}");
        assert!(header("access-control-allow-methods").contains(&method.to_lowercase()), "{path}");
        assert!(header("access-control-allow-headers").contains("authorization"), "{path}");
        let origin = [("origin", "https://app.example")];
        let refused = world.http.raw(method, path, &Auth::None, &origin, Vec::new()).await;
        assert_eq!(refused.headers["access-control-allow-origin"], "*", "a browser must see why: {path}");
    }
    for path in ["/v1/validate", "/v1/users/ada", "/v1/management/tenant"] {
        assert!(!ask(path, "POST").await.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}
