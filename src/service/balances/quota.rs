//! The aggregate of quotas: how much of each limit of a Claude subscription is used.
//!
//! Claude Code's status line is the source: send the JSON that Claude Code passes to it unchanged to
//! `POST /api/v1/quota` ([`QuotaBody`] reads `rate_limits` and ignores the rest). Repeating it is free:
//! unchanged numbers add no event.
//!
//! There is no other source: Claude Code's credentials are never read, refreshed or relayed.

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

/// The JSON that Claude Code passes to its status line; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaBody {
    /// Absent before a session's first response, and without a subscription.
    #[serde(default)]
    pub rate_limits: Option<RateLimits>,
}

/// The subscription's rate limit windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RateLimits {
    /// The five-hour window.
    #[serde(default)]
    pub five_hour: Option<WindowTold>,
    /// The seven-day window.
    #[serde(default)]
    pub seven_day: Option<WindowTold>,
}

impl RateLimits {
    /// Each window that there is, by itself.
    pub fn apart(self) -> impl Iterator<Item = Self> {
        let Self { five_hour, seven_day } = self;
        let five_hour = five_hour.map(|told| Self { five_hour: Some(told), seven_day: None });
        let seven_day = seven_day.map(|told| Self { five_hour: None, seven_day: Some(told) });
        five_hour.into_iter().chain(seven_day)
    }

    /// The windows of an object of Claude Code's. One of an unknown format is none, and takes not the other with it.
    #[must_use]
    pub fn of_told(limits: &serde_json::Value) -> Self {
        let window = |name| WindowTold::deserialize(limits.get(name)?).ok();
        Self { five_hour: window("five_hour"), seven_day: window("seven_day") }
    }
}

/// Usage of one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WindowTold {
    /// Used share in percent, 0 to 100.
    #[schema(value_type = f64, example = 61.5)]
    pub used_percentage: serde_json::Number,
    /// When the window resets, in seconds since the Unix epoch; a window without this is ignored.
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 1_788_190_200)]
    pub resets_at: Option<serde_json::Number>,
}

/// The windows and their usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotasShown {
    /// The shorter window first; windows never reported are not included.
    pub quotas: Vec<QuotaLine>,
}

impl QuotaBody {
    /// The readings.
    ///
    /// # Errors
    /// [`QuotaError`]: a value is not a valid number.
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
    /// How much of each limit of the subscription is used.
    #[must_use]
    pub fn quotas(&self, now: Timestamp) -> QuotasShown {
        QuotasShown { quotas: self.with_view(|view| quotas(view, now)) }
    }
}
