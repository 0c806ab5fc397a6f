//! The hosted pages without a browser: forms that count once, recovery codes, and what users do about what they have.

mod anew;
mod asked;
mod facts;
mod forms;
mod kept;
mod locked;
mod lost;
mod manner;
mod offered;
mod recovery;
mod removal;
mod scanned;
mod settings;
mod shapes;
mod snapshots;
mod tabs;

use countersign_tests::World;
use serde_json::json;

/// The codes that a page or an answer shows, as they are shown.
fn codes(text: &str) -> Vec<String> {
    let of_a_code = |word: &str| {
        let is_group =
            |group: &str| group.len() == 5 && group.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        word.split('-').count() == 3 && word.split('-').all(is_group)
    };
    text.split(['"', '<', '>']).filter(|word| of_a_code(word)).map(str::to_owned).collect()
}

/// A user whose backend has brought an app along, with the recovery codes that it was given.
async fn recoverable(world: &World, user: &str) -> (String, Vec<String>) {
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let body =
        json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": format!("otpauth://totp/a?secret={secret}")});
    let added = world.http.post(&format!("/v1/users/{user}/authenticators"), &world.key(), body).await.ok();
    let codes = added["recoveryCodes"].as_array().expect("codes").iter().map(|code| code.as_str().unwrap().to_owned());
    (secret.to_owned(), codes.collect())
}

/// A token whose action has just succeeded, of an action that leads to the settings.
async fn confirmed(world: &World, user: &str, secret: &str) -> String {
    let tracked = world.track(user, "security", json!({"redirectToSettings": true})).await.ok();
    let token = tracked["token"].as_str().unwrap().to_owned();
    // Each code counts once.
    world.clock.advance(30);
    world.verify(&token, &world.code(secret, 0)).await.ok()["accessToken"].as_str().expect("a success").to_owned()
}
