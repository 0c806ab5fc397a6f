//! Approve, deny and expiry at once: one end, the same for everybody (T21, I2).

use countersign_tests::{device::Device, http::Auth};
use serde_json::json;

use super::{standing, text, world_with_a_device};

const ROUNDS: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_challenge_comes_to_one_end() {
    let (world, device) = world_with_a_device().await;
    let second = world.device("ada", "push").await;
    let other = world.another_process().await;
    let mut ends = [0; 3];
    for round in 0..ROUNDS {
        let (token, asked) = world.pushed("ada", json!({})).await;
        let challenge = text(&asked, "challengeId");
        let mut running = tokio::task::JoinSet::new();
        let answer = |device: &Device, approved: bool| device.answer(&challenge, approved);
        let answers = [(answer(&device, true), true), (answer(&second, false), false), (answer(&device, false), false)];
        for (index, (body, approves)) in answers.into_iter().enumerate() {
            let (http, auth) = ([&world, &other][(index + round) % 2].http.clone(), world.tenant_auth());
            running.spawn(async move {
                let path = "/v1/client/user-authenticators/push/challenge";
                let answer = http.post(path, &auth, body).await;
                let verified = answer.json()["isVerified"].as_bool();
                assert!(matches!(answer.status.as_u16(), 200 | 409), "{}", answer.text());
                verified.inspect(|verified| assert_eq!(*verified, approves))
            });
        }
        let (http, auth) = (other.http.clone(), Auth::Token(token.clone()));
        let (clock, poll) = (world.clock.clone(), json!({"challengeId": challenge}));
        let expires = round % 3 == 0;
        running.spawn(async move {
            if expires {
                clock.advance(120);
            }
            http.post("/v1/client/verify/push", &auth, poll).await.ok();
            None
        });
        let said: Vec<bool> = running.join_all().await.into_iter().flatten().collect();
        let end = standing(&world, &token, &challenge).await;
        assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "two ends were said: {said:?}");
        match (said.first(), end) {
            (Some(true), (true, true)) => ends[0] += 1,
            (Some(false), (false, true)) => ends[1] += 1,
            (None, (false, true)) => ends[2] += 1,
            (said, end) => panic!("said {said:?}, but it is {end:?}"),
        }
        let expected = if end == (true, true) { "CHALLENGE_SUCCEEDED" } else { "CHALLENGE_REQUIRED" };
        if !expires {
            assert_eq!(world.state(&token).await, expected);
        }
        assert_eq!(standing(&other, &token, &challenge).await, end);
        world.clock.advance(601);
    }
    println!("approved, denied, expired: {ends:?}");
    assert!(ends.iter().all(|count| *count > 0), "each end was reached: {ends:?}");
}

/// Two challenges of one action, both approved: it has succeeded once, and neither answer is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_action_is_succeeded_by_one_of_two() {
    let (world, device) = world_with_a_device().await;
    for _ in 0..50 {
        let (token, first) = world.pushed("ada", json!({})).await;
        let second = world.push(&token, json!({})).await.ok();
        let mut running = tokio::task::JoinSet::new();
        for asked in [&first, &second] {
            let (http, auth) = (world.http.clone(), world.tenant_auth());
            let body = device.answer(&text(asked, "challengeId"), true);
            running.spawn(async move {
                http.post("/v1/client/user-authenticators/push/challenge", &auth, body).await.status.as_u16()
            });
        }
        let mut said = running.join_all().await;
        said.sort_unstable();
        assert_eq!(said, [200, 403], "the action is over for the second");
        assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
        world.clock.advance(601);
    }
}
