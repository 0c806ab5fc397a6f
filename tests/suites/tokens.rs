//! User tokens (security.md, T09, T11, T12, T31, T33): what is not one of ours opens nothing, and what is one of
//! ours is worth what its action is.

#[path = "tokens/corpus.rs"]
mod corpus;
#[path = "tokens/forge.rs"]
mod forge;
#[path = "tokens/forged.rs"]
mod forged;
#[path = "tokens/time.rs"]
mod time;
#[path = "tokens/worth.rs"]
mod worth;
