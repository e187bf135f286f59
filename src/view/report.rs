//! Query: usage reports, which sum the cube by hour, day, week, month, year, provider, project, session or model.
//!
//! These types are the documented, stable JSON of `mecris report` and `/api/v1/spend`.

mod only;
mod reckon;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;

use super::spend::Sum;

pub use only::{Only, OnlyError};
pub use reckon::report;

/// How a report is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// By the hours of a day's clock.
    Hourly,
    Daily,
    /// By week; `week_starts` is the first day.
    Weekly,
    /// By calendar month.
    Monthly,
    /// By calendar year.
    Yearly,
    /// By who was paid.
    Provider,
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
            /// By model.
            pub models: Vec<ModelLine>,
            /// All its models together.
            pub total: Totals,
        }
    };
}

group! {
    /// An hour of the clock.
    HourGroup {
        /// `YYYY-MM-DD HH:00` in the report's time zone. Where clocks go back, the hour that comes twice is one group.
        hour
    }
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
    /// A calendar year.
    YearGroup {
        /// `YYYY`.
        year
    }
}
group! {
    /// A provider.
    ProviderGroup {
        /// Who was paid.
        provider
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
    /// All its models together.
    pub total: Totals,
}

/// A report; its grouping decides which list it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Report {
    /// By hour, ascending.
    Hourly {
        /// The hours with usage.
        hours: Vec<HourGroup>,
        /// All of them together.
        total: Totals,
    },
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
    /// By year, ascending.
    Yearly {
        /// The years with usage.
        years: Vec<YearGroup>,
        /// All of them together.
        total: Totals,
    },
    /// By provider, the most expensive first.
    Provider {
        /// The providers with usage.
        providers: Vec<ProviderGroup>,
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

impl Report {
    /// All groups together.
    #[must_use]
    pub fn total(&self) -> &Totals {
        match self {
            Self::Hourly { total, .. }
            | Self::Daily { total, .. }
            | Self::Weekly { total, .. }
            | Self::Monthly { total, .. }
            | Self::Yearly { total, .. }
            | Self::Provider { total, .. }
            | Self::Project { total, .. }
            | Self::Session { total, .. }
            | Self::Model { total, .. } => total,
        }
    }
}
