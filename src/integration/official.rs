//! What providers tell of an account through their official interfaces: the balance, and what days cost.
//!
//! One trait for all of them, so that one actor follows them and one command looks at them. A provider tells what its
//! interface has: a balance (OpenRouter, DeepSeek, Moonshot), reports of days (an organisation's admin key at Anthropic
//! and OpenAI), or only that a key is good.

use std::pin::Pin;

use jiff::Timestamp;

use crate::domain::balance::Reading;
use crate::domain::lookback::Days;
use crate::domain::report::DayReport;

use super::resilience::OutsideError;

/// An answer that is being waited for.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a provider told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What is left, one reading for each currency.
    pub balances: Vec<Reading>,
    /// Of each UTC day, what it cost and what was consumed.
    pub reports: Vec<DayReport>,
    /// What there is to say about it, in words of ours.
    pub said: String,
}

/// What came of a look. What was told before something failed is told all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// What was told.
    pub told: Told,
    /// What failed.
    pub failed: Option<OutsideError>,
}

/// A provider's official interface, with a key.
pub trait Official: Send + Sync {
    /// The provider, as usage and the sources name it.
    fn system(&self) -> &'static str;

    /// Whether there is anything to read now and then, besides that the key is good.
    fn tells(&self) -> bool;

    /// Reads all there is, of these days where it tells of days.
    fn look(&self, days: Days, now: Timestamp) -> Asking<'_, Looked>;

    /// Asks one cheap question: what it says of the key, and how far its clock is ahead of ours, in seconds.
    fn verify(&self) -> Asking<'_, Result<(String, Option<i64>), OutsideError>>;
}

impl Looked {
    /// What a question brought, or why it brought nothing.
    #[must_use]
    pub fn of(asked: Result<Told, OutsideError>) -> Self {
        match asked {
            Ok(told) => Self { told, failed: None },
            Err(error) => Self { failed: Some(error), ..Self::default() },
        }
    }
}
