//! Who must not be paired, and by whom.

use countersign_core::source::WINDOW_SECONDS;
use countersign_tests::{World, add_tenant, device::Device, http::Auth, pages::field, pairing::Link};
use serde_json::{Value, json};

use super::{adding, count, follow, is_known};

const REDEEM: &str = "/v1/client/pairing";
const STATUS: &str = "/v1/client/pairing/status";
/// In five minutes.
const LINKS: usize = 30;

async fn post(world: &World, path: &str, body: Value) -> (u16, String) {
    world.http.post(path, &world.tenant_auth(), body).await.refusal()
}

#[tokio::test]
async fn only_the_key_that_signs_for_this_link_uses_it() {
    let world = World::start().await;
    let other = add_tenant(&world.app, "t2").await;
    let token = adding(&world, "ada").await;
    let (link, second) = (world.link(&token).await, world.link(&token).await);
    let (device, thief) = (Device::new("push"), Device::new("push"));
    let unknown = (403, "invalid_credential".to_owned());
    let with = |name: &str, value: Value| {
        let mut body = link.body(&device);
        body[name] = value;
        body
    };
    let elsewhere = Link { tenant: "t2".into(), ..link.clone() };
    for (name, value) in [
        ("signature", json!("AAAA")),
        ("signature", json!("")),
        ("signature", json!(device.sign(link.statement("status", &device)))),
        ("signature", json!(device.sign(second.statement("redeem", &device)))),
        ("signature", json!(device.sign(elsewhere.statement("redeem", &device)))),
        ("signature", json!(device.sign(link.statement("redeem", &thief)))),
        ("signature", json!(device.sign(&link.id))),
        ("publicKey", json!(thief.public_key)),
        ("pairingId", json!(second.id)),
        ("pairingId", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("pairingId", json!("x")),
        ("pairingId", json!("")),
    ] {
        assert_eq!(post(&world, REDEEM, with(name, value.clone())).await, unknown, "{name}: {value}");
    }
    // A link of nobody, signed as it should be; and this one with another tenant's id, in all three spellings of who.
    let nowhere = Link { id: "AAAAAAAAAAAAAAAAAAAAAA".into(), ..link.clone() };
    assert_eq!(post(&world, REDEEM, nowhere.body(&device)).await, unknown);
    let theirs = Auth::Key(other.tenant_id.to_string());
    for body in [link.body(&device), elsewhere.body(&device)] {
        assert_eq!(world.http.post(REDEEM, &theirs, body).await.refusal(), unknown);
    }
    for (field, value, says) in [
        ("publicKey", json!("AAAA"), "publicKey"),
        ("devicePlatform", json!("symbian"), "devicePlatform"),
        ("deviceName", json!("x".repeat(129)), "deviceName"),
        ("pushToken", json!("x".repeat(4000)), "pushToken"),
    ] {
        let refused = world.http.post(REDEEM, &world.tenant_auth(), with(field, value)).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".into()));
        assert!(refused.text().contains(says), "{}", refused.text());
    }
    assert!(world.link_page(&link).await.text().contains("id=\"qr\""), "nothing of it has spent the link");
    world.redeem(&link, &device).await.ok();
    // What was signed to use it says nothing else, and another key learns nothing.
    let mut replayed = link.question(&device);
    replayed["signature"] = link.body(&device)["signature"].clone();
    assert_eq!(post(&world, STATUS, replayed).await, unknown);
    assert_eq!(post(&world, STATUS, link.question(&thief)).await, unknown);
    assert_eq!(post(&world, STATUS, second.question(&device)).await, unknown);
    assert_eq!(world.http.post(STATUS, &theirs, link.question(&device)).await.refusal(), unknown);
    assert_eq!(world.redeem(&link, &thief).await.refusal(), (409, "conflict".into()));
}

/// A token makes so many links and no more; another token of the same user has its own budget.
#[tokio::test]
async fn a_token_makes_so_many_links() {
    let world = World::start().await;
    let (token, other) = (adding(&world, "ada").await, adding(&world, "ada").await);
    for _ in 0..LINKS {
        world.link(&token).await;
    }
    let refused = world.page("/set-up?kind=phone", &token).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=WINDOW_SECONDS).contains(&wait), "{wait}");
    world.link(&other).await;
    world.clock.advance(wait);
    world.link(&token).await;
}

/// While it waits, a device has no say in anything, whatever else its user has.
#[tokio::test]
async fn a_device_that_waits_answers_nothing() {
    let world = World::start().await;
    world.device("ada", "push").await;
    let link = world.link(&adding(&world, "ada").await).await;
    let device = Device::new("push");
    world.redeem(&link, &device).await.ok();
    let (token, asked) = world.pushed("ada", json!({})).await;
    let id = asked["challengeId"].as_str().unwrap();
    let basic = world.tenant_auth();
    let unknown = (403, "invalid_credential".to_owned());
    for approved in [true, false] {
        assert_eq!(world.answer(&device, device.answer(id, approved)).await.refusal(), unknown);
    }
    for path in [
        format!("/v1/client/user-authenticators/push/challenge/sign?{}", device.query()),
        format!("/v1/client/user-authenticators/push/sign?{}", device.query()),
    ] {
        assert_eq!(world.http.post(&path, &basic, json!({})).await.refusal(), unknown, "{path}");
    }
    let path = format!("/v1/client/user-authenticators/push/challenge?{}", device.query());
    assert_eq!(world.http.get(&path, &basic).await.refusal(), unknown);
    let qr = world.http.post("/v1/client/challenge/qr-code", &basic, json!({"action": "signIn"})).await.ok();
    let in_app = world.http.post("/v1/client/challenge", &basic, json!({"action": "signIn"})).await.ok();
    for (path, begun) in
        [("/v1/client/user-authenticators/qr-code/challenge/claim", &qr), ("/v1/client/verify/in-app", &in_app)]
    {
        let id = begun["challengeId"].as_str().unwrap();
        let body = json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(id)});
        assert_eq!(post(&world, path, body).await, unknown, "{path}");
    }
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    assert!(!is_known(&world, &device).await);
}

/// A page says something of its own pairing alone: not another user's, and not that of the user's other action.
#[tokio::test]
async fn another_page_neither_sees_nor_confirms_nor_refuses_it() {
    let world = World::start().await;
    let token = world.token("ada", "signIn").await;
    let (link, device) = (world.link(&token).await, Device::new("push"));
    world.redeem(&link, &device).await.ok();
    let others = [world.token("ada", "payment").await, world.token("bob", "signIn").await];
    for other in others {
        let theirs = format!("/set-up?token={other}&kind=phone&pairing={}", link.id);
        let page = world.http.get(&theirs, &Auth::None).await;
        assert!(page.status == 303 && !page.text().contains("Pixel"), "{}", page.text());
        for act in ["pair", "refuse", "paired"] {
            let said = world.say_with(&other, &link, act).await;
            assert_eq!(said.status, 303, "{act}: {}", said.text());
            let page = follow(&world, &said).await;
            assert!(!page.contains("Pixel") && !page.contains("Keep your recovery codes"), "{act}: {page}");
        }
    }
    assert_eq!(world.ask_about(&link, &device).await.ok()["state"], "WAITING");
    assert!(!world.is_enrolled("ada").await && !world.is_enrolled("bob").await);
    world.say(&link, "pair").await;
    assert!(world.is_enrolled("ada").await && !world.is_enrolled("bob").await);
}

/// Fault 1 of issue 13, by this way: a token from before somebody else paired is shown nothing that goes with it.
#[tokio::test]
async fn who_tracked_before_gets_no_recovery_codes() {
    let world = World::start().await;
    let thief = world.token("ada", "signIn").await;
    let early = world.link(&thief).await;
    // Forms from before: afterwards there is none.
    let form = async || field(&world.page("/set-up?kind=app", &thief).await.text(), "seal").expect("a form");
    let seals = [form().await, form().await];
    world.clock.advance(5);
    let owner = world.link(&world.token("ada", "payment").await).await;
    let device = Device::new("push");
    world.redeem(&owner, &device).await.ok();
    world.say(&owner, "pair").await;
    for (link, seal) in [&early, &owner].into_iter().zip(seals) {
        let form = [("token", thief.as_str()), ("seal", &seal), ("act", "paired"), ("pairing", &link.id)];
        let page = world.send_form("/set-up", &form).await;
        assert!(page.status == 303 && !page.text().contains("Keep your recovery codes"), "{}", page.text());
    }
    assert!(world.say(&owner, "paired").await.text().contains("Keep your recovery codes"));
}

/// What has changed since the device scanned is asked by the write that enrols it.
#[tokio::test]
async fn who_may_no_longer_enrol_confirms_nothing() {
    for what in ["deleted", "made again", "enrolled", "over", "off"] {
        let world = World::start().await;
        let tracked = world.track("ada", "signIn", json!({"idempotencyKey": "k"})).await.ok();
        let link = world.link(tracked["token"].as_str().unwrap()).await;
        let device = Device::new("push");
        world.redeem(&link, &device).await.ok();
        let page = world.link_page(&link).await.text();
        let seal = field(&page, "seal").expect("a form");
        match what {
            "deleted" => drop(world.http.delete("/v1/users/ada", &world.key()).await.ok()),
            "made again" => {
                world.http.delete("/v1/users/ada", &world.key()).await.ok();
                world.track("ada", "signIn", json!({"idempotencyKey": "k"})).await.ok();
            }
            "enrolled" => drop(world.enrolled("ada").await),
            "over" => {
                let body = json!({"state": "CHALLENGE_FAILED"});
                world.http.patch("/v1/users/ada/actions/signIn/k", &world.key(), body).await.ok();
            }
            _ => {
                let path = "/v1/management/authenticator-configurations/PUSH";
                world.http.patch(path, &world.management(), json!({"isActive": false})).await.ok();
            }
        }
        let before = count(&world, "ada").await;
        let form = [("token", link.token.as_str()), ("seal", &seal), ("act", "pair"), ("pairing", &link.id)];
        let said = world.send_form("/set-up", &form).await;
        assert!(
            !said.status.is_server_error() && !said.text().contains("Your phone is paired"),
            "{what}: {}",
            said.text()
        );
        assert!(!is_known(&world, &device).await, "{what}");
        assert_eq!(count(&world, "ada").await, before, "{what}");
        assert_ne!(world.ask_about(&link, &device).await.json()["state"], "CONFIRMED", "{what}");
    }
}

/// A key that somebody has is no second one, for its owner or another.
#[tokio::test]
async fn a_key_that_is_enrolled_is_paired_with_nobody_else() {
    let world = World::start().await;
    let device = world.device_with("bob", "push", json!({"pushToken": "t"})).await;
    for (user, had) in [("ada", 0), ("bob", 1)] {
        let link = world.link(&adding(&world, user).await).await;
        world.redeem(&link, &device).await.ok();
        let page = follow(&world, &world.say(&link, "pair").await).await;
        assert!(page.contains("paired already") && page.contains("id=\"qr\""), "{page}");
        assert_eq!(
            (count(&world, user).await, world.ask_about(&link, &device).await.ok()["state"].clone()),
            (had, json!("REFUSED"))
        );
    }
}

/// Who may not add one is given no link.
#[tokio::test]
async fn who_may_not_enrol_gets_no_link() {
    let world = World::start().await;
    world.ready("ada").await;
    let page = world.page("/set-up?kind=phone", &world.token("ada", "signIn").await).await;
    assert!(super::location(&page).starts_with("/challenge?"));
    for _ in 0..5 {
        world.device("ada", "push").await;
    }
    let page = world.page("/set-up?kind=phone", &adding(&world, "ada").await).await;
    assert!(page.text().contains("as many authenticators as there is room for"), "{}", page.text());
}

/// No other site sends the form, and no form counts without its seal.
#[tokio::test]
async fn the_word_of_a_page_comes_from_that_page() {
    let world = World::start().await;
    let token = world.token("ada", "signIn").await;
    let (link, device) = (world.link(&token).await, Device::new("push"));
    world.redeem(&link, &device).await.ok();
    let form = [("token", token.as_str()), ("seal", "AAAA"), ("act", "pair"), ("pairing", &link.id)];
    assert_eq!(world.send_form("/set-up", &form).await.status, 403);
    let path = format!("/set-up?token={token}&kind=phone&pairing={}&act=pair", link.id);
    assert!(world.http.get(&path, &Auth::None).await.text().contains("Is this your phone?"), "a GET says nothing");
    assert!(!is_known(&world, &device).await);
}
