//! Query: usage reports, which sum the cube by day, week, month, project, session or model.
//!
//! These types are the documented, stable JSON of `mecris report` and `/api/v1/spend`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar::{self, WeekStart};
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;

use super::spend::{Cell, DayCache, Part, SpendView, Sum};

/// How a report is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    Daily,
    /// By week; `week_starts` is the first day.
    Weekly,
    /// By calendar month.
    Monthly,
    /// By the session's project.
    Project,
    Session,
    Model,
}

/// The days that a report covers.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// The first day; unbounded if none.
    pub since: Option<Date>,
    /// The last day, inclusive; unbounded if none.
    pub until: Option<Date>,
}

impl Range {
    /// Its first instant, and the first instant after it.
    fn instants(&self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        // The first and last days of the calendar have no instant in some time zones.
        let bounded = |day: Date, instant: fn(Date, &TimeZone) -> Timestamp| match day.year() {
            ..1 => Timestamp::MIN,
            9999.. => Timestamp::MAX,
            _ => instant(day, zone),
        };
        (
            self.since.map_or(Timestamp::MIN, |since| bounded(since, calendar::start_of)),
            self.until.map_or(Timestamp::MAX, |until| bounded(until, calendar::end_of)),
        )
    }
}

/// Token counts and cost of some calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Billed calls.
    pub messages: u64,
    /// Uncached input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens written to the five-minute cache.
    pub cache_write_5m_tokens: u64,
    /// Tokens written to the one-hour cache.
    pub cache_write_1h_tokens: u64,
    /// Tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Web searches.
    pub web_searches: u64,
    /// The exact cost in USD, a decimal string; null if no call has a price.
    #[schema(value_type = Option<String>, example = "12.0345")]
    pub cost_usd: Option<Picodollars>,
    /// Calls without a price, which `cost_usd` leaves out; absent if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_messages: u64,
    /// Calls of which `cost_usd` leaves out a part, or that are priced with another day's prices; absent if
    /// there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partly_priced_messages: u64,
    /// Tokens that `cost_usd` leaves out; absent if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_tokens: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<&Sum> for Totals {
    fn from(sum: &Sum) -> Self {
        let Tokens { input, output, cache_write_5m, cache_write_1h, cache_read, web_searches } = sum.tokens;
        let nothing_priced = sum.unpriced > 0 && sum.unpriced == sum.messages;
        Self {
            messages: sum.messages,
            input_tokens: input,
            output_tokens: output,
            cache_write_5m_tokens: cache_write_5m,
            cache_write_1h_tokens: cache_write_1h,
            cache_read_tokens: cache_read,
            web_searches,
            cost_usd: (!nothing_priced).then_some(sum.cost),
            unpriced_messages: sum.unpriced,
            partly_priced_messages: sum.partial,
            unpriced_tokens: sum.lacking.sum(),
        }
    }
}

/// A model's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelLine {
    /// The provider.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// The model.
    #[schema(example = "claude-opus-5")]
    pub model: String,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
}

macro_rules! group {
    ($(#[$doc:meta])* $name:ident { $(#[$key_doc:meta])* $key:ident }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            $(#[$key_doc])*
            pub $key: String,
            pub models: Vec<ModelLine>,
        }
    };
}

group! {
    /// A day.
    DayGroup {
        /// `YYYY-MM-DD` in the report's time zone.
        day
    }
}
group! {
    /// A week.
    WeekGroup {
        /// The first day of the week, `YYYY-MM-DD`.
        week
    }
}
group! {
    /// A calendar month.
    MonthGroup {
        /// `YYYY-MM`.
        month
    }
}
group! {
    /// A project.
    ProjectGroup {
        /// The project's name, or empty if unknown.
        project
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionGroup {
    /// The session's id, or empty if unknown.
    pub session: String,
    /// Its last working directory.
    pub project: String,
    /// First call, rounded to the quarter of an hour.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// Last call, rounded to the quarter of an hour.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// By model.
    pub models: Vec<ModelLine>,
}

/// A report; its grouping decides which list it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Report {
    /// By day, ascending.
    Daily {
        /// The days with usage.
        days: Vec<DayGroup>,
        /// All of them together.
        total: Totals,
    },
    /// By week, ascending.
    Weekly {
        /// The weeks with usage.
        weeks: Vec<WeekGroup>,
        /// All of them together.
        total: Totals,
    },
    /// By month, ascending.
    Monthly {
        /// The months with usage.
        months: Vec<MonthGroup>,
        /// All of them together.
        total: Totals,
    },
    /// By project, the most expensive first.
    Project {
        /// The projects with usage.
        projects: Vec<ProjectGroup>,
        /// All of them together.
        total: Totals,
    },
    /// By session, the latest first.
    Session {
        /// The sessions with usage.
        sessions: Vec<SessionGroup>,
        /// All of them together.
        total: Totals,
    },
    /// By model, the most expensive first.
    Model {
        /// The models with usage.
        models: Vec<ModelLine>,
        /// All of them together.
        total: Totals,
    },
}

/// The sums of one group.
#[derive(Default)]
struct Group<'a> {
    models: BTreeMap<(&'a str, &'a str), Sum>,
    first: Option<Timestamp>,
    last: Option<(Timestamp, &'a str)>,
}

impl<'a> Group<'a> {
    fn add(&mut self, part: &Part<'a>) {
        self.models.entry((part.provider, part.model)).or_default().add(part.sum);
    }

    /// The same, with the time and place of the cell.
    fn add_timed(&mut self, cell: &Cell<'a>) {
        self.add(&cell.part());
        let at = cell.quarter.start();
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(Some((at, cell.project)));
    }

    fn cost(&self) -> Picodollars {
        self.models.values().map(|sum| sum.cost).sum()
    }

    fn lines(&self) -> Vec<ModelLine> {
        let line = |(&(provider, model), sum): (&(&str, &str), &Sum)| ModelLine {
            provider: provider.to_owned(),
            model: model.to_owned(),
            totals: sum.into(),
        };
        self.models.iter().map(line).collect()
    }
}

/// Builds a report over the days of `zone`; weeks begin on `week`.
#[must_use]
pub fn report(
    spend: &SpendView,
    grouping: Grouping,
    range: &Range,
    zone: &TimeZone,
    week: WeekStart,
) -> Report {
    let (from, until) = range.instants(zone);
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut total = Sum::default();
    if let Grouping::Project | Grouping::Model = grouping {
        for part in spend.parts_between(from, until) {
            total.add(part.sum);
            let name = if grouping == Grouping::Project { part.project } else { "" };
            groups.entry(name.to_owned()).or_default().add(&part);
        }
        return arrange(grouping, groups, (&total).into());
    }
    let mut days = DayCache::new(zone);
    // The last cell's group name: cells of one day are adjacent.
    let mut last: Option<(Date, String)> = None;
    for cell in spend.cells_between(from, until) {
        total.add(cell.sum);
        if grouping == Grouping::Session {
            groups.entry(cell.session.to_owned()).or_default().add_timed(&cell);
            continue;
        }
        let day = days.day(cell.quarter);
        let name = match last.take().filter(|(known, _)| *known == day) {
            Some((_, name)) => name,
            None => time_name(grouping, day, week),
        };
        match groups.get_mut(&name) {
            Some(group) => group.add(&cell.part()),
            None => groups.entry(name.clone()).or_default().add(&cell.part()),
        }
        last = Some((day, name));
    }
    arrange(grouping, groups, (&total).into())
}

/// The name of a day's group.
fn time_name(grouping: Grouping, day: Date, week: WeekStart) -> String {
    match grouping {
        Grouping::Weekly => week.week_of(day).to_string(),
        Grouping::Monthly => day.strftime("%Y-%m").to_string(),
        Grouping::Daily | Grouping::Project | Grouping::Session | Grouping::Model => day.to_string(),
    }
}

fn arrange(grouping: Grouping, groups: BTreeMap<String, Group<'_>>, total: Totals) -> Report {
    let lines = |groups: BTreeMap<String, Group<'_>>| {
        groups.into_iter().map(|(name, group)| (name, group.lines())).collect::<Vec<_>>()
    };
    match grouping {
        Grouping::Daily => {
            let group = |(day, models)| DayGroup { day, models };
            Report::Daily { days: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Weekly => {
            let group = |(week, models)| WeekGroup { week, models };
            Report::Weekly { weeks: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Monthly => {
            let group = |(month, models)| MonthGroup { month, models };
            Report::Monthly { months: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Project => {
            let mut groups: Vec<_> = groups.into_iter().collect();
            groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.cost()));
            let group =
                |(project, group): (String, Group<'_>)| ProjectGroup { project, models: group.lines() };
            Report::Project { projects: groups.into_iter().map(group).collect(), total }
        }
        Grouping::Session => {
            let mut sessions: Vec<_> = groups.into_iter().map(session_group).collect();
            sessions.sort_by_key(|session| std::cmp::Reverse(session.last_seen));
            Report::Session { sessions, total }
        }
        Grouping::Model => {
            let mut models: Vec<_> = groups.into_values().flat_map(|group| group.lines()).collect();
            models.sort_by_key(|line| std::cmp::Reverse(line.totals.cost_usd));
            Report::Model { models, total }
        }
    }
}

fn session_group((session, group): (String, Group<'_>)) -> SessionGroup {
    let (last_seen, project) = group.last.unwrap_or((Timestamp::UNIX_EPOCH, ""));
    SessionGroup {
        session,
        project: project.to_owned(),
        first_seen: group.first.unwrap_or(last_seen),
        last_seen,
        models: group.lines(),
    }
}
