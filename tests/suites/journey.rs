//! The TOTP journey, end to end.

use countersign_tests::{World, otp};
use serde_json::json;

#[tokio::test]
async fn a_user_enrols_and_answers() {
    let world = World::start().await;
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
    let token = tracked["token"].as_str().unwrap();
    let offer = world.enroll(token).await.ok();
    let secret = offer["secret"].as_str().unwrap();
    let enrolled = world.verify(token, &world.code(secret, 0)).await.ok();
    assert_eq!(enrolled["isVerified"], true);
    assert_eq!(enrolled["userAuthenticator"]["userAuthenticatorId"], offer["userAuthenticatorId"]);
    assert_eq!(world.state(token).await, "CHALLENGE_SUCCEEDED");

    world.clock.advance(30);
    let tracked = world.track("ada", "signIn", json!({})).await.ok();
    assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("CHALLENGE_REQUIRED"), &json!(true)));
    let token = tracked["token"].as_str().unwrap();
    let wrong = world.verify(token, &otp::wrong(secret, world.now())).await.ok();
    assert_eq!(wrong, json!({"isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED"}));
    assert_eq!(world.state(token).await, "CHALLENGE_REQUIRED");
    let right = world.verify(token, &world.code(secret, 0)).await.ok();
    assert_eq!(right["isVerified"], true);
    let validated = world.validate(right["accessToken"].as_str().unwrap()).await.ok();
    assert_eq!((&validated["isValid"], &validated["state"]), (&json!(true), &json!("CHALLENGE_SUCCEEDED")));
    assert_eq!(validated["action"], validated["actionCode"]);
}
