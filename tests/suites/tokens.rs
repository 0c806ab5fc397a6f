//! User tokens (security.md, T09, T11, T12, T31, T33): what is not one of ours opens nothing, and what is one of
//! ours is worth what its action is.

mod corpus;
mod forge;
mod forged;
mod time;
mod worth;
