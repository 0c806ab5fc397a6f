//! From the queue to the device (T19; I5): duplicates, delay, poison, crashes, dead tokens and services that are down.

mod browser;
mod said;
mod sns;
mod web_push;

use crate::support::log;

use countersign_core::{courier::Courier, delivery::Platform, outbox::LocalQueue, tenant::Settings};
use countersign_deliver::drain;
use countersign_tests::{World, device::Device};
use serde_json::{Value, json};
use sns::FakeSns;

const GCM: &str = "arn:aws:sns:eu-central-1:000000000000:app/GCM/stack-app";
const APNS: &str = "arn:aws:sns:eu-central-1:000000000000:app/APNS/stack-app";

struct Scene {
    world: World,
    sns: FakeSns,
    courier: Courier,
}

impl Scene {
    async fn set() -> Self {
        let world = World::start().await;
        let applications = |settings: &mut Settings| {
            let applications = &mut settings.push.applications;
            applications.insert(Platform::Gcm, GCM.into());
            applications.insert(Platform::Apns, APNS.into());
        };
        world.settings(applications).await;
        let sns = FakeSns::start().await;
        let courier = sns.courier();
        Self { world, sns, courier }
    }

    async fn phone(&self, user: &str, platform: &str, token: &str) -> Device {
        self.world.device_with(user, "push", json!({"devicePlatform": platform, "pushToken": token})).await
    }

    async fn ask(&self, user: &str) -> Value {
        self.world.pushed(user, json!({"numberMatching": true})).await.1
    }

    async fn drain(&self) -> usize {
        drain(&self.world.queue, &self.world.app, &self.courier).await
    }

    /// Drains every second for so long.
    async fn drain_for(&self, seconds: usize) {
        for _ in 0..seconds {
            self.drain().await;
            self.world.clock.advance(1);
        }
    }
}

fn id(asked: &Value) -> String {
    asked["challengeId"].as_str().expect("an id").to_owned()
}

/// The bytes that the providers document, and nothing that is nobody's business (T22, T27).
#[tokio::test]
async fn a_push_says_which_challenge_waits_and_nothing_else() {
    let scene = Scene::set().await;
    scene.phone("ada", "android", "token-a").await;
    scene.phone("bob", "ios", "token-b").await;
    let (first, second) = (scene.ask("ada").await, scene.ask("bob").await);
    assert_eq!(first["deliveryResults"].as_array().unwrap().len(), 1);
    assert!(first["deliveryResults"][0].get("errorCode").is_none(), "{first}");
    assert_eq!(scene.drain().await, 2);
    assert_eq!(scene.world.queue.depth(), (0, 0));
    let [android, ios] = &scene.sns.published()[..] else { panic!("two: {:?}", scene.sns.published()) };
    let message = |call: &sns::Call, name: &str| -> Value {
        let texts: Value = serde_json::from_str(&call["Message"]).expect("JSON");
        assert_eq!(texts["default"], "Open the app to approve or deny.");
        assert_eq!(texts.as_object().unwrap().len(), 2);
        serde_json::from_str(texts[name].as_str().expect(name)).expect("JSON")
    };
    let said = json!({"title": "Is it you?", "body": "Open the app to approve or deny."});
    assert_eq!(
        message(android, "GCM"),
        json!({"fcmV1Message": {"message": {
        "notification": said, "data": {"challengeId": id(&first)},
        "android": {"priority": "high", "ttl": "120s", "collapse_key": id(&first)}}}})
    );
    assert_eq!(
        message(ios, "APNS"),
        json!({"challengeId": id(&second), "aps": {
        "alert": said, "category": "COUNTERSIGN_CHALLENGE", "interruption-level": "time-sensitive", "sound": "default"}})
    );
    assert_eq!(android.attributes(), [("AWS.SNS.MOBILE.GCM.TTL".to_owned(), "120".to_owned())]);
    let mut attributes = ios.attributes();
    attributes.sort();
    assert_eq!(
        attributes,
        [
            ("AWS.SNS.MOBILE.APNS.COLLAPSE_ID".to_owned(), id(&second)),
            ("AWS.SNS.MOBILE.APNS.PRIORITY".to_owned(), "10".to_owned()),
            ("AWS.SNS.MOBILE.APNS.PUSH_TYPE".to_owned(), "alert".to_owned()),
            ("AWS.SNS.MOBILE.APNS.TTL".to_owned(), "120".to_owned()),
        ]
    );
    for asked in [&first, &second] {
        let number = asked["verificationCode"].as_str().unwrap();
        for call in scene.sns.published() {
            let all = call.text();
            for secret in [number, "ada", "bob", "signIn"] {
                assert!(!all.contains(secret), "{secret} in {all}");
            }
        }
    }
}

/// The queue's body says no more either.
#[tokio::test]
async fn a_message_of_the_queue_has_no_number_and_no_user() {
    let scene = Scene::set().await;
    scene.phone("ada-lovelace", "android", "a-push-token").await;
    let asked = scene.ask("ada-lovelace").await;
    for message in scene.world.queue.receive(scene.world.app.now()) {
        for secret in [asked["verificationCode"].as_str().unwrap(), "ada-lovelace", "a-push-token", "signIn"] {
            assert!(!message.body.contains(secret), "{}", message.body);
        }
    }
}

#[tokio::test]
async fn an_endpoint_is_made_once_for_each_token() {
    let scene = Scene::set().await;
    let device = scene.phone("ada", "android", "token-a").await;
    for _ in 0..2 {
        let asked = scene.ask("ada").await;
        scene.drain().await;
        scene.world.deny(&device, &id(&asked)).await.ok();
    }
    assert_eq!(scene.sns.calls("CreatePlatformEndpoint").len(), 1);
    assert_eq!(scene.sns.published().len(), 2);
}

#[tokio::test]
async fn a_dead_token_silences_its_own_device_alone() {
    let scene = Scene::set().await;
    let dead = scene.phone("ada", "android", "dead").await;
    let live = scene.phone("ada", "android", "live").await;
    scene.sns.refuse("dead", 400, "EndpointDisabled");
    let asked = scene.ask("ada").await;
    scene.drain().await;
    assert_eq!(scene.world.queue.depth(), (0, 0), "it is not tried again");
    assert_eq!(scene.sns.published().len(), 1, "the live one got it");
    let listed = scene.world.http.get("/v1/users/ada/authenticators", &scene.world.key()).await.ok();
    for one in listed.as_array().unwrap() {
        let is_dead = one["userAuthenticatorId"] == *dead.id;
        assert_eq!(one["erroredAt"].is_string(), is_dead, "{one}");
        assert_eq!(one["errorCode"].as_str(), is_dead.then_some("endpoint_disabled"), "{one}");
    }
    // No login is held up: the live one approves; and the dead one may still ask, and approve the next.
    let number = asked["verificationCode"].clone();
    let mut body = live.answer(&id(&asked), true);
    body["verificationCode"] = number;
    assert_eq!(scene.world.answer(&live, body).await.ok()["isVerified"], true);
    let (_, next) = scene.world.pushed("ada", json!({})).await;
    let results = next["deliveryResults"].as_array().unwrap();
    let errors: Vec<_> = results.iter().filter(|one| one.get("errorCode").is_some()).collect();
    assert_eq!(errors.len(), 1, "{next}");
    assert_eq!(
        (errors[0]["userAuthenticatorId"].as_str(), errors[0]["errorCode"].as_str()),
        (Some(&*dead.id), Some("device_unreachable"))
    );
    assert_eq!(scene.world.approve(&dead, &id(&next)).await.ok()["isVerified"], true);
}

#[tokio::test]
async fn a_service_that_is_down_for_a_minute_loses_no_push() {
    for (status, code) in
        [(400, "Throttling"), (500, "InternalError"), (503, "ServiceUnavailable"), (403, "AuthorizationError")]
    {
        let scene = Scene::set().await;
        scene.phone("ada", "android", "token").await;
        let asked = scene.ask("ada").await;
        scene.sns.refuse("", status, code);
        scene.drain_for(60).await;
        assert!(scene.sns.published().is_empty());
        assert_eq!(scene.world.queue.depth(), (1, 0), "{code}: it waits");
        scene.sns.heal();
        scene.drain_for(20).await;
        assert_eq!(scene.sns.published().len(), 1, "{code}");
        assert!(scene.sns.published()[0].text().contains(&id(&asked)));
        assert_eq!(scene.world.queue.depth(), (0, 0));
    }
}

#[tokio::test]
async fn a_message_that_comes_before_its_challenge_waits_and_one_whose_challenge_never_comes_is_dropped() {
    let scene = Scene::set().await;
    let device = scene.phone("ada", "android", "token").await;
    let asked = scene.ask("ada").await;
    let [message] = &scene.world.queue.receive(scene.world.app.now())[..] else { panic!("one message") };
    let unwritten = LocalQueue::default();
    let never = message.body.replace(&id(&asked), "AAAAAAAAAAAAAAAAAAAAAA");
    unwritten.send(never);
    for _ in 0..20 {
        drain(&unwritten, &scene.world.app, &scene.courier).await;
        scene.world.clock.advance(1);
    }
    assert_eq!(unwritten.depth(), (0, 0), "dropped, and nobody was alarmed");
    assert!(scene.sns.published().is_empty());
    // What was received and not deleted comes back by itself.
    scene.world.clock.advance(60);
    scene.drain().await;
    assert_eq!(scene.sns.published().len(), 1);
    let _ = device;
}

/// At most twice, and the second takes the place of the first on the phone; never after the end.
#[tokio::test]
async fn a_consumer_that_dies_between_sending_and_deleting_sends_again_but_nothing_after_the_end() {
    let scene = Scene::set().await;
    let device = scene.phone("ada", "android", "token").await;
    let asked = scene.ask("ada").await;
    let [message] = &scene.world.queue.receive(scene.world.app.now())[..] else { panic!("one message") };
    let (body, now) = (message.body.clone(), scene.world.app.now());
    countersign_deliver::deliver(&scene.world.app, &scene.courier, &body, 1, now).await.expect("sent");
    assert_eq!(scene.drain().await, 0, "hidden");
    scene.world.clock.advance(60);
    assert_eq!(scene.drain().await, 1);
    assert_eq!(scene.sns.published().len(), 2);
    // Duplicates and a late one, after the denial.
    for _ in 0..3 {
        scene.world.queue.send(body.clone());
    }
    scene.world.deny(&device, &id(&asked)).await.ok();
    scene.drain().await;
    assert_eq!((scene.sns.published().len(), scene.world.queue.depth()), (2, (0, 0)));
    let again = scene.ask("ada").await;
    scene.world.clock.advance(120);
    scene.drain().await;
    assert_eq!(scene.sns.published().len(), 2, "expired: {again}");
    let gone = scene.ask("ada").await;
    scene.world.http.delete(&format!("/v1/users/ada/authenticators/{}", device.id), &scene.world.key()).await.ok();
    scene.drain().await;
    assert_eq!((scene.sns.published().len(), scene.world.queue.depth()), (2, (0, 0)), "removed: {gone}");
}

#[tokio::test]
async fn one_bad_message_of_ten_is_put_aside_and_nine_are_sent() {
    let scene = Scene::set().await;
    for user in ["a", "b", "c"] {
        scene.phone(user, "android", user).await;
        for _ in 0..3 {
            scene.ask(user).await;
        }
    }
    scene.world.queue.send("{\"version\": 99}");
    assert_eq!(scene.drain().await, 10);
    assert_eq!(scene.sns.published().len(), 9, "its neighbours were not held up");
    for _ in 0..6 {
        scene.world.clock.advance(60);
        scene.drain().await;
    }
    assert_eq!((scene.sns.published().len(), scene.world.queue.depth()), (9, (0, 1)));
    assert_eq!(scene.world.queue.redrive(), 1);
    assert_eq!(scene.world.queue.depth(), (1, 0));
}

#[tokio::test]
async fn a_tenant_without_an_application_and_a_store_that_is_away_lose_nothing_else() {
    let scene = Scene::set().await;
    scene.world.settings(|settings| settings.push.applications.clear()).await;
    let device = scene.phone("ada", "android", "token").await;
    let asked = scene.ask("ada").await;
    scene.drain().await;
    assert_eq!((scene.sns.published().len(), scene.world.queue.depth()), (0, (0, 0)));
    assert_eq!(scene.world.pending(&device).await.ok()["challengeId"], *id(&asked), "the device still asks");
    let (_, asked) = scene.world.pushed("ada", json!({})).await;
    scene.world.faults.fail(0, 100, countersign_tests::faults::Fault::ErrorBefore);
    scene.drain().await;
    scene.world.faults.clear();
    assert_eq!(scene.world.queue.depth(), (1, 0), "comes back: {asked}");
}
