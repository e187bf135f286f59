//! The aggregate of datapoints, and the writer: intent, write, outcome.
//!
//! ```text
//! intent in the log ─▶ sent to the goal's keeper ─▶ outcome in the log
//!         ╰── after a crash anywhere from here on: sent again with the same key, which the keeper counts once
//! ```

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::datapoint::{Keeper, Ledger, Point, PointChange, PointKey, Step};
use crate::event::payload::{DatapointIntended, DatapointRefused, DatapointWritten, datapoint_event_id};
use crate::event::{Event, TenantId};
use crate::integration::beeminder::{Beeminder, NewDatapoint};
use crate::integration::resilience::OutsideError;
use crate::log::{EventLog, LogError};
use crate::service::aggregate::repository::{self, Aggregate, Fact, Next, Repository};
use crate::view::ViewError;

/// Result of writing a datapoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is written.
    Written,
    /// It was written before, and nothing was done.
    Known,
    /// The intent is recorded, and the write will be retried.
    Waiting(OutsideError),
    /// It was refused.
    Refused(String),
}

/// The datapoints of a tenant.
pub struct DatapointAggregate;

/// A change of a datapoint.
#[derive(Debug, Clone)]
pub struct PointTold {
    key: PointKey,
    revision: u32,
    change: PointChange,
    /// The keeper's own id, if it is written; else empty.
    id: String,
}

impl Aggregate for DatapointAggregate {
    const STREAM: &'static str = "datapoints";
    const ACTOR: &'static str = "datapoints";

    type State = Ledger;
    type Command = PointTold;
    type Change = PointTold;
    type Error = Infallible;

    fn decide(_: &Ledger, told: PointTold, _: Timestamp) -> Result<Vec<PointTold>, Infallible> {
        Ok(vec![told])
    }

    fn event(_: &Ledger, told: &PointTold, next: &Next<'_>) -> Fact {
        let PointTold { key, revision, change, id } = told;
        let (slug, request_id, revision) =
            (key.slug.to_string(), key.request_id.as_str().to_owned(), *revision);
        let event = match change {
            PointChange::Intended(point) => {
                Event::DatapointIntended(DatapointIntended::new(key, revision, point))
            }
            PointChange::Written => {
                let datapoint_id = id.clone();
                Event::DatapointWritten(DatapointWritten { slug, request_id, revision, datapoint_id })
            }
            PointChange::Refused { reason, .. } => {
                let reason = reason.clone();
                Event::DatapointRefused(DatapointRefused { slug, request_id, revision, reason })
            }
        };
        let (kind, _) = event.type_and_version();
        Fact { id: datapoint_event_id(kind, next.tenant, key, revision), event, at: next.now }
    }

    fn label(_: &PointTold) -> &'static str {
        "tell-datapoint"
    }
}

/// Writes datapoints: the intent is appended to the log before anything is sent.
pub struct DatapointWriter {
    datapoints: Repository<DatapointAggregate>,
    actor: &'static str,
}

impl DatapointWriter {
    /// Reads the stream, to write in the name of `actor`. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId, actor: &'static str) -> Result<Self, ViewError> {
        Ok(Self { datapoints: Repository::load(log, tenant)?, actor })
    }

    /// The datapoints and their outcomes.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.datapoints.state()
    }

    /// Writes a datapoint. `client` may only be left out if the goal is local.
    ///
    /// # Errors
    /// [`LogError`]. The log's content is then unknown: load the writer again.
    pub async fn put(
        &mut self,
        client: Option<&Beeminder>,
        key: &PointKey,
        point: &Point,
    ) -> Result<Delivery, LogError> {
        let revision = match self.ledger().decide(key, point) {
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

    /// Sends datapoints whose intent has no outcome, until a system does not answer. Returns the number
    /// written, and the failure that ended it.
    ///
    /// # Errors
    /// As [`DatapointWriter::put`].
    pub async fn put_open(
        &mut self,
        client: Option<&Beeminder>,
    ) -> Result<(usize, Option<OutsideError>), LogError> {
        let open: Vec<(PointKey, Point)> = self
            .ledger()
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
        let told = PointTold { key: key.clone(), revision, change, id: id.to_owned() };
        let metadata = repository::metadata_for(self.actor);
        self.datapoints.commit_async(&[told], Timestamp::now(), &metadata).await.map(drop)
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

/// Whether a retry is pointless. A refused key is not final: the person can fix it, and the datapoint is
/// still wanted.
fn is_final(error: &OutsideError) -> bool {
    matches!(
        error,
        OutsideError::NotFound { .. } | OutsideError::Rejected { .. } | OutsideError::Invalid { .. }
    )
}
