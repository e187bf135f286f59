//! What was left at a provider, and what was added there.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use super::class::classes;
use crate::domain::balance::{BalanceChange, Confidence, Doubted, Reading, Source, TopUp, Why};
use crate::domain::currency::{Currency, CurrencyError};
use crate::domain::money::Picodollars;
use crate::event::envelope::EventId;

/// What was left at a provider was read. When it was read stands in the envelope. Version 2; version 1 knew only
/// what a person typed, in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceRead {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// What was left, in the currency below.
    #[schemars(with = "String")]
    pub left: Picodollars,
    /// What was bought in all, if that was told.
    #[schemars(with = "Option<String>")]
    pub total: Option<Picodollars>,
    /// The currency's code, `USD`.
    pub currency: String,
    /// How it was read: `hand`, `console`, `provider-api`, `refusal`, `derived`.
    pub source: String,
    /// How sure that is: `high`, `medium`, `low`.
    pub confidence: String,
    /// How it was found, in a word of ours.
    pub found: String,
}

/// Version 1 of [`BalanceRead`], kept for the logs that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceReadV1 {
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

impl From<BalanceReadV1> for BalanceRead {
    fn from(old: BalanceReadV1) -> Self {
        Self {
            provider: old.provider,
            left: old.left,
            total: old.total,
            currency: Currency::USD.to_string(),
            source: old.source,
            confidence: Confidence::High.word().to_owned(),
            found: String::new(),
        }
    }
}

/// What was read is not believed yet. When it was read stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceDoubted {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// What was told to be left, in the currency below.
    #[schemars(with = "String")]
    pub left: Picodollars,
    /// What was bought in all, if that was told.
    #[schemars(with = "Option<String>")]
    pub total: Option<Picodollars>,
    /// The currency's code, `USD`.
    pub currency: String,
    /// How it was read: `console`, `provider-api`, `derived`.
    pub source: String,
    /// How sure the reading itself is: `high`, `medium`, `low`.
    pub confidence: String,
    /// How it was found, in a word of ours.
    pub found: String,
    /// Why it is not believed: `nothing-of-nothing`, `bare-nothing`, `contradiction`, `first-nothing`,
    /// `fell-to-nothing`, `rose`, `other-currency`.
    pub why: String,
}

/// Money was added at a provider. When stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceToppedUp {
    /// Who was paid.
    pub provider: String,
    /// How much was added, in USD.
    #[schemars(with = "String")]
    pub amount: Picodollars,
}

classes! {
    BalanceRead { None: provider, left, total, currency, source, confidence, found; }
    BalanceReadV1 { None: provider, left, total, source; }
    BalanceDoubted { None: provider, left, total, currency, source, confidence, found, why; }
    BalanceToppedUp { None: provider, amount; }
}

/// Why a stored reading is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BalancePayloadError {
    /// A way to read that a newer program knows.
    #[error("'{0}' is not a way to read a balance that this mecris knows; use a newer one")]
    Source(String),
    /// A confidence that a newer program knows.
    #[error("'{0}' is not a confidence that this mecris knows; use a newer one")]
    Confidence(String),
    /// A doubt that a newer program knows.
    #[error("'{0}' is not a doubt of a balance that this mecris knows; use a newer one")]
    Why(String),
    /// Not a currency.
    #[error(transparent)]
    Currency(#[from] CurrencyError),
}

impl From<&Reading> for BalanceRead {
    fn from(reading: &Reading) -> Self {
        Self {
            provider: reading.provider.clone(),
            left: reading.left,
            total: reading.total,
            currency: reading.currency.to_string(),
            source: reading.source.word().to_owned(),
            confidence: reading.confidence.word().to_owned(),
            found: reading.found.clone(),
        }
    }
}

impl BalanceRead {
    fn to_reading(&self, taken_at: Timestamp) -> Result<Reading, BalancePayloadError> {
        let source =
            Source::of_word(&self.source).ok_or_else(|| BalancePayloadError::Source(self.source.clone()))?;
        let confidence = Confidence::of_word(&self.confidence)
            .ok_or_else(|| BalancePayloadError::Confidence(self.confidence.clone()))?;
        Ok(Reading {
            provider: self.provider.clone(),
            left: self.left,
            total: self.total,
            currency: Currency::parse(&self.currency)?,
            taken_at,
            source,
            confidence,
            found: self.found.clone(),
        })
    }
}

impl From<&Doubted> for BalanceDoubted {
    fn from(Doubted { reading, why }: &Doubted) -> Self {
        let BalanceRead { provider, left, total, currency, source, confidence, found } = reading.into();
        Self { provider, left, total, currency, source, confidence, found, why: why.word().to_owned() }
    }
}

impl BalanceDoubted {
    fn to_doubted(&self, taken_at: Timestamp) -> Result<Doubted, BalancePayloadError> {
        let why = Why::of_word(&self.why).ok_or_else(|| BalancePayloadError::Why(self.why.clone()))?;
        let Self { provider, left, total, currency, source, confidence, found, .. } = self.clone();
        let read = BalanceRead { provider, left, total, currency, source, confidence, found };
        Ok(Doubted { reading: read.to_reading(taken_at)?, why })
    }
}

/// The event of a decided change, its id and when it happened. `nth` tells readings of one moment apart
/// (`Accounts::nth`).
#[must_use]
pub fn balance_event(tenant: &str, change: &BalanceChange, nth: u32) -> (EventId, Event<'static>, Timestamp) {
    match change {
        BalanceChange::Read(reading) => {
            let (moment, number) = (reading.taken_at.as_microsecond().to_string(), nth.to_string());
            let (source, currency) = (reading.source.word(), reading.currency.code());
            let parts = [tenant, &reading.provider, source, currency, &moment, &number];
            let event = Event::BalanceRead(BalanceRead::from(reading));
            (EventId::derive("balance-read", &parts), event, reading.taken_at)
        }
        BalanceChange::Doubted(doubted) => {
            let Doubted { reading, why } = doubted;
            let moment = reading.taken_at.as_microsecond().to_string();
            let (source, currency) = (reading.source.word(), reading.currency.code());
            let parts = [tenant, &reading.provider, source, currency, &moment, why.word()];
            let event = Event::BalanceDoubted(BalanceDoubted::from(doubted));
            (EventId::derive("balance-doubted", &parts), event, reading.taken_at)
        }
        BalanceChange::ToppedUp(top_up) => {
            let (moment, amount) = (top_up.at.as_microsecond().to_string(), top_up.amount.0.to_string());
            let parts = [tenant, &top_up.provider, &moment, &amount];
            let payload = BalanceToppedUp { provider: top_up.provider.clone(), amount: top_up.amount };
            (EventId::derive("balance-topped-up", &parts), Event::BalanceToppedUp(payload), top_up.at)
        }
    }
}

/// What an event that happened at an instant says about balances, if anything.
///
/// # Errors
/// [`BalancePayloadError`].
pub fn balance_change(
    at: Timestamp,
    event: &Event<'_>,
) -> Result<Option<BalanceChange>, BalancePayloadError> {
    Ok(match event {
        Event::BalanceRead(stored) => Some(BalanceChange::Read(stored.to_reading(at)?)),
        Event::BalanceDoubted(stored) => Some(BalanceChange::Doubted(stored.to_doubted(at)?)),
        Event::BalanceToppedUp(stored) => Some(BalanceChange::ToppedUp(TopUp {
            provider: stored.provider.clone(),
            amount: stored.amount,
            at,
        })),
        _ => None,
    })
}
