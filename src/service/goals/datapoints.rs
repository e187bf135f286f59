//! Datapoints as the log has them, and the one way to write one: intent, write, outcome.
//!
//! ```text
//! intent in the log ─▶ sent to the goal's keeper ─▶ outcome in the log
//!         ╰── killed anywhere from here on: the same is sent again, and is the same datapoint there
//! ```

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::datapoint::{Keeper, Ledger, Point, PointChange, PointKey, Step};
use crate::event::payload::{
    DatapointIntended, DatapointRefused, DatapointWritten, datapoint_event_id, point_change,
};
use crate::event::{Event, StreamId, TenantId, Version};
use crate::integration::beeminder::{Beeminder, NewDatapoint};
use crate::integration::resilience::OutsideError;
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::aggregate::repository;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

/// The stream of all datapoints of a tenant.
const STREAM: &str = "datapoints";

/// What came of a datapoint that shall be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is written.
    Written,
    /// It was written before, and nothing was done.
    Known,
    /// It is intended, and will be sent again.
    Waiting(OutsideError),
    /// It was refused.
    Refused(String),
}

/// The datapoints of one tenant and the version of their stream.
#[derive(Clone)]
pub struct DatapointBook {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    actor: &'static str,
    ledger: Ledger,
    version: Version,
}

impl DatapointBook {
    /// Reads them from the log, to write in the name of `actor`. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId, actor: &'static str) -> Result<Self, ViewError> {
        let mut ledger = Ledger::default();
        let version = repository::fold(&*log, &tenant, STREAM, |record, event| {
            let change = point_change(record.occurred_at, &event);
            let change = change.map_err(|error| repository::malformed(record, &error))?;
            if let Some((key, revision, change)) = change {
                ledger.evolve(key, revision, change);
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { log, tenant, actor, ledger, version })
    }

    /// What is known of the datapoints.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Sees to it that a datapoint is written. `client` may only be left out where the goal is a local one.
    ///
    /// # Errors
    /// [`LogError`]. What is in the log is not known then: the book must be loaded again.
    pub async fn put(
        &mut self,
        client: Option<&Beeminder>,
        key: &PointKey,
        point: &Point,
    ) -> Result<Delivery, LogError> {
        let revision = match self.ledger.decide(key, point) {
            Step::Done => return Ok(Delivery::Known),
            Step::Send { revision } => revision,
            Step::Intend { revision } => {
                self.tell(key, revision, PointChange::Intended(point.clone()), "").await?;
                revision
            }
        };
        let sent = match (point.keeper, client) {
            (Keeper::Local, _) => Ok(String::new()),
            (Keeper::Beeminder, Some(client)) => send(client, key, point).await,
            (Keeper::Beeminder, None) => Err(OutsideError::Invalid {
                system: crate::integration::beeminder::SYSTEM,
                what: "it is not configured",
            }),
        };
        match sent {
            Ok(id) => {
                self.tell(key, revision, PointChange::Written, &id).await?;
                Ok(Delivery::Written)
            }
            Err(error) if client.is_some() && is_final(&error) => {
                let reason = error.to_string();
                let refused = PointChange::Refused { at: Timestamp::now(), reason: reason.clone() };
                self.tell(key, revision, refused, "").await?;
                Ok(Delivery::Refused(reason))
            }
            Err(error) => Ok(Delivery::Waiting(error)),
        }
    }

    /// Sends what was intended and has no outcome, until something does not answer. How many were written,
    /// and what did not answer.
    ///
    /// # Errors
    /// As [`DatapointBook::put`].
    pub async fn put_open(
        &mut self,
        client: Option<&Beeminder>,
    ) -> Result<(usize, Option<OutsideError>), LogError> {
        let open: Vec<(PointKey, Point)> = self
            .ledger
            .open()
            .filter(|(_, entry)| entry.point.keeper == Keeper::Local || client.is_some())
            .map(|(key, entry)| (key.clone(), entry.point.clone()))
            .collect();
        let mut written = 0;
        for (key, point) in open {
            match self.put(client, &key, &point).await? {
                Delivery::Waiting(error) => return Ok((written, Some(error))),
                Delivery::Written => written += 1,
                Delivery::Known | Delivery::Refused(_) => {}
            }
        }
        Ok((written, None))
    }

    async fn tell(
        &mut self,
        key: &PointKey,
        revision: u32,
        change: PointChange,
        id: &str,
    ) -> Result<(), LogError> {
        let (slug, request_id) = (key.slug.to_string(), key.request_id.as_str().to_owned());
        let event = match &change {
            PointChange::Intended(point) => {
                Event::DatapointIntended(DatapointIntended::new(key, revision, point))
            }
            PointChange::Written => {
                let datapoint_id = id.to_owned();
                Event::DatapointWritten(DatapointWritten { slug, request_id, revision, datapoint_id })
            }
            PointChange::Refused { reason, .. } => {
                let reason = reason.clone();
                Event::DatapointRefused(DatapointRefused { slug, request_id, revision, reason })
            }
        };
        let metadata = repository::by(self.actor);
        let (kind, _) = event.type_and_version();
        let event_id = datapoint_event_id(kind, self.tenant.as_str(), key, revision);
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: vec![new_event(event_id, &event, Timestamp::now(), &metadata)],
        };
        self.log.append(append).await?;
        self.version = self.version.next();
        self.ledger.evolve(key.clone(), revision, change);
        Ok(())
    }
}

async fn send(client: &Beeminder, key: &PointKey, point: &Point) -> Result<String, OutsideError> {
    let new = NewDatapoint {
        value: point.value.to_string(),
        daystamp: point.day.strftime("%Y%m%d").to_string(),
        comment: point.comment.clone(),
        request_id: key.request_id.as_str().to_owned(),
    };
    client.write(key.slug.as_str(), &new).await.map(|written| written.id)
}

/// Whether sending the same again is of no use. A refused key is not: it is the person's to mend, and what
/// they meant to write is still meant.
fn is_final(error: &OutsideError) -> bool {
    matches!(
        error,
        OutsideError::NotFound { .. } | OutsideError::Rejected { .. } | OutsideError::Invalid { .. }
    )
}
