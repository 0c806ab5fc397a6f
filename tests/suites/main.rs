//! The product as its users meet it: real HTTP against the real store. One program, which is compiled and linked once.

mod architecture;
mod contract;
mod faults;
mod history;
mod homes;
mod hostile;
mod isolation;
mod journey;
mod limits;
mod matrix;
mod pages;
mod pairing;
mod policy;
mod push;
mod rules;
mod semantics;
mod tokens;
mod trying;

/// What several suites need.
mod support {
    #[expect(dead_code, reason = "the suite `crash` needs all of it")]
    pub mod process;
    pub mod scene;
    pub mod table;
}
