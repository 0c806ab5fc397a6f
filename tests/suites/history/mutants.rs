//! Mistakes that a store could have, as changes of its requests on their way. Each must be found by its history.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use countersign_local::embedded::{Embedded, TABLE};
use countersign_tests::faults::{Mutant, Mutated};
use serde_json::{Value, json};

use super::check::Invariant::{self, I1, I2, I3, I7, I8, I9};

/// A mistake, and the invariants of which at least one has to give it away.
pub struct Mistake {
    pub name: &'static str,
    pub breaks: &'static [Invariant],
    /// Reads that do not ask for consistency are so many writes behind.
    pub lag: Option<usize>,
    change: Change,
}

/// Changes a request in place and says whether it did; or answers in its stead.
type Change = fn(&Embedded, &str, &mut Value) -> Done;

pub enum Done {
    Nothing,
    Changed,
    Answered(Value),
}

/// A condition that always holds, even of an item that is not there.
pub const ALWAYS: &str = "attribute_not_exists(nothing)";

impl Mistake {
    const fn new(name: &'static str, breaks: &'static [Invariant], change: Change) -> Self {
        Self { name, breaks, lag: None, change }
    }

    /// The mutant, and how often it had something to change.
    pub fn mutant(&self, embedded: Embedded) -> (Mutant, Arc<AtomicUsize>) {
        let changes = Arc::new(AtomicUsize::new(0));
        let (count, change) = (changes.clone(), self.change);
        let mutant = move |operation: &str, mut request: Value| {
            let done = change(&embedded, operation, &mut request);
            if !matches!(done, Done::Nothing) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            match done {
                Done::Answered(answer) => Mutated::Pretend(answer),
                Done::Nothing | Done::Changed => Mutated::Send(request),
            }
        };
        (Arc::new(mutant), changes)
    }
}

/// Replaces a part of an expression of one write; names and values that nothing uses any more go with it.
pub fn replace(write: &mut Value, expression: &str, from: &str, to: &str) -> Done {
    let Some(text) = write[expression].as_str().filter(|text| text.contains(from)) else { return Done::Nothing };
    write[expression] = text.replacen(from, to, 1).into();
    prune(write);
    Done::Changed
}

/// Makes the whole condition of one write true.
pub fn ask_nothing(write: &mut Value) -> Done {
    write["ConditionExpression"] = ALWAYS.into();
    prune(write);
    Done::Changed
}

/// DynamoDB refuses names and values that no expression uses.
fn prune(write: &mut Value) {
    let text = format!("{} {}", write["UpdateExpression"], write["ConditionExpression"]);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '#' | ':' | '_');
    let words: Vec<&str> = text.split(|c| !is_part(c)).collect();
    for list in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let Some(map) = write[list].as_object_mut() else { continue };
        map.retain(|name, _| words.contains(&name.as_str()));
        if map.is_empty() {
            write.as_object_mut().expect("a write").remove(list);
        }
    }
}

fn updates(write: &Value, how: &str) -> bool {
    write["UpdateExpression"].as_str().is_some_and(|update| update.contains(how))
}

/// The update that takes a slot of the guess budget.
fn reserve<'a>(operation: &str, request: &'a mut Value) -> Option<&'a mut Value> {
    (operation == "UpdateItem" && updates(request, "g.#a = :now")).then_some(request)
}

/// The update that takes a slot of another space.
fn reserve_in<'a>(slots: &str, operation: &str, request: &'a mut Value) -> Option<&'a mut Value> {
    (operation == "UpdateItem" && updates(request, &format!("{slots}.#a = :now"))).then_some(request)
}

/// The writes of a transaction whose first update does this.
fn writes<'a>(operation: &str, request: &'a mut Value, how: &str) -> Option<&'a mut Vec<Value>> {
    let all = request["TransactItems"].as_array_mut()?;
    (operation == "TransactWriteItems" && updates(&all[0]["Update"], how)).then_some(all)
}

/// The transaction that accepts a code: of the user, and of the action.
fn settle<'a>(operation: &str, request: &'a mut Value) -> Option<&'a mut Vec<Value>> {
    writes(operation, request, "totp.#i.s = :step")
}

/// The transaction that completes an enrolment: of the user, of the action, and the description.
fn complete<'a>(operation: &str, request: &'a mut Value) -> Option<&'a mut Vec<Value>> {
    writes(operation, request, "totp.#i = :totp")
}

/// Applies only these writes of a transaction.
fn keep(writes: &mut Vec<Value>, kept: &[usize]) -> Done {
    *writes = kept.iter().map(|index| writes[*index].clone()).collect();
    Done::Changed
}

/// The reserve as if it had been carried out: the user as it is.
fn pretend_reserve(embedded: &Embedded, request: &Value) -> Done {
    let get = json!({ "TableName": TABLE, "Key": request["Key"] });
    let answer = embedded.answer("GetItem", get.to_string().as_bytes());
    let answer: Value = serde_json::from_slice(answer.body().bytes().unwrap_or_default()).unwrap_or_default();
    // A first enrolment really pays, so that there is a user to guess at.
    let is_enrolled = answer["Item"]["totp"]["M"].as_object().is_some_and(|totp| !totp.is_empty());
    if is_enrolled { Done::Answered(json!({ "Attributes": answer["Item"] })) } else { Done::Nothing }
}

/// What a change answers where it has found its request.
fn on<T>(found: Option<T>, change: impl FnOnce(T) -> Done) -> Done {
    found.map_or(Done::Nothing, change)
}

const LIMIT: &str = "size(g) < :limit OR attribute_exists(g.#a)";

pub fn all() -> Vec<Mistake> {
    vec![
        Mistake::new("the reserve has no limit", &[I3], |_, op, request| {
            on(reserve(op, request), |w| replace(w, "ConditionExpression", LIMIT, ALWAYS))
        }),
        Mistake::new("the reserve is not written", &[I3], |store, op, request| {
            on(reserve(op, request), |w| pretend_reserve(store, w))
        }),
        Mistake::new("guesses are counted for each attempt alone", &[I3], |_, op, request| {
            on(reserve(op, request), |w| replace(w, "ConditionExpression", LIMIT, "attribute_not_exists(g.#a)"))
        }),
        Mistake::new("each guess forgets the ones before it", &[I3], |_, op, request| {
            on(reserve(op, request), |w| {
                let slot = w["ExpressionAttributeNames"]["#a"].as_str().unwrap_or_default().to_owned();
                w["ExpressionAttributeValues"][":g"] = json!({ "M": { slot: w["ExpressionAttributeValues"][":now"] } });
                replace(w, "UpdateExpression", "g.#a = :now", "g = :g")
            })
        }),
        Mistake::new("a remembered device has as many guesses as all others", &[I3], |_, op, request| {
            on(reserve_in("gm", op, request), |w| {
                w["ExpressionAttributeValues"][":limit"] = json!({ "N": "10" });
                Done::Changed
            })
        }),
        Mistake::new("a remembered device has no limit", &[I3], |_, op, request| {
            on(reserve_in("gm", op, request), |w| {
                replace(w, "ConditionExpression", "size(gm) < :limit OR attribute_exists(gm.#a)", ALWAYS)
            })
        }),
        Mistake::new("recovery codes have no limit", &[I3], |_, op, request| {
            on(reserve_in("gr", op, request), |w| {
                replace(w, "ConditionExpression", "size(gr) < :limit OR attribute_exists(gr.#a)", ALWAYS)
            })
        }),
        Mistake::new("a guess at recovery codes looks at the slots of codes", &[I3], |_, op, request| {
            on(reserve_in("gr", op, request), |w| replace(w, "ConditionExpression", "size(gr)", "size(g)"))
        }),
        Mistake::new("a recovery code that is none lets in", &[I8], |_, op, request| {
            on(writes(op, request, "spent.#h = :action"), |w| {
                let known = "contains(codes, :hash) OR contains(ocodes, :hash) AND ountil > :now";
                replace(&mut w[0]["Update"], "ConditionExpression", known, ALWAYS)
            })
        }),
        Mistake::new("failures in a row are not counted", &[I3], |_, op, request| {
            on(reserve(op, request), |w| replace(w, "UpdateExpression", ", ft = if_not_exists(ft, :zero) + :one", ""))
                .or(|| {
                    on(reserve_in("gm", op, request), |w| {
                        replace(w, "UpdateExpression", ", fm = if_not_exists(fm, :zero) + :one", "")
                    })
                })
        }),
        Mistake::new("a space that is closed is not", &[I3], |_, op, request| {
            on(reserve(op, request), |w| {
                replace(w, "ConditionExpression", "attribute_not_exists(ft) OR ft < :closed", ALWAYS)
            })
            .or(|| {
                on(reserve_in("gm", op, request), |w| {
                    replace(w, "ConditionExpression", "attribute_not_exists(fm) OR fm < :closed", ALWAYS)
                })
            })
        }),
        Mistake::new("a success frees the slots of another space", &[I3], |_, op, request| {
            on(settle(op, request), |w| {
                let update = &mut w[0]["Update"];
                if !updates(update, "REMOVE") || updates(update, "g.#f") {
                    return Done::Nothing;
                }
                update["ExpressionAttributeValues"][":empty"] = json!({ "M": {} });
                replace(update, "UpdateExpression", "SET ", "SET g = :empty, ")
            })
        }),
        Mistake::new("no guess is ever let through", &[I9], |_, op, request| {
            on(reserve(op, request), |w| {
                w["ExpressionAttributeValues"][":limit"] = json!({ "N": "0" });
                Done::Changed
            })
        }),
        Mistake::new("a spent step is not looked at when it is written", &[I1], |_, op, request| {
            on(settle(op, request), |w| {
                replace(&mut w[0]["Update"], "ConditionExpression", "totp.#i.s < :step", ALWAYS)
            })
        }),
        Mistake::new("the accepted step is not written down", &[I1], |_, op, request| {
            on(settle(op, request), |w| {
                replace(&mut w[0]["Update"], "UpdateExpression", "totp.#i.s = :step, totp.#i.a = :action, ", "")
            })
        }),
        Mistake::new("an action that has ended succeeds", &[I2], |_, op, request| {
            on(settle(op, request), |w| replace(&mut w[1]["Update"], "ConditionExpression", "st IN (:s0)", ALWAYS))
        }),
        Mistake::new("only the user's half of an acceptance is written", &[I7], |_, op, request| {
            on(settle(op, request), |w| keep(w, &[0]))
        }),
        Mistake::new("only the action's half of an acceptance is written", &[I1], |_, op, request| {
            on(settle(op, request), |w| keep(w, &[1]))
        }),
        Mistake::new("an acceptance is lost", &[I1, I7], |_, op, request| {
            on(settle(op, request), |_| Done::Answered(json!({})))
        }),
        Mistake::new("an enrolment is written without its description", &[I7], |_, op, request| {
            on(complete(op, request), |w| keep(w, &[0, 1]))
        }),
        Mistake::new("an enrolment does not succeed its action", &[I7], |_, op, request| {
            on(complete(op, request), |w| keep(w, &[0, 2]))
        }),
        Mistake::new("an action never expires", &[I8], |_, op, request| {
            on(complete(op, request), |w| replace(&mut w[1]["Update"], "ConditionExpression", "#exp > :at", ALWAYS))
        }),
        Mistake::new("a token is good for every life of its user", &[I7], |_, op, request| {
            on(settle(op, request), |w| {
                ask_nothing(&mut w[1]["Update"]);
                replace(&mut w[0]["Update"], "ConditionExpression", "uid = :uid AND ", "")
            })
            .or(|| on(reserve(op, request), |w| replace(w, "ConditionExpression", "(uid = :uid) AND ", "")))
        }),
        Mistake::new("a user is not deleted", &[I7], |_, op, request| {
            let is_user = request["Key"]["sk"]["S"] == "USER"
                || request["Key"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("A"));
            // One with apps goes together with a note of what they have spent.
            let with_note = &request["TransactItems"][0]["Delete"]["Key"]["sk"]["S"] == "USER";
            if op == "DeleteItem" && is_user || with_note { Done::Answered(json!({})) } else { Done::Nothing }
        }),
        Mistake::new("an authenticator is not removed", &[I7], |_, op, request| {
            on(writes(op, request, "REMOVE totp.#i"), |_| Done::Answered(json!({})))
        }),
        Mistake::new("a tracked action is lost", &[I7], |_, op, request| {
            let is_action = request["Item"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("ACTION#"));
            if op == "PutItem" && is_action { Done::Answered(json!({})) } else { Done::Nothing }
        }),
        Mistake::new("a backend moves what has ended", &[I2], |_, op, request| {
            if op == "UpdateItem" && updates(request, "st = :next") { ask_nothing(request) } else { Done::Nothing }
        }),
        Mistake {
            lag: Some(5),
            ..Mistake::new("reads are not consistent", &[I7, I8, I9], |_, _, request| {
                let tables = request["RequestItems"].as_object_mut().into_iter().flat_map(|all| all.values_mut());
                let mut found = false;
                for table in tables {
                    found |= table.as_object_mut().is_some_and(|table| table.remove("ConsistentRead").is_some());
                }
                found |= request.as_object_mut().is_some_and(|request| request.remove("ConsistentRead").is_some());
                if found { Done::Changed } else { Done::Nothing }
            })
        },
    ]
}

impl Done {
    fn or(self, other: impl FnOnce() -> Self) -> Self {
        if matches!(self, Self::Nothing) { other() } else { self }
    }
}
