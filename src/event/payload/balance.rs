//! What was left at a provider.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::balance::{Reading, Source};
use crate::domain::money::Picodollars;

/// What was left at a provider was read. When it was read stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceRead {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// What was left, in USD.
    #[schemars(with = "String")]
    pub left: Picodollars,
    /// What was bought in all, in USD, if that was told.
    #[schemars(with = "Option<String>")]
    pub total: Option<Picodollars>,
    /// How it was read: `hand`.
    pub source: String,
}

/// Why a stored reading is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a way to read a balance that this mecris knows; use a newer one")]
pub struct BalancePayloadError(pub String);

impl From<&Reading> for BalanceRead {
    fn from(reading: &Reading) -> Self {
        Self {
            provider: reading.provider.clone(),
            left: reading.left,
            total: reading.total,
            source: reading.source.word().to_owned(),
        }
    }
}

impl BalanceRead {
    /// The reading, with the time from its envelope.
    ///
    /// # Errors
    /// [`BalancePayloadError`].
    pub fn to_reading(&self, taken_at: Timestamp) -> Result<Reading, BalancePayloadError> {
        let source = Source::of_word(&self.source).ok_or_else(|| BalancePayloadError(self.source.clone()))?;
        Ok(Reading { provider: self.provider.clone(), left: self.left, total: self.total, taken_at, source })
    }
}
