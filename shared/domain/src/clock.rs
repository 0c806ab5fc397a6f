//! Times, as they are handed on and written.

pub use jiff::Timestamp;

/// The clocks of two machines may be so far apart (T31). What is further in the future was written by a clock that was wrong,
/// and is worth nothing until its time has come: it would live for as long as that clock was ahead.
pub const APART_SECONDS: i64 = 120;

/// Whether a time is further in the future than clocks are apart.
pub fn is_of_the_future(time: Timestamp, now: Timestamp) -> bool {
    time.as_second() > now.as_second() + APART_SECONDS
}

/// The contract's date: ISO 8601 in UTC with milliseconds, `2026-11-21T10:00:00.000Z`.
pub fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
