//! The verifier against an authenticator of these tests, against the vectors of the specification, and against mutations.

mod assertion;
mod authenticator;
mod keys;
mod mutations;
mod policy;
mod registration;
mod vectors;
