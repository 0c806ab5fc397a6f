//! From the picture to the first approval.

use countersign_tests::{World, device::Device, http::Auth, pairing::Link};
use serde_json::json;

use super::{adding, count, follow, is_known, location};

#[tokio::test]
async fn a_phone_is_paired_by_the_link_and_answers_from_then_on() {
    let world = World::start().await;
    let link = world.link(&world.token("ada", "signIn").await).await;
    assert_eq!(link.url, format!("http://pages.example/pair/t1/{}", link.id));
    let device = Device::new("push");
    let waiting = world.redeem(&link, &device).await.ok();
    assert_eq!((&waiting["state"], waiting.get("userId")), (&json!("WAITING"), None), "{waiting}");
    assert!(!is_known(&world, &device).await && !world.is_enrolled("ada").await, "nothing is enrolled yet");

    let page = world.link_page(&link).await.text();
    for shown in ["Is this your phone?", "Ada&#39;s phone", "Pixel 12", "Android", "127.0.0.1"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert_eq!(Link::code_on(&page).as_deref(), waiting["code"].as_str(), "both screens show one number");
    assert_eq!(world.ask_about(&link, &device).await.ok(), waiting);

    let said = world.say(&link, "pair").await;
    assert_eq!(location(&said), link.page);
    assert!(world.link_page(&link).await.text().contains("Your phone is paired"));
    let confirmed = world.ask_about(&link, &device).await.ok();
    assert_eq!((&confirmed["state"], &confirmed["userId"]), (&json!("CONFIRMED"), &json!("ada")));
    let listed = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    assert_eq!(listed[0]["userAuthenticatorId"], confirmed["userAuthenticatorId"]);
    assert_eq!((&listed[0]["displayName"], &listed[0]["deviceModel"]), (&json!("Ada's phone"), &json!("Pixel 12")));

    let codes = world.say(&link, "paired").await.text();
    assert!(codes.contains("Keep your recovery codes"), "{codes}");
    let (token, asked) = world.pushed("ada", json!({})).await;
    world.approve(&device, asked["challengeId"].as_str().unwrap()).await.ok();
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}

/// What stands in the picture is short, and is no token: a camera that is no app opens a page that does nothing.
#[tokio::test]
async fn the_picture_is_small_and_looking_at_it_spends_nothing() {
    let world = World::start().await;
    let token = world.token("ada", "signIn").await;
    let link = world.link(&token).await;
    let page = world.link_page(&link).await.text();
    let side = page.split_once("viewBox=\"0 0 ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<usize>().ok());
    // 17 squares and four for each version, with a quiet zone of four on both sides (ISO/IEC 18004).
    assert!(side.is_some_and(|side| side <= 17 + 4 * 6 + 8), "{side:?}");
    assert!(!link.url.contains("token") && link.url.len() < 100);
    let path = link.url.trim_start_matches("http://pages.example");
    for _ in 0..3 {
        let opened = world.http.get(path, &Auth::None).await;
        let text = opened.text();
        assert!(opened.status == 200 && text.contains("This link is for an app") && !text.contains(&link.id), "{text}");
        assert_eq!(opened.headers["referrer-policy"], "no-referrer");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(world.http.call(method, path, &Auth::None, None).await.status, 405);
    }
    for unknown in ["/pair/nobody/AAAAAAAAAAAAAAAAAAAAAA", "/pair/%00/x"] {
        assert_eq!(world.http.get(unknown, &Auth::None).await.status, 404, "{unknown}");
    }
    world.redeem(&link, &Device::new("push")).await.ok();
    // The page of a reload is the same, and one that htmx watches is told to load itself anew.
    let watch = world.http.raw("GET", &link.page, &Auth::None, &[("hx-request", "true")], Vec::new()).await;
    assert_eq!(watch.headers["hx-refresh"], "true");
    let fresh = world.link(&token).await;
    let watch = world.http.raw("GET", &fresh.page, &Auth::None, &[("hx-request", "true")], Vec::new()).await;
    assert_eq!((watch.status, fresh.id == link.id), (hyper::StatusCode::NO_CONTENT, false));
}

/// A lost answer, or a second click, is the same answer; and nothing more is enrolled.
#[tokio::test]
async fn said_again_it_is_said_once() {
    let world = World::start().await;
    let (link, device) = (world.link(&adding(&world, "ada").await).await, Device::new("push"));
    let first = world.redeem(&link, &device).await.ok();
    let mut again = link.body(&device);
    again["deviceName"] = json!("Another name");
    assert_eq!(world.http.post("/v1/client/pairing", &world.tenant_auth(), again).await.ok(), first);
    assert!(!world.link_page(&link).await.text().contains("Another name"), "the first word about it stays");
    for _ in 0..3 {
        assert_eq!(location(&world.say(&link, "pair").await), link.page);
    }
    assert_eq!(count(&world, "ada").await, 1);
    assert_eq!(world.redeem(&link, &device).await.ok()["state"], "CONFIRMED");
    // What is paired is not unpaired by an old form.
    world.say(&link, "refuse").await;
    assert!(is_known(&world, &device).await);
}

#[tokio::test]
async fn a_device_that_is_not_the_users_is_forgotten() {
    let world = World::start().await;
    let (link, device) = (world.link(&world.token("ada", "signIn").await).await, Device::new("push"));
    world.redeem(&link, &device).await.ok();
    let page = follow(&world, &world.say(&link, "refuse").await).await;
    assert!(page.contains("That device was not paired") && page.contains("id=\"qr\""), "{page}");
    assert!(!page.contains(&link.id), "another picture");
    assert_eq!(world.ask_about(&link, &device).await.ok()["state"], "REFUSED");
    assert_eq!(world.redeem(&link, &device).await.ok()["state"], "REFUSED");
    world.say(&link, "pair").await;
    assert!(!is_known(&world, &device).await && !world.is_enrolled("ada").await);
    let rows = countersign_local::embedded::TABLE;
    let dump = world.embedded.answer("Scan", json!({"TableName": rows}).to_string().as_bytes());
    let dump = String::from_utf8_lossy(dump.body().bytes().expect("bytes")).into_owned();
    assert!(!dump.contains("Pixel 12") && !dump.contains(&link.id), "nothing of the device, and no link, is kept");
}

#[tokio::test]
async fn a_link_and_a_device_that_waits_are_over_after_ten_minutes() {
    let world = World::start().await;
    world.settings(|settings| settings.token_duration_in_minutes = 60).await;
    let token = world.token("ada", "signIn").await;
    let (unused, used) = (world.link(&token).await, world.link(&token).await);
    let device = Device::new("push");
    world.redeem(&used, &device).await.ok();
    world.clock.advance(600);
    assert_eq!(world.redeem(&unused, &Device::new("push")).await.refusal(), (409, "conflict".into()));
    assert_eq!(world.ask_about(&used, &device).await.ok()["state"], "EXPIRED");
    let page = follow(&world, &world.say(&used, "pair").await).await;
    assert!(page.contains("not confirmed in time") && page.contains("id=\"qr\""), "{page}");
    assert!(!is_known(&world, &device).await && !world.is_enrolled("ada").await);
    // The page of a link that nobody used shows a new one, and says nothing of it.
    let page = follow(&world, &world.link_page(&unused).await).await;
    assert!(page.contains("id=\"qr\"") && !page.contains("id=\"problem\"") && !page.contains(&unused.id), "{page}");
}

/// No link outlives the token of its page, without which nobody can say whose the device is.
#[tokio::test]
async fn a_link_ends_with_its_token() {
    let world = World::start().await;
    world.settings(|settings| settings.token_duration_in_minutes = 1).await;
    let link = world.link(&world.token("ada", "signIn").await).await;
    world.clock.advance(60);
    assert_eq!(world.redeem(&link, &Device::new("push")).await.refusal(), (409, "conflict".into()));
}

/// Under enforcement nothing is enrolled by a look at the page, and the paired phone has to answer for the action too.
#[tokio::test]
async fn under_enforcement_a_paired_phone_answers_as_well() {
    let world = World::start().await;
    let body = json!({"confirmation": "Enforce 2FA", "by": "ops"});
    world.http.post("/v1/management/two-factor-enforcement", &world.management(), body).await.ok();
    let token = world.token("ada", "signIn").await;
    let (link, device) = (world.link(&token).await, Device::new("push"));
    world.redeem(&link, &device).await.ok();
    world.say(&link, "pair").await;
    let next = world.say(&link, "paired").await;
    assert!(location(&next).starts_with("/challenge?"), "{}", location(&next));
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
}
