//! OpenAI's organisation: what its days cost and what was consumed, read with an admin key. There is no interface for a
//! balance.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/usage/costs> and `…/usage/completions`. Days are UTC days;
//! amounts are JSON numbers in dollars, read by their digits. `input_tokens` includes what came from the cache.

use jiff::Timestamp;

use crate::config::Secret;
use crate::domain::decimal::Unit;
use crate::domain::lookback::Days;
use crate::domain::report::{DayReport, UsageLine};
use crate::domain::tokens::Tokens;

use super::credit;
use super::official::{Asking, Looked, ProviderClient, ProviderKind, boxed};
use super::pages::{
    Bucket, CostTold, Page, buckets, cost_in, costs_of_days, currency_in, name_in, read_all, span,
    usage_of_days, utc_day,
};
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy};
use super::rows::{Field, Listed, OddField, Oddness, Raw, odd};

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
    pub async fn costs(&self, days: Days) -> Result<Listed<DayReport>, OutsideError> {
        let told = self.buckets("organization/costs", LIMITS[0], "line_item", days, cost_page).await?;
        costs_of_days(SYSTEM, days, told)
    }

    /// What was consumed of each model, by UTC day.
    ///
    /// # Errors
    /// As [`OpenAi::costs`].
    pub async fn usage(&self, days: Days) -> Result<Listed<DayReport>, OutsideError> {
        let path = "organization/usage/completions";
        usage_of_days(SYSTEM, days, self.buckets(path, LIMITS[1], "model", days, usage_page).await?)
    }

    async fn buckets<T>(
        &self,
        path: &'static str,
        limit: &str,
        group_by: &str,
        days: Days,
        read: fn(&Answer) -> Result<Page<Bucket<T>>, OutsideError>,
    ) -> Result<Listed<Bucket<T>>, OutsideError> {
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
            self.outside.ask_for(&ask, read).await
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

fn time(bucket: &Raw<'_>) -> Field<(Timestamp, Timestamp)> {
    let at = |name| Timestamp::from_second(bucket.whole(name)?).map_err(|_| odd(name, Oddness::TooLarge));
    Ok((at("start_time")?, at("end_time")?))
}

fn cost_page(answer: &Answer) -> Result<Page<Bucket<CostTold>>, OutsideError> {
    buckets(answer, time, |row, place, odd| {
        let (amount, currency) = row.object("amount", |told| {
            Ok((cost_in(told, "value", Unit::Whole)?, currency_in(told, "currency")?))
        })?;
        Ok(CostTold { currency, amount, model: String::new(), kind: name_in(row, "line_item", place, odd) })
    })
}

fn usage_page(answer: &Answer) -> Result<Page<Bucket<UsageLine>>, OutsideError> {
    buckets(answer, time, |row, place, told| {
        let (all, cached) = (row.count("input_tokens")?, row.count("input_cached_tokens")?);
        // Older answers do not have it.
        let written = match row.count("input_cache_write_tokens") {
            Err(OddField { oddness: Oddness::Missing | Oddness::Null, .. }) => 0,
            written => written?,
        };
        // What came from the cache is a part of all.
        let input = all.checked_sub(cached + written).ok_or(odd("input_cached_tokens", Oddness::TooLarge))?;
        let tokens = Tokens {
            input,
            output: row.count("output_tokens")?,
            cache_write_5m: written,
            cache_read: cached,
            ..Tokens::default()
        };
        Ok(UsageLine { model: name_in(row, "model", place, told), tokens })
    })
}

/// What one page says, read as each of the two reports.
pub(crate) fn of_page(page: &Answer, days: Days) -> [Result<Listed<DayReport>, OutsideError>; 2] {
    [
        usage_page(page).and_then(|page| usage_of_days(SYSTEM, days, page.into())),
        cost_page(page).and_then(|page| costs_of_days(SYSTEM, days, page.into())),
    ]
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
