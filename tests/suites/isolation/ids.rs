//! User ids that look like one another, or like a key of the table (security.md, T01).

use countersign_tests::{World, http::segment};
use serde_json::{Value, json};

use super::table::dump;

const IDS: [&str; 21] = [
    "ada",
    "Ada",
    "ada ",
    " ada",
    "ada#",
    "#ada",
    "ada|bob",
    "ada%7Cbob",
    "a#b",
    "a%23b",
    "a%2523b",
    "\u{202e}ada",
    "e\u{301}",
    "\u{e9}",
    "U#ada",
    "USER",
    "PROFILE",
    "ACTION#pay#k",
    "a/b",
    "a%2Fb",
    "T#t1#U#ada",
];

fn user(id: &str) -> String {
    format!("/v1/users/{}", segment(id))
}

fn name(id: &str) -> String {
    format!("name of {}", segment(id))
}

/// Every id with a profile, an action whose key is another id, and an authenticator.
async fn all_of_them() -> World {
    let world = World::start().await;
    for (index, id) in IDS.iter().enumerate() {
        let profile = json!({"username": name(id), "email": "shared@example.com"});
        world.http.patch(&user(id), &world.key(), profile).await.ok();
        let action = json!({"idempotencyKey": IDS[(index + 1) % IDS.len()], "custom": {"of": id}});
        world.track(id, "pay", action).await.ok();
        let sms = json!({"verificationMethod": "SMS", "phoneNumber": format!("+{index}")});
        world.http.post(&format!("{}/authenticators", user(id)), &world.key(), sms).await.ok();
    }
    world
}

async fn assert_its_own(world: &World, index: usize) {
    let id = IDS[index];
    let seen = world.http.get(&user(id), &world.key()).await.ok();
    assert_eq!((&seen["userId"], &seen["username"]), (&json!(id), &json!(name(id))), "{id:?}");
    let listed = world.http.get(&format!("{}/authenticators", user(id)), &world.key()).await.ok();
    let numbers: Vec<_> = listed.as_array().unwrap().iter().map(|one| &one["phoneNumber"]).collect();
    assert_eq!(numbers, [&json!(format!("+{index}"))], "{id:?}");
    let actions = world.http.get(&format!("{}/actions", user(id)), &world.key()).await.ok();
    let keys: Vec<_> = actions.as_array().unwrap().iter().map(|one| &one["idempotencyKey"]).collect();
    assert_eq!(keys, [&json!(IDS[(index + 1) % IDS.len()])], "{id:?}");
    let found = world.http.get(&format!("/v1/users?username={}", segment(&name(id))), &world.key()).await.ok();
    let found: Vec<_> = found["users"].as_array().unwrap().iter().map(|one| &one["userId"]).collect();
    assert_eq!(found, [&json!(id)], "{id:?}");
}

#[tokio::test]
async fn users_with_look_alike_ids_each_have_their_own() {
    let world = all_of_them().await;
    for index in 0..IDS.len() {
        assert_its_own(&world, index).await;
    }
    let found: Value = world.http.get("/v1/users?email=shared%40example.com&limit=100", &world.key()).await.ok();
    assert_eq!(found["users"].as_array().unwrap().len(), IDS.len());
}

#[tokio::test]
async fn deleting_one_leaves_every_other() {
    let world = all_of_them().await;
    for (index, id) in IDS.iter().enumerate() {
        let rows = dump(&world).len();
        world.http.delete(&user(id), &world.key()).await.ok();
        // The user, its profile, an authenticator, recovery codes and that they were made, an action, and two contacts.
        assert_eq!(dump(&world).len(), rows - 8, "{id:?} and nothing else is gone");
        for other in index + 1..IDS.len() {
            assert_its_own(&world, other).await;
        }
    }
}

#[tokio::test]
async fn a_token_of_one_id_is_not_one_of_its_twin() {
    let world = World::start().await;
    for id in IDS {
        world.track(id, "warm", json!({})).await.ok();
    }
    for id in IDS {
        let token = world.token(id, "pay").await;
        for other in IDS {
            let body = json!({"token": token, "userId": other});
            let answer = world.http.post("/v1/validate", &world.key(), body).await.ok();
            assert_eq!(answer.get("error").is_none(), id == other, "a token of {id:?} for {other:?}: {answer}");
        }
    }
}

/// One user's secret and codes are nothing to its twin, although both are enrolled.
#[tokio::test]
async fn a_code_of_one_id_is_nothing_to_its_twin() {
    let world = World::start().await;
    let twins = ["e\u{301}", "\u{e9}", "a#b", "a%23b", "U#ada", "ada"];
    let mut secrets = Vec::new();
    for id in twins {
        secrets.push(world.enrolled(id).await);
    }
    world.clock.advance(60);
    for (index, id) in twins.iter().enumerate() {
        let twin = secrets[index ^ 1].clone();
        let token = world.token(id, "pay").await;
        if world.code(&twin, 0) != world.code(&secrets[index], 0) {
            assert_eq!(world.verify(&token, &world.code(&twin, 0)).await.ok()["isVerified"], false, "{id:?}");
        }
        assert_eq!(world.verify(&token, &world.code(&secrets[index], 0)).await.ok()["isVerified"], true, "{id:?}");
    }
}

/// Control characters are in no name: where one is shown or logged they end it, or hide a part of it.
#[tokio::test]
async fn a_name_with_a_control_character_is_refused() {
    let world = World::start().await;
    world.enrolled("ada").await;
    let before = dump(&world);
    let (http, key) = (&world.http, world.key());
    for bad in
        ["\0", "ada\0", "\u{1}ada", "a\tda", "ada\n", "ada\r\nX-Injected: y", "a\u{1b}[2Jda", "ada\u{7f}", "a\u{85}da"]
    {
        let path = user(bad);
        let device = format!("/v1/users/ada/devices/{}", segment(bad));
        let otp = json!({"verificationMethod": "EMAIL_OTP", "email": format!("a{bad}b")});
        let answers = [
            ("track", world.track(bad, "pay", json!({})).await),
            ("key", world.track("ada", "pay", json!({"idempotencyKey": bad})).await),
            ("deviceId", world.track("ada", "pay", json!({"deviceId": bad})).await),
            ("username", world.track("ada", "pay", json!({"username": format!("a{bad}b")})).await),
            ("GET user", http.get(&path, &key).await),
            ("PATCH user", http.patch(&path, &key, json!({})).await),
            ("DELETE user", http.delete(&path, &key).await),
            ("action", http.get(&format!("/v1/users/ada/actions/pay/{}", segment(bad)), &key).await),
            ("email", http.patch("/v1/users/ada", &key, json!({"email": format!("a{bad}b")})).await),
            ("vouched", http.post("/v1/users/ada/authenticators", &key, otp).await),
            ("device", http.post(&format!("{device}/invalidate"), &key, json!({})).await),
        ];
        for (what, answer) in answers {
            assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{what}: {bad:?}");
            assert!(answer.text().contains("control character"), "{what} says what to change: {}", answer.text());
        }
    }
    assert!(dump(&world) == before, "something was written");
}
