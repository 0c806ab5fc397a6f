//! What went wrong, in one line.

use std::{fmt::Display, path::Path, process::ExitCode};

/// What the program ends with where it does not succeed; `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something is wrong, and the line says what.
    Wrong,
    /// Nobody reads what is printed.
    NoReader,
    /// The number was not the one on the other screen, or no more are looked at.
    Number,
    NothingWaits,
    /// It was answered before, or its time has passed.
    Over,
    /// The server cannot be reached, or says that it cannot answer now.
    Unreachable,
    /// The server does not know the key (any more).
    Forgotten,
}

impl From<Why> for ExitCode {
    fn from(why: Why) -> Self {
        Self::from(match why {
            Why::Wrong | Why::NoReader => 1,
            Why::Number => 3,
            Why::NothingWaits => 4,
            Why::Over => 5,
            Why::Unreachable => 6,
            Why::Forgotten => 7,
        })
    }
}

/// One line that says what is wrong.
#[derive(Debug)]
pub struct Trouble {
    pub why: Why,
    line: String,
}

impl Trouble {
    pub fn new(line: impl Into<String>) -> Self {
        Self::because(Why::Wrong, line)
    }
    pub fn because(why: Why, line: impl Into<String>) -> Self {
        Self { why, line: line.into() }
    }
    pub fn about(path: &Path, cause: impl Display) -> Self {
        Self::new(format!("{}: {cause}", path.display()))
    }
}

impl Display for Trouble {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(&self.line.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
