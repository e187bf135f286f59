//! OpenRouter's credits.
//!
//! Sources: <https://openrouter.ai/docs/api-reference/credits/get-credits> (a management key) and
//! `…/limits` (`/key`, any key). What is left is what was bought less what was used, both in USD, up to a minute old.

use jiff::Timestamp;

use crate::config::Secret;
use crate::domain::balance::doubt::{Answer as Amounts, judge};
use crate::domain::balance::{Reading, Source};
use crate::domain::currency::Currency;
use crate::domain::decimal::Unit;
use crate::domain::money::Picodollars;

use super::credit;
use super::official::{Asking, BalanceApi, ProviderKind, Told, boxed};
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy};
use super::rows::Raw;

/// The name of this system in spans, events and errors, and of the provider in usage.
pub const SYSTEM: &str = "openrouter";
/// OpenRouter as a provider.
pub const PROVIDER: ProviderKind = ProviderKind {
    name: SYSTEM,
    configure: "set openrouter.api_key to a management key",
    client: |config, policy, on_breaker| {
        let (settings, key) = (&config.openrouter, config.openrouter.api_key.as_ref()?);
        Some(boxed(OpenRouter::new(settings, key, policy, on_breaker.clone())))
    },
    keys: &[],
};
const FIX: &str = "make a key at https://openrouter.ai/settings/keys and set openrouter.api_key";

/// A client; cheap to clone.
#[derive(Debug, Clone)]
pub struct OpenRouter {
    outside: Outside,
}

/// What was bought and used in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credits {
    /// Bought, in USD.
    pub total: Picodollars,
    /// Used, in USD.
    pub used: Picodollars,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimits {
    /// What the key itself may still use, in USD; none where it has no limit of its own.
    pub limit_remaining: Option<Picodollars>,
    /// What it has used, in USD.
    pub used: Picodollars,
}

/// An amount in the answer's `data`; an error names it.
fn usd(told: &Raw<'_>, field: &'static str) -> Result<Picodollars, OutsideError> {
    let read = told.object("data", |data| data.amount(field, Unit::Whole));
    read.map_err(|_| OutsideError::Malformed { system: SYSTEM, what: field })
}

pub(crate) fn credits_of(answer: &Answer) -> Result<(Credits, Option<i64>), OutsideError> {
    answer.rows(|told| {
        let credits = Credits { total: usd(told, "total_credits")?, used: usd(told, "total_usage")? };
        Ok((credits, answer.clock_ahead()))
    })
}

pub(crate) fn key_of(answer: &Answer) -> Result<(KeyLimits, Option<i64>), OutsideError> {
    answer.rows(|told| {
        // A key without a limit of its own has null there; what else is odd tells of none either.
        let limit_remaining = usd(told, "limit_remaining").ok();
        Ok((KeyLimits { limit_remaining, used: usd(told, "usage")? }, answer.clock_ahead()))
    })
}

impl OpenRouter {
    /// A client.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn new(
        settings: &crate::config::OpenRouter,
        key: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let auth = Auth::Bearer(key.to_secret());
        let base = settings.api_base.with_path("/api/v1");
        let code = credit::of_refusal;
        Ok(Self { outside: Outside::with_codes(SYSTEM, FIX, &base, Some(auth), policy, on_breaker, code)? })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// What was bought and used; for a management key.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Unauthorized`] for every other key.
    pub async fn credits(&self) -> Result<(Credits, Option<i64>), OutsideError> {
        self.outside.ask_for(&Ask::get("credits", &[]), credits_of).await
    }

    /// What the key itself may use and has used.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn key(&self) -> Result<(KeyLimits, Option<i64>), OutsideError> {
        self.outside.ask_for(&Ask::get("key", &[]), key_of).await
    }

    /// The credits, or what there is to say of a key that may not read them.
    async fn ask(&self, now: Timestamp) -> Result<(Told, Option<i64>), OutsideError> {
        match self.credits().await {
            Ok((credits, ahead)) => {
                let left = credits.total - credits.used;
                let reading = Reading::usd(SYSTEM, left, now, Source::ProviderApi, "credits");
                // Who has used more than was bought owes; `total` stays what was bought.
                let reading = Reading { total: Some(credits.total), ..reading };
                let amounts = Amounts { left, total: Some(credits.total), ..Amounts::default() };
                let Some(why) = judge(&amounts) else {
                    let said = "the key reads the account's credits".to_owned();
                    return Ok((Told { balances: vec![reading], said, ..Told::default() }, ahead));
                };
                // What the key says of itself may show that it does not see the account.
                let said = match self.key().await {
                    Ok((KeyLimits { used, .. }, _)) if used > Picodollars::ZERO => {
                        format!("{}; the key itself has used {used}", why.words())
                    }
                    _ => why.words().to_owned(),
                };
                let doubts = vec![(Currency::USD, why)];
                Ok((Told { balances: vec![reading], doubts, said, ..Told::default() }, ahead))
            }
            Err(OutsideError::Unauthorized { .. }) => {
                let (limits, ahead) = self.key().await?;
                let own = limits.limit_remaining.map_or_else(
                    || "the key has no limit of its own".to_owned(),
                    |left| format!("the key may still use {left}"),
                );
                let said =
                    format!("the key is taken; only a management key reads the account's credits; {own}");
                Ok((Told { said, ..Told::default() }, ahead))
            }
            Err(error) => Err(error),
        }
    }
}

impl BalanceApi for OpenRouter {
    const SYSTEM: &'static str = SYSTEM;

    fn tell(&self, now: Timestamp) -> Asking<'_, Result<(Told, Option<i64>), OutsideError>> {
        Box::pin(self.ask(now))
    }
}
