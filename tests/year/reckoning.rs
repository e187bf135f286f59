//! Which causes there are, reckoned by hand from what the program knows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};
use mecris::domain::alert::rules::SourceTrouble;
use mecris::domain::alert::{CauseKey, Grade, Kind, Severity};
use mecris::domain::budget::Budget;
use mecris::domain::calendar::Period;

use super::life::Life;

/// What is true at a moment.
#[derive(Clone, Default)]
pub struct Truth {
    pub present: BTreeMap<CauseKey, Grade>,
    /// Of which it is not known.
    unknown: BTreeSet<(Kind, String)>,
}

impl Truth {
    /// Whether an alert of this has a reason to be open.
    pub fn may_last(&self, key: &CauseKey) -> bool {
        self.present.contains_key(key) || self.unknown.contains(&(key.kind, key.subject.clone()))
    }

    fn add(&mut self, kind: Kind, subject: &str, period: String, severity: Severity, level: u32) {
        let key = CauseKey { kind, subject: subject.to_owned(), period };
        self.present.insert(key, Grade { severity, level });
    }
}

pub fn truth(life: &Life, now: Timestamp) -> Truth {
    let mut truth = Truth::default();
    for goal in &life.known {
        let losedate = goal.losedate.unwrap();
        let (severity, level) = match goal.safebuf {
            Some(safe_days) if !life.awaited && losedate > now => match safe_days {
                ..=0 => (Severity::Immediate, 3),
                1 => (Severity::Warning, 2),
                2 | 3 => (Severity::Info, 1),
                4.. => continue,
            },
            _ => {
                truth.unknown.insert((Kind::Goal, goal.slug.clone()));
                continue;
            }
        };
        truth.add(Kind::Goal, &goal.slug, losedate.to_string(), severity, level);
    }
    for budget in &life.budgets {
        budget_truth(life, budget, now, &mut truth);
    }
    for (name, source) in &life.sources {
        let lasts = now.duration_since(source.since);
        let is_told = match source.trouble {
            None => false,
            Some(SourceTrouble::Unauthorized) => true,
            Some(SourceTrouble::Failing) => lasts >= SignedDuration::from_mins(30),
        };
        if is_told {
            truth.add(Kind::Source, name, String::new(), Severity::Warning, 1);
        }
    }
    for (actor, at) in &life.gave_up {
        if now.duration_since(*at) < SignedDuration::from_hours(6) {
            truth.add(Kind::Actor, actor, String::new(), Severity::Warning, 1);
        }
    }
    let clock = life.zone.to_datetime(now);
    if (18..21).contains(&clock.hour()) && life.spared != Some(clock.date()) {
        truth.add(Kind::Reminder, "evening", clock.date().to_string(), Severity::Warning, 1);
    }
    truth
}

fn days(period: Period, today: Date) -> (Date, Date) {
    match period {
        Period::Daily => (today, today),
        Period::Weekly { .. } => {
            let monday = (0..7).map(|days| today.saturating_sub(days.days()));
            let monday = monday.into_iter().find(|day| day.weekday() == Weekday::Monday).unwrap();
            (monday, monday.saturating_add(6.days()))
        }
        _ => (today.first_of_month(), today.last_of_month()),
    }
}

fn budget_truth(life: &Life, budget: &Budget, now: Timestamp, truth: &mut Truth) {
    let today = life.zone.to_datetime(now).date();
    let (first, last) = days(budget.period, today);
    let spent =
        |from: Date, to: Date| -> i128 { life.spent.range(from..=to).map(|(_, amount)| amount.0).sum() };
    let (name, period) = (budget.name.as_str(), first.to_string());
    let (used, amount) = (spent(first, today), budget.amount.0);
    let left = amount - used;
    let percent = used * 100 / amount;
    if let Some(threshold) = [100, 90, 75].into_iter().find(|threshold| percent >= i128::from(*threshold)) {
        let severity = match threshold {
            100 => Severity::Critical,
            90 => Severity::Warning,
            _ => Severity::Info,
        };
        truth.add(Kind::BudgetThreshold, name, period.clone(), severity, threshold);
    }
    if left > 0 && left < budget.thresholds.low.0 {
        truth.add(Kind::BudgetLow, name, period.clone(), Severity::Warning, 1);
    }
    // A seventh of the week's spend each day, until the period's last midnight.
    let midnight = last.saturating_add(1.day()).to_zoned(life.zone.clone()).unwrap().timestamp();
    let seconds = i128::from(midnight.as_second() - now.as_second());
    let week = spent(today.saturating_sub(6.days()), today);
    if left > 0 && week * seconds > left * 7 * 86_400 {
        truth.add(Kind::BudgetProjection, name, period.clone(), Severity::Warning, 1);
    }
    if spent(today, today) > budget.thresholds.daily_limit.0 {
        truth.add(Kind::BudgetDaily, name, today.to_string(), Severity::Warning, 1);
    }
    if budget.period != Period::Daily && today == last {
        truth.add(Kind::BudgetEnding, name, period, Severity::Info, 1);
    }
}
