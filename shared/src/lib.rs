//! The core of Countersign: every rule that must hold in more than one function.
//!
//! Domain modules (`id`, `action`, `user`, `tenant`, `token`, `limiter`, `authenticator`) take the time as an
//! argument and do no input or output; `store` keeps the promises, each as the condition of one write.

pub mod account;
pub mod action;
pub mod app;
pub mod approval;
pub mod authenticator;
pub mod aws;
pub mod challenge;
pub mod clock;
pub mod config;
pub mod courier;
pub mod delivery;
pub mod enrolable;
pub mod enrolment;
pub mod error;
pub mod form;
pub mod http;
pub mod id;
pub mod keyring;
pub mod lambda;
pub mod limiter;
pub mod look;
pub mod messages;
pub mod metrics;
pub mod notice;
pub mod operator;
pub mod outbox;
pub mod places;
pub mod policy;
pub mod push;
pub mod redirect;
pub mod rule;
pub mod store;
pub mod tenant;
pub mod theme;
pub mod token;
pub mod user;
pub mod verification;
pub mod web;
pub mod wording;
