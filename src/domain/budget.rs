//! Budgets: an amount, its scope and period, and its current state.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::calendar::{self, Period};
use super::money::Picodollars;
use super::project::{directory, is_below};

/// Seconds in a day, for burn rates.
const DAY_SECONDS: i128 = 86_400;

/// Maximum number of budgets: every answer about money computes each one, so that a loop creating budgets
/// would slow down every answer.
const BUDGETS_MAX: usize = 1_000;

/// Days in the burn rate's mean, including today.
const BURN_DAYS: i64 = 7;

/// A budget's name: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BudgetName(String);

impl BudgetName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BudgetName {
    type Error = BudgetError;

    fn try_from(name: String) -> Result<Self, BudgetError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            return Err(BudgetError::Name(name));
        }
        Ok(Self(name))
    }
}

impl From<BudgetName> for String {
    fn from(name: BudgetName) -> Self {
        name.0
    }
}

impl std::str::FromStr for BudgetName {
    type Err = BudgetError;

    fn from_str(name: &str) -> Result<Self, BudgetError> {
        Self::try_from(name.to_owned())
    }
}

impl fmt::Display for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The usage that a budget covers; an absent part covers everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// A provider, such as `anthropic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// A model's name, in which `*` is any text: `claude-opus-*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A project's directory; those below it are covered too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl Scope {
    /// Whether it covers usage of this provider, model and project. Directories are in the form of
    /// [`super::project::directory`].
    #[must_use]
    pub fn covers(&self, provider: &str, model: &str, project: &str) -> bool {
        self.provider.as_deref().is_none_or(|wanted| wanted == provider)
            && self.model.as_deref().is_none_or(|pattern| matches_pattern(pattern, model))
            && self.project.as_deref().is_none_or(|root| is_below(root, project))
    }
}

/// For people: `all`, or its parts.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> =
            [&self.provider, &self.model, &self.project].into_iter().flatten().map(String::as_str).collect();
        f.pad(&if parts.is_empty() { "all".to_owned() } else { parts.join(" ") })
    }
}

/// Matches `*` as any text, everything else literally.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut pieces = tail.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(found) = rest.find(piece) else { return false };
        rest = &rest[found + piece.len()..];
    }
    true
}

/// When a budget's flags are raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// `LOW_BUDGET` below this remainder.
    pub low: Picodollars,
    /// `DAILY_LIMIT_EXCEEDED` above this spend today.
    pub daily_limit: Picodollars,
    /// `PERIOD_ENDING` at this many days left or less. Not for daily budgets, which always end today, nor for
    /// rolling ones, which never end.
    pub ending_days: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { low: Picodollars::usd(5), daily_limit: Picodollars::usd(2), ending_days: 1 }
    }
}

/// A budget as its owner set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Setting it again replaces the budget.
    pub name: BudgetName,
    /// The amount for one period.
    pub amount: Picodollars,
    pub period: Period,
    pub scope: Scope,
    pub thresholds: Thresholds,
}

/// Why a command on a budget is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// An invalid name.
    #[error("'{0}' is not a budget name; use 1 to 64 of a-z, 0-9, '-', '_' and '.'")]
    Name(String),
    /// Zero or negative.
    #[error("a budget's amount must be above 0 USD, not {0}")]
    Amount(String),
    /// A negative threshold.
    #[error("a budget's threshold must be 0 USD or more, not {0}")]
    Threshold(String),
    /// The last day is before the first.
    #[error("a budget cannot end ({until}) before it begins ({from})")]
    Dates { from: Date, until: Date },
    /// No such budget.
    #[error("there is no budget '{0}'; `mecris budget list` lists the budgets")]
    Unknown(BudgetName),
    /// There are too many.
    #[error(
        "there are {BUDGETS_MAX} budgets, and no more can be; remove one with `mecris budget remove NAME`"
    )]
    TooMany,
}

impl Coded for BudgetError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown(_) => Code::BudgetUnknown,
            _ => Code::Refused,
        }
    }
}

/// The person's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetCommand {
    Set(Budget),
    Remove(BudgetName),
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetChange {
    Set(Budget),
    Removed(BudgetName),
}

/// Decides a command on the existing budgets. `None`: nothing changes.
///
/// # Errors
/// [`BudgetError`] names what is wrong with the command.
pub fn decide(
    budgets: &BTreeMap<BudgetName, Budget>,
    command: BudgetCommand,
) -> Result<Option<BudgetChange>, BudgetError> {
    match command {
        BudgetCommand::Set(mut budget) => {
            budget.scope.project = budget.scope.project.map(|project| directory(&project).into_owned());
            if budget.amount <= Picodollars::ZERO {
                return Err(BudgetError::Amount(budget.amount.exact()));
            }
            for threshold in [budget.thresholds.low, budget.thresholds.daily_limit] {
                if threshold < Picodollars::ZERO {
                    return Err(BudgetError::Threshold(threshold.exact()));
                }
            }
            if let Period::Fixed { from, until } = budget.period
                && until < from
            {
                return Err(BudgetError::Dates { from, until });
            }
            if budgets.len() >= BUDGETS_MAX && !budgets.contains_key(&budget.name) {
                return Err(BudgetError::TooMany);
            }
            let unchanged = budgets.get(&budget.name) == Some(&budget);
            Ok((!unchanged).then_some(BudgetChange::Set(budget)))
        }
        BudgetCommand::Remove(name) if budgets.contains_key(&name) => Ok(Some(BudgetChange::Removed(name))),
        BudgetCommand::Remove(name) => Err(BudgetError::Unknown(name)),
    }
}

/// Applies a change to the budgets.
pub fn evolve(budgets: &mut BTreeMap<BudgetName, Budget>, change: BudgetChange) {
    match change {
        BudgetChange::Set(budget) => {
            budgets.insert(budget.name.clone(), budget);
        }
        BudgetChange::Removed(name) => {
            budgets.remove(&name);
        }
    }
}

/// A condition of a budget that its owner should know about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Flag {
    /// Less remains than the threshold.
    LowBudget,
    /// At the current rate the remainder will not last to the end of the period.
    BurnRateHigh,
    /// The period ends within the threshold.
    PeriodEnding,
    /// Today's spend exceeds the threshold.
    DailyLimitExceeded,
}

/// A budget's state in one word.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// No flags.
    Good,
    /// One or two flags.
    Warning,
    /// More flags, or nothing remains.
    Critical,
}

/// The state of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStatus {
    pub budget: Budget,
    /// First day of the period.
    pub period_first: Date,
    /// Last day of the period, inclusive.
    pub period_last: Date,
    /// Spent in the period.
    pub used: Picodollars,
    /// Amount minus spend; negative if overspent.
    pub remaining: Picodollars,
    /// Days left, including today; 0 if the period is over; 1 for a rolling window, which moves on tomorrow.
    pub days_left: u32,
    /// Spent today.
    pub spent_today: Picodollars,
    /// Mean daily spend of the last seven days, including today.
    pub burn_rate: Picodollars,
    /// Spend from now to the end of the period at the burn rate.
    pub projected_spend: Picodollars,
    /// Sum of used and projected.
    pub projected_total: Picodollars,
    /// In the order of [`Flag`].
    pub flags: Vec<Flag>,
    pub health: Health,
}

/// The ranges of days that a budget's state depends on, first and last day. This is the one rule for what
/// counts as used: future days do not count, even if a clock that ran ahead dated spend there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The days of the current or fixed period until today; none if it has not begun.
    pub period: Option<(Date, Date)>,
    /// Today.
    pub today: (Date, Date),
    /// The days of the burn rate's mean.
    pub burn: (Date, Date),
}

impl Windows {
    /// The ranges for a budget on a day.
    #[must_use]
    pub fn of(budget: &Budget, today: Date) -> Self {
        let (first, last) = budget.period.days(today);
        let last = last.min(today);
        Self {
            period: (first <= last).then_some((first, last)),
            today: (today, today),
            burn: (today.saturating_sub((BURN_DAYS - 1).days()), today),
        }
    }

    /// The spend in these ranges, given a function for the spend of a range.
    pub fn used(&self, between: impl Fn(Date, Date) -> Picodollars) -> Used {
        let within = |(first, last): (Date, Date)| between(first, last);
        Used {
            period: self.period.map(within).unwrap_or_default(),
            today: within(self.today),
            burn: within(self.burn),
        }
    }
}

/// The spend of a budget in its [`Windows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    pub period: Picodollars,
    pub today: Picodollars,
    /// In the days of the burn rate's mean.
    pub burn: Picodollars,
}

/// The state of a budget at `now`, given the spend in its scope on each day of `zone`. Absent days had no
/// spend.
#[must_use]
pub fn status(
    budget: &Budget,
    spent: &BTreeMap<Date, Picodollars>,
    now: Timestamp,
    zone: &TimeZone,
) -> BudgetStatus {
    let between = |from: Date, to: Date| spent.range(from..=to).map(|(_, &amount)| amount).sum();
    let used = Windows::of(budget, calendar::day_of(now, zone)).used(between);
    status_of(budget, &used, now, zone)
}

/// The state of a budget at `now`, given its use until then.
#[must_use]
pub fn status_of(budget: &Budget, used: &Used, now: Timestamp, zone: &TimeZone) -> BudgetStatus {
    let today = calendar::day_of(now, zone);
    let (first, last) = budget.period.days(today);
    let Used { period: used, today: spent_today, burn } = *used;
    let remaining = budget.amount - used;
    let burn_rate = burn.scale(1, i128::from(BURN_DAYS));
    let left_from = now.max(calendar::start_of(first, zone));
    let seconds_left = (calendar::end_of(last, zone).as_second() - left_from.as_second()).max(0);
    let projected_spend = burn_rate.scale(i128::from(seconds_left), DAY_SECONDS);
    let days_left = (last.since(today.max(first)).map_or(0, |span| span.get_days()) + 1).max(0) as u32;
    let thresholds = &budget.thresholds;
    let ending = budget.period.has_an_end() && days_left <= thresholds.ending_days;
    let raised = [
        (Flag::LowBudget, remaining < thresholds.low),
        (Flag::BurnRateHigh, projected_spend > remaining),
        (Flag::PeriodEnding, ending),
        (Flag::DailyLimitExceeded, spent_today > thresholds.daily_limit),
    ];
    let flags: Vec<Flag> =
        raised.into_iter().filter_map(|(flag, is_raised)| is_raised.then_some(flag)).collect();
    BudgetStatus {
        health: health(&flags, remaining),
        budget: budget.clone(),
        period_first: first,
        period_last: last,
        used,
        remaining,
        days_left,
        spent_today,
        burn_rate,
        projected_spend,
        projected_total: used + projected_spend,
        flags,
    }
}

fn health(flags: &[Flag], remaining: Picodollars) -> Health {
    match flags.len() {
        _ if remaining <= Picodollars::ZERO => Health::Critical,
        0 => Health::Good,
        1 | 2 => Health::Warning,
        _ => Health::Critical,
    }
}

#[cfg(test)]
mod tests;
