//! The odometers as the log has them, and the one way to tell a reading.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::parse_amount;
use crate::domain::odometer::{
    Month, Odometer, OdometerChange, OdometerCommand, OdometerError, OdometerOrder, check, decide, evolve,
};
use crate::event::payload::odometer_change;
use crate::event::{Event, EventId, Metadata, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected};
use crate::service::aggregate::actor::{Book, Decided, DecidingActor, Ordered};
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{BookFailure, Refusal};
use crate::service::runtime::client::{PATIENCE, ServiceError, shown_from};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Queries;
use crate::service::system::tree::Supervised;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;
use crate::view::odometer::{OdometerLine, odometers};

/// The stream of all readings of a tenant.
const STREAM: &str = "odometer";

/// Why a reading was not recorded.
pub type OdometerFailure = BookFailure<OdometerError>;

impl Refusal for OdometerError {}

/// A reading to record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OdometerBody {
    /// The month's sum as the page shows it, in USD.
    #[schema(value_type = forms::UsdText)]
    pub value_usd: String,
    /// Who is paid; `groq` where absent.
    #[serde(default = "groq")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
    /// Which month's sum it is, `YYYY-MM`; that of the moment where absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::Month>)]
    pub month: Option<String>,
    /// What there is to say about it: one line of at most 200 bytes.
    #[serde(default)]
    #[schema(value_type = forms::Note)]
    pub note: String,
    /// When it was read; now where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Whether it takes the place of the last reading before it, which was a typing error.
    #[serde(default)]
    pub correct: bool,
}

fn groq() -> String {
    "groq".to_owned()
}

impl OdometerBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`OdometerError`].
    pub fn check(&self, now: Timestamp) -> Result<(), OdometerError> {
        check(&self.clone().into_command(now)?, now)
    }

    /// The command that is meant.
    ///
    /// # Errors
    /// [`OdometerError`]: the amount or the month is none.
    pub fn into_command(self, now: Timestamp) -> Result<OdometerCommand, OdometerError> {
        Ok(OdometerCommand {
            provider: self.provider,
            month: self.month.as_deref().map(str::parse::<Month>).transpose()?,
            value: parse_amount(&self.value_usd)?,
            taken_at: repository::kept(self.at.unwrap_or(now)),
            note: self.note.trim().to_owned(),
            is_correction: self.correct,
        })
    }
}

/// The odometers and how they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Odometers {
    /// By provider.
    pub odometers: Vec<OdometerLine>,
}

/// The odometers of one tenant and the version of their stream.
#[derive(Debug, Clone)]
pub struct OdometerBook {
    tenant: TenantId,
    odometer: Odometer,
    version: Version,
}

/// Decides orders on odometers. What a reading is due for is told by the actor of alerts, from the views, as everything
/// that a person must hear of.
pub type OdometerActor = DecidingActor<OdometerBook>;

impl Book for OdometerBook {
    /// An order, and the zone of its months.
    type Order = (OdometerOrder, TimeZone);
    type Change = OdometerChange;
    type Refusal = OdometerError;
    type Failure = OdometerFailure;

    const ACTOR: &'static str = "odometer";

    fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, OdometerFailure> {
        let mut odometer = Odometer::default();
        let version = repository::fold(log, tenant, STREAM, |record, event| {
            let change = odometer_change(record.occurred_at, &event);
            let change = change.map_err(|error| repository::malformed(record, &error))?;
            if let Some(change) = change {
                evolve(&mut odometer, change);
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { tenant: tenant.clone(), odometer, version })
    }

    fn decide(
        &self,
        (order, zone): (OdometerOrder, TimeZone),
        now: Timestamp,
        metadata: &Metadata,
    ) -> Decided<Self> {
        let Some(change) = decide(&self.odometer, order, now, &zone)? else { return Ok(None) };
        let at = match &change {
            OdometerChange::Read { reading, .. } => reading.taken_at,
            OdometerChange::Stopped { .. } => now,
        };
        let id = event_id(self.tenant.as_str(), self.version, &change);
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: vec![new_event(id, &Event::from(&change), at, metadata)],
        };
        Ok(Some((append, change)))
    }

    fn committed(&mut self, change: OdometerChange) {
        evolve(&mut self.odometer, change);
        self.version = self.version.next();
    }

    fn label((order, _): &(OdometerOrder, TimeZone)) -> &'static str {
        match order {
            OdometerOrder::Read(_) => "read-odometer",
            OdometerOrder::Stop { .. } => "stop-odometer",
        }
    }
}

/// The same change of the same odometers is the same event. Another one that was decided on them at the same time is
/// not: its append conflicts, and it is decided again.
fn event_id(tenant: &str, version: Version, change: &OdometerChange) -> EventId {
    let version = version.next().to_string();
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

impl Queries {
    /// The odometers and how they stand.
    #[must_use]
    pub fn odometers(&self, now: Timestamp) -> Odometers {
        let zone = self.zone();
        Odometers { odometers: self.with_view(|view| odometers(view, now, &zone)) }
    }
}

impl Supervised {
    /// Records a reading of an odometer, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_odometer(&self, body: OdometerBody) -> Result<(), ServiceError> {
        let command = body.into_command(Timestamp::now()).map_err(OdometerFailure::from)?;
        self.order_odometer(OdometerOrder::Read(command)).await
    }

    /// Carries out an order on an odometer, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn order_odometer(&self, order: OdometerOrder) -> Result<(), ServiceError> {
        let order = (order, self.queries.zone());
        let message = |reply| Ordered { order, reply };
        let answer = self.odometer.ask(message, PATIENCE).await;
        let position = answer.map_err(|error| ServiceError::asking("the odometer's actor", error))??;
        shown_from(&self.projected, position).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Position;
    use crate::log::{LogError, MemoryLog};

    /// Of two who decide on the same odometers one is heard, and the other hears of it; the same one twice is one.
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
        let book = OdometerBook::load(&log, &tenant).unwrap();
        let tell = |value| {
            let mut book = book.clone();
            book.execute(&log, (read(value), TimeZone::UTC), now, &Metadata::default())
        };
        assert_eq!(tell(5).unwrap(), Some(Position(1)));
        assert!(matches!(tell(6), Err(OdometerFailure::Log(LogError::Conflict { .. }))));
        assert_eq!(tell(5).unwrap(), Some(Position(1)), "the same again is the same");
        let kept = OdometerBook::load(&log, &tenant).unwrap();
        assert_eq!(kept.odometer.meters["groq"].readings.len(), 1);
    }
}
