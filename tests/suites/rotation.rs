//! Keys that change while requests go on, keys that cannot be reached, and secrets that must not be seen
//! (security.md, T27, T32, T33).

#[path = "rotation/api_keys.rs"]
mod api_keys;
#[path = "rotation/canary.rs"]
mod canary;
#[path = "support/kms.rs"]
mod kms;
#[path = "support/log.rs"]
mod log;
#[path = "rotation/said.rs"]
mod said;
#[path = "rotation/sealed.rs"]
mod sealed;
#[path = "support/table.rs"]
mod table;
#[path = "rotation/token_keys.rs"]
mod token_keys;
#[path = "rotation/worth.rs"]
mod worth;
