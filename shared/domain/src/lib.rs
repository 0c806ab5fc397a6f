//! The domain of Countersign: what an action, a user, a rule, a method and a proof are, and what follows from them.
//!
//! Pure: the time is an argument, and nothing here does input or output. The dependencies of this crate keep it so: no
//! SDK, no server, no runtime.

pub mod action;
pub mod authenticator;
pub mod challenge;
pub mod clock;
pub mod delivery;
pub mod enrolable;
pub mod error;
pub mod facts;
pub mod happened;
pub mod id;
pub mod limiter;
pub mod look;
pub mod messages;
pub mod method;
pub mod metrics;
pub mod pairing;
pub mod policy;
pub mod redirect;
pub mod replay;
pub mod revoked;
pub mod rule;
pub mod secret;
pub mod source;
pub mod tenant;
pub mod theme;
pub mod token;
pub mod typed;
pub mod user;
pub mod web;
pub mod wording;
