//! The usage report and the cost report of an organisation.
//!
//! Source: <https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report> and
//! `…/get-cost-report`. Buckets of a day are UTC days; at most 31 come in a page; empty days come as empty buckets.
//! Amounts are decimal strings in cents. Dimensions that are not grouped by are null.

use jiff::Timestamp;

use crate::domain::decimal::Unit;
use crate::domain::lookback::Days;
use crate::domain::report::{DayReport, UsageLine};
use crate::domain::tokens::Tokens;
use crate::integration::pages::{
    Bucket, CostTold, Page, buckets, cost_in, costs_of_days, currency_in, name_in, read_all, span,
    usage_of_days,
};
use crate::integration::resilience::{Answer, OutsideError};
use crate::integration::rows::{Field, Listed, Raw};

use super::{Anthropic, SYSTEM, get};

/// Buckets of a day in a page, at most.
const LIMIT: &str = "31";

impl Anthropic {
    /// What was consumed of each model, by UTC day.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Malformed`] where the pages make no sense.
    pub async fn usage(&self, days: Days) -> Result<Listed<DayReport>, OutsideError> {
        let path = "v1/organizations/usage_report/messages";
        usage_of_days(SYSTEM, days, self.buckets(path, "model", days, usage_page).await?)
    }

    /// What each day cost, by model and kind.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Malformed`] where the pages or the amounts make no sense.
    pub async fn cost(&self, days: Days) -> Result<Listed<DayReport>, OutsideError> {
        let path = "v1/organizations/cost_report";
        costs_of_days(SYSTEM, days, self.buckets(path, "description", days, cost_page).await?)
    }

    async fn buckets<T>(
        &self,
        path: &'static str,
        group_by: &str,
        days: Days,
        read: fn(&Answer) -> Result<Page<Bucket<T>>, OutsideError>,
    ) -> Result<Listed<Bucket<T>>, OutsideError> {
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
            self.outside.ask_for(&ask, read).await
        })
        .await
    }
}

fn time(bucket: &Raw<'_>) -> Field<(Timestamp, Timestamp)> {
    Ok((bucket.instant("starting_at")?, bucket.instant("ending_at")?))
}

fn usage_page(answer: &Answer) -> Result<Page<Bucket<UsageLine>>, OutsideError> {
    buckets(answer, time, |row, place, odd| {
        let written = row.object("cache_creation", |of| {
            Ok((of.count("ephemeral_5m_input_tokens")?, of.count("ephemeral_1h_input_tokens")?))
        })?;
        let tokens = Tokens {
            input: row.count("uncached_input_tokens")?,
            output: row.count("output_tokens")?,
            cache_write_5m: written.0,
            cache_write_1h: written.1,
            cache_read: row.count("cache_read_input_tokens")?,
            web_searches: row.object("server_tool_use", |of| of.count("web_search_requests"))?,
        };
        Ok(UsageLine { model: name_in(row, "model", place, odd), tokens })
    })
}

fn cost_page(answer: &Answer) -> Result<Page<Bucket<CostTold>>, OutsideError> {
    buckets(answer, time, |row, place, odd| {
        let amount = cost_in(row, "amount", Unit::Cents)?;
        let currency = currency_in(row, "currency")?;
        let kind = match name_in(row, "token_type", place, odd) {
            kind if kind.is_empty() => name_in(row, "cost_type", place, odd),
            kind => kind,
        };
        Ok(CostTold { currency, amount, model: name_in(row, "model", place, odd), kind })
    })
}

/// What one page says, read as each of the two reports.
pub(crate) fn of_page(page: &Answer, days: Days) -> [Result<Listed<DayReport>, OutsideError>; 2] {
    [
        usage_page(page).and_then(|page| usage_of_days(SYSTEM, days, page.into())),
        cost_page(page).and_then(|page| costs_of_days(SYSTEM, days, page.into())),
    ]
}
