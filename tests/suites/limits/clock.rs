//! A clock that was ahead for a while spends steps of the future; `unlock` takes them back, and nothing more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign_tests::{World, faults::Mutated};
use serde_json::json;

use super::{Said, guess};

const DAY: i64 = 86_400;

async fn unlock(world: &World) {
    world.http.post("/v1/users/ada/unlock", &world.key(), json!({})).await.ok();
}

async fn sign_in(world: &World, code: &str) -> Said {
    let token = world.token("ada", "signIn").await;
    guess(&world.http, &token, code).await
}

#[tokio::test]
async fn a_step_of_the_future_is_taken_back_by_unlock() {
    for ahead in [3600, DAY, 365 * DAY] {
        let world = World::start().await;
        let secret = world.ready("ada").await;
        world.clock.advance(ahead);
        assert_eq!(sign_in(&world, &world.code(&secret, 0)).await, Said::Right);
        world.clock.advance(30 - ahead);
        assert_eq!(sign_in(&world, &world.code(&secret, 0)).await, Said::Wrong, "ahead by {ahead}: locked out");
        unlock(&world).await;
        // It may have been accepted before the clock went wrong.
        assert_eq!(sign_in(&world, &world.code(&secret, 0)).await, Said::Wrong, "ahead by {ahead}");
        assert_eq!(sign_in(&world, &world.code(&secret, -1)).await, Said::Wrong, "ahead by {ahead}");
        world.clock.advance(30);
        let code = world.code(&secret, 0);
        assert_eq!(sign_in(&world, &code).await, Said::Right, "ahead by {ahead}");
        assert_eq!(sign_in(&world, &code).await, Said::Wrong, "ahead by {ahead}: twice");
    }
}

/// What was accepted meanwhile stays spent: the step is taken back on condition that it is the one that was seen.
#[tokio::test]
async fn a_code_that_is_accepted_while_a_step_is_taken_back_stays_spent() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    world.clock.advance(DAY);
    assert_eq!(sign_in(&world, &world.code(&secret, 0)).await, Said::Right);
    world.clock.advance(30 - DAY);
    let (embedded, done) = (world.embedded.clone(), AtomicBool::new(false));
    let now = world.now() + 1;
    world.faults.mutate(Arc::new(move |operation, request| {
        let update = request["UpdateExpression"].as_str().unwrap_or_default();
        if operation == "UpdateItem" && update.contains("totp.") && !done.swap(true, Ordering::SeqCst) {
            // Another unlock was quicker, and then the code of the next step was accepted by a process whose clock is
            // a second ahead of this one.
            let accepted = json!({
                "TableName": request["TableName"], "Key": request["Key"],
                "UpdateExpression": "SET totp.#i.s = :s, totp.#i.t = :t",
                "ExpressionAttributeNames": { "#i": request["ExpressionAttributeNames"]["#i0"] },
                "ExpressionAttributeValues": { ":s": { "N": (now / 30 + 1).to_string() }, ":t": { "N": (now - 1).to_string() } },
            });
            assert_eq!(embedded.answer("UpdateItem", accepted.to_string().as_bytes()).status().as_u16(), 200);
        }
        Mutated::Send(request)
    }));
    unlock(&world).await;
    world.faults.mutate(Arc::new(|_, request| Mutated::Send(request)));
    world.clock.advance(30);
    assert_eq!(sign_in(&world, &world.code(&secret, 0)).await, Said::Wrong);
    world.clock.advance(30);
    assert_eq!(sign_in(&world, &world.code(&secret, 0)).await, Said::Right);
}

/// Without a step of the future it is the one write that it always was.
#[tokio::test]
async fn what_is_not_of_the_future_stays_spent() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let code = world.code(&secret, 0);
    assert_eq!(sign_in(&world, &code).await, Said::Right);
    world.faults.clear();
    unlock(&world).await;
    assert_eq!(world.faults.calls(), ["UpdateItem"]);
    assert_eq!(sign_in(&world, &code).await, Said::Wrong);
}

/// Pushes that a clock ahead has sent, and the quiet after "not me", would last until that time comes.
#[tokio::test]
async fn pushes_and_the_quiet_of_the_future_are_taken_back_by_unlock() {
    for ahead in [3600, DAY] {
        let world = World::start().await;
        let device = world.device("ada", "push").await;
        world.clock.advance(ahead);
        let mut last = serde_json::Value::Null;
        for _ in 0..3 {
            last = world.pushed("ada", json!({})).await.1;
        }
        let mut denial = device.answer(last["challengeId"].as_str().expect("an id"), false);
        denial["report"] = true.into();
        world.answer(&device, denial).await.ok();
        world.clock.advance(-ahead);
        let asked = async || {
            let token = world.token("ada", "signIn").await;
            world.push(&token, json!({})).await.status.as_u16()
        };
        assert_eq!(asked().await, 429, "ahead by {ahead}: nobody can be asked");
        unlock(&world).await;
        assert_eq!(asked().await, 200, "ahead by {ahead}");
    }
}

/// What was removed under a clock ahead would end every success until that time comes, also by what is still there.
#[tokio::test]
async fn removals_of_the_future_are_taken_back_by_unlock() {
    for ahead in [3600, DAY] {
        let world = World::start().await;
        let secret = world.ready("ada").await;
        world.clock.advance(ahead);
        // So many that they are not told apart.
        for _ in 0..7 {
            let device = world.device("ada", "push").await;
            let path = format!("/v1/users/ada/authenticators/{}", device.id);
            world.http.delete(&path, &world.key()).await.ok();
        }
        world.clock.advance(-ahead);
        let validated = async || {
            let token = world.token("ada", "signIn").await;
            guess(&world.http, &token, &world.code(&secret, 0)).await;
            world.state(&token).await
        };
        world.clock.advance(60);
        assert_ne!(validated().await, "CHALLENGE_SUCCEEDED", "ahead by {ahead}: nobody can succeed");
        unlock(&world).await;
        world.clock.advance(60);
        assert_eq!(validated().await, "CHALLENGE_SUCCEEDED", "ahead by {ahead}");
    }
}

/// What a right clock has written stays: an unlock is no way around the bounds of pushes.
#[tokio::test]
async fn unlock_takes_back_no_push_and_no_quiet_of_a_right_clock() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    let (_, asked) = world.pushed("ada", json!({})).await;
    let mut denial = device.answer(asked["challengeId"].as_str().expect("an id"), false);
    denial["report"] = true.into();
    world.answer(&device, denial).await.ok();
    world.faults.clear();
    unlock(&world).await;
    assert_eq!(world.faults.calls(), ["UpdateItem"]);
    let token = world.token("ada", "signIn").await;
    assert_eq!(world.push(&token, json!({})).await.status, 429, "it is quiet after \"not me\"");
}
