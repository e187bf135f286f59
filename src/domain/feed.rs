//! Feeds: each day's spend becomes one datapoint of a goal, which is corrected if late usage changes the day.
//!
//! A day has one datapoint, because its request id is derived from the feed and the day. A past day is posted
//! even without spend, because a do-less goal assumes the worst for missing days. The current day is posted
//! from its first cent on. Days before the feed's first day are not posted, and days older than
//! [`WINDOW_DAYS`] are not corrected.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::budget::BudgetName;
use super::datapoint::{DatapointError, Decimal, Fate, Keeper, Ledger, PointKey, RequestId};
use super::goal_day::GoalClock;
use super::money::Picodollars;
use super::slug::GoalSlug;

/// Older days are no longer corrected: more than a month, so that a provider's last revision of a month is
/// included.
pub const WINDOW_DAYS: i64 = 35;

/// A feed of a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Created once per goal and kept across stops and starts, so that a day's datapoint stays the same.
    pub id: String,
    pub slug: GoalSlug,
    /// The goal's keeper.
    pub keeper: Keeper,
    /// The budget whose scope is counted; all spend if none.
    pub budget: Option<BudgetName>,
    /// The first day posted.
    pub since: Date,
    /// When it was last started.
    pub started_at: Timestamp,
    /// Whether it posts.
    pub is_running: bool,
}

/// A datapoint that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPost {
    pub key: PointKey,
    /// The day that it counts for.
    pub day: Date,
    /// The day's spend in USD.
    pub value: Decimal,
}

impl Feed {
    /// The key of a day's datapoint.
    ///
    /// # Errors
    /// [`DatapointError::RequestId`]: the feed's id was not created here.
    pub fn key(&self, day: Date) -> Result<PointKey, DatapointError> {
        let request_id = format!("mecris-{}-{}", self.id, day.strftime("%Y%m%d"));
        Ok(PointKey { slug: self.slug.clone(), request_id: RequestId::try_from(request_id)? })
    }

    /// The datapoints to write so that the goal matches the spend, oldest day first. The days of `spent` are the
    /// goal's, by its `clock`.
    ///
    /// A day whose datapoint was refused is not retried until the next day, or until the feed is restarted: a
    /// deleted goal is not requested every minute.
    ///
    /// # Errors
    /// [`DatapointError::RequestId`].
    pub fn due(
        &self,
        spent: &BTreeMap<Date, Picodollars>,
        ledger: &Ledger,
        clock: &GoalClock,
        now: Timestamp,
    ) -> Result<Vec<FeedPost>, DatapointError> {
        let (mut posts, today) = (Vec::new(), clock.day(now));
        if !self.is_running {
            return Ok(posts);
        }
        let first = self.since.max(today.saturating_sub(WINDOW_DAYS.days()));
        for day in first.series(1.day()).take_while(|day| *day <= today) {
            let amount = spent.get(&day).copied().unwrap_or_default();
            let (key, value) = (self.key(day)?, Decimal::from(amount));
            let is_due = match ledger.get(&key).map(|entry| (&entry.fate, &entry.point.value)) {
                None => day < today || amount != Picodollars::ZERO,
                Some((Fate::Written, known)) => *known != value,
                Some((Fate::Open, _)) => true,
                Some((Fate::Refused { at, .. }, _)) => *at < self.started_at || clock.day(*at) < today,
            };
            if is_due {
                posts.push(FeedPost { key, day, value });
            }
        }
        Ok(posts)
    }
}

#[cfg(test)]
mod tests;
