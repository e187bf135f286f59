//! The aggregate of odometers: month-to-date sums that a person reads from a provider's page.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::parse_amount;
use crate::domain::odometer::{
    Month, Odometer, OdometerChange, OdometerCommand, OdometerError, OdometerOrder, check, decide,
};
use crate::event::{Event, EventId};
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::view::odometer::{OdometerLine, odometers};

/// Why a reading was not recorded.
pub type OdometerFailure = CommandError<OdometerError>;

impl Rejection for OdometerError {}

/// An odometer reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OdometerBody {
    /// The month-to-date sum as the page shows it, in USD.
    #[schema(value_type = forms::UsdText)]
    pub value_usd: String,
    /// The provider; `groq` if absent.
    #[serde(default = "groq")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
    /// The month of the sum, `YYYY-MM`; the month of `at` if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Month>)]
    pub month: Option<String>,
    /// A note: one line of at most 200 bytes.
    #[serde(default)]
    #[schema(value_type = forms::Note)]
    pub note: String,
    /// When it was read; now if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Whether it replaces the reading before it, which was a typing error.
    #[serde(default)]
    pub correct: bool,
}

fn groq() -> String {
    "groq".to_owned()
}

impl OdometerBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`OdometerError`].
    pub fn check(&self, now: Timestamp) -> Result<(), OdometerError> {
        check(&self.clone().into_command(now)?, now)
    }

    /// The command.
    ///
    /// # Errors
    /// [`OdometerError`]: the amount or the month is invalid.
    pub fn into_command(self, now: Timestamp) -> Result<OdometerCommand, OdometerError> {
        Ok(OdometerCommand {
            provider: self.provider,
            month: self.month.as_deref().map(str::parse::<Month>).transpose()?,
            value: parse_amount(&self.value_usd)?,
            taken_at: repository::to_micros(self.at.unwrap_or(now)),
            note: self.note.trim().to_owned(),
            is_correction: self.correct,
        })
    }
}

/// The odometers and their state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Odometers {
    /// By provider.
    pub odometers: Vec<OdometerLine>,
}

/// The odometers of a tenant. Overdue readings are reported by the alert actor, which derives them from
/// the views.
pub struct OdometerAggregate;

impl Aggregate for OdometerAggregate {
    const STREAM: &'static str = "odometer";
    const ACTOR: &'static str = "odometer";

    type State = Odometer;
    /// A command, and the time zone of its months.
    type Command = (OdometerOrder, TimeZone);
    type Change = OdometerChange;
    type Error = OdometerError;

    fn decide(
        odometer: &Odometer,
        (order, zone): (OdometerOrder, TimeZone),
        now: Timestamp,
    ) -> Result<Vec<OdometerChange>, OdometerError> {
        Ok(decide(odometer, order, now, &zone)?.into_iter().collect())
    }

    fn event(_: &Odometer, change: &OdometerChange, next: &Next<'_>) -> Fact {
        let at = match change {
            OdometerChange::Read { reading, .. } => reading.taken_at,
            OdometerChange::Stopped { .. } => next.now,
        };
        Fact { id: event_id(next, change), event: Event::from(change), at }
    }

    fn label((order, _): &Self::Command) -> &'static str {
        match order {
            OdometerOrder::Read(_) => "read-odometer",
            OdometerOrder::Stop { .. } => "stop-odometer",
        }
    }
}

/// The same change to the same state has the same event id. A different change decided on the same state
/// conflicts and is decided again.
fn event_id(next: &Next<'_>, change: &OdometerChange) -> EventId {
    let (tenant, version) = (next.tenant, next.version.to_string());
    match change {
        OdometerChange::Read { provider, reading, supersedes } => {
            let (month, value) = (reading.month.to_string(), reading.value.exact());
            let (at, superseded) = (reading.taken_at.to_string(), supersedes.unwrap_or(0).to_string());
            let parts = [tenant, &version, provider, &month, &value, &at, &superseded, &reading.note];
            EventId::derive("odometer-read", &parts)
        }
        OdometerChange::Stopped { provider } => {
            EventId::derive("odometer-stopped", &[tenant, &version, provider])
        }
    }
}

impl Reads {
    /// The odometers and their state.
    #[must_use]
    pub fn odometers(&self, now: Timestamp) -> Odometers {
        let zone = self.zone();
        Odometers { odometers: self.with_view(|view| odometers(view, now, &zone)) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Metadata, Position, TenantId, Version};
    use crate::log::{EventLog, LogError, MemoryLog};
    use crate::service::aggregate::repository::Repository;

    /// Of two concurrent decisions on the same state one is recorded and the other is refused; the same
    /// decision twice counts once.
    #[test]
    fn two_who_decide_at_once_do_not_overwrite_each_other() {
        let (log, tenant) = (MemoryLog::default(), TenantId::local());
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let read = |value: i64| {
            OdometerOrder::Read(OdometerCommand {
                provider: "groq".into(),
                month: None,
                value: crate::domain::money::Picodollars::usd(value),
                taken_at: now,
                note: String::new(),
                is_correction: false,
            })
        };
        let log: Arc<dyn EventLog> = Arc::new(log);
        let load = || Repository::<OdometerAggregate>::load(log.clone(), tenant.clone()).unwrap();
        // Both load the same state before either decides.
        let tell = |repository: &mut Repository<OdometerAggregate>, value| {
            let state = repository.state();
            let changes = OdometerAggregate::decide(state, (read(value), TimeZone::UTC), now).unwrap();
            repository.commit(&changes, now, &Metadata::default())
        };
        let (mut one, mut other, mut same) = (load(), load(), load());
        assert_eq!(tell(&mut one, 5).unwrap(), Some(Position(1)));
        assert!(matches!(tell(&mut other, 6), Err(LogError::Conflict { .. })));
        assert_eq!(tell(&mut same, 5).unwrap(), Some(Position(1)), "the same again is the same");
        for repository in [&mut one, &mut other, &mut same] {
            repository.catch_up().unwrap();
            assert_eq!(repository.state().meters["groq"].readings.len(), 1);
            assert_eq!(repository.version(), Version(1));
        }
    }
}
