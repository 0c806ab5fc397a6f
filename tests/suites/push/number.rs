//! Number matching (T22): a guess budget, and the number is nowhere but with its initiator.

use countersign_tests::{World, device::Device};
use serde_json::{Value, json};

use super::{APPROVED, PENDING, standing, text, world_with_a_device};

async fn type_number(world: &World, device: &Device, challenge: &str, number: &str) -> Value {
    let mut body = device.answer(challenge, true);
    body["verificationCode"] = number.into();
    world.answer(device, body).await.ok()
}

fn another(number: &str, index: u32) -> String {
    let wrong = (number.parse::<u32>().unwrap() + 1 + index) % 1_000_000;
    format!("{wrong:06}")
}

#[tokio::test]
async fn the_number_is_carried_over_by_the_person() {
    let (world, device) = world_with_a_device().await;
    let (token, asked) = world.pushed("ada", json!({"numberMatching": true})).await;
    let (challenge, number) = (text(&asked, "challengeId"), text(&asked, "verificationCode"));
    assert!(number.len() == 6 && number.bytes().all(|b| b.is_ascii_digit()), "{number}");
    let shown = world.pending(&device).await;
    assert!(!shown.text().contains(&number), "T22: {}", shown.text());
    assert_eq!(shown.ok()["numberMatching"], true);
    assert_eq!(world.approve(&device, &challenge).await.refusal(), (400, "invalid_request".into()), "none typed");
    let wrong = type_number(&world, &device, &challenge, &another(&number, 0)).await;
    assert_eq!(wrong, json!({"isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED"}));
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);
    assert_eq!(type_number(&world, &device, &challenge, &number).await, json!({"isVerified": true}));
    let answer = world.standing(&token, &challenge).await.ok();
    let validated = world.validate(&text(&answer, "accessToken")).await.ok();
    let key = text(&validated, "idempotencyKey");
    let action = world.http.get(&format!("/v1/users/ada/actions/signIn/{key}"), &world.key()).await.ok();
    assert_eq!(action["output"]["approval"], json!({"numberMatching": true, "signatureV2": false}));
}

#[tokio::test]
async fn a_tenant_may_want_it_always() {
    let (world, device) = world_with_a_device().await;
    let wanted = json!({"pushNumberMatching": "required"});
    world.http.patch("/v1/management/tenant", &world.management(), wanted).await.ok();
    world.clock.advance(31);
    let (token, asked) = world.pushed("ada", json!({"numberMatching": false})).await;
    let challenge = text(&asked, "challengeId");
    type_number(&world, &device, &challenge, &text(&asked, "verificationCode")).await;
    assert_eq!(standing(&world, &token, &challenge).await, APPROVED);
}

/// A question that shows no number was begun before the tenant wanted one: it is not approved any more.
#[tokio::test]
async fn a_question_without_a_number_is_not_approved_once_one_is_wanted() {
    let (world, device) = world_with_a_device().await;
    let (token, asked) = world.pushed("ada", json!({})).await;
    let (_, decided) = world.pushed("ada", json!({})).await;
    let (challenge, decided) = (text(&asked, "challengeId"), text(&decided, "challengeId"));
    world.approve(&device, &decided).await.ok();
    let wanted = json!({"pushNumberMatching": "required"});
    world.http.patch("/v1/management/tenant", &world.management(), wanted).await.ok();
    let refused = world.approve(&device, &challenge).await;
    assert_eq!(refused.refusal(), (403, "forbidden".into()));
    assert!(refused.text().contains("number"), "{}", refused.text());
    assert_eq!(standing(&world, &token, &challenge).await, PENDING);
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    assert_eq!(world.approve(&device, &decided).await.ok(), json!({"isVerified": true}), "what was decided stays");
    assert_eq!(world.deny(&device, &challenge).await.ok(), json!({"isVerified": false}), "no needs no number");
}

/// T06: wrong numbers spend a budget of their own, which no new challenge, device or action resets.
#[tokio::test]
async fn wrong_numbers_spend_the_budget_of_numbers() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let device = world.device("ada", "push").await;
    let (token, asked) = world.pushed("ada", json!({"numberMatching": true})).await;
    let (challenge, number) = (text(&asked, "challengeId"), text(&asked, "verificationCode"));
    for index in 0..10 {
        let said = type_number(&world, &device, &challenge, &another(&number, index)).await;
        assert_eq!(said["failureReason"], "CODE_INVALID_OR_EXPIRED");
    }
    let said = type_number(&world, &device, &challenge, &number).await;
    assert_eq!(said, json!({"isVerified": false, "failureReason": "MAX_ATTEMPTS_EXCEEDED"}), "not even the right one");
    let second = world.device("ada", "push").await;
    let (_, again) = world.pushed("ada", json!({"numberMatching": true})).await;
    for device in [&device, &second] {
        let said = type_number(&world, device, &text(&again, "challengeId"), &text(&again, "verificationCode")).await;
        assert_eq!(said["failureReason"], "MAX_ATTEMPTS_EXCEEDED", "a new challenge is no new budget");
    }
    // Denying is no guess, and codes are another matter.
    assert_eq!(world.deny(&device, &challenge).await.ok(), json!({"isVerified": false}));
    assert_eq!(world.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
    world.clock.advance(301);
    let (token, asked) = world.pushed("ada", json!({"numberMatching": true})).await;
    let challenge = text(&asked, "challengeId");
    assert_eq!(type_number(&world, &device, &challenge, &text(&asked, "verificationCode")).await["isVerified"], true);
    assert_eq!(standing(&world, &token, &challenge).await, APPROVED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_are_bounded() {
    let (world, device) = world_with_a_device().await;
    let other = world.another_process().await;
    for _ in 0..5 {
        let (_, asked) = world.pushed("ada", json!({"numberMatching": true})).await;
        let (challenge, number) = (text(&asked, "challengeId"), text(&asked, "verificationCode"));
        let mut running = tokio::task::JoinSet::new();
        for index in 0..60 {
            let mut body = device.answer(&challenge, true);
            body["verificationCode"] = another(&number, index).into();
            let (http, auth) = ([&world, &other][index as usize % 2].http.clone(), world.tenant_auth());
            running.spawn(async move {
                let path = "/v1/client/user-authenticators/push/challenge";
                http.post(path, &auth, body).await.json()["failureReason"].clone()
            });
        }
        let said = running.join_all().await;
        let looked_at = said.iter().filter(|said| *said == "CODE_INVALID_OR_EXPIRED").count();
        assert_eq!(looked_at, 10, "{said:?}");
        world.clock.advance(601);
    }
}
