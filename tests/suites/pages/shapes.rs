//! What can be no code is told so, and costs no guess.

use countersign_tests::{
    World, otp,
    pages::{field, is_verified},
};
use serde_json::json;

use super::recoverable;

const NO_CODES: [&str; 8] = ["hello", "123", "12345", "123456789", "12345a", "1 2 3", "-12345", "123.456"];

#[tokio::test]
async fn the_challenge_page_says_what_a_code_is_and_spends_nothing() {
    let world = World::start().await;
    let (secret, codes) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    for typed in NO_CODES.iter().cycle().take(24) {
        let page = world.answer_page(&token, "app", typed).await.text();
        assert!(page.contains("The code has six digits"), "{typed}: {page}");
        assert!(!page.contains("attempts are left"), "nothing was spent: {page}");
    }
    for typed in ["hello", "123456", "ABCDE-FGHJK", "ABCDE-FGHJK-MNPQRS", "ABCDE-FGHJK-MNPQU"].iter().cycle().take(24) {
        let page = world.answer_page(&token, "recovery", typed).await.text();
        assert!(page.contains("15 letters and digits"), "{typed}: {page}");
        assert!(!page.contains("attempts are left"), "nothing was spent: {page}");
    }
    assert!(world.answer_page(&token, "app", " ").await.text().contains("Type the code that your app shows"));
    let spaced = world.code(&secret, 0);
    let spaced = format!(" {} {} ", &spaced[..3], &spaced[3..]);
    assert!(world.answer_page(&token, "app", &spaced).await.text().contains("You are verified"));
    let other = world.token("ada", "signIn").await;
    assert!(is_verified(&world.answer_page(&other, "recovery", &codes[0]).await));
}

#[tokio::test]
async fn the_set_up_page_does_too() {
    let world = World::start().await;
    let token = world.token("ada", "signIn").await;
    let shown = async || world.page("/set-up?kind=app", &token).await.text();
    let seal = async || field(&shown().await, "seal").expect("a form");
    for typed in NO_CODES.iter().cycle().take(24) {
        let seal = seal().await;
        let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", typed)];
        let page = world.send_form("/set-up", &form).await.text();
        assert!(page.contains("The code has six digits"), "{typed}: {page}");
    }
    let page = shown().await;
    let secret = page.split("id=\"secret\"").nth(1).and_then(|rest| rest.split('>').nth(1)).expect("a secret");
    let secret: String = secret.chars().take_while(|c| *c != '<').filter(|c| !c.is_whitespace()).collect();
    let seal = seal().await;
    let code = world.code(&secret, 0);
    let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", &code)];
    let done = world.send_form("/set-up", &form).await.text();
    assert!(done.contains("Keep your recovery codes"), "{done}");
}

/// By the API it is a wrong code, as ever, which says what is expected, and costs no guess either (contract: a wrong code is a
/// verdict).
#[tokio::test]
async fn the_api_answers_with_a_verdict_and_spends_nothing() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    for typed in NO_CODES.iter().cycle().take(40) {
        let said = world.verify(&token, typed).await.ok();
        let wrong = json!({
            "isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED", "failureDescription": "The code has six digits, or as many more as the app shows.",
        });
        assert_eq!(said, wrong, "{typed}");
    }
    assert_eq!(world.verify(&token, &world.code(&secret, 0)).await.ok()["isVerified"], true);
}

const EIGHT: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A user whose backend brings an app along whose codes have eight digits.
async fn with_eight(world: &World, user: &str) {
    let uri = format!("otpauth://totp/a?secret={EIGHT}&digits=8");
    let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
    world.http.post(&format!("/v1/users/{user}/authenticators"), &world.key(), body).await.ok();
}

/// The page sends a code by itself once it is whole, so it has to know how long it is.
#[tokio::test]
async fn an_app_of_eight_digits_is_asked_for_eight() {
    let world = World::start().await;
    with_eight(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    assert!(world.page("/challenge", &token).await.text().contains("data-digits=\"8\""));
    let code = otp::totp_of_eight(EIGHT, world.now());
    for typed in [&code[..6], &code[..7]].iter().cycle().take(24) {
        let page = world.answer_page(&token, "app", typed).await.text();
        assert!(page.contains("The code has eight digits"), "{typed}: {page}");
        // By the API too nothing is spent.
        assert_eq!(world.verify(&token, typed).await.ok()["isVerified"], false);
    }
    let typed = format!("{} {}", &code[..4], &code[4..]);
    assert!(is_verified(&world.answer_page(&token, "app", &typed).await), "{typed}");
}

/// An app of the usual six takes no guess from what is longer; and with both at hand each is taken.
#[tokio::test]
async fn each_length_is_asked_that_the_users_apps_show_and_no_other() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let token = world.token("ada", "signIn").await;
    assert!(world.page("/challenge", &token).await.text().contains("data-digits=\"6\""));
    for typed in ["1234567", "12345678"].iter().cycle().take(24) {
        let page = world.answer_page(&token, "app", typed).await.text();
        assert!(page.contains("The code has six digits"), "{typed}: {page}");
        let said = world.verify(&token, typed).await.ok();
        assert!(said["failureReason"] == "CODE_INVALID_OR_EXPIRED" && said["failureDescription"].is_string(), "{said}");
    }
    with_eight(&world, "ada").await;
    assert!(!world.page("/challenge", &token).await.text().contains("data-digits"));
    let page = world.answer_page(&token, "app", "1234567").await.text();
    assert!(page.contains("as many digits as your app shows"), "{page}");
    assert!(is_verified(&world.answer_page(&token, "app", &otp::totp_of_eight(EIGHT, world.now())).await));
    let other = world.token("ada", "signIn").await;
    assert!(is_verified(&world.answer_page(&other, "app", &world.code(&secret, 0)).await));
}
