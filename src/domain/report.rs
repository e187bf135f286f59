//! What providers report of a day: its cost and its usage. Days here are UTC days, as providers have them.
//!
//! A provider tells a day again and again, and what it tells grows and is corrected for some days after. What is
//! told unchanged is no news; what has changed is a new revision, which supersedes the one before. The one
//! before stays in the log as it was. The same numbers told again after the day's end, and again after they have
//! [settled](Standing), are a revision too: only then is it known that they are whole.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::balance::is_provider;
use super::calendar;
use super::currency::Currency;
use super::money::Picodollars;
use super::tokens::{MAX_COUNT, Tokens};
use crate::domain::words::words;

/// A day that is told so long after its end is not corrected any more: late data comes within some hours to two days.
const SETTLES_AFTER: SignedDuration = SignedDuration::from_hours(2 * 24);
/// The longest name of a model or of a kind of cost, in bytes.
const NAME_BYTES_MAX: usize = 120;
/// The most that the lines of one day may take, in bytes: an event holds 64 KiB.
const LINES_BYTES_MAX: usize = 48 * 1024;
/// What the numbers of a line take.
const LINE_BYTES: usize = 64;
/// More than this for one line is no cost of a day, in whole USD.
const COST_MAX_USD: i64 = 10_000_000;

/// Where a report comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportSource {
    /// The console's own pages.
    Console,
    /// The provider's official API. Where both tell of a day, this one counts.
    ProviderApi,
}

words! { ReportSource { Console: "console", ProviderApi: "provider-api" } }

/// How much of a day a report can know, by when it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was told before the day's end.
    Open,
    /// It was told less than two days after the day's end, and may be corrected.
    Provisional,
    /// It was told later.
    Settled,
}

words! { Standing { Open: "open", Provisional: "provisional", Settled: "settled" } }

impl Standing {
    /// That of a report of a UTC day told at an instant.
    #[must_use]
    pub fn of(day: Date, told_at: Timestamp) -> Self {
        let age = told_at.duration_since(calendar::end_of(day, &TimeZone::UTC));
        match age {
            age if age < SignedDuration::ZERO => Self::Open,
            age if age < SETTLES_AFTER => Self::Provisional,
            _ => Self::Settled,
        }
    }
}

/// What a report tells of: a provider's day, from one source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DayKey {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// The UTC day.
    pub day: Date,
    /// Where the report comes from.
    pub source: ReportSource,
}

/// What one kind of use of one model cost on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// The model as usage names it; empty where the provider does not say.
    pub model: String,
    /// What it is for, as the provider says it: `output_tokens`, `web_search`; empty where it does not.
    pub kind: String,
    /// What it cost, in units of 10⁻¹² of the report's currency; below zero for a credit.
    pub cost: Picodollars,
}

/// The cost of a day. Lines are sorted, one for each model and kind, none of them zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostReport {
    /// The currency; what is not USD is shown and not reckoned with.
    pub currency: Currency,
    /// The lines.
    pub lines: Vec<CostLine>,
}

/// What was consumed of one model on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// The model as usage names it; empty where the provider does not say.
    pub model: String,
    /// What was consumed.
    pub tokens: Tokens,
}

/// The usage of a day. Lines are sorted, one for each model, none of them empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// The lines.
    pub lines: Vec<UsageLine>,
}

/// What a provider reports of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// What it cost.
    Cost(CostReport),
    /// What was consumed.
    Usage(UsageReport),
}

/// A report of a day, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayReport {
    /// Of what.
    pub key: DayKey,
    /// What it says.
    pub contents: Contents,
}

impl DayReport {
    /// The cost of a UTC day; lines in any order, those of one model and kind are added up. A day on which nothing
    /// was spent has no lines, and is worth telling.
    #[must_use]
    pub fn cost(
        provider: &str,
        day: Date,
        source: ReportSource,
        currency: Currency,
        lines: impl IntoIterator<Item = CostLine>,
    ) -> Self {
        let mut sums: BTreeMap<(String, String), Picodollars> = BTreeMap::new();
        for line in lines {
            *sums.entry((line.model, line.kind)).or_default() += line.cost;
        }
        let lines = sums.into_iter().filter(|(_, cost)| *cost != Picodollars::ZERO);
        let lines = lines.map(|((model, kind), cost)| CostLine { model, kind, cost }).collect();
        Self {
            key: DayKey { provider: provider.to_owned(), day, source },
            contents: Contents::Cost(CostReport { currency, lines }),
        }
    }

    /// The usage of a UTC day; lines in any order, those of one model are added up.
    #[must_use]
    pub fn usage(
        provider: &str,
        day: Date,
        source: ReportSource,
        lines: impl IntoIterator<Item = UsageLine>,
    ) -> Self {
        let mut sums: BTreeMap<String, Tokens> = BTreeMap::new();
        for line in lines {
            let sum = sums.entry(line.model).or_default();
            *sum = sum.saturating_add(line.tokens);
        }
        let lines = sums.into_iter().filter(|(_, tokens)| *tokens != Tokens::default());
        let lines = lines.map(|(model, tokens)| UsageLine { model, tokens }).collect();
        Self {
            key: DayKey { provider: provider.to_owned(), day, source },
            contents: Contents::Usage(UsageReport { lines }),
        }
    }
}

impl CostReport {
    /// What the day cost, in the report's currency.
    #[must_use]
    pub fn total(&self) -> Picodollars {
        self.lines.iter().map(|line| line.cost).sum()
    }
}

/// A decided report: news, and the how-manieth of its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportChange {
    /// The report.
    pub report: DayReport,
    /// 0 for the first that was told of the day; each correction adds one.
    pub revision: u32,
}

/// What is known of a report now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest<T> {
    /// What the last revision says.
    pub report: T,
    /// How often it was corrected.
    pub revision: u32,
    /// When the first one was told.
    pub first_told_at: Timestamp,
    /// When this one was told.
    pub told_at: Timestamp,
}

/// All that providers have reported: of each day the last that was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    costs: BTreeMap<DayKey, Latest<CostReport>>,
    usages: BTreeMap<DayKey, Latest<UsageReport>>,
}

/// Why a report is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Not a provider's name.
    #[error("'{0}' is not a provider's name; use one like anthropic, of a-z, 0-9, '-', '_' and '.'")]
    Provider(String),
    /// A day that has not begun.
    #[error("a report of {0} is of a day that has not begun in UTC; look at the clock of this machine")]
    Future(Date),
    /// A name that is none.
    #[error("a line of the report of {0} has a name over {NAME_BYTES_MAX} bytes or with control characters")]
    Name(Date),
    /// A number that is none.
    #[error("a line of the report of {0} has a number that no day has")]
    Absurd(Date),
    /// It does not fit an event.
    #[error("the report of {0} has too many lines; ask the provider for fewer groups")]
    TooLong(Date),
}

impl Coded for ReportError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Reports {
    /// The costs, by provider, day and source.
    pub fn costs(&self) -> impl Iterator<Item = (&DayKey, &Latest<CostReport>)> {
        self.costs.iter()
    }

    /// The usages, by provider, day and source.
    pub fn usages(&self) -> impl Iterator<Item = (&DayKey, &Latest<UsageReport>)> {
        self.usages.iter()
    }

    /// Decides on a report: its revision, or none where the very same is the last that was told.
    ///
    /// # Errors
    /// [`ReportError`]: it is refused.
    pub fn decide(&self, report: DayReport, now: Timestamp) -> Result<Option<ReportChange>, ReportError> {
        check(&report, now)?;
        let (is_known, revision) = match &report.contents {
            Contents::Cost(told) => next(self.costs.get(&report.key), told, report.key.day, now),
            Contents::Usage(told) => next(self.usages.get(&report.key), told, report.key.day, now),
        };
        Ok((!is_known).then_some(ReportChange { report, revision }))
    }

    /// Takes a decided report in, told at an instant.
    pub fn evolve(&mut self, told_at: Timestamp, change: ReportChange) {
        let ReportChange { report, revision } = change;
        match report.contents {
            Contents::Cost(told) => put(&mut self.costs, report.key, told, revision, told_at),
            Contents::Usage(told) => put(&mut self.usages, report.key, told, revision, told_at),
        }
    }
}

fn next<T: PartialEq>(known: Option<&Latest<T>>, told: &T, day: Date, now: Timestamp) -> (bool, u32) {
    known.map_or((false, 0), |known| {
        let has_grown_older = Standing::of(day, now) > Standing::of(day, known.told_at);
        (known.report == *told && !has_grown_older, known.revision + 1)
    })
}

fn put<T>(
    latest: &mut BTreeMap<DayKey, Latest<T>>,
    key: DayKey,
    report: T,
    revision: u32,
    told_at: Timestamp,
) {
    let first_told_at = latest.get(&key).map_or(told_at, |known| known.first_told_at);
    latest.insert(key, Latest { report, revision, first_told_at, told_at });
}

fn check(report: &DayReport, now: Timestamp) -> Result<(), ReportError> {
    let DayKey { provider, day, .. } = &report.key;
    if !is_provider(provider) {
        return Err(ReportError::Provider(provider.chars().take(NAME_BYTES_MAX).collect()));
    }
    if *day > calendar::day_of(now, &TimeZone::UTC) {
        return Err(ReportError::Future(*day));
    }
    let is_name = |name: &str| name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    let mut bytes = 0;
    match &report.contents {
        Contents::Cost(report) => {
            for line in &report.lines {
                if !is_name(&line.model) || !is_name(&line.kind) {
                    return Err(ReportError::Name(*day));
                }
                if line.cost.0.saturating_abs() > Picodollars::usd(COST_MAX_USD).0 {
                    return Err(ReportError::Absurd(*day));
                }
                bytes += line.model.len() + line.kind.len() + LINE_BYTES;
            }
        }
        Contents::Usage(report) => {
            for line in &report.lines {
                if !is_name(&line.model) {
                    return Err(ReportError::Name(*day));
                }
                let Tokens { input, output, cache_write_5m, cache_write_1h, cache_read, web_searches } =
                    line.tokens;
                let counts = [input, output, cache_write_5m, cache_write_1h, cache_read, web_searches];
                if counts.into_iter().any(|count| count > MAX_COUNT) {
                    return Err(ReportError::Absurd(*day));
                }
                bytes += line.model.len() + LINE_BYTES;
            }
        }
    }
    if bytes > LINES_BYTES_MAX { Err(ReportError::TooLong(*day)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
