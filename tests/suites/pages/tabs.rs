//! Several tabs, and tabs that are over.

use countersign_tests::{World, http::Auth, pages::field};
use serde_json::json;

async fn partial(world: &World, address: &str) -> countersign_tests::http::Answer {
    world.http.raw("GET", address, &Auth::None, &[("hx-request", "true")], Vec::new()).await
}

/// The secret on a page of set-up.
fn secret_on(page: &str) -> String {
    let shown = page.split_once("id=\"secret\"").and_then(|(_, rest)| rest.split(['>', '<']).nth(1));
    shown.unwrap_or_else(|| panic!("{page}")).chars().filter(|c| !c.is_whitespace()).collect()
}

async fn send(world: &World, page: &str, code: &str) -> String {
    let names = ["token", "seal", "kind", "app"];
    let fields = names.map(|name| (name, field(page, name).unwrap_or_else(|| panic!("{name}: {page}"))));
    let mut form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    form.push(("code", code));
    world.send_form("/set-up", &form).await.text()
}

#[tokio::test]
async fn two_tabs_of_one_set_up_keep_one_secret() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let one = world.page("/set-up?kind=app", &token).await.text();
    let two = world.page("/set-up?kind=app", &token).await.text();
    assert_eq!(secret_on(&one), secret_on(&two));
    assert!(send(&world, &one, &world.code(&secret_on(&one), 0)).await.contains("Keep your recovery codes"));
}

#[tokio::test]
async fn a_picture_that_another_tab_replaced_costs_no_guess() {
    let world = World::start().await;
    let (first, second) = (world.token("ada", "enrol").await, world.token("ada", "enrol").await);
    let one = world.page("/set-up?kind=app", &first).await.text();
    let two = world.page("/set-up?kind=app", &second).await.text();
    assert_ne!(secret_on(&one), secret_on(&two));
    let told = send(&world, &one, &world.code(&secret_on(&one), 0)).await;
    assert!(told.contains("Scan the new picture"), "{told}");
    assert_ne!(secret_on(&told), secret_on(&one), "and here it is");
    // Ten guesses are left, so nine wrong ones lock nobody out.
    for _ in 0..9 {
        let page = world.page("/set-up?kind=app", &first).await.text();
        send(&world, &page, "000000").await;
    }
    let page = world.page("/set-up?kind=app", &first).await.text();
    assert!(send(&world, &page, &world.code(&secret_on(&page), 0)).await.contains("Keep your recovery codes"));
}

#[tokio::test]
async fn a_tab_notices_that_its_action_was_answered_elsewhere_or_is_over() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let page = world.page("/challenge", &token).await.text();
    assert!(page.contains("data-ends=\"600\""), "{page}");
    let then = page.split_once("data-then=\"").map(|(_, rest)| rest.split('"').next().unwrap()).expect("an address");
    let then = then.replace("&#38;", "&");
    assert_eq!(partial(&world, &then).await.status, 204);
    world.verify(&token, &world.code(&secret, 0)).await.ok();
    assert_eq!(partial(&world, &then).await.status, 200);
    assert!(world.http.get(&then, &Auth::None).await.text().contains("You are verified"));
    world.clock.advance(600);
    assert_eq!(partial(&world, &then).await.status, 401);
    assert!(world.http.get(&then, &Auth::None).await.text().contains("expired"));
}

/// Auth0 adds `state` to the address and needs it back; so does whatever else an app adds.
#[tokio::test]
async fn what_an_app_added_to_the_address_comes_back_to_it() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let redirect = json!({"redirectUrl": "https://app.example/done?a=1&theme=dark"});
    let tracked = world.track("ada", "signIn", redirect).await.ok();
    let token = tracked["token"].as_str().unwrap();
    let added = "state=g%2B%20%C3%A9%26x&theme=light&x=%3Cb%3E&token=evil";
    let page = world.page(&format!("/challenge?token={token}&{added}"), token).await.text();
    let seal = field(&page, "seal").expect("a form");
    assert!(
        page.contains("name=\"state\" value=\"g+ é&#38;x\"") || page.contains("name=\"state\" value=\"g+ é&amp;x\""),
        "{page}"
    );
    let code = world.code(&secret, 0);
    let wrong = [("token", token), ("seal", &seal), ("way", "app"), ("code", "12"), ("state", "g+ é&x"), ("x", "<b>")];
    let page = world.send_form("/challenge", &wrong).await.text();
    let seal = field(&page, "seal").expect("a form");
    let right = [("token", token), ("seal", &seal), ("way", "app"), ("code", &code), ("state", "g+ é&x"), ("x", "<b>")];
    let answer = world.send_form("/challenge", &right).await;
    let to = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text()));
    let (before, _) = to.split_once("&token=").expect("a token at the end");
    assert_eq!(before, "https://app.example/done?a=1&theme=dark&state=g%2B+%C3%A9%26x&x=%3Cb%3E");
    assert_eq!(to.matches("token=").count(), 1, "{to}");
}

/// More than fits is left out, and nothing of it breaks the page.
#[tokio::test]
async fn what_is_added_has_an_end() {
    let world = World::start().await;
    world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let long = format!("/challenge?token={token}&a={}&b=1", "x".repeat(5000));
    let page = world.page(&long, &token).await;
    assert!(page.status == 200 && !page.text().contains("xxxx"));
}
