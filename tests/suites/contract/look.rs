//! How pages look and what they say (contract, M21-M25), and where they may lead (`redirectUrls` of M27).

use countersign_core::theme::contrast::DEFAULTS;
use countersign_tests::{World, http::Answer};
use serde_json::{Value, json};

const THEME: &str = "/v1/management/theme";
const OVERRIDES: &str = "/v1/management/message-overrides";
const TENANT: &str = "/v1/management/tenant";

async fn patch(world: &World, path: &str, body: Value) -> Answer {
    world.http.patch(path, &world.management(), body).await
}

async fn get(world: &World, path: &str) -> Value {
    world.http.get(path, &world.management()).await.ok()
}

/// Every field of the contract.
fn full() -> Value {
    let appearance = json!({
        "logoUrl": "https://cdn.example/logo.svg", "watermarkUrl": "https://cdn.example/mark.svg",
        "faviconUrl": "https://cdn.example/icon.png", "primaryColor": "#1d4ed8",
        "borders": {
            "buttonBorderRadius": 8, "buttonBorderWidth": 1, "cardBorderRadius": 12.5, "cardBorderWidth": 0,
            "inputBorderRadius": 8, "inputBorderWidth": 1, "containerBorderRadius": 100,
        },
        "colors": {
            "buttonPrimaryText": "#FFF", "buttonPrimaryBorder": "#1d4ed8", "buttonSecondaryText": "#111111",
            "buttonSecondaryBackground": "#ffffff", "buttonSecondaryBorder": "#cccccc", "cardBackground": "#ffffff",
            "cardBorder": "#dddddd", "inputBackground": "#ffffff", "inputBorder": "#767676", "link": "#1d4ed8",
            "headingText": "#111111", "bodyText": "#222222", "containerBackground": "#ffffffff",
            "containerBorder": "#dddddd", "divider": "#dddddd", "icon": "#111111", "loader": "#1d4ed8",
            "positive": "#067647", "critical": "#b42318", "information": "#1d4ed8", "hover": "#eeeeee", "focus": "#1d4ed8",
        },
        "container": {
            "contentAlignment": "center", "padding": 24, "logoAlignment": "left", "logoPosition": "inside", "logoHeight": 40,
        },
        "pageBackground": {"backgroundColor": "#f3f4f6", "backgroundImageUrl": "https://cdn.example/a.webp?x=1"},
        "typography": {
            "text": {"faces": [
                {"url": "https://fonts.example/a.woff2", "weight": 400},
                {"url": "https://fonts.example/b.woff2", "weight": "100 900"},
            ]},
            "display": {"fontUrl": "https://fonts.example/c.woff2"},
            "button": {"faces": [{"url": "https://fonts.example/d.woff2"}]},
        },
        "links": {"underline": true}, "shadows": {"enabled": false},
    });
    let mut theme = appearance.clone();
    theme["name"] = json!("Acme");
    theme["container"]["exitPosition"] = json!("bottom");
    theme["darkMode"] = appearance;
    theme["darkMode"]["colors"] = json!({"bodyText": "#dddddd"});
    theme
}

/// The theme of an answer, without what we add.
fn theme(mut answer: Value) -> Value {
    assert!(answer["contrastWarnings"].is_array(), "{answer}");
    answer.as_object_mut().unwrap().remove("contrastWarnings");
    answer
}

#[tokio::test]
async fn m21_and_m22_every_field_comes_back() {
    let world = World::start().await;
    assert_eq!(get(&world, THEME).await, json!({"contrastWarnings": []}));
    let mut sent = full();
    sent["fieldOfTomorrow"] = json!({"a": 1});
    sent["darkMode"]["container"]["exitPosition"] = json!("top");
    assert_eq!(theme(patch(&world, THEME, sent).await.ok()), full(), "unknown fields are ignored");
    assert_eq!(theme(get(&world, THEME).await), full());
    let elsewhere = world.another_process().await;
    assert_eq!(theme(get(&elsewhere, THEME).await), full());
}

#[tokio::test]
async fn m22_absent_keeps_and_null_clears_at_every_depth() {
    let world = World::start().await;
    patch(&world, THEME, full()).await.ok();
    let mut expected = full();
    assert_eq!(theme(patch(&world, THEME, json!({})).await.ok()), expected);
    let changes = json!({
        "logoUrl": null, "primaryColor": "#0a7", "borders": {"cardBorderRadius": null, "cardBorderWidth": 2},
        "colors": {"link": "#000"}, "typography": {"text": {"faces": [{"url": "https://fonts.example/e.woff2"}]}},
        "darkMode": {"colors": null, "links": {"underline": false}}, "shadows": null,
    });
    for gone in ["logoUrl", "shadows"] {
        expected.as_object_mut().unwrap().remove(gone);
    }
    expected["borders"].as_object_mut().unwrap().remove("cardBorderRadius");
    expected["darkMode"].as_object_mut().unwrap().remove("colors");
    expected["primaryColor"] = json!("#0a7");
    expected["borders"]["cardBorderWidth"] = json!(2);
    expected["colors"]["link"] = json!("#000");
    expected["typography"]["text"]["faces"] = json!([{"url": "https://fonts.example/e.woff2"}]);
    expected["darkMode"]["links"]["underline"] = json!(false);
    assert_eq!(theme(patch(&world, THEME, changes).await.ok()), expected);
    let nothing: Value = full().as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect();
    assert_eq!(patch(&world, THEME, nothing).await.ok(), json!({"contrastWarnings": []}));
}

#[tokio::test]
async fn m22_what_is_no_theme_is_refused_by_name() {
    let world = World::start().await;
    world.settings(|settings| settings.is_local = false).await;
    patch(&world, THEME, full()).await.ok();
    let faces = |number: usize| vec![json!({"url": "https://fonts.example/a.woff2"}); number];
    for (field, body) in [
        ("name", json!({"name": ""})),
        ("name", json!({"name": "x".repeat(65)})),
        ("primaryColor", json!({"primaryColor": "red"})),
        ("primaryColor", json!({"primaryColor": "#12345"})),
        ("primaryColor", json!({"primaryColor": "#fff;}</style><script>"})),
        ("primaryColor", json!({"primaryColor": 5})),
        ("colors.link", json!({"colors": {"link": "var(--x)"}})),
        ("colors", json!({"colors": "#fff"})),
        ("colors", json!({"colors": []})),
        ("darkMode.borders", json!({"darkMode": {"borders": [1, 2]}})),
        ("typography.text.faces", json!({"typography": {"text": {"faces": [["https://a.example", 400]]}}})),
        ("darkMode.colors.link", json!({"darkMode": {"colors": {"link": "#ggg"}}})),
        ("darkMode", json!({"darkMode": true})),
        ("borders.cardBorderRadius", json!({"borders": {"cardBorderRadius": -1}})),
        ("borders.cardBorderRadius", json!({"borders": {"cardBorderRadius": 100.1}})),
        ("borders.cardBorderRadius", json!({"borders": {"cardBorderRadius": "8px"}})),
        ("container.logoPosition", json!({"container": {"logoPosition": "top"}})),
        ("container.contentAlignment", json!({"container": {"contentAlignment": "CENTER"}})),
        ("logoUrl", json!({"logoUrl": "http://cdn.example/logo.svg"})),
        ("logoUrl", json!({"logoUrl": "javascript:alert(1)"})),
        ("logoUrl", json!({"logoUrl": "data:image/svg+xml,<svg onload=alert(1)>"})),
        ("logoUrl", json!({"logoUrl": "//cdn.example/logo.svg"})),
        ("logoUrl", json!({"logoUrl": "https://cdn.example/\")}</style>"})),
        ("logoUrl", json!({"logoUrl": "https://cdn.example/a(b)"})),
        ("logoUrl", json!({"logoUrl": "https://cdn.example/a'b"})),
        ("logoUrl", json!({"logoUrl": "https://cdn.example/a\nb"})),
        ("logoUrl", json!({"logoUrl": format!("https://cdn.example/{}", "a".repeat(2048))})),
        ("localhost", json!({"logoUrl": "http://localhost:3000/logo.svg"})),
        ("127.0.0.1", json!({"darkMode": {"logoUrl": "https://127.0.0.1/logo.svg"}})),
        ("pageBackground.backgroundImageUrl", json!({"pageBackground": {"backgroundImageUrl": "a.png"}})),
        ("typography", json!({"typography": {"text": {"faces": faces(7)}}})),
        (
            "typography.text.faces[0].weight",
            json!({"typography": {"text": {"faces": [{"url": "https://a.example", "weight": "bold"}]}}}),
        ),
        (
            "typography.text.faces[0].weight",
            json!({"typography": {"text": {"faces": [{"url": "https://a.example", "weight": 0}]}}}),
        ),
        ("typography.text.faces[0]", json!({"typography": {"text": {"faces": [{"weight": 400}]}}})),
        ("links.underline", json!({"links": {"underline": "yes"}})),
        ("shadows.enabled", json!({"shadows": {"enabled": 1}})),
    ] {
        let answer = patch(&world, THEME, body.clone()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{body}");
        assert!(answer.json()["errorDescription"].as_str().unwrap().contains(field), "{field}: {}", answer.json());
    }
    assert_eq!(theme(get(&world, THEME).await), full(), "nothing was written");
    patch(&world, THEME, json!({"typography": {"text": {"faces": faces(6)}}})).await.ok();
    world.settings(|settings| settings.is_local = true).await;
    patch(&world, THEME, json!({"logoUrl": "http://localhost:3000/logo.svg"})).await.ok();
}

#[tokio::test]
async fn m22_what_is_hard_to_read_is_said_and_kept() {
    let world = World::start().await;
    let pale = json!({"primaryColor": "#ffee00", "colors": {"buttonPrimaryText": "#ffffff", "bodyText": "#999999"}});
    let answer = patch(&world, THEME, pale).await.ok();
    assert_eq!(answer, get(&world, THEME).await);
    let warnings = answer["contrastWarnings"].as_array().unwrap();
    let of = |pair: &str, mode: &str| {
        warnings.iter().find(|warning| warning["pair"] == pair && warning["mode"] == mode).cloned()
    };
    let expected = json!({
        "pair": "bodyText/cardBackground", "foreground": "#999999", "background": "#fff", "ratio": 2.84, "needed": 4.5,
        "mode": "light",
    });
    assert_eq!(of("bodyText/cardBackground", "light"), Some(expected));
    assert!(of("buttonPrimaryText/primaryColor", "light").is_some(), "{warnings:?}");
    assert!(of("bodyText/cardBackground", "dark").is_none(), "light text colours are those of light pages");
    assert_eq!(answer["primaryColor"], "#ffee00", "it is kept all the same");
    let better = json!({"colors": null});
    assert_eq!(patch(&world, THEME, better).await.ok()["contrastWarnings"], json!([]));
}

/// What a warning takes for the colour of our pages is the one that they have.
#[test]
fn our_colours_are_those_of_the_style_sheet() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/hosted-ui/assets/hosted.css");
    let css = std::fs::read_to_string(path).expect("a style sheet");
    let (light, dark) = css.split_once("@media (prefers-color-scheme: dark)").expect("a dark mode");
    let mut found = 0;
    for (name, of_light, of_dark) in DEFAULTS {
        for (sheet, colour) in [(light, of_light), (dark, of_dark)] {
            let uses: Vec<&str> = sheet.split(&format!("var(--cs-{name}, #")).skip(1).collect();
            let has = uses.iter().any(|rest| rest.split(')').next() == Some(&colour[1..]));
            assert!(uses.is_empty() || has, "{name} is not {colour} in hosted.css");
            found += usize::from(has);
        }
    }
    assert!(found >= 16, "only {found} were found");
}

#[tokio::test]
async fn m22_two_changes_at_once_are_both_kept() {
    let world = World::start().await;
    let (one, two) = tokio::join!(
        patch(&world, THEME, json!({"primaryColor": "#123456"})),
        patch(&world, THEME, json!({"colors": {"link": "#123456"}})),
    );
    assert!(one.status == 200 && two.status == 200);
    assert_eq!(theme(get(&world, THEME).await), json!({"primaryColor": "#123456", "colors": {"link": "#123456"}}));
}

#[tokio::test]
async fn m22_pages_have_it_within_half_a_minute() {
    let world = World::start().await;
    let tenant = world.app.tenant(&world.tenant.tenant_id).await.unwrap().unwrap();
    let colour = async || world.app.look(&tenant).await.unwrap().theme.light.primary_color.clone();
    let elsewhere = world.another_process().await;
    assert_eq!(colour().await, None);
    patch(&elsewhere, THEME, json!({"primaryColor": "#123456"})).await.ok();
    assert_eq!(colour().await, None);
    world.clock.advance(30);
    assert_eq!(colour().await.unwrap().as_str(), "#123456");
    patch(&world, THEME, json!({"primaryColor": "#654321"})).await.ok();
    assert_eq!(colour().await.unwrap().as_str(), "#654321", "at once where it was changed");
}

#[tokio::test]
async fn m23_and_m24_the_whole_map_is_replaced() {
    let world = World::start().await;
    let none = json!({"messageOverrides": {}});
    assert_eq!(get(&world, OVERRIDES).await, none);
    let first = json!({"messageOverrides": {
        "en": {"challenge-heading": "Is it you?", "challenge-code-text": "The code for {tenant}, please"},
        "de": {"challenge-heading": "Sind Sie es?"},
    }});
    let mut sent = first.clone();
    sent["catalogVersion"] = json!("ignored");
    assert_eq!(patch(&world, OVERRIDES, sent).await.ok(), first);
    assert_eq!(patch(&world, OVERRIDES, json!({})).await.ok(), first, "absent keeps");
    let second = json!({"messageOverrides": {"fr": {"challenge-heading": "Est-ce vous ?"}}});
    assert_eq!(patch(&world, OVERRIDES, second.clone()).await.ok(), second);
    assert_eq!(get(&world.another_process().await, OVERRIDES).await, second);
    assert_eq!(patch(&world, OVERRIDES, json!({"messageOverrides": null})).await.ok(), none, "null clears");
}

#[tokio::test]
async fn m24_what_cannot_be_said_is_refused_by_name() {
    let world = World::start().await;
    let kept = json!({"messageOverrides": {"en": {"challenge-heading": "Is it you?"}}});
    patch(&world, OVERRIDES, kept.clone()).await.ok();
    for (named, overrides) in [
        ("xx", json!({"xx": {"challenge-heading": "?"}})),
        ("en.no-such-text", json!({"en": {"no-such-text": "?"}})),
        ("60 characters", json!({"en": {"challenge-continue-button": "x".repeat(61)}})),
        ("{tenant}", json!({"en": {"challenge-code-text": "{user}"}})),
        ("tags", json!({"en": {"challenge-heading": "<script>alert(1)</script>"}})),
        ("messageOverrides.en", json!({"en": {"challenge-heading": 5}})),
        ("messageOverrides.en", json!({"en": "?"})),
        ("messageOverrides", json!([1])),
    ] {
        let answer = patch(&world, OVERRIDES, json!({ "messageOverrides": overrides })).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{overrides}");
        assert!(answer.json()["errorDescription"].as_str().unwrap().contains(named), "{named}: {}", answer.json());
    }
    assert_eq!(get(&world, OVERRIDES).await, kept);
}

/// More than any other call takes, and as much as an item of the table holds.
#[tokio::test]
async fn m24_every_text_of_every_language_fits() {
    let world = World::start().await;
    let catalog = get(&world, &format!("{OVERRIDES}/catalog")).await;
    let mut all = json!({});
    for point in catalog["points"].as_array().unwrap() {
        for locale in point["defaultCopy"].as_object().unwrap().keys() {
            let longest = usize::try_from(point["maxLength"].as_u64().unwrap()).unwrap().min(200);
            all[locale][point["publicId"].as_str().unwrap()] = json!("x".repeat(longest));
        }
    }
    let body = json!({ "messageOverrides": all });
    assert!(body.to_string().len() > 150 * 1024);
    assert_eq!(patch(&world, OVERRIDES, body.clone()).await.ok(), body);
    let padded = json!({"messageOverrides": {}, "padding": "x".repeat(256 * 1024)});
    assert_eq!(patch(&world, OVERRIDES, padded).await.status, 413);
}

#[tokio::test]
async fn m25_the_catalog_says_what_there_is() {
    let world = World::start().await;
    let catalog = get(&world, &format!("{OVERRIDES}/catalog")).await;
    assert!(catalog["catalogVersion"].is_string());
    let screens = catalog["screens"].as_array().unwrap();
    assert!(screens.contains(&json!({"id": "challenge", "label": "Challenge", "family": "challenge"})), "{screens:?}");
    let points = catalog["points"].as_array().unwrap();
    let code = points.iter().find(|point| point["publicId"] == "challenge-code-text").unwrap();
    let mut expected = json!({
        "publicId": "challenge-code-text", "screen": "challenge", "role": "text", "item": "challenge-code",
        "label": "Challenge code text", "products": ["prebuilt_ui"], "maxLength": 400, "allowedPlaceholders": ["tenant"],
        "allowedTags": [],
    });
    expected["defaultCopy"] = code["defaultCopy"].clone();
    assert_eq!(*code, expected);
    assert_eq!(code["defaultCopy"].as_object().unwrap().len(), 7);
    // What the catalog offers can be sent back as it is.
    let english: Value = points
        .iter()
        .map(|point| (point["publicId"].as_str().unwrap().to_owned(), point["defaultCopy"]["en"].clone()))
        .collect();
    patch(&world, OVERRIDES, json!({"messageOverrides": {"en": english}})).await.ok();
}

#[tokio::test]
async fn m27_where_pages_may_lead_is_a_list() {
    let world = World::start().await;
    world.settings(|settings| (settings.is_local, settings.redirect_urls) = (false, Vec::new())).await;
    let before = get(&world, TENANT).await;
    assert_eq!((&before["redirectUrls"], &before["isLocal"]), (&json!([]), &json!(false)));
    let list = json!(["https://app.example/done", "https://app.example:8443", "myapp://auth", "myapp:"]);
    let sent = json!({"redirectUrls": list, "isLocal": true});
    let changed = patch(&world, TENANT, sent).await.ok();
    assert_eq!(
        (&changed["redirectUrls"], &changed["isLocal"]),
        (&list, &json!(false)),
        "nobody becomes local by a call"
    );
    assert_eq!(patch(&world, TENANT, json!({"name": "Acme"})).await.ok()["redirectUrls"], list, "absent keeps");
    for (named, wrong) in [
        ("http://app.example", json!(["https://fine.example", "http://app.example"])),
        ("http://localhost:3000", json!(["http://localhost:3000"])),
        ("https://127.0.0.1", json!(["https://127.0.0.1"])),
        ("https://*.example", json!(["https://*.example"])),
        ("https://a@b.example", json!(["https://a@b.example"])),
        ("https://app.example/?a", json!(["https://app.example/?a"])),
        ("javascript:alert(1)", json!(["javascript:alert(1)"])),
        ("data:", json!(["data:"])),
        ("50", json!(vec!["https://app.example"; 51])),
        ("redirectUrls", json!("https://app.example")),
        ("redirectUrls", json!([5])),
    ] {
        let answer = patch(&world, TENANT, json!({ "redirectUrls": wrong })).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{wrong}");
        assert!(answer.json()["errorDescription"].as_str().unwrap().contains(named), "{named}: {}", answer.json());
    }
    assert_eq!(get(&world, TENANT).await["redirectUrls"], list, "nothing was written");
    let track = async |url: &str| world.track("ada", "pay", json!({ "redirectUrl": url })).await;
    track("https://app.example/done/1").await.ok();
    assert_eq!(track("https://app.example/other").await.status, 400);
    assert_eq!(
        patch(&world, TENANT, json!({"redirectUrls": null})).await.ok()["redirectUrls"],
        json!([]),
        "null clears"
    );
    assert_eq!(track("https://app.example/done/1").await.status, 400);
}
