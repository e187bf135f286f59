//! What the actors of goals are asked.

use std::time::Duration;

use crate::domain::datapoint::{Point, PointKey};
use crate::domain::slug::GoalSlug;
use crate::integration::resilience::OutsideError;
use crate::service::goals::beeminder_actor::BeeminderMessage;
use crate::service::goals::datapoint_actor::DatapointMessage;
use crate::service::goals::datapoints::Delivery;
use crate::service::goals::days::Told;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::poller::Tick;
use crate::service::system::tree::Supervised;

/// How long a person waits for a datapoint: as long as Beeminder is tried, and a look that is before it.
const WRITE_PATIENCE: Duration = Duration::from_mins(3);

impl Supervised {
    /// Has the feeds looked at soon.
    pub(in crate::service) fn look_at_feeds(&self) {
        // A full mailbox holds a look already.
        let _ = self.goals.datapoints.try_tell(Tick::Look.into());
    }

    /// Has Beeminder asked what a goal's days are reckoned by.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(in crate::service) async fn learn_goal(
        &self,
        slug: &GoalSlug,
    ) -> Result<Result<Told, OutsideError>, ServiceError> {
        let slug = slug.clone();
        let asked = self.goals.beeminder.ask(|reply| BeeminderMessage::Learn { slug, reply }, WRITE_PATIENCE);
        asked.await.map_err(|error| ServiceError::asking("the goals' poller", error))
    }

    /// Writes a datapoint, or keeps it until it can be written.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(in crate::service) async fn deliver(
        &self,
        key: &PointKey,
        point: &Point,
    ) -> Result<Delivery, ServiceError> {
        let (key, point) = (key.clone(), point.clone());
        let asked =
            self.goals.datapoints.ask(|reply| DatapointMessage::Add { key, point, reply }, WRITE_PATIENCE);
        Ok(asked.await.map_err(|error| ServiceError::asking("the datapoints' actor", error))??)
    }
}
