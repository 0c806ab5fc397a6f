//! What the tenant's settings say of the pages (contract, M26-M27), and what an action offers to set up (M1, M6).

use countersign_tests::{World, device::Device, http::Auth};
use serde_json::{Value, json};

use super::recoverable;

async fn patched(world: &World, body: Value) -> countersign_tests::http::Answer {
    world.http.patch("/v1/management/tenant", &world.management(), body).await
}

#[tokio::test]
async fn the_fields_are_there_and_read_back() {
    let world = World::start().await;
    let before = world.http.get("/v1/management/tenant", &world.management()).await.ok();
    let named = ["hideSuccessScreenOnEnrollment", "redirectOnSessionExpiry", "allowDisablingMfa", "hideAuthsignalLogo"];
    let said: Vec<&Value> = named.iter().map(|name| &before[*name]).collect();
    assert_eq!(said, [false, false, true, true]);
    assert_eq!((&before["allowDeletingUserAuthenticators"], &before["customDomain"]), (&json!(true), &Value::Null));
    let changes = json!({
        "hideSuccessScreenOnEnrollment": true, "redirectOnSessionExpiry": true, "allowDisablingMfa": false,
        "allowDeletingUserAuthenticators": false, "hideAuthsignalLogo": true, "customDomain": "MFA.bank.example",
    });
    let after = patched(&world, changes).await.ok();
    let said: Vec<&Value> = named.iter().map(|name| &after[*name]).collect();
    assert_eq!(said, [true, true, false, true]);
    assert_eq!(after["customDomain"], "mfa.bank.example");
    let refused = patched(&world, json!({"hideAuthsignalLogo": false})).await;
    assert!(refused.status == 400 && refused.text().contains("no logo but the tenant"), "{}", refused.text());
    // No name server can have the last ones.
    let (long, many) = (format!("{}.example", "a".repeat(64)), format!("{}example", "a.".repeat(124)));
    let wrong = ["https://a.example", "a.example/x", "", "a b", "u@a.example", "0.0.0.0", "[::ffff:127.0.0.1]", "a..b"];
    for wrong in wrong.into_iter().chain([&*long, &*many, "-a.example", "a-.example"]) {
        assert_eq!(patched(&world, json!({ "customDomain": wrong })).await.status, 400, "{wrong}");
    }
    assert_eq!(patched(&world, json!({"customDomain": null})).await.ok()["customDomain"], Value::Null);
}

#[tokio::test]
async fn a_custom_domain_is_where_the_page_is() {
    let world = World::start().await;
    let refused = world.track("ada", "signIn", json!({"customDomain": "mfa.bank.example"})).await;
    assert!(refused.status == 400 && refused.text().contains("/v1/management/tenant"), "{}", refused.text());
    patched(&world, json!({"customDomain": "mfa.bank.example"})).await.ok();
    for body in [json!({}), json!({"customDomain": "MFA.bank.example"}), json!({"customDomain": null})] {
        let url = world.track("ada", "signIn", body).await.ok()["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with("https://mfa.bank.example/challenge?token="), "{url}");
    }
    assert_eq!(world.track("ada", "signIn", json!({"customDomain": "evil.example"})).await.status, 400);
}

#[tokio::test]
async fn an_expired_page_leads_back_by_itself_where_the_tenant_says_so() {
    let world = World::start().await;
    world.ready("ada").await;
    let tracked = world.track("ada", "signIn", json!({"redirectUrl": "https://app.example/done"})).await.ok();
    let token = tracked["token"].as_str().unwrap();
    world.clock.advance(601);
    let page = world.page("/challenge", token).await;
    assert!(page.status == 401 && page.text().contains("Start again"), "{}", page.text());
    patched(&world, json!({"redirectOnSessionExpiry": true})).await.ok();
    let page = world.page("/challenge", token).await;
    assert_eq!(page.status, 303);
    assert!(page.header("location").is_some_and(|to| to.starts_with("https://app.example/done?token=")));
    let popup = world.page("/challenge?mode=popup", token).await.text();
    assert!(popup.contains("AUTHSIGNAL_CLOSE_POPUP"), "{popup}");
}

#[tokio::test]
async fn a_paired_phone_goes_on_without_a_page_where_the_tenant_says_so() {
    for hides in [false, true] {
        let world = World::start().await;
        patched(&world, json!({"hideSuccessScreenOnEnrollment": hides})).await.ok();
        let tracked = world.track("ada", "enrol", json!({"redirectUrl": "https://app.example/done"})).await.ok();
        let token = tracked["token"].as_str().unwrap();
        let link = world.link(token).await;
        assert_eq!(world.redeem(&link, &Device::new("push")).await.status, 200);
        let said = world.say(&link, "pair").await;
        assert_eq!(super::codes(&said.text()).len(), if hides { 10 } else { 0 }, "{}", said.text());
    }
}

async fn configured(world: &World, action: &str, prompts: Value) {
    let body = json!({"actionCode": action, "promptToEnrollVerificationMethods": prompts});
    let made = world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
    assert_eq!(made["promptToEnrollVerificationMethods"], prompts);
}

#[tokio::test]
async fn an_action_offers_what_it_names_to_somebody_with_nothing() {
    let world = World::start().await;
    let offers = |page: &str| (page.contains("id=\"secret\""), page.contains("All is well"));
    for (prompts, offered) in [
        (Value::Null, (true, false)),
        (json!([]), (false, true)),
        (json!(["AUTHENTICATOR_APP"]), (true, false)),
        (json!(["PASSKEY"]), (false, true)),
    ] {
        let action = format!("act{}", prompts.to_string().len());
        configured(&world, &action, prompts.clone()).await;
        let tracked = world.track("ada", &action, json!({})).await.ok();
        assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
        let token = tracked["token"].as_str().unwrap();
        let page = world.page("/challenge", token).await.text();
        assert_eq!(offers(&page), offered, "{prompts}: {page}");
        // A user who has to set up, or asks to, is led to set-up all the same.
        let page = world.page("/challenge?force_enrollment=true", token).await.text();
        assert!(offers(&page).0, "{prompts}: {page}");
    }
    configured(&world, "phones", json!(["PUSH"])).await;
    let token = world.token("ada", "phones").await;
    let page = world.page("/challenge", &token).await;
    assert!(page.header("location").is_some_and(|to| to.contains("kind=phone")), "{}", page.text());
    // Enforcement is stronger than an empty list.
    let enforce = json!({"confirmation": "Enforce 2FA", "by": "the tests"});
    world.http.post("/v1/management/two-factor-enforcement", &world.management(), enforce).await.ok();
    let token = world.token("bob", "act2").await;
    assert!(offers(&world.page("/challenge", &token).await.text()).0);
}

#[tokio::test]
async fn a_success_offers_what_the_action_names_and_the_user_lacks() {
    let world = World::start().await;
    configured(&world, "signIn", json!(["PUSH"])).await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let answer = world.answer_page(&token, "app", &world.code(&secret, 0)).await;
    let to = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    assert!(to.starts_with("/set-up?") && to.contains("kind=phone"), "{to}");
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
    let page = world.http.get(&to, &Auth::None).await;
    assert_eq!(page.status, 303, "a link for the phone is made");
}

/// A rule that decides says what is offered, in place of its action.
#[tokio::test]
async fn the_rule_that_decided_says_what_is_offered() {
    let world = World::start().await;
    configured(&world, "pay", json!([])).await;
    let rule = json!({"name": "all", "priority": 0, "type": "CHALLENGE", "conditions": true, "promptToEnrollVerificationMethods": ["AUTHENTICATOR_APP"]});
    world.http.post("/v1/management/action-configurations/pay/rules", &world.management(), rule).await.ok();
    let token = world.token("ada", "pay").await;
    assert!(world.page("/challenge", &token).await.text().contains("id=\"secret\""));
}

/// What a success entitles to ends with the success, and not with a token that lives longer.
#[tokio::test]
async fn a_success_enrols_for_ten_minutes() {
    let world = World::start().await;
    world.settings(|settings| settings.token_duration_in_minutes = 60).await;
    let (secret, _) = recoverable(&world, "ada").await;
    let open = world.token("ada", "signIn").await;
    let token = world.verify(&open, &world.code(&secret, 0)).await.ok()["accessToken"].as_str().unwrap().to_owned();
    world.clock.advance(599);
    assert_eq!(world.enroll(&token).await.status, 200);
    world.clock.advance(1);
    let refused = world.enroll(&token).await;
    assert!(refused.status == 403 && refused.text().contains("ten minutes"), "{}", refused.text());
    assert!(world.page("/set-up?kind=app", &token).await.header("location").is_some());
    // Scope that the backend gave is good for as long as its token (contract, section 3).
    let given = world.track("ada", "add", json!({"scope": "add:authenticators"})).await.ok();
    world.clock.advance(1800);
    assert_eq!(world.enroll(given["token"].as_str().unwrap()).await.status, 200);
}

/// The list counts as it is when the page leads on: an address that was taken off it since track is given no token.
#[tokio::test]
async fn an_address_that_was_taken_off_the_list_is_led_to_no_more() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let list = async |urls: Value| patched(&world, json!({"redirectUrls": urls})).await.ok();
    list(json!(["https://old.example/done", "https://new.example"])).await;
    let track = async || world.track("ada", "signIn", json!({"redirectUrl": "https://old.example/done"})).await.ok();
    let token = track().await["token"].as_str().unwrap().to_owned();
    assert!(world.page("/challenge", &token).await.text().contains("https://old.example/done"));
    list(json!(["https://new.example"])).await;
    let shown = world.page("/challenge", &token).await;
    let answered = world.answer_page(&token, "app", &world.code(&secret, 0)).await;
    let popup = world.page("/challenge?mode=popup&quit=yes", &token).await;
    for answer in [shown, answered, popup] {
        assert!(answer.status.as_u16() < 400, "{}", answer.status);
        let location = answer.header("location").unwrap_or_default();
        assert!(!location.contains("old.example") && !answer.text().contains("old.example"), "{}", answer.text());
    }
    assert_eq!(world.state(&token).await, "CHALLENGE_SUCCEEDED");
}
