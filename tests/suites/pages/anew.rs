//! The settings ask again in place, once the last success is too old.

use countersign_tests::{World, http::Auth, pages::field};
use serde_json::json;

use super::{confirmed, recoverable};

/// Sends the form that asks again; where it leads.
async fn again(world: &World, page: &str, token: &str) -> countersign_tests::http::Answer {
    let seal = field(page, "seal").unwrap_or_else(|| panic!("{page}"));
    world.send_form("/settings", &[("token", token), ("seal", &seal), ("act", "again")]).await
}

fn token_in(address: &str) -> String {
    address.split_once("token=").map(|(_, rest)| rest.split('&').next().unwrap().to_owned()).expect("a token")
}

#[tokio::test]
async fn a_click_leads_to_the_challenge_and_back_to_the_settings() {
    for minutes in [10, 60] {
        let world = World::start().await;
        world.settings(move |settings| settings.token_duration_in_minutes = minutes).await;
        let (secret, _) = recoverable(&world, "ada").await;
        let old = confirmed(&world, "ada", &secret).await;
        world.clock.advance(660);
        let page = world.page("/settings", &old).await;
        assert_eq!(page.status, 200);
        let led = again(&world, &page.text(), &old).await;
        let to = led.header("location").unwrap_or_else(|| panic!("{}", led.text())).to_owned();
        assert!(to.starts_with("/challenge?"), "{to}");
        let new = token_in(&to);
        assert_eq!(world.state(&new).await, "CHALLENGE_REQUIRED");
        // It gives nothing before it is answered.
        assert!(!world.page("/settings", &new).await.text().contains("class=\"authenticator\""));
        assert_eq!(world.enroll(&new).await.status, 403);
        let passed = world.answer_page(&new, "app", &world.code(&secret, 0)).await;
        let back = passed.header("location").unwrap_or_else(|| panic!("{}", passed.text())).to_owned();
        assert!(back.starts_with("/settings?"), "{back}");
        assert!(world.http.get(&back, &Auth::None).await.text().contains("class=\"authenticator\""));
    }
}

#[tokio::test]
async fn reading_asks_nobody_and_pressing_often_makes_few_actions() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let old = confirmed(&world, "ada", &secret).await;
    world.clock.advance(660);
    let count = async || world.http.get("/v1/users/ada/actions", &world.key()).await.ok().as_array().unwrap().len();
    let before = count().await;
    let page = world.page("/settings?act=again", &old).await.text();
    assert_eq!(count().await, before);
    // The same form again makes no other one.
    let first = again(&world, &page, &old).await;
    assert_eq!(again(&world, &page, &old).await.header("location"), first.header("location"));
    assert_eq!(count().await, before + 1);
    for _ in 0..12 {
        let page = world.page("/settings", &old).await.text();
        again(&world, &page, &old).await;
    }
    assert_eq!(count().await, before + 5);
    let told = again(&world, &world.page("/settings", &old).await.text(), &old).await.text();
    assert!(told.contains("open this page anew"), "{told}");
}

/// Only a visit that had succeeded asks again, for half an hour after its token, and not after a reset.
#[tokio::test]
async fn what_never_succeeded_or_is_long_over_asks_nothing() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let open = world.track("ada", "security", json!({"redirectToSettings": true})).await.ok();
    let open = open["token"].as_str().unwrap().to_owned();
    let other = world.token("ada", "signIn").await;
    let old = confirmed(&world, "ada", &secret).await;
    world.clock.advance(600);
    let page = world.page("/settings", &old).await.text();
    let seal = field(&page, "seal").expect("a form");
    for token in [&open, &other] {
        let shown = world.page("/settings", token).await;
        assert!(shown.status == 401 && !shown.text().contains("value=\"again\""), "{}", shown.text());
        let sent = world.send_form("/settings", &[("token", token), ("seal", &seal), ("act", "again")]).await;
        assert!(sent.header("location").is_none());
    }
    let forged = world.send_form("/settings", &[("token", &old), ("seal", "AAAA"), ("act", "again")]).await;
    assert_eq!(forged.status, 403);
    world.clock.advance(1801);
    assert!(!world.page("/settings", &old).await.text().contains("value=\"again\""));
    let late = world.send_form("/settings", &[("token", &old), ("seal", &seal), ("act", "again")]).await;
    assert!(late.header("location").is_none() && late.status == 401, "{}", late.text());

    let gone = confirmed(&world, "ada", &secret).await;
    world.clock.advance(660);
    let page = world.page("/settings", &gone).await.text();
    world.http.delete("/v1/users/ada", &world.key()).await.ok();
    assert!(again(&world, &page, &gone).await.header("location").is_none());
}

/// A page with an old token is given no success that another page with the same token has answered.
#[tokio::test]
async fn an_action_that_was_answered_is_asked_anew_and_not_handed_out() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let old = confirmed(&world, "ada", &secret).await;
    world.clock.advance(660);
    let page = world.page("/settings", &old).await.text();
    let first = token_in(again(&world, &page, &old).await.header("location").expect("a challenge"));
    assert!(world.answer_page(&first, "app", &world.code(&secret, 0)).await.header("location").is_some());
    let page = world.page("/settings", &old).await.text();
    let second = token_in(again(&world, &page, &old).await.header("location").expect("a challenge"));
    assert_eq!(world.state(&second).await, "CHALLENGE_REQUIRED");
    assert_eq!(world.validate(&second).await.ok()["isValid"], false);
}

/// A kind of action that is blocked or held back meanwhile is no more made by a page than by track.
#[tokio::test]
async fn what_track_would_stop_is_not_made_by_the_page() {
    for outcome in ["BLOCK", "REVIEW"] {
        let world = World::start().await;
        let (secret, _) = recoverable(&world, "ada").await;
        let old = confirmed(&world, "ada", &secret).await;
        let page = world.page("/settings", &old).await.text();
        let kind = "/v1/management/action-configurations/security";
        world.http.patch(kind, &world.management(), json!({"defaultUserActionResult": outcome})).await.ok();
        world.clock.advance(660);
        let asked = again(&world, &page, &old).await;
        assert!(asked.header("location").is_none(), "{outcome}: {:?}", asked.header("location"));
        assert!(asked.text().contains("open this page anew"), "{}", asked.text());
    }
}

/// What is answered in one tab is no success for whoever else has pressed with the same old token.
#[tokio::test]
async fn each_page_asks_for_itself() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let old = confirmed(&world, "ada", &secret).await;
    world.clock.advance(660);
    let ask = async || {
        let page = world.page("/settings", &old).await.text();
        token_in(again(&world, &page, &old).await.header("location").expect("a challenge"))
    };
    let (theirs, mine) = (ask().await, ask().await);
    assert!(world.answer_page(&mine, "app", &world.code(&secret, 0)).await.header("location").is_some());
    assert_eq!(world.validate(&mine).await.ok()["isValid"], true);
    assert_eq!(world.validate(&theirs).await.ok()["isValid"], false);
}
