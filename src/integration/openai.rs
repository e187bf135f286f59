//! OpenAI's organisation: what its days cost and what was consumed, read with an admin key. There is no interface for a
//! balance.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/usage/costs> and `…/usage/completions`. Days are UTC days;
//! amounts are JSON numbers in dollars, read by their digits. `input_tokens` includes what came from the cache.

use jiff::Timestamp;
use serde::Deserialize;
use sonic_rs::RawNumber;

use crate::config::Secret;
use crate::domain::decimal::Unit;
use crate::domain::lookback::Days;
use crate::domain::report::{DayReport, ReportSource, UsageLine};
use crate::domain::tokens::Tokens;

use super::credit;
use super::official::{Asking, Looked, ProviderClient, ProviderKind, boxed};
use super::pages::{CostTold, Page, by_day, day_cost, read_all, span, utc_day};
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy};

/// The name of this system in spans, events and errors, and of the provider in usage.
pub const SYSTEM: &str = "openai";
/// OpenAI as a provider.
pub const PROVIDER: ProviderKind = ProviderKind {
    name: SYSTEM,
    configure: "set openai.admin_key; an owner of the organisation makes one",
    client: |config, policy, on_breaker| {
        let (settings, key) = (&config.openai, config.openai.admin_key.as_ref()?);
        Some(boxed(OpenAi::new(settings, key, policy, on_breaker.clone())))
    },
    keys: &[],
};
const FIX: &str = "an owner of the organisation makes admin keys at https://platform.openai.com/settings/organization/admin-keys";
/// Buckets of a day in a page, at most: of costs, and of usage.
const LIMITS: [&str; 2] = ["180", "31"];

/// A client for an admin key; cheap to clone.
#[derive(Debug, Clone)]
pub struct OpenAi {
    outside: Outside,
}

#[derive(Deserialize)]
struct Bucket<T> {
    start_time: i64,
    end_time: i64,
    results: Vec<T>,
}

#[derive(Deserialize)]
struct Cost {
    /// Absent where nothing was spent.
    #[serde(default)]
    amount: Option<Amount>,
    #[serde(default)]
    line_item: Option<String>,
}

#[derive(Deserialize)]
struct Amount {
    value: RawNumber,
    currency: String,
}

#[derive(Deserialize)]
struct Consumed {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    input_cached_tokens: u64,
    #[serde(default)]
    input_cache_write_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    model: Option<String>,
}

fn malformed(what: &'static str) -> OutsideError {
    OutsideError::Malformed { system: SYSTEM, what }
}

impl OpenAi {
    /// A client.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn new(
        settings: &crate::config::OpenAi,
        key: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let auth = Auth::Bearer(key.to_secret());
        let base = settings.api_base.with_path("/v1");
        let code = credit::of_refusal;
        Ok(Self { outside: Outside::with_codes(SYSTEM, FIX, &base, Some(auth), policy, on_breaker, code)? })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// What each day cost, by line of the invoice.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Malformed`] where the pages or the amounts make no sense.
    pub async fn costs(&self, days: Days) -> Result<Vec<DayReport>, OutsideError> {
        let buckets = self.buckets("organization/costs", LIMITS[0], "line_item", days).await?;
        costs_told(buckets, days)
    }

    /// What was consumed of each model, by UTC day.
    ///
    /// # Errors
    /// As [`OpenAi::costs`].
    pub async fn usage(&self, days: Days) -> Result<Vec<DayReport>, OutsideError> {
        let buckets = self.buckets("organization/usage/completions", LIMITS[1], "model", days).await?;
        usage_told(buckets, days)
    }

    async fn buckets<T: for<'de> Deserialize<'de>>(
        &self,
        path: &'static str,
        limit: &str,
        group_by: &str,
        days: Days,
    ) -> Result<Vec<Bucket<T>>, OutsideError> {
        let (begin, end) = span(SYSTEM, days)?;
        read_all(SYSTEM, days.count(), |page| async {
            let mut ask = Ask::get(path, &[])
                .query("start_time", begin.as_second().to_string())
                .query("end_time", end.as_second().to_string())
                .query("bucket_width", "1d")
                .query("limit", limit)
                .query("group_by", group_by);
            if let Some(page) = page {
                ask = ask.query("page", page);
            }
            self.outside.ask_for(&ask, Answer::exact).await
        })
        .await
    }

    async fn look_at(&self, days: Days) -> Looked {
        let mut looked = Looked::default();
        for asked in [self.costs(days).await, self.usage(days).await] {
            looked.take(asked);
        }
        "the admin key reads the organisation's reports; nothing tells the balance"
            .clone_into(&mut looked.told.said);
        looked
    }
}

impl<T> Bucket<T> {
    fn span(&self) -> Result<(Timestamp, Timestamp), OutsideError> {
        let at =
            |second| Timestamp::from_second(second).map_err(|_| malformed("a bucket that is no UTC day"));
        Ok((at(self.start_time)?, at(self.end_time)?))
    }
}

fn costs_told(buckets: Vec<Bucket<Cost>>, days: Days) -> Result<Vec<DayReport>, OutsideError> {
    let told: Result<Vec<_>, _> = buckets.into_iter().map(cost_of).collect();
    Ok(by_day(SYSTEM, days, told?)?.into_values().collect())
}

fn usage_told(buckets: Vec<Bucket<Consumed>>, days: Days) -> Result<Vec<DayReport>, OutsideError> {
    let told: Result<Vec<_>, _> = buckets.into_iter().map(usage_of).collect();
    Ok(by_day(SYSTEM, days, told?)?.into_values().collect())
}

/// What one page says, read as each of the two reports.
pub(crate) fn of_page(page: &Answer, days: Days) -> [Result<Vec<DayReport>, OutsideError>; 2] {
    [
        page.exact::<Page<_>>().and_then(|page| usage_told(page.items, days)),
        page.exact::<Page<_>>().and_then(|page| costs_told(page.items, days)),
    ]
}

fn cost_of(bucket: Bucket<Cost>) -> Result<(Timestamp, Timestamp, DayReport), OutsideError> {
    let (begin, end) = bucket.span()?;
    let told = bucket.results.into_iter().filter_map(|result| {
        let Amount { value, currency } = result.amount?;
        let kind = result.line_item.unwrap_or_default();
        Some(CostTold { currency, amount: value, model: String::new(), kind })
    });
    Ok((begin, end, day_cost(SYSTEM, begin, Unit::Whole, told)?))
}

fn usage_of(bucket: Bucket<Consumed>) -> Result<(Timestamp, Timestamp, DayReport), OutsideError> {
    let (begin, end) = bucket.span()?;
    let mut lines = Vec::new();
    for result in bucket.results {
        let written = result.input_cache_write_tokens.unwrap_or(0);
        let cached = result.input_cached_tokens.checked_add(written);
        let input = cached.and_then(|cached| result.input_tokens.checked_sub(cached));
        lines.push(UsageLine {
            model: result.model.unwrap_or_default(),
            tokens: Tokens {
                input: input.ok_or_else(|| malformed("more from the cache than in all"))?,
                output: result.output_tokens,
                cache_write_5m: written,
                cache_read: result.input_cached_tokens,
                ..Tokens::default()
            },
        });
    }
    Ok((begin, end, DayReport::usage(SYSTEM, utc_day(begin), ReportSource::ProviderApi, lines)))
}

impl ProviderClient for OpenAi {
    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn look(&self, days: Days, _: Timestamp) -> Asking<'_, Looked> {
        Box::pin(self.look_at(days))
    }

    fn verify(&self) -> Asking<'_, Result<(String, Option<i64>), OutsideError>> {
        Box::pin(async move {
            let today = utc_day(Timestamp::now());
            let costs = self.costs(Days { first: today, last: today }).await?;
            Ok((format!("it takes the admin key and tells costs of {} day", costs.len()), None))
        })
    }
}
