//! Reminders: the person's own rules, such as "from 18:00 to 21:00, if the goal has no datapoint today". The
//! detail of a reminder depends on the remaining budget.
//!
//! A reminder is due once per day of its window: [`Due`] names the day, which together with the rule's name
//! is the key of the message. The day is the one on which the window began, in the person's time zone, so
//! that a window across midnight counts once, and changing the zone does not repeat it.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::alert::Severity;
use super::budget::{BudgetName, BudgetStatus};
use super::calendar;
use super::goal::{Goal, Risk};
use super::goal_day::GoalClock;
use super::money::Picodollars;
use super::template::{Facts, Placeholder, Template};
use super::window::{DailyWindow, Stretch};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderRule {
    /// Unique among the rules.
    pub name: String,
    /// The slug of its goal; none if it depends on the time alone.
    pub goal: Option<String>,
    /// When it may be sent, in the person's time zone.
    pub window: DailyWindow,
    /// The days on which the window begins.
    pub days: Days,
    /// Whether a datapoint for the goal's current day suppresses it.
    pub unless_data_today: bool,
    pub message: Template,
    /// The text for an ample budget; if none, the message and the current state.
    pub full: Option<Template>,
    pub severity: Severity,
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Days {
    pub const ALL: Self = Self([true; 7]);

    #[must_use]
    pub fn of(days: &[Weekday]) -> Self {
        Self(std::array::from_fn(|index| {
            days.iter().any(|day| usize::try_from(day.to_monday_zero_offset()) == Ok(index))
        }))
    }

    #[must_use]
    pub fn includes(self, day: Weekday) -> bool {
        usize::try_from(day.to_monday_zero_offset()).is_ok_and(|index| self.0[index])
    }

    /// From Monday.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday.cycle_forward().take(7).filter(move |day| self.includes(*day))
    }
}

/// The detail of a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Its name and goal.
    Plain,
    /// Its message with the goal's numbers.
    Template,
    /// The same, and the current state of everything else.
    Full,
}

/// The detail by remaining budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    /// [`Tier::Full`] above this remainder.
    pub full_above: Picodollars,
    /// [`Tier::Template`] above this remainder.
    pub template_above: Picodollars,
    /// The budget that counts; the tightest if none.
    pub budget: Option<BudgetName>,
}

impl Default for Tiers {
    fn default() -> Self {
        Self {
            full_above: Picodollars::usd(2),
            template_above: Picodollars::usd(1).scale(1, 2),
            budget: None,
        }
    }
}

impl Tiers {
    /// The budget that counts, if it has a current period.
    #[must_use]
    pub fn budget<'a>(&self, budgets: &'a [BudgetStatus], today: Date) -> Option<&'a BudgetStatus> {
        let counts = |status: &&BudgetStatus| {
            (status.period_first..=status.period_last).contains(&today)
                && self.budget.as_ref().is_none_or(|name| *name == status.budget.name)
        };
        budgets.iter().filter(counts).min_by_key(|status| (status.remaining, &status.budget.name))
    }

    /// The detail for this remainder; without a budget the plain message.
    #[must_use]
    pub fn of(&self, remaining: Option<Picodollars>) -> Tier {
        match remaining {
            None => Tier::Template,
            Some(amount) if amount > self.full_above => Tier::Full,
            Some(amount) if amount > self.template_above => Tier::Template,
            Some(_) => Tier::Plain,
        }
    }
}

/// A goal as last polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenGoal<'a> {
    pub goal: &'a Goal,
    /// Time of the last successful poll, not of the last change.
    pub seen_at: Timestamp,
    /// What its days are reckoned by; none if that is not known.
    pub clock: Option<&'a GoalClock>,
}

impl SeenGoal<'_> {
    /// Whether it was polled on the goal's current day. If not, statements by day ("no data today", "+1
    /// within 2 days") no longer hold. They do not hold either where the goal's days are not known.
    #[must_use]
    pub fn is_of_today(&self, now: Timestamp) -> bool {
        self.clock.is_some_and(|clock| clock.day(self.seen_at) >= clock.day(now))
    }

    /// Whether there is a datapoint for the goal's current day, as far as known.
    #[must_use]
    pub fn has_data_today(&self, now: Timestamp) -> bool {
        self.goal.has_data_today && self.is_of_today(now)
    }
}

/// The state that reminders depend on.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub goals: &'a [SeenGoal<'a>],
    pub budgets: &'a [BudgetStatus],
}

impl<'a> Known<'a> {
    fn goal(&self, slug: &str) -> Option<SeenGoal<'a>> {
        self.goals.iter().find(|seen| seen.goal.slug == slug && seen.goal.is_active).copied()
    }
}

/// A reminder that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The rule's name.
    pub rule: String,
    /// The day that it is for; see the module.
    pub day: Date,
    /// The goal's slug.
    pub goal: Option<String>,
    pub severity: Severity,
    pub tier: Tier,
    pub text: String,
    /// When its window ends.
    pub until: Timestamp,
}

/// The due reminders, in the order of the rules. A rule for a goal that does not exist, or is no longer
/// tracked, is never due.
#[must_use]
pub fn due(
    rules: &[ReminderRule],
    tiers: &Tiers,
    known: &Known<'_>,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<Due> {
    let moment = Moment { tiers, known, now, zone };
    rules.iter().filter_map(|rule| moment.due(rule)).collect()
}

/// The first instant after `now` at which other reminders may be due, without any other change: a window
/// begins or ends, or a goal's day does. None if no rule ever is.
#[must_use]
pub fn next_change(
    rules: &[ReminderRule],
    known: &Known<'_>,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let changes = rules.iter().flat_map(|rule| {
        let stretch = open_stretch(rule, now, zone);
        let goal = rule.goal.as_deref().and_then(|slug| known.goal(slug));
        // A datapoint that suppresses it now does so until the goal's own day ends.
        let spared = goal.filter(|seen| rule.unless_data_today && seen.has_data_today(now));
        let day_ends = spared.and_then(|seen| seen.clock).map(|clock| clock.end(clock.day(now)));
        let day_ends = day_ends.filter(|end| stretch.is_some_and(|stretch| *end < stretch.end));
        [stretch.map(|stretch| stretch.end), day_ends, next_start(rule, now, zone)]
    });
    changes.flatten().min()
}

/// The occurrence of the rule's window that contains `now`, if it begins on one of the rule's days.
fn open_stretch(rule: &ReminderRule, now: Timestamp, zone: &TimeZone) -> Option<Stretch> {
    rule.window.stretch(now, zone).filter(|stretch| rule.days.includes(stretch.day.weekday()))
}

/// When the rule's window next begins on one of its days. A time zone may skip a day, so two weeks are
/// searched.
fn next_start(rule: &ReminderRule, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = calendar::day_of(now, zone);
    let days = (0..=14_i64).filter_map(|ahead| today.checked_add(ahead.days()).ok());
    days.filter(|day| rule.days.includes(day.weekday()))
        .filter_map(|day| rule.window.on(day, zone))
        .map(|stretch| stretch.start)
        .find(|start| *start > now)
}

/// Everything a reminder may mention.
struct Moment<'a> {
    tiers: &'a Tiers,
    known: &'a Known<'a>,
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Moment<'_> {
    fn due(&self, rule: &ReminderRule) -> Option<Due> {
        let stretch = open_stretch(rule, self.now, self.zone)?;
        let goal = match &rule.goal {
            Some(slug) => Some(self.known.goal(slug)?),
            None => None,
        };
        let has_data = goal.is_some_and(|seen| seen.has_data_today(self.now));
        if rule.unless_data_today && has_data {
            return None;
        }
        let budget = self.tiers.budget(self.known.budgets, calendar::day_of(self.now, self.zone));
        let tier = self.tiers.of(budget.map(|status| status.remaining));
        let facts = self.facts(rule, stretch.day, goal, budget);
        Some(Due {
            rule: rule.name.clone(),
            day: stretch.day,
            goal: rule.goal.clone(),
            severity: rule.severity,
            tier,
            text: text(rule, tier, &facts),
            until: stretch.end,
        })
    }

    fn facts(
        &self,
        rule: &ReminderRule,
        day: Date,
        goal: Option<SeenGoal<'_>>,
        budget: Option<&BudgetStatus>,
    ) -> Facts {
        let active = self.known.goals.iter().map(|seen| seen.goal).filter(|goal| goal.is_active);
        let first = active.clone().filter(|goal| goal.losedate.is_some_and(|losedate| losedate > self.now));
        let first = first.min_by_key(|goal| (goal.losedate, &goal.slug));
        let emergencies = active.filter(|goal| goal.risk() == Risk::Critical).count();
        let facts = Facts::default()
            .with(Placeholder::Name, &rule.name)
            .with(Placeholder::Day, day.to_string())
            .maybe(Placeholder::Budget, budget.map(|status| status.budget.name.as_str()))
            .maybe(Placeholder::Remaining, budget.map(|status| status.remaining.rounded(2)))
            .maybe(Placeholder::MostUrgent, first.map(|goal| &goal.slug))
            .with(Placeholder::Emergencies, emergencies.to_string());
        goal.map_or(facts.clone(), |seen| self.goal_facts(facts, seen))
    }

    /// Statements by day are valid only on the goal's day of the poll; an instant is valid until it passes.
    fn goal_facts(&self, facts: Facts, seen: SeenGoal<'_>) -> Facts {
        let goal = seen.goal;
        let is_of_today = seen.is_of_today(self.now);
        let losedate = goal.losedate.filter(|losedate| *losedate > self.now);
        let title = if goal.title.trim().is_empty() { &goal.slug } else { &goal.title };
        facts
            .with(Placeholder::Goal, &goal.slug)
            .with(Placeholder::Title, title)
            .with(Placeholder::Pledge, goal.pledge.rounded(2))
            .maybe(Placeholder::Limsum, is_of_today.then_some(&goal.limsum))
            .maybe(Placeholder::Baremin, is_of_today.then_some(&goal.baremin))
            .maybe(Placeholder::SafeDays, goal.safebuf.filter(|_| is_of_today).map(|days| days.to_string()))
            .maybe(Placeholder::TimeLeft, losedate.map(|at| calendar::span(at.duration_since(self.now))))
            .maybe(Placeholder::Deadline, losedate.map(|at| self.clock(at)))
    }

    /// `21:00` today, `Tue 03:00` on another day.
    fn clock(&self, instant: Timestamp) -> String {
        let is_today = calendar::day_of(instant, self.zone) == calendar::day_of(self.now, self.zone);
        let zoned = instant.to_zoned(self.zone.clone());
        zoned.strftime(if is_today { "%H:%M" } else { "%a %H:%M" }).to_string()
    }
}

fn text(rule: &ReminderRule, tier: Tier, facts: &Facts) -> String {
    match (tier, &rule.full) {
        (Tier::Plain, _) => {
            let goal = rule.goal.as_ref().filter(|goal| **goal != rule.name);
            let of = goal.map_or(String::new(), |goal| format!(" ({goal})"));
            format!("Reminder: {}{of}.", rule.name)
        }
        (Tier::Full, Some(full)) => full.render(facts),
        (Tier::Full, None) => rule.message.render(facts) + &context(facts),
        (Tier::Template, _) => rule.message.render(facts),
    }
}

/// The current state, as far as known: ` exercise: +1 within 1 day, 3 h left. Budget main: 13.92 USD left.`
fn context(facts: &Facts) -> String {
    let get = |placeholder| facts.get(placeholder);
    let mut context = String::new();
    if let Some(goal) = get(Placeholder::Goal) {
        let left = get(Placeholder::TimeLeft).map(|left| format!("{left} left"));
        let told = [get(Placeholder::Limsum).map(ToOwned::to_owned), left];
        let told = told.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if !told.is_empty() {
            context += &format!(" {goal}: {told}.");
        }
    }
    if let Some(first) = get(Placeholder::MostUrgent).filter(|first| get(Placeholder::Goal) != Some(first)) {
        context += &format!(" First to derail: {first}.");
    }
    if let (Some(budget), Some(remaining)) = (get(Placeholder::Budget), get(Placeholder::Remaining)) {
        context += &format!(" Budget {budget}: {remaining} USD left.");
    }
    context
}

#[cfg(test)]
mod tests;
