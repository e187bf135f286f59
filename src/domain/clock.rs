//! Clock changes: detecting them, and judging timestamps ahead of now.
//!
//! A wall clock may be set by a person, by the network at startup, or by restoring a machine. A steady clock
//! only runs. Comparing the two shows that the wall clock was set; neither shows which of its times were
//! right.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A smaller change is an ordinary correction.
pub const JUMP: SignedDuration = SignedDuration::from_mins(2);

/// For this long after a jump nothing is done on the clock's word alone: a wrong setting may be undone.
pub const DOUBT: Duration = Duration::from_mins(5);

/// Normal difference between clocks.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The wall clock and a steady clock, since they were first read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    wall: Timestamp,
    steady: Duration,
    /// The total by which the wall clock was set since then.
    off: SignedDuration,
}

/// A change of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// By how much; negative if it was set back.
    pub by: SignedDuration,
    /// The total since the first reading.
    pub off: SignedDuration,
}

impl Jump {
    /// Whether it shows again what it would have shown without being set.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.off.abs() < JUMP
    }
}

impl Clocks {
    /// Starts with these readings.
    #[must_use]
    pub fn new(wall: Timestamp, steady: Duration) -> Self {
        Self { wall, steady, off: SignedDuration::ZERO }
    }

    /// Compares new readings.
    pub fn look(&mut self, wall: Timestamp, steady: Duration) -> Option<Jump> {
        let ran = SignedDuration::try_from(steady.saturating_sub(self.steady)).unwrap_or(SignedDuration::MAX);
        let by = wall.duration_since(self.wall).saturating_sub(ran);
        (self.wall, self.steady) = (wall, steady);
        if by.abs() < JUMP {
            return None;
        }
        self.off = self.off.saturating_add(by);
        Some(Jump { by, off: self.off })
    }
}

/// Whether a timestamp comes from a clock that was ahead of the one that says `now`.
#[must_use]
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > AHEAD
}

/// When something happened, for scheduling what follows. A timestamp ahead of `now` counts as long past:
/// otherwise a pause after it would last until the clock gets there, possibly years.
#[must_use]
pub fn happened(at: Timestamp, now: Timestamp) -> Timestamp {
    if is_ahead(at, now) { Timestamp::UNIX_EPOCH } else { at }
}

/// The age of a timestamp; zero if it is ahead.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(at).max(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

    #[test]
    fn a_clock_that_is_set_is_told_from_one_that_runs_or_is_set_right() {
        let start: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut clocks = Clocks::new(start, Duration::from_secs(100));
        let (mut wall, mut steady) = (start, Duration::from_secs(100));
        let mut off = SignedDuration::ZERO;
        // (how long it ran, by how much it was set meanwhile, the expected result)
        let minute = |minutes| SignedDuration::from_mins(minutes);
        for (ran, set, is_jump, is_back) in [
            (1, SignedDuration::ZERO, false, false),
            // Asleep for a night: a steady clock keeps running.
            (8 * 3_600, SignedDuration::ZERO, false, false),
            // Corrected by the network, repeatedly.
            (1, SignedDuration::from_secs(90), false, false),
            (1, SignedDuration::from_secs(-119), false, false),
            (1_i64, YEAR, true, false),
            (1, SignedDuration::ZERO, false, false),
            (1, -YEAR, true, true),
            (1, -YEAR, true, false),
            (60, YEAR - minute(1), true, true),
            (1, minute(60), true, false),
            (0, -minute(60), true, true),
        ] {
            steady += Duration::from_secs(ran.unsigned_abs());
            wall = wall + SignedDuration::from_secs(ran) + set;
            let told = clocks.look(wall, steady);
            assert_eq!(told.is_some(), is_jump, "{set:?}: {told:?}");
            let Some(told) = told else { continue };
            off += set;
            assert_eq!((told.by, told.off, told.is_back()), (set, off, is_back), "{told:?}");
        }
    }

    #[test]
    fn what_is_dated_ahead_was_long_ago_and_is_new() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        for (ago, was, age_s) in [
            (SignedDuration::from_hours(1), now - SignedDuration::from_hours(1), 3_600),
            (SignedDuration::from_mins(-5), now + SignedDuration::from_mins(5), 0),
            (SignedDuration::from_mins(-6), Timestamp::UNIX_EPOCH, 0),
            (-YEAR, Timestamp::UNIX_EPOCH, 0),
        ] {
            let at = now - ago;
            assert_eq!((happened(at, now), age(at, now).as_secs()), (was, age_s), "{ago:?}");
        }
    }
}
