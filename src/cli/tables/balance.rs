//! The table of balances.

use crate::view::balances::BalanceLine;

use super::system::age;
use super::table;

/// `mecris balance`.
#[must_use]
pub fn balances(lines: &[BalanceLine]) -> String {
    if lines.is_empty() {
        return "No balance was read. Tell what the provider's page says: mecris balance set 13.92\n"
            .to_owned();
    }
    let mut rows = table(&["Balance", "Left", "Read", "Spent since", "Bought", "How old"], 1);
    for line in lines {
        rows.add_row(vec![
            line.provider.clone(),
            line.left_usd.to_string(),
            line.read_usd.to_string(),
            line.spent_since_usd.to_string(),
            line.total_usd.map(|total| total.to_string()).unwrap_or_default(),
            format!("by {}, {} ago", line.source.word(), age(line.age_seconds)),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}
