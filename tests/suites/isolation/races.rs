//! Two things at once on one user (security.md, T14, T34).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign_tests::{
    World,
    faults::{Fault, Mutated},
    http::Auth,
};
use serde_json::{Value, json};

use super::scene::Scene;

/// An offer for each of two tokens, begun one after the other; gives tokens and secrets.
async fn two_offers(world: &World) -> [(String, String); 2] {
    let mut offers = Vec::new();
    for action in ["one", "two"] {
        let token = world.token("ada", action).await;
        let secret = world.enroll(&token).await.ok()["secret"].as_str().unwrap().to_owned();
        offers.push((token, secret));
    }
    offers.try_into().expect("two")
}

async fn authenticators(world: &World) -> usize {
    world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok().as_array().unwrap().len()
}

#[tokio::test]
async fn of_two_first_enrolments_the_later_wins() {
    let world = World::start().await;
    let [(first, secret_of_first), (second, secret)] = two_offers(&world).await;
    let verify =
        async |token: &str, secret: &str| world.verify(token, &world.code(secret, 0)).await.ok()["isVerified"] == true;
    assert!(!verify(&first, &secret_of_first).await, "the second offer took the place of the first");
    assert!(!verify(&first, &secret).await, "an offer is completed by a token of its own action");
    assert!(verify(&second, &secret).await);
    assert_eq!(authenticators(&world).await, 1);
    assert_eq!(world.enroll(&first).await.refusal(), (403, "forbidden".into()), "the user is enrolled by now");
}

/// T14: a thief and the owner both hold a token from before the first enrolment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_first_enrolments_at_once_one_wins() {
    let mut enrolled = 0;
    for _ in 0..40 {
        let world = World::start().await;
        let other = world.another_process().await;
        let mut running = tokio::task::JoinSet::new();
        for (index, server) in [&world, &other, &world, &other].into_iter().enumerate() {
            let token = world.token("ada", &format!("action{index}")).await;
            let (http, now) = (server.http.clone(), world.now());
            running.spawn(async move {
                let auth = Auth::Token(token);
                let offer = http.post("/v1/client/user-authenticators/totp", &auth, json!({})).await;
                let Some(secret) = offer.json()["secret"].as_str().map(str::to_owned) else { return false };
                let code = json!({"verificationCode": countersign_tests::otp::totp(&secret, now)});
                let verdict = http.post("/v1/client/verify/totp", &auth, code).await;
                assert_eq!(verdict.status, 200, "{}", verdict.text());
                verdict.json()["isVerified"] == true
            });
        }
        let won = running.join_all().await.into_iter().filter(|won| *won).count();
        assert!(won <= 1, "{won} first enrolments");
        assert_eq!(authenticators(&world).await, won);
        enrolled += won;
    }
    assert!(enrolled > 0, "nobody ever wins, so this proves nothing");
}

/// Calls the other process in the moment between the reservation of a guess and its acceptance.
fn between(world: &World, other: World, method: &'static str, path: String) -> Arc<AtomicBool> {
    let done = Arc::new(AtomicBool::new(false));
    let seen = done.clone();
    world.faults.mutate(Arc::new(move |operation: &str, request: Value| {
        if operation == "TransactWriteItems" && !seen.swap(true, Ordering::SeqCst) {
            tokio::task::block_in_place(|| {
                let key = other.key();
                let call = other.http.call(method, &path, &key, None);
                tokio::runtime::Handle::current().block_on(call).ok()
            });
        }
        Mutated::Send(request)
    }));
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_authenticator_removed_during_its_verification_verifies_nothing() {
    let scene = Scene::set().await;
    let world = &scene.world;
    let path = format!("/v1/users/ada/authenticators/{}", scene.authenticator);
    let before = authenticators(world).await;
    let done = between(world, world.another_process().await, "DELETE", path);
    let verdict = world.verify(&scene.token, &world.code(&scene.secret, 0)).await.ok();
    assert!(done.load(Ordering::SeqCst), "the removal came in between");
    assert_eq!(verdict, json!({"isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED"}));
    assert_eq!(world.state(&scene.token).await, "CHALLENGE_REQUIRED");
    assert_eq!(authenticators(world).await, before - 1, "and it does not come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_deleted_during_a_verification_is_not_verified() {
    let scene = Scene::set().await;
    let world = &scene.world;
    let done = between(world, world.another_process().await, "DELETE", "/v1/users/ada".into());
    let verdict = world.verify(&scene.token, &world.code(&scene.secret, 0)).await;
    assert!(done.load(Ordering::SeqCst), "the deletion came in between");
    assert_ne!(verdict.json()["isVerified"], true, "{}", verdict.text());
    assert!(!verdict.status.is_server_error(), "{}", verdict.text());
    assert_eq!(world.validate(&scene.token).await.ok()["isValid"], false);
    assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok().get("createdAt"), None, "it is not made again");
}

/// Whichever comes first, a user that is gone at the end has nothing, and its tokens are worth nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deletion_and_anything_at_once_leave_a_whole_user_or_none() {
    for round in 0..30 {
        let scene = Scene::set().await;
        let other = scene.world.another_process().await;
        scene.world.faults.fail(round % 5, 3, Fault::Delay);
        let code = scene.world.code(&scene.secret, 0);
        let profile = json!({"email": "ada@example.com"});
        let key = other.key();
        let (verdict, patched, deleted) = tokio::join!(
            scene.world.verify(&scene.token, &code),
            scene.world.http.patch("/v1/users/ada", &key, profile),
            other.http.delete("/v1/users/ada", &key),
        );
        deleted.ok();
        for answer in [&verdict, &patched] {
            assert!(!answer.status.is_server_error(), "{}", answer.text());
        }
        let user = other.http.get("/v1/users/ada", &key).await.ok();
        assert_eq!(user["isEnrolled"], false, "round {round}: {user}");
        assert_eq!(other.validate(&scene.token).await.ok()["isValid"], false, "round {round}");
        assert_eq!(authenticators(&other).await, 0, "round {round}");
        let found = other.http.get("/v1/users?email=ada%40example.com", &key).await.ok();
        let found = found["users"].as_array().unwrap().len();
        assert_eq!(found, usize::from(user.get("email").is_some()), "round {round}: the contact finds who has it");
    }
}
