//! The table of balances.

use crate::domain::balance::{Confidence, Source};
use crate::service::balances::balance::Balances;
use crate::view::balances::{BalanceLine, DoubtLine, OtherReading};

use super::system::age;
use super::table;

/// `mecris balance`.
#[must_use]
pub fn all(shown: &Balances) -> String {
    let limits = super::quota::lines(&shown.quotas);
    let doubts: String = shown.doubted.iter().map(doubt).collect();
    if shown.balances.is_empty() && shown.foreign.is_empty() {
        return "No balance was read. Tell what the provider's page says: mecris balance set 13.92\n"
            .to_owned()
            + &doubts
            + &limits;
    }
    let mut text = if shown.balances.is_empty() { String::new() } else { balances(&shown.balances) };
    for other in shown.balances.iter().flat_map(|line| &line.others) {
        text += &format!("{} also read: {} {}\n", other.provider, other.left, origin_of(other));
    }
    for other in &shown.foreign {
        let (left, currency) = (other.left.exact(), other.currency);
        let origin = origin_of(other);
        text += &format!("{}: {left} {currency} {origin}; not reckoned with\n", other.provider);
    }
    text + &doubts + &limits
}

/// An amount that is not believed, why, and what ends the doubt.
fn doubt(line: &DoubtLine) -> String {
    let (left, currency) = (line.left.exact(), line.currency);
    let total = line.total.map_or_else(String::new, |total| format!(" of {}", total.exact()));
    let mend = line.mend.as_ref().map_or_else(String::new, |mend| format!("; {mend}"));
    format!("{}: {left}{total} {currency} is not believed: {}{mend}\n", line.provider, line.reason)
}

/// The balances in USD.
#[must_use]
pub fn balances(lines: &[BalanceLine]) -> String {
    let mut rows = table(&["Balance", "Left", "Read", "Spent since", "Added", "Bought", "How and when"], 1);
    for line in lines {
        rows.add_row(vec![
            line.provider.clone(),
            line.left_usd.to_string(),
            line.read_usd.to_string(),
            line.spent_since_usd.to_string(),
            line.added_since_usd.to_string(),
            line.total_usd.map(|total| total.to_string()).unwrap_or_default(),
            origin(line.source, line.confidence, &line.found, line.age_seconds),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn origin_of(reading: &OtherReading) -> String {
    origin(reading.source, reading.confidence, &reading.found, reading.age_seconds)
}

/// Where a reading comes from, and how old it is.
fn origin(source: Source, confidence: Confidence, found: &str, age_seconds: i64) -> String {
    let by = match source {
        Source::Hand => "by hand",
        Source::Console => "from the console",
        Source::ProviderApi => "by the provider's API",
        Source::Refusal => "by a refusal",
        Source::Derived => "reckoned",
    };
    let found = if found.is_empty() { String::new() } else { format!(" ({found})") };
    let sure = match confidence {
        Confidence::High => String::new(),
        other => format!(", {} confidence", other.word()),
    };
    format!("{by}{found}{sure}, {} ago", age(age_seconds))
}
