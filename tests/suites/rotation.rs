//! Keys that change while requests go on, keys that cannot be reached, and secrets that must not be seen
//! (security.md, T27, T32, T33).

mod api_keys;
mod canary;
mod said;
mod sealed;
mod token_keys;
mod worth;

use crate::support::{kms, log, table};
