//! How the ways to read a balance rank: by trust and by age.

use jiff::{SignedDuration, Timestamp};

use super::{Confidence, Reading, Source};

/// How far a way to read a balance is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// Which way.
    pub source: Source,
    /// More is more; a reading of less confidence has no more than [`Trust::of_confidence`].
    pub rank: u8,
    /// How long a reading holds against a newer one of less trust.
    pub holds: SignedDuration,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The rule. Of two readings that hold, the more trusted counts, and of equally trusted ones the newer; a
/// reading that does not hold any more is worth its age alone, and one that holds goes before it.
///
/// A person, the provider's page, its API and its refusal are the provider's own word: among them the newer
/// counts. What a person types holds longest, since nobody types twice a day. What was reckoned from
/// other numbers counts only where nothing holds.
pub const TRUST: [Trust; 5] = [
    Trust { source: Source::ProviderApi, rank: 3, holds: DAY },
    Trust { source: Source::Console, rank: 3, holds: DAY },
    Trust { source: Source::Hand, rank: 3, holds: SignedDuration::from_hours(3 * 24) },
    Trust { source: Source::Refusal, rank: 3, holds: DAY },
    Trust { source: Source::Derived, rank: 1, holds: SignedDuration::ZERO },
];

impl Trust {
    /// The row of a source.
    #[must_use]
    pub fn of(source: Source) -> Self {
        let row = TRUST.into_iter().find(|row| row.source == source);
        row.unwrap_or(Self { source, rank: 0, holds: SignedDuration::ZERO })
    }

    /// The most that a reading of this confidence is trusted.
    #[must_use]
    pub fn of_confidence(confidence: Confidence) -> u8 {
        match confidence {
            Confidence::High => 3,
            Confidence::Medium => 2,
            Confidence::Low => 1,
        }
    }

    /// By what readings are compared at `now`: the greater counts.
    #[must_use]
    pub fn order(reading: &Reading, now: Timestamp) -> (u8, Timestamp, Source) {
        let trust = Self::of(reading.source);
        let holds = now.duration_since(reading.taken_at) < trust.holds;
        let rank = if holds { trust.rank.min(Self::of_confidence(reading.confidence)) } else { 0 };
        (rank, reading.taken_at, reading.source)
    }
}
