//! What a history may not show (security.md, section 4). Knows nothing of the server but its answers.

use std::collections::{BTreeMap, BTreeSet};

use super::{decisions, eras};

/// An authenticator and the time step of its code.
pub type Proof = (String, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Right,
    Wrong,
    Exhausted,
    /// 4xx: not looked at.
    Refused,
    /// 503, or no answer: it may have happened.
    Unknown,
}

/// What is guessed at. Each has a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Codes,
    /// Codes of actions from a device that is remembered.
    Remembered,
    Recovery,
}

impl Space {
    const ALL: [Self; 3] = [Self::Codes, Self::Remembered, Self::Recovery];

    /// Looked at in five minutes.
    fn limit(self) -> usize {
        if self == Self::Remembered { 5 } else { 10 }
    }
}

/// What was asked, and what came back. `done` is whether it happened; `None` where nobody knows.
#[derive(Clone, Debug)]
pub enum What {
    Tracked,
    Verified {
        space: Space,
        proof: Option<Proof>,
        said: Said,
        enrols: Option<String>,
        /// A right code that nothing stands against.
        is_due: bool,
        /// The action's time was over.
        is_late: bool,
    },
    /// A device said yes or no to a question.
    Decided {
        challenge: String,
        device: String,
        approved: bool,
        said: Said,
    },
    /// An authenticator was added by a device, or by the backend.
    Added {
        authenticator: String,
        done: Option<bool>,
    },
    Moved {
        to: String,
        done: Option<bool>,
    },
    /// The state that a read showed; `None` for an action that is gone. `by_token` as `validate` shows it, which says nothing of what a reset or a removal has ended.
    Saw {
        state: Option<String>,
        is_valid: bool,
        by_token: bool,
    },
    Listed(Vec<String>),
    Removed {
        authenticator: String,
        done: Option<bool>,
    },
    Deleted {
        done: Option<bool>,
    },
    /// All that the user had is taken away, and another era begins.
    Reset {
        done: Option<bool>,
    },
    /// Neither an answer nor a refusal: 500, or a failure while nothing was wrong.
    Broke(String),
}

/// One call. `start` and `end` order calls in real time; `clock` is the server's time in seconds.
#[derive(Clone, Debug)]
pub struct Event {
    pub user: usize,
    pub action: usize,
    pub start: u64,
    pub end: u64,
    pub clock: i64,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A code is accepted once, and steps rise.
    I1,
    /// One terminal state.
    I2,
    /// So many guesses of each space in five minutes, and a hundred in a row.
    I3,
    /// What was acknowledged is what later reads show.
    I7,
    /// Nothing succeeds without a proof that was accepted, in time.
    I8,
    /// A right code is accepted when nothing stands against it.
    I9,
    /// Nothing breaks.
    Whole,
}

pub type Violations = Vec<(Invariant, String)>;

const SUCCEEDED: &str = "CHALLENGE_SUCCEEDED";

fn is_terminal(state: &str) -> bool {
    !["ALLOW", "CHALLENGE_REQUIRED", "REVIEW_REQUIRED"].contains(&state)
}

pub fn check(history: &[Event]) -> Violations {
    let mut found = Violations::new();
    let mut actions: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
    let mut users: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
    for event in history {
        actions.entry(event.action).or_default().push(event);
        users.entry(event.user).or_default().push(event);
        if let What::Broke(how) = &event.what {
            found.push((Invariant::Whole, how.clone()));
        }
    }
    for events in actions.values() {
        one_end(events, &mut found);
        decisions::decided_once(events, &mut found);
        acknowledged_states(events, &users[&events[0].user], &mut found);
    }
    for events in users.values() {
        once_and_rising(events, &mut found);
        for space in Space::ALL {
            within_budget(space, events, &mut found);
        }
        patience(events, &mut found);
        authenticators(events, &mut found);
        decisions::by_what_is_there(events, &mut found);
        lives(events, &mut found);
    }
    proven(&actions, &mut found);
    found
}

/// The state that this event proves its action to be in.
fn state(event: &Event) -> Option<&str> {
    match &event.what {
        What::Verified { said: Said::Right, .. } | What::Decided { approved: true, said: Said::Right, .. } => {
            Some(SUCCEEDED)
        }
        What::Moved { to, done: Some(true) } => Some(to),
        What::Saw { state, .. } => state.as_deref(),
        _ => None,
    }
}

fn right(event: &Event) -> Option<(&Proof, usize)> {
    match &event.what {
        What::Verified { said: Said::Right, proof: Some(proof), .. } => Some((proof, event.action)),
        _ => None,
    }
}

fn one_end(events: &[&Event], found: &mut Violations) {
    let ends: BTreeSet<&str> = events.iter().filter_map(|e| state(e)).filter(|state| is_terminal(state)).collect();
    if ends.len() > 1 {
        found.push((Invariant::I2, format!("one action ended as {ends:?}")));
    }
    for event in events {
        if let What::Saw { state: Some(state), is_valid, .. } = &event.what
            && *is_valid != (state == SUCCEEDED)
        {
            found.push((Invariant::I2, format!("isValid {is_valid} in {state}")));
        }
    }
}

/// What ends a life: an event at which this user may have been deleted.
fn deletions<'a>(of_user: &[&'a Event]) -> Vec<&'a Event> {
    of_user.iter().copied().filter(|e| matches!(e.what, What::Deleted { done } if done != Some(false))).collect()
}

fn acknowledged_states(events: &[&Event], of_user: &[&Event], found: &mut Violations) {
    let (deletions, resets) = (deletions(of_user), eras::that_may_be(of_user));
    let ended = events.iter().filter(|e| state(e).is_some_and(is_terminal)).min_by_key(|e| e.end);
    let tracked = events.iter().find(|e| matches!(e.what, What::Tracked));
    for read in events {
        let What::Saw { state: seen, by_token, .. } = &read.what else { continue };
        let may_be_gone = deletions.iter().any(|deletion| deletion.start < read.end)
            || *by_token && resets.iter().any(|reset| reset.start < read.end)
            || *by_token && eras::may_be_taken_back(events, of_user, read.end);
        match (seen, ended) {
            (None, _) if !may_be_gone && tracked.is_some_and(|tracked| tracked.end < read.start) => {
                found.push((Invariant::I7, "a tracked action is gone".into()));
            }
            (Some(seen), Some(ended)) if ended.end < read.start && !is_terminal(seen) => {
                found.push((Invariant::I7, format!("{:?} was acknowledged, then {seen} was read", state(ended))));
            }
            _ => {}
        }
    }
}

fn once_and_rising(events: &[&Event], found: &mut Violations) {
    let accepted: Vec<_> = events.iter().filter_map(|e| right(e).map(|(proof, action)| (*e, proof, action))).collect();
    for (one, proof, action) in &accepted {
        for (two, other, elsewhere) in &accepted {
            if proof.0 != other.0 || (proof, action) == (other, elsewhere) {
                continue;
            }
            if proof == other && action < elsewhere {
                found.push((Invariant::I1, format!("{proof:?} accepted for actions {action} and {elsewhere}")));
            }
            if one.end < two.start && proof.1 > other.1 {
                found.push((Invariant::I1, format!("step {} accepted after step {}", other.1, proof.1)));
            }
        }
    }
}

/// Each action that succeeded has a proof of its own, and no two the same.
fn proven(actions: &BTreeMap<usize, Vec<&Event>>, found: &mut Violations) {
    let mut charged: BTreeMap<&Proof, usize> = BTreeMap::new();
    for (action, events) in actions {
        let mut proofs = BTreeSet::new();
        let is_approved = events.iter().any(|event| decisions::may_have_approved(event));
        for event in events {
            match &event.what {
                What::Verified { said: Said::Right, proof: None, .. } => {
                    found.push((Invariant::I8, "a wrong code was accepted".into()));
                }
                What::Verified { said: Said::Right, is_late: true, .. } => {
                    found.push((Invariant::I8, "a code was accepted after its action was over".into()));
                }
                What::Verified { said: Said::Right | Said::Unknown, proof: Some(proof), .. } => {
                    proofs.insert(proof);
                }
                _ => {}
            }
        }
        if !events.iter().any(|event| state(event) == Some(SUCCEEDED)) {
            continue;
        }
        match proofs.first() {
            None if !is_approved => found.push((Invariant::I8, format!("action {action} succeeded by nothing"))),
            Some(proof) if proofs.len() == 1 && !is_approved => {
                if let Some(other) = charged.insert(proof, *action) {
                    found.push((Invariant::I1, format!("{proof:?} is what succeeded {other} and {action}")));
                }
            }
            _ => {}
        }
    }
}

fn within_budget(space: Space, events: &[&Event], found: &mut Violations) {
    let said = |wanted: Said| move |e: &&&Event| matches!(&e.what, What::Verified { space: of, said, .. } if *said == wanted && *of == space);
    let mut failures: Vec<&Event> = events.iter().filter(said(Said::Wrong)).copied().collect();
    failures.sort_by_key(|e| e.start);
    // What may have emptied the budget.
    let resets: Vec<&Event> = events
        .iter()
        .copied()
        .filter(|e| match &e.what {
            What::Verified { space: of, said: Said::Right, .. } => *of == space,
            What::Verified { space: of, said: Said::Unknown, proof, .. } => *of == space && proof.is_some(),
            What::Deleted { done } => *done != Some(false),
            _ => false,
        })
        .collect();
    for (index, first) in failures.iter().enumerate() {
        let (mut count, mut end) = (0, first.end);
        for failure in failures[index..].iter().take_while(|f| f.clock < first.clock + 300) {
            end = end.max(failure.end);
            if resets.iter().any(|reset| reset.start <= end && reset.end >= first.start) {
                break;
            }
            count += 1;
        }
        if count > space.limit() {
            found.push((Invariant::I3, format!("{count} guesses at {space:?} looked at in five minutes")));
        }
    }
    for success in events.iter().filter(said(Said::Right)) {
        let others = resets.iter().filter(|r| r.start != success.start && r.start < success.end);
        let since = others.map(|r| r.end).max().unwrap_or(0);
        let before = failures.iter().filter(|f| {
            f.start > since && f.end < success.start && f.clock > success.clock - 300 && f.clock <= success.clock
        });
        if before.count() >= space.limit() {
            found.push((Invariant::I3, "a right code was accepted beyond the budget".into()));
        }
    }
}

/// At most a hundred guesses of a space are looked at until something is right, or another life begins.
fn patience(events: &[&Event], found: &mut Violations) {
    let mut failures = [0; Space::ALL.len()];
    for event in events {
        match &event.what {
            What::Verified { space, said: Said::Wrong, .. } => {
                failures[*space as usize] += 1;
                if failures[*space as usize] == 101 {
                    found.push((Invariant::I3, format!("more than a hundred guesses at {space:?} in a row")));
                }
            }
            What::Verified { said: Said::Right, .. } => failures = [0; Space::ALL.len()],
            What::Decided { approved: true, said: Said::Right | Said::Unknown, .. } => failures = [0; Space::ALL.len()],
            What::Reset { done } if *done != Some(false) => failures = [0; Space::ALL.len()],
            What::Verified { said: Said::Unknown, proof: Some(_), .. } => failures = [0; Space::ALL.len()],
            What::Deleted { done } if *done != Some(false) => failures = [0; Space::ALL.len()],
            _ => {}
        }
    }
}

fn authenticators(events: &[&Event], found: &mut Violations) {
    let resets = events.iter().copied().filter(|e| matches!(e.what, What::Reset { done } if done != Some(false)));
    let deletions: Vec<&Event> = deletions(events).into_iter().chain(resets).collect();
    for event in events {
        match &event.what {
            What::Verified { said: Said::Right, enrols: Some(id), .. } => {
                for list in events.iter().filter(|list| list.start > event.end) {
                    let What::Listed(listed) = &list.what else { continue };
                    let may_be_gone = deletions.iter().any(|deletion| deletion.start < list.end)
                        || events.iter().any(|e| {
                            matches!(&e.what, What::Removed { authenticator, done }
                                if authenticator == id && *done != Some(false))
                                && e.start < list.end
                        });
                    if !may_be_gone && !listed.contains(id) {
                        found.push((Invariant::I7, format!("the enrolled {id} is not listed")));
                    }
                }
            }
            What::Removed { authenticator, done: Some(true) } => {
                for later in events.iter().filter(|later| later.start > event.end) {
                    let listed = matches!(&later.what, What::Listed(all) if all.contains(authenticator));
                    if listed || right(later).is_some_and(|((by, _), _)| by == authenticator) {
                        found.push((Invariant::I7, format!("the removed {authenticator} is still good")));
                    }
                }
            }
            What::Verified { is_due: true, said, proof, .. } if *said != Said::Right => {
                found.push((Invariant::I9, format!("{proof:?} was due, and {said:?}")));
            }
            _ => {}
        }
    }
}

/// A deletion or a reset that was acknowledged ends every token and every authenticator from before it.
fn lives(events: &[&Event], found: &mut Violations) {
    for deletion in events.iter().filter(|e| eras::surely_ends_an_era(e, events)) {
        let before: BTreeSet<usize> = events
            .iter()
            .filter(|e| matches!(e.what, What::Tracked) && e.end < deletion.start)
            .map(|e| e.action)
            .collect();
        let enrolled: BTreeSet<&String> = events
            .iter()
            .filter(|e| e.end < deletion.start)
            .filter_map(|e| match &e.what {
                What::Verified { said: Said::Right, enrols: Some(id), .. } => Some(id),
                _ => None,
            })
            .collect();
        for later in events.iter().filter(|later| later.start > deletion.end) {
            match &later.what {
                What::Verified { said: Said::Right, .. } | What::Decided { approved: true, said: Said::Right, .. }
                    if before.contains(&later.action) =>
                {
                    found.push((Invariant::I7, "a token outlived its user".into()));
                }
                What::Saw { is_valid: true, by_token: true, .. } if before.contains(&later.action) => {
                    found.push((Invariant::I7, "a success outlived its user, or a reset".into()));
                }
                What::Listed(all) if all.iter().any(|id| enrolled.contains(id)) => {
                    found.push((Invariant::I7, "an authenticator outlived its user".into()));
                }
                _ => {}
            }
        }
    }
}
