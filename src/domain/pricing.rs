//! What a call costs: a table of prices, and one exact calculation, rounded once for each record.
//!
//! A price that is not in the table is never guessed: the call is then [`Unpriced`], with the reason.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::money::{Picodollars, divide_half_even};
use super::tokens::Tokens;
use super::usage::{ServiceTier, Speed, Usage};

/// Tokens in the unit that prices are quoted for.
const MILLION: i128 = 1_000_000;

/// The price of one token, in picodollars; written as USD for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(i128);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let per_million = Picodollars::parse(&text).map_err(serde::de::Error::custom)?.0;
        if per_million < 0 || per_million % MILLION != 0 {
            return Err(serde::de::Error::custom(format!(
                "price '{text}' is negative or has more than 6 decimals"
            )));
        }
        Ok(Self(per_million / MILLION))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As in price lists: USD for a million tokens.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Picodollars(self.0 * MILLION).exact())
    }
}

/// A factor on token prices, such as `1.1`, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplier(i128);

impl<'de> Deserialize<'de> for Multiplier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Rate::deserialize(deserializer).map(|rate| Self(rate.0))
    }
}

impl Serialize for Multiplier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Rate(self.0).serialize(serializer)
    }
}

/// Prices of one kind of call; a missing one is unknown, not free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Uncached input.
    pub input: Rate,
    /// Output, thinking included.
    pub output: Rate,
    /// Reading from the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Rate>,
    /// Writing to the five-minute cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<Rate>,
    /// Writing to the one-hour cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Rate>,
}

/// Standard prices for prompts above a size; they hold for the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTier {
    /// The tier holds for prompts of more tokens than this; 0 for the first.
    pub above_prompt_tokens: u64,
    /// See [`Rates`].
    #[serde(flatten)]
    pub rates: Rates,
}

/// The price list of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrices {
    /// Standard prices by prompt size, ascending.
    pub tiers: Vec<PromptTier>,
    /// The batch API's prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Rates>,
    /// Priority prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Rates>,
    /// Flex prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex: Option<Rates>,
    /// Factors by name: a region such as `us`, or `fast`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub multipliers: BTreeMap<String, Multiplier>,
    /// USD for one web search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search_per_call: Option<Picodollars>,
    /// Whether the provider has withdrawn the model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// All known prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceTable {
    /// What identifies this table in events: its snapshot's date, and the override's hash if any.
    pub version: String,
    /// By `provider/model`.
    pub models: BTreeMap<String, ModelPrices>,
}

/// Why a call has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// The model is not in the table.
    #[error("{0} is not in the price table")]
    UnknownModel(String),
    /// The model has no price for something that was consumed.
    #[error("the price table has no {what} price for {model}")]
    NoRate {
        /// `provider/model`.
        model: String,
        /// What was consumed.
        what: &'static str,
    },
    /// The model has no factor for how or where it was served.
    #[error("the price table has no factor '{name}' for {model}")]
    NoMultiplier {
        /// `provider/model`.
        model: String,
        /// The factor's name.
        name: String,
    },
}

impl PriceTable {
    /// What a call costs by this table.
    ///
    /// # Errors
    /// [`Unpriced`] where the table lacks a price that the call needs.
    pub fn price(&self, usage: &Usage) -> Result<Picodollars, Unpriced> {
        let model = format!("{}/{}", usage.provider, usage.model);
        let Some(prices) = self.models.get(&model) else {
            return Err(Unpriced::UnknownModel(model));
        };
        prices.price(usage, usage.tokens.prompt()).map_err(|missing| missing.of(model))
    }

    /// What a number of calls of one model cost, of which only the sum is known: each is reckoned as a call with a
    /// small prompt, for a price that depends on the prompt's size cannot be told from a sum.
    ///
    /// # Errors
    /// As [`PriceTable::price`].
    pub fn price_sum(&self, usage: &Usage) -> Result<Picodollars, Unpriced> {
        let model = format!("{}/{}", usage.provider, usage.model);
        let Some(prices) = self.models.get(&model) else {
            return Err(Unpriced::UnknownModel(model));
        };
        prices.price(usage, 0).map_err(|missing| missing.of(model))
    }
}

/// What a price list lacks.
enum Missing {
    Rate(&'static str),
    Multiplier(String),
}

impl Missing {
    fn of(self, model: String) -> Unpriced {
        match self {
            Self::Rate(what) => Unpriced::NoRate { model, what },
            Self::Multiplier(name) => Unpriced::NoMultiplier { model, name },
        }
    }
}

impl ModelPrices {
    fn price(&self, usage: &Usage, prompt: u64) -> Result<Picodollars, Missing> {
        let tokens = &usage.tokens;
        let rates = self.rates(usage, prompt)?;
        let mut amount = rates.apply(tokens)?;
        let mut scale = 1;
        for name in factors(usage) {
            let factor = self.multipliers.get(name).ok_or_else(|| Missing::Multiplier(name.to_owned()))?;
            amount *= factor.0;
            scale *= MILLION;
        }
        let searches = match (tokens.web_searches, self.web_search_per_call) {
            (0, _) => 0,
            (count, Some(price)) => i128::from(count) * price.0,
            (_, None) => return Err(Missing::Rate("web search")),
        };
        Ok(Picodollars(divide_half_even(amount, scale) + searches))
    }

    fn rates(&self, usage: &Usage, prompt: u64) -> Result<&Rates, Missing> {
        let standard = || {
            let tier = self
                .tiers
                .iter()
                .rev()
                .find(|tier| tier.above_prompt_tokens == 0 || prompt > tier.above_prompt_tokens);
            tier.map(|tier| &tier.rates).ok_or(Missing::Rate("standard"))
        };
        match &usage.service_tier {
            ServiceTier::Standard => standard(),
            ServiceTier::Batch => self.batch.as_ref().ok_or(Missing::Rate("batch")),
            ServiceTier::Priority => self.priority.as_ref().ok_or(Missing::Rate("priority")),
            ServiceTier::Flex => self.flex.as_ref().ok_or(Missing::Rate("flex")),
        }
    }
}

/// The names of the factors that a call's price carries.
fn factors(usage: &Usage) -> impl Iterator<Item = &str> {
    let fast = (usage.speed == Speed::Fast).then_some("fast");
    let region = (!usage.inference_geo.is_empty()).then_some(&*usage.inference_geo);
    fast.into_iter().chain(region)
}

impl Rates {
    fn apply(&self, tokens: &Tokens) -> Result<i128, Missing> {
        let parts = [
            (tokens.input, Some(self.input), "input"),
            (tokens.output, Some(self.output), "output"),
            (tokens.cache_read, self.cache_read, "cache read"),
            (tokens.cache_write_5m, self.cache_write_5m, "5-minute cache write"),
            (tokens.cache_write_1h, self.cache_write_1h, "1-hour cache write"),
        ];
        let mut amount = 0;
        for (count, rate, what) in parts {
            if count > 0 {
                amount += i128::from(count) * rate.ok_or(Missing::Rate(what))?.0;
            }
        }
        Ok(amount)
    }
}

#[cfg(test)]
mod tests;
