//! The usage report, and how old it is.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::freshness::Freshness;
use crate::view::report::{Grouping, Only, OnlyError, Range, Report, report};

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
    ///
    /// # Errors
    /// [`OnlyError`].
    pub fn report(
        &self,
        grouping: Grouping,
        range: &Range,
        only: Only,
        zone: Option<&TimeZone>,
    ) -> Result<ReportShown, OnlyError> {
        let (freshness, week) = (self.reading().freshness(), self.loaded().config.week_starts);
        let (spend, zone) = (&self.view().spend, zone.unwrap_or(self.zone()));
        let report = report(spend, grouping, range, &only.resolved(spend)?, zone, week);
        Ok(ReportShown { report, freshness })
    }
}

impl Reads {
    /// See [`Snapshot::report`].
    ///
    /// # Errors
    /// As there.
    pub fn report(
        &self,
        grouping: Grouping,
        range: &Range,
        only: Only,
        zone: Option<&TimeZone>,
    ) -> Result<ReportShown, OnlyError> {
        self.at(|at| at.report(grouping, range, only, zone))
    }
}
