//! What a cell stands on: a world of its own, a user with one of everything, and what the caller has in hand.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::method::Method;
use countersign_tests::{
    World,
    device::Device,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::{
    reason::Reason,
    table::dump,
    way::{Way, With},
};

pub const CODE: &str = "pay";
pub const KEY: &str = "k1";
pub const ALL_SCOPES: &str = "read:authenticators add:authenticators";
pub const LIST: &str = "/v1/client/user-authenticators";
pub const ACTIONS: &str = "/v1/management/action-configurations";
/// The secret of apps that the backend brings along.
pub const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOBS_SECRET: &str = "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK";
pub const MAIL: &str = "ada@example.com";
/// Where the hosted page leads back to.
pub const BACK: &str = "https://app.example/done";

/// A user, and what the caller shows of itself.
pub struct Ground {
    pub way: Way,
    pub world: World,
    /// As the backend names it.
    pub user: String,
    /// Of the app.
    pub secret: String,
    pub codes: Vec<String>,
    /// Ids of the app and of the address.
    pub app: String,
    pub mail: String,
    pub phone: Device,
    pub scanner: Device,
    pub inner: Device,
    /// A key that nobody has enrolled.
    pub fresh: Device,
    /// Of the action in hand, and of a page of it.
    pub token: String,
    pub seal: String,
    /// The link of a pairing that was confirmed.
    pub pairing: String,
    /// What the recovery codes in hand are known by.
    pub set: String,
    pub backend: Auth,
    pub tenant: Auth,
    /// What a device is asked.
    pub challenge: Value,
    /// A secret that was given out, to be confirmed.
    pub offer: String,
    /// The code that has succeeded the action.
    pub typed: String,
    /// Tokens that the caller has, or that others have honestly got: no answer may hold another one.
    known: BTreeSet<String>,
}

/// The text in a field of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Ground {
    /// A user as the way needs it, and an action code that asks for a challenge.
    pub async fn of(way: Way, reason: Option<Reason>) -> Self {
        let world = World::start().await;
        let config = json!({"actionCode": CODE, "defaultUserActionResult": "CHALLENGE"});
        world.http.post(ACTIONS, &world.management(), config).await.ok();
        let (backend, tenant) = (world.key(), world.tenant_auth());
        let mut ground = Self {
            way,
            world,
            user: "ada".into(),
            secret: String::new(),
            codes: Vec::new(),
            app: String::new(),
            mail: String::new(),
            phone: Device::new("push"),
            scanner: Device::new("qr-code"),
            inner: Device::new("in-app"),
            fresh: Device::new(match way {
                Way::AddQrCode | Way::FirstQrCode => "qr-code",
                Way::AddInApp | Way::FirstInApp => "in-app",
                _ => "push",
            }),
            token: String::new(),
            seal: String::new(),
            pairing: String::new(),
            set: String::new(),
            backend,
            tenant,
            challenge: Value::Null,
            offer: String::new(),
            typed: String::new(),
            known: BTreeSet::new(),
        };
        match way.with() {
            // A user who has nothing cannot be reset, so this one is given an address.
            With::New if reason.is_some_and(Reason::is_reset) => ground.mail = ground.add_mail("ada").await,
            With::New => {}
            _ => ground.enrol_all("ada").await,
        }
        if matches!(way, Way::ForgetDevice | Way::DevicesByBackend | Way::TrackFromLaptop) {
            ground.remember_a_laptop().await;
        }
        if way == Way::TrackFromLaptop {
            let conditions = json!({"==": [{"var": "device.isRemembered"}, true]});
            let rule = json!({"name": "Known", "priority": 0, "type": "ALLOW", "conditions": conditions});
            let path = format!("{ACTIONS}/{CODE}/rules");
            ground.world.http.post(&path, &ground.world.management(), rule).await.ok();
        }
        if matches!(way, Way::UserByBackend | Way::UsersByBackend) {
            ground.world.http.patch("/v1/users/ada", &ground.backend, json!({"email": MAIL})).await.ok();
        }
        ground
    }

    /// An app with its recovery codes, an address, a phone, and a key of the way's own kind of device.
    pub async fn enrol_all(&mut self, user: &str) {
        (self.app, self.codes) = self.add_app(user).await;
        self.secret = secret_of(user).into();
        self.mail = self.add_mail(user).await;
        let body = json!({"idempotencyKey": "pairing", "scope": ALL_SCOPES});
        let token = text(&self.world.track(user, "pair", body).await.ok()["token"]);
        // Keys that no call of the way looks at are left out: each cell has a world to make.
        let (method, mut kinds) = (self.way.method(), vec!["push"]);
        kinds.extend((method == Some(Method::QrCode)).then_some("qr-code"));
        kinds.extend((method == Some(Method::InApp)).then_some("in-app"));
        for kind in kinds {
            let mut device = Device::new(kind);
            user.clone_into(&mut device.user);
            let enrolled = self.world.enrol_device(&device, &token, json!({})).await.ok();
            device.id = text(&enrolled["userAuthenticatorId"]);
            match kind {
                "push" => self.phone = device,
                "qr-code" => self.scanner = device,
                _ => self.inner = device,
            }
        }
    }

    /// An app that the backend brings along: its id, and the recovery codes that come with it.
    pub async fn add_app(&self, user: &str) -> (String, Vec<String>) {
        let uri = format!("otpauth://totp/a?secret={}", secret_of(user));
        let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
        let added = self.world.http.post(&authenticators(user), &self.world.key(), body).await.ok();
        let codes = added["recoveryCodes"].as_array().into_iter().flatten().map(text).collect();
        (text(&added["authenticator"]["userAuthenticatorId"]), codes)
    }

    pub async fn add_mail(&self, user: &str) -> String {
        let body = json!({"verificationMethod": "EMAIL_OTP", "email": format!("{user}@example.com")});
        let added = self.world.http.post(&authenticators(user), &self.world.key(), body).await.ok();
        text(&added["authenticator"]["userAuthenticatorId"])
    }

    /// A device that rules remember, of a code of its own.
    async fn remember_a_laptop(&self) {
        let (world, path) = (&self.world, format!("{ACTIONS}/ruled/rules"));
        let config = json!({"actionCode": "ruled", "defaultUserActionResult": "ALLOW"});
        world.http.post(ACTIONS, &world.management(), config).await.ok();
        let rule =
            json!({"name": "Nights", "priority": 7, "type": "REVIEW", "conditions": {"<": [{"var": "time.hour"}, 5]}});
        world.http.post(&path, &world.management(), rule).await.ok();
        world.track("ada", "ruled", json!({"deviceId": "laptop"})).await.ok();
        let body = json!({"rememberedUntil": "2026-12-21T00:00:00Z"});
        world.http.patch("/v1/users/ada/devices/laptop", &world.key(), body).await.ok();
    }

    /// From then on the token is one that may come back in an answer.
    pub fn know(&mut self, token: &str) {
        self.known.insert(token.to_owned());
    }

    /// Tokens in an answer, its headers too, that the caller did not have.
    pub fn new_tokens(&self, answer: &Answer) -> Vec<String> {
        let location = answer.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let all = format!("{} {location}", answer.text());
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let words = all.split(|c| !is_part(c)).filter(|word| word.starts_with("eyJ") && word.matches('.').count() == 2);
        words.filter(|word| !self.known.contains(*word)).map(str::to_owned).collect()
    }

    pub fn bearer(&self) -> Auth {
        Auth::Token(self.token.clone())
    }

    pub fn challenge_id(&self) -> String {
        text(&self.challenge["challengeId"])
    }

    /// Everything that is stored of the user and of keys of devices; without forms, which are spent by being sent.
    pub fn rows(&self) -> BTreeMap<(String, String), Value> {
        let is_theirs = |pk: &str, sk: &str| {
            pk == "T#t1#U#ada" && !sk.starts_with("FORM#") || pk.starts_with("T#t1#K#") || sk == "U#ada"
        };
        dump(&self.world).into_iter().filter(|((pk, sk), _)| is_theirs(pk, sk)).collect()
    }

    /// The user's actions and their states, as the backend sees them.
    pub async fn actions(&self) -> Value {
        let listed = self.world.http.get("/v1/users/ada/actions", &self.world.key()).await.ok();
        let one = |action: &Value| json!([action["actionCode"], action["idempotencyKey"], action["state"]]);
        listed.as_array().into_iter().flatten().map(one).collect()
    }
}

fn secret_of(user: &str) -> &'static str {
    if user == "ada" { SECRET } else { BOBS_SECRET }
}

pub fn authenticators(user: &str) -> String {
    format!("/v1/users/{user}/authenticators")
}
