//! The requests for more than the limits say, as the log has them; and the one way to ask, grant, refuse and end.
//!
//! They stand in the stream of what may be spent: a grant's override and the request's answer are one append, so that no
//! crash leaves a limit lifted that nobody is said to have granted.

use jiff::Timestamp;

use crate::domain::access::Principal;
use crate::domain::allowance::reach::Lifted;
use crate::domain::allowance::{self, Allowance, AllowanceChange};
use crate::domain::calendar;
use crate::domain::limit_request::{
    LimitChange, LimitError, LimitOrder, LimitRequests, Until, Wish, decide, evolve,
};
use crate::event::payload::{allowance_change, limit_change, limit_events};
use crate::event::{EventId, Metadata, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected};
use crate::service::aggregate::actor::{Book, Decided, DecidingActor, Ordered};
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{BookFailure, Refusal};
use crate::service::runtime::client::{PATIENCE, ServiceError, shown_from};
use crate::service::runtime::reads::Queries;
use crate::service::system::tree::Supervised;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

use super::allowance::STREAM;
use super::limit_requests::{LimitAsked, LimitBody};

/// The actor that decides on requests.
pub type LimitActor = DecidingActor<LimitBook>;

/// Why an order was not carried out.
pub type LimitFailure = BookFailure<LimitError>;

impl Refusal for LimitError {}

/// What is known of the requests and of what was allowed.
#[derive(Debug, Clone)]
pub struct LimitBook {
    tenant: TenantId,
    requests: LimitRequests,
    allowance: Allowance,
    version: Version,
}

impl LimitBook {
    fn take(&mut self, change: LimitChange) {
        let lifted = match &change {
            LimitChange::Granted { granted, .. } => Some(AllowanceChange::Overridden(granted.clone())),
            LimitChange::Ended { number, at } => Some(AllowanceChange::Ended { number: *number, at: *at }),
            LimitChange::Requested(_) | LimitChange::Refused { .. } | LimitChange::Withdrawn { .. } => None,
        };
        if let Some(lifted) = lifted {
            allowance::evolve(&mut self.allowance, lifted);
        }
        evolve(&mut self.requests, change);
    }
}

impl Book for LimitBook {
    type Order = (LimitOrder, Principal);
    type Change = LimitChange;
    type Refusal = LimitError;
    type Failure = LimitFailure;

    const ACTOR: &'static str = "limits";

    fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, LimitFailure> {
        let (mut requests, mut allowance) = (LimitRequests::default(), Allowance::default());
        let version = repository::fold(log, tenant, STREAM, |record, event| {
            let at = record.occurred_at;
            let change =
                allowance_change(at, &event).map_err(|error| repository::malformed(record, &error))?;
            if let Some(change) = change {
                allowance::evolve(&mut allowance, change);
            }
            let change = limit_change(at, &event).map_err(|error| repository::malformed(record, &error))?;
            if let Some(change) = change {
                evolve(&mut requests, change);
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { tenant: tenant.clone(), requests, allowance, version })
    }

    fn decide(
        &self,
        (order, by): (LimitOrder, Principal),
        now: Timestamp,
        metadata: &Metadata,
    ) -> Decided<Self> {
        let now = repository::kept(now);
        let Some(change) = decide(&self.requests, &self.allowance, order, &by, now)? else { return Ok(None) };
        let events = limit_events(&change);
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: events.iter().map(|event| new_event(EventId::random(), event, now, metadata)).collect(),
        };
        Ok(Some((append, change)))
    }

    fn committed(&mut self, change: LimitChange) {
        for _ in limit_events(&change) {
            self.version = self.version.next();
        }
        self.take(change);
    }

    fn label((order, _): &(LimitOrder, Principal)) -> &'static str {
        match order {
            LimitOrder::Ask(_) => "request-limit",
            LimitOrder::Grant { .. } => "grant-limit",
            LimitOrder::Refuse { .. } => "refuse-limit",
            LimitOrder::Withdraw { .. } => "withdraw-limit-request",
            LimitOrder::End { .. } => "end-limit-grant",
        }
    }
}

impl Queries {
    /// Whether a budget that is asked about is there.
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

    /// Until when something is granted: as the person says, else until the end of their day at most.
    #[must_use]
    pub fn until(&self, said: Option<Timestamp>, now: Timestamp) -> Until {
        let zone = self.zone();
        let tonight = || calendar::end_of(calendar::day_of(now, &zone), &zone);
        said.map_or_else(
            || Until::Tonight(repository::kept(tonight())),
            |said| Until::At(repository::kept(said)),
        )
    }
}

impl Supervised {
    /// Carries out an order of `by` on the requests, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn order_limit(&self, order: LimitOrder, by: Principal) -> Result<(), ServiceError> {
        if let LimitOrder::Ask(wish) = &order {
            self.queries.check_wish(wish).map_err(LimitFailure::from)?;
        }
        let message = |reply| Ordered { order: (order, by), reply };
        let answer = self.limits.ask(message, PATIENCE).await;
        let position = answer.map_err(|error| ServiceError::asking("the actor of limits", error))??;
        shown_from(&self.projected, position).await;
        Ok(())
    }
}

impl Supervised {
    /// Asks for more, and says how it stands.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn ask_for_more(&self, body: LimitBody, by: Principal) -> Result<LimitAsked, ServiceError> {
        let wish = body.into_wish()?;
        self.order_limit(LimitOrder::Ask(wish.clone()), by.clone()).await?;
        let asked = self.queries.limit_asked(&by, &wish, Timestamp::now());
        asked.ok_or(ServiceError::UnknownOutcome { what: "the request" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Kind;
    use crate::domain::allowance::reach::Reach;
    use crate::domain::money::Picodollars;
    use crate::log::MemoryLog;

    fn principal(kind: Kind, reference: &str) -> Principal {
        Principal { kind, reference: reference.into() }
    }

    /// Two who grant the same request at once grant it once, and the override is in the same append.
    #[test]
    fn a_grant_and_its_override_are_one_append_and_two_grants_at_once_are_one() {
        let (log, tenant) = (MemoryLog::default(), TenantId::local());
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let tonight = now + jiff::SignedDuration::from_hours(8);
        let wish =
            Wish { amount: Picodollars::usd(5), reason: "x".into(), reach: Reach::default(), minutes: None };
        let mut book = LimitBook::load(&log, &tenant).unwrap();
        let metadata = Metadata::default();
        let agent = principal(Kind::Agent, "agt-1");
        book.execute(&log, (LimitOrder::Ask(wish), agent.clone()), now, &metadata).unwrap();
        let grant = |usd| LimitOrder::Grant {
            number: 1,
            amount: Some(Picodollars::usd(usd)),
            until: Until::Tonight(tonight),
        };
        let owner = principal(Kind::Owner, "owner");
        let refused = book.clone().execute(&log, (grant(5), agent), now, &metadata).unwrap_err();
        assert!(matches!(refused, LimitFailure::Refused(LimitError::NotAPerson { .. })), "{refused}");
        let mut other = book.clone();
        let position = book.execute(&log, (grant(3), owner.clone()), now, &metadata).unwrap().unwrap();
        assert_eq!(position.0, 3, "the request, the override, the answer");
        let late = other.execute(&log, (grant(4), owner.clone()), now, &metadata).unwrap_err();
        assert!(repository::Conflicting::is_conflict(&late), "{late}");
        // Decided anew on what is there now, it is no second grant.
        let mut anew = LimitBook::load(&log, &tenant).unwrap();
        let late = anew.execute(&log, (grant(4), owner.clone()), now, &metadata).unwrap_err();
        assert!(matches!(late, LimitFailure::Refused(LimitError::NotOpen { .. })), "{late}");
        assert_eq!(anew.execute(&log, (grant(3), owner), now, &metadata).unwrap(), None);
        assert_eq!(
            (anew.requests, anew.allowance, anew.version),
            (book.requests, book.allowance, book.version)
        );
    }
}
