//! Histories of a busy server, held to the invariants; and mistakes that the histories must give away.

mod acts;
mod between;
mod calls;
mod check;
mod decisions;
mod eras;
mod mutants;
mod phones;
mod run;
mod tenants;

use std::{collections::BTreeSet, sync::atomic::Ordering};

use between::Run;
use check::{Event, Invariant, Said, Space, What, check};
use countersign_local::embedded::Embedded;
use countersign_tests::World;
use run::{configured, play};
use serde_json::json;

async fn fresh(attempts: u32) -> World {
    configured(World::start_with(Embedded::memory().expect("a store in memory"), attempts).await).await
}

fn holds(seed: u64, history: &[Event]) {
    let found = check(history);
    assert!(found.is_empty(), "seed {seed}: {found:#?}");
}

/// How many verifications ended so.
fn tally(history: &[Event], wanted: Said) -> usize {
    history.iter().filter(|e| matches!(&e.what, What::Verified { said, .. } if *said == wanted)).count()
}

#[tokio::test]
async fn a_busy_server_keeps_every_invariant() {
    let (mut right, mut wrong, mut exhausted) = (0, 0, 0);
    for seed in 0..30 {
        let history = play(fresh(3).await, seed, 0).await;
        holds(seed, &history);
        right += tally(&history, Said::Right);
        wrong += tally(&history, Said::Wrong);
        exhausted += tally(&history, Said::Exhausted);
        assert_eq!(tally(&history, Said::Unknown), 0, "nothing fails in quiet weather");
    }
    // A history in which little happens proves little.
    assert!(right > 250 && wrong > 250 && exhausted > 100, "{right} right, {wrong} wrong, {exhausted} exhausted");
}

/// Calls fail, are lost, come late and conflict, and the SDK tries them three times.
#[tokio::test]
async fn a_server_with_a_failing_store_keeps_every_invariant() {
    for seed in 1000..1016 {
        let history = play(fresh(3).await, seed, 15).await;
        holds(seed, &history);
    }
}

/// The same without the SDK's second try: every failure reaches the handlers.
#[tokio::test]
async fn a_server_with_a_failing_store_and_no_second_try_keeps_every_invariant() {
    let mut unknown = 0;
    for seed in 2000..2016 {
        let history = play(fresh(1).await, seed, 15).await;
        holds(seed, &history);
        unknown += tally(&history, Said::Unknown);
    }
    assert!(unknown > 40, "only {unknown} verifications failed");
}

/// A checker that finds nothing proves nothing: every mistake is found, and for what it is.
#[tokio::test]
async fn every_mistake_is_given_away() {
    let mut survivors = Vec::new();
    for mistake in mutants::all() {
        let (mut changed, mut seen) = (0, BTreeSet::new());
        for seed in 0..25 {
            let world = fresh(3).await;
            if let Some(lag) = mistake.lag {
                world.faults.lag_behind(lag);
            }
            let (mutant, changes) = mistake.mutant(world.embedded.clone());
            world.faults.mutate(mutant);
            seen.extend(check(&play(world, seed, 0).await).into_iter().map(|(invariant, _)| invariant));
            changed += changes.load(Ordering::SeqCst);
            if mistake.breaks.iter().any(|invariant| seen.contains(invariant)) {
                println!("{}: {seen:?} with seed {seed}", mistake.name);
                break;
            }
        }
        if !mistake.breaks.iter().any(|invariant| seen.contains(invariant)) {
            survivors.push(format!("{} ({changed} changes, {seen:?})", mistake.name));
        }
        assert!(changed > 0, "{}: changed nothing; the store's requests look different by now", mistake.name);
    }
    assert!(survivors.is_empty(), "{survivors:#?}");
}

/// Each condition of a write by itself: it refuses what another request has changed since it was read, and a store that
/// does not ask it lets that through. Otherwise nobody would see it go.
#[tokio::test]
async fn every_condition_counts() {
    let (cases, mut failed) = (between::all(), Vec::new());
    assert!(cases.len() >= 12, "{} mistakes", cases.len());
    for case in &cases {
        let undisturbed = case.run(Run::Undisturbed).await;
        if undisturbed.is_granted != case.is_disturbed() {
            failed.push(format!("{}: {} without anything between", case.name, undisturbed.is_granted));
        }
        let disturbed = case.run(Run::Disturbed).await;
        if disturbed.is_granted || (disturbed.disturbed == 1) != case.is_disturbed() {
            failed.push(format!("{}: the product lets it through ({} between)", case.name, disturbed.disturbed));
        }
        let mistaken = case.run(Run::Mistaken).await;
        if !mistaken.is_granted || mistaken.changed == 0 {
            failed.push(format!("{}: is not given away ({} changes)", case.name, mistaken.changed));
        }
    }
    println!("{} mistakes of one condition", cases.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

/// I9 of an action that is tracked again while it is open: what its new token says, it keeps.
#[tokio::test]
async fn a_token_given_again_is_good_for_as_long_as_it_says() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let track = async || {
        let answer = world.track("ada", "signIn", json!({ "idempotencyKey": "k" })).await.ok();
        answer["token"].as_str().expect("a token").to_owned()
    };
    track().await;
    world.clock.advance(590);
    let token = track().await;
    world.clock.advance(30);
    let verified = world.verify(&token, &world.code(&secret, 0)).await.ok();
    assert_eq!(verified["isVerified"], true, "a right code with a token that is 30 seconds old: {verified}");
}

/// The checker itself, on histories made by hand.
#[test]
fn the_checker_tells_good_from_bad() {
    let right = |action: usize, start: u64, step: i64| Event {
        user: 0,
        action,
        start,
        end: start + 1,
        clock: 1000,
        what: What::Verified {
            space: Space::Codes,
            proof: Some(("a".into(), step)),
            said: Said::Right,
            enrols: None,
            is_due: false,
            is_late: false,
        },
    };
    let found = |history: &[Event]| check(history).into_iter().map(|(i, _)| i).collect::<BTreeSet<_>>();
    assert_eq!(found(&[right(1, 1, 7), right(2, 3, 8)]), BTreeSet::new());
    assert_eq!(found(&[right(1, 1, 7), right(1, 3, 7)]), BTreeSet::new());
    assert_eq!(found(&[right(1, 1, 7), right(2, 3, 7)]), [Invariant::I1].into());
    assert_eq!(found(&[right(1, 1, 8), right(2, 3, 7)]), [Invariant::I1].into());
    let wrong = |index: u64, space: Space| {
        let what =
            What::Verified { space, proof: None, said: Said::Wrong, enrols: None, is_due: false, is_late: false };
        Event { user: 0, action: 1, start: 2 * index, end: 2 * index + 1, clock: 1000 + 40 * index as i64, what }
    };
    // Of each space so many within five minutes: eight here.
    for (space, expected) in [(Space::Codes, None), (Space::Recovery, None), (Space::Remembered, Some(Invariant::I3))] {
        let history: Vec<Event> = (0..100).map(|index| wrong(index, space)).collect();
        assert_eq!(found(&history), expected.into_iter().collect(), "{space:?}");
    }
    let history: Vec<Event> = (0..101).map(|index| wrong(index, Space::Codes)).collect();
    assert_eq!(found(&history), [Invariant::I3].into(), "a hundred and one in a row");
}

/// What a reset ends, and what alone may be gone after a removal.
#[test]
fn the_checker_knows_of_resets() {
    let event =
        |start: u64, action: usize, what: What| Event { user: 0, action, start, end: start + 1, clock: 1000, what };
    let found = |history: &[Event]| check(history).into_iter().map(|(i, _)| i).collect::<BTreeSet<_>>();
    let saw = |state: Option<&str>| {
        let is_valid = state == Some("CHALLENGE_SUCCEEDED");
        What::Saw { state: state.map(str::to_owned), is_valid, by_token: true }
    };
    let approved = || What::Decided { challenge: "c".into(), device: "d".into(), approved: true, said: Said::Right };
    let added = |id: &str| What::Added { authenticator: id.into(), done: Some(true) };
    let removed = |id: &str| What::Removed { authenticator: id.into(), done: Some(true) };
    let before = |between: What, seen: What| {
        let all = [added("d"), What::Tracked, approved(), between, seen];
        let of = |(index, what)| event(10 * index as u64, 1, what);
        found(&all.into_iter().enumerate().map(of).collect::<Vec<_>>())
    };
    let (gone, valid) = (|| saw(None), || saw(Some("CHALLENGE_SUCCEEDED")));
    assert_eq!(before(What::Reset { done: Some(true) }, gone()), BTreeSet::new());
    assert_eq!(before(What::Reset { done: Some(true) }, valid()), [Invariant::I7].into());
    assert_eq!(before(removed("d"), gone()), BTreeSet::new(), "the last one");
    assert_eq!(before(removed("d"), valid()), [Invariant::I7].into(), "the last one");
    assert_eq!(before(removed("another"), gone()), [Invariant::I7].into(), "it has another");
    assert_eq!(before(added("e"), gone()), [Invariant::I7].into(), "nothing was removed");
    assert_eq!(before(What::Reset { done: None }, valid()), BTreeSet::new(), "nobody knows");
}
