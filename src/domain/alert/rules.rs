//! The rules: which causes the current state leads to.

pub mod access;
pub mod allowance;
pub mod channel;
pub mod limit_request;
pub mod odometer;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::budget::{BudgetName, BudgetStatus, Flag};
use crate::domain::calendar::{self, Period};
use crate::domain::goal::{Goal, Risk};
use crate::domain::lacking::Lacking;
use crate::domain::money::Picodollars;
use crate::domain::reminder;

use super::{Cause, CauseKey, Causes, Grade, Kind, Severity};

/// How long a source may fail before it is reported.
const SOURCE_PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// How long an actor's failure is reported.
const GAVE_UP: SignedDuration = SignedDuration::from_hours(6);
/// The age at which a balance should be read again.
const READING_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Thresholds from this percentage of a budget on are a warning, and from 100 on critical.
const WARNING_PERCENT: u32 = 90;

/// The state of a source, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceFact {
    /// None if it answers, or is not in use.
    pub trouble: Option<SourceTrouble>,
    /// When that state began.
    pub since: Timestamp,
}

/// What is wrong with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SourceTrouble {
    /// It refuses the key.
    Unauthorized,
    /// It does not answer correctly.
    Failing,
}

/// A local goal that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub slug: String,
    /// How close it is.
    pub risk: Risk,
    /// When it is due.
    pub due: Timestamp,
    pub title: String,
}

/// The balance at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceFact {
    /// The provider.
    pub provider: String,
    /// Calculated: the last reading minus spend since then.
    pub left: Picodollars,
    /// When it was read.
    pub taken_at: Timestamp,
    /// When it last went up: each rise starts a new period for the alert.
    pub risen_at: Timestamp,
}

/// The current state, as the rules see it.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The goals at Beeminder.
    pub goals: Vec<&'a Goal>,
    /// Whether the first poll of the goals is still to come: until then they may be long out of date.
    pub goals_are_awaited: bool,
    /// The open local goals.
    pub promises: Vec<Promise>,
    pub budgets: Vec<BudgetStatus>,
    /// What their sums leave out, by budget; complete ones are not included.
    pub lacking: BTreeMap<BudgetName, Lacking>,
    /// The balances with a reading.
    pub balances: Vec<BalanceFact>,
    /// The sources, by name.
    pub sources: &'a BTreeMap<String, SourceFact>,
    /// When each actor last gave up.
    pub gave_up: &'a BTreeMap<String, Timestamp>,
    /// The reminders that are due.
    pub reminders: Vec<reminder::Due>,
    /// The person's current time zone.
    pub zone: &'a TimeZone,
    pub now: Timestamp,
}

/// Thresholds of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Used shares of a budget, in percent.
    pub budget_percents: Vec<u32>,
    /// Minimum balance.
    pub balance_low: Picodollars,
}

impl Default for Rules {
    fn default() -> Self {
        Self { budget_percents: vec![75, 90, 100], balance_low: Picodollars::usd(5) }
    }
}

/// The causes of the current state.
#[must_use]
pub fn causes(facts: &Facts<'_>, rules: &Rules) -> Causes {
    let mut causes = Causes::default();
    for goal in facts.goals.iter().filter(|goal| goal.is_active) {
        goal_cause(goal, facts, &mut causes);
    }
    for promise in &facts.promises {
        promise_cause(promise, facts, &mut causes);
    }
    for budget in &facts.budgets {
        budget_causes(budget, rules, facts, &mut causes);
    }
    for balance in &facts.balances {
        balance_cause(balance, rules, facts, &mut causes);
    }
    for (name, source) in facts.sources {
        source_cause(name, source, facts, &mut causes);
    }
    for (actor, &at) in facts.gave_up {
        let until = at.saturating_add(GAVE_UP).unwrap_or(Timestamp::MAX);
        if facts.now < until {
            causes.may_change_at(until);
            let text = format!(
                "{actor} failed again and again, and was started anew. `mecris incidents` tells why."
            );
            causes.add(Kind::Actor, actor, "", grade(Severity::Warning, 1), text);
        }
    }
    for due in &facts.reminders {
        if due.goal.is_some() && facts.goals_are_awaited {
            causes.unknown.insert((Kind::Reminder, due.rule.clone()));
            continue;
        }
        causes.may_change_at(due.until);
        let key_grade = grade(due.severity, 1);
        causes.add(Kind::Reminder, &due.rule, &due.day.to_string(), key_grade, due.text.clone());
    }
    causes
}

impl Causes {
    fn add(&mut self, kind: Kind, subject: &str, period: &str, grade: Grade, text: String) {
        let key = CauseKey { kind, subject: subject.to_owned(), period: period.to_owned() };
        self.present.push(Cause { key, grade, text, mend: None });
    }

    /// Sets the fix of the last cause, which only the person can do.
    fn with_fix(&mut self, mend: String) {
        if let Some(cause) = self.present.last_mut() {
            cause.mend = Some(mend);
        }
    }
}

fn grade(severity: Severity, level: u32) -> Grade {
    Grade { severity, level }
}

fn grade_of(risk: Risk) -> Option<Grade> {
    match risk {
        Risk::Critical => Some(grade(Severity::Immediate, 3)),
        Risk::Warning => Some(grade(Severity::Warning, 2)),
        Risk::Caution => Some(grade(Severity::Info, 1)),
        Risk::Safe | Risk::Unknown => None,
    }
}

/// A goal's period is its deadline: the next deadline is a new cause.
fn goal_cause(goal: &Goal, facts: &Facts<'_>, causes: &mut Causes) {
    let is_known = goal.risk() != Risk::Unknown && !facts.goals_are_awaited;
    let (Some(losedate), true) = (goal.losedate, is_known) else {
        causes.unknown.insert((Kind::Goal, goal.slug.clone()));
        return;
    };
    if losedate <= facts.now {
        // The deadline has passed, and the result is not known yet.
        causes.unknown.insert((Kind::Goal, goal.slug.clone()));
        return;
    }
    causes.may_change_at(losedate);
    let Some(grade) = grade_of(goal.risk()) else { return };
    let todo = [goal.baremin.as_str(), goal.limsum.as_str()].into_iter().find(|text| !text.is_empty());
    let mut text = format!("{} derails {}", goal.slug, when(losedate, facts));
    if let Some(todo) = todo {
        text += &format!("; to do: {todo}");
    }
    if goal.pledge > Picodollars::ZERO {
        text += &format!("; at stake: {} USD", goal.pledge.rounded(2));
    }
    causes.add(Kind::Goal, &goal.slug, &losedate.to_string(), grade, text + ".");
}

fn promise_cause(promise: &Promise, facts: &Facts<'_>, causes: &mut Causes) {
    if promise.due > facts.now {
        causes.may_change_at(promise.due);
    }
    let Some(grade) = grade_of(promise.risk) else { return };
    let name = if promise.title.is_empty() { &promise.slug } else { &promise.title };
    let text = if promise.due > facts.now {
        format!("{name} is due {}.", when(promise.due, facts))
    } else {
        format!("{name} was due on {}.", calendar::day_of(promise.due, facts.zone))
    };
    causes.add(Kind::Goal, &promise.slug, &promise.due.to_string(), grade, text);
}

/// A budget's causes belong to its own period, and end with it. Those of a rolling budget have no period,
/// because its window moves every day: they last until enough spend has left the window, and are not repeated
/// each morning.
fn budget_causes(status: &BudgetStatus, rules: &Rules, facts: &Facts<'_>, causes: &mut Causes) {
    let today = calendar::day_of(facts.now, facts.zone);
    causes.may_change_at(calendar::end_of(today, facts.zone));
    // A period that has not begun, or is over, needs no warning.
    if today < status.period_first || today > status.period_last {
        return;
    }
    let name = status.budget.name.as_str();
    let (period, within, until) = match status.budget.period {
        Period::Rolling { days } => (String::new(), format!(" of the last {days} days"), String::new()),
        _ => (status.period_first.to_string(), String::new(), format!(" until {}", status.period_last)),
    };
    let usd = |amount: Picodollars| amount.rounded(2);
    // What the sum leaves out makes it worse, never better: every message about the sum says so.
    let lacks = facts.lacking.get(&status.budget.name).and_then(Lacking::text);
    let lacks = lacks.map(|text| format!(" {text}.")).unwrap_or_default();
    let has = |flag| status.flags.contains(&flag);
    let percent = used_percent(status);
    let reached = rules.budget_percents.iter().copied().filter(|threshold| percent >= i128::from(*threshold));
    if let Some(threshold) = reached.max() {
        let severity = match threshold {
            100.. => Severity::Critical,
            WARNING_PERCENT.. => Severity::Warning,
            _ => Severity::Info,
        };
        let text = format!(
            "budget {name}: {percent} % used{within}, {} of {} USD, {} left{until}.{lacks}",
            usd(status.used),
            usd(status.budget.amount),
            usd(status.remaining)
        );
        causes.add(Kind::BudgetThreshold, name, &period, grade(severity, threshold), text);
    }
    let is_spent = status.remaining <= Picodollars::ZERO;
    if has(Flag::LowBudget) && !is_spent {
        let text = format!("budget {name}: only {} USD left{within}{until}.{lacks}", usd(status.remaining));
        causes.add(Kind::BudgetLow, name, &period, grade(Severity::Warning, 1), text);
    }
    // What is already spent is not a projection.
    if has(Flag::BurnRateHigh) && !is_spent {
        let text = format!(
            "budget {name}: at {} USD a day it comes to {} of {} USD by {}.{lacks}",
            usd(status.burn_rate),
            usd(status.projected_total),
            usd(status.budget.amount),
            status.period_last
        );
        causes.add(Kind::BudgetProjection, name, &period, grade(Severity::Warning, 1), text);
    }
    if has(Flag::DailyLimitExceeded) {
        let (spent, limit) = (usd(status.spent_today), usd(status.budget.thresholds.daily_limit));
        let text = format!("budget {name}: {spent} USD spent today; the limit of a day is {limit}.");
        causes.add(Kind::BudgetDaily, name, &today.to_string(), grade(Severity::Warning, 1), text);
    }
    if has(Flag::PeriodEnding) {
        let text =
            format!("budget {name} ends on {}; {} USD left.", status.period_last, usd(status.remaining));
        causes.add(Kind::BudgetEnding, name, &period, grade(Severity::Info, 1), text);
    }
}

/// A balance's period begins when it last went up: a purchase can alert again, and an hourly reading cannot.
fn balance_cause(balance: &BalanceFact, rules: &Rules, facts: &Facts<'_>, causes: &mut Causes) {
    let due = balance.taken_at.saturating_add(READING_AGE).unwrap_or(Timestamp::MAX);
    if facts.now < due {
        causes.may_change_at(due);
    } else {
        let age = calendar::span(facts.now.duration_since(balance.taken_at));
        let text = format!("{0}: the balance was read {age} ago.", balance.provider);
        let period = balance.taken_at.to_string();
        causes.add(Kind::ReadingDue, &balance.provider, &period, grade(Severity::Info, 1), text);
        causes.with_fix("Look again, and `mecris balance set`.".to_owned());
    }
    if balance.left >= rules.balance_low {
        return;
    }
    let (is_spent, provider) = (balance.left <= Picodollars::ZERO, balance.provider.as_str());
    let age = calendar::span(facts.now.duration_since(balance.taken_at));
    let text = if is_spent {
        format!("{provider}: nothing is left, by what was read {age} ago and spent since.")
    } else {
        format!(
            "{provider}: about {} USD left, by what was read {age} ago and spent since.",
            balance.left.rounded(2)
        )
    };
    let severity = if is_spent { Severity::Critical } else { Severity::Warning };
    causes.add(Kind::BalanceLow, provider, &balance.risen_at.to_string(), grade(severity, 1), text);
}

/// Whole percent, rounded down: 99.9 % is not 100 %.
fn used_percent(status: &BudgetStatus) -> i128 {
    status.used.0.saturating_mul(100).checked_div(status.budget.amount.0).unwrap_or(0)
}

fn source_cause(name: &str, source: &SourceFact, facts: &Facts<'_>, causes: &mut Causes) {
    let Some(trouble) = source.trouble else { return };
    let text = match trouble {
        SourceTrouble::Unauthorized => format!("{name} refuses the key. `mecris sources` has the mend."),
        SourceTrouble::Failing => {
            let told = source.since.saturating_add(SOURCE_PATIENCE).unwrap_or(Timestamp::MAX);
            if facts.now < told {
                causes.may_change_at(told);
                return;
            }
            let since = source.since.to_zoned(facts.zone.clone()).strftime("%a %H:%M").to_string();
            format!("{name} has not answered since {since}; its numbers are old. `mecris sources` tells why.")
        }
    };
    causes.add(Kind::Source, name, "", grade(Severity::Warning, 1), text);
}

/// An instant for a message: `at 21:00 (in 3 h 10 min)`, `on Tue at 03:00 (in 26 h)`.
fn when(instant: Timestamp, facts: &Facts<'_>) -> String {
    let zoned = instant.to_zoned(facts.zone.clone());
    let is_today = zoned.date() == calendar::day_of(facts.now, facts.zone);
    let left = instant.duration_since(facts.now);
    // A weekday is unambiguous within six days.
    let is_near = left < SignedDuration::from_hours(6 * 24);
    let form = if is_today {
        "at %H:%M"
    } else if is_near {
        "on %a at %H:%M"
    } else {
        "on %Y-%m-%d at %H:%M"
    };
    let at = zoned.strftime(form).to_string();
    format!("{at} (in {})", calendar::span(left))
}
