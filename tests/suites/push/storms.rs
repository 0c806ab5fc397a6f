//! Push bombing (T23): who has the password cannot ask without end.

use countersign_tests::World;
use serde_json::json;

use super::{text, world_with_a_device};

async fn ask(world: &World) -> Result<String, u64> {
    let token = world.token("ada", "signIn").await;
    let answer = world.push(&token, json!({})).await;
    if answer.status == 200 {
        return Ok(text(&answer.json(), "challengeId"));
    }
    assert_eq!(answer.refusal(), (429, "too_many_requests".into()));
    Err(answer.headers["retry-after"].to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn three_are_open_and_five_begun_in_ten_minutes() {
    let (world, device) = world_with_a_device().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(ask(&world).await.unwrap());
    }
    assert_eq!(ask(&world).await, Err(120), "three are open");
    world.deny(&device, &open[0]).await.ok();
    open.push(ask(&world).await.unwrap());
    world.approve(&device, &open[1]).await.ok();
    open.push(ask(&world).await.unwrap());
    world.deny(&device, &open[2]).await.ok();
    assert_eq!(ask(&world).await, Err(600), "five were begun");
    world.clock.advance(600);
    ask(&world).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_starts_at_once_are_three() {
    let (world, _) = world_with_a_device().await;
    let other = world.another_process().await;
    for _ in 0..5 {
        let mut running = tokio::task::JoinSet::new();
        for index in 0..100 {
            let (http, auth) = (
                [&world, &other][index % 2].http.clone(),
                countersign_tests::http::Auth::Token(world.token("ada", "signIn").await),
            );
            running
                .spawn(async move { http.post("/v1/client/challenge/push", &auth, json!({})).await.status.as_u16() });
        }
        let statuses = running.join_all().await;
        let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
        assert_eq!(count(200), 3, "{statuses:?}");
        assert_eq!(count(200) + count(429) + count(503), 100, "{statuses:?}");
        world.clock.advance(601);
    }
}
