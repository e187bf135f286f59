//! How much of the subscription's limits is used.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::clock;
use crate::domain::quota::{QuotaReading, percent};

use super::TenantView;

/// A window of a subscription's limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaLine {
    /// `five-hour` or `seven-day`.
    #[schema(example = "five-hour")]
    pub window: String,
    /// What was used of it, in percent; null where it has ended since, so that what is used is not known.
    #[schema(example = "61.5")]
    pub used_percent: Option<String>,
    /// When it ends, or ended.
    #[schema(value_type = String, format = DateTime)]
    pub resets_at: Timestamp,
    /// When it was told. A share that has grown by less than a point since then is not.
    #[schema(value_type = String, format = DateTime)]
    pub told_at: Timestamp,
    /// How long ago that is.
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
