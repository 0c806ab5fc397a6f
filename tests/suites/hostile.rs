//! Hostile input (security.md, T10, T15, T25, T26): always an answer in the contract's words, never a 5xx, and
//! nothing written by what was refused.

#[path = "hostile/addresses.rs"]
mod addresses;
#[path = "hostile/bodies.rs"]
mod bodies;
#[path = "hostile/connections.rs"]
mod connections;
#[path = "hostile/idempotency.rs"]
mod idempotency;
#[path = "hostile/proxies.rs"]
mod proxies;
#[path = "hostile/random.rs"]
mod random;
#[path = "hostile/redirects.rs"]
mod redirects;
#[expect(dead_code, reason = "shared: the contract suite uses all of it")]
#[path = "support/scene.rs"]
mod scene;
#[path = "support/table.rs"]
mod table;

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
