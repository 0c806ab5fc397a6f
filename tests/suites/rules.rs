//! Rules: what conditions mean, what they are refused for, and what they make of actions.

mod deciding;
mod hostile;
mod management;
mod memory;
mod places;
mod races;
mod refusals;
mod support;
mod table;
mod torn;
mod understood;

use crate::support::table as whole;
