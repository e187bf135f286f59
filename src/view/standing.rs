//! What is spent of each limit, for those who ask often: computed once for each event and day.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::allowance::VirtualBudget;
use crate::domain::allowance::reach::Facing;
use crate::domain::budget::{Budget, BudgetName};
use crate::domain::calendar;
use crate::domain::gate::{Caps, Coverage, Held, Limit, Work, coverage};
use crate::domain::lacking::{Lacking, Spent};
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;
use crate::event::Position;

use super::TenantView;
use super::affording::costs;
use super::lacking::LackingSum;
use super::spend::DayCache;

/// What is spent, as far as limits ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The last event behind it.
    pub position: Position,
    /// The day it is of.
    pub day: Date,
    /// Whose days these are.
    zone: TimeZone,
    /// What all sessions cost on that day.
    pub today: Picodollars,
    /// What that leaves out.
    pub today_lacks: Lacking,
    /// What the month and the day cost over all providers.
    unified: (Spent, Spent),
    allowance: Option<VirtualBudget>,
    /// Each session's own.
    sessions: HashMap<String, OfSession>,
    /// The budgets whose period this day is in, and what is used of each.
    pub budgets: Vec<(Budget, Picodollars)>,
    /// What that leaves out, of those budgets that leave out something.
    budgets_lack: HashMap<BudgetName, Lacking>,
}

/// What is known of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfSession {
    /// What it cost, on all its days.
    pub spent: Spent,
    /// The directory of its project.
    pub directory: String,
    /// What that is called.
    pub project: String,
}

impl Standing {
    /// What is spent at `now`; what that leaves out has a bound where `prices` know the provider.
    #[must_use]
    pub fn of(
        view: &TenantView,
        position: Position,
        now: Timestamp,
        zone: &TimeZone,
        prices: &PriceTable,
    ) -> Self {
        let day = calendar::day_of(now, zone);
        let mut budgets: Vec<_> = view
            .budgets
            .values()
            .map(|budget| (budget, budget.period.days(day), Picodollars::ZERO, LackingSum::default()))
            .filter(|(_, (first, last), ..)| (*first..=*last).contains(&day))
            .collect();
        let (mut today, mut today_lacks) = (Picodollars::ZERO, LackingSum::default());
        let mut sessions = HashMap::<&str, (Picodollars, LackingSum<'_>, (&str, &str))>::new();
        let mut days = DayCache::new(zone);
        for cell in view.spend.cells() {
            let (of, cost) = (days.day(cell.quarter), cell.sum.cost);
            if of == day {
                today += cost;
                today_lacks.add(&cell);
            }
            // Cells stand in the order of time: the first one of a session says where it began.
            let begun = (cell.directory, cell.project);
            let (spent, lacks, _) =
                sessions.entry(cell.session).or_insert((Picodollars::ZERO, LackingSum::default(), begun));
            *spent += cost;
            lacks.add(&cell);
            for (budget, (first, last), used, lacks) in &mut budgets {
                // Days to come are not used yet, as in `budget::status`.
                if (*first..=(*last).min(day)).contains(&of) && cell.is_in(&budget.scope) {
                    *used += cost;
                    lacks.add(&cell);
                }
            }
        }
        let of_session =
            |(session, (known, lacks, (directory, project))): (&str, (_, LackingSum<'_>, (&str, &str)))| {
                let spent = Spent { known, lacking: lacks.total(Some(prices)) };
                (
                    session.to_owned(),
                    OfSession { spent, directory: directory.to_owned(), project: project.to_owned() },
                )
            };
        let lack =
            budgets.iter().map(|(budget, _, _, lacks)| (budget.name.clone(), lacks.total(Some(prices))));
        Self {
            position,
            day,
            zone: zone.clone(),
            today,
            today_lacks: today_lacks.total(Some(prices)),
            unified: costs(view, now, zone, Some(prices)),
            allowance: view.allowance.budget,
            sessions: sessions.into_iter().map(of_session).collect(),
            budgets_lack: lack.filter(|(_, lacks)| !lacks.is_nothing()).collect(),
            budgets: budgets.into_iter().map(|(budget, _, used, _)| (budget.clone(), used)).collect(),
        }
    }

    /// Whether this is still how things stand.
    #[must_use]
    pub fn holds(&self, position: Position, now: Timestamp, zone: &TimeZone) -> bool {
        self.position == position && self.zone == *zone && self.day == calendar::day_of(now, zone)
    }

    /// What is spent of the virtual budget: of the day, and of the month, each with its limit.
    #[must_use]
    pub fn virtual_budget(&self) -> [(&'static str, Picodollars, Option<Picodollars>); 2] {
        let (month, day) = self.unified;
        let limit = |of: fn(VirtualBudget) -> Option<Picodollars>| self.allowance.and_then(of);
        [
            ("day", day.known, limit(|budget| budget.daily)),
            ("month", month.known, limit(|budget| budget.monthly)),
        ]
    }

    /// What a session cost so far, as far as it is known.
    #[must_use]
    pub fn session(&self, session: &str) -> Picodollars {
        self.of_session(session).map(|of| of.spent.known).unwrap_or_default()
    }

    /// What is known of a session; none where no call of it is.
    #[must_use]
    pub fn of_session(&self, session: &str) -> Option<&OfSession> {
        self.sessions.get(session)
    }

    /// What some work is held against. What is `beyond` a limit is added to it.
    #[must_use]
    pub fn held(
        &self,
        caps: &Caps,
        beyond: impl Fn(Facing<'_>) -> Picodollars,
        session: Option<&str>,
        work: Work<'_>,
    ) -> Vec<Held> {
        let cap = |limit: Limit, spent: Spent, cap: Option<Picodollars>| {
            let allowed = beyond(limit.facing());
            let Spent { known, lacking } = spent;
            cap.map(|cap| Held { limit, spent: known, lacking, cap: cap + allowed, is_certain: true })
        };
        let of_session =
            session.map(|session| self.of_session(session).map(|of| of.spent).unwrap_or_default());
        let today = Spent { known: self.today, lacking: self.today_lacks };
        let mut held: Vec<Held> = of_session
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
            held.extend(self.budgets.iter().filter_map(|(budget, used)| {
                let coverage = coverage(&budget.scope, work);
                (coverage != Coverage::Not).then(|| Held {
                    limit: Limit::Budget(budget.name.clone()),
                    spent: *used,
                    lacking: self.budgets_lack.get(&budget.name).copied().unwrap_or_default(),
                    cap: budget.amount + beyond(Facing::Budget(budget.name.as_str())),
                    is_certain: coverage == Coverage::Covered,
                })
            }));
        }
        held
    }

    /// The budget of which the least share is left, of those that surely cover some work.
    #[must_use]
    pub fn tightest(&self, work: Work<'_>) -> Option<&(Budget, Picodollars)> {
        let covers =
            |(budget, _): &&(Budget, Picodollars)| coverage(&budget.scope, work) == Coverage::Covered;
        self.budgets.iter().filter(covers).min_by(|(a, used_a), (b, used_b)| {
            let (left_a, left_b) = (a.amount - *used_a, b.amount - *used_b);
            // Cross-multiplied: amounts are above zero, and shares of them would be rounded.
            (left_a.0.saturating_mul(b.amount.0)).cmp(&left_b.0.saturating_mul(a.amount.0))
        })
    }
}
