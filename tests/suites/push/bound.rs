//! What a device has decided is decided for one action: asked for another one, the same answer gives nothing (T09).

use countersign_tests::{
    World,
    device::Device,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::text;

const ACTIONS: &str = "/v1/management/action-configurations";

/// A question that an app begins before it has a token, as the SDKs do: it is about no action yet.
async fn begin(world: &World) -> String {
    text(&world.http.post("/v1/client/challenge", &world.tenant_auth(), json!({})).await.ok(), "challengeId")
}

async fn sign_in(world: &World, device: &Device, challenge: &str, token: &str) -> Answer {
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(challenge)});
    world.http.post("/v1/client/verify/in-app", &Auth::Token(token.into()), body).await
}

async fn configure(world: &World, code: &str, change: Value) {
    world.http.post(ACTIONS, &world.management(), json!({"actionCode": code})).await.ok();
    world.http.patch(&format!("{ACTIONS}/{code}"), &world.management(), change).await.ok();
}

#[track_caller]
fn assert_refused(answer: &Answer, of: &str) {
    assert!(matches!(answer.refusal().0, 403 | 409), "{of}: {}", answer.text());
}

#[tokio::test]
async fn an_answer_of_an_app_answers_one_action_and_no_other() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let device = world.device("ada", "in-app").await;
    configure(&world, "apps", json!({"verificationMethods": ["AUTHENTICATOR_APP"]})).await;
    configure(&world, "blocked", json!({"defaultUserActionResult": "BLOCK"})).await;
    configure(&world, "held", json!({"defaultUserActionResult": "REVIEW"})).await;
    configure(&world, "free", json!({"defaultUserActionResult": "ALLOW"})).await;
    let first = world.token("ada", "signIn").await;
    let challenge = begin(&world).await;
    let signed_in = text(&sign_in(&world, &device, &challenge, &first).await.ok(), "token");
    for code in ["signIn", "pay", "apps", "blocked", "held", "free"] {
        let other = world.token("ada", code).await;
        let before = world.state(&other).await;
        assert_refused(&sign_in(&world, &device, &challenge, &other).await, code);
        assert_eq!(world.state(&other).await, before, "{code}");
    }
    // Nor one that has succeeded by something else.
    let by_app = world.token("ada", "signIn").await;
    world.verify(&by_app, &world.code(&secret, 0)).await.ok();
    assert_refused(&sign_in(&world, &device, &challenge, &by_app).await, "by the app");
    // The same again, after a lost answer, is the same answer.
    assert_eq!(text(&sign_in(&world, &device, &challenge, &first).await.ok(), "token"), signed_in);
    // A method that answers no more does not say again that it has.
    let path = "/v1/management/authenticator-configurations/IN_APP";
    world.http.patch(path, &world.management(), json!({"isActive": false})).await.ok();
    assert_eq!(sign_in(&world, &device, &challenge, &first).await.refusal().0, 403, "switched off");
}

/// Without a token, the answer makes or succeeds the action that was named, and asked again it is that one.
#[tokio::test]
async fn an_action_that_was_named_is_handed_out_again_and_another_is_not() {
    let world = World::start().await;
    let device = world.device("ada", "in-app").await;
    let tracked = text(&world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok(), "token");
    let basic = world.tenant_auth();
    let named = json!({"action": "pay", "idempotencyKey": "k"});
    let challenge = text(&world.http.post("/v1/client/challenge", &basic, named).await.ok(), "challengeId");
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(&challenge)});
    let said = world.http.post("/v1/client/verify/in-app", &basic, body.clone()).await.ok();
    let again = world.http.post("/v1/client/verify/in-app", &basic, body).await.ok();
    assert_eq!(text(&again, "token"), text(&said, "token"));
    assert_eq!(world.state(&tracked).await, "CHALLENGE_SUCCEEDED");
    let other = world.token("ada", "pay").await;
    assert_refused(&sign_in(&world, &device, &challenge, &other).await, "another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_action_is_answered() {
    let world = World::start().await;
    let process = world.another_process().await;
    let device = world.device("ada", "in-app").await;
    let mut tokens = Vec::new();
    for _ in 0..30 {
        tokens.push(world.token("ada", "signIn").await);
    }
    let challenge = begin(&world).await;
    let each = tokens.iter().enumerate().map(|(index, token)| {
        let world = [&world, &process][index % 2];
        sign_in(world, &device, &challenge, token)
    });
    let answers = futures_util::future::join_all(each).await;
    let answered: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(answered.len(), 1, "{:?}", answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>());
    let mut succeeded = 0;
    for token in &tokens {
        succeeded += usize::from(world.state(token).await == "CHALLENGE_SUCCEEDED");
    }
    assert_eq!(succeeded, 1);
}
