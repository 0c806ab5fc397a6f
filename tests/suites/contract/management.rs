//! Kinds of action and the tenant (contract, M1–M5 and what exists of M26–M27).

use countersign_tests::{World, http::Answer};
use serde_json::{Value, json};

const PATH: &str = "/v1/management/action-configurations";
const PAY: &str = "/v1/management/action-configurations/pay";

async fn create(world: &World, body: Value) -> Answer {
    world.http.post(PATH, &world.management(), body).await
}

fn full() -> Value {
    json!({
        "actionCode": "pay", "defaultUserActionResult": "BLOCK", "messagingTemplates": {"en": {"defaultTemplate": "Hi"}},
        "verificationMethods": ["AUTHENTICATOR_APP", "SMS"], "promptToEnrollVerificationMethods": ["PASSKEY"],
        "defaultVerificationMethod": "SMS", "verificationWebhookUrl": "https://hooks.example/verify",
    })
}

#[tokio::test]
async fn m1_kinds_of_action_are_listed() {
    let world = World::start().await;
    assert_eq!(world.http.get(PATH, &world.management()).await.ok(), json!([]));
    world.track("ada", "signIn", json!({})).await.ok();
    create(&world, full()).await.ok();
    let listed = world.http.get(PATH, &world.management()).await.ok();
    let codes: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["actionCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["pay", "signIn"]);
    assert_eq!(listed[1]["defaultUserActionResult"], "CHALLENGE", "what track makes on first sight");
    assert!(listed[1]["lastActionCreatedAt"].is_string(), "{listed}");
}

#[tokio::test]
async fn m2_and_m3_what_is_made_comes_back() {
    let world = World::start().await;
    let made = create(&world, full()).await.ok();
    let mut expected = full();
    expected["tenantId"] = json!("t1");
    assert_eq!(made, expected);
    assert_eq!(world.http.get(PAY, &world.management()).await.ok(), expected);
    assert_eq!(create(&world, json!({"actionCode": "pay"})).await.refusal(), (409, "conflict".into()));
    assert_eq!(world.http.get(PAY, &world.management()).await.ok(), expected, "the second changes nothing");
    let bare = create(&world, json!({"actionCode": "bare"})).await.ok();
    assert_eq!(bare, json!({"actionCode": "bare", "tenantId": "t1", "defaultUserActionResult": "CHALLENGE"}));
}

/// A set of the table has no member twice: such an action could never be tracked (found by schemathesis).
#[tokio::test]
async fn a_method_that_stands_twice_is_one() {
    let world = World::start().await;
    let made = create(&world, json!({"actionCode": "pay", "verificationMethods": ["SMS", "PUSH", "SMS"]})).await.ok();
    assert_eq!(made["verificationMethods"], json!(["SMS", "PUSH"]));
    let rule = json!({
        "name": "twice", "priority": 0, "type": "CHALLENGE", "conditions": true, "verificationMethods": ["PUSH", "PUSH"],
    });
    let made = world.http.post(&format!("{PAY}/rules"), &world.management(), rule).await.ok();
    assert_eq!(made["verificationMethods"], json!(["PUSH"]));
    world.track("ada", "pay", json!({})).await.ok();
}

#[tokio::test]
async fn m2_what_cannot_be_made_is_refused() {
    let world = World::start().await;
    for body in [
        json!({}),
        json!({"actionCode": ""}),
        json!({"actionCode": "a b"}),
        json!({"actionCode": null}),
        json!({"actionCode": "x", "defaultUserActionResult": "MAYBE"}),
        json!({"actionCode": "x", "verificationMethods": ["PIGEON"]}),
        json!({"actionCode": "x", "verificationMethods": "SMS"}),
        json!({"actionCode": "x", "messagingTemplates": "Hi"}),
        json!({"actionCode": "x", "verificationWebhookUrl": "http://hooks.example"}),
    ] {
        assert_eq!(create(&world, body.clone()).await.refusal(), (400, "invalid_request".into()), "{body}");
    }
    assert_eq!(world.http.get(PATH, &world.management()).await.ok(), json!([]));
}

#[tokio::test]
async fn m4_absent_keeps_and_null_clears() {
    let world = World::start().await;
    create(&world, full()).await.ok();
    let patch = async |body: Value| world.http.patch(PAY, &world.management(), body).await.ok();
    let mut expected = full();
    expected["tenantId"] = json!("t1");
    assert_eq!(patch(json!({})).await, expected, "absent keeps");
    for name in [
        "messagingTemplates",
        "verificationMethods",
        "promptToEnrollVerificationMethods",
        "defaultVerificationMethod",
        "verificationWebhookUrl",
    ] {
        expected.as_object_mut().unwrap().remove(name);
        assert_eq!(patch(json!({ name: null })).await, expected, "null clears {name}");
    }
    expected["defaultUserActionResult"] = json!("CHALLENGE");
    assert_eq!(patch(json!({"defaultUserActionResult": null})).await, expected, "back to what it is unset");
    assert_eq!(patch(json!({"actionCode": "other", "tenantId": "t2"})).await, expected, "names cannot be changed");
    // Terraform tells a difference between an empty list and an unset one.
    assert_eq!(patch(json!({"verificationMethods": []})).await, expected);
    assert_eq!(world.http.get(PAY, &world.management()).await.ok(), expected);
}

#[tokio::test]
async fn m4_a_change_decides_the_next_action() {
    let world = World::start().await;
    world.ready("ada").await;
    let other = world.another_process().await;
    assert_eq!(other.track("ada", "pay", json!({})).await.ok()["state"], "CHALLENGE_REQUIRED");
    let methods = json!({"defaultUserActionResult": "BLOCK", "verificationMethods": ["SMS"]});
    world.http.patch(PAY, &world.management(), methods).await.ok();
    let here = world.track("ada", "pay", json!({})).await.ok();
    assert_eq!((&here["state"], &here["allowedVerificationMethods"]), (&json!("BLOCK"), &json!(["SMS"])));
    world.clock.advance(30);
    assert_eq!(other.track("ada", "pay", json!({})).await.ok()["state"], "BLOCK", "within 30 seconds everywhere");
}

#[tokio::test]
async fn m4_a_method_that_is_not_allowed_answers_nothing() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    create(&world, json!({"actionCode": "transfer", "verificationMethods": ["SMS"]})).await.ok();
    let token = world.token("ada", "transfer").await;
    let verified = world.verify(&token, &world.code(&secret, 0)).await;
    assert_eq!(verified.refusal(), (403, "forbidden".into()));
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn m5_a_deleted_kind_is_made_anew_by_track() {
    let world = World::start().await;
    create(&world, full()).await.ok();
    assert_eq!(world.http.delete(PAY, &world.management()).await.ok(), json!({"success": true}));
    assert_eq!(world.http.delete(PAY, &world.management()).await.refusal(), (404, "not_found".into()));
    world.track("ada", "pay", json!({})).await.ok();
    assert_eq!(world.http.get(PAY, &world.management()).await.ok()["defaultUserActionResult"], "CHALLENGE");
}

#[tokio::test]
async fn the_tenant_is_told_and_changed_within_bounds() {
    let world = World::start().await;
    let path = "/v1/management/tenant";
    let told = world.http.get(path, &world.management()).await.ok();
    let expected = json!({"tenantId": "t1", "name": "t1", "tokenDurationInMinutes": 10, "totpAcceptedSteps": [-1, 0],
        "pushNumberMatching": "optional", "pushSignatureV2": "optional", "pushDurationInSeconds": 120,
        "disableRecoveryCodes": false, "skipRecoveryCodesOnProgrammaticEnrollment": false,
        "hideRecoveryCodesOnEnrollment": false, "hideSuccessScreenOnEnrollment": false, "allowDisablingMfa": true,
        "allowDeletingUserAuthenticators": true, "redirectOnSessionExpiry": false, "hideAuthsignalLogo": true,
        "redirectUrls": ["https://app.example", "https://app.example.com"], "isLocal": true, "accountDisplay": "masked", "pushShowsDetails": false});
    assert_eq!(told, expected);
    for body in [
        json!({"name": ""}),
        json!({"name": " "}),
        json!({"name": "n".repeat(65)}),
        json!({"tokenDurationInMinutes": 0}),
        json!({"tokenDurationInMinutes": 61}),
        json!({"tokenDurationInMinutes": -1}),
        json!({"tokenDurationInMinutes": 1.5}),
        json!({"tokenDurationInMinutes": "10"}),
    ] {
        assert_eq!(world.http.patch(path, &world.management(), body.clone()).await.refusal().0, 400, "{body}");
    }
    assert_eq!(world.http.get(path, &world.management()).await.ok(), expected, "a refused change changes nothing");
    let body = json!({"name": "Acme", "tokenDurationInMinutes": 1, "unknown": 1});
    world.http.patch(path, &world.management(), body).await.ok();
    let token = world.token("ada", "pay").await;
    world.clock.advance(59);
    assert_eq!(world.state(&token).await, "ALLOW");
    world.clock.advance(1);
    assert_eq!(world.state(&token).await, "none", "a token lives for a minute now");
}

/// What an administrator calls something is shown, logged and handed on: a control character would end it or hide a part.
#[tokio::test]
async fn a_name_has_no_control_character() {
    let world = World::start().await;
    create(&world, json!({"actionCode": "pay"})).await.ok();
    let rule = json!({"name": "r", "priority": 0, "type": "BLOCK", "conditions": true});
    let list = json!({"name": "l", "itemType": "number", "alias": "l"});
    let point = json!({"name": "p", "dataType": "number", "modelType": "action"});
    let enforce = json!({"confirmation": "Enforce 2FA", "by": "Grace"});
    for (is_new, path, field, body) in [
        (false, "tenant", "name", json!({})),
        (false, "authenticator-configurations/AUTHENTICATOR_APP", "issuerName", json!({})),
        (false, "theme", "name", json!({})),
        (true, "action-configurations/pay/rules", "name", rule.clone()),
        (true, "action-configurations/pay/rules", "description", rule),
        (true, "value-lists", "name", list),
        (true, "custom-data-points", "description", point),
        (true, "two-factor-enforcement", "by", enforce),
    ] {
        for bad in ["a\0b", "a\u{1b}[2J", "a\u{85}b"] {
            let mut body = body.clone();
            body[field] = json!(bad);
            let path = format!("/v1/management/{path}");
            let auth = world.management();
            let said = match is_new {
                true => world.http.post(&path, &auth, body).await,
                false => world.http.patch(&path, &auth, body).await,
            };
            assert_eq!(said.refusal(), (400, "invalid_request".into()), "{path} {bad:?}: {}", said.text());
            let text = said.json()["errorDescription"].as_str().unwrap().to_owned();
            assert!(text.contains(field) && text.contains("control character"), "{path}: {text}");
        }
    }
    // A line break makes a longer description readable.
    let body = json!({"name": "p", "dataType": "number", "modelType": "action", "description": "one\n\ttwo"});
    world.http.post("/v1/management/custom-data-points", &world.management(), body).await.ok();
}
