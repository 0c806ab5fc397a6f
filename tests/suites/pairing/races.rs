//! Many at once, and a store that fails: one device, whole or not at all.

use countersign_tests::{World, device::Device, faults::Fault, http::Auth};
use futures_util::future::join_all;
use serde_json::json;

use super::{adding, count, is_known};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_devices_one_has_the_link() {
    for round in 0..20 {
        let world = World::start().await;
        let other = world.another_process().await;
        let link = world.link(&world.token("ada", "signIn").await).await;
        world.faults.weather(round, 0);
        other.faults.weather(!round, 0);
        let devices: Vec<Device> = (0..6).map(|_| Device::new("push")).collect();
        let said = join_all(devices.iter().enumerate().map(async |(index, device)| {
            let process = [&world, &other][index % 2];
            process.http.post("/v1/client/pairing", &process.tenant_auth(), link.body(device)).await
        }))
        .await;
        let won: Vec<usize> = (0..6).filter(|index| said[*index].status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert!(said.iter().all(|one| matches!(one.status.as_u16(), 200 | 409)), "round {round}");
        world.say(&link, "pair").await;
        for (index, device) in devices.iter().enumerate() {
            assert_eq!(is_known(&world, device).await, index == won[0], "round {round}");
        }
        assert_eq!(count(&world, "ada").await, 1);
    }
}

/// Yes and no at once: one of them, for the page, the device and the list.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn yes_and_no_at_once_are_one_of_them() {
    let mut ends = [0; 2];
    for round in 0..30 {
        let world = World::start().await;
        let other = world.another_process().await;
        let (link, device) = (world.link(&adding(&world, "ada").await).await, Device::new("push"));
        world.redeem(&link, &device).await.ok();
        world.faults.weather(round, 0);
        other.faults.weather(!round, 0);
        let (first, second) = if round % 2 == 0 { ("pair", "refuse") } else { ("refuse", "pair") };
        let said = tokio::join!(world.say(&link, first), other.say(&link, second), world.say(&link, "pair"));
        assert!([&said.0, &said.1, &said.2].iter().all(|one| one.status == 303), "round {round}");
        let state = world.ask_about(&link, &device).await.ok()["state"].clone();
        let known = is_known(&world, &device).await;
        assert_eq!(state, if known { "CONFIRMED" } else { "REFUSED" }, "round {round}");
        assert_eq!(count(&world, "ada").await, usize::from(known));
        ends[usize::from(known)] += 1;
    }
    println!("refused, paired: {ends:?}");
}

/// Two links of first enrolments, both confirmed at once: one phone is the first, and the other token may add none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_first_phones_at_once_one_is_paired() {
    for round in 0..20 {
        let world = World::start().await;
        let other = world.another_process().await;
        let mut waiting = Vec::new();
        for action in ["one", "two"] {
            let (link, device) = (world.link(&world.token("ada", action).await).await, Device::new("push"));
            world.redeem(&link, &device).await.ok();
            waiting.push((link, device));
        }
        world.faults.weather(round, 0);
        other.faults.weather(!round, 0);
        let (one, two) = (&waiting[0].0, &waiting[1].0);
        let said = tokio::join!(world.say(one, "pair"), other.say(two, "pair"));
        assert!(!said.0.status.is_server_error() && !said.1.status.is_server_error());
        assert_eq!(count(&world, "ada").await, 1, "round {round}");
    }
}

/// Every call of the store, failing in every way: the device is enrolled or it is not, and the same again succeeds.
#[tokio::test]
async fn a_store_that_fails_leaves_a_whole_pairing_or_none() {
    for fault in Fault::ALL {
        for at in 0..8 {
            let world = World::start().await;
            let token = adding(&world, "ada").await;
            let (link, device) = (world.link(&token).await, Device::new("push"));
            world.faults.fail(at, 4, fault);
            let redeemed = world.redeem(&link, &device).await;
            world.faults.clear();
            assert!(matches!(redeemed.status.as_u16(), 200 | 503), "{fault:?} at {at}: {}", redeemed.text());
            assert_eq!(world.redeem(&link, &device).await.ok()["state"], "WAITING", "{fault:?} at {at}");
            assert!(!is_known(&world, &device).await);

            let seal = countersign_tests::pages::field(&world.link_page(&link).await.text(), "seal").expect("a form");
            let form = [("token", token.as_str()), ("seal", &seal), ("act", "pair"), ("pairing", &link.id)];
            world.faults.fail(at, 4, fault);
            let said = world.send_form("/set-up", &form).await;
            world.faults.clear();
            assert!(matches!(said.status.as_u16(), 303 | 503), "{fault:?} at {at}: {}", said.text());
            let (known, listed) = (is_known(&world, &device).await, count(&world, "ada").await);
            assert_eq!(listed, usize::from(known), "{fault:?} at {at}");
            assert_eq!(world.ask_about(&link, &device).await.ok()["state"] == "CONFIRMED", known, "{fault:?} at {at}");
            assert!(known || said.status == 503, "{fault:?} at {at}: it said that it went well");
            assert_eq!(world.say(&link, "pair").await.status, 303);
            assert!(is_known(&world, &device).await && count(&world, "ada").await == 1, "{fault:?} at {at}");
            let listed = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
            let told =
                world.http.post("/v1/client/pairing/status", &Auth::Key("t1".into()), link.question(&device)).await;
            assert_eq!(told.ok()["userAuthenticatorId"], listed[0]["userAuthenticatorId"]);
            assert_eq!(
                world.http.get("/v1/users/ada", &world.key()).await.ok()["enrolledVerificationMethods"],
                json!(["PUSH"])
            );
        }
    }
}
