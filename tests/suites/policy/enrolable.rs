//! Two factors for everybody, and something that everybody can set up: neither comes without the other, in any order.

use countersign_core::{authenticator::Method, error::Error, tenant::Tenant};
use countersign_tests::{World, http::Answer};
use serde_json::{Value, json};

use super::{ENFORCEMENT, enforce, table::dump};

const METHODS: &str = "/v1/management/authenticator-configurations";
const ACTIONS: &str = "/v1/management/action-configurations";

async fn switch(world: &World, method: &str, on: bool) -> Answer {
    world.http.patch(&format!("{METHODS}/{method}"), &world.management(), json!({ "isActive": on })).await
}

async fn say(world: &World) -> Answer {
    enforce(world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await
}

#[track_caller]
fn is_refused(answer: &Answer, names: &[&str]) {
    assert_eq!(answer.refusal(), (409, "conflict".into()));
    let text = answer.json()["errorDescription"].as_str().unwrap().to_owned();
    assert!(names.iter().all(|name| text.contains(name)), "it says what to switch on: {text}");
}

#[tokio::test]
async fn with_nothing_that_the_pages_set_up_it_does_not_begin() {
    let world = World::start().await;
    for method in ["AUTHENTICATOR_APP", "PUSH"] {
        switch(&world, method, false).await.ok();
    }
    for others in [true, false] {
        for method in ["QR_CODE", "IN_APP"] {
            switch(&world, method, others).await.ok();
        }
        let before = dump(&world);
        is_refused(&say(&world).await, &["AUTHENTICATOR_APP", "PUSH", "isActive: true"]);
        let later = json!({"confirmation": "Enforce 2FA", "by": "Grace", "startsAt": "2026-12-01T00:00:00Z"});
        is_refused(&enforce(&world, later).await, &["AUTHENTICATOR_APP"]);
        assert!(dump(&world) == before, "something was written");
    }
    switch(&world, "PUSH", true).await.ok();
    assert_eq!(say(&world).await.ok()["isOn"], true);
}

#[tokio::test]
async fn the_last_that_the_pages_set_up_stays_on() {
    for order in [["AUTHENTICATOR_APP", "PUSH"], ["PUSH", "AUTHENTICATOR_APP"]] {
        let world = World::start().await;
        // A process that has not heard of it.
        let other = world.another_process().await;
        other.http.get(METHODS, &other.management()).await.ok();
        say(&world).await.ok();
        switch(&world, order[0], false).await.ok();
        for process in [&world, &other] {
            is_refused(&switch(process, order[1], false).await, &["AUTHENTICATOR_APP", "isActive: true"]);
        }
        // What has nothing to do with it goes on: names, other methods, and the other one back on.
        let named = json!({"issuerName": "Acme"});
        world.http.patch(&format!("{METHODS}/AUTHENTICATOR_APP"), &world.management(), named).await.ok();
        switch(&world, "QR_CODE", false).await.ok();
        switch(&world, order[0], true).await.ok();
        switch(&world, order[1], false).await.ok();
    }
}

/// The operator's commands change a tenant by the same write.
#[tokio::test]
async fn no_command_of_the_operator_switches_the_last_one_off() {
    let world = World::start().await;
    say(&world).await.ok();
    let off = |tenant: &mut Tenant| {
        for method in [Method::AuthenticatorApp, Method::Push] {
            tenant.settings.authenticators.entry(method).or_default().is_active = false;
        }
        Ok(())
    };
    let refused = world.app.store().tenant(&world.tenant.tenant_id).change(off).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_both_at_once_one_is_refused() {
    for round in 0..40_u64 {
        let world = World::start().await;
        let other = world.another_process().await;
        switch(&world, "PUSH", false).await.ok();
        world.faults.weather(round, 5);
        other.faults.weather(!round, 5);
        let (http, auth) = (other.http.clone(), other.management());
        let switching = tokio::spawn(async move {
            http.patch(&format!("{METHODS}/AUTHENTICATOR_APP"), &auth, json!({"isActive": false})).await
        });
        let enforced = say(&world).await;
        let switched = switching.await.expect("no panic");
        world.faults.clear();
        let status = world.http.get(ENFORCEMENT, &world.management()).await.ok();
        let all = world.http.get(METHODS, &world.management()).await.ok();
        let is_on = all[0]["isActive"] == true;
        assert_eq!(all[0]["authenticatorId"], "AUTHENTICATOR_APP");
        assert!(is_on || status["isOn"] == false, "round {round}: {} {}", enforced.text(), switched.text());
    }
}

async fn make(world: &World, body: Value) -> Answer {
    world.http.post(ACTIONS, &world.management(), body).await
}

/// An action that is answered by nothing that anybody can set up stops everybody who has nothing.
#[tokio::test]
async fn an_action_that_nobody_could_answer_is_mended_first() {
    let world = World::start().await;
    let only = |code: &str, methods: Value| json!({"actionCode": code, "verificationMethods": methods});
    make(&world, only("pay", json!(["EMAIL_OTP", "RECOVERY_CODE"]))).await.ok();
    is_refused(&say(&world).await, &["The action pay", "EMAIL_OTP", "AUTHENTICATOR_APP", "verificationMethods"]);
    let change = async |path: &str, body: Value| world.http.patch(path, &world.management(), body).await;
    let pay = format!("{ACTIONS}/pay");
    change(&pay, json!({"verificationMethods": ["EMAIL_OTP", "IN_APP"]})).await.ok();
    let rules = format!("{pay}/rules");
    let rule = |methods: Value, outcome: &str| json!({"name": "Big", "priority": 0, "type": outcome, "conditions": true, "verificationMethods": methods});
    let made = world.http.post(&rules, &world.management(), rule(json!(["SMS"]), "CHALLENGE")).await.ok();
    let made = format!("{rules}/{}", made["ruleId"].as_str().unwrap());
    is_refused(&say(&world).await, &["The rule \"Big\" of pay", "SMS"]);
    change(&made, json!({"isActive": false})).await.ok();
    say(&world).await.ok();
    // And so it stays.
    is_refused(&make(&world, only("other", json!(["SMS"]))).await, &["The action other", "SMS"]);
    make(&world, only("other", json!(["SMS", "PUSH"]))).await.ok();
    is_refused(&change(&pay, json!({"verificationMethods": ["PASSKEY"]})).await, &["The action pay", "PASSKEY"]);
    is_refused(&change(&made, json!({"isActive": true})).await, &["The rule \"Big\" of pay"]);
    is_refused(&switch(&world, "PUSH", false).await, &["The action other", "PUSH"]);
    is_refused(&switch(&world, "IN_APP", false).await, &["The action pay", "IN_APP"]);
    change(&made, json!({"isActive": true, "type": "BLOCK"})).await.ok();
    change(&pay, json!({"verificationMethods": null})).await.ok();
    switch(&world, "IN_APP", false).await.ok();
}
