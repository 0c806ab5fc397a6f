//! Each space of secrets has a budget of its own (T06, T08; I3): who exhausts one leaves the others usable.

use std::collections::BTreeMap;

use countersign_local::embedded::TABLE;
use countersign_tests::{
    faults::{Draw, Fault},
    http::Auth,
};
use serde_json::{Value, json};

use super::{
    Said, guess,
    places::{PLACES, Place, Scene},
    said,
};

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
    for (place, way, wrong) in [(Place::Page, "app", "123456"), (Place::Recovery, "recovery", "00000-00000-00000")] {
        let mut scene = Scene::new().await;
        scene.exhaust(place).await;
        let page = scene.world.answer_page(&scene.token_on(None).await, way, wrong).await.text();
        assert!(page.contains("Too many attempts") && page.contains("in another way"), "{page}");
        let mut scene = Scene::new().await;
        scene.close(place).await;
        let page = scene.world.answer_page(&scene.token_on(None).await, way, wrong).await.text();
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
        let mut looked_at: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
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
        assert!(
            looked_at.len() == 4 && looked_at.values().all(|all| all.len() == 100) && refused > 100,
            "seed {seed}: {looked_at:?}"
        );
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
                    let wrong = if asked["verificationCode"] == "000000" { "000001" } else { "000000" };
                    looked_at += usize::from(scene.typed(challenge, wrong).await == Said::Wrong);
                    scene.world.deny(&scene.phone, challenge).await.ok();
                }
                _ => {
                    let seal = scene.world.seal(&token).await;
                    let form = [
                        ("token", token.as_str()),
                        ("seal", &seal),
                        ("way", "recovery"),
                        ("recovery", "00000-00000-00000"),
                    ];
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
    // Tenant and user with UUIDs for their ids: `t1` stands in the item twice, `ada` once.
    let bytes = size(&json!({ "M": scene.item() })) - 3 + 2 * 34 + 33;
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
        ("SS" | "L", Value::Array(all)) => {
            3 + all.iter().map(|one| one.as_str().map_or(1, str::len) + 1).sum::<usize>()
        }
        _ => 1,
    }
}
