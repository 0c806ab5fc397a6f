//! The phone that is asked by the page itself: when, with what, and what the page says meanwhile.

use countersign_tests::{World, device::Device, http::Auth, pages::field};
use serde_json::{Value, json};

/// A phone on which a number can be typed.
async fn phone(world: &World, user: &str) -> Device {
    world.device_with(user, "push", json!({"takesNumbers": true, "pushToken": "t", "deviceName": "Pixel 9"})).await
}

fn asks(page: &str) -> bool {
    page.contains("data-ask")
}

/// Presses the button; the page that waits, with its address.
async fn press(world: &World, token: &str) -> (String, String) {
    let page = world.page("/challenge?way=phone", token).await.text();
    let seal = field(&page, "seal").unwrap_or_else(|| panic!("{page}"));
    let sent = world.send_form("/challenge", &[("token", token), ("seal", &seal), ("way", "phone")]).await;
    let to = sent.header("location").unwrap_or_else(|| panic!("{}", sent.text())).to_owned();
    (to.clone(), world.http.get(&to, &Auth::None).await.text())
}

fn number_on(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<p id=\"number\">")?;
    Some(rest.split('<').next()?.replace(' ', ""))
}

async fn pending(world: &World, phone: &Device) -> Value {
    world.pending(phone).await.ok()
}

/// Approves what is pending, with the number of the page.
async fn approve(world: &World, phone: &Device, page: &str) {
    let shown = pending(world, phone).await;
    let number = number_on(page).unwrap_or_default();
    let answer = phone.full_answer(&world.tenant.tenant_id.to_string(), &shown, true, &number);
    assert_eq!(world.answer(phone, answer).await.status, 200);
}

/// Signs in by the phone, so that it is what worked last.
async fn signed_in(world: &World, user: &str, phone: &Device) {
    let token = world.token(user, "signIn").await;
    let (_, page) = press(world, &token).await;
    approve(world, phone, &page).await;
    world.clock.advance(700);
}

#[tokio::test]
async fn the_method_that_worked_last_is_asked_on_arrival_and_never_by_the_get() {
    let world = World::start().await;
    let phone = phone(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    assert!(!asks(&world.page("/challenge", &token).await.text()), "it has not worked yet");
    signed_in(&world, "ada", &phone).await;
    let token = world.token("ada", "signIn").await;
    for _ in 0..3 {
        assert!(asks(&world.page("/challenge", &token).await.text()));
    }
    assert!(pending(&world, &phone).await.get("challengeId").is_none(), "nobody was asked");
    press(&world, &token).await;
    assert!(!asks(&world.page("/challenge", &token).await.text()), "once a visit");
    assert!(!asks(&world.page("/challenge?way=phone", &token).await.text()));
}

#[tokio::test]
async fn an_app_that_worked_last_is_asked_instead() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let phone = phone(&world, "ada").await;
    signed_in(&world, "ada", &phone).await;
    let token = world.token("ada", "signIn").await;
    assert!(asks(&world.page("/challenge", &token).await.text()));
    world.answer_page(&token, "app", &world.code(&secret, 0)).await;
    let token = world.token("ada", "signIn").await;
    let page = world.page("/challenge", &token).await.text();
    assert!(!asks(&page) && page.contains("id=\"code\""), "{page}");
}

#[tokio::test]
async fn not_within_fifteen_minutes_of_a_denial() {
    let world = World::start().await;
    world.settings(|settings| settings.token_duration_in_minutes = 60).await;
    let phone = phone(&world, "ada").await;
    signed_in(&world, "ada", &phone).await;
    let token = world.token("ada", "signIn").await;
    press(&world, &token).await;
    let challenge = pending(&world, &phone).await["challengeId"].as_str().unwrap().to_owned();
    assert_eq!(world.deny(&phone, &challenge).await.status, 200);
    world.clock.advance(899);
    let token = world.token("ada", "signIn").await;
    assert!(!asks(&world.page("/challenge", &token).await.text()));
    world.clock.advance(1);
    assert!(asks(&world.page("/challenge", &token).await.text()));
}

#[tokio::test]
async fn a_number_only_where_the_device_takes_one_or_the_tenant_demands_it() {
    let world = World::start().await;
    let plain = world.device_with("ada", "push", json!({"pushToken": "t"})).await;
    let token = world.token("ada", "signIn").await;
    let (_, page) = press(&world, &token).await;
    assert!(number_on(&page).is_none(), "{page}");
    let challenge = pending(&world, &plain).await["challengeId"].as_str().unwrap().to_owned();
    assert_eq!(world.approve(&plain, &challenge).await.status, 200);
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
    // Nor is such a phone asked by itself: whoever has the password would need one tap of somebody else.
    world.clock.advance(700);
    assert!(!asks(&world.page("/challenge", &world.token("ada", "signIn").await).await.text()));

    phone(&world, "bob").await;
    let (_, page) = press(&world, &world.token("bob", "signIn").await).await;
    assert!(number_on(&page).is_some(), "{page}");
    // One device that takes none is told too, so none is shown.
    world.device_with("bob", "push", json!({"pushToken": "u"})).await;
    let (_, page) = press(&world, &world.token("bob", "signIn").await).await;
    assert!(number_on(&page).is_none(), "{page}");
    world.settings(|settings| settings.push.number_matching = countersign_core::tenant::Demand::Required).await;
    let (_, page) = press(&world, &world.token("bob", "signIn").await).await;
    assert!(number_on(&page).is_some(), "{page}");
}

#[tokio::test]
async fn the_page_says_to_which_phone_and_how_long() {
    let world = World::start().await;
    world.ready("ada").await;
    let phone = phone(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    let (address, page) = press(&world, &token).await;
    assert!(page.contains("Sent to Pixel 9, <span") && page.contains(">2:00<"), "{page}");
    world.clock.advance(12);
    let later = world.http.get(&address, &Auth::None).await.text();
    assert!(later.contains(">1:48<"), "{later}");

    // The other ways are at hand, and their pages notice the phone.
    let other =
        page.split_once("id=\"other\" href=\"").map(|(_, rest)| rest.split('"').next().unwrap()).expect("a link");
    let code = world.http.get(&other.replace("&#38;", "&"), &Auth::None).await.text();
    let follows =
        code.split_once("data-follows=\"").map(|(_, rest)| rest.split('"').next().unwrap()).expect("an address");
    let follows = format!("{}&until=approved", follows.replace("&#38;", "&"));
    let ask = async || world.http.raw("GET", &follows, &Auth::None, &[("hx-request", "true")], Vec::new()).await;
    assert_eq!(ask().await.status, 204);
    approve(&world, &phone, &page).await;
    let answer = ask().await;
    assert!(answer.status == 200 && answer.header("hx-refresh").is_some());
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

/// What is typed meanwhile is not taken away by a denial.
#[tokio::test]
async fn a_code_page_leaves_for_an_approval_alone() {
    let world = World::start().await;
    let phone = phone(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    let (address, _) = press(&world, &token).await;
    let challenge = pending(&world, &phone).await["challengeId"].as_str().unwrap().to_owned();
    world.deny(&phone, &challenge).await.ok();
    let partial = [("hx-request", "true")];
    let waits = world.http.raw("GET", &address, &Auth::None, &partial, Vec::new()).await;
    assert!(waits.header("hx-refresh").is_some(), "the page that waits goes on");
    let typed = format!("{address}&until=approved");
    assert_eq!(world.http.raw("GET", &typed, &Auth::None, &partial, Vec::new()).await.status, 204);
}
