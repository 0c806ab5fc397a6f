//! Everywhere that one can guess, for a user who has every way to confirm.

use countersign_local::embedded::TABLE;
use countersign_tests::{World, device::Device, otp};
use serde_json::{Value, json};

use super::{Said, guess, said};

/// Where a guess is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The API, with an app's code.
    Api,
    /// The hosted page, with an app's code.
    Page,
    /// The first code of an app that is being added.
    Enrolment,
    /// An app's code, for an action from the device that is remembered.
    Laptop,
    Recovery,
    Number,
}

impl Place {
    pub const ALL: [Self; 6] = [Self::Api, Self::Page, Self::Enrolment, Self::Laptop, Self::Recovery, Self::Number];

    /// The space that it pays from, and how many guesses that has in five minutes.
    pub fn space(self) -> (&'static str, usize) {
        match self {
            Self::Api | Self::Page | Self::Enrolment => ("codes", 10),
            Self::Laptop => ("codes on a remembered device", 5),
            Self::Recovery => ("recovery codes", 10),
            Self::Number => ("numbers", 10),
        }
    }
}

pub const PLACES: [Place; 4] = [Place::Api, Place::Laptop, Place::Recovery, Place::Number];

/// Ada, who has every way to confirm.
pub struct Scene {
    pub world: World,
    secret: String,
    codes: Vec<String>,
    pub phone: Device,
    /// A question that waits for its number: its id, the number, and until when.
    open: Option<(String, String, i64)>,
}

impl Scene {
    pub async fn new() -> Self {
        let world = World::start().await;
        let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned();
        let body =
            json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": format!("otpauth://totp/a?secret={secret}")});
        let added = world.http.post("/v1/users/ada/authenticators", &world.key(), body).await.ok();
        let codes = added["recoveryCodes"].as_array().expect("codes").iter();
        let codes = codes.map(|code| code.as_str().expect("a code").to_owned()).collect();
        let phone = world.device("ada", "push").await;
        world.token("ada", "signIn").await;
        let rule = json!({"name": "r", "priority": 0, "type": "CHALLENGE", "conditions": {"var": "device.isNew"}});
        let rules = "/v1/management/action-configurations/signIn/rules";
        world.http.post(rules, &world.management(), rule).await.ok();
        world.clock.advance(60);
        let scene = Self { world, secret, codes, phone, open: None };
        scene.remember("laptop", true).await;
        scene
    }

    pub async fn remember(&self, device: &str, is_remembered: bool) {
        let (world, path) = (&self.world, format!("/v1/users/ada/devices/{device}"));
        self.token_on(Some(device)).await;
        if is_remembered {
            let until = json!({"rememberedUntil": "2026-12-20T00:00:00Z"});
            world.http.patch(&path, &world.key(), until).await.ok();
        } else {
            world.http.post(&format!("{path}/invalidate"), &world.key(), json!({})).await.ok();
        }
    }

    pub async fn token_on(&self, device: Option<&str>) -> String {
        let body = device.map_or_else(|| json!({}), |device| json!({"deviceId": device}));
        self.world.track("ada", "signIn", body).await.ok()["token"].as_str().expect("a token").to_owned()
    }

    pub fn wrong(&self) -> String {
        otp::wrong(&self.secret, self.world.now())
    }

    /// A guess there, wrong or right, with a new action.
    pub async fn guess(&mut self, place: Place, is_right: bool) -> Said {
        let code = if is_right { self.world.code(&self.secret, 0) } else { self.wrong() };
        let http = &self.world.http;
        match place {
            Place::Api => guess(http, &self.token_on(None).await, &code).await,
            Place::Laptop => guess(http, &self.token_on(Some("laptop")).await, &code).await,
            Place::Page => self.page("app", &code).await,
            Place::Recovery if is_right => {
                let code = self.codes.pop().expect("a code that is left");
                self.page("recovery", &code).await
            }
            Place::Recovery => self.page("recovery", "00000-00000-00000").await,
            Place::Enrolment => {
                let scope = json!({"scope": "add:authenticators"});
                let token = self.world.track("ada", "enrol", scope).await.ok();
                let token = token["token"].as_str().expect("a token").to_owned();
                let new = self.world.enroll(&token).await.ok()["secret"].as_str().expect("a secret").to_owned();
                let now = self.world.now();
                guess(http, &token, &if is_right { otp::totp(&new, now) } else { otp::wrong(&new, now) }).await
            }
            Place::Number => self.number(is_right).await,
        }
    }

    async fn page(&self, way: &str, typed: &str) -> Said {
        let answer = self.world.answer_page(&self.token_on(None).await, way, typed).await;
        let page = answer.text();
        match () {
            () if countersign_tests::pages::is_verified(&answer) => Said::Right,
            () if page.contains("not right") => Said::Wrong,
            () if page.contains("Too many") => Said::Exhausted,
            () => panic!("{page}"),
        }
    }

    /// Types a number on the phone. A wrong one leaves its question open for the next.
    async fn number(&mut self, is_right: bool) -> Said {
        let now = self.world.now();
        let open = self.open.take().filter(|(_, _, until)| !is_right && now < *until);
        let (challenge, number, until) = match open {
            Some(open) => open,
            None => {
                let token = self.token_on(None).await;
                let asked = self.world.push(&token, json!({"numberMatching": true})).await;
                if asked.status == 429 {
                    return Said::Exhausted;
                }
                let asked = asked.ok();
                let text = |name: &str| asked[name].as_str().expect("a text").to_owned();
                (text("challengeId"), text("verificationCode"), now + 119)
            }
        };
        let wrong = format!("{:06}", (number.parse::<u32>().unwrap() + 1) % 1_000_000);
        let said = self.typed(&challenge, if is_right { &number } else { &wrong }).await;
        self.open = (!is_right).then_some((challenge, number, until));
        said
    }

    pub async fn typed(&self, challenge: &str, number: &str) -> Said {
        let mut body = self.phone.answer(challenge, true);
        body["verificationCode"] = number.into();
        said(&self.world.answer(&self.phone, body).await.ok())
    }

    /// As many wrong guesses as are looked at within five minutes, without waiting; how many that were.
    pub async fn exhaust(&mut self, place: Place) -> usize {
        for count in 0..100 {
            match self.guess(place, false).await {
                Said::Exhausted => return count,
                Said::Wrong => {}
                Said::Right => panic!("a wrong guess was right"),
            }
        }
        panic!("{place:?} has no budget");
    }

    /// A hundred failures, as slowly as the window wants it.
    pub async fn close(&mut self, place: Place) {
        let mut failures = 0;
        while failures < 100 {
            self.world.clock.advance(601);
            failures += self.exhaust(place).await;
        }
        assert_eq!(failures, 100, "{place:?}");
        self.world.clock.advance(24 * 3600);
        assert_eq!(self.guess(place, true).await, Said::Exhausted, "{place:?} is closed");
        self.world.clock.advance(601);
    }

    pub fn item(&self) -> Value {
        let key = json!({"TableName": TABLE, "Key": {"pk": {"S": "T#t1#U#ada"}, "sk": {"S": "USER"}}});
        self.call("GetItem", &key)["Item"].clone()
    }

    pub fn call(&self, operation: &str, request: &Value) -> Value {
        let answer = self.world.embedded.answer(operation, request.to_string().as_bytes());
        serde_json::from_slice(answer.body().bytes().expect("bytes")).expect("JSON")
    }
}
