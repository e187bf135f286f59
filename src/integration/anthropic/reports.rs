//! The usage report and the cost report of an organisation.
//!
//! Source: <https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report> and
//! `…/get-cost-report`. Buckets of a day are UTC days; at most 31 come in a page; empty days come as empty buckets.
//! Amounts are decimal strings in cents. Dimensions that are not grouped by are null.

use jiff::Timestamp;
use serde::Deserialize;
use sonic_rs::RawNumber;

use crate::domain::decimal::Unit;
use crate::domain::lookback::Days;
use crate::domain::report::{DayReport, ReportSource, UsageLine};
use crate::domain::tokens::Tokens;
use crate::integration::pages::{CostTold, Page, by_day, day_cost, read_all, span, utc_day};
use crate::integration::resilience::{Answer, OutsideError};

use super::{Anthropic, SYSTEM, get};

/// Buckets of a day in a page, at most.
const LIMIT: &str = "31";

#[derive(Deserialize)]
struct Bucket<T> {
    starting_at: Timestamp,
    ending_at: Timestamp,
    results: Vec<T>,
}

#[derive(Deserialize)]
struct Consumed {
    #[serde(default)]
    uncached_input_tokens: u64,
    #[serde(default)]
    cache_creation: Option<CacheCreation>,
    #[serde(default)]
    cache_read_input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    server_tool_use: Option<ServerToolUse>,
    #[serde(default)]
    model: Option<String>,
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_1h_input_tokens: u64,
    #[serde(default)]
    ephemeral_5m_input_tokens: u64,
}

#[derive(Deserialize)]
struct ServerToolUse {
    #[serde(default)]
    web_search_requests: u64,
}

#[derive(Deserialize)]
struct Cost {
    /// Digits in a string; a bare number would be read as well.
    amount: RawNumber,
    currency: String,
    #[serde(default, rename = "cost_type")]
    kind: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
}

impl Anthropic {
    /// What was consumed of each model, by UTC day.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Malformed`] where the pages make no sense.
    pub async fn usage(&self, days: Days) -> Result<Vec<DayReport>, OutsideError> {
        let buckets = self.buckets("v1/organizations/usage_report/messages", "model", days).await?;
        usage_told(buckets, days)
    }

    /// What each day cost, by model and kind.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Malformed`] where the pages or the amounts make no sense.
    pub async fn cost(&self, days: Days) -> Result<Vec<DayReport>, OutsideError> {
        cost_told(self.buckets("v1/organizations/cost_report", "description", days).await?, days)
    }

    async fn buckets<T: for<'de> Deserialize<'de>>(
        &self,
        path: &'static str,
        group_by: &str,
        days: Days,
    ) -> Result<Vec<Bucket<T>>, OutsideError> {
        let (begin, end) = span(SYSTEM, days)?;
        // Each page has a day at least.
        read_all(SYSTEM, days.count(), |page| async {
            let mut ask = get(path)
                .query("starting_at", begin.to_string())
                .query("ending_at", end.to_string())
                .query("bucket_width", "1d")
                .query("limit", LIMIT)
                .query("group_by[]", group_by);
            if let Some(page) = page {
                ask = ask.query("page", page);
            }
            self.outside.ask_for(&ask, Answer::exact).await
        })
        .await
    }
}

impl Consumed {
    fn tokens(&self) -> Tokens {
        let written = self.cache_creation.as_ref();
        Tokens {
            input: self.uncached_input_tokens,
            output: self.output_tokens,
            cache_write_5m: written.map_or(0, |written| written.ephemeral_5m_input_tokens),
            cache_write_1h: written.map_or(0, |written| written.ephemeral_1h_input_tokens),
            cache_read: self.cache_read_input_tokens,
            web_searches: self.server_tool_use.as_ref().map_or(0, |tools| tools.web_search_requests),
        }
    }
}

fn usage_told(buckets: Vec<Bucket<Consumed>>, days: Days) -> Result<Vec<DayReport>, OutsideError> {
    let report = |bucket: Bucket<Consumed>| {
        let lines = bucket
            .results
            .into_iter()
            .map(|result| UsageLine { tokens: result.tokens(), model: result.model.unwrap_or_default() });
        let day = utc_day(bucket.starting_at);
        let report = DayReport::usage(SYSTEM, day, ReportSource::ProviderApi, lines);
        (bucket.starting_at, bucket.ending_at, report)
    };
    let told = buckets.into_iter().map(report).collect();
    Ok(by_day(SYSTEM, days, told)?.into_values().collect())
}

fn cost_told(buckets: Vec<Bucket<Cost>>, days: Days) -> Result<Vec<DayReport>, OutsideError> {
    let told: Result<Vec<_>, _> = buckets.into_iter().map(cost_of).collect();
    Ok(by_day(SYSTEM, days, told?)?.into_values().collect())
}

/// What one page says, read as each of the two reports.
pub(crate) fn of_page(page: &Answer, days: Days) -> [Result<Vec<DayReport>, OutsideError>; 2] {
    [
        page.exact::<Page<_>>().and_then(|page| usage_told(page.items, days)),
        page.exact::<Page<_>>().and_then(|page| cost_told(page.items, days)),
    ]
}

fn cost_of(bucket: Bucket<Cost>) -> Result<(Timestamp, Timestamp, DayReport), OutsideError> {
    let told = bucket.results.into_iter().map(|result| CostTold {
        currency: result.currency,
        amount: result.amount,
        model: result.model.unwrap_or_default(),
        kind: result.token_type.or(result.kind).unwrap_or_default(),
    });
    let report = day_cost(SYSTEM, bucket.starting_at, Unit::Cents, told)?;
    Ok((bucket.starting_at, bucket.ending_at, report))
}
