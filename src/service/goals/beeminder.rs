//! The goals as the log has them, and the one way to change them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::goal::{Goal, GoalChange, changes, evolve};
use crate::event::payload::{GoalGone, GoalObserved};
use crate::event::{Event, EventId, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::service::aggregate::repository;
use crate::service::usage::recorder::new_event;
use crate::view::ViewError;

/// The stream of all goals of a tenant.
const STREAM: &str = "goals";

/// The goals of one tenant and the version of their stream.
#[derive(Clone)]
pub struct GoalBook {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    goals: BTreeMap<String, Goal>,
    version: Version,
}

impl GoalBook {
    /// Reads the goals from the log. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn load(log: Arc<dyn EventLog>, tenant: TenantId) -> Result<Self, ViewError> {
        let mut goals = BTreeMap::new();
        let version = repository::fold(&*log, &tenant, STREAM, |_, event| {
            match event {
                Event::GoalObserved(stored) => {
                    evolve(&mut goals, GoalChange::Observed(Goal::from(&stored)));
                }
                Event::GoalGone(gone) => evolve(&mut goals, GoalChange::Gone { id: gone.id }),
                _ => {}
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(Self { log, tenant, goals, version })
    }

    /// The goals.
    pub fn goals(&self) -> impl Iterator<Item = &Goal> + Clone {
        self.goals.values()
    }

    /// Records what changed since the goals were last told of, in one append. How many changes there were.
    ///
    /// # Errors
    /// [`LogError`]. The book is as it was; after a conflict it must be loaded again.
    pub async fn observe(&mut self, told: &[Goal], pending: &[String]) -> Result<usize, LogError> {
        let changes = changes(self.goals.values(), told, pending);
        if changes.is_empty() {
            return Ok(0);
        }
        let metadata = repository::by("beeminder");
        let now = Timestamp::now();
        let event = |change: &GoalChange| {
            let event = match change {
                GoalChange::Observed(goal) => Event::GoalObserved(GoalObserved::from(goal)),
                GoalChange::Gone { id } => Event::GoalGone(GoalGone { id: id.clone() }),
            };
            new_event(EventId::random(), &event, now, &metadata)
        };
        let append = Append {
            tenant: self.tenant.clone(),
            stream: StreamId::new(STREAM),
            expected: Expected::at(self.version),
            events: changes.iter().map(event).collect(),
        };
        self.log.append(append).await?;
        let count = changes.len();
        self.version = Version(self.version.0 + count as u64);
        for change in changes {
            evolve(&mut self.goals, change);
        }
        Ok(count)
    }
}
