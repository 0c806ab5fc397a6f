//! The wire contract: the twelve rules on every route, and what each row of the API promises.

mod actions;
mod authenticators;
mod client;
mod encoding;
mod look;
mod management;
mod refusals;
mod rules;
mod users;
mod window;

use crate::support::scene;

/// The committed description is what the code says; `countersign openapi` writes it anew.
#[test]
fn the_committed_description_is_what_the_code_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/openapi.json");
    let committed = std::fs::read_to_string(path).expect("infra/openapi.json");
    let of_the_code = countersign_local::openapi().expect("a description");
    let different = committed.lines().zip(of_the_code.lines()).position(|(a, b)| a != b);
    assert!(
        committed == of_the_code,
        "infra/openapi.json differs from line {different:?} on; run `cargo run -- openapi > infra/openapi.json`"
    );
}
