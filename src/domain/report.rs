//! Providers' reports of a day: cost and usage. Days here are UTC days, as providers have them.
//!
//! A provider reports a day repeatedly, and its numbers grow and are corrected for some days afterwards.
//! Unchanged numbers are not recorded; changed ones are a new revision, which supersedes the previous one.
//! That one stays in the log as it was. The same numbers again after the day's end, and again after they have
//! [settled](Standing), are a revision too: only then are they known to be complete.
//!
//! A day of which something was told and then nothing is held: a key that lost its sight, or a provider in
//! trouble, answers with an empty day too. What was told before counts until nothing is told once more, which
//! is a revision as well.

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

/// Reports this long after a day's end are final: late data arrives within hours or two days.
const SETTLES_AFTER: SignedDuration = SignedDuration::from_hours(2 * 24);
/// Maximum length of a model's name or a kind of cost, in bytes.
pub const NAME_BYTES_MAX: usize = 120;
/// Maximum size of a day's lines in bytes: an event holds 64 KiB.
const LINES_BYTES_MAX: usize = 48 * 1024;
/// Size of the numbers of a line.
const LINE_BYTES: usize = 64;
/// Larger amounts per line are errors, in whole USD.
pub const COST_MAX_USD: i64 = 10_000_000;

/// The source of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportSource {
    /// The console's own pages.
    Console,
    /// The provider's official API. If both report a day, this one counts.
    ProviderApi,
}

words! { ReportSource { Console: "console", ProviderApi: "provider-api" } }

/// How complete a report of a day can be, by when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Reported before the day's end.
    Open,
    /// Reported less than two days after the day's end: may still be corrected.
    Provisional,
    /// Reported later.
    Settled,
}

words! { Standing { Open: "open", Provisional: "provisional", Settled: "settled" } }

impl Standing {
    /// The standing of a report of a UTC day made at an instant.
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

/// The identity of a report: a provider's day, from one source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DayKey {
    /// The provider, as usage names it.
    pub provider: String,
    /// The UTC day.
    pub day: Date,
    pub source: ReportSource,
}

/// The cost of one kind of use of one model on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// The model as usage names it; empty if the provider does not say.
    pub model: String,
    /// The kind in the provider's words: `output_tokens`, `web_search`; empty if it does not say.
    pub kind: String,
    /// The cost in units of 10⁻¹² of the report's currency; negative for a credit.
    pub cost: Picodollars,
}

/// The cost of a day. Lines are sorted, one per model and kind, none of them zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostReport {
    /// The currency; reports not in USD are shown and not used.
    pub currency: Currency,
    pub lines: Vec<CostLine>,
    /// Rows of the provider's that could not be read: the sum is without them.
    pub left_out: u32,
}

/// The usage of one model on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// The model as usage names it; empty if the provider does not say.
    pub model: String,
    pub tokens: Tokens,
}

/// The usage of a day. Lines are sorted, one per model, none of them empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    pub lines: Vec<UsageLine>,
    /// Rows of the provider's that could not be read: the sums are without them.
    pub left_out: u32,
}

/// The content of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    Cost(CostReport),
    Usage(UsageReport),
}

/// A report of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayReport {
    pub key: DayKey,
    pub contents: Contents,
}

impl DayReport {
    /// The cost of a UTC day; lines in any order, those of one model and kind are added up. A day without
    /// spend has no lines, and is worth reporting.
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
            contents: Contents::Cost(CostReport { currency, lines, left_out: 0 }),
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
            contents: Contents::Usage(UsageReport { lines, left_out: 0 }),
        }
    }
}

impl DayReport {
    /// The same report without some of its rows, which could not be read.
    #[must_use]
    pub fn without(mut self, rows: u32) -> Self {
        match &mut self.contents {
            Contents::Cost(report) => report.left_out = rows,
            Contents::Usage(report) => report.left_out = rows,
        }
        self
    }
}

impl CostReport {
    /// The day's cost in the report's currency.
    #[must_use]
    pub fn total(&self) -> Picodollars {
        self.lines.iter().map(|line| line.cost).sum()
    }
}

/// A report to record, with its revision number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportChange {
    pub report: DayReport,
    /// 0 for the first report of the day; each correction adds one.
    pub revision: u32,
}

/// The latest revision of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest<T> {
    pub report: T,
    /// Number of corrections.
    pub revision: u32,
    /// When the first one was reported.
    pub first_told_at: Timestamp,
    /// When this one was reported.
    pub told_at: Timestamp,
    /// Whether nothing was told after it, once: see the module.
    pub is_doubted: bool,
}

/// A report of nothing takes no larger amount away at once, in whole USD.
const SMALL_USD: i64 = 1;

/// What may fall to nothing.
trait Amount: PartialEq {
    /// Whether there is nothing in it.
    fn is_nothing(&self) -> bool;
    /// Whether it is more than what a correction may take away.
    fn is_much(&self) -> bool;
}

impl Amount for CostReport {
    fn is_nothing(&self) -> bool {
        self.lines.is_empty()
    }

    fn is_much(&self) -> bool {
        self.total() > Picodollars::usd(SMALL_USD)
    }
}

impl Amount for UsageReport {
    fn is_nothing(&self) -> bool {
        self.lines.is_empty()
    }

    fn is_much(&self) -> bool {
        !self.lines.is_empty()
    }
}

/// The latest revision of each day's reports.
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
    /// An invalid name.
    #[error("a line of the report of {0} has a name over {NAME_BYTES_MAX} bytes or with control characters")]
    Name(Date),
    /// An implausible number.
    #[error("a line of the report of {0} has a number that no day has")]
    Absurd(Date),
    /// Too long for an event.
    #[error("the report of {0} has too many lines; ask the provider for fewer groups")]
    TooLong(Date),
}

impl Coded for ReportError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Reports {
    /// Cost reports, by provider, day and source.
    pub fn costs(&self) -> impl Iterator<Item = (&DayKey, &Latest<CostReport>)> {
        self.costs.iter()
    }

    /// Usage reports, by provider, day and source.
    pub fn usages(&self) -> impl Iterator<Item = (&DayKey, &Latest<UsageReport>)> {
        self.usages.iter()
    }

    /// The days of a provider of which nothing was told after something, and not once more yet.
    pub fn doubted(&self, provider: &str) -> impl Iterator<Item = Date> {
        let costs = self.costs.iter().filter(|(_, latest)| latest.is_doubted).map(|(key, _)| key);
        let usages = self.usages.iter().filter(|(_, latest)| latest.is_doubted).map(|(key, _)| key);
        costs.chain(usages).filter(move |key| key.provider == provider).map(|key| key.day)
    }

    /// Decides on a report: its revision, or none if it is identical to the latest one, or is only a part where the whole
    /// is known: partial is not whole.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn decide(&self, report: DayReport, now: Timestamp) -> Result<Option<ReportChange>, ReportError> {
        check(&report, now)?;
        let is_part = |left_out: u32, known: Option<u32>| left_out > 0 && known == Some(0);
        let (is_known, revision) = match &report.contents {
            Contents::Cost(told) => match self.costs.get(&report.key) {
                known if is_part(told.left_out, known.map(|known| known.report.left_out)) => return Ok(None),
                known => next(known, told, report.key.day, now),
            },
            Contents::Usage(told) => match self.usages.get(&report.key) {
                known if is_part(told.left_out, known.map(|known| known.report.left_out)) => return Ok(None),
                known => next(known, told, report.key.day, now),
            },
        };
        Ok((!is_known).then_some(ReportChange { report, revision }))
    }

    /// Applies a decided report, made at an instant.
    pub fn evolve(&mut self, told_at: Timestamp, change: ReportChange) {
        let ReportChange { report, revision } = change;
        match report.contents {
            Contents::Cost(told) => put(&mut self.costs, report.key, told, revision, told_at),
            Contents::Usage(told) => put(&mut self.usages, report.key, told, revision, told_at),
        }
    }
}

fn next<T: Amount>(known: Option<&Latest<T>>, told: &T, day: Date, now: Timestamp) -> (bool, u32) {
    known.map_or((false, 0), |known| {
        let has_grown_older = Standing::of(day, now) > Standing::of(day, known.told_at);
        // What ends a doubt is news.
        (known.report == *told && !has_grown_older && !known.is_doubted, known.revision + 1)
    })
}

fn put<T: Amount>(
    latest: &mut BTreeMap<DayKey, Latest<T>>,
    key: DayKey,
    report: T,
    revision: u32,
    told_at: Timestamp,
) {
    if let Some(known) = latest.get_mut(&key)
        && report.is_nothing()
        && known.report.is_much()
        && !known.is_doubted
    {
        (known.is_doubted, known.revision) = (true, revision);
        return;
    }
    let first_told_at = latest.get(&key).map_or(told_at, |known| known.first_told_at);
    latest.insert(key, Latest { report, revision, first_told_at, told_at, is_doubted: false });
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
