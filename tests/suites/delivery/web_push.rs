//! Pushes to browsers (RFC 8030, 8291, 8292): what a push service is sent, and what its refusals mean.

use countersign_tests::{device::Device, http::Answer};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::{
    Scene,
    browser::{Browser, PushService},
    id,
};

const KEY: &str = "/v1/client/user-authenticators/push/web-push-key";

impl Scene {
    /// As `countersign push set web` sets it, with a push service of one's own.
    async fn with_web_push(service: &PushService) -> Self {
        let scene = Self::set().await;
        scene.world.push_to_browsers(&[&service.origin]).await;
        scene
    }

    async fn enrol_browser(&self, user: &str, subscription: &str) -> Answer {
        let token = self.world.token(user, "pair").await;
        let more = json!({"devicePlatform": "web", "pushToken": subscription});
        self.world.enrol_device(&Device::new("push"), &token, more).await
    }

    async fn browser(&self, user: &str, browser: &Browser) -> Device {
        let more = json!({"devicePlatform": "web", "pushToken": browser.subscription()});
        self.world.device_with(user, "push", more).await
    }
}

#[tokio::test]
async fn a_browser_is_told_by_its_push_service_what_it_alone_can_read() {
    let service = PushService::start().await;
    let scene = Scene::with_web_push(&service).await;
    let browser = Browser::subscribe(&service, "ada");
    let device = scene.browser("ada", &browser).await;
    let key = scene.world.http.get(KEY, &scene.world.tenant_auth()).await.ok();
    let asked = scene.ask("ada").await;
    scene.world.clock.advance(10);
    assert_eq!(scene.drain().await, 1);
    assert_eq!(scene.world.queue.depth(), (0, 0));
    let [sent] = &service.sent()[..] else { panic!("one: {:?}", service.sent()) };
    assert_eq!(sent.to, "ada");
    let said = json!({"title": "Is it you?", "body": "Open the app to approve or deny.", "challengeId": id(&asked)});
    assert_eq!(browser.decrypt(&sent.body), said);
    assert_eq!((sent.header("ttl"), sent.header("urgency")), ("110", "high"));
    assert_eq!(sent.header("content-encoding"), "aes128gcm");
    assert!(sent.header("topic").len() <= 32 && BASE64URL_NOPAD.decode(sent.header("topic").as_bytes()).is_ok());
    // RFC 8292, section 2 and 3: signed for this service, for less than a day, with the key of the page.
    let rest = sent.header("authorization").strip_prefix("vapid t=").expect("VAPID");
    let (token, public) = rest.split_once(", k=").expect("a key");
    assert_eq!(key["applicationServerKey"], *public);
    let point = BASE64URL_NOPAD.decode(public.as_bytes()).expect("base64url");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[&service.origin]);
    validation.validate_exp = false;
    let claims =
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_ec_der(&point), &validation).expect("signed").claims;
    assert_eq!(claims["sub"], "mailto:ops@example.com");
    let left = claims["exp"].as_i64().unwrap() - scene.world.app.now().as_second();
    assert!(left > 0 && left <= 24 * 3600, "{left}");
    // T22, T27: the service reads nothing, and the browser no number.
    let number = asked["verificationCode"].as_str().unwrap();
    assert!(!browser.decrypt(&sent.body).to_string().contains(number));
    assert!(scene.sns.published().is_empty());
    let mut body = device.answer(&id(&asked), true);
    body["verificationCode"] = number.into();
    assert_eq!(scene.world.answer(&device, body).await.ok()["isVerified"], true);
}

#[tokio::test]
async fn a_subscription_that_is_over_silences_its_own_browser_alone() {
    for (status, code) in
        [(404, "subscription_expired"), (410, "subscription_expired"), (403, "subscription_of_another_key")]
    {
        let service = PushService::start().await;
        let scene = Scene::with_web_push(&service).await;
        let device = scene.browser("ada", &Browser::subscribe(&service, "ada")).await;
        scene.phone("ada", "android", "live").await;
        service.answer(Some(status));
        scene.ask("ada").await;
        scene.drain().await;
        assert_eq!(scene.world.queue.depth(), (0, 0), "{status}: it is not tried again");
        assert_eq!(scene.sns.published().len(), 1, "the phone got it");
        let listed = scene.world.http.get("/v1/users/ada/authenticators", &scene.world.key()).await.ok();
        let one = listed.as_array().unwrap().iter().find(|one| one["userAuthenticatorId"] == *device.id).unwrap();
        assert_eq!((&one["errorCode"], &one["devicePlatform"]), (&json!(code), &json!("WEB")));
    }
}

#[tokio::test]
async fn a_push_service_that_is_busy_or_down_is_asked_again() {
    for status in [429, 500, 503] {
        let service = PushService::start().await;
        let scene = Scene::with_web_push(&service).await;
        scene.browser("ada", &Browser::subscribe(&service, "ada")).await;
        service.answer(Some(status));
        scene.ask("ada").await;
        scene.drain_for(60).await;
        assert_eq!(scene.world.queue.depth(), (1, 0), "{status}: it waits");
        service.answer(None);
        scene.drain_for(20).await;
        assert_eq!((service.sent().len(), scene.world.queue.depth()), (1, (0, 0)), "{status}");
    }
}

/// One that answers what nobody can mend by waiting, or sends elsewhere, is not asked again, and nothing is followed.
#[tokio::test]
async fn a_push_service_that_refuses_what_it_is_sent_is_not_asked_again() {
    for status in [400, 401, 413] {
        let service = PushService::start().await;
        let scene = Scene::with_web_push(&service).await;
        let device = scene.browser("ada", &Browser::subscribe(&service, "ada")).await;
        service.answer(Some(status));
        let asked = scene.ask("ada").await;
        scene.drain().await;
        assert_eq!(scene.world.queue.depth(), (0, 0), "{status}");
        assert_eq!(scene.world.pending(&device).await.ok()["challengeId"], *id(&asked), "the browser still asks");
    }
    let service = PushService::start().await;
    let scene = Scene::with_web_push(&service).await;
    scene.browser("ada", &Browser::subscribe(&service, "ada")).await;
    service.answer(Some(307));
    scene.ask("ada").await;
    scene.drain().await;
    assert_eq!(scene.world.queue.depth(), (1, 0), "a redirect is no delivery");
}

#[tokio::test]
async fn a_subscription_elsewhere_is_refused_and_nothing_is_enrolled() {
    let (service, stranger) = (PushService::start().await, PushService::start().await);
    let scene = Scene::with_web_push(&service).await;
    let elsewhere = Browser::subscribe(&stranger, "ada").subscription();
    for subscription in [elsewhere.as_str(), "a-token", "{}"] {
        let refused = scene.enrol_browser("ada", subscription).await.json();
        assert_eq!(refused["errorCode"], "invalid_request");
        assert!(refused["errorDescription"].as_str().unwrap().starts_with("pushToken"), "{refused}");
    }
    let listed = scene.world.http.get("/v1/users/ada/authenticators", &scene.world.key()).await.ok();
    assert_eq!(listed, json!([]));
    // The list became shorter since: what was enrolled is not called any more.
    let good = Browser::subscribe(&service, "ada");
    scene.browser("ada", &good).await;
    scene.world.settings(|settings| settings.push.web.as_mut().expect("web push").services.clear()).await;
    scene.ask("ada").await;
    scene.drain().await;
    assert_eq!((service.sent().len(), stranger.sent().len(), scene.world.queue.depth()), (0, 0, (0, 0)));
}

#[tokio::test]
async fn a_tenant_that_pushes_to_no_browsers_says_so() {
    let service = PushService::start().await;
    let scene = Scene::set().await;
    assert_eq!(scene.world.http.get(KEY, &scene.world.tenant_auth()).await.refusal(), (404, "not_found".into()));
    let subscription = Browser::subscribe(&service, "ada").subscription();
    assert_eq!(scene.enrol_browser("ada", &subscription).await.refusal(), (400, "invalid_request".into()));
    // A browser without a subscription asks what is pending.
    let device = scene.world.device_with("ada", "push", json!({"devicePlatform": "web"})).await;
    let asked = scene.ask("ada").await;
    assert_eq!(asked["deliveryResults"][0]["errorCode"], "device_unreachable");
    assert_eq!(scene.world.pending(&device).await.ok()["challengeId"], *id(&asked));
}
