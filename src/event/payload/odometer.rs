//! What was read off a provider's page by hand.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::money::Picodollars;
use crate::domain::odometer::{OdometerChange, OdometerError, Reading};
use crate::event::Event;

/// A month's sum so far was read. When it was read stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OdometerRead {
    /// Counts all readings of a tenant, from 1.
    pub number: u32,
    /// Who is paid, as usage names it.
    pub provider: String,
    /// Which month's sum it is, `YYYY-MM`.
    pub month: String,
    /// The sum, in USD.
    #[schemars(with = "String")]
    pub value: Picodollars,
    /// What the person had to say about it, or empty.
    pub note: String,
}

/// A reading was a typing error: this one takes its place. When it was read stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OdometerCorrected {
    /// The reading that counts now.
    pub reading: OdometerRead,
    /// The number of the one that does not count any more.
    pub supersedes: u32,
}

/// An odometer is read no more, until the next reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OdometerStopped {
    /// Whose.
    pub provider: String,
}

classes! {
    OdometerRead { None: number, provider, month, value; FreeText: note; }
    OdometerCorrected { None: supersedes; Parts: reading; }
    OdometerStopped { None: provider; }
}

impl From<&OdometerChange> for Event<'static> {
    fn from(change: &OdometerChange) -> Self {
        let (provider, reading, supersedes) = match change {
            OdometerChange::Read { provider, reading, supersedes } => (provider, reading, supersedes),
            OdometerChange::Stopped { provider } => {
                return Self::OdometerStopped(OdometerStopped { provider: provider.clone() });
            }
        };
        let reading = OdometerRead {
            number: reading.number,
            provider: provider.clone(),
            month: reading.month.to_string(),
            value: reading.value,
            note: reading.note.clone(),
        };
        match *supersedes {
            None => Self::OdometerRead(reading),
            Some(supersedes) => Self::OdometerCorrected(OdometerCorrected { reading, supersedes }),
        }
    }
}

/// What an event says about an odometer, if it is about one.
///
/// # Errors
/// [`OdometerError::Month`]: a stored month is none.
pub fn odometer_change(
    taken_at: Timestamp,
    event: &Event<'_>,
) -> Result<Option<OdometerChange>, OdometerError> {
    let (stored, supersedes) = match event {
        Event::OdometerRead(stored) => (stored, None),
        Event::OdometerCorrected(stored) => (&stored.reading, Some(stored.supersedes)),
        Event::OdometerStopped(OdometerStopped { provider }) => {
            return Ok(Some(OdometerChange::Stopped { provider: provider.clone() }));
        }
        _ => return Ok(None),
    };
    let reading = Reading {
        number: stored.number,
        month: stored.month.parse()?,
        value: stored.value,
        taken_at,
        note: stored.note.clone(),
    };
    Ok(Some(OdometerChange::Read { provider: stored.provider.clone(), reading, supersedes }))
}
