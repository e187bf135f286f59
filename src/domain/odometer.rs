//! Odometers: month-to-date sums on a provider's page, read by hand.
//!
//! They are for providers without an API for it (Groq has none; its console shows the month's sum, some
//! fifteen minutes late, and restarts on the 1st). Within a month the sum never falls. So the spend between
//! two readings is their difference, and the spend before a month's first reading is that reading. The time
//! of the spend within that span is unknown: it is distributed evenly ([`Spread`]) and called *inferred*.
//!
//! A month is over if there is a reading of a later one, or one of its own taken after its end.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::balance::{BalanceError, is_provider};
use super::money::Picodollars;
use super::spread::Spread;

mod month;
mod standing;

pub use month::Month;
pub use standing::{MonthLine, MonthState, Need, changes_at, months, need};

/// Larger readings are typing errors, in whole USD.
const VALUE_MAX_USD: i64 = 1_000_000;
/// Maximum length of a note, in bytes.
const NOTE_BYTES_MAX: usize = 200;
/// For this long after a month has begun here, a page may still show the previous one: the world's time zones
/// span 26 hours, and a provider's is not always known.
const EDGE: SignedDuration = SignedDuration::from_hours(26);

/// A reading that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Counts all readings of a tenant, from 1.
    pub number: u32,
    /// The month of the sum.
    pub month: Month,
    /// The month-to-date sum in USD.
    pub value: Picodollars,
    /// When it was read.
    pub taken_at: Timestamp,
    /// The person's note.
    pub note: String,
}

/// The readings of one provider, by month and time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Within a month values never fall.
    pub readings: Vec<Reading>,
    /// Whether it is no longer read, and nobody is asked to; the next reading restarts it.
    pub is_stopped: bool,
}

/// All odometers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Odometer {
    /// By provider, as usage names it.
    pub meters: BTreeMap<String, Meter>,
    /// Number of readings ever recorded, including corrected ones.
    pub told: u32,
}

/// A reading by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OdometerCommand {
    pub provider: String,
    /// The month of the sum; the month of `taken_at` if none.
    pub month: Option<Month>,
    /// The month-to-date sum in USD.
    pub value: Picodollars,
    /// When it was read.
    pub taken_at: Timestamp,
    /// The person's note.
    pub note: String,
    /// Whether it replaces the reading before it, which was a typing error.
    pub is_correction: bool,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OdometerOrder {
    /// Record a reading.
    Read(OdometerCommand),
    /// Stop reading an odometer.
    Stop { provider: String },
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OdometerChange {
    Read {
        provider: String,
        reading: Reading,
        /// The number of the reading that it replaces.
        supersedes: Option<u32>,
    },
    /// It is no longer read.
    Stopped { provider: String },
}

/// Why a reading is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OdometerError {
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] BalanceError),
    /// A negative amount.
    #[error("a month's sum of {0} USD is below nothing; give what the page shows")]
    Negative(String),
    /// An implausibly large amount.
    #[error("{0} USD is over {VALUE_MAX_USD} USD; look whether a decimal point is missing")]
    Absurd(String),
    /// Not a provider's name.
    #[error("'{0}' is not a provider's name; use one like groq, of a-z, 0-9, '-', '_' and '.'")]
    Provider(String),
    /// Not a month.
    #[error("'{0}' is not a month; write it like 2026-10")]
    Month(String),
    /// A time in the future.
    #[error("{0} is in the future; leave the time out for now")]
    Future(Timestamp),
    /// The month has not begun at the time of the reading.
    #[error("{month} had not begun anywhere at {at}; name the month that the page counts")]
    MonthAhead {
        /// The given month.
        month: Month,
        /// When it was read.
        at: Timestamp,
    },
    /// The note is invalid.
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes, or not one line; shorten it")]
    Note,
    /// It is below an earlier reading of its month.
    #[error(
        "{value} USD is less than the {before} USD read at {at} for {month}, and a month's sum does not fall; \
         if that one was a typing error, mend it with --correct (and --at where it is not the last one); if the \
         page has begun anew, name its month with --month"
    )]
    Falls {
        /// The given value.
        value: String,
        /// The earlier value.
        before: String,
        at: Timestamp,
        month: Month,
    },
    /// It is above a later reading of its month.
    #[error(
        "{value} USD is more than the {after} USD read later, at {at}, for {month}, and a month's sum does not \
         fall; if the later one was a typing error, mend it first with --correct"
    )]
    Overtakes {
        /// The given value.
        value: String,
        /// The later value.
        after: String,
        at: Timestamp,
        month: Month,
    },
    /// It is ambiguous: the sum of the old month or of the new one.
    #[error(
        "{value} USD, just after the end of {before} and no less than its last reading, may be the sum of either \
         month; say which with --month {before} or --month {month}"
    )]
    WhichMonth {
        /// The given value.
        value: String,
        /// The month that is over.
        before: Month,
        /// The month that has begun.
        month: Month,
    },
    /// There is no such odometer.
    #[error("there is no odometer of '{0}'; `mecris odometer` lists the odometers")]
    Unknown(String),
    /// There is no earlier reading to correct.
    #[error(
        "there is no reading of {provider} for {month} until {at} to correct; leave --correct out, or name \
         the reading's month with --month"
    )]
    NothingToCorrect {
        provider: String,
        month: Month,
        /// The end of the searched time.
        at: Timestamp,
    },
}

impl Coded for OdometerError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown(_) => Code::OdometerUnknown,
            _ => Code::Refused,
        }
    }
}

/// Decides a command. `None`: nothing changes.
///
/// # Errors
/// [`OdometerError`].
pub fn decide(
    odometer: &Odometer,
    order: OdometerOrder,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Option<OdometerChange>, OdometerError> {
    match order {
        OdometerOrder::Read(command) => decide_reading(odometer, command, now, zone),
        OdometerOrder::Stop { provider } => match odometer.meters.get(&provider) {
            None => Err(OdometerError::Unknown(provider)),
            Some(meter) => Ok((!meter.is_stopped).then_some(OdometerChange::Stopped { provider })),
        },
    }
}

/// Decides on a reading: the change to record, or none if the identical reading exists.
///
/// # Errors
/// [`OdometerError`].
pub fn decide_reading(
    odometer: &Odometer,
    command: OdometerCommand,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Option<OdometerChange>, OdometerError> {
    check(&command, now)?;
    let nothing = Meter::default();
    let meter = odometer.meters.get(&command.provider).unwrap_or(&nothing);
    let month = month_of(meter, &command, zone)?;
    let OdometerCommand { provider, value, taken_at, note, is_correction, .. } = command;
    let of_month = || meter.readings.iter().filter(|reading| reading.month == month);
    let superseded = if is_correction {
        let last = of_month().rfind(|reading| reading.taken_at <= taken_at);
        let nothing = || OdometerError::NothingToCorrect { provider: provider.clone(), month, at: taken_at };
        Some(last.ok_or_else(nothing)?)
    } else {
        None
    };
    let is_same =
        |reading: &Reading| (reading.value, reading.taken_at, &reading.note) == (value, taken_at, &note);
    if superseded.map_or_else(|| of_month().any(is_same), is_same) {
        return Ok(None);
    }
    let others = || of_month().filter(|reading| superseded.is_none_or(|last| last.number != reading.number));
    if let Some(before) = others().rfind(|reading| reading.taken_at <= taken_at && reading.value > value) {
        let (value, before, at) = (value.exact(), before.value.exact(), before.taken_at);
        return Err(OdometerError::Falls { value, before, at, month });
    }
    if let Some(after) = others().find(|reading| reading.taken_at > taken_at && reading.value < value) {
        let (value, after, at) = (value.exact(), after.value.exact(), after.taken_at);
        return Err(OdometerError::Overtakes { value, after, at, month });
    }
    let reading = Reading { number: odometer.told + 1, month, value, taken_at, note };
    Ok(Some(OdometerChange::Read { provider, reading, supersedes: superseded.map(|last| last.number) }))
}

/// Validates a reading without regard to earlier ones.
///
/// # Errors
/// [`OdometerError`].
pub fn check(command: &OdometerCommand, now: Timestamp) -> Result<(), OdometerError> {
    if !is_provider(&command.provider) {
        return Err(OdometerError::Provider(command.provider.clone()));
    }
    if command.value < Picodollars::ZERO {
        return Err(OdometerError::Negative(command.value.exact()));
    }
    if command.value > Picodollars::usd(VALUE_MAX_USD) {
        return Err(OdometerError::Absurd(command.value.exact()));
    }
    if command.note.len() > NOTE_BYTES_MAX || command.note.chars().any(char::is_control) {
        return Err(OdometerError::Note);
    }
    if command.taken_at > now {
        return Err(OdometerError::Future(command.taken_at));
    }
    Ok(())
}

/// The month that a reading counts for.
fn month_of(meter: &Meter, command: &OdometerCommand, zone: &TimeZone) -> Result<Month, OdometerError> {
    let at = command.taken_at;
    if let Some(month) = command.month {
        return if month > Month::newest(at) {
            Err(OdometerError::MonthAhead { month, at })
        } else {
            Ok(month)
        };
    }
    let month = Month::at(at, zone);
    let edge = month.start(zone).saturating_add(EDGE).unwrap_or(Timestamp::MAX);
    let before = month.before();
    let has_begun = meter.readings.iter().any(|reading| reading.month >= month);
    let last = meter.readings.iter().rfind(|reading| reading.month == before);
    let may_be_either = last.is_some_and(|last| command.value >= last.value && !is_zero(command.value));
    if at < edge && !has_begun && may_be_either && !command.is_correction {
        return Err(OdometerError::WhichMonth { value: command.value.exact(), before, month });
    }
    Ok(month)
}

fn is_zero(amount: Picodollars) -> bool {
    amount == Picodollars::ZERO
}

/// Applies a change.
pub fn evolve(odometer: &mut Odometer, change: OdometerChange) {
    let (provider, reading, supersedes) = match change {
        OdometerChange::Read { provider, reading, supersedes } => (provider, reading, supersedes),
        OdometerChange::Stopped { provider } => {
            odometer.meters.entry(provider).or_default().is_stopped = true;
            return;
        }
    };
    odometer.told = odometer.told.max(reading.number);
    let meter = odometer.meters.entry(provider).or_default();
    meter.is_stopped = false;
    meter.readings.retain(|before| Some(before.number) != supersedes);
    meter.readings.push(reading);
    meter.readings.sort_by_key(|reading| (reading.month, reading.taken_at, reading.number));
}

impl Meter {
    /// The spend by time span, including spans without spend: the parts of a month add up to its last
    /// reading.
    #[must_use]
    pub fn spreads(&self, zone: &TimeZone) -> Vec<Spread> {
        let mut spreads = Vec::new();
        for readings in self.readings.chunk_by(|one, other| one.month == other.month) {
            let month = readings[0].month;
            let (start, end) = (month.start(zone), month.end(zone));
            let (mut from, mut spent) = (start, Picodollars::ZERO);
            for reading in readings {
                // A reading before the month's start or after its end counts at the boundary.
                let until = reading.taken_at.clamp(start, end);
                let amount = reading.value - spent;
                // A second reading after the end covers the month's last instant, not the next month's first.
                let first = from.min(before(end));
                let last = if first == before(end) { first } else { until };
                spreads.push(Spread { amount, from: first, until: last });
                (from, spent) = (until, reading.value);
            }
        }
        spreads
    }

    /// The last reading, by month and time.
    #[must_use]
    pub fn last(&self) -> Option<&Reading> {
        self.readings.last()
    }
}

fn before(end: Timestamp) -> Timestamp {
    end.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(end)
}

#[cfg(test)]
mod tests;
