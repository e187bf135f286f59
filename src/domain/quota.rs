//! How much of a Claude subscription's limits is used: the five-hour and the seven-day window.
//!
//! Claude Code tells both to its status line (`rate_limits`, <https://code.claude.com/docs/en/statusline>), for
//! Pro and Max, after a session's first answer. That is the only source: no token is needed for it.
//!
//! The status line tells the same again and again, and an idle session tells what it heard last. So what is worth an
//! event is decided here: [`decide`].

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};
use crate::domain::words::words;

/// A change of less is no news, in hundredths of a percent.
const STEP: u32 = 100;
/// All of a window, in hundredths of a percent.
pub const WHOLE: u32 = 10_000;
/// Ends of one and the same window differ by less than this.
const SAME_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Clocks of two machines may differ by this much.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// A stretch of time that a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Five hours from the first message on.
    FiveHour,
    /// Seven days.
    SevenDay,
}

words! { Window { FiveHour: "five-hour", SevenDay: "seven-day" } }

impl Window {
    /// How long it is.
    #[must_use]
    pub fn length(self) -> SignedDuration {
        match self {
            Self::FiveHour => SignedDuration::from_hours(5),
            Self::SevenDay => SignedDuration::from_hours(7 * 24),
        }
    }
}

/// How much of a window is used, as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaReading {
    /// Which.
    pub window: Window,
    /// What is used, in hundredths of a percent.
    pub used: u32,
    /// When the window ends, and nothing of the next one is used.
    pub resets_at: Timestamp,
}

/// What was last told of each window, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas(BTreeMap<Window, (QuotaReading, Timestamp)>);

/// Why a reading is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// Not a part of a whole.
    #[error("a used share of '{0}' percent cannot be; it is a number from 0 to 100")]
    Percent(String),
    /// No time at all.
    #[error("'{0}' is not a moment; resets_at is in whole seconds since 1970")]
    Moment(String),
    /// A window that long is not known.
    #[error(
        "a {window} window that ends at {resets_at} is longer than one; look at the clock of this machine"
    )]
    TooLate {
        /// Which.
        window: &'static str,
        /// Its end.
        resets_at: Timestamp,
    },
}

impl Coded for QuotaError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Quotas {
    /// By window: what was last told, and when.
    pub fn iter(&self) -> impl Iterator<Item = &(QuotaReading, Timestamp)> {
        self.0.values()
    }

    /// Takes a decided reading in, told at an instant.
    pub fn evolve(&mut self, told_at: Timestamp, reading: QuotaReading) {
        self.0.insert(reading.window, (reading, told_at));
    }
}

/// Reads a share such as `23` or `61.5`, in hundredths of a percent; what is finer is rounded down.
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

/// Decides on a reading: whether it is news, at `now`.
///
/// News is a window that is newer than the known one, and a share of the same window that has grown by a point or has
/// reached the whole. Within one window use only grows, so a smaller share is what an idle session heard earlier; so is
/// a window that has ended.
///
/// # Errors
/// [`QuotaError`]: it is refused.
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

/// Hundredths of a percent as people write them: `23`, `61.5`.
#[must_use]
pub fn percent(used: u32) -> String {
    let text = format!("{}.{:02}", used / 100, used % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
