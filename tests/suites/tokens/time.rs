//! Tokens and codes as clocks go wrong (security.md, T31).

use countersign_tests::{World, http::Auth};
use serde_json::json;

const LIST: &str = "/v1/client/user-authenticators";

#[tokio::test]
async fn a_token_is_over_in_the_second_that_it_names() {
    for (second, alive) in [(0, true), (599, true), (600, false), (601, false), (1_000_000, false)] {
        let world = World::start().await;
        let token = world.token("ada", "pay").await;
        world.clock.advance(second);
        let listed = world.http.get(LIST, &Auth::Token(token.clone())).await;
        let validated = world.validate(&token).await.ok();
        if alive {
            listed.ok();
            assert_eq!(validated["state"], "ALLOW", "after {second}");
        } else {
            assert_eq!(listed.refusal(), (401, "expired_token".into()), "after {second}");
            assert_eq!((&validated["isValid"], validated.get("state")), (&json!(false), None), "after {second}");
        }
    }
}

/// An action takes no answer after its time, not even with a token that was issued later.
#[tokio::test]
async fn a_success_outlives_its_challenge_as_long_as_its_token_does() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "pay").await;
    world.clock.advance(599);
    let verified = world.verify(&token, &world.code(&secret, 0)).await.ok();
    let later = verified["accessToken"].as_str().expect("in time").to_owned();
    world.clock.advance(1);
    assert_eq!(world.validate(&token).await.ok()["isValid"], false, "the first token is over");
    assert_eq!(world.validate(&later).await.ok()["isValid"], true);
    assert_eq!(world.enroll(&later).await.refusal(), (403, "forbidden".into()), "its action is over");
    world.clock.advance(600);
    assert_eq!(world.validate(&later).await.ok()["isValid"], false);
}

/// T31: another machine's clock is 90 seconds off. No code is accepted twice, and no live token is refused.
#[tokio::test]
async fn clocks_that_differ_replay_nothing() {
    for skew in [-90, -31, -30, -1, 1, 30, 31, 90] {
        let world = World::start().await;
        let other = world.another_process().await;
        let secret = world.ready("ada").await;
        let code = world.code(&secret, 0);
        assert_eq!(world.verify(&world.token("ada", "pay").await, &code).await.ok()["isVerified"], true);
        world.clock.advance(skew);
        for (number, server) in [&world, &other].into_iter().enumerate() {
            let token = server.token("ada", "pay").await;
            assert_eq!(server.verify(&token, &code).await.ok()["isVerified"], false, "{skew} s, process {number}");
            let early = server.verify(&token, &server.code(&secret, -1)).await.ok();
            assert!(skew > 0 || early["isVerified"] == false, "{skew} s: a step before the accepted one");
        }
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_replays_nothing_and_ends_nothing() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "pay").await;
    let mut used = Vec::new();
    for _ in 0..3 {
        let code = world.code(&secret, 0);
        assert_eq!(world.verify(&world.token("ada", "pay").await, &code).await.ok()["isVerified"], true);
        used.push(code);
        world.clock.advance(30);
    }
    world.clock.advance(-90);
    world.http.get(LIST, &Auth::Token(token.clone())).await.ok();
    for _ in 0..4 {
        for code in &used {
            let verdict = world.verify(&world.token("ada", "pay").await, code).await.ok();
            assert_eq!(verdict["isVerified"], false, "a code that was used: {verdict}");
        }
        world.http.post("/v1/users/ada/unlock", &world.key(), json!({})).await.ok();
        world.clock.advance(30);
    }
    // The right user is not shut out once the clock has passed where it was.
    assert_eq!(world.verify(&world.token("ada", "pay").await, &world.code(&secret, 0)).await.ok()["isVerified"], true);
}

/// A token from a machine whose clock runs ahead is good on one that is behind, and does not live longer for it
/// than the difference.
#[tokio::test]
async fn a_token_from_the_future_is_good_and_ends() {
    let world = World::start().await;
    world.clock.advance(90);
    let token = world.token("ada", "pay").await;
    world.clock.advance(-90);
    world.http.get(LIST, &Auth::Token(token.clone())).await.ok();
    assert_eq!(world.state(&token).await, "ALLOW");
    world.clock.advance(690);
    assert_eq!(world.state(&token).await, "none");
}
