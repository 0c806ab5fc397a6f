//! Token keys roll over under load: no token that should be good is refused, in either process (T33).

use std::collections::{HashMap, VecDeque};

use countersign_core::{error::Error, id::TenantId};
use countersign_tests::{World, http::Auth};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

fn t1() -> TenantId {
    TenantId::parse("t1").expect("a tenant id")
}

fn kid(token: &str) -> String {
    let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap_or("").as_bytes()).expect("base64url");
    serde_json::from_slice::<Value>(&header).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
}

async fn opens(world: &World, token: &str) -> u16 {
    world.http.get("/v1/client/user-authenticators", &Auth::Token(token.into())).await.status.as_u16()
}

#[tokio::test]
async fn no_live_token_is_refused_while_keys_roll_over_twice() {
    let world = World::start().await;
    let other = world.another_process().await;
    let mut live: VecDeque<(i64, String)> = VecDeque::new();
    let mut signed: HashMap<String, usize> = HashMap::new();
    let mut rotations = 0;
    for step in 0..300 {
        // Every 30 seconds each process issues a token; every live one is good in both.
        for server in [&world, &other] {
            let token = server.token("ada", "pay").await;
            *signed.entry(kid(&token)).or_default() += 1;
            live.push_back((world.now() + 600, token));
        }
        if step % 10 == 5 && rotations < 3 {
            match world.app.rotate_token_key(&t1(), false).await {
                Ok(()) => rotations += 1,
                Err(Error::Conflict(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        while live.front().is_some_and(|(exp, _)| *exp <= world.now()) {
            live.pop_front();
        }
        for (exp, token) in live.iter().step_by(7).chain(live.back()) {
            for (number, server) in [&world, &other].into_iter().enumerate() {
                let status = opens(server, token).await;
                assert_eq!(
                    status,
                    200,
                    "step {step}, process {number}, {} seconds to live, {}",
                    exp - world.now(),
                    kid(token)
                );
            }
        }
        world.clock.advance(30);
    }
    assert!(rotations >= 3, "the keys did not roll over: {rotations}");
    assert!(signed.len() >= 3, "every key signed: {signed:?}");
}

#[tokio::test]
async fn a_rotation_waits_for_the_tokens_of_the_last_one() {
    let world = World::start().await;
    world.app.rotate_token_key(&t1(), false).await.expect("the first needs no waiting");
    // A minute until the new key signs, and the longest life that a tenant may give a token.
    for seconds in [0, 1, 60, 3598] {
        world.clock.advance(seconds);
        let again = world.app.rotate_token_key(&t1(), false).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?} after {seconds} more seconds");
    }
    world.clock.advance(1);
    world.app.rotate_token_key(&t1(), false).await.expect("every token of the oldest key is over");
}

/// The wait is for tokens that were issued, not for what the setting says by now.
#[tokio::test]
async fn a_shorter_life_of_new_tokens_does_not_end_the_old() {
    let world = World::start().await;
    let set = async |minutes: u32| {
        let body = json!({"tokenDurationInMinutes": minutes});
        world.http.patch("/v1/management/tenant", &world.management(), body).await.ok();
    };
    set(60).await;
    let token = world.token("ada", "pay").await;
    set(1).await;
    world.app.rotate_token_key(&t1(), false).await.expect("a rotation");
    world.clock.advance(121);
    // Refused or not: what it must not do is end a token before its time.
    let _ = world.app.rotate_token_key(&t1(), false).await;
    world.clock.advance(60);
    assert_eq!(opens(&world, &token).await, 200, "a token of an hour, after three minutes");
}

/// A key that has leaked: what it signed is dead within a minute everywhere, and new tokens are good at once here.
#[tokio::test]
async fn at_once_ends_the_old_key_everywhere_within_a_minute() {
    let world = World::start().await;
    let other = world.another_process().await;
    let secret = world.ready("ada").await;
    let old = world.token("ada", "pay").await;
    assert_eq!([opens(&world, &old).await, opens(&other, &old).await], [200, 200]);
    world.app.rotate_token_key(&t1(), true).await.expect("a rotation");
    assert_eq!(opens(&world, &old).await, 401);
    let new = world.token("ada", "pay").await;
    assert_ne!(kid(&old), kid(&new));
    assert_eq!(opens(&world, &new).await, 200);
    world.clock.advance(60);
    assert_eq!([opens(&world, &old).await, opens(&other, &old).await], [401, 401]);
    assert_eq!([opens(&world, &new).await, opens(&other, &new).await], [200, 200]);
    assert_eq!(world.validate(&old).await.ok()["isValid"], false);
    assert_eq!(other.verify(&old, &world.code(&secret, 0)).await.refusal(), (401, "invalid_token".into()));
    assert_eq!(other.verify(&new, &world.code(&secret, 0)).await.ok()["isVerified"], true);
}
