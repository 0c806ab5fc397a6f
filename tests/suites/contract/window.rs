//! Which time steps are accepted (security.md, S3): a table of offsets, at and around the boundary of a step.

use countersign_tests::{World, otp};
use serde_json::json;

/// Seconds relative to the beginning of a step.
const MOMENTS: [i64; 4] = [-1, 0, 1, 29];

async fn accept_steps(world: &World, steps: serde_json::Value) {
    let body = json!({"totpAcceptedSteps": steps});
    let changed = world.http.patch("/v1/management/tenant", &world.management(), body).await.ok();
    assert_eq!(changed["totpAcceptedSteps"], steps);
}

/// Offsets of the steps whose codes are accepted at this moment of a step, each tried by a user of its own.
async fn accepted(world: &World, moment: i64, name: &str) -> Vec<i64> {
    let mut accepted = Vec::new();
    for offset in -3..=3 {
        let user = format!("{name} {moment} {offset}");
        let secret = world.enrolled(&user).await;
        // To a step that no accepted code can come before: four steps on, then to the moment.
        let boundary = (world.now() / 30 + 5) * 30;
        world.clock.set(boundary + moment);
        let token = world.token(&user, "pay").await;
        let step = world.now().div_euclid(30) + offset;
        let code = otp::totp(&secret, step * 30);
        let near = (-4..=4).filter(|other| *other != offset);
        let near: Vec<String> = near.map(|other| world.code(&secret, other)).collect();
        // Two steps share a code once in 100,000 times; such a user proves nothing.
        if !near.contains(&code) && world.verify(&token, &code).await.ok()["isVerified"] == true {
            accepted.push(offset);
        }
    }
    accepted
}

#[tokio::test]
async fn the_last_step_and_the_present_one_are_accepted_by_default() {
    let world = World::start().await;
    for moment in MOMENTS {
        assert_eq!(accepted(&world, moment, "by default").await, [-1, 0], "{moment} seconds into a step");
    }
}

#[tokio::test]
async fn a_tenant_may_accept_the_present_step_alone() {
    let world = World::start().await;
    accept_steps(&world, json!([0])).await;
    for moment in MOMENTS {
        assert_eq!(accepted(&world, moment, "strictly").await, [0], "{moment} seconds into a step");
    }
}

#[tokio::test]
async fn a_tenant_may_accept_phones_that_run_fast() {
    let world = World::start().await;
    accept_steps(&world, json!([-1, 0, 1])).await;
    for moment in MOMENTS {
        assert_eq!(accepted(&world, moment, "widely").await, [-1, 0, 1], "{moment} seconds into a step");
    }
}

#[tokio::test]
async fn no_other_window_can_be_chosen() {
    let world = World::start().await;
    for steps in [json!([]), json!([1]), json!([-1]), json!([-2, -1, 0]), json!([0, 1]), json!([0, -1]), json!(1)] {
        let body = json!({ "totpAcceptedSteps": steps });
        let answer = world.http.patch("/v1/management/tenant", &world.management(), body).await;
        assert_eq!(answer.refusal().0, 400, "{steps}");
    }
}

/// A narrower window is in force in every process within 30 seconds.
#[tokio::test]
async fn another_process_learns_of_the_window_in_time() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let other = world.another_process().await;
    let token = world.token("ada", "pay").await;
    assert_eq!(other.verify(&token, "000000").await.ok()["isVerified"], false, "its cache is warm");
    accept_steps(&world, json!([0])).await;
    world.clock.advance(30);
    assert_eq!(other.verify(&token, &world.code(&secret, -1)).await.ok()["isVerified"], false);
    assert_eq!(other.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
}

/// S2: accepted once, for ever; and a step before it is over with it (T04).
#[tokio::test]
async fn a_step_is_used_once_for_ever() {
    let world = World::start().await;
    accept_steps(&world, json!([-1, 0, 1])).await;
    let secret = world.ready("ada").await;
    let codes: Vec<String> = (-1..=1).map(|step| world.code(&secret, step)).collect();
    let verify =
        async |code: &str| world.verify(&world.token("ada", "pay").await, code).await.ok()["isVerified"] == true;
    assert!(verify(&codes[1]).await);
    assert!(!verify(&codes[1]).await, "the same step");
    assert!(!verify(&codes[0]).await, "an earlier step");
    assert!(verify(&codes[2]).await, "a later one");
    for _ in 0..3 {
        world.clock.advance(15);
        assert!(!verify(&codes[2]).await && !verify(&codes[1]).await, "however long the window would let it pass");
    }
}
