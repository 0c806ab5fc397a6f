//! Mistakes of one condition, which show only where another write comes between what a request has read and what it
//! writes. Here one does: it is made in the store while the write is on its way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use countersign_local::embedded::{Embedded, TABLE};
use countersign_tests::{World, faults::Mutated};
use serde_json::{Value, json};

use super::{
    acts::Act,
    mutants::{ALWAYS, Done, ask_nothing, replace},
};

/// What is written meanwhile: the attribute, and what the item gets there.
type Meanwhile = (&'static str, fn(&Value) -> Value);

/// One promise, what another request does meanwhile, and the mistake that breaks the promise.
pub struct Case {
    pub name: &'static str,
    pub act: Act,
    /// How the sort key of the item begins that the other request writes, and that the mistake is about.
    at: &'static str,
    /// What the other request sets; nothing where the mistake shows by itself.
    meanwhile: Option<Meanwhile>,
    mistake: Wrong,
}

#[derive(Clone, Copy)]
pub(super) enum Wrong {
    /// This part of the condition is not asked.
    Unasked(&'static str),
    /// This part is asked by halves.
    Less(&'static str, &'static str),
    /// The item is written whatever stands there.
    Unconditional,
    /// The request is another.
    Other(fn(&Embedded, &mut Value) -> bool),
}

/// What a run of a case is to have of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Nothing comes between, and nothing is wrong.
    Undisturbed,
    /// Something comes between.
    Disturbed,
    /// Something comes between, and the mistake is made.
    Mistaken,
}

/// How a run went.
pub struct Went {
    pub is_granted: bool,
    /// How often something came between, and how often a request was changed.
    pub disturbed: usize,
    pub changed: usize,
}

/// The writes of a request, each as its own.
fn writes(request: &mut Value) -> Vec<&mut Value> {
    if request["TransactItems"].is_array() {
        let all = request["TransactItems"].as_array_mut().into_iter().flatten();
        return all.filter_map(|one| one.as_object_mut()?.values_mut().next()).collect();
    }
    vec![request]
}

fn key(write: &Value) -> Value {
    let of = if write["Item"].is_object() { &write["Item"] } else { &write["Key"] };
    json!({ "pk": of["pk"], "sk": of["sk"] })
}

fn is_at(write: &Value, at: &str) -> bool {
    key(write)["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(at))
}

/// Another request's write of an attribute of this item; of one that is to be made, the whole item.
fn disturb(store: &Embedded, write: &Value, (attribute, value): (&str, Value)) {
    let (operation, request) = if write["Item"].is_object() {
        let mut item = write["Item"].clone();
        item[attribute] = value;
        ("PutItem", json!({ "TableName": TABLE, "Item": item }))
    } else {
        let request = json!({
            "TableName": TABLE, "Key": key(write), "UpdateExpression": "SET #x = :x",
            "ExpressionAttributeNames": { "#x": attribute }, "ExpressionAttributeValues": { ":x": value },
        });
        ("UpdateItem", request)
    };
    let answer = store.answer(operation, request.to_string().as_bytes());
    assert!(answer.status().is_success(), "the other request: {:?}", answer.body());
}

impl Wrong {
    fn make(self, store: &Embedded, at: &str, request: &mut Value) -> bool {
        if let Self::Other(change) = self {
            return change(store, request);
        }
        let all = writes(request).into_iter().filter(|write| is_at(write, at));
        let done = all.map(|write| match self {
            Self::Unasked(part) => replace(write, "ConditionExpression", part, ALWAYS),
            Self::Less(from, to) => replace(write, "ConditionExpression", from, to),
            Self::Unconditional | Self::Other(_) => ask_nothing(write),
        });
        done.filter(|done| !matches!(done, Done::Nothing)).count() > 0
    }
}

impl Case {
    pub async fn run(&self, run: Run) -> Went {
        let world = World::start().await;
        let (disturbed, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let is_first = Arc::new(AtomicBool::new(true));
        let (at, wrong, meanwhile, store) = (self.at, self.mistake, self.meanwhile, world.embedded.clone());
        let counts = (disturbed.clone(), changed.clone());
        let mutant = move |operation: &str, mut request: Value| {
            let is_one = operation == "TransactWriteItems" || operation == "UpdateItem" && is_at(&request, "CHALLENGE");
            if !is_one || run == Run::Undisturbed {
                return Mutated::Send(request);
            }
            let target = writes(&mut request).into_iter().find(|write| is_at(write, at)).map(|write| write.clone());
            if let Some(((attribute, value), write)) = meanwhile.zip(target)
                && is_first.swap(false, Ordering::SeqCst)
            {
                disturb(&store, &write, (attribute, value(&write["Item"])));
                counts.0.fetch_add(1, Ordering::SeqCst);
            }
            if run == Run::Mistaken && wrong.make(&store, at, &mut request) {
                counts.1.fetch_add(1, Ordering::SeqCst);
            }
            Mutated::Send(request)
        };
        let is_granted = self.act.ask(&world, || world.faults.mutate(Arc::new(mutant))).await;
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        Went { is_granted, disturbed: count(&disturbed), changed: count(&changed) }
    }

    /// Whether something is to come between.
    pub fn is_disturbed(&self) -> bool {
        self.meanwhile.is_some()
    }

    pub(super) const fn new(
        name: &'static str,
        (act, at): (Act, &'static str),
        meanwhile: Meanwhile,
        mistake: Wrong,
    ) -> Self {
        Self { name, act, at, meanwhile: Some(meanwhile), mistake }
    }
}

const ANOTHER: fn(&Value) -> Value = |_| json!({ "S": "another" });
const ERA: (&str, fn(&Value) -> Value) = ("uid", |_| json!({ "S": "0123456789abcdef0123456789abcdef" }));
const OVER: (&str, fn(&Value) -> Value) = ("exp", |_| json!({ "N": "1" }));
const NO_METHOD: (&str, fn(&Value) -> Value) = ("am", |_| json!({ "SS": ["NONE"] }));
const BLOCKED: (&str, fn(&Value) -> Value) = ("st", |_| json!({ "S": "BLOCK" }));
const SUCCEEDED: (&str, fn(&Value) -> Value) = ("st", |_| json!({ "S": "CHALLENGE_SUCCEEDED" }));
const REJECTED: (&str, fn(&Value) -> Value) = ("st", |_| json!({ "S": "REJECTED" }));
const NO_DEVICE: (&str, fn(&Value) -> Value) = ("att", |_| json!({ "M": {} }));
const NO_APP: (&str, fn(&Value) -> Value) = ("totp", |_| json!({ "M": {} }));
const OTHER_CODES: (&str, fn(&Value) -> Value) = ("codes", |_| json!({ "SS": ["another"] }));
const OF_ANOTHER: (&str, fn(&Value) -> Value) = ("act", ANOTHER);
const QUIET: (&str, fn(&Value) -> Value) = ("pq", |_| json!({ "N": "9999999999" }));
const CLAIMED: (&str, fn(&Value) -> Value) = ("cl", ANOTHER);
const OTHER_ACTION: (&str, fn(&Value) -> Value) = ("id", ANOTHER);
const OTHER_ENROLMENT: (&str, fn(&Value) -> Value) = ("en", ANOTHER);

const OF_USER: Wrong = Wrong::Less("uid = :uid AND ", "attribute_exists(pk) AND ");

/// The conditions of the action, whatever succeeds it.
fn of_actions() -> Vec<Case> {
    let acts = [
        (
            Act::Approve,
            ["approved: of other methods", "approved: over", "approved: ended", "approved: another", "approved: era"],
        ),
        (
            Act::Recover,
            [
                "recovered: of other methods",
                "recovered: over",
                "recovered: ended",
                "recovered: another",
                "recovered: era",
            ],
        ),
        (Act::Type, ["typed: of other methods", "typed: over", "typed: ended", "typed: another", "typed: era"]),
    ];
    let of = |(act, [methods, over, ended, another, era]): (Act, [&'static str; 5])| {
        let place = (act, "ACTION#");
        [
            Case::new(methods, place, NO_METHOD, Wrong::Unasked("contains(am, :method)")),
            Case::new(over, place, OVER, Wrong::Unasked("#exp > :at")),
            Case::new(ended, place, BLOCKED, Wrong::Unasked("st IN (:s0)")),
            Case::new(another, place, OTHER_ACTION, Wrong::Less("id = :id AND uid", "uid")),
            Case::new(era, place, ERA, OF_USER),
        ]
    };
    acts.into_iter().flat_map(of).collect()
}

pub fn all() -> Vec<Case> {
    let mut all = of_actions();
    all.extend(of_challenges());
    all.extend(super::tenants::all());
    all.extend([
        Case::new(
            "a code is used twice",
            (Act::Recover, "RECOVERY"),
            OTHER_CODES,
            Wrong::Less(" AND (contains(codes, :hash) OR contains(ocodes, :hash) AND ountil > :now)", ""),
        ),
        Case::new("codes of another era let in", (Act::Recover, "RECOVERY"), ERA, OF_USER),
        Case::new("codes outlive the era of their user", (Act::Recover, "USER"), ERA, OF_USER),
        Case::new(
            "codes outlive the last authenticator",
            (Act::Recover, "USER"),
            NO_APP,
            Wrong::Less("size(totp) > :none OR size(att) > :none", ALWAYS),
        ),
        Case::new("an app types in another era", (Act::Type, "USER"), ERA, OF_USER),
        Case::new(
            "first codes are shown to who did not enrol",
            (Act::FirstCodes, "ACTION#"),
            OTHER_ENROLMENT,
            Wrong::Less("en = :enrolled AND ", ""),
        ),
        Case::new("first codes are put over others", (Act::FirstCodes, "RECOVERY"), OF_ANOTHER, Wrong::Unconditional),
        Case::new(
            "first codes for an action that is over",
            (Act::FirstCodes, "ACTION#"),
            OVER,
            Wrong::Unasked("#exp > :now"),
        ),
        Case::new("first codes without the device", (Act::FirstCodes, "USER"), NO_DEVICE, Wrong::Unconditional),
        Case::new(
            "the notice is written without its change",
            (Act::RecoverAndTell, "RECOVERY"),
            OTHER_CODES,
            Wrong::Other(notice_alone),
        ),
        Case {
            name: "the last removal begins no era",
            act: Act::RemoveLast,
            at: "USER",
            meanwhile: None,
            mistake: Wrong::Other(same_era),
        },
        Case {
            name: "what a removed device succeeded stays",
            act: Act::RemoveOne,
            at: "USER",
            meanwhile: None,
            mistake: Wrong::Other(not_revoked),
        },
    ]);
    all
}

fn of_challenges() -> Vec<Case> {
    let challenge = |act: Act| (act, "CHALLENGE");
    vec![
        Case::new(
            "what was denied is approved",
            challenge(Act::Approve),
            REJECTED,
            Wrong::Less("st = :pending AND ", ""),
        ),
        Case::new("what is over is approved", challenge(Act::Approve), OVER, Wrong::Unasked("#exp > :at")),
        Case::new(
            "what is of another era is approved",
            challenge(Act::Approve),
            ERA,
            Wrong::Less("attribute_not_exists(uid) OR uid = :uid", ALWAYS),
        ),
        Case::new(
            "a device that is gone approves",
            (Act::Approve, "USER"),
            NO_DEVICE,
            Wrong::Unasked("attribute_exists(att.#device)"),
        ),
        Case::new("a device of another era approves", (Act::Approve, "USER"), ERA, OF_USER),
        Case::new(
            "what was approved is denied",
            challenge(Act::Deny),
            ("st", |_| json!({ "S": "VERIFIED" })),
            Wrong::Less("st = :pending AND ", ""),
        ),
        Case::new(
            "a device that is gone denies",
            (Act::Deny, "USER"),
            NO_DEVICE,
            Wrong::Unasked("attribute_exists(att.#device)"),
        ),
        Case::new(
            "a report fails what has succeeded",
            (Act::Report, "ACTION#"),
            SUCCEEDED,
            Wrong::Less(" AND st = :open", ""),
        ),
        Case::new(
            "the quiet is ignored",
            (Act::Push, "USER"),
            QUIET,
            Wrong::Unasked("attribute_not_exists(pq) OR pq <= :now"),
        ),
        Case::new("a push asks of what has ended", (Act::Push, "ACTION#"), BLOCKED, Wrong::Less(" AND st = :open", "")),
        Case::new("a push asks in another era", (Act::Push, "USER"), ERA, OF_USER),
        Case::new(
            "two devices claim",
            challenge(Act::Claim),
            CLAIMED,
            Wrong::Less(" AND attribute_not_exists(cl)", ""),
        ),
        Case::new("what is over is claimed", challenge(Act::Claim), OVER, Wrong::Unasked("#exp > :now")),
        Case::new(
            "what was decided is claimed",
            challenge(Act::Claim),
            REJECTED,
            Wrong::Less("st = :pending AND ", ""),
        ),
        Case::new("who did not claim approves", challenge(Act::Scan), CLAIMED, Wrong::Unasked("cl = :by")),
        Case::new("a scanned action is put over another", (Act::Scan, "ACTION#"), BLOCKED, Wrong::Unconditional),
        Case::new(
            "a scanner that is gone approves",
            (Act::Scan, "USER"),
            NO_DEVICE,
            Wrong::Unasked("attribute_exists(att.#device)"),
        ),
        Case::new("an app's own action is put over another", (Act::InApp, "ACTION#"), BLOCKED, Wrong::Unconditional),
        Case::new(
            "an app signs in twice by one challenge",
            challenge(Act::InApp),
            REJECTED,
            Wrong::Less("st = :pending AND ", ""),
        ),
        Case::new(
            "an app that is gone signs in",
            (Act::InApp, "USER"),
            NO_DEVICE,
            Wrong::Unasked("attribute_exists(att.#device)"),
        ),
        Case::new("a key is enrolled twice", (Act::Pair, "CREDENTIAL#"), ("us", ANOTHER), Wrong::Unconditional),
        Case::new("a device is enrolled by an action of before", (Act::Pair, "ACTION#"), ERA, Wrong::Unconditional),
        Case::new("a device is enrolled in another era", (Act::Pair, "USER"), ERA, OF_USER),
    ]
}

/// The notice goes ahead of the change that it tells of.
fn notice_alone(store: &Embedded, request: &mut Value) -> bool {
    let notice = writes(request).into_iter().find(|write| write["Item"].is_object() && is_at(write, "CHALLENGE"));
    let Some(notice) = notice else { return false };
    let put = json!({ "TableName": TABLE, "Item": notice["Item"] });
    store.answer("PutItem", put.to_string().as_bytes()).status().is_success()
}

/// The user's half of a removal.
fn removal(request: &mut Value) -> Option<&mut Value> {
    let is_it = |write: &&mut Value| write["UpdateExpression"].as_str().is_some_and(|set| set.contains("uid = :next"));
    writes(request).into_iter().find(is_it)
}

fn same_era(_: &Embedded, request: &mut Value) -> bool {
    let Some(write) = removal(request) else { return false };
    write["ExpressionAttributeValues"][":next"] = write["ExpressionAttributeValues"][":uid"].clone();
    true
}

fn not_revoked(_: &Embedded, request: &mut Value) -> bool {
    let Some(write) = removal(request) else { return false };
    let condition = "attribute_not_exists(rv) OR rv = :before";
    matches!(replace(write, "UpdateExpression", ", rv = :revoked", ""), Done::Changed)
        && matches!(replace(write, "ConditionExpression", condition, ALWAYS), Done::Changed)
}
