//! Rules are tried before they are turned on: cases against files, plans, and what happened once more.

mod apply;
mod cases;
mod many;
mod replay;
mod support;

use crate::support::process;
