//! What was read off a provider's page by hand.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

impl From<&OdometerChange> for Event<'static> {
    fn from(change: &OdometerChange) -> Self {
        let reading = OdometerRead {
            number: change.reading.number,
            provider: change.provider.clone(),
            month: change.reading.month.to_string(),
            value: change.reading.value,
            note: change.reading.note.clone(),
        };
        match change.supersedes {
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
        _ => return Ok(None),
    };
    let reading = Reading {
        number: stored.number,
        month: stored.month.parse()?,
        value: stored.value,
        taken_at,
        note: stored.note.clone(),
    };
    Ok(Some(OdometerChange { provider: stored.provider.clone(), reading, supersedes }))
}
