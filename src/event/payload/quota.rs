//! How much of a subscription's limits is used.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use super::class::classes;
use crate::domain::quota::{QuotaReading, Window};
use crate::event::envelope::EventId;

/// Claude Code's status line told how much of a window is used. When it did stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaRead {
    /// `five-hour` or `seven-day`.
    pub window: String,
    /// What is used, in hundredths of a percent.
    pub used: u32,
    /// When the window ends, in seconds since the Unix epoch.
    pub resets_at_s: i64,
}

classes! {
    QuotaRead { None: window, used, resets_at_s; }
}

/// Why a stored reading is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotaPayloadError {
    /// A window that a newer program knows.
    #[error("'{0}' is not a window that this mecris knows; use a newer one")]
    Window(String),
    /// Not a moment.
    #[error("{0} is not a moment")]
    Moment(i64),
}

/// The event of a decided reading, and its id: a window's share is told once.
#[must_use]
pub fn quota_event(tenant: &str, reading: &QuotaReading) -> (EventId, Event<'static>) {
    let stored = QuotaRead {
        window: reading.window.word().to_owned(),
        used: reading.used,
        resets_at_s: reading.resets_at.as_second(),
    };
    let (used, end) = (stored.used.to_string(), stored.resets_at_s.to_string());
    let id = EventId::derive("quota-read", &[tenant, &stored.window, &end, &used]);
    (id, Event::QuotaRead(stored))
}

/// What an event says about quotas, if anything.
///
/// # Errors
/// [`QuotaPayloadError`].
pub fn quota_reading(event: &Event<'_>) -> Result<Option<QuotaReading>, QuotaPayloadError> {
    let Event::QuotaRead(stored) = event else { return Ok(None) };
    let window =
        Window::of_word(&stored.window).ok_or_else(|| QuotaPayloadError::Window(stored.window.clone()))?;
    let resets_at = Timestamp::from_second(stored.resets_at_s);
    let resets_at = resets_at.map_err(|_| QuotaPayloadError::Moment(stored.resets_at_s))?;
    Ok(Some(QuotaReading { window, used: stored.used, resets_at }))
}
