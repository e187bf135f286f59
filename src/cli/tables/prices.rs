//! The price table, as a person reads it.

use crate::domain::pricing::PriceTable;
use crate::domain::pricing::list::{ModelPrices, PriceList, Rate};

use super::{Table, count, shorten, table};

/// `mecris prices`. Below a model whose prices are known to have changed stand the days (UTC) on which each held.
#[must_use]
pub fn prices(prices: &PriceTable) -> String {
    let mut rows = table(&["Model", "Prompt over", "Input", "Output", "Read", "5m", "1h"], 1);
    for (model, prices) in &prices.models {
        add(&mut rows, shorten(model, 34), prices);
    }
    format!("{}\n\nUSD for a million tokens; snapshot {}\n", rows.trim_fmt(), prices.version)
}

fn add(rows: &mut Table, name: String, prices: &ModelPrices) {
    if prices.from.is_none() && prices.history.is_empty() {
        return add_list(rows, name, &prices.list);
    }
    rows.add_row([name]);
    let since = prices.from.map_or_else(|| "  now".to_owned(), |from| format!("  from {from}"));
    add_list(rows, since, &prices.list);
    for past in prices.history.iter().rev() {
        let from = past.from.map_or_else(String::new, |from| format!("{from} "));
        add_list(rows, format!("  {from}to {}", past.until), &past.list);
    }
}

fn add_list(rows: &mut Table, mut label: String, list: &PriceList) {
    let optional = |rate: Option<Rate>| rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    for tier in &list.tiers {
        let rates = &tier.rates;
        rows.add_row([
            std::mem::take(&mut label),
            count(tier.above_prompt_tokens),
            rates.input.to_string(),
            rates.output.to_string(),
            optional(rates.cache_read),
            optional(rates.cache_write_5m),
            optional(rates.cache_write_1h),
        ]);
    }
}
