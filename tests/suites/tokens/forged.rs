//! The corpus against every place that takes a token (security.md, T11).

use aws_lc_rs::digest;
use countersign_tests::{World, add_tenant, http::Auth};
use serde_json::{Value, json};

use super::{
    corpus::{self, Forger},
    forge::{Parts, true_key},
};

async fn forger(world: &World) -> Forger {
    let other = Auth::Key(add_tenant(&world.app, "t2").await.secret_key);
    let scope = json!({"idempotencyKey": "k1", "scope": "read:authenticators add:authenticators"});
    let token = |tracked: Value| tracked["token"].as_str().expect("a token").to_owned();
    let mine = token(world.track("ada", "pay", scope.clone()).await.ok());
    let other_token = token(world.http.post("/v1/users/ada/actions/pay", &other, scope).await.ok());
    let hash = digest::digest(&digest::SHA256, world.tenant.secret_key.as_bytes());
    let known =
        ["", "secret", "t1", "t1.1", "countersign", &world.tenant.secret_key, &world.tenant.management_key, &mine];
    let mut known: Vec<Vec<u8>> = known.iter().map(|text| text.as_bytes().to_vec()).collect();
    known.extend([vec![0; 32], vec![0; 64], hash.as_ref().to_vec()]);
    known.swap(0, 1);
    Forger {
        key: true_key(world, &world.app, "t1", 0).await,
        other_key: true_key(world, &world.app, "t2", 0).await,
        token: mine,
        other_token,
        known,
    }
}

/// The forger's key is the true one: what is refused below is refused for what it says.
#[tokio::test]
async fn a_token_made_by_hand_as_it_should_be_is_one() {
    let world = World::start().await;
    let forger = forger(&world).await;
    let parts = Parts::of(&forger.token);
    assert_eq!(parts.signed(&forger.key), forger.token);
    let reordered = parts.claiming(parts.claims()).signed(&forger.key);
    assert_eq!(world.state(&reordered).await, "ALLOW");
    world.enroll(&reordered).await.ok();
    // The header is ours to the byte, or it is not ours.
    let headed = parts.headed(parts.header()).signed(&forger.key);
    assert_ne!(headed, forger.token);
    assert_eq!(world.state(&headed).await, "none");
}

#[tokio::test]
async fn what_is_not_ours_opens_nothing() {
    let world = World::start().await;
    let forger = forger(&world).await;
    let corpus = corpus::all(&forger);
    assert!(corpus.len() >= 150, "{}", corpus.len());
    let calls = [
        ("GET", "/v1/client/user-authenticators", None),
        ("POST", "/v1/client/user-authenticators/totp", Some(json!({}))),
        ("POST", "/v1/client/verify/totp", Some(json!({"verificationCode": "000000"}))),
    ];
    let mut opened = Vec::new();
    for (what, token) in &corpus {
        assert_ne!(*token, forger.token, "{what}");
        // What cannot be sent in a header is sent in a body below.
        if token.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            for (method, path, body) in &calls {
                let answer = world.http.call(method, path, &Auth::Token(token.clone()), body.clone()).await;
                let refused = answer.status == 401
                    && ["invalid_token", "expired_token"].map(Some).contains(&answer.json()["errorCode"].as_str());
                if !refused {
                    opened.push(format!("{what} at {path}: {}", answer.text()));
                }
            }
        }
        let validated = world.validate(token).await;
        if validated.status != 200 || validated.json()["isValid"] != false || validated.json().get("state").is_some() {
            opened.push(format!("{what} at /v1/validate: {}", validated.text()));
        }
        let page = world
            .http
            .raw(
                "POST",
                "/challenge",
                &Auth::None,
                &[("content-type", "application/x-www-form-urlencoded")],
                format!("token={}&code=000000", countersign_tests::http::segment(token)).into_bytes(),
            )
            .await;
        if page.status != 401 {
            opened.push(format!("{what} at /challenge: {}", page.status));
        }
    }
    assert!(opened.is_empty(), "{} of {} tokens are believed:\n{}", opened.len(), corpus.len(), opened.join("\n"));
    let user = world.http.get("/v1/users/ada", &world.key()).await.ok();
    assert_eq!(user["isEnrolled"], false);
}

/// A true token of another tenant, to this tenant's backend, is no token.
#[tokio::test]
async fn another_tenants_token_is_nothing_here() {
    let world = World::start().await;
    let forger = forger(&world).await;
    let answer = world.validate(&forger.other_token).await.ok();
    assert_eq!((&answer["isValid"], answer.get("state"), answer.get("userId")), (&json!(false), None, None));
    let as_mine = world.http.get("/v1/client/user-authenticators", &Auth::Token(forger.other_token)).await.ok();
    assert_eq!(as_mine, json!([]), "on the client API it is its own tenant's");
}

/// The true key signs for an action that is not there, or for another life of it: nothing is won by that.
#[tokio::test]
async fn a_token_of_an_action_that_is_not_there_is_worth_nothing() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let forger = forger(&world).await;
    let parts = Parts::of(&forger.token);
    for (path, value) in [("/jti", "0"), ("/other/idempotencyKey", "k2"), ("/other/actionCode", "signIn")] {
        let mut claims = parts.claims();
        *claims.pointer_mut(path).expect("a claim") = json!(value);
        let token = parts.claiming(claims).signed(&forger.key);
        assert_eq!(world.enroll(&token).await.refusal(), (401, "invalid_token".into()), "{path}");
        assert_ne!(world.verify(&token, &world.code(&secret, 0)).await.json()["isVerified"], true, "{path}");
        let answer = world.validate(&token).await.ok();
        assert_eq!((&answer["isValid"], answer.get("state")), (&json!(false), None), "{path}");
    }
    assert_eq!(world.state(&forger.token).await, "CHALLENGE_REQUIRED");
}
