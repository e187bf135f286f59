//! What may be spent with all providers together.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::allowance::{AllowanceChange, Override, VirtualBudget};
use crate::domain::money::Picodollars;
use crate::event::Event;

/// The budget over all providers was set or replaced; with neither limit there is none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VirtualBudgetSet {
    /// USD for a day.
    #[schemars(with = "Option<String>")]
    pub daily: Option<Picodollars>,
    /// USD for a calendar month.
    #[schemars(with = "Option<String>")]
    pub monthly: Option<Picodollars>,
    /// The part of each, in percent, that ordinary spend may not touch.
    pub reserve_percent: u8,
}

/// A person allowed more than the limits say, knowingly. From when on stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpendOverridden {
    /// Counts all overrides of a tenant, from 1.
    pub number: u32,
    /// How much, in USD.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// Why, in the person's words.
    pub reason: String,
    /// Until when, in microseconds since the Unix epoch.
    pub until_us: i64,
}

impl From<&AllowanceChange> for Event<'static> {
    fn from(change: &AllowanceChange) -> Self {
        match change {
            AllowanceChange::Set(VirtualBudget { daily, monthly, reserve_percent }) => {
                Self::VirtualBudgetSet(VirtualBudgetSet {
                    daily: *daily,
                    monthly: *monthly,
                    reserve_percent: *reserve_percent,
                })
            }
            AllowanceChange::Removed => {
                Self::VirtualBudgetSet(VirtualBudgetSet { daily: None, monthly: None, reserve_percent: 0 })
            }
            AllowanceChange::Overridden(granted) => Self::SpendOverridden(SpendOverridden {
                number: granted.number,
                amount: granted.amount,
                reason: granted.reason.clone(),
                until_us: granted.until.as_microsecond(),
            }),
        }
    }
}

/// What an event says about what may be spent, if anything.
#[must_use]
pub fn allowance_change(granted_at: Timestamp, event: &Event<'_>) -> Option<AllowanceChange> {
    match event {
        Event::VirtualBudgetSet(VirtualBudgetSet { daily: None, monthly: None, .. }) => {
            Some(AllowanceChange::Removed)
        }
        Event::VirtualBudgetSet(VirtualBudgetSet { daily, monthly, reserve_percent }) => {
            let (daily, monthly, reserve_percent) = (*daily, *monthly, *reserve_percent);
            Some(AllowanceChange::Set(VirtualBudget { daily, monthly, reserve_percent }))
        }
        Event::SpendOverridden(stored) => Some(AllowanceChange::Overridden(Override {
            number: stored.number,
            amount: stored.amount,
            reason: stored.reason.clone(),
            granted_at,
            until: Timestamp::from_microsecond(stored.until_us).unwrap_or(granted_at),
        })),
        _ => None,
    }
}
