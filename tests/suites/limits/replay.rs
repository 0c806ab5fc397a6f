//! I1: a code is accepted once, whoever sends it, how often, where and when.

use countersign_tests::{World, faults::Draw, http::Auth};
use serde_json::json;

use super::{Said, at_once, count, guess, guesses, succeeded, tokens};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_replays_over_as_many_actions_are_one_success() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let (second, third) = (world.another_process().await, world.another_process().await);
    for (seed, process) in [&world, &second, &third].into_iter().enumerate() {
        process.faults.weather(seed as u64, 0);
    }
    let tokens = tokens(&world, "ada", 10_000).await;
    let code = world.code(&secret, 0);
    let each = tokens.into_iter().map(|token| (token, code.clone()));
    let said = guesses(&[&world, &second, &third], each).await;
    assert_eq!(count(&said, Said::Right), 1);
    assert_eq!(succeeded(&world, "ada").await, 1);
}

/// The race itself, again and again: as many at a time as the budget lets be looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_race_for_a_code_has_one_winner_in_each_of_150_rounds() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let second = world.another_process().await;
    for round in 0..150 {
        world.faults.weather(round, 0);
        second.faults.weather(!round, 0);
        let code = world.code(&secret, 0);
        let each = tokens(&world, "ada", 10).await.into_iter().map(|token| (token, code.clone()));
        let said = guesses(&[&world, &second], each).await;
        assert_eq!(count(&said, Said::Right), 1, "round {round}: {said:?}");
        assert_eq!(succeeded(&world, "ada").await, usize::try_from(round).unwrap() + 1);
        world.http.post("/v1/users/ada/unlock", &world.key(), json!({})).await.ok();
        world.clock.advance(30);
    }
}

#[tokio::test]
async fn after_a_step_no_earlier_one_is_accepted() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, -1)).await, Said::Wrong);
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn an_earlier_step_and_then_the_present_one_are_both_accepted() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    for steps in [-1, 0] {
        let token = world.token("ada", "signIn").await;
        assert_eq!(guess(&world.http, &token, &world.code(&secret, steps)).await, Said::Right);
    }
}

/// T31: a clock that jumps back makes no code good again.
#[tokio::test]
async fn a_clock_that_jumps_back_brings_no_replay() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let code = world.code(&secret, 0);
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &code).await, Said::Right);
    world.clock.advance(300);
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
    for back in [-30, -90, -180] {
        world.clock.advance(back);
        for steps in [-1, 0] {
            let token = world.token("ada", "signIn").await;
            assert_eq!(guess(&world.http, &token, &world.code(&secret, steps)).await, Said::Wrong, "{back} {steps}");
        }
    }
}

/// A lost reply makes clients ask again: the same answer, and still one acceptance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_again_is_the_same_answer_and_no_second_acceptance() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    world.faults.weather(5, 0);
    let (token, other) = (world.token("ada", "signIn").await, world.token("ada", "signIn").await);
    let code = world.code(&secret, 0);
    let said = guesses(&[&world], vec![(token.clone(), code.clone()); 8]).await;
    assert_eq!(count(&said, Said::Right), 8, "{said:?}");
    assert_eq!(guess(&world.http, &other, &code).await, Said::Wrong);
    assert_eq!(succeeded(&world, "ada").await, 1);
    // Its new token is as good as the first one.
    let again = world.verify(&token, &code).await.ok();
    assert_eq!(world.state(again["accessToken"].as_str().unwrap()).await, "CHALLENGE_SUCCEEDED");
}

/// The confirmation of an enrolment may be repeated too, and names what was enrolled each time.
#[tokio::test]
async fn the_confirmation_of_an_enrolment_may_be_repeated() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let secret = world.enroll(&token).await.ok()["secret"].as_str().unwrap().to_owned();
    let code = world.code(&secret, 0);
    let first = world.verify(&token, &code).await.ok();
    let again = world.verify(&token, &code).await.ok();
    assert_eq!(again["isVerified"], true, "{again}");
    assert_eq!(again["userAuthenticator"], first["userAuthenticator"]);
    let all = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
}

/// The code that confirmed an enrolment is spent by it.
#[tokio::test]
async fn the_code_of_an_enrolment_is_no_answer_to_a_challenge() {
    let world = World::start().await;
    let secret = world.enrolled("ada").await;
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Wrong);
}

/// A backend that got no answer asks again (S7). Two authenticators of one secret would accept each code twice.
#[tokio::test]
async fn a_secret_enrolled_twice_accepts_each_code_once() {
    let world = World::start().await;
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let body = json!({
        "verificationMethod": "AUTHENTICATOR_APP", "otpUri": format!("otpauth://totp/a?secret={secret}"),
    });
    for _ in 0..2 {
        let answer = world.http.post("/v1/users/ada/authenticators", &world.key(), body.clone()).await;
        assert!([200, 409].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    let code = world.code(secret, 0);
    let mut right = 0;
    for _ in 0..2 {
        let token = world.token("ada", "signIn").await;
        right += usize::from(guess(&world.http, &token, &code).await == Said::Right);
    }
    assert_eq!(right, 1, "one code, two actions");
}

/// Two first enrolments race: the user ends with one authenticator, and only its owner's action succeeds (T14).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_first_enrolments_one_wins() {
    let world = World::start().await;
    let mut draw = Draw::from(11);
    for round in 0..40 {
        let user = format!("user{round}");
        let tokens = tokens(&world, &user, 2).await;
        world.faults.weather(draw.number(), 0);
        let tasks = tokens.clone().into_iter().map(|token| {
            let (http, now) = (world.http.clone(), world.now());
            async move {
                let auth = Auth::Token(token);
                let offer = http.post("/v1/client/user-authenticators/totp", &auth, json!({})).await;
                if offer.status != 200 {
                    return false;
                }
                let code = countersign_tests::otp::totp(offer.ok()["secret"].as_str().unwrap(), now);
                let body = json!({ "verificationCode": code });
                http.post("/v1/client/verify/totp", &auth, body).await.ok()["isVerified"] == true
            }
        });
        let won: Vec<bool> = at_once(tasks).await;
        let path = format!("/v1/users/{user}/authenticators");
        let all = world.http.get(&path, &world.key()).await.ok();
        let winners = won.iter().filter(|won| **won).count();
        assert_eq!(all.as_array().unwrap().len(), winners, "{won:?} {all}");
        assert!(winners <= 1, "round {round}");
        for (token, won) in tokens.iter().zip(won) {
            assert_eq!(world.state(token).await == "CHALLENGE_SUCCEEDED", won);
        }
    }
}
