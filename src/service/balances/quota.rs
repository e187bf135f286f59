//! How much of a Claude subscription's limits is used, as the log has it, and the one way to tell it.
//!
//! For who runs Claude Code's status line: send the JSON that Claude Code gives to it, as it is, to
//! `POST /api/v1/quota` ([`QuotaBody`] takes `rate_limits` and passes over the rest). Tell it as often as you like: what is
//! no news adds no event.
//!
//! Nothing else is a source of these numbers: Claude Code's credentials are never read, refreshed or relayed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::quota::{QuotaError, QuotaReading, Quotas, Window, decide, parse_percent};
use crate::event::payload::quota_event;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::service::runtime::reads::Reads;
use crate::view::quotas::{QuotaLine, quotas};

/// Why a reading was not recorded.
pub type QuotaFailure = CommandError<QuotaError>;

impl Rejection for QuotaError {}

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

/// How much of a tenant's subscription is used.
pub struct QuotaAggregate;

impl Aggregate for QuotaAggregate {
    const STREAM: &'static str = "quotas";
    const ACTOR: &'static str = "quotas";

    type State = Quotas;
    type Command = Vec<QuotaReading>;
    type Change = QuotaReading;
    type Error = QuotaError;

    fn decide(
        known: &Quotas,
        readings: Vec<QuotaReading>,
        now: Timestamp,
    ) -> Result<Vec<QuotaReading>, QuotaError> {
        readings.into_iter().filter_map(|reading| decide(known, reading, now).transpose()).collect()
    }

    fn event(_: &Quotas, reading: &QuotaReading, next: &Next<'_>) -> Fact {
        let (id, event) = quota_event(next.tenant, reading);
        Fact { id, event, at: next.now }
    }

    fn label(_: &Vec<QuotaReading>) -> &'static str {
        "read-quota"
    }
}

impl Reads {
    /// How much of the subscription's limits is used.
    #[must_use]
    pub fn quotas(&self, now: Timestamp) -> QuotasShown {
        QuotasShown { quotas: self.with_view(|view| quotas(view, now)) }
    }
}
