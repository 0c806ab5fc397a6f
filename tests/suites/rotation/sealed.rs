//! Secrets at rest: a keyring that cannot be reached, and sealed secrets that were moved (T32).

use countersign_core::{app::App, clock::Clock, keyring::Keyring, store::Store};
use countersign_local::embedded::{TABLE, client_with_attempts};
use countersign_tests::{
    World,
    http::{Answer, Http},
};
use serde_json::{Value, json};

use super::table::dump;

/// Another process of the same world that cannot reach its keys; ends with the test.
async fn without_keys(world: &World, keyring: Keyring) -> Http {
    let store = Store::new(client_with_attempts(world.embedded.clone(), 3), TABLE);
    let app = App::new(
        store,
        keyring,
        Clock::Manual(world.clock.clone()),
        "http://pages.example",
        countersign_core::outbox::Outbox::None,
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, countersign_local::service(app)).await });
    Http::to(address)
}

#[track_caller]
fn assert_unavailable(what: &str, answer: &Answer) {
    assert_eq!(answer.refusal(), (503, "service_unavailable".into()), "{what}");
    assert!(answer.headers.contains_key("retry-after"), "{what}");
    assert!(
        !answer.text().contains("isVerified") && !answer.text().contains("CODE_INVALID"),
        "{what}: {}",
        answer.text()
    );
}

#[tokio::test]
async fn without_its_keys_a_server_decides_nothing_and_spends_no_guess() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "pay").await;
    let fresh = world.token("bob", "enrol").await;
    let (name, key) =
        (world.keyring.newest_master().expect("a master key"), "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=");
    let another = format!(r#"{{"version":1,"masterKeys":[{{"id":"{name}","key":"{key}"}}]}}"#);
    let another = Keyring::parse(&another).expect("a keyring");
    let foreign_master = Keyring::parse(
        r#"{"version":1,"masterKeys":[{"id":"m9","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}]}"#,
    );
    for (what, keyring) in
        [("unreachable", Keyring::Unreachable), ("of another master", foreign_master.expect("a keyring"))]
    {
        let http = without_keys(&world, keyring).await;
        let before = dump(&world);
        let auth = countersign_tests::http::Auth::Token(token.clone());
        for number in 0..15 {
            let body = json!({"verificationCode": world.code(&secret, 0)});
            assert_unavailable(
                &format!("{what}, guess {number}"),
                &http.post("/v1/client/verify/totp", &auth, body).await,
            );
        }
        let enrol = countersign_tests::http::Auth::Token(fresh.clone());
        assert_unavailable(what, &http.post("/v1/client/user-authenticators/totp", &enrol, json!({})).await);
        assert_unavailable(what, &http.post("/v1/users/ada/actions/pay", &world.key(), json!({})).await);
        let body = json!({"token": token});
        let validated = http.post("/v1/validate", &world.key(), body).await;
        assert_unavailable(what, &validated);
        assert!(dump(&world) == before, "{what}: something was written, a guess among it");
    }
    // Other keys under the same name: every token is a forgery to them, and no sealed secret opens.
    let http = without_keys(&world, another).await;
    let auth = countersign_tests::http::Auth::Token(token.clone());
    let refused = http.post("/v1/client/verify/totp", &auth, json!({"verificationCode": "000000"})).await;
    assert_eq!(refused.refusal(), (401, "invalid_token".into()));
    assert_eq!(world.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true, "all guesses are left");
}

fn item(world: &World, user: &str) -> Value {
    dump(world)[&(format!("T#t1#U#{user}"), "USER".to_owned())].clone()
}

fn put(world: &World, item: &Value) {
    let put = json!({"TableName": TABLE, "Item": item});
    assert_eq!(world.embedded.answer("PutItem", put.to_string().as_bytes()).status().as_u16(), 200);
}

/// Who can write to the table copies its own secret to another user, to answer with its own app.
#[tokio::test]
async fn a_sealed_secret_opens_for_its_owner_alone() {
    let world = World::start().await;
    let thief = world.ready("eve").await;
    let owner = world.ready("ada").await;
    let (of_ada, of_eve) = (item(&world, "ada"), item(&world, "eve"));
    let only =
        |item: &Value| item["totp"]["M"].as_object().expect("a map").iter().next().map(|(k, v)| (k.clone(), v.clone()));
    let ((id, _), (foreign_id, foreign)) = (only(&of_ada).expect("one"), only(&of_eve).expect("one"));

    let mut blob_alone = of_ada.clone();
    blob_alone["totp"]["M"][&id]["M"]["k"] = foreign["M"]["k"].clone();
    let mut whole_entry = of_ada.clone();
    whole_entry["totp"]["M"] = json!({ foreign_id.as_str(): foreign });
    let mut beside = of_ada.clone();
    beside["totp"]["M"][&foreign_id] = foreign.clone();
    let mut changed = of_ada.clone();
    let blob = changed["totp"]["M"][&id]["M"]["k"]["B"].as_str().expect("bytes").to_owned();
    let middle = blob.len() / 2;
    let other = if blob.as_bytes()[middle] == b'A' { "B" } else { "A" };
    changed["totp"]["M"][&id]["M"]["k"]["B"] = json!(format!("{}{other}{}", &blob[..middle], &blob[middle + 1..]));
    let mut cut = of_ada.clone();
    cut["totp"]["M"][&id]["M"]["k"]["B"] = json!("AAAA");

    for (what, forged) in [
        ("the blob", blob_alone),
        ("the entry", whole_entry),
        ("an entry more", beside),
        ("a bit", changed),
        ("a stump", cut),
    ] {
        put(&world, &forged);
        let token = world.token("ada", "pay").await;
        for secret in [&thief, &owner] {
            assert_unavailable(what, &world.verify(&token, &world.code(secret, 0)).await);
        }
        assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED", "{what}");
        put(&world, &of_ada);
    }
    let token = world.token("ada", "pay").await;
    assert_eq!(world.verify(&token, &world.code(&owner, 0)).await.ok()["isVerified"], true, "put back, it opens");
}

/// A pending secret is sealed as an enrolled one is.
#[tokio::test]
async fn a_pending_secret_opens_for_its_owner_alone() {
    let world = World::start().await;
    let (ada, eve) = (world.token("ada", "enrol").await, world.token("eve", "enrol").await);
    world.enroll(&ada).await.ok();
    let thief = world.enroll(&eve).await.ok()["secret"].as_str().expect("a secret").to_owned();
    let mut forged = item(&world, "ada");
    forged["pend"]["M"]["k"] = item(&world, "eve")["pend"]["M"]["k"].clone();
    put(&world, &forged);
    assert_unavailable("a pending secret", &world.verify(&ada, &world.code(&thief, 0)).await);
    assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok()["isEnrolled"], false);
}
