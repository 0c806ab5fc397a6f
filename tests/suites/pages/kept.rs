//! Recovery codes are not lost unseen: the form that made them shows them again until its user says that they are kept.

use countersign_tests::{World, pages::field};

use super::{codes, confirmed, recoverable};
use crate::support::table::dump;

/// The page of an app, with its secret and the fields of its form.
async fn app_page(world: &World, token: &str) -> (String, String) {
    let page = world.page("/set-up?kind=app", token).await.text();
    let secret = page.split_once("id=\"secret\"").and_then(|(_, rest)| rest.split(['>', '<']).nth(1));
    let secret: String = secret.unwrap_or_else(|| panic!("{page}")).chars().filter(|c| !c.is_whitespace()).collect();
    (secret, field(&page, "seal").expect("a form"))
}

/// Sends the form of new codes on the page of settings.
async fn renew(world: &World, token: &str, seal: &str) -> Vec<String> {
    codes(&world.send_form("/settings", &[("token", token), ("seal", seal), ("act", "codes")]).await.text())
}

async fn seal_of_settings(world: &World, token: &str) -> String {
    let page = world.page("/settings", token).await.text();
    field(&page, "seal").unwrap_or_else(|| panic!("{page}"))
}

/// Whether a recovery code lets in, by an action of its own.
async fn lets_in(world: &World, code: &str) -> bool {
    let token = world.token("ada", "signIn").await;
    world.answer_page(&token, "recovery", code).await;
    world.state(&token).await == "CHALLENGE_SUCCEEDED"
}

/// What the page that shows codes says when its user has kept them.
async fn keep(world: &World, page: &str) {
    let [token, seal, set] = ["token", "seal", "set"].map(|name| field(page, name).unwrap_or_else(|| panic!("{page}")));
    let form = [("token", token.as_str()), ("seal", &seal), ("act", "kept"), ("set", &set), ("kept", "yes")];
    let status = world.send_form("/set-up", &form).await.status;
    assert!(status.as_u16() < 400, "{status}");
}

#[tokio::test]
async fn the_form_of_the_first_code_shows_the_same_codes_again() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let (secret, seal) = app_page(&world, &token).await;
    let code = world.code(&secret, 0);
    let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", &code)];
    let first = world.send_form("/set-up", &form).await.text();
    assert_eq!(codes(&first).len(), 10, "{first}");
    for _ in 0..3 {
        world.clock.advance(20);
        let again = world.send_form("/set-up", &form).await;
        assert_eq!((again.status.as_u16(), codes(&again.text())), (200, codes(&first)));
    }
    // Nor does a token show them without that form.
    let success = field(&first, "token").expect("a token");
    for token in [&token, &success] {
        for path in ["/set-up", "/challenge", "/settings"] {
            let page = world.page(path, token).await.text();
            assert!(codes(&page).iter().all(|code| !first.contains(code)), "{path}: {page}");
        }
    }
    keep(&world, &first).await;
    let after = world.send_form("/set-up", &form).await.text();
    assert!(codes(&after).is_empty(), "they are kept: {after}");
    assert!(lets_in(&world, &codes(&first)[0]).await);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let seal = seal_of_settings(&world, &token).await;
    world.faults.weather(7, 0);
    let sent = futures_util::future::join_all((0..6).map(|_| renew(&world, &token, &seal))).await;
    let shown: Vec<_> = sent.iter().filter(|codes| !codes.is_empty()).collect();
    assert!(!shown.is_empty() && shown.iter().all(|codes| *codes == shown[0]), "{sent:?}");
    assert_eq!(renew(&world, &token, &seal).await, *shown[0], "and whenever the form comes again");
    assert!(shown[0].iter().all(|code| !old.contains(code)));
    let stored = format!("{:?}", dump(&world));
    assert!(shown[0].iter().all(|code| !stored.contains(code) && !stored.contains(&code.replace('-', ""))));
    let nonce_or_seal = seal.get(..20).expect("a seal");
    assert!(!stored.contains(nonce_or_seal), "the table has nothing from which they follow");
}

#[tokio::test]
async fn the_old_set_is_good_until_the_new_one_is_kept() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let seal = seal_of_settings(&world, &token).await;
    let page = world.send_form("/settings", &[("token", &token), ("seal", &seal), ("act", "codes")]).await.text();
    let new = codes(&page);
    // What old codes had succeeded until then has ended.
    world.clock.advance(1);
    assert!(lets_in(&world, &old[0]).await && !lets_in(&world, &old[0]).await, "once");
    assert!(lets_in(&world, &new[0]).await);
    keep(&world, &page).await;
    assert!(!lets_in(&world, &old[1]).await);
    assert!(lets_in(&world, &new[1]).await && !lets_in(&world, &new[0]).await);
}

#[tokio::test]
async fn the_old_set_dies_after_ten_minutes() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let seal = seal_of_settings(&world, &token).await;
    let new = renew(&world, &token, &seal).await;
    world.clock.advance(599);
    assert!(lets_in(&world, &old[0]).await);
    world.clock.advance(1);
    assert!(!lets_in(&world, &old[1]).await && lets_in(&world, &new[0]).await);
}

/// A set that nobody has seen takes nothing from the one that is kept; a code that was used does not come back.
#[tokio::test]
async fn of_several_new_sets_the_last_one_stays_beside_what_is_kept() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let first = renew(&world, &token, &seal_of_settings(&world, &token).await).await;
    world.clock.advance(1);
    assert!(lets_in(&world, &old[0]).await);
    let seal = seal_of_settings(&world, &token).await;
    let second = renew(&world, &token, &seal).await;
    assert_ne!(first, second);
    world.clock.advance(1);
    assert!(!lets_in(&world, &first[0]).await && !lets_in(&world, &old[0]).await);
    assert!(lets_in(&world, &second[0]).await && lets_in(&world, &old[1]).await);
}

/// A form that comes back from a tab of before undoes nothing.
#[tokio::test]
async fn an_old_form_brings_no_old_set_back() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let seals = [seal_of_settings(&world, &token).await, seal_of_settings(&world, &token).await];
    let first = renew(&world, &token, &seals[0]).await;
    world.clock.advance(1);
    let second = renew(&world, &token, &seals[1]).await;
    world.clock.advance(1);
    assert!(renew(&world, &token, &seals[0]).await.is_empty());
    assert!(lets_in(&world, &second[0]).await && !lets_in(&world, &first[0]).await);
}

/// Two tabs make a set each. Whoever keeps the one that the other has taken the place of is told so, and not sent on with
/// codes that let nobody in.
#[tokio::test]
async fn a_set_that_was_replaced_is_not_kept_in_silence() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = confirmed(&world, "ada", &secret).await;
    let mut pages = Vec::new();
    for _ in 0..2 {
        let seal = seal_of_settings(&world, &token).await;
        let form = [("token", token.as_str()), ("seal", &seal), ("act", "codes")];
        pages.push(world.send_form("/settings", &form).await.text());
    }
    let say = async |page: &str, path: &str| {
        let [token, seal, set] = ["token", "seal", "set"].map(|name| field(page, name).expect("a form"));
        let form = [("token", token.as_str()), ("seal", &seal), ("act", "kept"), ("set", &set)];
        world.send_form(path, &form).await
    };
    let told = say(&pages[0], "/settings").await;
    assert!(told.text().contains("were replaced by newer ones"), "{} {}", told.status, told.text());
    assert_eq!(say(&pages[1], "/settings").await.status, 303);
    // What old codes had succeeded until then has ended.
    world.clock.advance(1);
    assert!(lets_in(&world, &codes(&pages[1])[0]).await && !lets_in(&world, &codes(&pages[0])[0]).await);
}

/// The same where something is set up for the first time: there the page shows codes that are good.
#[tokio::test]
async fn first_codes_that_were_replaced_are_shown_anew() {
    let world = World::start().await;
    let token = world.token("ada", "enrol").await;
    let (secret, seal) = app_page(&world, &token).await;
    let code = world.code(&secret, 0);
    let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", &code)];
    let first = world.send_form("/set-up", &form).await.text();
    let success = field(&first, "token").expect("a token");
    // A phone is paired in another tab, which shows codes too.
    let link = world.link(&success).await;
    let phone = countersign_tests::device::Device::new("push");
    world.redeem(&link, &phone).await.ok();
    world.say(&link, "pair").await;
    let second = world.say(&link, "paired").await.text();
    assert_eq!(codes(&second).len(), 10, "{second}");
    let [seal, set] = ["seal", "set"].map(|name| field(&first, name).expect("a form"));
    let form = [("token", success.as_str()), ("seal", &seal), ("act", "kept"), ("set", &set)];
    let told = world.send_form("/set-up", &form).await.text();
    assert!(told.contains("were replaced by newer ones"), "{told}");
    assert!(codes(&told).len() == 10 && lets_in(&world, &codes(&told)[0]).await);
}
