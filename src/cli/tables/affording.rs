//! Tables about what may be spent, and what was.

use crate::domain::affording::{LimitKind, Verdict};
use crate::domain::money::Picodollars;
use crate::view::affording::{AffordabilityShown, AllowanceShown, LimitLine};
use crate::view::cost::{CostShown, CostSum};

use super::table;

/// `mecris can-afford`.
#[must_use]
pub fn affordability(shown: &AffordabilityShown) -> String {
    let answer = match shown.answer {
        Verdict::Yes => "Yes",
        Verdict::No => "No",
        Verdict::Unknown => "Unknown",
    };
    let mend = shown.mend.as_ref().map(|mend| format!("; {mend}")).unwrap_or_default();
    let mut text = format!("{answer}. {}{mend}\n", shown.reason);
    if shown.limits.len() > 1 {
        text += &format!("\n{}", limits(&shown.limits));
    }
    text
}

fn limits(lines: &[LimitLine]) -> String {
    let mut rows = table(&["Limit", "Of", "Spent", "Reserve", "Override", "Left"], 1);
    for line in lines {
        let name = match line.limit {
            LimitKind::Daily => "all providers, today".to_owned(),
            LimitKind::Monthly => "all providers, this month".to_owned(),
            LimitKind::Budget => format!("budget {}", line.name),
            LimitKind::Balance => format!("balance at {}", line.name),
            LimitKind::Cap => format!("cap of the {}", line.name),
        };
        let money = |amount: Picodollars| {
            if amount == Picodollars::ZERO { String::new() } else { amount.to_string() }
        };
        rows.add_row(vec![
            name,
            line.of_usd.to_string(),
            line.spent_usd.to_string(),
            money(line.reserve_usd),
            money(line.override_usd),
            line.left_usd.to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// `mecris budget virtual`, and its part of `mecris status`.
#[must_use]
pub fn allowance(shown: &AllowanceShown) -> String {
    let mut text = match &shown.virtual_budget {
        Some(budget) => limits(&budget.limits),
        None => "No virtual budget. Set one: mecris budget virtual --daily 5 --monthly 100\n".to_owned(),
    };
    for granted in &shown.overrides {
        let until = granted.until.strftime("%Y-%m-%d %H:%M UTC");
        let parts = [&granted.limit, &granted.session, &granted.project].into_iter().flatten();
        let only = parts.fold(String::new(), |only, part| only + " (" + part + ")");
        text += &format!("Override of {} until {until}{only}: {}\n", granted.amount_usd, granted.reason);
    }
    text
}

/// `mecris cost`.
#[must_use]
pub fn cost(shown: &CostShown) -> String {
    let mut rows = table(&["Provider", "Cost", "Actual", "Inferred", "Estimated"], 1);
    let row = |name: &str, sum: &CostSum| {
        let money = |amount: Picodollars| {
            if amount == Picodollars::ZERO { "-".to_owned() } else { amount.to_string() }
        };
        vec![
            name.to_owned(),
            sum.cost_usd.to_string(),
            money(sum.actual_usd),
            money(sum.inferred_usd),
            money(sum.estimated_usd),
        ]
    };
    for line in &shown.providers {
        rows.add_row(row(&line.provider, &line.sum));
    }
    rows.add_row(row("Total", &shown.total));
    let mut text =
        format!("{}\n\nFrom {} until {} ({}).\n", rows.trim_fmt(), shown.since, shown.until, shown.time_zone);
    for line in shown.providers.iter().filter(|line| line.unpriced_messages > 0) {
        text += &format!(
            "{}: {} calls have no price and are in no estimate.\n",
            line.provider, line.unpriced_messages
        );
    }
    for line in shown.providers.iter().filter(|line| line.partly_priced_messages > 0) {
        text += &format!(
            "{}: of {} calls the estimate leaves out a part.\n",
            line.provider, line.partly_priced_messages
        );
    }
    super::fresh(&shown.freshness) + &text
}
