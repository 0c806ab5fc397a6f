//! Guesses that are spent: no form that can do nothing, when it opens again, and only the ways that are open.

use countersign_tests::{World, otp, pages::field};
use serde_json::json;

use super::recoverable;

const WRONG: &str = "00000-00000-00000";

/// Whether a page has a form into which a code could be typed.
fn has_form(page: &str) -> bool {
    page.contains("id=\"code\"") || page.contains("id=\"recovery-code\"") || page.contains("method=\"post\"")
}

/// The seconds that a page counts down.
fn counts_down(page: &str) -> Option<u64> {
    page.split_once("data-seconds=\"")?.1.split('"').next()?.parse().ok()
}

async fn spend(world: &World, token: &str, way: &str, wrong: &str) -> String {
    let mut last = String::new();
    for _ in 0..10 {
        last = world.answer_page(token, way, wrong).await.text();
    }
    last
}

#[tokio::test]
async fn attempts_are_said_from_three_left_and_help_from_the_second_failure() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    for failure in 1..=9 {
        let page = world.answer_page(&token, "app", &otp::wrong(&secret, world.now())).await.text();
        let is_said = |text: &str| page.contains(text);
        assert!(is_said("not right"), "{page}");
        assert_eq!(is_said("attempts are left") || is_said("One attempt is left"), failure >= 7, "{failure}: {page}");
        assert_eq!((is_said("clock"), is_said("and not the one of another account")), (failure >= 2, failure >= 2));
    }
}

/// A code that was right some other time is told like any other: nothing is compared that could not be accepted.
#[tokio::test]
async fn every_wrong_code_is_told_the_same() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let mut told = Vec::new();
    for steps in [-120, -3, -2, 2, 3, 120, 0] {
        let token = world.token("ada", "signIn").await;
        let code = if steps == 0 { otp::wrong(&secret, world.now()) } else { world.code(&secret, steps) };
        let page = world.answer_page(&token, "app", &code).await.text();
        told.push(
            page.split_once("id=\"problem\"").and_then(|(_, rest)| rest.split("</div>").next()).map(str::to_owned),
        );
        // The next one is a first failure too.
        world.clock.advance(400);
    }
    assert!(told.iter().all(|one| one.is_some() && *one == told[0]), "{told:?}");
}

#[tokio::test]
async fn a_locked_page_has_no_dead_form_and_opens_by_itself() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    let last = spend(&world, &token, "app", &otp::wrong(&secret, world.now())).await;
    let arrived = world.page("/challenge?way=app", &token).await.text();
    for page in [&last, &arrived] {
        assert!(!has_form(page), "{page}");
        assert_eq!(counts_down(page), Some(300), "{page}");
        assert!(
            page.contains(">5:00<") && page.contains("id=\"way-recovery\"") && page.contains("another way"),
            "{page}"
        );
    }
    world.clock.advance(299);
    assert_eq!(counts_down(&world.page("/challenge?way=app", &token).await.text()), Some(1));
    world.clock.advance(1);
    assert!(has_form(&world.page("/challenge?way=app", &token).await.text()));
}

/// Somebody who has only the password spends what can be guessed, and is promised nothing that is shut.
#[tokio::test]
async fn another_way_is_never_said_where_none_is() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    spend(&world, &token, "app", &otp::wrong(&secret, world.now())).await;
    world.clock.advance(60);
    let last = spend(&world, &token, "recovery", WRONG).await;
    let arrived = world.page("/challenge", &token).await.text();
    for page in [&last, &arrived] {
        assert!(!has_form(page) && !page.contains("another way"), "{page}");
    }
    // What opens by itself is named with when.
    assert!(last.contains("id=\"way-app\"") && last.contains("4:00"), "{last}");

    // A user who never had recovery codes is not sent to them.
    let secret = world.ready("bob").await;
    let token = world.token("bob", "signIn").await;
    let page = spend(&world, &token, "app", &otp::wrong(&secret, world.now())).await;
    assert!(!has_form(&page) && !page.contains("another way") && !page.contains("way-recovery"), "{page}");
}

#[tokio::test]
async fn closed_for_good_it_says_how_to_get_out() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    for _ in 0..10 {
        let token = world.token("ada", "signIn").await;
        spend(&world, &token, "app", &otp::wrong(&secret, world.now())).await;
        spend(&world, &token, "recovery", WRONG).await;
        world.clock.advance(301);
    }
    let token = world.token("ada", "signIn").await;
    for way in ["app", "recovery"] {
        let page = world.page(&format!("/challenge?way={way}"), &token).await.text();
        assert!(!has_form(&page) && counts_down(&page).is_none() && !page.contains("another way"), "{page}");
        assert!(page.contains("Contact t1"), "{page}");
    }
    let unlocked = world.http.post("/v1/users/ada/unlock", &world.key(), json!({})).await;
    assert_eq!(unlocked.status, 200);
    assert!(has_form(&world.page("/challenge", &token).await.text()));
}

/// A phone that may not be asked is no way out either; and one that may be is promoted.
#[tokio::test]
async fn a_phone_is_promised_only_where_it_can_be_asked() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    world.device("ada", "push").await;
    let token = world.token("ada", "signIn").await;
    let page = spend(&world, &token, "app", &otp::wrong(&secret, world.now())).await;
    assert!(page.contains("id=\"way-phone\"") && page.contains("another way"), "{page}");
    for _ in 0..5 {
        let seal = field(&world.page("/challenge?way=phone", &token).await.text(), "seal");
        let Some(seal) = seal else { break };
        world.send_form("/challenge", &[("token", &token), ("seal", &seal), ("way", "phone")]).await;
    }
    let page = world.page("/challenge?way=phone", &token).await.text();
    assert!(!has_form(&page) && counts_down(&page).is_some(), "{page}");
    let page = world.page("/challenge?way=app", &token).await.text();
    assert!(!page.contains("id=\"way-phone\"") && page.contains("id=\"way-recovery\""), "{page}");
}

/// The same on the page that sets an app up.
#[tokio::test]
async fn a_set_up_whose_guesses_are_spent_has_no_dead_form() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let mut page = String::new();
    for _ in 0..10 {
        let shown = world.page("/set-up?kind=app", &token).await.text();
        let seal = field(&shown, "seal").expect("a form");
        let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", "000000")];
        page = world.send_form("/set-up", &form).await.text();
    }
    assert!(!has_form(&page) && counts_down(&page) == Some(300), "{page}");
}
