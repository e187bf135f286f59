//! The question what a number is made of.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::calendar;
use crate::domain::code::{Code, Coded};
use crate::domain::nearest::{nearest, offer};
use crate::service::runtime::reads::Reads;
use crate::view::explain::{ExplainedEvent, Explanation, Subject, explain_each};
use crate::view::{TenantView, ViewError};

/// So many sessions are offered for an id that is unknown.
const OFFERED: usize = 4;

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainFailure {
    /// The log cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// No usage has the id.
    #[error("'{id}' is neither days nor the id of a session or message with usage{}", offer(" sessions", .nearest))]
    Unknown {
        /// What was asked for.
        id: String,
        /// Sessions that were used.
        nearest: Vec<String>,
    },
}

impl Coded for ExplainFailure {
    fn code(&self) -> Code {
        match self {
            Self::View(error) => error.code(),
            Self::Unknown { .. } => Code::NotFound,
        }
    }
}

impl Reads {
    /// The events behind a number, from the log alone: of days as a person writes them, or of an id or its beginning.
    /// Blocks.
    ///
    /// # Errors
    /// [`ExplainFailure`].
    pub fn explain(
        &self,
        subject: &str,
        zone: Option<&TimeZone>,
        now: Timestamp,
    ) -> Result<Explanation, ExplainFailure> {
        let mut events = Vec::new();
        let explained = self.explain_each(subject, zone, now, &mut |event| events.push(event))?;
        Ok(Explanation { events, ..explained })
    }

    /// The same, each event handed on and none kept. Blocks.
    ///
    /// # Errors
    /// [`ExplainFailure`].
    pub fn explain_each(
        &self,
        subject: &str,
        zone: Option<&TimeZone>,
        now: Timestamp,
        each: &mut dyn FnMut(ExplainedEvent),
    ) -> Result<Explanation, ExplainFailure> {
        let head = self.log.head().map_err(ViewError::from)?.position;
        let loaded = self.settings.current();
        let zone = zone.unwrap_or(&loaded.zone);
        let subject = Subject::parse(subject, calendar::day_of(now, zone), loaded.config.week_starts);
        let mut is_known = false;
        let mut note = |event| {
            is_known = true;
            each(event);
        };
        let explanation = explain_each(&*self.log, &self.tenant, &subject, zone, head, &mut note)?;
        match subject {
            // On a day nothing may have been spent; an id without events is none.
            Subject::Id(id) if !is_known => {
                let alike = |view: &TenantView| {
                    let alike = nearest(&id, view.spend.session_names(), OFFERED).into_iter();
                    alike.map(str::to_owned).collect::<Vec<_>>()
                };
                let nearest = self.with_view(alike);
                Err(ExplainFailure::Unknown { id, nearest })
            }
            _ => Ok(explanation),
        }
    }
}
