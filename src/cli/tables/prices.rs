//! The price table, as a person reads it.

use crate::domain::pricing::PriceTable;
use crate::domain::pricing::list::{PriceList, Rate};

use super::{count, shorten, table};

/// `mecris prices`.
#[must_use]
pub fn prices(prices: &PriceTable) -> String {
    let mut rows = table(&["Model", "Holds", "Prompt over", "Input", "Output", "Read", "5m", "1h"], 2);
    for (model, prices) in &prices.models {
        let since = prices.from.map_or_else(String::new, |from| format!("from {from}"));
        let past = prices.history.iter().rev().map(|past| {
            let from = past.from.map_or_else(String::new, |from| format!("{from} "));
            (format!("{from}to {}", past.until), &past.list)
        });
        let mut name = shorten(model, 34);
        for (holds, list) in std::iter::once((since, &prices.list)).chain(past) {
            for row in rows_of(list) {
                let shown = [std::mem::take(&mut name), holds.clone()];
                rows.add_row(shown.into_iter().chain(row));
            }
        }
    }
    format!("{}\n\nUSD for a million tokens; days are UTC; snapshot {}\n", rows.trim_fmt(), prices.version)
}

fn rows_of(list: &PriceList) -> impl Iterator<Item = [String; 6]> {
    let optional = |rate: Option<Rate>| rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    list.tiers.iter().map(move |tier| {
        let rates = &tier.rates;
        [
            count(tier.above_prompt_tokens),
            rates.input.to_string(),
            rates.output.to_string(),
            optional(rates.cache_read),
            optional(rates.cache_write_5m),
            optional(rates.cache_write_1h),
        ]
    })
}
