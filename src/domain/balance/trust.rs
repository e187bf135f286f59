//! Ranks the ways to read a balance, by trust and by age.

use jiff::{SignedDuration, Timestamp};

use super::{Confidence, Reading, Source};

/// How far a way to read a balance is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    pub source: Source,
    /// Higher is better; a reading of lower confidence is limited to [`Trust::of_confidence`].
    pub rank: u8,
    /// How long a reading has priority over a newer one of lower trust.
    pub holds: SignedDuration,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The rule. Of two valid readings the more trusted counts, and of equally trusted ones the newer. An expired
/// reading is ranked by age alone, after all valid ones.
///
/// A person, the provider's page, its API and its refusal are all the provider's own statement: among them
/// the newer counts. What a person types is valid longest, because nobody types twice a day. A derived
/// balance counts only if nothing else is valid.
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

    /// The maximum rank of a reading with this confidence.
    #[must_use]
    pub fn of_confidence(confidence: Confidence) -> u8 {
        match confidence {
            Confidence::High => 3,
            Confidence::Medium => 2,
            Confidence::Low => 1,
        }
    }

    /// The sort key of readings at `now`: the greatest counts.
    #[must_use]
    pub fn order(reading: &Reading, now: Timestamp) -> (u8, Timestamp, Source) {
        let trust = Self::of(reading.source);
        let holds = now.duration_since(reading.taken_at) < trust.holds;
        let rank = if holds { trust.rank.min(Self::of_confidence(reading.confidence)) } else { 0 };
        (rank, reading.taken_at, reading.source)
    }
}
