//! Hostile input (security.md, T10, T15, T25, T26): always an answer in the contract's words, never a 5xx, and
//! nothing written by what was refused.

mod addresses;
mod bodies;
mod connections;
mod idempotency;
mod names;
mod proxies;
mod random;
mod redirects;

use crate::support::{process, scene, table};

use countersign_tests::http::Answer;

/// 200, or a refusal that is the caller's fault in the contract's body; gives whether it was refused.
#[track_caller]
fn assert_answered(what: &str, answer: &Answer) -> bool {
    if answer.status == 200 {
        return false;
    }
    assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.text());
    answer.refusal();
    true
}
