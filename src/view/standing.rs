//! What is spent of each limit, for those who ask often: computed once for each event and day.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::allowance::VirtualBudget;
use crate::domain::allowance::reach::Facing;
use crate::domain::budget::Budget;
use crate::domain::calendar;
use crate::domain::gate::{Caps, Coverage, Held, Limit, Work, coverage};
use crate::domain::money::Picodollars;
use crate::event::Position;

use super::TenantView;
use super::affording::costs;
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
    /// What the month and the day cost over all providers.
    unified: (Picodollars, Picodollars),
    allowance: Option<VirtualBudget>,
    /// What each session cost, on all its days.
    sessions: HashMap<String, Picodollars>,
    /// The budgets whose period this day is in, and what is used of each.
    pub budgets: Vec<(Budget, Picodollars)>,
}

impl Standing {
    /// What is spent at `now`.
    #[must_use]
    pub fn of(view: &TenantView, position: Position, now: Timestamp, zone: &TimeZone) -> Self {
        let day = calendar::day_of(now, zone);
        let mut budgets: Vec<_> = view
            .budgets
            .values()
            .map(|budget| (budget, budget.period.days(day), Picodollars::ZERO))
            .filter(|(_, (first, last), _)| (*first..=*last).contains(&day))
            .collect();
        let (mut today, mut sessions) = (Picodollars::ZERO, HashMap::<&str, Picodollars>::new());
        let mut days = DayCache::new(zone);
        for cell in view.spend.cells() {
            let (of, cost) = (days.day(cell.quarter), cell.sum.cost);
            if of == day {
                today += cost;
            }
            *sessions.entry(cell.session).or_default() += cost;
            for (budget, (first, last), used) in &mut budgets {
                // Days to come are not used yet, as in `budget::status`.
                if (*first..=(*last).min(day)).contains(&of) && cell.is_in(&budget.scope) {
                    *used += cost;
                }
            }
        }
        let sessions = sessions.into_iter().map(|(session, cost)| (session.to_owned(), cost)).collect();
        let budgets = budgets.into_iter().map(|(budget, _, used)| (budget.clone(), used)).collect();
        Self {
            position,
            day,
            zone: zone.clone(),
            today,
            unified: costs(view, now, zone),
            allowance: view.allowance.budget,
            sessions,
            budgets,
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
        [("day", day, limit(|budget| budget.daily)), ("month", month, limit(|budget| budget.monthly))]
    }

    /// What a session cost so far.
    #[must_use]
    pub fn session(&self, session: &str) -> Picodollars {
        self.sessions.get(session).copied().unwrap_or_default()
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
        let cap = |limit: Limit, spent, cap: Option<Picodollars>| {
            let allowed = beyond(limit.facing());
            cap.map(|cap| Held { limit, spent, cap: cap + allowed, is_certain: true })
        };
        let of_session = session.map(|session| self.session(session));
        let mut held: Vec<Held> = of_session
            .and_then(|spent| cap(Limit::Session, spent, caps.session))
            .into_iter()
            .chain(cap(Limit::Day, self.today, caps.day))
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
