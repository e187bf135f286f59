//! Supervision policies, as data.

use std::ops::Range;
use std::time::Duration;

/// Which children are restarted when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Only that child. Its siblings do not depend on it: a child that cannot start delays no other.
    OneForOne,
    /// All children.
    OneForAll,
    /// The child and those started after it.
    RestForOne,
}

impl Strategy {
    /// The children that are stopped and restarted with this one.
    pub(super) fn affected(self, number: usize, count: usize) -> Range<usize> {
        match self {
            Self::OneForOne => number..number + 1,
            Self::OneForAll => 0..count,
            Self::RestForOne => number..count,
        }
    }
}

/// Whether a child is restarted when its run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Only after a failure.
    Transient,
    /// Never, not even with its siblings.
    Temporary,
}

/// The pause before a restart: it doubles with each failure, has a jitter of up to a half, so that many
/// restarts do not coincide, and resets after a quiet time.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first pause.
    pub initial: Duration,
    /// The longest pause.
    pub max: Duration,
    /// A run of this length counts as a success.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(30),
            reset_after: Duration::from_mins(1),
        }
    }
}

impl Backoff {
    /// The longest pause after this many failures in a row.
    fn longest(&self, failures: u32) -> Duration {
        let doublings = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.initial.saturating_mul(doublings).min(self.max)
    }

    pub(super) fn pause(&self, failures: u32) -> Duration {
        self.longest(failures).mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// The number of restarts within a time after which the supervisor gives up.
#[derive(Debug, Clone, Copy)]
pub struct Intensity {
    /// Restarts.
    pub restarts: usize,
    /// Within this time.
    pub within: Duration,
}

impl Default for Intensity {
    /// More than one child alone can reach with the default [`Backoff`]: it stays broken and reported, while
    /// the others work. Several failing at once mean that something below them is broken.
    fn default() -> Self {
        Self { restarts: 20, within: Duration::from_mins(1) }
    }
}

/// How to run a child.
#[derive(Debug, Clone, Copy)]
pub struct ChildSpec {
    /// See [`Restart`].
    pub restart: Restart,
    /// Mailbox capacity in messages.
    pub capacity: usize,
    /// How long it may take to start. Children started after it wait.
    pub start: Duration,
    /// A message that takes longer than this has hung its actor.
    pub heartbeat: Duration,
    /// How long it may take to stop.
    pub shutdown: Duration,
}

impl Default for ChildSpec {
    fn default() -> Self {
        Self {
            restart: Restart::Permanent,
            capacity: 256,
            start: Duration::from_secs(30),
            heartbeat: Duration::from_secs(30),
            shutdown: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread_by_half() {
        let backoff = Backoff {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(1),
            reset_after: Duration::from_mins(1),
        };
        for (failures, longest_ms) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (40, 1000)] {
            let longest = Duration::from_millis(longest_ms);
            let pauses: Vec<Duration> = (0..100).map(|_| backoff.pause(failures)).collect();
            assert!(pauses.iter().all(|pause| *pause >= longest / 2 && *pause <= longest), "{failures}");
            assert!(pauses.iter().any(|pause| pause != &pauses[0]), "{failures}: not spread");
        }
    }

    #[test]
    fn one_broken_child_alone_never_exceeds_the_defaults() {
        let (backoff, intensity) = (Backoff::default(), Intensity::default());
        let failures = u32::try_from(intensity.restarts).unwrap();
        // As if every pause had its minimum length.
        let shortest: Duration = (1..=failures).map(|failure| backoff.longest(failure) / 2).sum();
        assert!(shortest >= intensity.within, "{shortest:?}");
    }
}
