//! What an authenticator had succeeded, had open or had given out ends when it is taken away, by whomever (S12, T34); only
//! the action that takes it away goes on.

use countersign_tests::{World, device::Device, http::Auth, otp, pages::field};
use serde_json::{Value, json};

use super::{codes, recoverable};

const LIST: &str = "/v1/client/user-authenticators";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A token of an action that leads to the settings.
async fn tracked(world: &World) -> String {
    text(&world.track("ada", "security", json!({"redirectToSettings": true})).await.ok()["token"])
}

async fn by_app(world: &World, secret: &str) -> String {
    world.clock.advance(30);
    let token = tracked(world).await;
    text(&world.verify(&token, &world.code(secret, 0)).await.ok()["accessToken"])
}

/// A success by a phone: its token, the one that was tracked, and the challenge.
async fn by_phone(world: &World, phone: &Device) -> (String, String, String) {
    let token = tracked(world).await;
    let id = text(&world.push(&token, json!({})).await.ok()["challengeId"]);
    world.approve(phone, &id).await.ok();
    (text(&world.standing(&token, &id).await.ok()["accessToken"]), token, id)
}

/// A success that an app on the device begins and answers itself.
async fn by_itself(world: &World, device: &Device) -> String {
    let begun = world.http.post("/v1/client/challenge", &world.tenant_auth(), json!({"action": "in"})).await.ok();
    let id = text(&begun["challengeId"]);
    let body = json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id)});
    text(&world.http.post("/v1/client/verify/in-app", &world.tenant_auth(), body).await.ok()["token"])
}

/// A success by a recovery code: its token.
async fn by_recovery_code(world: &World, code: &str) -> String {
    let token = tracked(world).await;
    let sent_on = world.answer_page(&token, "recovery", code).await;
    let location = sent_on.headers.get("location").unwrap_or_else(|| panic!("{}", sent_on.text())).to_str().unwrap();
    let (_, token) = location.split_once("token=").expect("the token of the success");
    token.split('&').next().unwrap().to_owned()
}

async fn is_valid(world: &World, token: &str) -> bool {
    world.validate(token).await.ok()["isValid"] == true
}

/// Sends a change from the page of settings; whether it was done.
async fn change(world: &World, token: &str, act: &str, id: &str) -> bool {
    let Some(seal) = field(&world.page("/settings", token).await.text(), "seal") else { return false };
    let form = [("token", token), ("seal", &seal), ("act", act), ("id", id)];
    let answer = world.send_form("/settings", &form).await;
    answer.status == 303 && answer.headers["location"].to_str().unwrap().contains("done=") || act == "codes"
}

async fn remove_itself(world: &World, phone: &Device) -> Value {
    let body = json!({"publicKey": phone.public_key, "signature": phone.sign(format!("{}.0", world.now() / 600))});
    world.http.post(&format!("{LIST}/push/remove"), &world.tenant_auth(), body).await.ok()
}

async fn remove_by_backend(world: &World, id: &str) {
    world.http.delete(&format!("/v1/users/ada/authenticators/{id}"), &world.key()).await.ok();
}

async fn listed(world: &World) -> Vec<(String, String)> {
    let all = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
    let one = |one: &Value| (text(&one["verificationMethod"]), text(&one["userAuthenticatorId"]));
    all.as_array().unwrap().iter().map(one).collect()
}

async fn enrols(world: &World, token: &str) -> u16 {
    world.enrol_device(&Device::new("push"), token, json!({})).await.status.as_u16()
}

/// A user with an app and a phone; the secret and the phone.
async fn with_app_and_phone(world: &World) -> (String, Device) {
    let (secret, _) = recoverable(world, "ada").await;
    (secret, world.device("ada", "push").await)
}

#[tokio::test]
async fn what_a_stolen_phone_has_is_worth_nothing_once_its_owner_removes_it() {
    for removes_itself in [false, true] {
        let world = World::start().await;
        let (secret, phone) = with_app_and_phone(&world).await;
        let (thief, early, challenge) = by_phone(&world, &phone).await;
        let given_out = text(&world.enroll(&thief).await.ok()["secret"]);
        let link = world.link(&thief).await;
        let newcomer = Device::new("push");
        world.redeem(&link, &newcomer).await.ok();
        let seal = field(&world.page("/settings", &thief).await.text(), "seal").unwrap();
        let owner = by_app(&world, &secret).await;
        match removes_itself {
            true => drop(remove_itself(&world, &phone).await),
            false => assert!(change(&world, &owner, "remove", &phone.id).await),
        }
        let before = listed(&world).await;
        assert_eq!(before.len(), 1);
        for token in [&thief, &early] {
            assert!(!is_valid(&world, token).await);
            assert_eq!(enrols(&world, token).await, 401);
            assert_eq!(world.enroll(token).await.status, 401);
        }
        let poll = world.standing(&early, &challenge).await.ok();
        assert!(!poll["accessToken"].is_string(), "{poll}");
        let code = otp::totp(&given_out, world.now());
        let completed = world.verify(&thief, &code).await;
        assert_ne!(completed.json()["isVerified"], true, "{}", completed.text());
        let confirmed = [("token", thief.as_str()), ("seal", &seal), ("act", "pair"), ("pairing", &link.id)];
        world.send_form("/set-up", &confirmed).await;
        let removed = [("token", thief.as_str()), ("seal", &seal), ("act", "remove"), ("id", before[0].1.as_str())];
        world.send_form("/settings", &removed).await;
        assert_eq!(listed(&world).await, before, "itself: {removes_itself}");
        assert!(is_valid(&world, &owner).await);
        assert_eq!(enrols(&world, &owner).await, 200);
    }
}

/// Whichever comes first, the removal or the secret: its code enrols nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_given_out_while_the_phone_goes_enrols_nothing() {
    for round in 0..12 {
        let world = World::start().await;
        let (secret, phone) = with_app_and_phone(&world).await;
        let (thief, ..) = by_phone(&world, &phone).await;
        let owner = by_app(&world, &secret).await;
        world.faults.weather(round, 5);
        let (removed, first, second) =
            tokio::join!(change(&world, &owner, "remove", &phone.id), world.enroll(&thief), world.enroll(&thief));
        world.faults.clear();
        if !removed && listed(&world).await.len() > 1 {
            assert!(change(&world, &owner, "remove", &phone.id).await);
        }
        for offered in [first, second] {
            let Some(given_out) = offered.json()["secret"].as_str().map(str::to_owned) else { continue };
            let said = world.verify(&thief, &otp::totp(&given_out, world.now())).await;
            assert_ne!(said.json()["isVerified"], true, "round {round}: {}", said.text());
        }
        assert_eq!(listed(&world).await.len(), 1, "round {round}");
        assert!(is_valid(&world, &owner).await, "round {round}");
    }
}

#[tokio::test]
async fn whoever_removes_what_they_came_in_by_goes_on_and_nobody_else() {
    let world = World::start().await;
    let (_, phone) = with_app_and_phone(&world).await;
    let (other, ..) = by_phone(&world, &phone).await;
    let (owner, early, challenge) = by_phone(&world, &phone).await;
    let offered = world.enroll(&owner).await.ok();
    assert!(change(&world, &owner, "remove", &phone.id).await);
    assert!(is_valid(&world, &owner).await && !is_valid(&world, &other).await);
    assert!(world.standing(&early, &challenge).await.ok()["accessToken"].is_string());
    let code = otp::totp(&text(&offered["secret"]), world.now());
    assert_eq!(world.verify(&owner, &code).await.ok()["isVerified"], true, "its own secret stays given out");
    assert_eq!((enrols(&world, &owner).await, enrols(&world, &other).await), (200, 401));
}

/// With the last one everything ends, but for the action that removed it; where a backend then enrols another one, that
/// ends too, as after a reset.
#[tokio::test]
async fn nothing_from_before_the_last_one_outlives_it() {
    for removes_itself in [false, true] {
        let world = World::start().await;
        let (secret, codes) = recoverable(&world, "ada").await;
        let phone = world.device("ada", "push").await;
        let (by_code, by_code_of_app) = (by_recovery_code(&world, &codes[0]).await, by_app(&world, &secret).await);
        let app = listed(&world).await.into_iter().find(|(method, _)| method == "AUTHENTICATOR_APP").unwrap().1;
        remove_by_backend(&world, &app).await;
        let (other, ..) = by_phone(&world, &phone).await;
        let (owner, ..) = by_phone(&world, &phone).await;
        match removes_itself {
            true => drop(remove_itself(&world, &phone).await),
            false => assert!(change(&world, &owner, "remove", &phone.id).await),
        }
        assert_eq!(listed(&world).await.len(), 0);
        for (name, token) in [("code", &by_code), ("app", &by_code_of_app), ("phone", &other)] {
            assert!(!is_valid(&world, token).await, "{name}");
        }
        assert_eq!(is_valid(&world, &owner).await, !removes_itself);
        recoverable(&world, "ada").await;
        for token in [&by_code, &by_code_of_app, &other, &owner] {
            assert!(!is_valid(&world, token).await);
            assert_eq!(enrols(&world, token).await, 401);
        }
        let again = by_app(&world, &secret).await;
        assert!(is_valid(&world, &again).await);
    }
}

/// A user who removes the last one may set up another with the same action, and stays in.
#[tokio::test]
async fn whoever_removes_the_last_one_may_set_up_the_next() {
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let owner = by_app(&world, &secret).await;
    let app = listed(&world).await[0].1.clone();
    assert!(change(&world, &owner, "remove", &app).await);
    assert_eq!(enrols(&world, &owner).await, 200);
    assert!(is_valid(&world, &owner).await);
    // Somebody else with nothing proved would have ended it.
    let world = World::start().await;
    let (secret, _) = recoverable(&world, "ada").await;
    let owner = by_app(&world, &secret).await;
    let app = listed(&world).await[0].1.clone();
    assert!(change(&world, &owner, "remove", &app).await);
    world.enrolled("ada").await;
    assert!(!is_valid(&world, &owner).await);
}

#[tokio::test]
async fn a_success_by_an_old_recovery_code_ends_when_they_are_made_anew() {
    let world = World::start().await;
    let (secret, old) = recoverable(&world, "ada").await;
    let thief = by_recovery_code(&world, &old[0]).await;
    let given_out = text(&world.enroll(&thief).await.ok()["secret"]);
    let owner = by_app(&world, &secret).await;
    change(&world, &owner, "codes", "").await;
    assert!(!is_valid(&world, &thief).await && is_valid(&world, &owner).await);
    assert_eq!(enrols(&world, &thief).await, 401);
    let completed = world.verify(&thief, &otp::totp(&given_out, world.now())).await;
    assert_ne!(completed.json()["isVerified"], true, "{}", completed.text());
    // A user who came in by a code and makes new ones goes on, and the new ones are good.
    let world = World::start().await;
    let (_, old) = recoverable(&world, "ada").await;
    let owner = by_recovery_code(&world, &old[0]).await;
    let seal = field(&world.page("/settings", &owner).await.text(), "seal").expect("the settings");
    let form = [("token", owner.as_str()), ("seal", &seal), ("act", "codes")];
    let new = codes(&world.send_form("/settings", &form).await.text());
    assert!(is_valid(&world, &owner).await);
    world.clock.advance(1);
    let again = by_recovery_code(&world, &new[0]).await;
    assert!(is_valid(&world, &again).await);
}

/// Each of them ends what it had succeeded, and none touches the others.
#[tokio::test]
async fn many_removals_within_an_hour_leave_the_others_as_they_are() {
    let world = World::start().await;
    let (secret, phone) = with_app_and_phone(&world).await;
    let inner = world.device("ada", "in-app").await;
    let (mut ended, honest) = (Vec::new(), by_app(&world, &secret).await);
    for turn in 0..8 {
        world.clock.advance(1);
        let gone = world.device("ada", "in-app").await;
        ended.push(by_itself(&world, &gone).await);
        remove_by_backend(&world, &gone.id).await;
        world.clock.advance(1);
        assert!(is_valid(&world, &by_itself(&world, &inner).await).await, "turn {turn}");
        for (earlier, token) in ended.iter().enumerate() {
            assert!(!is_valid(&world, token).await, "turn {turn}: what the {earlier}. had succeeded");
            assert_eq!(world.http.get(LIST, &Auth::Token(token.clone())).await.status, 401);
        }
        assert!(turn >= 5 || is_valid(&world, &honest).await, "turn {turn}");
    }
    assert!(is_valid(&world, &by_phone(&world, &phone).await.0).await);
    let key = world.http.get(&format!("{LIST}/push?{}", phone.query()), &world.tenant_auth()).await.ok();
    assert_eq!(key["userAuthenticatorId"], phone.id.as_str());
    assert_eq!(listed(&world).await.len(), 3);
}

/// A clock that was a day ahead takes nothing from whoever enrols again once it is right.
#[tokio::test]
async fn what_was_removed_by_a_clock_ahead_is_good_once_enrolled_again() {
    for is_last in [false, true] {
        let world = World::start().await;
        if !is_last {
            recoverable(&world, "ada").await;
        }
        let phone = world.device("ada", "push").await;
        let now = world.now();
        world.clock.advance(24 * 3600);
        let (then, ..) = by_phone(&world, &phone).await;
        remove_itself(&world, &phone).await;
        assert!(!is_valid(&world, &then).await);
        world.clock.set(now + 60);
        let scope = json!({"scope": "read:authenticators add:authenticators"});
        let token = text(&world.track("ada", "pair", scope).await.ok()["token"]);
        world.enrol_device(&phone, &token, json!({})).await.ok();
        assert!(is_valid(&world, &by_phone(&world, &phone).await.0).await, "last: {is_last}");
    }
}
