//! I3: ten guesses in any five minutes, a hundred in a row, on every path together.

use std::sync::Arc;

use countersign_core::limiter::{CLOSED_AFTER, LIMIT, WINDOW_SECONDS};
use countersign_tests::{
    World, add_tenant,
    faults::{Draw, Mutated},
    http::Auth,
    otp,
};
use serde_json::json;

use super::{Said, count, guess, guesses, tokens};

/// Spends the budget but for so many guesses, one after the other.
async fn spend(world: &World, token: &str, secret: &str, guesses: usize) {
    for index in 0..guesses {
        let said = guess(&world.http, token, &otp::wrong(secret, world.now())).await;
        assert_eq!(said, Said::Wrong, "guess {index}");
    }
}

async fn unlock(world: &World, user: &str) {
    world.http.post(&format!("/v1/users/{user}/unlock"), &world.key(), json!({})).await.ok();
}

/// The numbers that the documentation names.
#[test]
fn the_budget_is_ten_in_five_minutes_and_a_hundred_in_a_row() {
    assert_eq!((LIMIT, WINDOW_SECONDS, CLOSED_AFTER), (10, 300, 100));
}

/// AuthQuake: parallel sessions must not multiply the tries (T05).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_parallel_guesses_ten_are_looked_at() {
    let world = World::start().await;
    let second = world.another_process().await;
    let mut draw = Draw::from(7);
    let mut right = 0;
    for round in 0..6 {
        let user = format!("user{round}");
        let secret = world.ready(&user).await;
        let tokens = tokens(&world, &user, 50).await;
        world.faults.weather(draw.number(), 0);
        second.faults.weather(draw.number(), 0);
        let at = usize::try_from(draw.below(1000)).unwrap();
        let each = (0..1000).map(|index| {
            let code = if index == at { world.code(&secret, 0) } else { otp::wrong(&secret, world.now()) };
            (tokens[index % tokens.len()].clone(), code)
        });
        let said = guesses(&[&world, &second], each.collect::<Vec<_>>()).await;
        match count(&said, Said::Right) {
            0 => assert_eq!(count(&said, Said::Wrong), LIMIT, "round {round}"),
            // It freed what it had seen, itself included.
            1 => assert!(count(&said, Said::Wrong) < 2 * LIMIT, "round {round}"),
            more => panic!("{more} right answers"),
        }
        right += count(&said, Said::Right);
    }
    assert!(right <= 2, "{right} of 6 hits with 10 tries in 1000");
}

/// T06: whatever is varied, the budget is the user's.
#[tokio::test]
async fn a_spent_budget_stays_spent_on_every_path() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    spend(&world, &token, &secret, LIMIT).await;
    let right = world.code(&secret, 0);
    assert_eq!(guess(&world.http, &token, &right).await, Said::Exhausted, "the same action");
    let other = world.token("ada", "payment").await;
    assert_eq!(guess(&world.http, &other, &right).await, Said::Exhausted, "another action");
    let keyed = world.track("ada", "signIn", json!({ "idempotencyKey": "k" })).await.ok();
    assert_eq!(guess(&world.http, keyed["token"].as_str().unwrap(), &right).await, Said::Exhausted, "another key");
    let process = world.another_process().await;
    assert_eq!(guess(&process.http, &token, &right).await, Said::Exhausted, "another process");

    let scoped = world.track("ada", "signIn", json!({ "scope": "add:authenticators" })).await.ok();
    let scoped = scoped["token"].as_str().unwrap();
    let new = world.enroll(scoped).await.ok()["secret"].as_str().unwrap().to_owned();
    assert_eq!(guess(&world.http, scoped, &world.code(&new, 0)).await, Said::Exhausted, "a new enrolment");

    let body = json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" });
    world.http.post("/v1/users/ada/authenticators", &world.key(), body).await.ok();
    assert_eq!(guess(&world.http, &token, &right).await, Said::Exhausted, "another authenticator");

    let page = world.answer_page(&token, "app", &right).await;
    assert!(page.status == 200 && page.text().contains("Too many attempts"), "{}", page.text());
    let page = world.answer_page(&token, "recovery", "00000-00000-00000").await;
    assert!(page.status == 200 && page.text().contains("Too many attempts"), "{}", page.text());
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
}

/// The page, the API and the confirmation of an enrolment pay from one purse.
#[tokio::test]
async fn every_path_spends_the_same_budget() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let scoped = world.track("ada", "signIn", json!({ "scope": "add:authenticators" })).await.ok();
    let scoped = scoped["token"].as_str().unwrap();
    world.enroll(scoped).await.ok();
    let wrong = otp::wrong(&secret, world.now());
    for index in 0..LIMIT {
        match index % 3 {
            0 => assert_eq!(guess(&world.http, &token, &wrong).await, Said::Wrong),
            1 => assert_eq!(guess(&world.http, scoped, &wrong).await, Said::Wrong),
            _ => {
                let way = if index % 2 == 0 { "app" } else { "recovery" };
                let page = world.answer_page(&token, way, &wrong).await;
                assert!(page.text().contains("not right"), "{}", page.text());
            }
        }
    }
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted);
}

#[tokio::test]
async fn a_new_secret_brings_no_new_guesses() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    for round in 0..LIMIT {
        let secret = world.enroll(&token).await.ok()["secret"].as_str().unwrap().to_owned();
        let said = guess(&world.http, &token, &otp::wrong(&secret, world.now())).await;
        assert_eq!(said, Said::Wrong, "round {round}");
    }
    let token = world.token("ada", "enrol").await;
    let secret = world.enroll(&token).await.ok()["secret"].as_str().unwrap().to_owned();
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted);
    world.clock.advance(WINDOW_SECONDS);
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
}

/// A guess is looked at exactly when fewer than ten were in the five minutes before it.
#[tokio::test]
async fn the_window_slides_second_by_second() {
    let world = World::start().await;
    let mut draw = Draw::from(3);
    for run in 0..4 {
        let user = format!("user{run}");
        let secret = world.ready(&user).await;
        let mut looked_at: Vec<i64> = Vec::new();
        while looked_at.len() < 70 {
            world.clock.advance(*draw.pick(&[0, 0, 0, 0, 1, 7, 60, 149, 299]));
            let now = world.now();
            let token = world.token(&user, "signIn").await;
            let recent = looked_at.iter().filter(|at| now - **at < WINDOW_SECONDS).count();
            let said = guess(&world.http, &token, &otp::wrong(&secret, now)).await;
            let expected = if recent < LIMIT { Said::Wrong } else { Said::Exhausted };
            assert_eq!(said, expected, "{recent} in the last five minutes");
            if said == Said::Wrong {
                looked_at.push(now);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn around_the_edge_of_a_window_there_are_no_twenty() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let burst = async || {
        let tokens = tokens(&world, "ada", 40).await;
        let wrong = otp::wrong(&secret, world.now());
        guesses(&[&world], tokens.into_iter().map(|token| (token, wrong.clone())).collect::<Vec<_>>()).await
    };
    let mut looked_at = Vec::new();
    for (wait, expected) in [(0, 10), (299, 0), (1, 10), (1, 0), (298, 0), (1, 10)] {
        world.clock.advance(wait);
        let said = count(&burst().await, Said::Wrong);
        looked_at.push(said);
        assert_eq!(said, expected, "{looked_at:?}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_brings_no_new_guesses() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    spend(&world, &token, &secret, LIMIT).await;
    world.clock.advance(-90);
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted);
}

#[tokio::test]
async fn a_success_frees_the_budget() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    for _ in 0..3 {
        let token = world.token("ada", "signIn").await;
        spend(&world, &token, &secret, LIMIT - 1).await;
        assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
        world.clock.advance(30);
    }
    let token = world.token("ada", "signIn").await;
    spend(&world, &token, &secret, LIMIT).await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted);
}

/// So many wrong guesses, as slowly as the window wants it.
async fn drip(world: &World, user: &str, secret: &str, guesses: u64) {
    for index in 0..guesses {
        if index % LIMIT as u64 == 0 {
            world.clock.advance(WINDOW_SECONDS);
        }
        let token = world.token(user, "signIn").await;
        let said = guess(&world.http, &token, &otp::wrong(secret, world.now())).await;
        assert_eq!(said, Said::Wrong, "guess {index}");
    }
}

/// T07: patience does not help.
#[tokio::test]
async fn a_hundred_failures_in_a_row_close_the_method_until_the_backend_opens_it() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    drip(&world, "ada", &secret, CLOSED_AFTER).await;
    for days in [0, 1, 30, 365] {
        world.clock.advance(days * 24 * 3600 + WINDOW_SECONDS);
        let token = world.token("ada", "signIn").await;
        assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted, "after {days} days");
    }
    unlock(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
}

#[tokio::test]
async fn a_success_begins_the_count_of_failures_anew() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    for round in 0..2 {
        drip(&world, "ada", &secret, CLOSED_AFTER - 1).await;
        world.clock.advance(WINDOW_SECONDS);
        let token = world.token("ada", "signIn").await;
        assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right, "round {round}");
    }
}

/// NIST SP 800-63B, 3.1.3.2: a fresh secret resets nothing.
#[tokio::test]
async fn an_enrolment_does_not_reset_the_failures() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    drip(&world, "ada", &secret, CLOSED_AFTER - 5).await;
    world.clock.advance(WINDOW_SECONDS);
    let scoped = world.track("ada", "signIn", json!({ "scope": "add:authenticators" })).await.ok();
    let scoped = scoped["token"].as_str().unwrap();
    let new = world.enroll(scoped).await.ok()["secret"].as_str().unwrap().to_owned();
    assert_eq!(guess(&world.http, scoped, &world.code(&new, 0)).await, Said::Right);
    drip(&world, "ada", &secret, 5).await;
    world.clock.advance(WINDOW_SECONDS);
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted);
}

/// The count of failures begins anew between the guess of an enrolment and its acceptance: nothing breaks by that.
#[tokio::test]
async fn an_unlock_in_the_middle_of_an_enrolment_leaves_the_user_whole() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let secret = world.enroll(&token).await.ok()["secret"].as_str().unwrap().to_owned();
    let embedded = world.embedded.clone();
    world.faults.mutate(Arc::new(move |operation, request| {
        if operation == "TransactWriteItems" {
            let unlock = json!({
                "TableName": request["TransactItems"][0]["Update"]["TableName"],
                "Key": request["TransactItems"][0]["Update"]["Key"],
                "UpdateExpression": "SET g = :none, ft = :zero",
                "ExpressionAttributeValues": { ":none": { "M": {} }, ":zero": { "N": "0" } },
            });
            assert_eq!(embedded.answer("UpdateItem", unlock.to_string().as_bytes()).status().as_u16(), 200);
        }
        Mutated::Send(request)
    }));
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
    world.faults.mutate(Arc::new(|_, request| Mutated::Send(request)));
    world.clock.advance(30);
    let token = world.token("ada", "signIn").await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
}

/// T08: who has no token of the user locks nobody out.
#[tokio::test]
async fn without_a_token_of_the_user_nobody_spends_its_budget() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    world.ready("eve").await;
    let old = world.token("ada", "signIn").await;
    world.clock.advance(3600);
    let eve = world.token("eve", "signIn").await;
    let strangers = [
        Auth::None,
        world.key(),
        world.management(),
        Auth::Key(world.tenant.tenant_id.to_string()),
        Auth::Token(old),
        Auth::Token("e30.e30.e30".into()),
        Auth::Token(eve),
    ];
    for stranger in strangers {
        for _ in 0..2 * LIMIT {
            let body = json!({ "verificationCode": "000000", "userId": "ada" });
            let answer = world.http.post("/v1/client/verify/totp", &stranger, body).await;
            assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text());
        }
    }
    let token = world.token("ada", "signIn").await;
    spend(&world, &token, &secret, LIMIT - 1).await;
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right);
}

#[tokio::test]
async fn budgets_of_two_tenants_are_separate() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let theirs = Auth::Key(add_tenant(&world.app, "t2").await.secret_key);
    let path = "/v1/users/ada/actions/enrol";
    let other = world.http.post(path, &theirs, json!({})).await.ok()["token"].as_str().unwrap().to_owned();
    let new = world.enroll(&other).await.ok()["secret"].as_str().unwrap().to_owned();
    spend(&world, &token, &secret, LIMIT).await;
    assert_eq!(guess(&world.http, &other, &world.code(&new, 0)).await, Said::Right);
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Exhausted);
}
