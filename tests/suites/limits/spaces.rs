//! Each space of secrets has a budget of its own (T06, T08; I3): who exhausts one leaves the others usable.

use countersign_local::embedded::TABLE;
use countersign_tests::{
    World,
    device::Device,
    faults::{Draw, Fault},
    http::Auth,
    otp,
};
use serde_json::{Value, json};

use super::{Said, guess, said};

/// Where a guess is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Place {
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
    const ALL: [Self; 6] = [Self::Api, Self::Page, Self::Enrolment, Self::Laptop, Self::Recovery, Self::Number];

    /// The space that it pays from, and how many guesses that has in five minutes.
    fn space(self) -> (&'static str, usize) {
        match self {
            Self::Api | Self::Page | Self::Enrolment => ("codes", 10),
            Self::Laptop => ("codes on a remembered device", 5),
            Self::Recovery => ("recovery codes", 10),
            Self::Number => ("numbers", 10),
        }
    }
}

const PLACES: [Place; 4] = [Place::Api, Place::Laptop, Place::Recovery, Place::Number];

/// Ada, who has every way to confirm.
struct Scene {
    world: World,
    secret: String,
    codes: Vec<String>,
    phone: Device,
    /// A question that waits for its number: its id, the number, and until when.
    open: Option<(String, String, i64)>,
}

impl Scene {
    async fn new() -> Self {
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

    async fn remember(&self, device: &str, is_remembered: bool) {
        let (world, path) = (&self.world, format!("/v1/users/ada/devices/{device}"));
        self.token_on(Some(device)).await;
        if is_remembered {
            let until = json!({"rememberedUntil": "2026-12-20T00:00:00Z"});
            world.http.patch(&path, &world.key(), until).await.ok();
        } else {
            world.http.post(&format!("{path}/invalidate"), &world.key(), json!({})).await.ok();
        }
    }

    async fn token_on(&self, device: Option<&str>) -> String {
        let body = device.map_or_else(|| json!({}), |device| json!({"deviceId": device}));
        self.world.track("ada", "signIn", body).await.ok()["token"].as_str().expect("a token").to_owned()
    }

    fn wrong(&self) -> String {
        otp::wrong(&self.secret, self.world.now())
    }

    /// A guess there, wrong or right, with a new action.
    async fn guess(&mut self, place: Place, is_right: bool) -> Said {
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
            Place::Recovery => self.page("recovery", "00000-00000").await,
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
        let page = self.world.answer_page(&self.token_on(None).await, way, typed).await.text();
        match () {
            () if page.contains("You are verified") => Said::Right,
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

    async fn typed(&self, challenge: &str, number: &str) -> Said {
        let mut body = self.phone.answer(challenge, true);
        body["verificationCode"] = number.into();
        said(&self.world.answer(&self.phone, body).await.ok())
    }

    /// As many wrong guesses as are looked at within five minutes, without waiting; how many that were.
    async fn exhaust(&mut self, place: Place) -> usize {
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
    async fn close(&mut self, place: Place) {
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

    fn item(&self) -> Value {
        let key = json!({"TableName": TABLE, "Key": {"pk": {"S": "T#t1#U#ada"}, "sk": {"S": "USER"}}});
        self.call("GetItem", &key)["Item"].clone()
    }

    fn call(&self, operation: &str, request: &Value) -> Value {
        let answer = self.world.embedded.answer(operation, request.to_string().as_bytes());
        serde_json::from_slice(answer.body().bytes().expect("bytes")).expect("JSON")
    }
}

/// T08: somebody who has only the password spends what codes have, and nothing else.
#[tokio::test]
async fn ten_wrong_codes_leave_the_other_ways() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.exhaust(Place::Api).await, 10);
    for place in [Place::Page, Place::Enrolment] {
        assert_eq!(scene.guess(place, true).await, Said::Exhausted, "{place:?} is of the same budget");
    }
    assert_eq!(scene.guess(Place::Recovery, true).await, Said::Right, "a recovery code");
    assert_eq!(scene.guess(Place::Number, true).await, Said::Right, "a number");
    assert_eq!(scene.guess(Place::Laptop, true).await, Said::Right, "a device that is remembered");
    scene.world.clock.advance(30);
    assert_eq!(scene.guess(Place::Api, true).await, Said::Exhausted, "that frees no guess of a stranger");
}

/// Whichever is exhausted, the others are not.
#[tokio::test]
async fn each_space_has_a_budget_of_its_own() {
    for spent in PLACES {
        let mut scene = Scene::new().await;
        assert_eq!(scene.exhaust(spent).await, spent.space().1, "{spent:?}");
        assert_eq!(scene.guess(spent, true).await, Said::Exhausted, "{spent:?}");
        for other in PLACES.into_iter().filter(|other| *other != spent) {
            scene.world.clock.advance(30);
            assert_eq!(scene.guess(other, true).await, Said::Right, "{other:?} while {spent:?} is exhausted");
        }
    }
}

/// T07: each has a cap of its own, and closes alone.
#[tokio::test]
async fn a_hundred_failures_close_one_space_and_no_other() {
    for closed in PLACES {
        let mut scene = Scene::new().await;
        scene.close(closed).await;
        for place in PLACES.into_iter().filter(|place| *place != closed) {
            assert_eq!(scene.guess(place, false).await, Said::Wrong, "{place:?} while {closed:?} is closed");
        }
        scene.world.http.post("/v1/users/ada/unlock", &scene.world.key(), json!({})).await.ok();
        scene.world.clock.advance(601);
        assert_eq!(scene.guess(closed, true).await, Said::Right, "the backend opens {closed:?} again");
    }
}

/// What is at least as strong opens what is closed; a weaker proof does not.
#[tokio::test]
async fn a_success_of_the_same_strength_opens_a_closed_space() {
    for closed in PLACES {
        for by in PLACES.into_iter().filter(|by| *by != closed) {
            let mut scene = Scene::new().await;
            scene.close(closed).await;
            assert_eq!(scene.guess(by, true).await, Said::Right, "{by:?} while {closed:?} is closed");
            scene.world.clock.advance(601);
            // Only a number on a device is worth as much as a number on a device.
            let expected = if closed == Place::Number { Said::Exhausted } else { Said::Right };
            assert_eq!(scene.guess(closed, true).await, expected, "{closed:?} after {by:?}");
        }
    }
}

/// A device that signs, without a number, is worth more than a code and less than a number.
#[tokio::test]
async fn a_signature_of_a_device_opens_codes_and_no_numbers() {
    for (closed, expected) in
        [(Place::Api, Said::Right), (Place::Recovery, Said::Right), (Place::Number, Said::Exhausted)]
    {
        let mut scene = Scene::new().await;
        scene.close(closed).await;
        let token = scene.token_on(None).await;
        let asked = scene.world.push(&token, json!({})).await.ok();
        let challenge = asked["challengeId"].as_str().unwrap();
        assert_eq!(scene.world.approve(&scene.phone, challenge).await.ok()["isVerified"], true);
        scene.world.clock.advance(601);
        assert_eq!(scene.guess(closed, true).await, expected, "{closed:?}");
    }
}

/// The page says how to get out.
#[tokio::test]
async fn a_closed_way_names_the_others() {
    for (place, way) in [(Place::Page, "app"), (Place::Recovery, "recovery")] {
        let mut scene = Scene::new().await;
        scene.exhaust(place).await;
        let page = scene.world.answer_page(&scene.token_on(None).await, way, "123456").await.text();
        assert!(page.contains("Too many attempts") && page.contains("in another way"), "{page}");
        scene.world.clock.advance(601);
        scene.close(place).await;
        let page = scene.world.answer_page(&scene.token_on(None).await, way, "123456").await.text();
        assert!(page.contains("in a row") && page.contains("in another way"), "{page}");
        assert!(page.contains("t1 can turn them on again"), "{page}");
    }
}

/// Only what the backend says of a device counts, and only while the device is remembered.
#[tokio::test]
async fn only_a_remembered_device_has_guesses_of_its_own() {
    let mut scene = Scene::new().await;
    scene.remember("stranger", true).await;
    scene.remember("stranger", false).await;
    scene.exhaust(Place::Api).await;
    for device in [None, Some("unknown"), Some("stranger")] {
        let token = scene.token_on(device).await;
        assert_eq!(guess(&scene.world.http, &token, &scene.wrong()).await, Said::Exhausted, "{device:?}");
    }
    // Who holds the token cannot make it one of another device.
    let token = scene.token_on(None).await;
    let body = json!({"verificationCode": scene.wrong(), "deviceId": "laptop"});
    let answer = scene.world.http.post("/v1/client/verify/totp", &Auth::Token(token), body).await;
    assert_eq!(said(&answer.ok()), Said::Exhausted);
    assert_eq!(scene.guess(Place::Laptop, false).await, Said::Wrong);
    // The first code of an app that is added there is of the same budget.
    let body = json!({"deviceId": "laptop", "scope": "add:authenticators"});
    let token = scene.world.track("ada", "signIn", body).await.ok()["token"].as_str().unwrap().to_owned();
    scene.world.enroll(&token).await.ok();
    for _ in 0..4 {
        assert_eq!(guess(&scene.world.http, &token, &scene.wrong()).await, Said::Wrong);
    }
    assert_eq!(scene.guess(Place::Laptop, true).await, Said::Exhausted);
}

/// T06: whatever is mixed, at most the limit of each space is looked at in any window, and a hundred without a success.
#[tokio::test]
async fn mixed_brute_force_gets_each_budget_once() {
    for seed in 0..3 {
        let (mut scene, mut draw) = (Scene::new().await, Draw::from(seed));
        let mut looked_at: std::collections::BTreeMap<&str, Vec<i64>> = std::collections::BTreeMap::new();
        let mut refused = 0;
        for _ in 0..900 {
            scene.world.clock.advance(*draw.pick(&[0, 0, 0, 0, 0, 0, 3, 20, 90, 301]));
            let place = *draw.pick(&Place::ALL);
            let (space, limit) = place.space();
            match scene.guess(place, false).await {
                Said::Wrong => {
                    let now = scene.world.now();
                    let all = looked_at.entry(space).or_default();
                    all.push(now);
                    let recent = all.iter().filter(|at| now - **at < 300).count();
                    assert!(recent <= limit, "seed {seed}: {recent} guesses at {space} within five minutes");
                    assert!(all.len() <= 100, "seed {seed}: {} guesses at {space}", all.len());
                }
                Said::Exhausted => refused += 1,
                Said::Right => panic!("seed {seed}: a wrong guess was right"),
            }
        }
        println!("seed {seed}: {:?}, {refused} refused", looked_at.iter().map(|(s, a)| (s, a.len())).collect::<Vec<_>>());
        assert!(looked_at.len() == 4 && refused > 100, "seed {seed}: {looked_at:?}");
    }
}

/// A lost acknowledgement takes no second slot, in whatever space.
#[tokio::test]
async fn a_reserve_that_is_repeated_takes_one_slot() {
    for place in PLACES {
        for fault in [Fault::DropAfter, Fault::ErrorAfter] {
            let mut scene = Scene::new().await;
            let (_, limit) = place.space();
            // The first write that reserves fails after it was carried out; each guess has another one.
            let mut looked_at = 0;
            let token = scene.token_on((place == Place::Laptop).then_some("laptop")).await;
            let body = json!({"verificationCode": scene.wrong()});
            match place {
                Place::Api | Place::Laptop => {
                    scene.world.faults.fail(0, 1, fault);
                    let answer = scene.world.http.post("/v1/client/verify/totp", &Auth::Token(token), body).await;
                    looked_at += usize::from(said(&answer.ok()) == Said::Wrong);
                }
                Place::Number => {
                    let asked = scene.world.push(&token, json!({"numberMatching": true})).await.ok();
                    let challenge = asked["challengeId"].as_str().unwrap();
                    scene.world.faults.fail(1, 1, fault);
                    looked_at += usize::from(scene.typed(challenge, "none").await == Said::Wrong);
                    scene.world.deny(&scene.phone, challenge).await.ok();
                }
                _ => {
                    let seal = scene.world.seal(&token).await;
                    let form = [("token", token.as_str()), ("state", &seal), ("way", "recovery"), ("recovery", "00000-00000")];
                    // Behind what the page itself reads and writes.
                    scene.world.faults.clear();
                    scene.world.faults.fail(2, 1, fault);
                    let page = scene.world.send_form("/challenge", &form).await.text();
                    looked_at += usize::from(page.contains("not right"));
                }
            }
            scene.world.faults.clear();
            assert_eq!(looked_at, 1, "{place:?}, {fault:?}");
            assert_eq!(scene.exhaust(place).await, limit - 1, "{place:?}, {fault:?}");
        }
    }
}

/// An item from before there were spaces: what it lacks counts nothing, and the budgets hold.
#[tokio::test]
async fn an_old_item_has_every_budget() {
    let mut scene = Scene::new().await;
    let mut item = scene.item();
    let known = ["pk", "sk", "uid", "cre", "totp", "att", "g", "ft", "ux", "enr", "seen", "def", "prim", "ps"];
    item.as_object_mut().expect("an item").retain(|name, _| known.contains(&name.as_str()));
    scene.call("PutItem", &json!({"TableName": TABLE, "Item": item}));
    for place in PLACES {
        assert_eq!(scene.exhaust(place).await, place.space().1, "{place:?}");
    }
    scene.world.clock.advance(601);
    for place in PLACES {
        scene.world.clock.advance(30);
        assert_eq!(scene.guess(place, true).await, Said::Right, "{place:?}");
    }
}

/// A write bills the whole item, so that it stays under a kilobyte while every budget is exhausted.
#[tokio::test]
async fn with_every_budget_exhausted_the_item_is_still_small() {
    let mut scene = Scene::new().await;
    for place in PLACES {
        scene.exhaust(place).await;
    }
    let item = scene.item();
    let bytes = size(&json!({ "M": item })) - 3;
    println!("{bytes} bytes: {item}");
    assert!(bytes < 1024, "{bytes} bytes");
}

/// The size of a value, as DynamoDB bills it (Developer Guide, "DynamoDB item sizes and formats").
fn size(value: &Value) -> usize {
    let (kind, value) = value.as_object().expect("a value").iter().next().expect("a type");
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(number)) => number.len().div_ceil(2) + 1,
        ("B", Value::String(base64)) => base64.trim_end_matches('=').len() * 3 / 4,
        ("M", Value::Object(map)) => 3 + map.iter().map(|(name, value)| name.len() + size(value) + 1).sum::<usize>(),
        ("SS" | "L", Value::Array(all)) => 3 + all.iter().map(|one| one.as_str().map_or(1, str::len) + 1).sum::<usize>(),
        _ => 1,
    }
}
