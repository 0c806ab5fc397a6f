//! Rules: what conditions mean, what they are refused for, and what they make of actions.

#[path = "rules/deciding.rs"]
mod deciding;
#[path = "rules/hostile.rs"]
mod hostile;
#[path = "rules/management.rs"]
mod management;
#[path = "rules/memory.rs"]
mod memory;
#[path = "rules/places.rs"]
mod places;
#[path = "rules/races.rs"]
mod races;
#[path = "rules/refusals.rs"]
mod refusals;
#[path = "rules/support.rs"]
mod support;
#[path = "rules/table.rs"]
mod table;
#[path = "rules/torn.rs"]
mod torn;
#[path = "rules/understood.rs"]
mod understood;
#[path = "support/table.rs"]
mod whole;
