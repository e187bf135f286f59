//! Query: how much of a subscription's limits is used.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::clock;
use crate::domain::quota::{QuotaReading, percent};

use super::TenantView;

/// A rate limit window of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaLine {
    /// `five-hour` or `seven-day`.
    #[schema(example = "five-hour")]
    pub window: String,
    /// Used share in percent; null if the window has ended since, so that it is unknown.
    #[schema(example = "61.5")]
    pub used_percent: Option<String>,
    /// When it ends or ended.
    #[schema(value_type = String, format = DateTime)]
    pub resets_at: Timestamp,
    /// When this was reported. Growth by less than a point since then is not recorded.
    #[schema(value_type = String, format = DateTime)]
    pub told_at: Timestamp,
    /// Age of that report, in seconds.
    pub age_seconds: i64,
}

/// The windows at `now`.
#[must_use]
pub fn quotas(view: &TenantView, now: Timestamp) -> Vec<QuotaLine> {
    let line = |(reading, told_at): &(QuotaReading, Timestamp)| QuotaLine {
        window: reading.window.word().to_owned(),
        used_percent: (reading.resets_at > now).then(|| percent(reading.used)),
        resets_at: reading.resets_at,
        told_at: *told_at,
        age_seconds: clock::age(*told_at, now).as_secs(),
    };
    view.quotas.iter().map(line).collect()
}
