//! What a process writes is looked through as a whole, at every level: these suites are a program of their own.

mod delivery;
mod rotation;

/// What both need.
mod support {
    pub mod kms;
    pub mod log;
    pub mod table;
}
