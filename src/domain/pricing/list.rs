//! Price lists: prices by kind of token, by prompt size, and by day.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::money::Picodollars;

/// Tokens in the unit of quoted prices.
pub(super) const MILLION: i128 = 1_000_000;
/// Maximum price. Together with [`FACTOR_MAX`] it keeps the cost of a call within the number range.
const PER_MILLION_MAX_USD: i64 = 1_000_000;
/// Maximum factor.
const FACTOR_MAX: i128 = 100;
/// Maximum price of a search, in USD.
const SEARCH_MAX_USD: i64 = 1_000_000;

/// The price of one token in picodollars; written as USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub(super) i128);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let per_million = Picodollars::parse(&text).map_err(serde::de::Error::custom)?.0;
        if per_million > Picodollars::usd(PER_MILLION_MAX_USD).0 {
            let reason = format!("price '{text}' is over {PER_MILLION_MAX_USD} USD for a million tokens");
            return Err(serde::de::Error::custom(reason));
        }
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

/// As in price lists: USD per million tokens.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Picodollars(self.0 * MILLION).exact())
    }
}

/// A factor on token prices, such as `1.1`, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplier(pub(super) i128);

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
    /// Output, including thinking.
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

/// Standard prices for prompts above a size; they apply to the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTier {
    /// For prompts with more tokens than this; 0 for the first tier.
    pub above_prompt_tokens: u64,
    #[serde(flatten)]
    pub rates: Rates,
}

/// The prices of one model for a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceList {
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
    /// Factors by name: a region such as `us`, `regional` for a reseller's region, or `fast`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub multipliers: BTreeMap<String, Multiplier>,
    /// USD per web search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search_per_call: Option<Picodollars>,
}

/// Prices of an earlier period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastPrices {
    /// First day (UTC); none if no earlier price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day.
    pub until: Date,
    #[serde(flatten)]
    pub list: PriceList,
}

/// The current and earlier prices of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrices {
    /// First day (UTC) of the current prices; none if no earlier price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    #[serde(flatten)]
    pub list: PriceList,
    /// Earlier prices, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastPrices>,
    /// Whether the provider has withdrawn the model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// Why a price list is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// No tier, or tiers that do not ascend.
    #[error("its tiers are missing or not in ascending order; begin with above_prompt_tokens 0")]
    Tiers,
    /// An invalid search price.
    #[error("its price for web searches is negative, or over {SEARCH_MAX_USD} USD for one")]
    Search,
    /// A factor that is too large.
    #[error("its factor for '{0}' is over {FACTOR_MAX}")]
    Factor(String),
    /// A period that ends before it begins.
    #[error("its prices from {0} end on {1}, before they begin")]
    Ends(Date, Date),
    /// Two periods that overlap.
    #[error("two of its prices hold on {0}; let each end the day before the next begins")]
    Overlap(Date),
}

impl ModelPrices {
    /// The list for a day. If the table does not reach back to it, the oldest later list, and its first day.
    #[must_use]
    pub fn on(&self, day: Date) -> (&PriceList, Option<Date>) {
        if self.from.is_none_or(|from| day >= from) {
            return (&self.list, None);
        }
        for past in &self.history {
            if day <= past.until {
                let later = past.from.filter(|from| day < *from);
                return (&past.list, later);
            }
        }
        (&self.list, self.from)
    }

    /// Validates the list.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn check(&self) -> Result<(), ListError> {
        let lists = self.history.iter().map(|past| &past.list).chain([&self.list]);
        for list in lists {
            let ascends =
                list.tiers.windows(2).all(|pair| pair[0].above_prompt_tokens < pair[1].above_prompt_tokens);
            if !ascends || list.tiers.first().is_none_or(|first| first.above_prompt_tokens != 0) {
                return Err(ListError::Tiers);
            }
            let is_price =
                |price: Picodollars| (Picodollars::ZERO..=Picodollars::usd(SEARCH_MAX_USD)).contains(&price);
            if list.web_search_per_call.is_some_and(|price| !is_price(price)) {
                return Err(ListError::Search);
            }
            if let Some((name, _)) =
                list.multipliers.iter().find(|(_, factor)| factor.0 > FACTOR_MAX * MILLION)
            {
                return Err(ListError::Factor(name.clone()));
            }
        }
        let mut before: Option<Date> = None;
        for past in &self.history {
            if let Some(from) = past.from.filter(|from| *from > past.until) {
                return Err(ListError::Ends(from, past.until));
            }
            // Without a first day it reaches back forever, and nothing may precede it.
            if let Some(end) = before.filter(|end| past.from.is_none_or(|from| from <= *end)) {
                return Err(ListError::Overlap(past.from.unwrap_or(end)));
            }
            before = Some(past.until);
        }
        match before {
            Some(end) if self.from.is_none_or(|from| from <= end) => {
                Err(ListError::Overlap(self.from.unwrap_or(end)))
            }
            _ => Ok(()),
        }
    }
}
