//! Removing what is over, which on AWS happens by itself; and not believing a clock that jumps.

use std::time::{Duration, Instant, SystemTime};

use crate::embedded::Embedded;

const EVERY: Duration = Duration::from_secs(60);

/// For so long the wall clock must have gone as time does. What is over waits for that easily; what was removed by a
/// clock that was a year ahead for a minute would not come back.
const STEADY_FOR: Duration = Duration::from_secs(3600);

/// More than a clock is set right by, and less than is worth anything to anybody.
const JUMP: Duration = Duration::from_secs(60);

/// What is known of the wall clock: how far it went while time did.
struct Steady {
    time: Instant,
    wall: SystemTime,
}

impl Steady {
    /// Nothing is known yet.
    fn from(time: Instant, wall: SystemTime) -> Self {
        Self { time, wall }
    }

    /// Whether the wall clock has gone as time does for long enough to be believed. A jump in either direction, and a
    /// machine that slept, begins anew.
    fn is_believed(&mut self, time: Instant, wall: SystemTime) -> bool {
        let passed = time.saturating_duration_since(self.time);
        let expected = self.wall + passed;
        let off = wall.duration_since(expected).unwrap_or_else(|early| early.duration());
        if off > JUMP {
            *self = Self::from(time, wall);
            return false;
        }
        passed >= STEADY_FOR
    }
}

/// Sweeps each minute in which the clock is believed.
pub async fn from_time_to_time(embedded: Embedded) {
    let mut steady = Steady::from(Instant::now(), SystemTime::now());
    let mut minute = tokio::time::interval(EVERY);
    loop {
        minute.tick().await;
        if !steady.is_believed(Instant::now(), SystemTime::now()) {
            continue;
        }
        let embedded = embedded.clone();
        match tokio::task::spawn_blocking(move || embedded.sweep()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => eprintln!("countersign: the sweep of old items failed: {error}"),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    /// Looks each minute for so many minutes, with a wall clock that is off by so much; how often it was believed.
    fn believed(
        steady: &mut Steady,
        now: &mut (Instant, SystemTime),
        minutes: u32,
        off: impl Fn(SystemTime) -> SystemTime,
    ) -> u32 {
        let mut count = 0;
        for _ in 0..minutes {
            *now = (now.0 + MINUTE, now.1 + MINUTE);
            count += u32::from(steady.is_believed(now.0, off(now.1)));
        }
        count
    }

    fn start() -> (Steady, (Instant, SystemTime)) {
        let now = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_255_215));
        (Steady::from(now.0, now.1), now)
    }

    #[test]
    fn a_clock_that_goes_as_time_does_is_believed_after_an_hour() {
        let (mut steady, mut now) = start();
        assert_eq!(believed(&mut steady, &mut now, 59, |wall| wall), 0);
        assert_eq!(believed(&mut steady, &mut now, 100, |wall| wall), 100);
        // NTP sets it right by some seconds.
        assert_eq!(believed(&mut steady, &mut now, 100, |wall| wall + Duration::from_secs(20)), 100);
    }

    #[test]
    fn a_clock_that_is_a_year_ahead_for_a_minute_sweeps_nothing() {
        for ahead in [1, 5, 30] {
            let (mut steady, mut now) = start();
            believed(&mut steady, &mut now, 120, |wall| wall);
            assert_eq!(believed(&mut steady, &mut now, ahead, |wall| wall + YEAR), 0);
            assert_eq!(believed(&mut steady, &mut now, 60, |wall| wall), 0, "and then it is watched for an hour");
            assert_eq!(believed(&mut steady, &mut now, 5, |wall| wall), 5);
        }
        // Ahead from the start on.
        let (mut steady, mut now) = start();
        assert_eq!(believed(&mut steady, &mut now, 1, |wall| wall + YEAR), 0);
        assert_eq!(believed(&mut steady, &mut now, 60, |wall| wall), 0);
    }

    #[test]
    fn a_clock_that_jumps_back_is_watched_too() {
        let (mut steady, mut now) = start();
        believed(&mut steady, &mut now, 120, |wall| wall);
        assert_eq!(believed(&mut steady, &mut now, 60, |wall| wall - YEAR), 0);
    }
}
