//! The use of each budget: read from the cube once per day and position.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::budget::{Budget, Scope, Used, Windows};
use crate::domain::calendar;
use crate::domain::lacking::Lacking;
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;

use super::TenantView;
use super::lacking::LackingSum;
use super::spend::{Part, SpendView};

/// The use of a budget on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetUse {
    pub budget: Budget,
    pub used: Used,
    /// Whether the day is in the budget's period: a fixed period has a beginning and an end.
    pub is_now: bool,
    /// Calls in the period whose cost is not in `used`.
    pub unpriced: u64,
    /// Calls in the period with a part of their cost missing from `used`.
    pub partial: u64,
    /// What `used` leaves out of the period.
    pub lacking: Lacking,
}

impl BudgetUse {
    /// What is left of it; negative if overspent.
    #[must_use]
    pub fn left(&self) -> Picodollars {
        self.budget.amount - self.used.period
    }
}

/// The use of each budget on a day, by name. `prices` gives an upper bound for spend without a price.
#[must_use]
pub fn uses(view: &TenantView, today: Date, zone: &TimeZone, prices: Option<&PriceTable>) -> Vec<BudgetUse> {
    view.budgets.values().map(|budget| use_of(&view.spend, budget, today, zone, prices)).collect()
}

/// The use of a budget on a day.
#[must_use]
pub fn use_of(
    spend: &SpendView,
    budget: &Budget,
    today: Date,
    zone: &TimeZone,
    prices: Option<&PriceTable>,
) -> BudgetUse {
    let windows = Windows::of(budget, today);
    let cost = |first, last| -> Picodollars {
        scoped(spend, &budget.scope, (first, last), zone).map(|part| part.sum.cost).sum()
    };
    let (first, last) = budget.period.days(today);
    let mut of = BudgetUse {
        budget: budget.clone(),
        used: windows.used(cost),
        is_now: (first..=last).contains(&today),
        unpriced: 0,
        partial: 0,
        lacking: Lacking::default(),
    };
    if let Some(days) = windows.period {
        let mut lacking = LackingSum::default();
        for part in scoped(spend, &budget.scope, days, zone).filter(|part| !part.sum.is_whole()) {
            of.unpriced += part.sum.unpriced;
            of.partial += part.sum.partial;
            lacking.add(&part);
        }
        of.lacking = lacking.total(prices);
    }
    of
}

/// The cells in a scope from one day to another, both inclusive.
fn scoped<'a>(
    spend: &'a SpendView,
    scope: &'a Scope,
    (first, last): (Date, Date),
    zone: &TimeZone,
) -> impl Iterator<Item = Part<'a>> {
    let (from, until) = (calendar::start_of(first, zone), calendar::end_of(last, zone));
    spend.parts_between(from, until).filter(|part| part.is_in(scope))
}
