//! What becomes of a challenge while the queue to the push services takes nothing: what its kind says, where the user
//! has no other way to answer, and never an enforcement passed by.

use countersign_core::app::CACHE_SECONDS;
use countersign_tests::{
    World,
    device::Device,
    faults::Fault,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::{APP, enforce, table::dump, text};

const CONFIGURATIONS: &str = "/v1/management/action-configurations";

/// Kinds of action named after their mode, and Ada with a phone that pushes reach; and a process whose queue is down.
async fn world() -> (World, World, Device) {
    let world = World::start().await;
    for (code, mode) in [("closed", json!("closed")), ("review", json!("review")), ("open", json!("open"))] {
        let body = json!({"actionCode": code, "failureMode": mode, "defaultUserActionResult": "CHALLENGE"});
        world.http.post(CONFIGURATIONS, &world.management(), body).await.ok();
    }
    let device = world.device_with("ada", "push", json!({"pushToken": "token"})).await;
    let down = world.without_queue().await;
    (world, down, device)
}

/// Tracks with the code as the idempotency key; the token.
async fn begun(world: &World, code: &str) -> String {
    let tracked = world.track("ada", code, json!({"idempotencyKey": code})).await.ok();
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED", "{tracked}");
    text(&tracked, "token")
}

async fn stored(world: &World, code: &str) -> Value {
    world.http.get(&format!("/v1/users/ada/actions/{code}/{code}"), &world.key()).await.ok()
}

fn is_decided(answer: &Answer, state: &str) {
    assert_eq!(answer.refusal(), (409, "conflict".into()), "{}", answer.text());
    assert!(answer.text().contains(&format!("it is {state} now")), "{}", answer.text());
    assert!(!answer.headers.contains_key("retry-after"), "asking again is of no use");
}

/// The question fails, and nothing has changed.
async fn stays_open(down: &World, token: &str) {
    let before = dump(down);
    let refused = down.push(token, json!({})).await;
    assert_eq!(refused.refusal(), (503, "service_unavailable".into()), "{}", refused.text());
    assert!(refused.headers.contains_key("retry-after"));
    assert!(dump(down) == before, "something was written");
}

#[tokio::test]
async fn each_kind_fails_as_it_says_and_it_is_written_down() {
    for (code, state) in [("review", "REVIEW_REQUIRED"), ("open", "ALLOW")] {
        let (world, down, _) = world().await;
        let token = begun(&world, code).await;
        is_decided(&down.push(&token, json!({})).await, state);
        let stored = stored(&world, code).await;
        assert_eq!((&stored["state"], &stored["failure"]), (&json!(state), &json!("provider_unavailable")));
        let valid = world.validate(&token).await.ok();
        assert_eq!((&valid["isValid"], &valid["state"]), (&json!(false), &json!(state)), "nobody proved anything");
        // Asked again, also when the queue is back, and tracked again: the same.
        is_decided(&down.push(&token, json!({})).await, state);
        is_decided(&world.push(&token, json!({})).await, state);
        let again = world.track("ada", code, json!({"idempotencyKey": code})).await.ok();
        assert_eq!(again["state"], state);
        // The next one is asked as ever.
        let next = world.token("ada", code).await;
        world.push(&next, json!({})).await.ok();
        assert_eq!(world.state(&next).await, "CHALLENGE_REQUIRED");
    }
    let (world, down, device) = world().await;
    for code in ["closed", "never-configured"] {
        let token = begun(&world, code).await;
        stays_open(&down, &token).await;
        assert!(stored(&world, code).await.get("failure").is_none());
        let challenge = text(&world.push(&token, json!({})).await.ok(), "challengeId");
        world.approve(&device, &challenge).await.ok();
        assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED", "{code}: the way stays open");
    }
}

#[tokio::test]
async fn who_can_answer_in_another_way_is_still_asked_to() {
    let (world, down, _) = world().await;
    let token = text(&world.track("ada", "enrol", json!({"scope": "add:authenticators"})).await.ok(), "token");
    let secret = text(&world.enroll(&token).await.ok(), "secret");
    world.verify(&token, &world.code(&secret, 0)).await.ok();
    world.clock.advance(60);
    let open = begun(&world, "open").await;
    stays_open(&down, &open).await;
    world.verify(&open, &world.code(&secret, 0)).await.ok();
    assert_eq!(world.state(&open).await, "CHALLENGE_SUCCEEDED");
    // An app that may not answer is no other way.
    let only_push = json!({"verificationMethods": ["PUSH"]});
    world.http.patch(&format!("{CONFIGURATIONS}/review"), &world.management(), only_push).await.ok();
    let review = begun(&world, "review").await;
    is_decided(&down.push(&review, json!({})).await, "REVIEW_REQUIRED");

    let (world, down, _) = self::world().await;
    world.device("ada", "qr-code").await;
    stays_open(&down, &begun(&world, "open").await).await;
}

#[tokio::test]
async fn an_enforcement_is_never_passed_by() {
    let (world, down, _) = world().await;
    let (open, review) = (begun(&world, "open").await, begun(&world, "review").await);
    // This process has a copy from before.
    down.validate("warm").await;
    down.push(&begun(&world, "closed").await, json!({})).await;
    enforce(&world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
    stays_open(&down, &open).await;
    is_decided(&down.push(&review, json!({})).await, "REVIEW_REQUIRED");
}

#[tokio::test]
async fn a_set_up_that_is_required_is_asked_for_all_the_same() {
    let (world, down, _) = world().await;
    let enabled = json!({"enabled": true});
    world.http.patch(&format!("/v1/management/required-actions/{APP}"), &world.management(), enabled).await.ok();
    world.http.call("PUT", &format!("/v1/users/ada/required-actions/{APP}"), &world.key(), None).await.ok();
    stays_open(&down, &begun(&world, "open").await).await;
    is_decided(&down.push(&begun(&world, "review").await, json!({})).await, "REVIEW_REQUIRED");
}

/// Also where the store fails at each of its calls, and where its answer is lost.
#[tokio::test]
async fn what_cannot_be_written_down_decides_nothing() {
    let (world, down, _) = world().await;
    for failing in 0..4 {
        for fault in [Fault::ErrorBefore, Fault::DropBefore] {
            let token = world.token("ada", "open").await;
            // What is configured is in the cache, as ever.
            down.push(&world.token("ada", "closed").await, json!({})).await;
            down.faults.fail(failing, usize::MAX, fault);
            let answer = down.push(&token, json!({})).await;
            let calls = down.faults.calls();
            down.faults.clear();
            if calls.len() > failing {
                assert_eq!(answer.refusal().0, 503, "{calls:?}");
                assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED", "{calls:?}");
            } else {
                assert_eq!(calls, ["BatchGetItem", "GetItem", "UpdateItem"]);
                is_decided(&answer, "ALLOW");
            }
        }
    }
    let token = begun(&world, "open").await;
    down.faults.fail(2, 1, Fault::DropAfter);
    is_decided(&down.push(&token, json!({})).await, "ALLOW");
    down.faults.clear();
    assert_eq!(stored(&world, "open").await["failure"], "provider_unavailable");
}

/// An approval of an earlier question, and two that fail: one end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_at_the_same_moment_stands_or_comes_too_late() {
    let (world, down, device) = world().await;
    let mut ends = [0; 2];
    for round in 0..100 {
        let token = world.token("ada", "open").await;
        let challenge = text(&world.push(&token, json!({})).await.ok(), "challengeId");
        let ask = |world: &World| {
            let (http, auth) = (world.http.clone(), Auth::Token(token.clone()));
            tokio::spawn(async move { http.post("/v1/client/challenge/push", &auth, json!({})).await })
        };
        let answer = || {
            let (http, auth, body) = (world.http.clone(), world.tenant_auth(), device.answer(&challenge, true));
            let path = "/v1/client/user-authenticators/push/challenge";
            tokio::spawn(async move { http.post(path, &auth, body).await })
        };
        let (approval, asked) = if round % 2 == 0 {
            let asked = [ask(&down), ask(&down)];
            (answer(), asked)
        } else {
            let approval = answer();
            (approval, [ask(&down), ask(&down)])
        };
        let approved = approval.await.expect("an answer").status == 200;
        for one in asked {
            let refused = one.await.expect("an answer");
            match approved {
                true => assert!(matches!(refused.refusal().0, 403 | 503), "{}", refused.text()),
                false => is_decided(&refused, "ALLOW"),
            }
        }
        assert_eq!(world.state(&token).await, if approved { "CHALLENGE_SUCCEEDED" } else { "ALLOW" });
        ends[usize::from(approved)] += 1;
        world.clock.advance(601.max(CACHE_SECONDS));
    }
    assert!(ends.iter().all(|count| *count > 0), "each end was reached: {ends:?}");
}

/// The hosted page leads on to what was decided.
#[tokio::test]
async fn the_page_shows_what_was_decided() {
    let (world, down, _) = world().await;
    for (code, shown) in [("review", "Under review"), ("open", "All is well")] {
        let token = begun(&world, code).await;
        let asked = down.answer_page(&token, "phone", "").await;
        assert_eq!(asked.status, 303, "{}", asked.text());
        let page = down.page("/challenge", &token).await.text();
        assert!(page.contains(shown), "{page}");
    }
}
