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

/// T31: what succeeded, or was tracked, while the clock was far ahead is worth nothing until that time comes. It would be good
/// for as long as the clock was ahead.
#[tokio::test]
async fn a_success_of_the_future_is_worth_nothing() {
    for ahead in [130, 3600, 86_400] {
        let world = World::start().await;
        let (secret, device) = (world.ready("ada").await, world.device("ada", "push").await);
        world.clock.advance(ahead);
        let (tracked, asked) = world.pushed("ada", json!({})).await;
        let challenge = asked["challengeId"].as_str().expect("an id").to_owned();
        world.approve(&device, &challenge).await.ok();
        let by_push = world.standing(&tracked, &challenge).await.ok();
        let settings = json!({"redirectToSettings": true});
        let token = world.track("ada", "manage", settings).await.ok()["token"].as_str().expect("a token").to_owned();
        let by_code = world.verify(&token, &world.code(&secret, 0)).await.ok();
        let tokens =
            [&by_push["accessToken"], &by_code["accessToken"]].map(|t| t.as_str().expect("a token").to_owned());
        for later in [0, 5] {
            world.clock.advance(later - if later == 0 { ahead } else { 0 });
            for token in tokens.iter().chain([&tracked, &token]) {
                let validated = world.validate(token).await.ok();
                assert_eq!(validated["isValid"], false, "ahead by {ahead}: {validated}");
                let why = validated["error"].as_str().unwrap_or_default();
                assert!(why.contains("clock was ahead"), "{validated}");
                for answer in [
                    world.enroll(token).await,
                    world.http.get(LIST, &Auth::Token(token.clone())).await,
                    world.standing(token, &challenge).await,
                ] {
                    assert_eq!(answer.refusal(), (401, "invalid_token".into()), "ahead by {ahead}");
                }
                let page =
                    world.http.raw("GET", &format!("/settings?token={token}"), &Auth::None, &[], Vec::new()).await;
                assert!(!page.text().contains("Your security"), "ahead by {ahead}");
            }
        }
        // An action that is tracked now is challenged as before.
        let token = world.token("ada", "signIn").await;
        assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    }
}

/// The same where the token is of a right clock, and only the success is not.
#[tokio::test]
async fn a_success_of_the_future_is_worth_nothing_to_an_older_token() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    world.clock.advance(400);
    world.verify(&token, &world.code(&secret, 0)).await.ok();
    world.clock.advance(-400);
    let validated = world.validate(&token).await.ok();
    assert_eq!((&validated["isValid"], &validated["state"]), (&json!(false), &json!("CHALLENGE_SUCCEEDED")));
    assert!(validated["error"].as_str().expect("a reason").contains("clock was ahead"), "{validated}");
    assert_eq!(world.enroll(&token).await.refusal(), (401, "invalid_token".into()));
    // Clocks may be a little apart.
    world.clock.advance(300);
    assert_eq!(world.validate(&token).await.ok()["isValid"], true);
}
