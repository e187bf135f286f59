//! What providers report of their days.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use super::class::classes;
use crate::domain::currency::{Currency, CurrencyError};
use crate::domain::money::Picodollars;
use crate::domain::report::{
    Contents, CostLine, CostReport, DayKey, DayReport, ReportChange, ReportSource, UsageLine, UsageReport,
};
use crate::domain::tokens::Tokens;
use crate::event::envelope::EventId;

/// A provider reported what a day cost, or corrected it: this supersedes what it said of that day before.
/// When it was told stands in the envelope. Version 2; version 1 did not know of rows that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostReported {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// The UTC day, `YYYY-MM-DD`.
    pub day: String,
    /// Where it comes from: `provider-api` or `console`.
    pub source: String,
    /// 0 for the first report of the day from there; each correction adds one.
    pub revision: u32,
    /// The currency's code, `USD`.
    pub currency: String,
    /// Sorted; one for each model and kind, none of them zero.
    pub lines: Vec<ReportedCost>,
    /// Rows of the provider's that could not be read, and are not in the lines.
    pub left_out: u32,
}

/// Version 1 of [`CostReported`], kept for the logs that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostReportedV1 {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// The UTC day, `YYYY-MM-DD`.
    pub day: String,
    /// Where it comes from: `provider-api` or `console`.
    pub source: String,
    /// 0 for the first report of the day from there; each correction adds one.
    pub revision: u32,
    /// The currency's code, `USD`.
    pub currency: String,
    /// Sorted; one for each model and kind, none of them zero.
    pub lines: Vec<ReportedCost>,
}

impl From<CostReportedV1> for CostReported {
    fn from(old: CostReportedV1) -> Self {
        let CostReportedV1 { provider, day, source, revision, currency, lines } = old;
        Self { provider, day, source, revision, currency, lines, left_out: 0 }
    }
}

/// What one kind of use of one model cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedCost {
    /// The model, or empty.
    pub model: String,
    /// What it is for, as the provider says it, or empty.
    pub kind: String,
    /// The cost, exactly, in the report's currency.
    #[schemars(with = "String")]
    pub cost: Picodollars,
}

/// A provider reported what was consumed on a day, or corrected it. Version 2; version 1 did not know of rows that were
/// left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageReported {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// The UTC day, `YYYY-MM-DD`.
    pub day: String,
    /// Where it comes from: `provider-api` or `console`.
    pub source: String,
    /// 0 for the first report of the day from there; each correction adds one.
    pub revision: u32,
    /// Sorted; one for each model, none of them empty.
    pub lines: Vec<ReportedUsage>,
    /// Rows of the provider's that could not be read, and are not in the lines.
    pub left_out: u32,
}

/// Version 1 of [`UsageReported`], kept for the logs that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageReportedV1 {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// The UTC day, `YYYY-MM-DD`.
    pub day: String,
    /// Where it comes from: `provider-api` or `console`.
    pub source: String,
    /// 0 for the first report of the day from there; each correction adds one.
    pub revision: u32,
    /// Sorted; one for each model, none of them empty.
    pub lines: Vec<ReportedUsage>,
}

impl From<UsageReportedV1> for UsageReported {
    fn from(old: UsageReportedV1) -> Self {
        let UsageReportedV1 { provider, day, source, revision, lines } = old;
        Self { provider, day, source, revision, lines, left_out: 0 }
    }
}

/// What was consumed of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedUsage {
    /// The model, or empty.
    pub model: String,
    /// What was consumed.
    pub tokens: Tokens,
}

classes! {
    CostReported { None: provider, day, source, revision, currency, left_out; Parts: lines; }
    CostReportedV1 { None: provider, day, source, revision, currency; Parts: lines; }
    ReportedCost { None: model, kind, cost; }
    UsageReported { None: provider, day, source, revision, left_out; Parts: lines; }
    UsageReportedV1 { None: provider, day, source, revision; Parts: lines; }
    ReportedUsage { None: model; Parts: tokens; }
}

/// Why a stored report is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportPayloadError {
    /// Not a day.
    #[error("'{0}' is not a day")]
    Day(String),
    /// A source that a newer program knows.
    #[error("'{0}' is not a source of reports that this mecris knows; use a newer one")]
    Source(String),
    /// Not a currency.
    #[error(transparent)]
    Currency(#[from] CurrencyError),
}

/// The event of a decided report, and its id.
#[must_use]
pub fn report_event(tenant: &str, change: &ReportChange) -> (EventId, Event<'static>) {
    let ReportChange { report: DayReport { key, contents }, revision } = change;
    let (day, source, number) = (key.day.to_string(), key.source.word(), revision.to_string());
    let parts = [tenant, &key.provider, &day, source, &number];
    match contents {
        Contents::Cost(report) => {
            let line = |line: &CostLine| ReportedCost {
                model: line.model.clone(),
                kind: line.kind.clone(),
                cost: line.cost,
            };
            let event = Event::CostReported(CostReported {
                provider: key.provider.clone(),
                day: day.clone(),
                source: source.to_owned(),
                revision: *revision,
                currency: report.currency.to_string(),
                lines: report.lines.iter().map(line).collect(),
                left_out: report.left_out,
            });
            (EventId::derive("cost-reported", &parts), event)
        }
        Contents::Usage(report) => {
            let line = |line: &UsageLine| ReportedUsage { model: line.model.clone(), tokens: line.tokens };
            let event = Event::UsageReported(UsageReported {
                provider: key.provider.clone(),
                day: day.clone(),
                source: source.to_owned(),
                revision: *revision,
                lines: report.lines.iter().map(line).collect(),
                left_out: report.left_out,
            });
            (EventId::derive("usage-reported", &parts), event)
        }
    }
}

/// What an event says about reports, if anything.
///
/// # Errors
/// [`ReportPayloadError`].
pub fn report_change(event: &Event<'_>) -> Result<Option<ReportChange>, ReportPayloadError> {
    Ok(match event {
        Event::CostReported(stored) => {
            let line = |line: &ReportedCost| CostLine {
                model: line.model.clone(),
                kind: line.kind.clone(),
                cost: line.cost,
            };
            let report = CostReport {
                currency: Currency::parse(&stored.currency)?,
                lines: stored.lines.iter().map(line).collect(),
                left_out: stored.left_out,
            };
            let key = key(&stored.provider, &stored.day, &stored.source)?;
            let report = DayReport { key, contents: Contents::Cost(report) };
            Some(ReportChange { report, revision: stored.revision })
        }
        Event::UsageReported(stored) => {
            let line = |line: &ReportedUsage| UsageLine { model: line.model.clone(), tokens: line.tokens };
            let report =
                UsageReport { lines: stored.lines.iter().map(line).collect(), left_out: stored.left_out };
            let key = key(&stored.provider, &stored.day, &stored.source)?;
            let report = DayReport { key, contents: Contents::Usage(report) };
            Some(ReportChange { report, revision: stored.revision })
        }
        _ => None,
    })
}

fn key(provider: &str, day: &str, source: &str) -> Result<DayKey, ReportPayloadError> {
    let date: Date = day.parse().map_err(|_| ReportPayloadError::Day(day.to_owned()))?;
    let source =
        ReportSource::of_word(source).ok_or_else(|| ReportPayloadError::Source(source.to_owned()))?;
    Ok(DayKey { provider: provider.to_owned(), day: date, source })
}
