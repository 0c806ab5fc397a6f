//! Methods that are named or switched off, and two factors for everybody: two requests at once never leave an action
//! that nobody can answer. Each is checked against the other's outcome, because all of them move one version.

use std::sync::{Arc, Mutex};

use countersign_tests::{World, faults::Mutated, http::Answer};
use serde_json::json;
use tokio::{runtime::Handle, task::block_in_place};

use super::{enforce, text};

const METHODS: &str = "/v1/management/authenticator-configurations";
const ACTIONS: &str = "/v1/management/action-configurations";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    /// An action is changed to be answered by this method alone.
    ChangeAction(&'static str),
    MakeAction(&'static str),
    MakeRule(&'static str),
    /// A rule, by its path.
    ChangeRule(String, &'static str),
    /// The app is switched off.
    Off,
    Enforce,
}

impl Act {
    async fn ask(&self, world: &World) -> Answer {
        let (http, auth) = (&world.http, world.management());
        match self {
            Self::ChangeAction(method) => {
                http.patch(&format!("{ACTIONS}/pay"), &auth, json!({"verificationMethods": [method]})).await
            }
            Self::MakeAction(method) => {
                http.post(ACTIONS, &auth, json!({"actionCode": "new", "verificationMethods": [method]})).await
            }
            Self::MakeRule(method) => {
                let body = json!({"name": "New", "priority": 0, "type": "CHALLENGE", "conditions": true, "verificationMethods": [method]});
                http.post(&format!("{ACTIONS}/pay/rules"), &auth, body).await
            }
            Self::ChangeRule(path, method) => http.patch(path, &auth, json!({"verificationMethods": [method]})).await,
            Self::Off => http.patch(&format!("{METHODS}/AUTHENTICATOR_APP"), &auth, json!({"isActive": false})).await,
            Self::Enforce => enforce(world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await,
        }
    }
}

/// The ways to have something answered by one method alone.
fn naming(rule: &str, method: &'static str) -> [Act; 4] {
    [
        Act::ChangeAction(method),
        Act::MakeAction(method),
        Act::MakeRule(method),
        Act::ChangeRule(rule.to_owned(), method),
    ]
}

/// A tenant with the action `pay` and a rule; and the rule's path.
async fn with_rule() -> (World, String) {
    let world = World::start().await;
    world.http.post(ACTIONS, &world.management(), json!({"actionCode": "pay"})).await.ok();
    let rules = format!("{ACTIONS}/pay/rules");
    let body = json!({"name": "Old", "priority": 9, "type": "CHALLENGE", "conditions": true});
    let made = world.http.post(&rules, &world.management(), body).await.ok();
    (world, format!("{rules}/{}", text(&made, "ruleId")))
}

/// What the two are told, where the second is carried out whole while the first is about to write.
async fn one_in_the_other(world: &World, first: &Act, second: &Act) -> (Answer, Answer) {
    let (other, between) = (world.another_process().await, second.clone());
    let said: Arc<Mutex<Option<Answer>>> = Arc::default();
    let slot = said.clone();
    world.faults.mutate(Arc::new(move |operation, request| {
        let is_write = matches!(operation, "PutItem" | "TransactWriteItems");
        if is_write && slot.lock().unwrap().is_none() {
            let answer = block_in_place(|| Handle::current().block_on(between.ask(&other)));
            *slot.lock().unwrap() = Some(answer);
        }
        Mutated::Send(request)
    }));
    let answered = first.ask(world).await;
    let second = said.lock().unwrap().take().expect("the first one wrote");
    (answered, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_lock_everybody_out_together_the_later_is_refused() {
    let mut failed = Vec::new();
    for way in 0..4 {
        for (method, against) in [("AUTHENTICATOR_APP", Act::Off), ("SMS", Act::Enforce)] {
            for is_first in [true, false] {
                let (world, rule) = with_rule().await;
                if against == Act::Off {
                    Act::Enforce.ask(&world).await.ok();
                }
                let naming = naming(&rule, method)[way].clone();
                let (first, second) = if is_first { (naming, against.clone()) } else { (against.clone(), naming) };
                let (refused, done) = one_in_the_other(&world, &first, &second).await;
                if (refused.status.as_u16(), done.status.as_u16()) != (409, 200) {
                    failed.push(format!("{first:?} {}, {second:?} {}", refused.status, done.status));
                }
            }
        }
    }
    for (first, second) in [(Act::Off, Act::Enforce), (Act::Enforce, Act::Off)] {
        let (world, _) = with_rule().await;
        Act::ChangeAction("AUTHENTICATOR_APP").ask(&world).await.ok();
        let (refused, done) = one_in_the_other(&world, &first, &second).await;
        if (refused.status.as_u16(), done.status.as_u16()) != (409, 200) {
            failed.push(format!("{first:?} {}, {second:?} {}", refused.status, done.status));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// What has nothing to do with each other goes on, both of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_leave_something_to_set_up_both_are_done() {
    for way in 0..4 {
        for second in [Act::Off, Act::Enforce] {
            let (world, rule) = with_rule().await;
            let first = naming(&rule, "PUSH")[way].clone();
            let (one, other) = one_in_the_other(&world, &first, &second).await;
            one.ok();
            other.ok();
        }
    }
}
