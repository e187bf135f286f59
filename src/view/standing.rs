//! The spend cache: spend per limit, computed once for each position and day.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::allowance::VirtualBudget;
use crate::domain::allowance::reach::Facing;
use crate::domain::calendar;
use crate::domain::gate::{Caps, Coverage, Limit, LimitUse, Work, coverage};
use crate::domain::lacking::{Lacking, Spent};
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;

use super::TenantView;
use super::affording::costs;
use super::lacking::LackingSum;
use super::uses::{BudgetUse, uses};

/// Spend, as far as limits need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The day it was computed for.
    pub day: Date,
    /// The time zone of that day.
    zone: TimeZone,
    /// The UTC day, which decides which of the providers' days are over.
    utc_day: Date,
    /// The prices behind the upper bounds.
    prices: Arc<PriceTable>,
    /// Cost of all sessions on that day.
    pub today: Picodollars,
    /// What that leaves out.
    pub today_lacks: Lacking,
    /// Cost of the month and of the day over all providers.
    unified: (Spent, Spent),
    allowance: Option<VirtualBudget>,
    /// The use of each budget, by name.
    pub uses: Vec<BudgetUse>,
}

/// A session's usage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionUsage {
    /// Its cost over all its days.
    pub spent: Spent,
    /// The directory of its project.
    pub directory: String,
    /// The project's name.
    pub project: String,
}

/// A session's usage; none if it has no recorded call. `prices` gives an upper bound for spend without a
/// price.
#[must_use]
pub fn session_usage(view: &TenantView, session: &str, prices: &PriceTable) -> Option<SessionUsage> {
    let mut cells = view.spend.cells_of_session(session).peekable();
    // Cells are sorted by time: a session's first one says where it began.
    let first = cells.peek()?;
    let (directory, project) = (first.directory.to_owned(), first.project.to_owned());
    let (mut known, mut lacks) = (Picodollars::ZERO, LackingSum::default());
    for cell in cells {
        known += cell.sum.cost;
        lacks.add(&cell.part());
    }
    Some(SessionUsage { spent: Spent { known, lacking: lacks.total(Some(prices)) }, directory, project })
}

impl Standing {
    /// Computes the spend at `now`. `prices` gives an upper bound for spend without a price.
    #[must_use]
    pub fn of(view: &TenantView, now: Timestamp, zone: &TimeZone, prices: &Arc<PriceTable>) -> Self {
        let day = calendar::day_of(now, zone);
        let (mut today, mut today_lacks) = (Picodollars::ZERO, LackingSum::default());
        for part in view.spend.parts_between(calendar::start_of(day, zone), calendar::end_of(day, zone)) {
            today += part.sum.cost;
            today_lacks.add(&part);
        }
        Self {
            day,
            zone: zone.clone(),
            utc_day: calendar::day_of(now, &TimeZone::UTC),
            prices: prices.clone(),
            today,
            today_lacks: today_lacks.total(Some(prices)),
            unified: costs(view, now, zone, Some(prices)),
            allowance: view.allowance.budget,
            uses: uses(view, day, zone, Some(prices)),
        }
    }

    /// Whether this is still valid at `now`, if no event has arrived.
    #[must_use]
    pub fn holds(&self, now: Timestamp, zone: &TimeZone, prices: &Arc<PriceTable>) -> bool {
        self.zone == *zone
            && self.day == calendar::day_of(now, zone)
            && self.utc_day == calendar::day_of(now, &TimeZone::UTC)
            && Arc::ptr_eq(&self.prices, prices)
    }

    /// The budgets whose period includes this day.
    pub fn budgets(&self) -> impl Iterator<Item = &BudgetUse> {
        self.uses.iter().filter(|of| of.is_now)
    }

    /// Spend of the virtual budget on the day and in the month, each with its limit.
    #[must_use]
    pub fn virtual_budget(&self) -> [(&'static str, Picodollars, Option<Picodollars>); 2] {
        let (month, day) = self.unified;
        let limit = |of: fn(VirtualBudget) -> Option<Picodollars>| self.allowance.and_then(of);
        [
            ("day", day.known, limit(|budget| budget.daily)),
            ("month", month.known, limit(|budget| budget.monthly)),
        ]
    }

    /// The limits that apply to some work, with their spend; `session` is the session's spend if one is
    /// named. `beyond` is what overrides add to a limit.
    #[must_use]
    pub fn held(
        &self,
        caps: &Caps,
        beyond: impl Fn(Facing<'_>) -> Picodollars,
        session: Option<Spent>,
        work: Work<'_>,
    ) -> Vec<LimitUse> {
        let cap = |limit: Limit, spent: Spent, cap: Option<Picodollars>| {
            let allowed = beyond(limit.facing());
            let Spent { known, lacking } = spent;
            cap.map(|cap| LimitUse {
                limit,
                spent: known,
                lacking,
                cap: cap + allowed,
                beyond: allowed,
                is_certain: true,
            })
        };
        let today = Spent { known: self.today, lacking: self.today_lacks };
        let mut held: Vec<LimitUse> = session
            .and_then(|spent| cap(Limit::Session, spent, caps.session))
            .into_iter()
            .chain(cap(Limit::Day, today, caps.day))
            .collect();
        if let Some(budget) = self.allowance.filter(|_| caps.budgets) {
            let less = |of: Option<Picodollars>| of.map(|of| of - budget.reserve_of(of));
            let (month, day) = self.unified;
            held.extend(cap(Limit::VirtualDay, day, less(budget.daily)));
            held.extend(cap(Limit::VirtualMonth, month, less(budget.monthly)));
        }
        if caps.budgets {
            held.extend(self.budgets().filter_map(|BudgetUse { budget, used, lacking, .. }| {
                let coverage = coverage(&budget.scope, work);
                (coverage != Coverage::Not).then(|| {
                    let allowed = beyond(Facing::Budget(budget.name.as_str()));
                    LimitUse {
                        limit: Limit::Budget(budget.name.clone()),
                        spent: used.period,
                        lacking: *lacking,
                        cap: budget.amount + allowed,
                        beyond: allowed,
                        is_certain: coverage == Coverage::Covered,
                    }
                })
            }));
        }
        held
    }

    /// The budget with the least remaining share, of those that certainly cover some work.
    #[must_use]
    pub fn tightest(&self, work: Work<'_>) -> Option<&BudgetUse> {
        let covers = |of: &&BudgetUse| coverage(&of.budget.scope, work) == Coverage::Covered;
        self.budgets().filter(covers).min_by(|a, b| {
            let (left_a, left_b) = (a.left(), b.left());
            // Compared by cross-multiplication: amounts are positive, and quotients would be rounded.
            left_a.0.saturating_mul(b.budget.amount.0).cmp(&left_b.0.saturating_mul(a.budget.amount.0))
        })
    }
}
