//! Quotas: how much of a Claude subscription's limits is used, in the five-hour and the seven-day window.
//!
//! Claude Code passes both to its status line (`rate_limits`, <https://code.claude.com/docs/en/statusline>)
//! for Pro and Max, after a session's first response. That is the only source: it needs no token.
//!
//! The status line repeats its numbers constantly, and an idle session repeats old ones. [`decide`] decides
//! what is worth an event.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};
use crate::domain::words::words;

/// Smallest recorded change, in hundredths of a percent.
const STEP: u32 = 100;
/// A full window, in hundredths of a percent.
pub const WHOLE: u32 = 10_000;
/// Reported ends of the same window differ by less than this.
const SAME_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Maximum clock difference between two machines.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// The window of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Five hours from the first message on.
    FiveHour,
    SevenDay,
}

words! { Window { FiveHour: "five-hour", SevenDay: "seven-day" } }

impl Window {
    /// Its length.
    #[must_use]
    pub fn length(self) -> SignedDuration {
        match self {
            Self::FiveHour => SignedDuration::from_hours(5),
            Self::SevenDay => SignedDuration::from_hours(7 * 24),
        }
    }
}

/// Reported usage of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaReading {
    pub window: Window,
    /// Used share, in hundredths of a percent.
    pub used: u32,
    /// When the window resets to zero.
    pub resets_at: Timestamp,
}

/// The last report of each window, and its time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas(BTreeMap<Window, (QuotaReading, Timestamp)>);

/// Why a reading is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// Not a percentage.
    #[error("a used share of '{0}' percent cannot be; it is a number from 0 to 100")]
    Percent(String),
    /// Not a timestamp.
    #[error("'{0}' is not a moment; resets_at is in whole seconds since 1970")]
    Moment(String),
    /// The window is longer than possible.
    #[error(
        "a {window} window that ends at {resets_at} is longer than one; look at the clock of this machine"
    )]
    TooLate { window: &'static str, resets_at: Timestamp },
}

impl Coded for QuotaError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Quotas {
    /// By window: the last report, and its time.
    pub fn iter(&self) -> impl Iterator<Item = &(QuotaReading, Timestamp)> {
        self.0.values()
    }

    /// Applies a decided reading, reported at an instant.
    pub fn evolve(&mut self, told_at: Timestamp, reading: QuotaReading) {
        self.0.insert(reading.window, (reading, told_at));
    }
}

/// Parses a percentage such as `23` or `61.5` to hundredths; further digits are rounded down.
///
/// # Errors
/// [`QuotaError::Percent`].
pub fn parse_percent(text: &str) -> Result<u32, QuotaError> {
    let refused = || QuotaError::Percent(text.chars().take(24).collect());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(refused());
    }
    let whole: u32 = whole.parse().map_err(|_| refused())?;
    let hundredths: String = fraction.chars().chain("00".chars()).take(2).collect();
    let hundredths: u32 = hundredths.parse().map_err(|_| refused())?;
    let used = whole.saturating_mul(100).saturating_add(hundredths);
    if used > WHOLE { Err(refused()) } else { Ok(used) }
}

/// Decides whether a reading is worth recording at `now`.
///
/// It is if its window is newer than the known one, or if the share of the same window has grown by a point
/// or has become full. Usage only grows within a window, so a smaller share comes from an idle session; so
/// does a window that has ended.
///
/// # Errors
/// [`QuotaError`].
pub fn decide(
    known: &Quotas,
    reading: QuotaReading,
    now: Timestamp,
) -> Result<Option<QuotaReading>, QuotaError> {
    let QuotaReading { window, used, resets_at } = reading;
    if used > WHOLE {
        return Err(QuotaError::Percent(percent(used)));
    }
    if resets_at.duration_since(now) > window.length() + AHEAD {
        return Err(QuotaError::TooLate { window: window.word(), resets_at });
    }
    if resets_at <= now {
        return Ok(None);
    }
    let Some((last, _)) = known.0.get(&window) else { return Ok(Some(reading)) };
    let later = resets_at.duration_since(last.resets_at);
    let is_news = if later >= SAME_WINDOW {
        true
    } else if later <= -SAME_WINDOW {
        false
    } else {
        used >= last.used.saturating_add(STEP) || (used == WHOLE && last.used < WHOLE)
    };
    Ok(is_news.then_some(reading))
}

/// Hundredths of a percent as a decimal: `23`, `61.5`.
#[must_use]
pub fn percent(used: u32) -> String {
    let text = format!("{}.{:02}", used / 100, used % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
