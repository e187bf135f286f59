//! Requests for more than the limits say, and what became of them.
//!
//! A grant is two events of one append: `spend-overridden`, which lifts the limit, and `limit-granted`, which says of
//! which request it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allowance::{OverrideEnded, reach};
use super::class::classes;
use crate::domain::allowance::Override;
use crate::domain::allowance::reach::{Reach, UnknownLimit};
use crate::domain::limit_request::{LimitChange, LimitRequest, Wish};
use crate::domain::money::Picodollars;
use crate::event::Event;

/// Somebody asks for more than the limits say; nothing is allowed by that. When stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitRequested {
    /// Counts all requests of a tenant, from 1.
    pub number: u32,
    /// How much, in USD.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// Why, in the asker's words.
    pub reason: String,
    /// Which limit: `session`, `day`, `virtual` or `budget:NAME`; none for all.
    pub limit: Option<String>,
    /// For which session; none for all.
    pub session: Option<String>,
    /// For work in which directory; none for all.
    pub project: Option<String>,
    /// For how long, in minutes, where the asker said so.
    pub minutes: Option<u32>,
    /// Who asks: a principal's reference.
    pub by: String,
}

/// A person granted a request; the override of this number carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitGranted {
    /// The request's number.
    pub number: u32,
    /// The number of the override.
    pub override_number: u32,
    /// How much, in USD: what the person chose.
    #[schemars(with = "String")]
    pub amount: Picodollars,
    /// Until when, in microseconds since the Unix epoch.
    pub until_us: i64,
    /// Who granted it: a principal's reference.
    pub by: String,
}

/// A person refused a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitRefused {
    /// The request's number.
    pub number: u32,
    /// Why, in the person's words; may be empty.
    pub reason: String,
    /// Who refused it: a principal's reference.
    pub by: String,
}

/// Whoever asked took the request back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitWithdrawn {
    /// The request's number.
    pub number: u32,
}

classes! {
    LimitRequested {
        None: number, amount, minutes;
        Pseudonymous: session, by;
        Personal: limit, project;
        FreeText: reason;
    }
    LimitGranted { None: number, override_number, amount, until_us; Pseudonymous: by; }
    LimitRefused { None: number; Pseudonymous: by; FreeText: reason; }
    LimitWithdrawn { None: number; }
}

/// The events that tell of a change, in their order; they belong into one append.
#[must_use]
pub fn limit_events(change: &LimitChange) -> Vec<Event<'static>> {
    match change {
        LimitChange::Requested(request) => {
            let Wish { amount, reason, reach, minutes } = &request.wish;
            vec![Event::LimitRequested(LimitRequested {
                number: request.number,
                amount: *amount,
                reason: reason.clone(),
                limit: reach.limit.as_ref().map(ToString::to_string),
                session: reach.session.clone(),
                project: reach.project.clone(),
                minutes: *minutes,
                by: request.by.clone(),
            })]
        }
        LimitChange::Granted { number, granted, by } => vec![
            Event::SpendOverridden(granted.into()),
            Event::LimitGranted(LimitGranted {
                number: *number,
                override_number: granted.number,
                amount: granted.amount,
                until_us: granted.until.as_microsecond(),
                by: by.clone(),
            }),
        ],
        LimitChange::Refused { number, reason, by, .. } => {
            let (reason, by) = (reason.clone(), by.clone());
            vec![Event::LimitRefused(LimitRefused { number: *number, reason, by })]
        }
        LimitChange::Withdrawn { number, .. } => {
            vec![Event::LimitWithdrawn(LimitWithdrawn { number: *number })]
        }
        LimitChange::Ended { number, .. } => vec![Event::OverrideEnded(OverrideEnded { number: *number })],
    }
}

/// What an event says about a request, if anything.
///
/// # Errors
/// A limit that is none.
pub fn limit_change(at: Timestamp, event: &Event<'_>) -> Result<Option<LimitChange>, UnknownLimit> {
    Ok(match event {
        Event::LimitRequested(stored) => {
            let reach = reach(stored.limit.as_ref(), stored.session.as_ref(), stored.project.as_ref())?;
            let LimitRequested { number, amount, reason, minutes, by, .. } = stored.clone();
            let wish = Wish { amount, reason, reach, minutes };
            Some(LimitChange::Requested(LimitRequest { number, wish, by, asked_at: at, answer: None }))
        }
        Event::LimitGranted(LimitGranted { number, override_number, amount, until_us, by }) => {
            let granted = Override {
                number: *override_number,
                amount: *amount,
                // The override has these itself; of the request they are known.
                reason: String::new(),
                reach: Reach::default(),
                granted_at: at,
                until: Timestamp::from_microsecond(*until_us).unwrap_or(at),
            };
            Some(LimitChange::Granted { number: *number, granted, by: by.clone() })
        }
        Event::LimitRefused(LimitRefused { number, reason, by }) => {
            let (number, reason, by) = (*number, reason.clone(), by.clone());
            Some(LimitChange::Refused { number, reason, by, at })
        }
        Event::LimitWithdrawn(LimitWithdrawn { number }) => {
            Some(LimitChange::Withdrawn { number: *number, at })
        }
        Event::OverrideEnded(OverrideEnded { number }) => Some(LimitChange::Ended { number: *number, at }),
        _ => None,
    })
}
