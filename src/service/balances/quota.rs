//! How much of a Claude subscription's limits is used, as the log has it, and the one way to tell it.
//!
//! For who runs Claude Code's status line: send the JSON that Claude Code gives to it, as it is, to
//! `POST /api/v1/quota` ([`QuotaBody`] takes `rate_limits` and passes over the rest), or hand it to [`record`] inside of
//! `spawn_blocking`. Tell it as often as you like: what is no news adds no event.
//!
//! Nothing else is a source of these numbers: Claude Code's credentials are never read, refreshed or relayed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::quota::{QuotaError, QuotaReading, Quotas, Window, decide, parse_percent};
use crate::event::payload::{quota_event, quota_reading};
use crate::event::{Position, TenantId, Version};
use crate::log::EventLog;
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{BookFailure, Refusal};
use crate::service::runtime::client::{ServiceError, shown_from};
use crate::service::runtime::reads::Queries;
use crate::service::system::tree::Supervised;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;
use crate::view::quotas::{QuotaLine, quotas};

/// The stream of all readings of a tenant.
const STREAM: &str = "quotas";
/// Why a reading was not recorded.
pub type QuotaFailure = BookFailure<QuotaError>;

impl Refusal for QuotaError {}

/// What Claude Code gives to its status line, as far as it is read: all other fields are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaBody {
    /// Absent before a session's first answer, and where there is no subscription.
    #[serde(default)]
    pub rate_limits: Option<RateLimits>,
}

/// The windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RateLimits {
    /// The window of five hours.
    #[serde(default)]
    pub five_hour: Option<WindowTold>,
    /// The window of seven days.
    #[serde(default)]
    pub seven_day: Option<WindowTold>,
}

/// How much of a window is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WindowTold {
    /// 0 to 100.
    #[schema(value_type = f64, example = 61.5)]
    pub used_percentage: serde_json::Number,
    /// When it ends, in seconds since the Unix epoch; a window without an end is passed over.
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 1_788_190_200)]
    pub resets_at: Option<serde_json::Number>,
}

/// The windows and how much of them is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotasShown {
    /// The shorter one first; those that were never told are not among them.
    pub quotas: Vec<QuotaLine>,
}

impl QuotaBody {
    /// What it says.
    ///
    /// # Errors
    /// [`QuotaError`]: a number is none.
    pub fn into_readings(self) -> Result<Vec<QuotaReading>, QuotaError> {
        let Some(limits) = self.rate_limits else { return Ok(Vec::new()) };
        let told = [(Window::FiveHour, limits.five_hour), (Window::SevenDay, limits.seven_day)];
        let mut readings = Vec::new();
        for (window, told) in told {
            let Some(WindowTold { used_percentage, resets_at: Some(end) }) = told else { continue };
            let refused = || QuotaError::Moment(end.to_string());
            let second =
                end.as_i64().or_else(|| end.as_f64().map(|second| second as i64)).ok_or_else(refused)?;
            let resets_at = Timestamp::from_second(second).map_err(|_| refused())?;
            readings.push(QuotaReading {
                window,
                used: parse_percent(&used_percentage.to_string())?,
                resets_at,
            });
        }
        Ok(readings)
    }
}

/// Records what a status line was told; blocks on the disk. The last event's position, or none where nothing is news.
///
/// # Errors
/// [`QuotaFailure`].
pub fn record(
    log: &dyn EventLog,
    tenant: &TenantId,
    body: QuotaBody,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, QuotaFailure> {
    let readings = body.into_readings()?;
    repository::anew(|| record_once(log, tenant, &readings, now, actor))
}

fn record_once(
    log: &dyn EventLog,
    tenant: &TenantId,
    readings: &[QuotaReading],
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, QuotaFailure> {
    if readings.is_empty() {
        return Ok(None);
    }
    let (known, version) = load(log, tenant)?;
    let metadata = repository::by(actor);
    let mut events = Vec::new();
    for reading in readings {
        if let Some(reading) = decide(&known, *reading, now)? {
            let (id, event) = quota_event(tenant.as_str(), &reading);
            events.push(new_event(id, &event, now, &metadata));
        }
    }
    if events.is_empty() {
        return Ok(None);
    }
    Ok(repository::append(log, tenant, STREAM, version, events)?)
}

fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Quotas, Version), ViewError> {
    let mut known = Quotas::default();
    let version = repository::fold(log, tenant, STREAM, |record, event| {
        let reading = quota_reading(&event).map_err(|error| repository::malformed(record, &error))?;
        if let Some(reading) = reading {
            known.evolve(record.occurred_at, reading);
        }
        Ok::<_, ViewError>(())
    })?;
    Ok((known, version))
}

impl Queries {
    /// How much of the subscription's limits is used.
    #[must_use]
    pub fn quotas(&self, now: Timestamp) -> QuotasShown {
        QuotasShown { quotas: self.with_view(|view| quotas(view, now)) }
    }
}

impl Supervised {
    /// Records what a status line was told, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_quota(&self, body: QuotaBody) -> Result<(), ServiceError> {
        let (log, tenant) = (self.queries.log.clone(), self.queries.tenant.clone());
        let read = move || record(&*log, &tenant, body, Timestamp::now(), "http");
        let recorded = crate::service::aggregate::caller::blocking(read).await;
        let position = recorded.map_err(|_| ServiceError::UnknownOutcome { what: "the quota" })??;
        shown_from(&self.projected, position).await;
        Ok(())
    }
}
