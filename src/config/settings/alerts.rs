//! When, how and how often a person is told.

use std::num::{NonZeroU32, NonZeroU64};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::alert::policy::{Limits, Policy, Rung, Until};
use crate::domain::alert::rules::Rules;
use crate::domain::alert::{Channel, Severity};
use crate::domain::money::Picodollars;
use crate::domain::window::{DailyWindow, TimeError};

use super::seconds;

/// Alerts: the ladder of channels, quiet hours and limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// The channels in their order; those that are not set up are stepped over.
    pub ladder: Vec<RungSetting>,
    /// What ends the climb: `accepted` by a channel, `delivered` to the device, or `acknowledged` by the person.
    pub until: Until,
    /// When nobody is disturbed, as `22:00-07:00` in the time zone above; `never` for no such hours.
    #[schemars(with = "String")]
    pub quiet_hours: QuietHours,
    /// Whether a goal that is lost today may break them.
    pub immediate_breaks_quiet: bool,
    /// Messages in 60 minutes, at most.
    pub messages_per_hour: u32,
    /// Messages in 24 hours, at most.
    pub messages_per_day: u32,
    /// USD for messages in 24 hours, at most.
    #[schemars(with = "String")]
    pub usd_per_day: Picodollars,
    /// What one part of an SMS or a WhatsApp message is taken to cost, in USD.
    #[schemars(with = "String")]
    pub sms_usd: Picodollars,
    /// Parts of an SMS, at most: longer texts are cut.
    pub segments_max: NonZeroU32,
    /// From which used shares of a budget on, in percent.
    pub budget_percents: Vec<u32>,
    /// Below which balance with a provider, in USD.
    #[schemars(with = "String")]
    pub balance_low_usd: Picodollars,
    /// How long a message of which nothing is known is looked for before it is sent again, in seconds.
    pub settle_seconds: u64,
    /// The pause before the first try again, in seconds; it doubles, up to 15 minutes.
    pub retry_seconds: NonZeroU64,
}

/// A rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RungSetting {
    /// By its word, such as `sms`.
    pub channel: Channel,
    /// For alerts that matter at least this much: `info`, `warning`, `critical` or `immediate`.
    #[serde(default = "warning")]
    pub at_least: Severity,
    /// How long it is given before the next one is tried too, in minutes.
    #[serde(default = "ten")]
    pub patience_minutes: u32,
}

/// Quiet hours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuietHours(pub Option<DailyWindow>);

/// Why a text is no stretch of the day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuietHoursError {
    /// It has no two ends.
    #[error("'{0}' is no stretch of the day; write 22:00-07:00, or never")]
    Form(String),
    /// An end is no time.
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl TryFrom<String> for QuietHours {
    type Error = QuietHoursError;

    fn try_from(text: String) -> Result<Self, QuietHoursError> {
        if text == "never" {
            return Ok(Self(None));
        }
        let (from, until) = text.split_once('-').ok_or_else(|| QuietHoursError::Form(text.clone()))?;
        Ok(Self(Some(DailyWindow::parse(from.trim(), until.trim())?)))
    }
}

impl From<QuietHours> for String {
    fn from(hours: QuietHours) -> Self {
        match hours.0 {
            Some(window) => {
                format!("{}-{}", window.from.strftime("%H:%M"), window.until.strftime("%H:%M"))
            }
            None => "never".to_owned(),
        }
    }
}

const fn warning() -> Severity {
    Severity::Warning
}

const fn ten() -> u32 {
    10
}

impl Alerts {
    /// What the person wants, as the domain reads it.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let rung = |rung: &RungSetting| Rung {
            channel: rung.channel,
            at_least: rung.at_least,
            patience: SignedDuration::from_mins(i64::from(rung.patience_minutes)),
        };
        Policy {
            ladder: self.ladder.iter().map(rung).collect(),
            until: self.until,
            quiet: self.quiet_hours.0,
            immediate_breaks_quiet: self.immediate_breaks_quiet,
            limits: Limits {
                per_hour: self.messages_per_hour,
                per_day: self.messages_per_day,
                usd_per_day: self.usd_per_day,
            },
            segments_max: self.segments_max.get(),
            retry: SignedDuration::from_secs(self.retry_seconds.get().min(900).cast_signed()),
        }
    }

    /// What the person wants to hear of.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules { budget_percents: self.budget_percents.clone(), balance_low: self.balance_low_usd }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        let policy = Policy::default();
        let rung = |rung: &Rung| RungSetting {
            channel: rung.channel,
            at_least: rung.at_least,
            patience_minutes: ten(),
        };
        Self {
            ladder: policy.ladder.iter().map(rung).collect(),
            until: policy.until,
            quiet_hours: QuietHours(policy.quiet),
            immediate_breaks_quiet: policy.immediate_breaks_quiet,
            messages_per_hour: policy.limits.per_hour,
            messages_per_day: policy.limits.per_day,
            usd_per_day: policy.limits.usd_per_day,
            sms_usd: Picodollars::usd(1).scale(1, 100),
            segments_max: NonZeroU32::new(policy.segments_max).unwrap_or(NonZeroU32::MIN),
            budget_percents: Rules::default().budget_percents,
            balance_low_usd: Rules::default().balance_low,
            settle_seconds: 30,
            retry_seconds: seconds(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_are_a_stretch_of_the_day_or_never() {
        for text in ["22:00-07:00", "00:00-00:00", "never"] {
            let hours = QuietHours::try_from(text.to_owned()).unwrap();
            assert_eq!(String::from(hours), text);
        }
        for text in ["", "22:00", "22-07", "25:00-07:00", "22:00-07:60", "tonight"] {
            assert!(QuietHours::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_defaults_are_the_domain_s() {
        assert_eq!(Alerts::default().policy(), Policy::default());
        assert_eq!(Alerts::default().rules(), Rules::default());
    }
}
