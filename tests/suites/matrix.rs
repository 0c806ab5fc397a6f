//! Every way in against every reason not to (security.md, T35-T39): nobody begins or answers past admission, whichever
//! method, route or page it is tried by. A method that is added does not compile before it has its ways, and a route
//! is named by a way or says why it needs none.

mod attempt;
mod cells;
mod ground;
mod handed;
mod judge;
mod prepare;
mod reason;
mod routes;
mod strike;
mod way;

use crate::support::{scene, table};

use futures_util::{StreamExt, stream};

use cells::{Cell, cell};
use countersign_tests::http::Answer;
use ground::Ground;
use judge::Before;
use reason::{Moment, Reason};
use way::Way;

/// Goes the way, with a reason that comes about when it does; what came of it, and how the user was before.
async fn go(way: Way, reason: Option<Reason>) -> (Ground, Answer, Option<Before>) {
    let mut ground = Ground::of(way, reason).await;
    let moment = reason.map(|reason| reason.moment(way));
    let mut before = None;
    if let (Some(Moment::Before), Some(reason)) = (moment, reason) {
        ground.strike(reason).await;
    }
    ground.track(reason).await;
    if let (Some(Moment::Tracked), Some(reason)) = (moment, reason) {
        ground.strike(reason).await;
    }
    if matches!(moment, Some(Moment::Before | Moment::Tracked)) {
        before = Some(Before::of(&ground).await);
    }
    if let Err(answer) = ground.begin().await {
        assert!(before.is_some(), "an honest beginning was refused: {} {}", answer.status, answer.text());
        return (ground, *answer, before);
    }
    if way == Way::FirstCodes && matches!(reason, Some(Reason::MethodOff | Reason::MethodOffSinceTracked)) {
        // It is the codes that are switched off: the phone is rightly set up.
        before = Some(Before::of(&ground).await);
    }
    if let (Some(Moment::Begun), Some(reason)) = (moment, reason) {
        ground.strike(reason).await;
        before = Some(Before::of(&ground).await);
    }
    let answer = ground.attempt(reason).await;
    (ground, answer, before)
}

/// What is wrong in a cell.
async fn faults(way: Way, reason: Option<Reason>, right: Cell) -> Vec<String> {
    let (ground, answer, before) = go(way, reason).await;
    match (right, reason, &before) {
        (Cell::Refused, Some(reason), Some(before)) => ground.faults_of_refusal(&answer, reason, before).await,
        _ if ground.went_on(&answer) => Vec::new(),
        _ => vec![format!("it was refused: {} {}", answer.status, answer.text().chars().take(200).collect::<String>())],
    }
}

/// Tries all of these at once, as far as two processors go, and says which are not right.
async fn try_all(tried: Vec<(Way, Option<Reason>, Cell)>) {
    let count = tried.len();
    let named = |way: Way, reason: Option<Reason>| match reason {
        Some(reason) => format!("{way:?} × {reason:?}"),
        None => format!("{way:?}, honestly"),
    };
    let each = tried.into_iter().map(async |(way, reason, right)| {
        // A task of its own, so that what panics in one cell is said of that one.
        let found = tokio::spawn(async move { faults(way, reason, right).await }).await;
        let found = found.unwrap_or_else(|panic| vec![said(panic)]);
        found.into_iter().map(|fault| format!("{}: {fault}", named(way, reason))).collect::<Vec<_>>()
    });
    let wrong: Vec<String> = stream::iter(each).buffer_unordered(4).collect::<Vec<_>>().await.concat();
    assert!(wrong.is_empty(), "of {count} cells these are wrong:\n{}", wrong.join("\n"));
}

fn said(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cancelled".into() };
    let text = panic.downcast_ref::<String>().cloned();
    text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "it panicked".into())
}

/// A column: each way that meets the reason.
async fn column(reason: Reason) {
    let cells = Way::ALL.iter().map(|way| (*way, Some(reason), cell(*way, reason)));
    try_all(cells.filter(|(.., right)| !matches!(right, Cell::NotApplicable(_))).collect()).await;
}

/// A test a column, so that none is left out and several run at a time.
macro_rules! columns {
    ($($name:ident: $reason:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            column(Reason::$reason).await;
        })+
        const COLUMNS: &[Reason] = &[$(Reason::$reason),+];
    };
}

columns! {
    blocked_by_default: BlockedByDefault,
    blocked_by_rule: BlockedByRule,
    review_by_default: ReviewByDefault,
    review_by_rule: ReviewByRule,
    block_rule_since_tracked: BlockRuleSinceTracked,
    block_rule_since_begun: BlockRuleSinceBegun,
    block_default_since_begun: BlockDefaultSinceBegun,
    unjudged_block_rule: UnjudgedBlockRule,
    unjudged_review_rule: UnjudgedReviewRule,
    unjudged_block_rule_since_begun: UnjudgedBlockRuleSinceBegun,
    failed: Failed,
    succeeded: Succeeded,
    review_failed: ReviewFailed,
    denied: Denied,
    expired: Expired,
    challenge_expired: ChallengeExpired,
    method_off: MethodOff,
    method_off_since_tracked: MethodOffSinceTracked,
    method_off_since_begun: MethodOffSinceBegun,
    other_methods: OtherMethods,
    other_methods_since_tracked: OtherMethodsSinceTracked,
    other_methods_since_begun: OtherMethodsSinceBegun,
    rule_of_other_methods: RuleOfOtherMethods,
    rule_of_other_methods_since_tracked: RuleOfOtherMethodsSinceTracked,
    rule_of_other_methods_since_begun: RuleOfOtherMethodsSinceBegun,
    deleted: Deleted,
    another_life: AnotherLife,
    reset_since_tracked: ResetSinceTracked,
    reset_since_begun: ResetSinceBegun,
    reset_and_enrolled_again: ResetAndEnrolledAgain,
    authenticator_removed: AuthenticatorRemoved,
    removed_by_owner_since: RemovedByOwnerSince,
    removed_itself: RemovedItself,
    another_removed: AnotherRemoved,
    removed_by_oneself: RemovedByOneself,
    other_user: OtherUser,
    other_action: OtherAction,
    other_tenant: OtherTenant,
    unanswered: Unanswered,
    let_through: LetThrough,
    app_enrolled_since_tracked: AppEnrolledSinceTracked,
    phone_enrolled_since_tracked: PhoneEnrolledSinceTracked,
    enrolled_by_backend_since_tracked: EnrolledByBackendSinceTracked,
    app_enrolled_since_begun: AppEnrolledSinceBegun,
}

/// The control: each way goes on where there is no reason not to, so that no cell is green for another reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_goes_on_honestly() {
    try_all(Way::ALL.iter().map(|way| (*way, None, Cell::Goes("nothing stands against it"))).collect()).await;
}

#[test]
fn every_cell_is_decided() {
    assert_eq!(COLUMNS, Reason::ALL, "a reason has no column of its own");
    let (mut refused, mut goes, mut none) = (0, 0, 0);
    for reason in Reason::ALL {
        for way in Way::ALL {
            match cell(*way, *reason) {
                Cell::Refused => refused += 1,
                Cell::Goes(why) | Cell::NotApplicable(why) if why.is_empty() => panic!("{way:?} × {reason:?}: why?"),
                Cell::Goes(_) => goes += 1,
                Cell::NotApplicable(_) => none += 1,
            }
        }
    }
    println!(
        "{} ways × {} reasons: {refused} cells refuse, {goes} go on, {none} cannot be; and {} controls",
        Way::ALL.len(),
        Reason::ALL.len(),
        Way::ALL.len()
    );
    assert!(refused >= 500 && refused + goes >= 600, "cells have gone missing");
}
