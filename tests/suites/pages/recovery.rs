//! Recovery codes (NIST SP 800-63B, section 3.1.2): each lets in once, whoever asks, and however often.

use std::collections::BTreeSet;

use countersign_tests::{
    World, otp,
    pages::{field, is_verified},
};
use serde_json::json;

use super::{codes, confirmed, recoverable};

#[tokio::test]
async fn a_code_lets_in_once() {
    let world = World::start().await;
    let (_, codes) = recoverable(&world, "ada").await;
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    let token = world.token("ada", "signIn").await;
    let typed = codes[0].to_lowercase().replace('-', " ").replace('0', "o");
    assert!(is_verified(&world.answer_page(&token, "recovery", &typed).await));
    let validated = world.validate(&token).await.ok();
    assert_eq!(
        (&validated["state"], &validated["verificationMethod"]),
        (&json!("CHALLENGE_SUCCEEDED"), &json!("RECOVERY_CODE"))
    );
    let other = world.token("ada", "signIn").await;
    let page = world.answer_page(&other, "recovery", &codes[0]).await.text();
    assert!(page.contains("not right, or was used before"), "{page}");
    assert_eq!(world.state(&other).await, "CHALLENGE_REQUIRED");
    assert!(is_verified(&world.answer_page(&other, "recovery", &codes[1]).await));
}

#[tokio::test]
async fn of_many_actions_at_once_one_is_let_in() {
    let world = World::start().await;
    let (_, codes) = recoverable(&world, "ada").await;
    let mut forms = Vec::new();
    for _ in 0..8 {
        let token = world.token("ada", "signIn").await;
        let seal = world.seal(&token).await;
        forms.push((token, seal));
    }
    world.faults.weather(5, 0);
    let sent = forms.iter().map(async |(token, seal)| {
        let form = [("token", token.as_str()), ("seal", seal), ("way", "recovery"), ("recovery", &codes[3])];
        is_verified(&world.send_form("/challenge", &form).await)
    });
    let verified = futures_util::future::join_all(sent).await.into_iter().filter(|is| *is).count();
    assert_eq!(verified, 1);
    let mut succeeded = 0;
    for (token, _) in &forms {
        succeeded += usize::from(world.state(token).await == "CHALLENGE_SUCCEEDED");
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn guesses_at_recovery_codes_have_a_budget_of_their_own() {
    let world = World::start().await;
    let (secret, codes) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    for guess in 0..10 {
        let page = world.answer_page(&token, "recovery", &format!("0000{guess}-00000-00000")).await.text();
        assert!(page.contains("not right"), "{guess}: {page}");
    }
    let page = world.page("/challenge?way=recovery", &token).await.text();
    assert!(page.contains("Too many attempts") && page.contains(">5:00<"), "{page}");
    world.clock.advance(301);
    assert!(is_verified(&world.answer_page(&token, "recovery", &codes[0]).await));
    let token = world.token("ada", "signIn").await;
    assert_eq!(world.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
}

/// A success frees the guesses of its own method alone.
#[tokio::test]
async fn a_code_frees_no_guess_at_the_app() {
    let world = World::start().await;
    let (secret, codes) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    for _ in 0..9 {
        world.verify(&token, &otp::wrong(&secret, world.now())).await.ok();
    }
    assert!(is_verified(&world.answer_page(&token, "recovery", &codes[0]).await));
    let other = world.token("ada", "payment").await;
    world.verify(&other, &otp::wrong(&secret, world.now())).await.ok();
    assert_eq!(world.verify(&other, &world.code(&secret, 0)).await.ok()["failureReason"], "MAX_ATTEMPTS_EXCEEDED");
}

#[tokio::test]
async fn a_new_set_ends_the_old_one() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let confirmed = confirmed(&world, "ada", &secret).await;
    let page = world.page("/settings", &confirmed).await.text();
    let seal = field(&page, "seal").expect("a form");
    let page = world.send_form("/settings", &[("token", &confirmed), ("seal", &seal), ("act", "codes")]).await.text();
    let new = codes(&page);
    assert_eq!(new.len(), 10, "{page}");
    let (seal, set) = (field(&page, "seal").expect("a form"), field(&page, "set").expect("a set"));
    let kept = [("token", confirmed.as_str()), ("seal", &seal), ("act", "kept"), ("set", &set)];
    world.send_form("/settings", &kept).await;
    let token = world.token("ada", "signIn").await;
    assert!(world.answer_page(&token, "recovery", &old[0]).await.text().contains("not right"));
    assert!(is_verified(&world.answer_page(&token, "recovery", &new[0]).await));
}

#[tokio::test]
async fn where_they_are_off_none_are_made_and_none_let_in() {
    let world = World::start().await;
    let (_, codes) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    world.settings(|settings| settings.recovery_codes.disable_recovery_codes = true).await;
    let page = world.page("/challenge", &token).await.text();
    let seal = field(&page, "seal").expect("a form");
    let form = [("token", token.as_str()), ("seal", &seal), ("way", "recovery"), ("recovery", &codes[0])];
    assert!(!is_verified(&world.send_form("/challenge", &form).await));
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    assert_eq!(recoverable(&world, "bob").await.1, Vec::<String>::new());
    let new = world.token("ada", "signIn").await;
    assert!(!world.page("/challenge", &new).await.text().contains("way-recovery"));
}

/// An action or a rule that names its methods takes a recovery code only where it names that too.
#[tokio::test]
async fn an_action_that_names_its_methods_takes_no_code_unasked() {
    let world = World::start().await;
    let (_, codes) = recoverable(&world, "ada").await;
    for (methods, is_taken) in
        [(json!(["AUTHENTICATOR_APP"]), false), (json!(["AUTHENTICATOR_APP", "RECOVERY_CODE"]), true)]
    {
        let action = format!("pay{is_taken}");
        let body = json!({"actionCode": action, "verificationMethods": methods});
        world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
        let tracked = world.track("ada", &action, json!({})).await.ok();
        assert_eq!(tracked["allowedVerificationMethods"], json!(["AUTHENTICATOR_APP"]), "no SDK is told of them");
        let token = tracked["token"].as_str().unwrap();
        let answer = world.answer_page(token, "recovery", &codes[usize::from(is_taken)]).await;
        assert_eq!(is_verified(&answer), is_taken, "{}", answer.text());
    }
}

#[tokio::test]
async fn they_go_with_the_last_authenticator_and_with_the_user() {
    let world = World::start().await;
    let (_, old) = recoverable(&world, "ada").await;
    let all = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    let id = all[0]["userAuthenticatorId"].as_str().unwrap();
    world.http.delete(&format!("/v1/users/ada/authenticators/{id}"), &world.key()).await.ok();
    let (_, new) = recoverable(&world, "ada").await;
    assert_eq!(new.len(), 10, "a new set");
    let token = world.token("ada", "signIn").await;
    assert!(world.answer_page(&token, "recovery", &old[0]).await.text().contains("not right"));
    world.http.delete("/v1/users/ada", &world.key()).await.ok();
    let (_, newest) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    assert!(world.answer_page(&token, "recovery", &new[0]).await.text().contains("not right"));
    assert!(is_verified(&world.answer_page(&token, "recovery", &newest[0]).await));
}

/// Asked again, a backend is told nothing that it was told before; two askers are not told of two sets.
#[tokio::test]
async fn a_backend_is_told_once() {
    let world = World::start().await;
    let (_, first) = recoverable(&world, "ada").await;
    assert_eq!((first.len(), recoverable(&world, "ada").await.1.len()), (10, 0));
    world.faults.weather(3, 0);
    let sent = futures_util::future::join_all((0..6).map(|_| recoverable(&world, "bob"))).await;
    let sets: Vec<_> = sent.into_iter().map(|(_, codes)| codes).filter(|codes| !codes.is_empty()).collect();
    assert_eq!(sets.len(), 1);
    let token = world.token("bob", "signIn").await;
    assert!(is_verified(&world.answer_page(&token, "recovery", &sets[0][0]).await));
}
