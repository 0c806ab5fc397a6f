//! The core of Countersign: every rule that must hold in more than one function.
//!
//! Three crates, so that the compiler holds who may know whom: `countersign-domain` is pure, `countersign-store` keeps the
//! promises, each as the condition of one write, and this one has the use cases and the edges (HTTP, keys, queues, Lambda).

pub use countersign_domain::{
    action, authenticator, challenge, delivery, enrolable, error, facts, happened, id, limiter, look, messages, method,
    pairing, policy, redirect, replay, rule, secret, source, tenant, theme, token, typed, user, web, wording,
};
pub use countersign_store as store;

pub mod account;
pub mod admission;
pub mod app;
pub mod approval;
pub mod aws;
pub mod clock;
pub mod config;
pub mod courier;
pub mod enrolment;
pub mod form;
pub mod http;
pub mod keyring;
pub mod lambda;
pub mod log;
pub mod metrics;
pub mod notice;
pub mod operator;
pub mod outbox;
pub mod pairing_link;
pub mod places;
pub mod proof;
pub mod push;
pub mod strangers;
