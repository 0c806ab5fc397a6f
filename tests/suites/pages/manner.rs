//! In which words, looks and windows pages come.

use countersign_tests::{World, http::Auth};
use serde_json::json;

async fn in_language(world: &World, token: &str, accepted: &str) -> String {
    let headers = [("accept-language", accepted)];
    world.http.raw("GET", &format!("/challenge?token={token}"), &Auth::None, &headers, Vec::new()).await.text()
}

#[tokio::test]
async fn the_language_is_told_by_track_then_the_user_then_the_browser() {
    let world = World::start().await;
    world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    assert!(in_language(&world, &token, "fr-CA,fr;q=0.9").await.contains("<html lang=\"fr\" dir=\"ltr\">"));
    assert!(in_language(&world, &token, "xx").await.contains("<html lang=\"en\""));
    world.http.patch("/v1/users/ada", &world.key(), json!({"locale": "ar-EG"})).await.ok();
    assert!(in_language(&world, &token, "fr").await.contains("<html lang=\"ar\" dir=\"rtl\">"));
    let tracked = world.track("ada", "signIn", json!({"locale": "ja"})).await.ok();
    assert!(in_language(&world, tracked["token"].as_str().unwrap(), "fr").await.contains("<html lang=\"ja\""));
}

/// The page at the root says what this is and where things are, with the headers of every page.
#[tokio::test]
async fn the_front_page_leads_to_what_is_there() {
    let world = World::start().await;
    let page = world.http.raw("GET", "/", &Auth::None, &[("accept-language", "de")], Vec::new()).await;
    let text = page.text();
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(text.contains("<html lang=\"en\"") && text.contains("http://pages.example/v1"), "{text}");
    assert!(!text.contains("/demo"), "a function has no demo");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for (name, value) in
        [("x-frame-options", "DENY"), ("cache-control", "no-store"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(page.headers[name], value);
    }
    let links =
        text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|href| href.starts_with('/'));
    for link in links {
        assert_eq!(world.http.get(link, &Auth::None).await.status, 200, "{link}");
    }
    assert!(text.contains("href=\"/openapi.json\"") && text.contains("href=\"/assets/hosted-"), "{text}");
}

#[tokio::test]
async fn a_tenants_colours_and_words_are_on_its_pages() {
    let world = World::start().await;
    world.ready("ada").await;
    let theme = json!({"primaryColor": "#7a1fa2", "logoUrl": "https://cdn.example.com/logo.svg"});
    world.http.patch("/v1/management/theme", &world.management(), theme).await.ok();
    let words = json!({"messageOverrides": {"en": {"challenge-heading": "Is that <b>you</b>?"}}});
    let overridden = world.http.patch("/v1/management/message-overrides", &world.management(), words).await;
    let token = world.token("ada", "signIn").await;
    let page = world.http.get(&format!("/challenge?token={token}"), &Auth::None).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    let text = page.text();
    assert!(text.contains("--cs-primary-color:#7a1fa2") || text.contains("--cs-primary-color: #7a1fa2"), "{text}");
    assert!(text.contains("src=\"https://cdn.example.com/logo.svg\"") && policy.contains("https://cdn.example.com"));
    assert_eq!(overridden.status, 400, "no tags");
    let words = json!({"messageOverrides": {"en": {"challenge-heading": "Is that you?"}}});
    world.http.patch("/v1/management/message-overrides", &world.management(), words).await.ok();
    assert!(world.page("/challenge", &token).await.text().contains("<h1>Is that you?</h1>"));
}

#[tokio::test]
async fn only_a_popup_may_be_framed_and_only_by_the_tenants_pages() {
    let world = World::start().await;
    world.settings(|settings| settings.redirect_urls = vec!["https://shop.example/done".into()]).await;
    world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let header = async |path: &str, name: &str| {
        let answer = world.page(path, &token).await;
        answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    for path in ["/challenge", "/challenge?way=recovery", "/set-up", "/settings", "/challenge?challenge=x"] {
        if world.page(path, &token).await.status == 303 {
            continue;
        }
        let policy = header(path, "content-security-policy").await.unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header(path, "x-frame-options").await.as_deref(), Some("DENY"));
        assert_eq!(header(path, "cross-origin-opener-policy").await.as_deref(), Some("same-origin"));
        assert_eq!(header(path, "cache-control").await.as_deref(), Some("no-store"));
        assert_eq!(header(path, "referrer-policy").await.as_deref(), Some("no-referrer"));
    }
    let policy = header("/challenge?mode=popup", "content-security-policy").await.unwrap();
    assert!(policy.contains("frame-ancestors https://shop.example"), "{policy}");
    assert_eq!(header("/challenge?mode=popup", "x-frame-options").await, None);
    assert_eq!(header("/challenge?mode=popup", "cross-origin-opener-policy").await.as_deref(), Some("unsafe-none"));
}

/// What a page loads has a name that changes with it, and may be kept for ever; small, where the browser unpacks it.
#[tokio::test]
async fn files_are_kept_by_their_name() {
    let world = World::start().await;
    world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let page = world.page("/challenge", &token).await.text();
    let names: Vec<&str> = page.split('"').filter(|word| word.starts_with("/assets/")).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let plain = world.http.raw("GET", name, &Auth::None, &[], Vec::new()).await;
        assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
        let packed = world.http.raw("GET", name, &Auth::None, &[("accept-encoding", "br, gzip")], Vec::new()).await;
        assert_eq!(
            (&packed.headers["content-encoding"], &packed.headers["vary"]),
            (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
        );
        assert!(plain.headers.get("content-encoding").is_none());
    }
    assert_eq!(world.http.get("/assets/hosted-000000000000.css", &Auth::None).await.status, 404);
}

/// Every text that a page asks for is there, and every text that is there is asked for.
#[test]
fn pages_say_all_that_there_is_to_say_and_no_more() {
    use std::{collections::BTreeSet, fs, path::Path};
    const ROLES: [&str; 9] = ["heading", "button", "link", "label", "hint", "alt", "status", "error", "text"];
    let messages = countersign_core::messages::Language::English.source();
    let known: BTreeSet<&str> = messages
        .lines()
        .filter(|line| !line.starts_with([' ', '#']))
        .filter_map(|line| line.split_once(" =").map(|(id, _)| id))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut asked = BTreeSet::new();
    // What is confirmed is said in words by the domain, and what a push says by the courier.
    let others = ["shared/domain/src/facts", "shared/src/courier"];
    for folder in ["functions/hosted-ui/src", "functions/hosted-ui/templates"].into_iter().chain(others) {
        for file in fs::read_dir(root.join(folder)).unwrap() {
            let source = fs::read_to_string(file.unwrap().path()).unwrap();
            let is_id = |word: &&str| word.rsplit_once('-').is_some_and(|(_, role)| ROLES.contains(&role));
            let ids = source.split('"').filter(is_id).filter(|word| !word.contains(['{', ' ', '/']));
            asked.extend(ids.map(str::to_owned));
        }
    }
    // Elements that are named as texts are, and the ends, whose texts are put together.
    asked.retain(|id| !["name-hint", "codes-hint", "confirm-heading", "confirm-text"].contains(&id.as_str()));
    let missing: Vec<_> = asked.iter().filter(|id| !known.contains(id.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let dead: Vec<_> = known.iter().filter(|id| !asked.contains(**id) && !id.starts_with("end-")).collect();
    assert!(dead.is_empty() && asked.len() > 90, "{dead:?}");
}

/// All that a browser loads to show the first page of a challenge, as it goes over the wire.
#[tokio::test]
async fn a_first_challenge_page_is_small() {
    let world = World::start().await;
    world.ready("ada").await;
    let page = world.page("/challenge", &world.token("ada", "signIn").await).await.text();
    let mut bytes = page.len();
    for asset in page.split('"').filter(|word| word.starts_with("/assets/")) {
        let headers = [("accept-encoding", "gzip")];
        bytes += world.http.raw("GET", asset, &Auth::None, &headers, Vec::new()).await.bytes.len();
    }
    assert!(bytes <= 25_000, "{bytes} bytes");
}
