//! T29: every operation, every call it makes of the store, every way in which that call can fail (I1 to I9).

mod devices;
mod look;
mod operations;
mod required;
mod rules;

use std::collections::BTreeSet;

use countersign_local::embedded::{Embedded, TABLE};
use countersign_tests::{
    World,
    faults::{Fault, is_read},
    http::Answer,
};
use operations::{Operation, Prepared, email, prepare};
use serde_json::{Value, json};

/// How a sweep lets calls fail, and what must come of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sweep {
    /// How often the SDK sends a call.
    attempts: u32,
    /// How many calls fail in a row.
    times: usize,
    /// Configuration has to be read again.
    is_cold: bool,
}

impl Sweep {
    /// One failure is the SDK's to hide.
    fn hides(self) -> bool {
        self.times < usize::try_from(self.attempts).expect("few")
    }
}

#[tokio::test]
async fn a_single_failure_is_hidden_by_the_sdk() {
    sweep(Sweep { attempts: 3, times: 1, is_cold: false }).await;
}

#[tokio::test]
async fn a_single_failure_that_reaches_the_handler_decides_nothing() {
    sweep(Sweep { attempts: 1, times: 1, is_cold: false }).await;
}

#[tokio::test]
async fn a_store_that_stays_away_is_503_and_harms_nothing() {
    sweep(Sweep { attempts: 1, times: usize::MAX, is_cold: false }).await;
}

#[tokio::test]
async fn nobody_is_let_in_while_keys_and_configuration_cannot_be_read() {
    sweep(Sweep { attempts: 1, times: usize::MAX, is_cold: true }).await;
}

async fn sweep(sweep: Sweep) {
    let world = World::start_with(Embedded::memory().expect("a store in memory"), sweep.attempts).await;
    // Kinds of action are made on first sight, which is swept with the management API.
    world.token("first", "signIn").await;
    world.token("first", "enrol").await;
    let mut wrong: Vec<String> = Vec::new();
    let mut cases = 0;
    for &operation in Operation::ALL {
        let calls = calls_of(&world, operation, sweep).await;
        // The catalog is part of the program: once the key is known, nobody is asked for it.
        let asks_nobody = operation == Operation::GetCatalog && !sweep.is_cold;
        assert_eq!(calls.is_empty(), asks_nobody, "{operation:?} asks the store for {calls:?}");
        for (call, name) in calls.iter().enumerate() {
            for fault in Fault::ALL {
                // A read holds no item: nothing conflicts with it.
                if fault == Fault::Conflict && is_read(name) {
                    continue;
                }
                cases += 1;
                let context = format!("{operation:?}, call {call} ({name}), {fault:?}");
                let case = prepared(&world, operation, format!("user{cases}"), sweep).await;
                let case = Case { world: &world, ready: case, sweep, call, fault };
                if let Err(what) = case.run().await {
                    wrong.push(format!("{context}: {what}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 100, "only {cases} cases");
}

async fn prepared(world: &World, operation: Operation, user: String, sweep: Sweep) -> Prepared {
    let ready = prepare(world, operation, user).await;
    if sweep.is_cold {
        world.clock.advance(countersign_core::app::CACHE_SECONDS);
    }
    ready
}

/// The calls that the operation makes when nothing fails.
async fn calls_of(world: &World, operation: Operation, sweep: Sweep) -> Vec<String> {
    let ready = prepared(world, operation, format!("dry{operation:?}"), sweep).await;
    world.faults.clear();
    let answer = ready.send(world).await;
    let calls = world.faults.calls();
    ready.check(&answer, &format!("{operation:?} without a fault"));
    calls
}

/// One operation, one call of the store, one fault.
struct Case<'a> {
    world: &'a World,
    ready: Prepared,
    sweep: Sweep,
    call: usize,
    fault: Fault,
}

/// Collected rather than thrown, so that one report names every case.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn said(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.text().chars().take(200).collect::<String>())
}

impl Case<'_> {
    async fn run(&self) -> Result<(), String> {
        let (world, ready) = (self.world, &self.ready);
        world.faults.fail(self.call, self.sweep.times, self.fault);
        let first = ready.send(world).await;
        world.faults.clear();
        // A deletion that the SDK repeats finds nothing left: what was wanted has happened.
        let deletes = matches!(
            self.ready.operation,
            Operation::DeleteConfiguration | Operation::DeletePoint | Operation::DeleteRule | Operation::DeleteList
        );
        let is_done = deletes && first.status == 404;
        if is_done && matches!(self.fault, Fault::DropAfter | Fault::ErrorAfter) {
            ensure(self.is_visible().await, || "said to be gone, and there".into())?;
        } else if first.status.is_success() {
            // An answer under a fault is still the right answer, and what it says is in the store.
            self.right(&first)?;
            ensure(self.is_visible().await, || "acknowledged, and not there".into())?;
        } else {
            ensure(!self.sweep.hides() && self.fault != Fault::Delay, || format!("not hidden: {}", said(&first)))?;
            ensure(first.status == 503, || format!("neither right nor 503: {}", said(&first)))?;
            ensure(first.headers.contains_key("retry-after"), || "503 without Retry-After".into())?;
            if !ready.operation.is_page() {
                ensure(first.refusal().1 == "service_unavailable", || said(&first))?;
            }
        }
        if self.sweep.hides() && ready.operation == Operation::VerifyWrong {
            let taken = self.user_item()["g"]["M"].as_object().map_or(0, serde_json::Map::len);
            ensure(taken == 1, || format!("one guess took {taken} slots"))?;
        }
        self.again(first.status.is_success()).await?;
        self.consistent().await
    }

    /// I9: healed, and asked again, it succeeds.
    async fn again(&self, was_acknowledged: bool) -> Result<(), String> {
        let again = self.ready.send(self.world).await;
        let may_be_done = was_acknowledged || matches!(self.fault, Fault::DropAfter | Fault::ErrorAfter);
        let done_already = match self.ready.operation {
            Operation::DeleteAuthenticator | Operation::DeleteConfiguration | Operation::DeletePoint => {
                again.status == 404
            }
            Operation::DeleteRule | Operation::DeleteList => again.status == 404,
            Operation::CreateConfiguration | Operation::CreatePoint | Operation::CreateList => again.status == 409,
            Operation::CreateRule => again.status == 400,
            _ => false,
        };
        if !(done_already && may_be_done) {
            self.right(&again).map_err(|what| format!("healed and repeated: {what}"))?;
        }
        ensure(self.is_visible().await, || "repeated, and not there".into())
    }

    fn right(&self, answer: &Answer) -> Result<(), String> {
        let checked = std::panic::AssertUnwindSafe(|| self.ready.check(answer, "wrong"));
        std::panic::catch_unwind(checked).map_err(|_| format!("a wrong answer: {}", said(answer)))
    }

    async fn get(&self, path: &str) -> Answer {
        let key = if path.contains("management") { self.world.management() } else { self.world.key() };
        self.world.http.get(path, &key).await
    }

    /// I7: what was acknowledged is what everybody reads.
    async fn is_visible(&self) -> bool {
        use Operation::*;
        let user = &self.ready.user;
        let configuration = format!("/v1/management/action-configurations/{user}");
        let authenticators = format!("/v1/users/{user}/authenticators");
        let list = format!("/v1/management/value-lists/{}", user.to_lowercase());
        let have = async || self.get(&authenticators).await.ok().as_array().expect("a list").len();
        match self.ready.operation {
            TrackNewUser | TrackKnownUser | TrackWithContacts => {
                self.get(&format!("/v1/users/{user}/actions/signIn/new")).await.status == 200
            }
            Confirm => self.world.state(&self.ready.token).await == "CHALLENGE_SUCCEEDED" && have().await == 1,
            VerifyRight | AnswerOnPage => self.world.state(&self.ready.token).await == "CHALLENGE_SUCCEEDED",
            VerifyWrong | VerifyExhausted => self.world.state(&self.ready.token).await == "CHALLENGE_REQUIRED",
            PatchUser | PostUser => self.get(&format!("/v1/users/{user}")).await.ok()["displayName"] == "Ada",
            DeleteUser => have().await == 0 && self.get(&format!("/v1/users/{user}")).await.ok()["isEnrolled"] == false,
            EnrollVerifiedApp => have().await == 1,
            EnrollVerifiedEmail => have().await == 2,
            DeleteAuthenticator => have().await == 0,
            PatchAction => {
                let action = self.get(&format!("/v1/users/{user}/actions/signIn/k")).await.ok();
                action["state"] == "CHALLENGE_FAILED"
            }
            CreateConfiguration => self.get(&configuration).await.status == 200,
            PatchConfiguration => self.get(&configuration).await.ok()["defaultUserActionResult"] == "BLOCK",
            DeleteConfiguration => self.get(&configuration).await.status == 404,
            ApprovePush | ApproveWithNumber => self.world.state(&self.ready.token).await == "CHALLENGE_SUCCEEDED",
            DenyPush => self.world.state(&self.ready.token).await == "CHALLENGE_REQUIRED",
            ReportPush => self.world.state(&self.ready.token).await == "CHALLENGE_FAILED",
            EnrollDevice | EnrollScanner | EnrollAppKey => have().await == 2,
            RemoveDevice | RemoveScanner | RemoveAppKey => have().await == 1,
            DeletePoint => {
                self.get(&format!("/v1/management/custom-data-points/{}", self.ready.id)).await.status == 404
            }
            Enforce => self.get("/v1/management/two-factor-enforcement").await.ok()["isOn"] == true,
            PatchRequired => self.get("/v1/management/required-actions").await.ok()[0]["enabled"] == true,
            AssignRequired => self.get(&format!("/v1/users/{user}")).await.ok()["requiredActions"][0] == required::ID,
            UnassignRequired => self.get(&format!("/v1/users/{user}")).await.ok().get("requiredActions").is_none(),
            CreateRule => self.get(&format!("{configuration}/rules")).await.ok()[0]["name"] == **user,
            PatchRule => self.get(&format!("{configuration}/rules/{}", self.ready.id)).await.ok()["priority"] == 5,
            DeleteRule => self.get(&format!("{configuration}/rules/{}", self.ready.id)).await.status == 404,
            CreateList | PatchList => self.get(&list).await.status == 200,
            DeleteList => self.get(&list).await.status == 404,
            TrackWithRules => self.get(&format!("/v1/users/{user}/actions/ruled/new")).await.status == 200,
            VerifyWithRules => {
                let devices = self.get(&format!("/v1/users/{user}/devices")).await.ok();
                self.world.state(&self.ready.token).await == "CHALLENGE_SUCCEEDED"
                    && devices[0]["authenticatedAt"].is_string()
            }
            PatchTheme => self.get("/v1/management/theme").await.ok()["name"] == *user,
            PatchTenant => self.get("/v1/management/tenant").await.ok()["name"] == format!("Name of {user}"),
            _ => true,
        }
    }

    fn items(&self, pk: &str) -> Vec<Value> {
        let query = json!({
            "TableName": TABLE, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": pk } },
        });
        let answer = self.world.embedded.answer("Query", query.to_string().as_bytes());
        let answer: Value = serde_json::from_slice(answer.body().bytes().expect("bytes")).expect("JSON");
        answer["Items"].as_array().expect("items").clone()
    }

    fn of_user(&self) -> Vec<Value> {
        self.items(&format!("T#{}#U#{}", self.world.tenant.tenant_id, self.ready.user))
    }

    fn user_item(&self) -> Value {
        self.of_user().into_iter().find(|item| item["sk"]["S"] == "USER").unwrap_or_default()
    }

    /// The items of the user agree with each other, and no code is worth anything a second time.
    async fn consistent(&self) -> Result<(), String> {
        let (user, items) = (self.user_item(), self.of_user());
        let names =
            |map: &Value| map["M"].as_object().into_iter().flatten().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        let enrolled: BTreeSet<String> = names(&user["totp"]).into_iter().chain(names(&user["att"])).collect();
        let described = items.iter().filter_map(|item| item["sk"]["S"].as_str()?.strip_prefix("AUTH#"));
        let described: BTreeSet<String> = described.map(str::to_owned).collect();
        ensure(enrolled == described, || format!("half an enrolment: {enrolled:?} and {described:?}"))?;
        match self.ready.operation {
            Operation::DeleteUser => {
                let mut left = items;
                let tenant = &self.world.tenant.tenant_id;
                left.extend(self.items(&format!("T#{tenant}#EMAIL#{}", email(&self.ready.user))));
                ensure(left.is_empty(), || format!("a deleted user left {}", json!(left)))
            }
            Operation::Confirm | Operation::VerifyRight | Operation::AnswerOnPage | Operation::VerifyWithRules => {
                let token = self.world.token(&self.ready.user, "signIn").await;
                // The code of the accepted step, and the one before it.
                for steps in [0, -1] {
                    let code = self.world.code(&self.ready.secret, steps - i64::from(self.sweep.is_cold));
                    let replayed = self.world.verify(&token, &code).await.ok();
                    ensure(replayed["isVerified"] == false, || format!("accepted twice: {replayed}"))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The sweep leaves no route out.
#[test]
fn every_route_is_swept() {
    let described: Value = serde_json::from_str(&countersign_local::openapi().expect("a description")).expect("JSON");
    let routes: BTreeSet<(String, String)> = described["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").iter();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        // Pages are no calls, and what is deprecated is another spelling of the same call.
        .filter(|(_, path, operation)| path.starts_with("/v1/") && operation["deprecated"] != true)
        .map(|(method, path, _)| (method, path))
        .collect();
    let swept: BTreeSet<(String, String)> =
        Operation::ALL.iter().map(|o| o.route()).map(|(method, path)| (method.into(), path.into())).collect();
    let missing: Vec<_> = routes.difference(&swept).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The budget of design.md: what each operation costs, warm.
#[tokio::test]
async fn round_trips_are_as_few_as_promised() {
    let world = World::start().await;
    // Kinds of action are made on first sight, which is no part of the budget.
    world.token("first", "signIn").await;
    world.token("first", "enrol").await;
    for (operation, promised) in [
        (Operation::TrackNewUser, 2),
        (Operation::TrackKnownUser, 2),
        (Operation::TrackWithContacts, 2),
        (Operation::TrackAgain, 2),
        (Operation::Enroll, 2),
        (Operation::Confirm, 2),
        (Operation::VerifyRight, 2),
        (Operation::VerifyWrong, 1),
        (Operation::VerifyExhausted, 1),
        (Operation::Validate, 1),
        (Operation::AskByPush, 2),
        (Operation::PollPush, 1),
        (Operation::ApprovePush, 2),
        (Operation::ApproveWithNumber, 3),
        (Operation::DenyPush, 2),
        // Rules, what they remember and the device are read and written with the rest.
        (Operation::TrackWithRules, 2),
        (Operation::VerifyWithRules, 2),
    ] {
        let ready = prepare(&world, operation, format!("{operation:?}")).await;
        world.faults.clear();
        let answer = ready.send(&world).await;
        let calls = world.faults.calls();
        ready.check(&answer, &format!("{operation:?}"));
        assert_eq!(calls.len(), promised, "{operation:?}: {calls:?}");
    }
}

/// A replica that lags is never asked for what decides something.
#[tokio::test]
async fn no_read_is_stale() {
    for lag in [1, 5, 50] {
        let world = World::start().await;
        world.faults.lag_behind(lag);
        for &operation in Operation::ALL {
            let ready = prepare(&world, operation, format!("{operation:?}")).await;
            let answer = ready.send(&world).await;
            ready.check(&answer, &format!("{operation:?}, {lag} writes behind"));
        }
        assert!(world.faults.calls().iter().any(|call| is_read(call)));
        assert_eq!(world.faults.inconsistent_reads(), 0);
    }
}
