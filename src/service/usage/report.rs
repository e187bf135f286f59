//! The usage report, and how old it is.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::freshness::Freshness;
use crate::view::report::{Grouping, Range, Report, report};

/// A usage report, and how old it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportShown {
    /// The report; its grouping decides which of its lists is present.
    #[serde(flatten)]
    pub report: Report,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

impl Snapshot {
    /// A report, in the configured time zone unless `zone` is given.
    #[must_use]
    pub fn report(&self, grouping: Grouping, range: &Range, zone: Option<&TimeZone>) -> ReportShown {
        let (freshness, week) = (self.reading().freshness(), self.loaded().config.week_starts);
        let zone = zone.unwrap_or(self.zone());
        ReportShown { report: report(&self.view().spend, grouping, range, zone, week), freshness }
    }
}

impl Reads {
    /// See [`Snapshot::report`].
    #[must_use]
    pub fn report(&self, grouping: Grouping, range: &Range, zone: Option<&TimeZone>) -> ReportShown {
        self.at(|at| at.report(grouping, range, zone))
    }
}
