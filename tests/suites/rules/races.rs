//! Two at once: rules of one priority, actions of one user, a change of a rule while it decides.

use std::{collections::BTreeSet, sync::Arc};

use countersign_tests::World;
use serde_json::{Value, json};

use super::support::{ACTIONS, create, with_amounts};

async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    all: impl IntoIterator<Item = F>,
) -> Vec<T> {
    let running: Vec<_> = all.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for one in running {
        done.push(one.await.expect("no panic"));
    }
    done
}

fn body(priority: i64) -> Value {
    json!({"name": "r", "priority": priority, "type": "BLOCK", "conditions": {"==": [1, 2]}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rules_with_one_priority_one_is_made() {
    let world = Arc::new(with_amounts().await);
    for priority in 0..20 {
        let create = |world: Arc<World>| async move { create(&world, "pay", body(priority)).await };
        let answers = at_once((0..4).map(|_| create(world.clone()))).await;
        let made = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(made, 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(refused.refusal(), (400, "invalid_request".into()));
            let text = format!("There is already another rule with priority: {priority}");
            assert_eq!(refused.json()["errorDescription"], text);
        }
    }
    let all = world.http.get(&format!("{ACTIONS}/pay/rules"), &world.management()).await.ok();
    assert_eq!(all.as_array().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rules_that_move_to_one_priority_do_not_meet() {
    let world = Arc::new(with_amounts().await);
    for round in 0..15 {
        let mut paths = Vec::new();
        for priority in [0, 1] {
            let made = create(&world, "pay", body(priority)).await.ok();
            paths.push(format!("{ACTIONS}/pay/rules/{}", made["ruleId"].as_str().unwrap()));
        }
        let moves = paths.iter().cloned().map(|path| {
            let world = world.clone();
            async move { world.http.patch(&path, &world.management(), json!({"priority": 2})).await.status.as_u16() }
        });
        let mut answers = at_once(moves).await;
        answers.sort_unstable();
        assert_eq!(answers, [200, 400], "round {round}");
        let all = world.http.get(&format!("{ACTIONS}/pay/rules"), &world.management()).await.ok();
        let priorities: BTreeSet<i64> =
            all.as_array().unwrap().iter().map(|rule| rule["priority"].as_i64().unwrap()).collect();
        assert_eq!((all.as_array().unwrap().len(), priorities.len()), (2, 2), "none is lost, none doubled: {all}");
        for path in &paths {
            world.http.delete(path, &world.management()).await.ok();
        }
    }
}

/// Rules see actions one after another: of twelve at once exactly three are among the first three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actions_at_once_are_counted_one_after_another() {
    let world = Arc::new(with_amounts().await);
    let first = json!({"name": "First", "priority": 0, "type": "ALLOW", "conditions": {"<": [{"var": "velocity.actions1h"}, 3]}});
    create(&world, "pay", first).await.ok();
    create(&world, "pay", json!({"name": "Rest", "priority": 1, "type": "BLOCK", "conditions": true})).await.ok();
    for user in 0..5 {
        let tracks = (0..12).map(|_| {
            let world = world.clone();
            async move {
                let body = json!({"ipAddress": "192.0.2.1", "deviceId": "laptop"});
                world.track(&format!("u{user}"), "pay", body).await.ok()["state"].as_str().unwrap().to_owned()
            }
        });
        let states = at_once(tracks).await;
        assert_eq!(states.iter().filter(|state| *state == "ALLOW").count(), 3, "{states:?}");
    }
}

/// An action is decided by the rule as it was, or as it is: never by half of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_during_track_is_all_or_nothing() {
    let world = Arc::new(with_amounts().await);
    world.ready("ada").await;
    let made =
        create(&world, "pay", json!({"name": "block", "priority": 0, "type": "BLOCK", "conditions": true})).await.ok();
    let path = format!("{ACTIONS}/pay/rules/{}", made["ruleId"].as_str().unwrap());
    let changes = {
        let world = world.clone();
        tokio::spawn(async move {
            for round in 0..40 {
                let (name, outcome) = if round % 2 == 0 { ("review", "REVIEW") } else { ("block", "BLOCK") };
                world.http.patch(&path, &world.management(), json!({"name": name, "type": outcome})).await.ok();
            }
        })
    };
    let tracks = (0..40).map(|n| {
        let world = world.clone();
        async move { world.track(&format!("u{n}"), "pay", json!({})).await.ok() }
    });
    for tracked in at_once(tracks).await {
        let name = if tracked["state"] == "BLOCK" { "block" } else { "review" };
        assert!(tracked["state"] == "BLOCK" || tracked["state"] == "REVIEW_REQUIRED", "{tracked}");
        assert_eq!(tracked["rules"][0]["name"], name, "{tracked}");
    }
    changes.await.unwrap();
}

/// The same key at once: one action, and it is counted once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_at_once_is_one_action() {
    let world = Arc::new(with_amounts().await);
    create(&world, "pay", json!({"name": "All", "priority": 0, "type": "BLOCK", "conditions": {">=": [{"var": "velocity.actions1h"}, 2]}})).await.ok();
    let tracks = (0..10).map(|_| {
        let world = world.clone();
        async move { world.track("ada", "pay", json!({"idempotencyKey": "k"})).await.ok()["state"].clone() }
    });
    let states = at_once(tracks).await;
    assert!(states.iter().all(|state| state == "ALLOW"), "{states:?}");
    let state = async |key: &str| world.track("ada", "pay", json!({"idempotencyKey": key})).await.ok()["state"].clone();
    assert_eq!([state("k2").await, state("k3").await], ["ALLOW", "BLOCK"], "the ten were one");
}
