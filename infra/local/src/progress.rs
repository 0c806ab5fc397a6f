//! How far a long command has come: on standard error, where that is a terminal.

use std::fmt::Write;

use indicatif::{BinaryBytes, HumanCount, ProgressBar, ProgressState, ProgressStyle};

/// What is counted; it says how fast it goes.
#[derive(Clone, Copy)]
pub enum Of {
    Bytes,
    Items,
}

/// A bar that is full at `length`.
pub fn bar(length: u64, of: Of) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let speed = move |state: &ProgressState, out: &mut dyn Write| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a speed, for people")]
        let speed = state.per_sec() as u64;
        let _ = match of {
            Of::Bytes => write!(out, "{}/s", BinaryBytes(speed)),
            Of::Items => write!(out, "{} items/s", HumanCount(speed)),
        };
    };
    let template = "{bar:40} {percent:>3} %  {speed}  {elapsed_precise}, {eta_precise} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.with_key("speed", speed)),
        Err(_) => bar,
    }
}
