//! After a recovery code: what somebody does who has lost their phone. And few codes are told of.

use countersign_tests::{World, pages::field};
use serde_json::json;

use super::{codes, recoverable};

/// Signs in by a recovery code; the token of the success, and the page that it leads to.
async fn by_code(world: &World, user: &str, code: &str, track: serde_json::Value) -> (String, String) {
    let token = world.track(user, "signIn", track).await.ok()["token"].as_str().unwrap().to_owned();
    let answer = world.answer_page(&token, "recovery", code).await;
    follow(world, &answer).await
}

/// The page behind a redirect, and the token in its address.
async fn follow(world: &World, answer: &countersign_tests::http::Answer) -> (String, String) {
    let to = answer.header("location").unwrap_or_else(|| panic!("a redirect: {}", answer.text())).to_owned();
    let token = to.split_once("token=").map(|(_, rest)| rest.split('&').next().unwrap().to_owned()).expect("a token");
    (token, world.http.get(&to, &countersign_tests::http::Auth::None).await.text())
}

async fn send(world: &World, page: &str, token: &str, fields: &[(&str, &str)]) -> countersign_tests::http::Answer {
    let seal = field(page, "seal").unwrap_or_else(|| panic!("a form: {page}"));
    let all = [&[("token", token), ("seal", &seal), ("after", "recovery")], fields].concat();
    world.send_form("/settings", &all).await
}

#[tokio::test]
async fn a_recovery_code_leads_to_three_steps() {
    let world = World::start().await;
    let (_, old) = recoverable(&world, "ada").await;
    let track = json!({"redirectUrl": "https://app.example/done"});
    let (token, page) = by_code(&world, "ada", &old[0], track).await;
    assert!(page.contains("Lost your phone?") && page.contains("You are verified"), "{page}");
    assert!(page.contains("9 recovery codes left") && page.contains("id=\"new\""), "{page}");

    // One: set up the new one. It leads back here.
    let app = world.page("/set-up?kind=app&after=recovery", &token).await.text();
    let secret = app.split_once("id=\"secret\"").and_then(|(_, rest)| rest.split(['>', '<']).nth(1)).expect("a secret");
    let secret: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
    let seal = field(&app, "seal").unwrap();
    let code = world.code(&secret, 0);
    let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", &code), ("after", "recovery")];
    let (token, page) = follow(&world, &world.send_form("/set-up", &form).await).await;
    assert!(page.contains("Lost your phone?"), "{page}");

    // Two: remove the old one.
    let id =
        page.split_once("<li data-id=\"").map(|(_, rest)| rest.split('"').next().unwrap().to_owned()).expect("one");
    let asked = world.page(&format!("/settings?after=recovery&remove={id}"), &token).await.text();
    assert!(asked.contains("id=\"confirm\"") && !asked.contains("turns two-step verification off"), "{asked}");
    let (_, page) = follow(&world, &send(&world, &asked, &token, &[("act", "remove"), ("id", &id)]).await).await;
    assert!(page.contains("was removed") && !page.contains(&format!("<li data-id=\"{id}\"")), "{page}");

    // Three: new codes, and on to the app.
    let shown = send(&world, &page, &token, &[("act", "codes")]).await.text();
    assert_eq!(codes(&shown).len(), 10, "{shown}");
    let (seal, set) = (field(&shown, "seal").unwrap(), field(&shown, "set").unwrap());
    let kept = [("token", token.as_str()), ("seal", &seal), ("act", "kept"), ("set", &set), ("after", "recovery")];
    let (_, page) = follow(&world, &world.send_form("/settings", &kept).await).await;
    assert!(page.contains("10 recovery codes left"), "{page}");
    let left = world.page("/settings?after=recovery&leave=yes", &token).await;
    assert!(left.header("location").is_some_and(|to| to.starts_with("https://app.example/done?token=")));
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn only_a_fresh_recovery_code_opens_it() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let open = world.token("ada", "signIn").await;
    let page = world.page("/settings?after=recovery", &open).await;
    assert!(page.header("location").is_some_and(|to| to.starts_with("/challenge")));
    let by_app = world.verify(&open, &world.code(&secret, 0)).await.ok()["accessToken"].as_str().unwrap().to_owned();
    let page = world.page("/settings?after=recovery", &by_app).await.text();
    assert!(!page.contains("Lost your phone?"), "{page}");
    world.settings(|settings| settings.token_duration_in_minutes = 60).await;
    let (token, _) = by_code(&world, "ada", &old[0], json!({})).await;
    world.clock.advance(601);
    let page = world.page("/settings?after=recovery", &token).await.text();
    assert!(!page.contains("Lost your phone?"), "{page}");
}

/// The last one turns two-step verification off, which is said first; or it stays.
#[tokio::test]
async fn removing_the_last_one_says_what_that_means_or_is_refused() {
    let world = World::start().await;
    let (_, old) = recoverable(&world, "ada").await;
    let (token, page) = by_code(&world, "ada", &old[0], json!({})).await;
    let id =
        page.split_once("<li data-id=\"").map(|(_, rest)| rest.split('"').next().unwrap().to_owned()).expect("one");
    let address = format!("/settings?after=recovery&remove={id}");
    let asked = world.page(&address, &token).await.text();
    assert!(
        asked.contains("turns two-step verification off") && asked.contains("name=\"act\" value=\"remove\""),
        "{asked}"
    );

    world.settings(|settings| settings.pages.allow_disabling_mfa = false).await;
    let refused = world.page(&address, &token).await.text();
    assert!(
        refused.contains("This is your last one") && !refused.contains("name=\"act\" value=\"remove\""),
        "{refused}"
    );
    let refused = send(&world, &page, &token, &[("act", "remove"), ("id", &id)]).await.text();
    assert!(refused.contains("This is your last one"), "{refused}");

    world.settings(|settings| settings.pages.allow_deleting_user_authenticators = false).await;
    let without = world.page("/settings?after=recovery", &token).await.text();
    assert!(!without.contains("remove="), "{without}");
    let refused = send(&world, &without, &token, &[("act", "remove"), ("id", &id)]).await.text();
    assert!(refused.contains("lets nobody remove anything"), "{refused}");
    assert_eq!(world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn later_sign_ins_say_when_few_are_left() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let by_app = async || {
        world.clock.advance(60);
        let token = world.token("ada", "signIn").await;
        world.answer_page(&token, "app", &world.code(&secret, 0)).await
    };
    for code in &old[..6] {
        by_code(&world, "ada", code, json!({})).await;
    }
    assert!(by_app().await.text().contains("You are verified"), "four are left");
    by_code(&world, "ada", &old[6], json!({})).await;
    let (token, page) = follow(&world, &by_app().await).await;
    assert!(page.contains("3 recovery codes left"), "{page}");
    let seal = field(&page, "seal").unwrap();
    let form = [("token", token.as_str()), ("seal", &seal), ("act", "codes"), ("after", "few")];
    let shown = world.send_form("/settings", &form).await.text();
    assert_eq!(codes(&shown).len(), 10, "{shown}");
    assert!(by_app().await.text().contains("You are verified"));
}
