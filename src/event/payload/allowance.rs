//! What may be spent with all providers together.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::allowance::reach::{Reach, UnknownLimit};
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

/// A person allowed more than the limits say, knowingly. From when on stands in the envelope. Version 2; version 1
/// reached each limit and all work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpendOverridden {
    /// Counts all overrides of a tenant, from 1.
    pub number: u32,
    /// How much, in USD.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// Why, in the person's words.
    pub reason: String,
    /// Only this limit: `session`, `day`, `virtual` or `budget:NAME`; none for all.
    pub limit: Option<String>,
    /// Only this session; none for all.
    pub session: Option<String>,
    /// Only work in this directory and below it; none for all.
    pub project: Option<String>,
    /// Until when, in microseconds since the Unix epoch.
    pub until_us: i64,
}

/// Version 1 of [`SpendOverridden`], kept for the logs that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpendOverriddenV1 {
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

impl From<SpendOverriddenV1> for SpendOverridden {
    /// Version 1 knew no reach: every override was for all limits and all work.
    fn from(old: SpendOverriddenV1) -> Self {
        let SpendOverriddenV1 { number, amount, reason, until_us } = old;
        Self { number, amount, reason, limit: None, session: None, project: None, until_us }
    }
}

/// An override is over before its time. Since when stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideEnded {
    /// The override's number.
    pub number: u32,
}

classes! {
    VirtualBudgetSet { None: daily, monthly, reserve_percent; }
    SpendOverridden {
        None: number, amount, until_us;
        Pseudonymous: session;
        Personal: limit, project;
        FreeText: reason;
    }
    SpendOverriddenV1 { None: number, amount, until_us; FreeText: reason; }
    OverrideEnded { None: number; }
}

impl From<&Override> for SpendOverridden {
    fn from(granted: &Override) -> Self {
        Self {
            number: granted.number,
            amount: granted.amount,
            reason: granted.reason.clone(),
            limit: granted.reach.limit.as_ref().map(ToString::to_string),
            session: granted.reach.session.clone(),
            project: granted.reach.project.clone(),
            until_us: granted.until.as_microsecond(),
        }
    }
}

/// The reach that is stored in these parts.
pub(super) fn reach(
    limit: Option<&String>,
    session: Option<&String>,
    project: Option<&String>,
) -> Result<Reach, UnknownLimit> {
    let limit = limit.map(|limit| limit.parse()).transpose()?;
    Ok(Reach { limit, session: session.cloned(), project: project.cloned() })
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
            AllowanceChange::Overridden(granted) => Self::SpendOverridden(granted.into()),
            AllowanceChange::Ended { number, .. } => Self::OverrideEnded(OverrideEnded { number: *number }),
        }
    }
}

/// What an event says about what may be spent, if anything.
///
/// # Errors
/// A limit that is none.
pub fn allowance_change(at: Timestamp, event: &Event<'_>) -> Result<Option<AllowanceChange>, UnknownLimit> {
    Ok(match event {
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
            reach: reach(stored.limit.as_ref(), stored.session.as_ref(), stored.project.as_ref())?,
            granted_at: at,
            until: Timestamp::from_microsecond(stored.until_us).unwrap_or(at),
        })),
        Event::OverrideEnded(OverrideEnded { number }) => {
            Some(AllowanceChange::Ended { number: *number, at })
        }
        _ => None,
    })
}
