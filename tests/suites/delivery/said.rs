//! What is said to SNS and to push services is in no log: not at `trace`, and not where they refuse it.

use countersign_tests::device::Device;
use serde_json::json;

use super::log::{Log, assert_silent};
use super::{
    Scene,
    browser::{Browser, PushService},
};

const TOKEN: &str = "canary-token-of-a-phone";
const SUBSCRIPTION: &str = "canary-of-a-subscription";

#[tokio::test]
async fn nothing_of_a_delivery_is_in_a_log() {
    let log = Log::of_this_process();
    let (scene, service) = (Scene::set().await, PushService::start().await);
    scene.world.push_to_browsers(&[&service.origin]).await;
    let browser = Browser::subscribe(&service, SUBSCRIPTION);
    let mut canaries = vec![TOKEN.to_owned(), SUBSCRIPTION.to_owned(), browser.subscription()];
    scene.phone("ada", "android", TOKEN).await;
    let web = json!({"devicePlatform": "web", "pushToken": browser.subscription()});
    let device: Device = scene.world.device_with("bob", "push", web).await;
    canaries.push(device.public_key);
    for refused in [None, Some((500, "InternalError")), Some((400, "InvalidParameter"))] {
        if let Some((status, code)) = refused {
            scene.sns.refuse("", status, code);
            service.answer(Some(status));
        }
        for user in ["ada", "bob"] {
            let asked = scene.ask(user).await;
            canaries.push(asked["verificationCode"].as_str().expect("a number").to_owned());
        }
        scene.drain_for(3).await;
    }
    assert!(!scene.sns.published().is_empty() && !service.sent().is_empty(), "something was delivered");
    let written = log.text();
    for event in ["push_sent", "push_delayed", "device_unreachable"] {
        assert!(written.contains(event), "{event}");
    }
    assert_silent("the log", &written, &canaries);
}
