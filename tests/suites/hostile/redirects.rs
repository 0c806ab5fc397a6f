//! Where a hosted page may send a browser (security.md, T15). The addresses stand in `redirects.json`, which the Node
//! suite reads too, with the parser of browsers.

use countersign_core::{redirect, tenant::Settings};
use countersign_tests::{World, http::Auth};
use iri_string::types::UriStr;
use serde_json::{Value, json};

use super::table::dump;

fn table() -> Value {
    serde_json::from_str(include_str!("redirects.json")).expect("JSON")
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// A world whose tenant is on no one's own machine and has the list of the table.
async fn world() -> World {
    let world = World::start().await;
    world.settings(strict).await;
    world
}

fn strict(settings: &mut Settings) {
    settings.is_local = false;
    settings.redirect_urls = texts(&table()["list"]);
}

/// Scheme, host and port as another parser reads them: `iri-string`, after RFC 3986.
fn split(url: &str) -> (String, String, String) {
    let uri = UriStr::new(url).unwrap_or_else(|error| panic!("{url:?}: {error}"));
    let authority = uri.authority_components().expect("an authority");
    assert_eq!(authority.userinfo(), None, "{url:?}");
    let port = authority.port().unwrap_or(if uri.scheme_str().eq_ignore_ascii_case("https") { "443" } else { "80" });
    (uri.scheme_str().to_ascii_lowercase(), authority.host().to_ascii_lowercase(), port.to_owned())
}

#[tokio::test]
async fn hundreds_of_hostile_urls_are_refused_at_track() {
    let world = world().await;
    world.track("ada", "pay", json!({})).await.ok();
    let before = dump(&world);
    let hostile = texts(&table()["refused"]);
    assert!(hostile.len() >= 200, "{}", hostile.len());
    for url in hostile {
        let answer = world.track("ada", "pay", json!({ "redirectUrl": url })).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{url:?}");
        assert!(dump(&world) == before, "{url:?} has written something");
    }
}

#[tokio::test]
async fn what_is_on_the_list_passes_and_both_parsers_agree_on_it() {
    let world = world().await;
    let mut settings = Settings::named("t");
    strict(&mut settings);
    for pair in table()["passes"].as_array().expect("a list") {
        let [url, becomes] = [0, 1].map(|at| pair[at].as_str().expect("a text"));
        let tracked = world.track("ada", "pay", json!({"redirectUrl": url, "idempotencyKey": null})).await.ok();
        assert!(tracked["url"].is_string(), "{url}");
        let stored = redirect::check(&settings, url).expect(url);
        assert_eq!(stored, becomes);
        assert_eq!(split(url), split(&stored), "{url}");
        assert_eq!(split(&redirect::with_token(&stored, &[], "t").expect("a URL")), split(&stored), "{url}");
        let on = |entry: &String| entry.starts_with("https:") && split(entry) == split(&stored);
        assert!(settings.redirect_urls.iter().any(on), "{url}");
    }
}

/// A tenant without a list is told how to make one; loopback addresses are for local tenants alone.
#[tokio::test]
async fn no_list_no_redirect() {
    let world = World::start().await;
    let loopback = [
        "http://localhost:3000/done",
        "https://localhost",
        "http://shop.localhost:8080",
        "http://127.0.0.1:5000/",
        "http://127.8.9.1",
        "http://[::1]:3000/x?y#z",
    ];
    let clear = |is_local: bool| {
        world.settings(move |settings| {
            settings.is_local = is_local;
            settings.redirect_urls.clear();
        })
    };
    clear(true).await;
    for url in loopback {
        world.track("ada", "pay", json!({ "redirectUrl": url })).await.ok();
    }
    clear(false).await;
    for url in loopback.into_iter().chain(["https://app.example/done"]) {
        let answer = world.track("ada", "pay", json!({ "redirectUrl": url })).await;
        assert_eq!(answer.refusal().0, 400, "{url}");
        let refused = answer.json();
        let said = refused["errorDescription"].as_str().expect("a text");
        let how = if url.contains("app.example") { "PATCH /v1/management/tenant" } else { "--local" };
        assert!(said.contains(how), "{said}");
    }
}

/// The quick start of the SDKs works as it stands on the machine of whoever tries it, and nowhere else.
#[tokio::test]
async fn a_local_tenant_of_the_one_process_learns_its_list_by_use() {
    const QUICK_START: &str = "https://yourapp.com/callback";
    let (function, local) = {
        let function = World::start().await;
        function.settings(|settings| settings.redirect_urls.clear()).await;
        let local = function.as_one_process().await;
        (function, local)
    };
    let listed =
        async || local.http.get("/v1/management/tenant", &local.management()).await.ok()["redirectUrls"].clone();
    let track = async |world: &World, body: serde_json::Value| world.track("ada", "pay", body).await;
    assert_eq!(track(&function, json!({ "redirectUrl": QUICK_START })).await.refusal().0, 400, "no function learns");
    // What is refused for something else is not learned from, nor what must never stand there.
    for body in [
        json!({"redirectUrl": QUICK_START, "ipAddress": "nowhere"}),
        json!({"redirectUrl": "http://yourapp.com/callback"}),
        json!({"redirectUrl": "javascript:alert(1)"}),
        json!({"redirectUrl": "https://u@yourapp.com"}),
    ] {
        assert_eq!(track(&local, body.clone()).await.refusal().0, 400, "{body}");
    }
    let (stranger, body) = (Auth::Key("no key of anybody".into()), json!({"redirectUrl": QUICK_START}));
    assert_eq!(local.http.post("/v1/users/ada/actions/pay", &stranger, body).await.status, 401);
    assert_eq!(listed().await, json!([]));
    for _ in 0..2 {
        track(&local, json!({"redirectUrl": format!("{QUICK_START}?order=1")})).await.ok();
        assert_eq!(listed().await, json!([QUICK_START]));
    }
    track(&local, json!({"redirectUrl": "https://other.example"})).await.ok();
    assert_eq!(listed().await, json!([QUICK_START, "https://other.example/"]));
    local.settings(|settings| settings.is_local = false).await;
    assert_eq!(track(&local, json!({"redirectUrl": "https://third.example"})).await.refusal().0, 400);
}

/// What the browser gets at the end is the host that was asked for, with the token in its query once.
#[tokio::test]
async fn the_browser_is_sent_where_track_said() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let body = json!({"redirectUrl": "https://App.example/done?token=theirs&a=b#part"});
    let tracked = world.track("ada", "pay", body).await.ok();
    let token = tracked["token"].as_str().unwrap();
    let page = world.http.raw("GET", &format!("/challenge?token={token}"), &Auth::None, &[], Vec::new()).await.text();
    let state = page.split("name=\"state\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
    let form = format!("token={token}&seal={state}&way=app&code={}", world.code(&secret, 0));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("host", "evil.example")];
    let answer = world.http.raw("POST", "/challenge", &Auth::None, &headers, form.into()).await;
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(split(location), ("https".into(), "app.example".into(), "443".into()), "{location}");
    assert!(location.starts_with("https://app.example/done?a=b&token=") && location.ends_with("#part"), "{location}");
}
