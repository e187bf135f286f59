//! The allowance: a virtual budget over all providers, its emergency reserve, and overrides.
//!
//! It is not a [`super::budget::Budget`]: those count recorded calls of a scope in one period. The allowance
//! counts the unified cost ([`super::cost`]) of everything, by day and by month at once, and is checked
//! before money is spent.

pub mod reach;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::money::Picodollars;
use reach::{Facing, Reach, Worker};

/// Larger amounts are typing errors, in whole USD.
const AMOUNT_MAX_USD: i64 = 1_000_000;
/// The default reserve, in percent.
pub const RESERVE_PERCENT: u8 = 20;
/// The largest reserve that leaves something to spend, in percent.
const RESERVE_PERCENT_MAX: u8 = 90;
/// Maximum length of a reason, in bytes.
const REASON_BYTES_MAX: usize = 200;
/// Maximum duration of an override.
const OVERRIDE_MAX: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A budget over all providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualBudget {
    /// The daily limit.
    pub daily: Option<Picodollars>,
    /// The limit per calendar month.
    pub monthly: Option<Picodollars>,
    /// The share of each limit, in percent, that ordinary spend may not use.
    pub reserve_percent: u8,
}

impl VirtualBudget {
    /// The reserve of an amount, rounded half to even.
    #[must_use]
    pub fn reserve_of(&self, amount: Picodollars) -> Picodollars {
        amount.scale(i128::from(self.reserve_percent), 100)
    }
}

/// A person's permission to exceed limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Counts all overrides of a tenant, from 1.
    pub number: u32,
    /// The amount above the limits.
    pub amount: Picodollars,
    pub reason: String,
    /// Which limits it raises, and for which work.
    pub reach: Reach,
    /// When it was granted.
    pub granted_at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl Override {
    /// Whether it is in force.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.granted_at <= now && now < self.until
    }
}

/// The state: the virtual budget and its overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The budget over all providers; none if none was set.
    pub budget: Option<VirtualBudget>,
    /// The overrides, without those that had ended when the newest was granted.
    pub overrides: Vec<Override>,
    /// Number of overrides ever granted.
    pub granted: u32,
}

impl Allowance {
    /// The overrides in force.
    pub fn active(&self, now: Timestamp) -> impl Iterator<Item = &Override> {
        self.overrides.iter().filter(move |granted| granted.is_active(now))
    }

    /// The sum of overrides of a limit for this worker.
    #[must_use]
    pub fn beyond(&self, facing: Facing<'_>, worker: Worker<'_>, now: Timestamp) -> Picodollars {
        self.active(now)
            .filter(|granted| granted.reach.lifts(facing, worker))
            .map(|granted| granted.amount)
            .sum()
    }
}

/// The person's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowanceCommand {
    /// Set or replace the budget.
    Set(VirtualBudget),
    /// Remove the budget.
    Remove,
    /// Grant an override.
    Override {
        amount: Picodollars,
        reason: String,
        /// Which limits it raises, and for which work.
        reach: Reach,
        until: Timestamp,
    },
    /// End an override early.
    End { number: u32 },
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowanceChange {
    Set(VirtualBudget),
    Removed,
    Overridden(Override),
    /// An override was ended early.
    Ended {
        number: u32,
        at: Timestamp,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowanceError {
    /// Neither a daily nor a monthly limit.
    #[error("a virtual budget limits the day, the month or both; give at least one amount")]
    Empty,
    /// Zero, negative or far too large.
    #[error("{0} must be above 0 and at most {AMOUNT_MAX_USD} USD")]
    Amount(Named),
    /// A reserve that leaves nothing to spend.
    #[error("a reserve of {0} % leaves too little to be spent; use 0 to {RESERVE_PERCENT_MAX}")]
    Reserve(u8),
    /// There is no budget.
    #[error("there is no virtual budget; `mecris budget virtual --daily 5` sets one")]
    NoBudget,
    /// The reason is missing or invalid.
    #[error("say why in one line of 1 to {REASON_BYTES_MAX} bytes: it is what will be read later")]
    Reason,
    /// In the past, or too far ahead.
    #[error("an override that ends at {0} is over already, or lasts more than 31 days; give a nearer time")]
    Until(Timestamp),
    /// No override in force has this number.
    #[error("no override {0} holds; `mecris budget virtual` shows those that do")]
    NotActive(u32),
}

impl Coded for AllowanceError {
    fn code(&self) -> Code {
        match self {
            Self::NoBudget => Code::VirtualBudgetUnknown,
            _ => Code::Refused,
        }
    }
}

/// An amount and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is for.
    pub what: &'static str,
    pub amount: Picodollars,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} of {} USD", self.what, self.amount.exact())
    }
}

/// Decides a command. `None`: nothing changes; an identical override is granted once while it is in force.
///
/// # Errors
/// [`AllowanceError`] names what is wrong with the command.
pub fn decide(
    allowance: &Allowance,
    command: AllowanceCommand,
    now: Timestamp,
) -> Result<Option<AllowanceChange>, AllowanceError> {
    match command {
        AllowanceCommand::Set(budget) => {
            if budget.daily.is_none() && budget.monthly.is_none() {
                return Err(AllowanceError::Empty);
            }
            for (what, amount) in [("daily limit", budget.daily), ("monthly limit", budget.monthly)] {
                amount.map_or(Ok(()), |amount| check_amount(what, amount))?;
            }
            if budget.reserve_percent > RESERVE_PERCENT_MAX {
                return Err(AllowanceError::Reserve(budget.reserve_percent));
            }
            Ok((allowance.budget != Some(budget)).then_some(AllowanceChange::Set(budget)))
        }
        AllowanceCommand::Remove if allowance.budget.is_some() => Ok(Some(AllowanceChange::Removed)),
        AllowanceCommand::Remove => Err(AllowanceError::NoBudget),
        AllowanceCommand::End { number } => {
            let is_it = |granted: &Override| granted.number == number;
            let is_active = allowance.active(now).any(is_it);
            is_active
                .then_some(Some(AllowanceChange::Ended { number, at: now }))
                .ok_or(AllowanceError::NotActive(number))
        }
        AllowanceCommand::Override { amount, reason, reach, until } => {
            check_amount("override", amount)?;
            if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
                return Err(AllowanceError::Reason);
            }
            if until <= now || until.duration_since(now) > OVERRIDE_MAX {
                return Err(AllowanceError::Until(until));
            }
            let is_same = |granted: &Override| {
                (granted.amount, &granted.reason, &granted.reach, granted.until)
                    == (amount, &reason, &reach, until)
            };
            if allowance.active(now).any(is_same) {
                return Ok(None);
            }
            let number = allowance.granted + 1;
            let granted = Override { number, amount, reason, reach, granted_at: now, until };
            Ok(Some(AllowanceChange::Overridden(granted)))
        }
    }
}

/// Checks an amount of a limit or an override.
///
/// # Errors
/// [`AllowanceError::Amount`].
pub fn check_amount(what: &'static str, amount: Picodollars) -> Result<(), AllowanceError> {
    let is_sound = amount > Picodollars::ZERO && amount <= Picodollars::usd(AMOUNT_MAX_USD);
    if is_sound { Ok(()) } else { Err(AllowanceError::Amount(Named { what, amount })) }
}

/// Applies a change.
pub fn evolve(allowance: &mut Allowance, change: AllowanceChange) {
    match change {
        AllowanceChange::Set(budget) => allowance.budget = Some(budget),
        AllowanceChange::Removed => allowance.budget = None,
        AllowanceChange::Overridden(granted) => {
            allowance.granted = allowance.granted.max(granted.number);
            allowance.overrides.retain(|before| before.until > granted.granted_at);
            allowance.overrides.push(granted);
        }
        AllowanceChange::Ended { number, at } => {
            for granted in allowance.overrides.iter_mut().filter(|granted| granted.number == number) {
                granted.until = granted.until.min(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_make_no_sense_are_refused_and_the_same_again_is_nothing() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let hours = |hours| now + SignedDuration::from_hours(hours);
        let budget = |daily: Option<i64>, monthly: Option<i64>, reserve_percent| {
            let [daily, monthly] = [daily, monthly].map(|usd| usd.map(Picodollars::usd));
            AllowanceCommand::Set(VirtualBudget { daily, monthly, reserve_percent })
        };
        let allow = |usd: i64, reason: &str, until| AllowanceCommand::Override {
            amount: Picodollars::usd(usd),
            reason: reason.into(),
            reach: Reach::default(),
            until,
        };
        let mut allowance = Allowance::default();
        let told = [
            (budget(None, None, 20), "at least one"),
            (budget(Some(0), None, 20), "the daily limit of 0 USD"),
            (budget(None, Some(-5), 20), "the monthly limit of -5 USD"),
            (budget(None, Some(2_000_000), 20), "at most 1000000 USD"),
            (budget(Some(5), None, 91), "use 0 to 90"),
            (AllowanceCommand::Remove, "there is no virtual budget"),
            (budget(Some(5), Some(100), 20), ""),
            (budget(Some(5), Some(100), 20), "nothing"),
            (budget(Some(5), Some(100), 0), ""),
            (allow(0, "demo", hours(1)), "the override of 0 USD"),
            (allow(5, "", hours(1)), "say why"),
            (allow(5, "a\nb", hours(1)), "say why"),
            (allow(5, &"a".repeat(201), hours(1)), "say why"),
            (allow(5, "demo", now), "over already"),
            (allow(5, "demo", hours(31 * 24 + 1)), "31 days"),
            (allow(5, "demo", hours(1)), ""),
            (allow(5, "demo", hours(1)), "nothing"),
            (allow(5, "another demo", hours(1)), ""),
            (AllowanceCommand::Remove, ""),
            (allow(5, "a third", hours(1)), ""),
            (AllowanceCommand::End { number: 4 }, "no override 4 holds"),
            (AllowanceCommand::End { number: 3 }, ""),
            (AllowanceCommand::End { number: 3 }, "no override 3 holds"),
        ];
        for (command, expected) in told {
            match decide(&allowance, command.clone(), now) {
                Err(refused) => {
                    assert!(!expected.is_empty(), "{command:?}: {refused}");
                    assert!(refused.to_string().contains(expected), "{command:?}: {refused}");
                }
                Ok(None) => assert_eq!(expected, "nothing", "{command:?}"),
                Ok(Some(change)) => {
                    assert_eq!(expected, "", "{command:?}");
                    evolve(&mut allowance, change);
                }
            }
        }
        assert_eq!(allowance.budget, None);
        let active = |at| allowance.active(at).map(|granted| granted.number).collect::<Vec<_>>();
        assert_eq!((active(now), active(hours(1))), (vec![1, 2], vec![]));
    }
}
