//! Query: the feeds.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::datapoint::{Decimal, Entry, Fate, Keeper};
use crate::domain::feed::Feed;

use super::TenantView;
use super::goals::zone_of;

/// The state of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FeedState {
    /// It posts.
    Running,
    /// Its newest datapoint is not written yet: the goal's keeper has not answered. Or it is not known yet on
    /// which days to post.
    Waiting,
    /// A datapoint was refused; the next day's is tried again.
    Refused,
    /// Its budget was removed, so nothing is posted.
    NoBudget,
    /// It was stopped.
    Stopped,
}

/// A feed and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedLine {
    /// The goal.
    #[schema(example = "spend")]
    pub slug: String,
    /// The goal's keeper: `beeminder` or `local`.
    #[schema(value_type = String)]
    pub source: Keeper,
    /// The budget whose scope is counted; null for all spend.
    pub budget: Option<String>,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub since: Date,
    /// Its state.
    pub state: FeedState,
    /// Days whose datapoint is written.
    pub days_written: u64,
    /// Days whose datapoint is not written yet.
    pub days_waiting: u64,
    /// The newest day written.
    #[schema(value_type = Option<String>, format = Date)]
    pub last_day: Option<Date>,
    /// The value written for it, in USD.
    #[schema(value_type = Option<String>)]
    pub last_value: Option<Decimal>,
    /// Why its last datapoint was refused, or why nothing can be posted.
    pub reason: Option<String>,
}

/// The feeds, by goal.
#[must_use]
pub fn feeds(view: &TenantView) -> Vec<FeedLine> {
    view.local_goals.feeds.values().map(|feed| line(view, feed)).collect()
}

fn line(view: &TenantView, feed: &Feed) -> FeedLine {
    let is_its = |entry: &&Entry| entry.point.feed.as_ref() == Some(&feed.id);
    let entries: Vec<&Entry> = view.ledger.entries().map(|(_, entry)| entry).filter(is_its).collect();
    let count = |fate: &Fate| entries.iter().filter(|entry| entry.fate == *fate).count() as u64;
    let written = entries.iter().filter(|entry| entry.fate == Fate::Written);
    let last = written.max_by_key(|entry| entry.point.day).map(|entry| &entry.point);
    let refusals = entries.iter().filter_map(|entry| match &entry.fate {
        Fate::Refused { at, reason } if *at >= feed.started_at => Some((*at, reason.clone())),
        _ => None,
    });
    let reason = refusals.max_by_key(|(at, _)| *at).map(|(_, reason)| reason);
    let (days_written, days_waiting) = (count(&Fate::Written), count(&Fate::Open));
    let has_budget = feed.budget.as_ref().is_none_or(|name| view.budgets.contains_key(name));
    let unknown = match feed.keeper {
        Keeper::Local => None,
        Keeper::Beeminder => view.goal_days.clock(feed.slug.as_str(), zone_of).err(),
    };
    let state = match (feed.is_running, has_budget) {
        (false, _) => FeedState::Stopped,
        (true, false) => FeedState::NoBudget,
        (true, true) if reason.is_some() => FeedState::Refused,
        (true, true) if days_waiting > 0 || unknown.is_some() => FeedState::Waiting,
        (true, true) => FeedState::Running,
    };
    let reason = reason.or_else(|| Some(unknown.filter(|_| state == FeedState::Waiting)?.to_string()));
    FeedLine {
        slug: feed.slug.to_string(),
        source: feed.keeper,
        budget: feed.budget.as_ref().map(ToString::to_string),
        since: feed.since,
        state,
        days_written,
        days_waiting,
        last_day: last.map(|point| point.day),
        last_value: last.map(|point| point.value.clone()),
        reason,
    }
}
