//! I1 over the end of an authenticator and of its user: a secret that comes back goes on from its last step.

use countersign_tests::{World, http::Auth, otp};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use super::{Said, guess};

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

async fn add(world: &World, user: &str, secret: &str) -> Value {
    let uri = format!("otpauth://totp/a?secret={secret}");
    let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
    world.http.post(&format!("/v1/users/{user}/authenticators"), &world.key(), body).await.ok()
}

async fn remove(world: &World, user: &str, id: &Value) {
    let path = format!("/v1/users/{user}/authenticators/{}", id.as_str().unwrap());
    world.http.delete(&path, &world.key()).await.ok();
}

async fn answer(world: &World, user: &str, code: &str) -> Said {
    let token = world.token(user, "signIn").await;
    guess(&world.http, &token, code).await
}

/// The one app of a user.
async fn only(world: &World, user: &str) -> Value {
    world.http.get(&format!("/v1/users/{user}/authenticators"), &world.key()).await.ok()[0]["userAuthenticatorId"]
        .clone()
}

#[tokio::test]
async fn removed_and_added_again_a_code_stays_spent() {
    let world = World::start().await;
    let mut id = add(&world, "ada", SECRET).await["authenticator"]["userAuthenticatorId"].clone();
    let code = world.code(SECRET, 0);
    assert_eq!(answer(&world, "ada", &code).await, Said::Right);
    for _ in 0..3 {
        remove(&world, "ada", &id).await;
        id = add(&world, "ada", SECRET).await["authenticator"]["userAuthenticatorId"].clone();
        assert_eq!(answer(&world, "ada", &code).await, Said::Wrong);
        assert_eq!(answer(&world, "ada", &world.code(SECRET, -1)).await, Said::Wrong, "nor an earlier one");
    }
    world.clock.advance(30);
    assert_eq!(answer(&world, "ada", &world.code(SECRET, 0)).await, Said::Right, "the next one is as good as ever");
}

#[tokio::test]
async fn deleted_and_made_again_a_user_s_code_stays_spent() {
    let world = World::start().await;
    add(&world, "ada", SECRET).await;
    let code = world.code(SECRET, 0);
    assert_eq!(answer(&world, "ada", &code).await, Said::Right);
    for life in 0..3 {
        world.http.delete("/v1/users/ada", &world.key()).await.ok();
        add(&world, "ada", SECRET).await;
        assert_eq!(answer(&world, "ada", &code).await, Said::Wrong, "life {life}");
    }
    // Nobody else's, and no other secret's.
    add(&world, "eva", SECRET).await;
    assert_eq!(answer(&world, "eva", &code).await, Said::Right);
    world.http.delete("/v1/users/ada", &world.key()).await.ok();
    let other = BASE32_NOPAD.encode(b"another secret, 20 b");
    add(&world, "ada", &other).await;
    assert_eq!(answer(&world, "ada", &world.code(&other, 0)).await, Said::Right);
}

#[tokio::test]
async fn an_own_enrolment_is_remembered_too() {
    for deleted in [false, true] {
        let world = World::start().await;
        let secret = world.enrolled("ada").await;
        let code = world.code(&secret, 0);
        match deleted {
            true => drop(world.http.delete("/v1/users/ada", &world.key()).await.ok()),
            false => remove(&world, "ada", &only(&world, "ada").await).await,
        }
        add(&world, "ada", &secret).await;
        assert_eq!(answer(&world, "ada", &code).await, Said::Wrong, "deleted: {deleted}");
    }
}

/// A secret that was given out and not confirmed is the same secret where a backend adds it.
#[tokio::test]
async fn what_was_given_out_does_not_begin_at_no_step() {
    // The removal of the last one is a reset, which ends the token; with another left, the token lives.
    for has_phone in [false, true] {
        let world = World::start().await;
        let pending = world.token("ada", "enrol").await;
        let secret = world.enroll(&pending).await.ok()["secret"].as_str().unwrap().to_owned();
        let app = add(&world, "ada", &secret).await["authenticator"]["userAuthenticatorId"].clone();
        if has_phone {
            world.device("ada", "push").await;
        }
        let code = world.code(&secret, 0);
        assert_eq!(answer(&world, "ada", &code).await, Said::Right);
        remove(&world, "ada", &app).await;
        let said = world.verify(&pending, &code).await;
        assert_eq!(said.status.as_u16(), if has_phone { 200 } else { 401 }, "{}", said.text());
        assert_ne!(said.json()["isVerified"], true, "phone: {has_phone}");
        assert_ne!(world.state(&pending).await, "CHALLENGE_SUCCEEDED");
    }
}

/// It is kept for an hour, which no window is as wide as, and swept then.
#[tokio::test]
async fn what_is_remembered_ends() {
    let world = World::start().await;
    let id = add(&world, "ada", SECRET).await["authenticator"]["userAuthenticatorId"].clone();
    assert_eq!(answer(&world, "ada", &world.code(SECRET, 0)).await, Said::Right);
    remove(&world, "ada", &id).await;
    world.http.delete("/v1/users/ada", &world.key()).await.ok();
    let items: Vec<(String, String)> = super::table::dump(&world).into_keys().collect();
    assert!(!items.iter().any(|(pk, _)| pk.contains("ada")), "the user has left nothing by its name: {items:?}");
    let spent: Vec<_> = items.iter().filter(|(_, sk)| sk == "SPENT").collect();
    assert_eq!(spent.len(), 1, "{items:?}");
    let ttl = super::table::dump(&world)[spent[0]]["ttl"]["N"].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(ttl, world.now() + 3600);
    // A clock that is set back would let an old code in again; what is over does not count, whether it is swept or not.
    let then = world.now();
    world.clock.advance(3600);
    add(&world, "ada", SECRET).await;
    world.clock.set(then);
    assert_eq!(answer(&world, "ada", &world.code(SECRET, 0)).await, Said::Right);
}

/// Removing, adding, deleting and verifying at once and under faults: a code is one success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_at_once_a_code_is_one_success() {
    let world = World::start().await;
    let second = world.another_process().await;
    for round in 0..40_u64 {
        let user = format!("user{round}");
        add(&world, &user, SECRET).await;
        world.faults.weather(round, 5);
        second.faults.weather(!round, 5);
        let mut running = tokio::task::JoinSet::new();
        for (index, process) in [&world, &second, &world, &second].into_iter().enumerate() {
            let (http, key, user, clock) = (process.http.clone(), process.key(), user.clone(), world.clock.clone());
            running.spawn(async move {
                let mut right = 0;
                let all = format!("/v1/users/{user}/authenticators");
                for turn in 0..6 {
                    let tracked = http.post(&format!("/v1/users/{user}/actions/signIn"), &key, json!({})).await.json();
                    if let Some(token) = tracked["token"].as_str() {
                        let body = json!({"verificationCode": otp::totp(SECRET, clock.now().as_second())});
                        let said = http.post("/v1/client/verify/totp", &Auth::Token(token.into()), body).await.json();
                        right += i32::from(said["isVerified"] == true);
                    }
                    let listed = http.get(&all, &key).await.json();
                    let id = listed[0]["userAuthenticatorId"].as_str().map(str::to_owned);
                    match (id, (index + turn) % 3) {
                        (_, 0) => drop(http.delete(&format!("/v1/users/{user}"), &key).await),
                        (Some(id), _) => drop(http.delete(&format!("{all}/{id}"), &key).await),
                        (None, _) => {}
                    }
                    let uri = format!("otpauth://totp/a?secret={SECRET}");
                    let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
                    http.post(&all, &key, body).await;
                }
                right
            });
        }
        let right: i32 = running.join_all().await.into_iter().sum();
        world.faults.clear();
        second.faults.clear();
        // An acceptance whose answer was lost may be told to nobody; never is it told twice.
        assert!(right <= 1, "round {round}: {right} successes");
    }
}
