//! The aggregate of limit requests: asking for a higher limit, granting, refusing and ending.
//!
//! It shares the allowance's stream: a grant and its override are one append, so that a crash never leaves a
//! limit lifted without a recorded grant.

use jiff::Timestamp;

use crate::domain::access::Principal;
use crate::domain::allowance::Allowance;
use crate::domain::allowance::reach::Lifted;
use crate::domain::calendar;
use crate::domain::limit_request::{LimitError, LimitOrder, LimitRequests, Until, Wish, decide};
use crate::event::Event;
use crate::event::payload::limit_events;
use crate::service::aggregate::repository::{self, Aggregate, CommandError, Fact, Next, Rejection};
use crate::service::runtime::reads::Reads;

use super::allowance::AllowanceAggregate;

/// Why a command failed.
pub type LimitFailure = CommandError<LimitError>;

impl Rejection for LimitError {}

/// The limit requests of a tenant, and its overrides.
pub struct LimitAggregate;

impl Aggregate for LimitAggregate {
    const STREAM: &'static str = AllowanceAggregate::STREAM;
    const ACTOR: &'static str = "limits";

    type State = (LimitRequests, Allowance);
    type Command = (LimitOrder, Principal);
    type Change = Event<'static>;
    type Error = LimitError;

    fn decide(
        (requests, allowance): &Self::State,
        (order, by): Self::Command,
        now: Timestamp,
    ) -> Result<Vec<Event<'static>>, LimitError> {
        let change = decide(requests, allowance, order, &by, now)?;
        Ok(change.iter().flat_map(limit_events).collect())
    }

    fn event(_: &Self::State, event: &Event<'static>, next: &Next<'_>) -> Fact {
        next.fact(event.clone())
    }

    fn label((order, _): &Self::Command) -> &'static str {
        match order {
            LimitOrder::Ask(_) => "request-limit",
            LimitOrder::Grant { .. } => "grant-limit",
            LimitOrder::Refuse { .. } => "refuse-limit",
            LimitOrder::Withdraw { .. } => "withdraw-limit-request",
            LimitOrder::End { .. } => "end-limit-grant",
        }
    }
}

impl Reads {
    /// Checks that the requested budget exists.
    ///
    /// # Errors
    /// [`LimitError::NoBudget`].
    pub fn check_wish(&self, wish: &Wish) -> Result<(), LimitError> {
        match &wish.reach.limit {
            Some(Lifted::Budget(name)) if !self.with_view(|view| view.budgets.contains_key(name)) => {
                Err(LimitError::NoBudget(name.clone()))
            }
            _ => Ok(()),
        }
    }

    /// When a grant ends: as the person says, else at the end of their day at the latest.
    #[must_use]
    pub fn until(&self, said: Option<Timestamp>, now: Timestamp) -> Until {
        let zone = self.zone();
        let tonight = || calendar::end_of(calendar::day_of(now, &zone), &zone);
        said.map_or_else(
            || Until::Tonight(repository::to_micros(tonight())),
            |said| Until::At(repository::to_micros(said)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Kind;
    use crate::domain::allowance::reach::Reach;
    use crate::domain::money::Picodollars;
    use crate::event::{Metadata, TenantId};
    use crate::log::{EventLog, LogError, MemoryLog};
    use crate::service::aggregate::repository::Repository;
    use std::sync::Arc;

    fn principal(kind: Kind, reference: &str) -> Principal {
        Principal { kind, reference: reference.into() }
    }

    /// Two concurrent grants of a request grant it once, with the override in the same append.
    #[test]
    fn a_grant_and_its_override_are_one_append_and_two_grants_at_once_are_one() {
        let (log, tenant) = (MemoryLog::default(), TenantId::local());
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let tonight = now + jiff::SignedDuration::from_hours(8);
        let wish =
            Wish { amount: Picodollars::usd(5), reason: "x".into(), reach: Reach::default(), minutes: None };
        let log: Arc<dyn EventLog> = Arc::new(log);
        let load = || Repository::<LimitAggregate>::load(log.clone(), tenant.clone()).unwrap();
        let (mut one, metadata) = (load(), Metadata::default());
        let agent = principal(Kind::Agent, "agt-1");
        one.execute((LimitOrder::Ask(wish), agent.clone()), now, &metadata).unwrap();
        let grant = |usd| LimitOrder::Grant {
            number: 1,
            amount: Some(Picodollars::usd(usd)),
            until: Until::Tonight(tonight),
        };
        let owner = principal(Kind::Owner, "owner");
        let refused = one.execute((grant(5), agent), now, &metadata).unwrap_err();
        assert!(matches!(refused, LimitFailure::Refused(LimitError::NotAPerson { .. })), "{refused}");
        let mut other = load();
        let late = LimitAggregate::decide(other.state(), (grant(4), owner.clone()), now).unwrap();
        let position = one.execute((grant(3), owner.clone()), now, &metadata).unwrap().unwrap();
        assert_eq!(position.0, 3, "the request, the override, the answer");
        let late = other.commit(&late, now, &metadata).unwrap_err();
        assert!(matches!(late, LogError::Conflict { .. }), "{late}");
        // Decided again on the current state, it does not grant twice.
        let late = other.execute((grant(4), owner.clone()), now, &metadata).unwrap_err();
        assert!(matches!(late, LimitFailure::Refused(LimitError::NotOpen { .. })), "{late}");
        assert_eq!(other.execute((grant(3), owner), now, &metadata).unwrap(), None);
        assert_eq!((other.state(), other.version()), (one.state(), one.version()));
    }
}
