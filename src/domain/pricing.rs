//! Pricing: a table of prices with their days of validity, and one exact calculation, rounded once per
//! record.
//!
//! A call is priced with the list of its UTC day. Its parts are priced separately: what the table lacks for a
//! kind of token, for searches or for a tier is named ([`Priced::missing`]) and the rest is priced. A missing
//! price is never guessed.

pub mod list;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::calendar;
use super::money::{Picodollars, divide_half_even};
use super::naming::{self, Name};
use super::tokens::Tokens;
use super::usage::{ServiceTier, Speed, Usage};

use list::{MILLION, ModelPrices, PriceList, Rate, Rates};

/// The fix for calls without a price.
pub const MEND: &str =
    "add the model's price to a price file (the setting `prices`), then run `mecris reprice`";

/// The name of the factor for calls that a reseller keeps within one region.
const REGIONAL: &str = "regional";

/// All known prices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PriceTable {
    /// Identifies this table in events: its snapshot's date, and the hash of the override file if any.
    pub version: String,
    /// By `provider/model`.
    pub models: BTreeMap<String, ModelPrices>,
    /// A person's aliases: a name as written in usage, and its `provider/model`.
    pub aliases: BTreeMap<String, String>,
}

/// What the table lacks for a call, or what is unknown about the call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The model is not in the table.
    Model(String),
    /// No price for a tier.
    Tier(String),
    /// No price for one kind of token, or for searches.
    Rate(&'static str),
    /// No factor for how or where the call was served.
    Factor(String),
    /// An invalid count in the source.
    Count(&'static str),
    /// An entry of a response that is not known to be billed.
    Part(String),
    /// The table does not reach back to the call's day: the price of this later day was used.
    Day(Date),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(model) => write!(f, "no price for {model}"),
            Self::Tier(tier) => write!(f, "no price for tier '{tier}'"),
            Self::Rate(what) => write!(f, "no price for {what}"),
            Self::Factor(name) => write!(f, "no factor for '{name}'"),
            Self::Count(what) => write!(f, "{what} is not a number"),
            Self::Part(kind) => write!(f, "not known whether '{kind}' is billed"),
            Self::Day(date) => write!(f, "by the price of {date}"),
        }
    }
}

/// The cost of a call, and what it leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Priced {
    /// The sum of what could be priced, in USD; none if nothing could.
    pub cost: Option<Picodollars>,
    /// What it leaves out, or relies on; empty if it is complete.
    pub missing: Vec<Lack>,
    /// Tokens and searches whose price is not in `cost`.
    pub lacking: Tokens,
}

impl Priced {
    /// Whether the cost is complete.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// The unpriced tokens for the event; none if everything has a price.
    #[must_use]
    pub fn lacks(&self) -> Option<Tokens> {
        (self.lacking != Tokens::default()).then_some(self.lacking)
    }

    fn nothing(missing: Lack, tokens: Tokens) -> Self {
        Self { cost: None, missing: vec![missing], lacking: tokens }
    }
}

impl PriceTable {
    /// The prices of a model, if the table has any: its provider's, else its maker's.
    #[must_use]
    pub fn prices_of(&self, name: &Name<'_>, written: &str) -> Option<&ModelPrices> {
        if let Some(meant) = self.aliases.get(written) {
            return self.models.get(meant);
        }
        let of = |provider: &str| {
            naming::price_names(name, written)
                .find_map(|model| self.models.get(&format!("{provider}/{model}")))
        };
        let maker = || if name.maker == name.provider { None } else { of(&name.maker) };
        of(&name.provider).or_else(maker)
    }

    /// The cost of a call by this table.
    #[must_use]
    pub fn price(&self, usage: &Usage) -> Priced {
        self.price_with(usage, usage.tokens.prompt(), calendar::day_of(usage.occurred_at, &TimeZone::UTC))
    }

    /// The cost of a call at the prices of a given day.
    #[must_use]
    pub fn price_on(&self, usage: &Usage, day: Date) -> Priced {
        self.price_with(usage, usage.tokens.prompt(), day)
    }

    /// The cost of several calls of one model whose sum alone is known. Each is priced as a call with a small
    /// prompt, because a sum says nothing about prompt sizes.
    #[must_use]
    pub fn price_sum(&self, usage: &Usage) -> Priced {
        self.price_with(usage, 0, calendar::day_of(usage.occurred_at, &TimeZone::UTC))
    }

    fn price_with(&self, usage: &Usage, prompt: u64, day: Date) -> Priced {
        let name = naming::resolve(&usage.provider, &usage.model);
        if !is_billed_part(&usage.part) {
            return Priced::nothing(Lack::Part(usage.part.to_string()), usage.tokens);
        }
        let Some(prices) = self.prices_of(&name, &usage.model) else {
            return Priced::nothing(Lack::Model(format!("{}/{}", name.provider, name.model)), usage.tokens);
        };
        let (list, later) = prices.on(day);
        let mut priced = list.price(usage, &name, prompt);
        priced.missing.extend(usage.odd.iter().map(|odd| Lack::Count(odd.name())));
        priced.missing.extend(later.map(Lack::Day));
        priced
    }

    /// A provider's highest price of each kind of token, with its highest factors: an upper bound of the cost
    /// of unpriced tokens, for any model in the table. None if the table has none of this provider.
    #[must_use]
    pub fn dearest(&self, provider: &str) -> Option<Dearest> {
        let prefix = format!("{provider}/");
        let own = self.models.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        own.map(|(_, prices)| prices.dearest()).reduce(Dearest::max)
    }
}

/// Types of entries of `usage.iterations` that are billed calls of their own; empty is the call itself.
#[must_use]
pub fn is_billed_part(part: &str) -> bool {
    matches!(part, "" | "advisor_message" | "compaction")
}

/// The highest prices; see [`PriceTable::dearest`]. In picodollars per token, and per search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dearest {
    rates: [i128; 6],
}

impl Dearest {
    fn max(self, other: Self) -> Self {
        let mut rates = self.rates;
        rates.iter_mut().zip(other.rates).for_each(|(rate, other)| *rate = (*rate).max(other));
        Self { rates }
    }

    /// An upper bound of the cost of these tokens. A kind without any price counts at the highest price of
    /// all kinds.
    #[must_use]
    pub fn bound(&self, tokens: &Tokens) -> Picodollars {
        let most = self.rates[..5].iter().copied().max().unwrap_or_default();
        let parts = tokens.counts().into_iter().zip(self.rates);
        let cost =
            parts.map(|(count, rate)| i128::from(count).saturating_mul(if rate == 0 { most } else { rate }));
        Picodollars(cost.fold(0_i128, i128::saturating_add))
    }
}

impl ModelPrices {
    fn dearest(&self) -> Dearest {
        let past = self.history.iter().map(|past| &past.list);
        past.chain([&self.list]).map(PriceList::dearest).reduce(Dearest::max).unwrap_or_default()
    }
}

impl PriceList {
    fn dearest(&self) -> Dearest {
        // All factors that can apply together: fast, and the highest regional one.
        let fast = self.multipliers.get("fast").map_or(MILLION, |factor| factor.0);
        let places = self.multipliers.iter().filter(|(name, _)| *name != "fast").map(|(_, factor)| factor.0);
        let place = places.max().unwrap_or(MILLION).max(MILLION);
        let with =
            |rate: i128| rate.saturating_mul(fast.max(MILLION)).saturating_mul(place) / (MILLION * MILLION);
        let all = self
            .tiers
            .iter()
            .map(|tier| &tier.rates)
            .chain(&self.batch)
            .chain(&self.priority)
            .chain(&self.flex);
        let mut dearest = Dearest::default();
        for rates in all {
            let of = |rate: Option<Rate>| rate.map_or(0, |rate| with(rate.0));
            let parts = [
                of(Some(rates.input)),
                of(Some(rates.output)),
                of(rates.cache_write_5m),
                of(rates.cache_write_1h),
                of(rates.cache_read),
                self.web_search_per_call.map_or(0, |price| price.0),
            ];
            dearest = dearest.max(Dearest { rates: parts });
        }
        dearest
    }

    fn price(&self, usage: &Usage, name: &Name<'_>, prompt: u64) -> Priced {
        let mut priced = Priced::default();
        self.add_searches(usage.tokens.web_searches, &mut priced);
        let tokens = Tokens { web_searches: 0, ..usage.tokens };
        let (rates, factor) = (self.rates(usage, prompt), self.factor(usage, name));
        if tokens == Tokens::default() && usage.tokens.web_searches > 0 {
            return priced;
        }
        match (rates, factor) {
            (Ok(rates), Ok((factor, scale))) => {
                let amount = rates.apply(&tokens, &mut priced);
                if let Some(amount) = amount {
                    let cost = Picodollars(divide_half_even(amount.saturating_mul(factor), scale));
                    priced.cost = Some(priced.cost.unwrap_or_default() + cost);
                }
            }
            (rates, factor) => {
                priced.missing.extend(rates.err());
                priced.missing.extend(factor.err());
                priced.lacking += tokens;
            }
        }
        priced
    }

    fn add_searches(&self, searches: u64, priced: &mut Priced) {
        match (searches, self.web_search_per_call) {
            (0, _) => {}
            (count, Some(price)) => priced.cost = Some(Picodollars(i128::from(count) * price.0)),
            (count, None) => {
                priced.missing.push(Lack::Rate("web searches"));
                priced.lacking.web_searches = count;
            }
        }
    }

    fn rates(&self, usage: &Usage, prompt: u64) -> Result<&Rates, Lack> {
        let standard = || {
            let tier = self
                .tiers
                .iter()
                .rev()
                .find(|tier| tier.above_prompt_tokens == 0 || prompt > tier.above_prompt_tokens);
            tier.map(|tier| &tier.rates)
        };
        let rates = match &usage.service_tier {
            ServiceTier::Standard => standard(),
            ServiceTier::Batch => self.batch.as_ref(),
            ServiceTier::Priority => self.priority.as_ref(),
            ServiceTier::Flex => self.flex.as_ref(),
            ServiceTier::Other(_) => None,
        };
        rates.ok_or_else(|| Lack::Tier(usage.service_tier.word().to_owned()))
    }

    /// The product of all factors on the token price, and its divisor.
    fn factor(&self, usage: &Usage, name: &Name<'_>) -> Result<(i128, i128), Lack> {
        let speed = (usage.speed != Speed::Standard).then_some(usage.speed.word());
        let region = (!usage.inference_geo.is_empty()).then_some(&*usage.inference_geo);
        let route = name.is_regional.then_some(REGIONAL);
        let (mut all, mut scale) = (1, 1);
        for name in speed.into_iter().chain(region).chain(route) {
            let factor = self.multipliers.get(name).ok_or_else(|| Lack::Factor(name.to_owned()))?;
            all *= factor.0;
            scale *= MILLION;
        }
        Ok((all, scale))
    }
}

/// Number of tokens, their price, their name, and their field among unpriced tokens.
type Part = (u64, Option<Rate>, &'static str, fn(&mut Tokens) -> &mut u64);

impl Rates {
    /// The cost of tokens before factors. None if none of them has a price; zero tokens cost zero.
    fn apply(&self, tokens: &Tokens, priced: &mut Priced) -> Option<i128> {
        let parts: [Part; 5] = [
            (tokens.input, Some(self.input), "input", |tokens| &mut tokens.input),
            (tokens.output, Some(self.output), "output", |tokens| &mut tokens.output),
            (tokens.cache_read, self.cache_read, "cache reads", |tokens| &mut tokens.cache_read),
            (tokens.cache_write_5m, self.cache_write_5m, "5-minute cache writes", |tokens| {
                &mut tokens.cache_write_5m
            }),
            (tokens.cache_write_1h, self.cache_write_1h, "1-hour cache writes", |tokens| {
                &mut tokens.cache_write_1h
            }),
        ];
        let (mut amount, mut has_price) = (0, *tokens == Tokens::default());
        for (count, rate, what, lacking) in parts.into_iter().filter(|(count, ..)| *count > 0) {
            if let Some(rate) = rate {
                amount += i128::from(count) * rate.0;
                has_price = true;
            } else {
                priced.missing.push(Lack::Rate(what));
                *lacking(&mut priced.lacking) += count;
            }
        }
        has_price.then_some(amount)
    }
}

#[cfg(test)]
mod tests;
