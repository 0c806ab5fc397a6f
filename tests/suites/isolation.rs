//! Nobody sees or changes what is another's (security.md, T01, T02, T13, T14, T34; invariant I6).

mod ids;
mod lives;
mod matrix;
mod races;

use crate::support::{scene, table};
