//! Nobody sees or changes what is another's (security.md, T01, T02, T13, T14, T34; invariant I6).

#[path = "isolation/ids.rs"]
mod ids;
#[path = "isolation/lives.rs"]
mod lives;
#[path = "isolation/matrix.rs"]
mod matrix;
#[path = "isolation/races.rs"]
mod races;
#[expect(dead_code, reason = "shared: the contract suite uses all of it")]
#[path = "support/scene.rs"]
mod scene;
#[path = "support/table.rs"]
mod table;
