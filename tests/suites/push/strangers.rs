//! Questions that anybody may begin who knows the tenant's id: bounded by where they come from (T25), and soon forgotten.

use std::net::Ipv4Addr;

use countersign_core::source::{PER_SOURCE, TOTAL, WINDOW_SECONDS};
use countersign_local::embedded::TABLE;
use countersign_tests::{
    World,
    http::{Answer, Auth, Http},
};
use serde_json::{Value, json};

use super::text;

/// Somebody at another address of this machine.
fn at(world: &World, last: u8) -> Http {
    Http::from(world.address(), Ipv4Addr::new(127, 0, 0, last).into())
}

async fn show(http: &Http, auth: &Auth) -> Answer {
    http.post("/v1/client/challenge/qr-code", auth, json!({"action": "signIn"})).await
}

async fn begin(http: &Http, auth: &Auth) -> Answer {
    http.post("/v1/client/challenge", auth, json!({"action": "signIn"})).await
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.refusal(), (429, "too_many_requests".into()));
    let wait: i64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=WINDOW_SECONDS).contains(&wait), "{wait}");
}

fn call(world: &World, operation: &str, request: &Value) -> Value {
    let answer = world.embedded.answer(operation, request.to_string().as_bytes());
    serde_json::from_slice(answer.body().bytes().expect("bytes")).expect("JSON")
}

fn items(world: &World) -> Vec<Value> {
    call(world, "Scan", &json!({"TableName": TABLE}))["Items"].as_array().expect("items").clone()
}

pub fn challenges(world: &World) -> Vec<Value> {
    items(world).into_iter().filter(|item| item["sk"]["S"] == "CHALLENGE").collect()
}

fn number(value: &Value) -> i64 {
    value["N"].as_str().expect("a number").parse().expect("a number")
}

/// Whatever it begins, one source has one budget; another source has its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_source_begins_so_much_and_no_more() {
    let world = World::start().await;
    let (noisy, other, tenant) = (at(&world, 7), at(&world, 8), world.tenant_auth());
    let process = world.another_process().await;
    let elsewhere = Http::from(process.address(), Ipv4Addr::new(127, 0, 0, 7).into());
    let asked = (0..3 * PER_SOURCE).map(|index| {
        let (http, auth) = (if index % 2 == 0 { &noisy } else { &elsewhere }, &tenant);
        async move { if index % 3 == 0 { begin(http, auth).await } else { show(http, auth).await } }
    });
    let answers = futures_util::future::join_all(asked).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken as u64, PER_SOURCE);
    answers.iter().filter(|answer| answer.status != 200).for_each(assert_refused);
    assert_eq!(challenges(&world).len(), taken, "what was refused was not written");
    show(&other, &tenant).await.ok();
    let wait: i64 = show(&noisy, &tenant).await.headers["retry-after"].to_str().unwrap().parse().unwrap();
    world.clock.advance(wait - 1);
    assert_refused(&show(&noisy, &tenant).await);
    world.clock.advance(1);
    show(&noisy, &tenant).await.ok();
}

/// With a token it is the action of the token that has the budget, wherever the request comes from: whoever has a token of
/// a user, got by the password or by an action that was let through, takes nothing from another of the user's actions,
/// nor from what the user's devices begin.
#[tokio::test]
async fn with_a_token_its_action_has_the_budget() {
    let world = World::start().await;
    for kind in ["qr-code", "in-app"] {
        world.device("ada", kind).await;
    }
    let thiefs = Auth::Token(world.token("ada", "signIn").await);
    for index in 0..PER_SOURCE {
        let http = at(&world, u8::try_from(index % 200 + 2).unwrap());
        show(&http, &thiefs).await.ok();
    }
    assert_refused(&show(&world.http, &thiefs).await);
    assert_refused(&begin(&at(&world, 9), &thiefs).await);
    let adas = Auth::Token(world.token("ada", "signIn").await);
    for auth in [&adas, &world.tenant_auth()] {
        show(&world.http, auth).await.ok();
        begin(&world.http, auth).await.ok();
    }
}

/// Nobody writes by asking for something to sign, and nobody takes from a device what it was given.
#[tokio::test]
async fn a_stranger_takes_no_message_from_a_device() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    let path = "/v1/client/user-authenticators/push/challenge";
    let sign = format!("{path}/sign?{}", device.query());
    let given = async |http: &Http| text(&http.post(&sign, &world.tenant_auth(), json!({})).await.ok(), "message");
    let ask = async |signature: &str| {
        let (path, headers) = (format!("{path}?{}", device.query()), [("x-authsignal-signature", signature)]);
        world.http.raw("GET", &path, &world.tenant_auth(), &headers, Vec::new()).await
    };
    for wait in [0, 20, 31, 59] {
        world.clock.advance(wait);
        let before = items(&world);
        let message = given(&world.http).await;
        for second in 0..59 {
            given(&at(&world, 9)).await;
            assert_eq!(ask(&device.sign(&message)).await.status, 200, "after {second} s, from {wait}");
            world.clock.advance(1);
        }
        assert_eq!(items(&world), before, "nothing is written");
        world.clock.advance(61);
        assert_eq!(ask(&device.sign(&message)).await.refusal(), (403, "invalid_credential".into()), "it is over");
    }
    let other = world.device("ada", "push").await;
    let message = given(&world.http).await;
    assert_eq!(ask(&other.sign(&message)).await.refusal(), (403, "invalid_credential".into()), "of another key");
    let path = format!("{path}?{}", other.query());
    let signature = other.sign(&message);
    let headers = [("x-authsignal-signature", signature.as_str())];
    let answer = world.http.raw("GET", &path, &world.tenant_auth(), &headers, Vec::new()).await;
    assert_eq!(answer.refusal(), (403, "invalid_credential".into()), "it was given to another");
}

/// What a device asks for to sign is no way around it.
#[tokio::test]
async fn what_a_device_signs_for_an_update_is_bounded_too() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    let path = format!("/v1/client/user-authenticators/push/sign?{}", device.query());
    for _ in 0..PER_SOURCE {
        world.http.post(&path, &world.tenant_auth(), json!({})).await.ok();
    }
    assert_refused(&world.http.post(&path, &world.tenant_auth(), json!({})).await);
    at(&world, 9).post(&path, &world.tenant_auth(), json!({})).await.ok();
}

/// While many sources together begin too much, those that are new wait, and those that are known do not.
#[tokio::test]
async fn a_flood_stops_no_source_that_is_known() {
    let world = World::start().await;
    let (known, fresh, tenant) = (at(&world, 7), at(&world, 8), world.tenant_auth());
    show(&known, &tenant).await.ok();
    world.clock.advance(2 * 3600);
    show(&fresh, &tenant).await.ok();
    let total = items(&world).into_iter().rfind(|item| item["sk"]["S"].as_str().unwrap().starts_with("TOTAL"));
    let mut total = total.expect("a total");
    total["c"] = json!({"N": TOTAL.to_string()});
    call(&world, "PutItem", &json!({"TableName": TABLE, "Item": total}));
    assert_refused(&show(&at(&world, 9), &tenant).await);
    assert_refused(&begin(&fresh, &tenant).await);
    show(&known, &tenant).await.ok();
    // A caller with a user token has no budget of strangers, because the backend knows the user.
    world.device("ada", "qr-code").await;
    show(&at(&world, 9), &Auth::Token(world.token("ada", "signIn").await)).await.ok();
    // Another tenant has its own.
    let other = countersign_tests::add_tenant(&world.app, "t2").await;
    show(&at(&world, 9), &Auth::Key(other.tenant_id.to_string())).await.ok();
    world.clock.advance(WINDOW_SECONDS);
    show(&fresh, &tenant).await.ok();
}

/// A question that nobody answers is soon forgotten; an answer is kept as long as its action.
#[tokio::test]
async fn what_nobody_answers_is_soon_forgotten() {
    let world = World::start().await;
    let device = world.device("ada", "qr-code").await;
    let now = world.now();
    let shown = show(&world.http, &world.tenant_auth()).await.ok();
    let item = challenges(&world).remove(0);
    assert_eq!(number(&item["ttl"]), now + 540 + 3600);
    let challenge = text(&shown, "challengeId");
    let body = json!({"challengeId": challenge, "publicKey": device.public_key, "signature": device.sign(&challenge)});
    let path = "/v1/client/user-authenticators/qr-code/challenge/claim";
    world.http.post(path, &world.tenant_auth(), body).await.ok();
    world.approve(&device, &challenge).await.ok();
    let item = challenges(&world).remove(0);
    assert_eq!(number(&item["ttl"]), now + 31 * 24 * 3600);
    let is_budget = |item: &Value| item["pk"]["S"].as_str().unwrap().starts_with("T#t1#S");
    let budgets = items(&world).into_iter().filter(is_budget);
    let kept: Vec<i64> = budgets.map(|item| number(&item["ttl"]) - now).collect();
    assert!(kept.len() == 2 && kept.iter().all(|kept| *kept < 2 * 24 * 3600), "{kept:?}");
}
