//! Set-ups that some users have to finish, and are led to at each sign-in until they have.

use countersign_tests::{
    World,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::{APP, page, set_up, table::dump, text};

const LIST: &str = "/v1/management/required-actions";

async fn change(world: &World, body: Value) -> Answer {
    world.http.patch(&format!("{LIST}/{APP}"), &world.management(), body).await
}

async fn assign(world: &World, user: &str) -> Answer {
    world.http.call("PUT", &format!("/v1/users/{user}/required-actions/{APP}"), &world.key(), None).await
}

async fn shown(world: &World, user: &str) -> Value {
    world.http.get(&format!("/v1/users/{user}"), &world.key()).await.ok()["requiredActions"].clone()
}

async fn enabled() -> World {
    let world = World::start().await;
    change(&world, json!({"enabled": true})).await.ok();
    world
}

#[tokio::test]
async fn the_list_is_one_action_that_is_enabled_and_made_a_default() {
    let world = World::start().await;
    let one = |enabled: bool, default: bool| json!({"id": APP, "name": "Authenticator Application Setup", "enabled": enabled, "default": default});
    let list = async || world.http.get(LIST, &world.management()).await.ok();
    assert_eq!(list().await, json!([one(false, false)]));
    let before = dump(&world);
    let refused = change(&world, json!({"default": true})).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".into()));
    assert!(refused.text().contains("enabled: true"), "{}", refused.text());
    assert_eq!(change(&world, json!({"enabled": "yes"})).await.refusal().0, 400);
    let unknown = world.http.patch(&format!("{LIST}/OTHER"), &world.management(), json!({"enabled": true})).await;
    assert_eq!(unknown.refusal(), (404, "not_found".into()));
    assert!(dump(&world) == before, "a refusal has written something");
    assert_eq!(change(&world, json!({"enabled": true})).await.ok(), one(true, false));
    assert_eq!(change(&world, json!({"default": true})).await.ok(), one(true, true));
    assert_eq!(change(&world, json!({})).await.ok(), one(true, true));
    assert_eq!(list().await, json!([one(true, true)]));
    assert_eq!(change(&world, json!({"enabled": false})).await.ok(), one(false, false));
}

#[tokio::test]
async fn it_is_given_to_chosen_users_while_it_is_enabled() {
    let world = World::start().await;
    world.token("ada", "signIn").await;
    let refused = assign(&world, "ada").await;
    assert_eq!(refused.refusal(), (409, "conflict".into()));
    assert!(refused.text().contains("enabled"), "{}", refused.text());
    change(&world, json!({"enabled": true})).await.ok();
    assert_eq!(assign(&world, "nobody").await.refusal(), (404, "not_found".into()));
    let unknown = world.http.call("PUT", "/v1/users/ada/required-actions/OTHER", &world.key(), None).await;
    assert_eq!(unknown.refusal(), (404, "not_found".into()));

    assert_eq!(assign(&world, "ada").await.ok(), json!({"userId": "ada", "requiredActions": [APP]}));
    assert_eq!(shown(&world, "ada").await, json!([APP]));
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["requiredActions"]), (&json!("CHALLENGE_REQUIRED"), &json!([APP])));
    assert!(page(&world, &tracked).await.text().contains("asks you to set up an authenticator app"));
    let other = world.track("bob", "signIn", json!({})).await.ok();
    assert_eq!(other["state"], "ALLOW", "who was not chosen is not asked");
    assert!(other.get("requiredActions").is_none(), "{other}");

    // Not finished: asked again the next time.
    world.clock.advance(3600);
    let again = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!(again["state"], "CHALLENGE_REQUIRED");
    set_up(&world, &again).await;
    assert_eq!(world.state(&text(&again, "token")).await, "CHALLENGE_SUCCEEDED");
    assert_eq!(shown(&world, "ada").await, Value::Null, "finishing clears it");
    assert!(!dump(&world)[&("T#t1#U#ada".into(), "USER".into())].to_string().contains(APP));
    assert_eq!(assign(&world, "ada").await.ok()["requiredActions"], json!([]), "who has done it is not asked again");
}

#[tokio::test]
async fn a_user_is_let_off_by_an_administrator_and_by_disabling() {
    let world = enabled().await;
    for user in ["ada", "bob"] {
        world.token(user, "signIn").await;
        assign(&world, user).await.ok();
    }
    let path = format!("/v1/users/ada/required-actions/{APP}");
    for _ in 0..2 {
        let left = world.http.delete(&path, &world.key()).await.ok();
        assert_eq!(left, json!({"userId": "ada", "requiredActions": []}));
    }
    assert_eq!(world.track("ada", "signIn", json!({})).await.ok()["state"], "ALLOW");
    change(&world, json!({"enabled": false})).await.ok();
    assert_eq!(world.track("bob", "signIn", json!({})).await.ok()["state"], "ALLOW", "what is disabled asks nobody");
    assert_eq!(shown(&world, "bob").await, Value::Null);
    change(&world, json!({"enabled": true})).await.ok();
    assert_eq!(world.track("bob", "signIn", json!({})).await.ok()["state"], "CHALLENGE_REQUIRED", "and it waits");
}

#[tokio::test]
async fn a_default_is_every_new_user_s_however_it_is_made() {
    let world = enabled().await;
    world.token("before", "signIn").await;
    change(&world, json!({"default": true})).await.ok();
    world.http.patch("/v1/users/patched", &world.key(), json!({"email": "a@example.com"})).await.ok();
    world.http.post("/v1/users/posted", &world.key(), json!({"email": "b@example.com"})).await.ok();
    let attested = async |user: &str, body: Value| {
        world.http.post(&format!("/v1/users/{user}/authenticators"), &world.key(), body).await.ok();
    };
    attested("by-mail", json!({"verificationMethod": "EMAIL_OTP", "email": "a@example.com"})).await;
    let app = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"});
    attested("by-app", app.clone()).await;
    let tracked = world.track("tracked", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["requiredActions"]), (&json!("CHALLENGE_REQUIRED"), &json!([APP])));
    for (user, has) in [
        ("patched", true),
        ("posted", true),
        ("by-mail", true),
        ("tracked", true),
        ("by-app", false),
        ("before", false),
    ] {
        assert_eq!(shown(&world, user).await, if has { json!([APP]) } else { Value::Null }, "{user}");
    }
    // What a backend vouches for finishes it too.
    attested("patched", app).await;
    assert_eq!(shown(&world, "patched").await, Value::Null);
    assert!(!dump(&world)[&("T#t1#U#patched".into(), "USER".into())].to_string().contains(APP));
    // A user made again is new.
    world.http.delete("/v1/users/before", &world.key()).await.ok();
    world.token("before", "signIn").await;
    assert_eq!(shown(&world, "before").await, json!([APP]));
}

/// Decision 0018: the proof that the user has lets in; the set-up is asked for until it is done.
#[tokio::test]
async fn a_user_with_another_method_answers_and_is_asked_again_until_it_is_done() {
    let world = enabled().await;
    let allow = json!({"actionCode": "read", "defaultUserActionResult": "ALLOW"});
    world.http.post("/v1/management/action-configurations", &world.management(), allow).await.ok();
    let device = world.device("ada", "push").await;
    assign(&world, "ada").await.ok();
    for _ in 0..2 {
        let tracked = world.track("ada", "read", json!({})).await.ok();
        assert_eq!((&tracked["state"], &tracked["requiredActions"]), (&json!("CHALLENGE_REQUIRED"), &json!([APP])));
        let token = text(&tracked, "token");
        // A token from before the proof adds nothing.
        assert_eq!(world.enroll(&token).await.refusal(), (403, "forbidden".into()));
        let asked = world.push(&token, json!({})).await.ok();
        world.approve(&device, &text(&asked, "challengeId")).await.ok();
        assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
    }
    let token = text(&world.track("ada", "read", json!({})).await.ok(), "token");
    let asked = world.push(&token, json!({})).await.ok();
    world.approve(&device, &text(&asked, "challengeId")).await.ok();
    let proved = world.standing(&token, &text(&asked, "challengeId")).await.ok();
    let proved = text(&proved, "accessToken");
    let shown_page = world.http.get(&format!("/challenge?token={proved}"), &Auth::None).await.text();
    assert!(shown_page.contains("Set up your authenticator app"), "{shown_page}");
    set_up(&world, &json!({"token": proved})).await;
    assert_eq!(shown(&world, "ada").await, Value::Null);
    assert_eq!(world.track("ada", "read", json!({})).await.ok()["state"], "ALLOW");
}
