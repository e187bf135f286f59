//! Feeds: each day's spend becomes one datapoint of a goal, and is corrected when late usage changes the day.
//!
//! The rules: a day has one datapoint, for its request id is the feed's and the day's. A day that has ended
//! is posted even where nothing was spent, because a goal to do less reckons with the worst where it hears
//! nothing; the day that has not ended is posted from its first cent on. Nothing is posted of days before the
//! feed's first, nor corrected that is older than [`WINDOW_DAYS`].

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::budget::BudgetName;
use super::calendar;
use super::datapoint::{DatapointError, Decimal, Fate, Keeper, Ledger, PointKey, RequestId};
use super::money::Picodollars;
use super::slug::GoalSlug;

/// Days older than this are not corrected any more: longer than a month, so that a provider's last revision
/// of a month comes through.
pub const WINDOW_DAYS: i64 = 35;

/// A feed of a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Made once for a goal and kept over stops and starts, so that a day's datapoint stays the same.
    pub id: String,
    /// The goal.
    pub slug: GoalSlug,
    /// Who keeps it.
    pub keeper: Keeper,
    /// The budget whose scope is counted; none: all spend.
    pub budget: Option<BudgetName>,
    /// The first day that is posted.
    pub since: Date,
    /// When it was started last.
    pub started_at: Timestamp,
    /// Whether it posts.
    pub is_running: bool,
}

/// A datapoint that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPost {
    /// Which.
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
    /// [`DatapointError::RequestId`]: the feed's id is not of those that are made here.
    pub fn key(&self, day: Date) -> Result<PointKey, DatapointError> {
        let request_id = format!("mecris-{}-{}", self.id, day.strftime("%Y%m%d"));
        Ok(PointKey { slug: self.slug.clone(), request_id: RequestId::try_from(request_id)? })
    }

    /// The datapoints that are to be written so that the goal has what was spent, the oldest day first.
    ///
    /// A day whose datapoint was refused rests until the next day, or until the feed is started again: a goal
    /// that is gone is not asked for every minute.
    ///
    /// # Errors
    /// [`DatapointError::RequestId`].
    pub fn due(
        &self,
        spent: &BTreeMap<Date, Picodollars>,
        ledger: &Ledger,
        today: Date,
        zone: &TimeZone,
    ) -> Result<Vec<FeedPost>, DatapointError> {
        let mut posts = Vec::new();
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
                Some((Fate::Refused { at, .. }, _)) => {
                    *at < self.started_at || calendar::day_of(*at, zone) < today
                }
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
