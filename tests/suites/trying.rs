//! Rules are tried before they are turned on: cases against files, plans, and what happened once more.

#[path = "trying/apply.rs"]
mod apply;
#[path = "trying/cases.rs"]
mod cases;
#[path = "trying/many.rs"]
mod many;
#[path = "crash/process.rs"]
#[expect(dead_code, reason = "the suite `crash` needs more of it")]
mod process;
#[path = "trying/replay.rs"]
mod replay;
#[path = "trying/support.rs"]
mod support;
