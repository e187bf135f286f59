//! What providers tell of an account through their official interfaces: the balance, and what days cost.
//!
//! One trait for all of them, so that one actor follows them and one command looks at them. A provider tells what its
//! interface has: a balance (OpenRouter, DeepSeek, Moonshot), reports of days (an organisation's admin key at Anthropic
//! and OpenAI), or only that a key is good.

use std::pin::Pin;

use jiff::Timestamp;

use crate::config::Config;
use crate::domain::balance::doubt::key_mend;
use crate::domain::balance::{Reading, Why};
use crate::domain::currency::Currency;
use crate::domain::lookback::Days;
use crate::domain::report::DayReport;

use super::finding::{Finding, Verified};
use super::resilience::{OnBreaker, OutsideError, Policy};
use super::rows::{Listed, Odd};

/// A provider with an official interface. Its own file has one of these, and [`PROVIDERS`](super::PROVIDERS) lists them.
#[derive(Debug)]
pub struct ProviderKind {
    /// Its name: of the source, of the provider in usage, and of its table in the settings.
    pub name: &'static str,
    /// What switches it on, for people.
    pub configure: &'static str,
    /// Makes the client of the settings, if they name one.
    pub client: MakeClient,
    /// Its keys, where each is asked by itself whether it is good; else the client is.
    pub keys: &'static [ProviderKey],
}

/// A key that is asked by itself.
#[derive(Debug)]
pub struct ProviderKey {
    /// What it is called.
    pub name: &'static str,
    /// What is told where it is not set.
    pub missing: &'static str,
    /// Makes a client of this key alone.
    pub client: MakeClient,
}

/// Makes a client of the settings; none where they name none.
pub type MakeClient = fn(&Config, Policy, &OnBreaker) -> Option<Made>;

/// A client, or why it cannot be made.
pub type Made = Result<Box<dyn ProviderClient>, OutsideError>;

/// A client of its own type as any provider's.
pub(super) fn boxed<T: ProviderClient + 'static>(made: Result<T, OutsideError>) -> Made {
    made.map(|client| Box::new(client) as Box<dyn ProviderClient>)
}

/// An answer that is being waited for.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a provider told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What is left, one reading for each currency.
    pub balances: Vec<Reading>,
    /// Of each UTC day, what it cost and what was consumed.
    pub reports: Vec<DayReport>,
    /// The balances, by currency, of which the answer itself makes no sense, and why.
    pub doubts: Vec<(Currency, Why)>,
    /// What there is to say about it, in words of ours.
    pub said: String,
    /// What of it could not be read.
    pub odd: Odd,
}

impl Told {
    /// What the answer itself says against a balance, if anything.
    #[must_use]
    pub fn doubt(&self, currency: Currency) -> Option<Why> {
        self.doubts.iter().find(|(doubted, _)| *doubted == currency).map(|(_, why)| *why)
    }
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
pub trait ProviderClient: Send + Sync {
    /// The provider, as usage and the sources name it.
    fn system(&self) -> &'static str;

    /// Whether there is anything to read now and then, besides that the key is good.
    fn tells(&self) -> bool {
        true
    }

    /// Reads all there is, of these days where it tells of days.
    fn look(&self, days: Days, now: Timestamp) -> Asking<'_, Looked>;

    /// Asks one cheap question: what it says of the key, and how far its clock is ahead of ours, in seconds.
    fn verify(&self) -> Asking<'_, Result<(String, Option<i64>), OutsideError>>;

    /// The same, and whether the key reads what it should.
    fn check(&self) -> Asking<'_, Verified> {
        Box::pin(async move { self.verify().await.map(|(said, ahead)| (Finding::Works(said), ahead)) })
    }
}

/// A provider of which one question tells all there is: the balance, and what the key is good for.
pub trait BalanceApi: Send + Sync {
    /// As [`ProviderClient::system`].
    const SYSTEM: &'static str;

    /// What is left, and what there is to say of the key; also how far the server's clock is ahead of ours, in seconds.
    fn tell(&self, now: Timestamp) -> Asking<'_, Result<(Told, Option<i64>), OutsideError>>;
}

impl<P: BalanceApi> ProviderClient for P {
    fn system(&self) -> &'static str {
        P::SYSTEM
    }

    fn look(&self, _: Days, now: Timestamp) -> Asking<'_, Looked> {
        Box::pin(async move { Looked::of(self.tell(now).await.map(|(told, _)| told)) })
    }

    fn verify(&self) -> Asking<'_, Result<(String, Option<i64>), OutsideError>> {
        Box::pin(async move {
            let (told, ahead) = self.tell(Timestamp::now()).await?;
            let odd = told.odd.text().map(|odd| format!("; {odd}")).unwrap_or_default();
            Ok((told.said + &odd, ahead))
        })
    }

    fn check(&self) -> Asking<'_, Verified> {
        Box::pin(async move {
            let (told, ahead) = self.tell(Timestamp::now()).await?;
            let finding = match told.doubts.first() {
                Some((_, why)) => {
                    let said = format!("the key is taken, and its balance is not believed: {}", why.words());
                    Finding::Weak(said, key_mend(P::SYSTEM))
                }
                None => Finding::Works(told.said),
            };
            Ok((finding, ahead))
        })
    }
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

    /// Takes in reports of days, or why there are none: the first reason stands.
    pub fn take(&mut self, asked: Result<Listed<DayReport>, OutsideError>) {
        match asked {
            Ok(Listed { rows, odd }) => {
                self.told.reports.extend(rows);
                self.told.odd.add(odd);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Something failed.
    pub fn fail(&mut self, error: OutsideError) {
        self.failed.get_or_insert(error);
    }
}
