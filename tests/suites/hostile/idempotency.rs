//! Idempotency keys under pressure (security.md, T10).

use countersign_tests::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::table::dump;

/// Tracks all of these bodies at once, in two processes; gives status and reply of each.
async fn track_all(worlds: [&World; 2], bodies: Vec<Value>) -> Vec<(u16, Value)> {
    let mut running = JoinSet::new();
    for (index, body) in bodies.into_iter().enumerate() {
        let (http, key) = (worlds[index % 2].http.clone(), worlds[index % 2].key());
        running.spawn(async move {
            let answer = http.post("/v1/users/ada/actions/pay", &key, body).await;
            (answer.status.as_u16(), answer.json())
        });
    }
    running.join_all().await
}

fn actions(world: &World) -> usize {
    dump(world).keys().filter(|(_, sk)| sk.starts_with("ACTION#")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_body_a_hundred_times_at_once_is_one_action() {
    for round in 0..5 {
        let world = World::start().await;
        let other = world.another_process().await;
        if round % 2 == 0 {
            world.track("ada", "warm", json!({})).await.ok();
        }
        let before = actions(&world);
        let body = json!({"idempotencyKey": "order-1", "custom": {"amount": 5}});
        let replies = track_all([&world, &other], vec![body; 100]).await;
        assert_eq!(actions(&world), before + 1, "one action");
        for (status, reply) in &replies {
            assert_eq!((*status, reply), (200, &replies[0].1), "the same reply to all, its token included");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_subjects_at_once_one_has_the_key() {
    for _ in 0..5 {
        let world = World::start().await;
        let other = world.another_process().await;
        let body = |amount: u32| json!({"idempotencyKey": "order-1", "custom": {"amount": amount}});
        let bodies = (0..60).map(|n| body(if n % 3 == 0 { 10 } else { 10_000 })).collect::<Vec<_>>();
        let replies = track_all([&world, &other], bodies).await;
        let won = replies.iter().filter(|(status, _)| *status == 200).count();
        let lost = replies.iter().filter(|(status, _)| *status == 409).count();
        assert!((won, lost) == (20, 40) || (won, lost) == (40, 20), "{won} and {lost} of 60");
        assert_eq!(actions(&world), 1);
    }
}

#[tokio::test]
async fn a_key_means_one_subject_of_one_user() {
    let world = World::start().await;
    let body = json!({"idempotencyKey": "order-1", "custom": {"amount": 10, "to": "bob"}});
    let first = world.track("ada", "pay", body).await.ok();
    for (what, other) in [
        ("another amount", json!({"idempotencyKey": "order-1", "custom": {"amount": 10_000, "to": "bob"}})),
        ("one more field", json!({"idempotencyKey": "order-1", "custom": {"amount": 10, "to": "bob", "x": null}})),
        ("no custom data", json!({"idempotencyKey": "order-1"})),
        ("another type", json!({"idempotencyKey": "order-1", "custom": {"amount": "10", "to": "bob"}})),
        (
            "another scope",
            json!({"idempotencyKey": "order-1", "custom": {"amount": 10, "to": "bob"}, "scope": "add:authenticators"}),
        ),
    ] {
        assert_eq!(world.track("ada", "pay", other).await.refusal(), (409, "conflict".into()), "{what}");
    }
    let reordered = json!({"custom": {"to": "bob", "amount": 10}, "idempotencyKey": "order-1", "unknown": 1});
    assert_eq!(world.track("ada", "pay", reordered).await.ok(), first, "the same thing in another order");
    let of_bob = json!({"idempotencyKey": "order-1", "custom": {"amount": 10_000}});
    world.track("bob", "pay", of_bob).await.ok();
    let listed = world.http.get("/v1/users/bob/actions", &world.key()).await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 1, "another user's key is another action");
}
