//! One set of routes, three homes: the code (one process), the watch router (`cargo lambda watch`) and template.yaml (AWS).

use std::path::Path;

/// The two files are written by `countersign routes --write`, and are as it would write them.
#[test]
fn the_routes_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let different = countersign_local::homes::differences(root).expect("template.yaml and Cargo.toml");
    assert!(different.is_empty(), "run `cargo run -- routes --write`:\n{}", different.join("\n"));
}
