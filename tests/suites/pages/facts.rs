//! What is confirmed is on the page, on the device and in what the device signs; a lock screen gives nothing of it away.

use countersign_tests::{
    World,
    device::{Device, statement, statement_in_words},
    http::Answer,
};
use data_encoding::BASE64;
use serde_json::{Value, json};

/// A world in which `pay` has a name, and what users see of a payment has labels.
async fn world() -> World {
    let world = World::start().await;
    world.settings(|settings| settings.name = "Acme".into()).await;
    let display = json!({"en": "Pay an invoice", "de": "Rechnung bezahlen"});
    manage(&world, "action-configurations", json!({"actionCode": "pay", "displayName": display})).await.ok();
    for (name, data_type, more) in [
        (
            "amount",
            "number",
            json!({"label": {"en": "Amount", "de": "Betrag"}, "format": "money", "unit": "{currency}"}),
        ),
        ("currency", "text", json!({})),
        ("payee", "text", json!({"label": {"en": "Payee", "de": "Empfänger"}})),
        ("isUrgent", "boolean", json!({})),
    ] {
        let mut point = json!({"name": name, "dataType": data_type, "modelType": "action", "isPublic": true});
        point.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        manage(&world, "custom-data-points", point).await.ok();
    }
    let hidden = json!({"name": "risk", "dataType": "number", "modelType": "action", "isPublic": false});
    manage(&world, "custom-data-points", hidden).await.ok();
    world
}

async fn manage(world: &World, path: &str, body: Value) -> Answer {
    world.http.post(&format!("/v1/management/{path}"), &world.management(), body).await
}

/// The token of a payment of 1,480 €.
async fn payment(world: &World, more: Value) -> String {
    world.http.patch("/v1/users/ada", &world.key(), json!({"email": "ada@example.com"})).await.ok();
    let mut body = json!({"custom": {"amount": 1480, "currency": "EUR", "payee": "Ng & Söhne", "isUrgent": true, "risk": 271_828_182}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.track("ada", "pay", body).await.ok()["token"].as_str().expect("a token").to_owned()
}

/// The lines of the card of a page, as people read them.
fn card(page: &str) -> Vec<String> {
    let Some((_, rest)) = page.split_once("id=\"facts\"") else { return Vec::new() };
    let card = rest.split("</section>").next().unwrap_or_default();
    let text = card.split('>').skip(1).map(|part| part.split('<').next().unwrap_or_default().trim());
    let read = |text: &str| text.replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'");
    text.filter(|text| !text.is_empty()).map(read).collect()
}

const ENGLISH: [&str; 11] = [
    "Pay an invoice",
    "Amount",
    "1,480.00 EUR",
    "Is urgent",
    "Yes",
    "Payee",
    "Ng & Söhne",
    "Account",
    "a***@example.com",
    "Asked by",
    "Acme",
];

#[tokio::test]
async fn every_page_of_an_action_says_what_is_confirmed() {
    let world = world().await;
    let device = world.device("ada", "push").await;
    let token = payment(&world, json!({})).await;
    assert_eq!(card(&world.page("/challenge", &token).await.text()), ENGLISH, "asked");
    let asked = world.push(&token, json!({})).await.ok();
    let challenge = asked["challengeId"].as_str().unwrap().to_owned();
    let waiting = world.page(&format!("/challenge?challenge={challenge}"), &token).await.text();
    assert!(waiting.contains("id=\"live\""), "{waiting}");
    assert_eq!(card(&waiting), ENGLISH, "waiting");
    world.approve(&device, &challenge).await.ok();
    let ended = world.page(&format!("/challenge?challenge={challenge}"), &token).await.text();
    assert!(ended.contains("data-end=\"success\""), "{ended}");
    assert_eq!(card(&ended), ENGLISH, "ended");
    let german = payment(&world, json!({"locale": "de"})).await;
    let german = card(&world.page("/challenge", &german).await.text());
    assert_eq!(german[..3], ["Rechnung bezahlen", "Betrag", "1.480,00 EUR"]);
}

#[tokio::test]
async fn the_account_is_shown_as_the_tenant_says() {
    let world = world().await;
    world.device("ada", "push").await;
    for (display, shown) in [("full", Some("ada@example.com")), ("hidden", None), ("masked", Some("a***@example.com"))]
    {
        let body = json!({"accountDisplay": display});
        world.http.patch("/v1/management/tenant", &world.management(), body).await.ok();
        let page = world.page("/challenge", &payment(&world, json!({})).await).await.text();
        let card = card(&page);
        let at = card.iter().position(|line| line == "Account");
        assert_eq!(at.map(|at| card[at + 1].as_str()), shown, "{display}");
    }
}

#[tokio::test]
async fn a_device_is_shown_the_same_and_signs_it() {
    let world = world().await;
    let device = world.device("ada", "push").await;
    let tenant = world.tenant.tenant_id.to_string();
    for in_words in [true, false] {
        let token = payment(&world, json!({})).await;
        let asked = world.push(&token, json!({})).await.ok();
        let shown = world.pending(&device).await.ok();
        let mut lines = vec![shown["facts"]["what"].as_str().unwrap().to_owned()];
        for row in shown["facts"]["rows"].as_array().unwrap() {
            lines.extend(["label", "value"].map(|name| row[name].as_str().unwrap().to_owned()));
        }
        assert_eq!(lines, ENGLISH);
        assert!(!shown.to_string().contains("271828182"), "what is not public is not shown");
        let signed = if in_words { statement_in_words } else { statement }(&tenant, &shown, true, "");
        let answered = answer(&world, &device, &shown, &signed).await;
        assert_eq!(answered.ok()["isVerified"], true, "in words: {in_words}");
        let path = format!("/v1/challenges/{}/receipt", asked["challengeId"].as_str().unwrap());
        let receipt = world.http.get(&path, &world.key()).await.ok();
        assert_eq!(receipt["facts"], shown["facts"]);
        assert_eq!(BASE64.decode(receipt["statement"].as_str().unwrap().as_bytes()).unwrap(), signed);
    }
}

/// One letter of what was shown is changed: no signature over it is taken.
#[tokio::test]
async fn a_signature_over_other_words_is_refused() {
    let world = world().await;
    let device = world.device("ada", "push").await;
    world.push(&payment(&world, json!({})).await, json!({})).await.ok();
    let shown = world.pending(&device).await.ok();
    let mut other = shown.clone();
    other["facts"]["rows"][0]["value"] = json!("1,480.01 EUR");
    let signed = statement_in_words(world.tenant.tenant_id.as_str(), &other, true, "");
    assert_eq!(answer(&world, &device, &shown, &signed).await.status, 403);
}

async fn answer(world: &World, device: &Device, shown: &Value, signed: &[u8]) -> Answer {
    let mut body = device.answer(shown["challengeId"].as_str().unwrap(), true);
    body["signatureV2"] = json!(device.sign(signed));
    world.answer(device, body).await
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused_by_name() {
    let world = World::start().await;
    for (path, body, named) in [
        ("action-configurations", json!({"actionCode": "a", "displayName": {"xx": "Pay"}}), "displayName"),
        ("action-configurations", json!({"actionCode": "a", "displayName": {"en": ""}}), "displayName.en"),
        ("action-configurations", json!({"actionCode": "a", "displayName": {"en": "x".repeat(61)}}), "displayName.en"),
        ("custom-data-points", json!({"name": "n", "dataType": "text", "modelType": "action", "unit": ""}), "unit"),
        (
            "custom-data-points",
            json!({"name": "n", "dataType": "text", "modelType": "action", "label": {"de": "a\nb"}}),
            "label.de",
        ),
        (
            "custom-data-points",
            json!({"name": "n", "dataType": "text", "modelType": "action", "format": "gold"}),
            "format",
        ),
    ] {
        let refused = manage(&world, path, body.clone()).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".into()), "{body}");
        assert!(refused.json()["errorDescription"].as_str().unwrap().contains(named), "{}", refused.json());
    }
    let made = manage(&world, "action-configurations", json!({"actionCode": "a", "displayName": {"en": "Pay"}})).await;
    assert_eq!(made.ok()["displayName"], json!({"en": "Pay"}));
    // Which unit is good depends on nothing that was stored before: a description could not say so (OpenAPI 3.1).
    let point =
        manage(&world, "custom-data-points", json!({"name": "n", "dataType": "text", "modelType": "action"})).await;
    let path = format!("/v1/management/custom-data-points/{}", point.ok()["id"].as_str().unwrap());
    for format in [json!(null), json!("text"), json!("date"), json!("money")] {
        world.http.patch(&path, &world.management(), json!({"format": format})).await.ok();
        let changed = world.http.patch(&path, &world.management(), json!({"unit": "km"})).await.ok();
        assert_eq!(changed["unit"], "km");
    }
    let path = "/v1/management/action-configurations/a";
    let cleared = world.http.patch(path, &world.management(), json!({"displayName": null})).await.ok();
    assert_eq!(cleared.get("displayName"), None);
}

/// A name of 60 signs of four bytes made a URI that no QR code holds, and the page was a 500.
#[tokio::test]
async fn a_long_name_has_a_picture_too() {
    let world = World::start().await;
    world.settings(|settings| settings.name = "\u{1f469}\u{200d}\u{1f680}".repeat(20)).await;
    let token = world.token("ada", "signIn").await;
    let page = world.page("/set-up?kind=app", &token).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("id=\"qr\""));
}

/// A QR code of ordinary names is small enough for a cheap camera.
#[tokio::test]
async fn an_ordinary_picture_has_at_most_45_squares_a_side() {
    let world = World::start().await;
    world.settings(|settings| settings.name = "Sparkasse Musterstadt".into()).await;
    let token = world.token("ada", "signIn").await;
    world.http.patch("/v1/users/ada", &world.key(), json!({"email": "ada.lovelace@mail.example.com"})).await.ok();
    let page = world.page("/set-up?kind=app", &token).await.text();
    let (_, rest) = page.split_once("viewBox=\"0 0 ").expect("a picture");
    let with_zone: usize = rest.split(' ').next().unwrap().parse().expect("a number");
    assert!(with_zone <= 45 + 8, "{with_zone}");
}
