//! The person's policy: which channels, quiet hours, and limits.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::money::Picodollars;
use crate::domain::window::DailyWindow;

use super::{Channel, Severity};

/// A rung of the ladder. Rungs that cannot be used now are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub channel: Channel,
    /// Minimum severity.
    pub at_least: Severity,
    /// How long it is given before the next rung starts too.
    pub patience: SignedDuration,
}

/// What ends the climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// A channel has accepted the message.
    Accepted,
    /// It has reached the person's device.
    Delivered,
    /// The person has acknowledged the alert.
    Acknowledged,
}

/// Limits over all alerts; an hour and a day are the last 60 minutes and the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages per hour.
    pub per_hour: u32,
    /// Messages per day.
    pub per_day: u32,
    /// USD per day, by the estimated price of each message.
    pub usd_per_day: Picodollars,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// From first to last.
    pub ladder: Vec<Rung>,
    /// What ends the climb.
    pub until: Until,
    /// Quiet hours.
    pub quiet: Option<DailyWindow>,
    /// Whether [`Severity::Immediate`] may break the quiet hours.
    pub immediate_breaks_quiet: bool,
    pub limits: Limits,
    /// A message is truncated after this many segments.
    pub segments_max: u32,
    /// The pause before the first retry; it doubles from then on.
    pub retry: SignedDuration,
}

/// The longest pause between two attempts on one channel.
const RETRY_MAX: SignedDuration = SignedDuration::from_mins(15);

impl Policy {
    /// The pause after this many attempts that were not sent.
    #[must_use]
    pub fn pause(&self, unsent: usize) -> SignedDuration {
        let doublings = u32::try_from(unsent.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
        self.retry.saturating_mul(1 << doublings).min(RETRY_MAX)
    }

    /// Whether some rung is for alerts of this severity.
    #[must_use]
    pub fn is_told(&self, severity: Severity) -> bool {
        self.ladder.iter().any(|rung| rung.at_least <= severity)
    }
}

/// The default: SMS, after ten minutes WhatsApp, then any other channel; during quiet hours only what would
/// otherwise be lost.
impl Default for Policy {
    fn default() -> Self {
        let rung =
            |channel| Rung { channel, at_least: Severity::Warning, patience: SignedDuration::from_mins(10) };
        Self {
            ladder: Channel::ALL.into_iter().map(rung).collect(),
            until: Until::Accepted,
            quiet: Some(DailyWindow {
                from: jiff::civil::time(22, 0, 0, 0),
                until: jiff::civil::time(7, 0, 0, 0),
            }),
            immediate_breaks_quiet: true,
            limits: Limits { per_hour: 6, per_day: 20, usd_per_day: Picodollars::usd(1) },
            segments_max: 2,
            retry: SignedDuration::from_secs(5),
        }
    }
}

/// A channel that can be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usable {
    pub channel: Channel,
    /// The recipient: a reference, never a number.
    pub contact: Option<String>,
    /// Estimated price of one segment.
    pub price: Picodollars,
}
