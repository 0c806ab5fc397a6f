//! What users do about what they have: only just after they have confirmed who they are.

use countersign_tests::{
    World,
    http::{Answer, Auth},
    pages::{field, is_verified},
};
use serde_json::{Value, json};

use super::{confirmed, recoverable};

/// Sends a change from the page of settings as it is now.
async fn change(world: &World, token: &str, act: &str, more: &[(&str, &str)]) -> Answer {
    let page = world.page("/settings", token).await.text();
    let seal = field(&page, "seal").expect("a form");
    let mut form = vec![("token", token), ("seal", &seal), ("act", act)];
    form.extend_from_slice(more);
    world.send_form("/settings", &form).await
}

async fn listed(world: &World, user: &str) -> Value {
    world.http.get(&format!("/v1/users/{user}/authenticators"), &world.key()).await.ok()
}

fn id(one: &Value) -> String {
    one["userAuthenticatorId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_authenticator_is_renamed_made_primary_and_removed() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let phone = world.device_with("ada", "push", json!({"pushToken": "t", "deviceName": "Old phone"})).await;
    let token = confirmed(&world, "ada", &secret).await;
    let all = listed(&world, "ada").await;
    let of = |method: &str| id(all.as_array().unwrap().iter().find(|one| one["verificationMethod"] == method).unwrap());
    let (app, device) = (of("AUTHENTICATOR_APP"), of("PUSH"));
    let renamed = change(&world, &token, "rename", &[("id", &device), ("name", "  New phone ")]).await;
    assert_eq!(renamed.status, 303, "{}", renamed.text());
    let primary = change(&world, &token, "primary", &[("id", &device)]).await;
    assert_eq!(primary.status, 303, "{}", primary.text());
    let all = listed(&world, "ada").await;
    let primary = all.as_array().unwrap().iter().find(|one| one["isDefault"] == true).unwrap();
    assert_eq!((&primary["displayName"], id(primary)), (&json!("New phone"), device.clone()), "{all}");
    let page = world.page("/settings", &token).await.text();
    for expected in ["New phone", "Renamed to New phone", "New phone became primary", "Confirmed"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let removed = change(&world, &token, "remove", &[("id", &app)]).await;
    assert_eq!(removed.status, 303, "{}", removed.text());
    let all = listed(&world, "ada").await;
    assert_eq!((all.as_array().unwrap().len(), id(&all[0])), (1, device));
    assert_eq!(world.pending(&phone).await.ok().get("challengeId"), None, "a notice asks nothing");
}

#[tokio::test]
async fn a_change_needs_a_success_of_a_short_while_ago() {
    let world = World::start().await;
    world.settings(|settings| settings.token_duration_in_minutes = 60).await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let app = id(&listed(&world, "ada").await[0]);
    let seal = field(&world.page("/settings", &token).await.text(), "seal").unwrap();
    world.clock.advance(601);
    let form = [("token", token.as_str()), ("seal", &seal), ("act", "rename"), ("id", &app), ("name", "Mine")];
    let refused = world.send_form("/settings", &form).await.text();
    assert!(refused.contains("confirm once more"), "{refused}");
    assert_ne!(listed(&world, "ada").await[0]["displayName"], "Mine");
}

/// A token from before the challenge changes nothing, whatever it says it may.
#[tokio::test]
async fn a_token_that_proved_nothing_changes_nothing() {
    let world = World::start().await;
    let (_, _) = recoverable(&world, "ada").await;
    let scope = "add:authenticators update:authenticators remove:authenticators";
    let body = json!({"redirectToSettings": true, "scope": scope});
    let tracked = world.track("ada", "security", body).await.ok();
    let token = tracked["token"].as_str().unwrap();
    let seal = world.seal(token).await;
    let app = id(&listed(&world, "ada").await[0]);
    for act in ["rename", "primary", "remove", "codes", "forget"] {
        let seal = if act == "rename" { seal.clone() } else { world.seal(token).await };
        let form = [("token", token), ("seal", &seal), ("act", act), ("id", &app), ("name", "Mine")];
        let answer = world.send_form("/settings", &form).await;
        assert_eq!(answer.status, 303, "{act}: the challenge comes first: {}", answer.text());
    }
    let all = listed(&world, "ada").await;
    assert_eq!((all.as_array().unwrap().len(), &all[0]["displayName"] == "Mine"), (1, false));
    assert_eq!(world.page("/settings", token).await.status, 303, "the challenge comes first");
}

#[tokio::test]
async fn nobody_changes_what_is_somebody_elses() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    world.ready("bob").await;
    let bobs = id(&listed(&world, "bob").await[0]);
    let token = confirmed(&world, "ada", &secret).await;
    for act in ["rename", "primary", "remove"] {
        let answer = change(&world, &token, act, &[("id", &bobs), ("name", "Mine")]).await.text();
        assert!(answer.contains("not there any more"), "{act}: {answer}");
    }
    for bad in ["", " ", "\u{7}", &"x".repeat(65), "a\nb"] {
        let app = id(&listed(&world, "ada").await[0]);
        let answer = change(&world, &token, "rename", &[("id", &app), ("name", bad)]).await.text();
        assert!(answer.contains("1 to 64 characters"), "{bad:?}: {answer}");
    }
    assert_eq!(listed(&world, "bob").await.as_array().unwrap().len(), 1);
}

/// Under enforcement the last one stays, also where two go at once.
#[tokio::test]
async fn the_last_one_stays_where_it_is_asked_for() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    world.device_with("ada", "push", json!({"pushToken": "t"})).await;
    let body = json!({"confirmation": "Enforce 2FA", "by": "ops"});
    world.http.post("/v1/management/two-factor-enforcement", &world.management(), body).await.ok();
    let token = confirmed(&world, "ada", &secret).await;
    let ids: Vec<String> = listed(&world, "ada").await.as_array().unwrap().iter().map(id).collect();
    let mut forms = Vec::new();
    for one in &ids {
        let seal = field(&world.page("/settings", &token).await.text(), "seal").unwrap();
        forms.push((one.clone(), seal));
    }
    world.faults.weather(9, 0);
    let sent = forms.iter().map(async |(one, seal)| {
        let form = [("token", token.as_str()), ("seal", seal), ("act", "remove"), ("id", one)];
        world.send_form("/settings", &form).await
    });
    let answers = futures_util::future::join_all(sent).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().any(|answer| answer.text().contains("last one")), "{}", answers[0].text());
    assert_eq!(listed(&world, "ada").await.as_array().unwrap().len(), 1);
}

/// The other phones are told, and a queue that is away keeps nobody from removing one.
#[tokio::test]
async fn other_devices_are_told() {
    let world = World::start().await;
    // No random id in hexadecimal holds the name.
    let (secret, codes) = recoverable(&world, "olga").await;
    for name in ["first", "second"] {
        world.device_with("olga", "push", json!({"pushToken": name, "deviceName": name})).await;
    }
    let added = world.queue.receive(world.app.now());
    assert_eq!(added.len(), 1, "the first phone is told of the second");
    added.iter().for_each(|message| world.queue.delete(message));
    let token = confirmed(&world, "olga", &secret).await;
    let all = listed(&world, "olga").await;
    let gone = id(all.as_array().unwrap().iter().find(|one| one["verificationMethod"] == "PUSH").expect("a phone"));
    assert_eq!(change(&world, &token, "remove", &[("id", &gone)]).await.status, 303);
    let waiting = world.queue.receive(world.app.now());
    assert_eq!(waiting.len(), 1, "one for the phone that stays");
    assert!(!waiting[0].body.contains(&gone) && !waiting[0].body.contains("olga"), "{}", waiting[0].body);
    waiting.iter().for_each(|message| world.queue.delete(message));
    let (tracked, code) = (world.token("olga", "signIn").await, codes[0].clone());
    assert!(is_verified(&world.answer_page(&tracked, "recovery", &code).await));
    assert_eq!(world.queue.receive(world.app.now()).len(), 1, "a recovery code was used");
    let without = world.without_queue().await;
    let left = id(&listed(&world, "olga").await[0]);
    assert_eq!(change(&without, &token, "primary", &[("id", &left)]).await.status, 303);
}

/// What a user has is shown to whoever has just confirmed that they are the user, and to nobody who came before: a token
/// from before the enrolment, one that rules let through, one whose success is old.
#[tokio::test]
async fn what_a_user_has_is_shown_just_after_a_success_alone() {
    let world = World::start().await;
    world.settings(|settings| settings.token_duration_in_minutes = 60).await;
    let of = |tracked: Value| tracked["token"].as_str().expect("a token").to_owned();
    let leads_there = json!({"redirectToSettings": true});
    let early = of(world.track("ada", "security", leads_there.clone()).await.ok());
    let led = world.page("/settings", &early).await;
    let location = led.headers["location"].to_str().unwrap();
    assert_eq!((led.status.as_u16(), location.starts_with("/challenge?")), (303, true));
    assert!(world.http.get(location, &Auth::None).await.text().contains("id=\"secret\""), "which is set-up");
    let (secret, _) = recoverable(&world, "ada").await;
    let body = json!({"actionCode": "look", "defaultUserActionResult": "ALLOW"});
    world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
    let scope = "read:authenticators add:authenticators update:authenticators remove:authenticators";
    let unasked = world.track("ada", "look", json!({"redirectToSettings": true, "scope": scope})).await.ok();
    let late = confirmed(&world, "ada", &secret).await;
    assert!(world.page("/settings", &late).await.text().contains("value=\"rename\""));
    world.clock.advance(601);
    for (name, token) in [("early", early), ("unasked", of(unasked)), ("late", late)] {
        let page = world.page("/settings", &token).await;
        assert_eq!(page.status, 200, "{name}");
        let text = page.text();
        assert!(
            text.contains(if name == "late" { "confirm once more" } else { "open this page anew" })
                && !text.contains("<article")
                && !text.contains("activity"),
            "{text}"
        );
        // The other pages lead there, in no circle.
        let challenge = world.page("/challenge", &token).await;
        assert_eq!(
            (challenge.status.as_u16(), challenge.headers["location"].to_str().unwrap().starts_with("/settings?")),
            (303, true)
        );
    }
    let asked = of(world.track("ada", "security", leads_there).await.ok());
    let answer = world.page("/settings", &asked).await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["location"].to_str().unwrap().starts_with("/challenge?")),
        (303, true)
    );
}

/// The page shows from where the user was here: after a reset too, that is for whoever proves something.
#[tokio::test]
async fn with_nothing_enrolled_the_past_is_shown_to_nobody_who_proved_nothing() {
    let world = World::start().await;
    recoverable(&world, "ada").await;
    let address = "198.51.100.44";
    world.track("ada", "bank", json!({"ipAddress": address})).await.ok();
    world.http.post("/v1/users/ada/reset", &world.key(), json!({})).await.ok();
    for user in ["ada", "bob"] {
        world.track(user, "bank", json!({"ipAddress": address})).await.ok();
        let tracked = world.track(user, "x", json!({"redirectToSettings": true})).await.ok();
        let token = tracked["token"].as_str().unwrap();
        let seal = field(&world.page("/set-up?kind=app", token).await.text(), "seal").unwrap();
        let page = world.page("/settings", token).await;
        let form = [("token", token), ("seal", &seal), ("act", "codes")];
        for answer in [page, world.send_form("/settings", &form).await] {
            assert_eq!(answer.status, 303, "{user}: {}", answer.text());
            assert!(
                answer.headers["location"].to_str().unwrap().starts_with("/challenge?")
                    && !answer.text().contains(address)
            );
        }
    }
}

#[tokio::test]
async fn addresses_are_masked_as_the_api_masks_them() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    for body in [
        json!({"verificationMethod": "EMAIL_OTP", "email": "ada.lovelace@example.com"}),
        json!({"verificationMethod": "SMS", "phoneNumber": "+491515551234"}),
    ] {
        world.http.post("/v1/users/ada/authenticators", &world.key(), body).await.ok();
    }
    let token = confirmed(&world, "ada", &secret).await;
    let page = world.page("/settings", &token).await.text();
    assert!(page.contains("a***@example.com") && page.contains("***34"), "{page}");
    assert!(!page.contains("lovelace") && !page.contains("5551234"), "{page}");
}
