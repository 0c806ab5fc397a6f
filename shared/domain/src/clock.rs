//! Times, as they are handed on and written.

pub use jiff::Timestamp;

/// The contract's date: ISO 8601 in UTC with milliseconds, `2026-11-21T10:00:00.000Z`.
pub fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
