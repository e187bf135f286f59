//! What the faces ask of goals and datapoints, through the actors.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::desk::DeskCommand;
use crate::domain::slug::GoalSlug;
use crate::integration::beeminder;
use crate::service::goals::datapoint_actor::DatapointMessage;
use crate::service::goals::requests::GoalsShown;
use crate::service::goals::requests::{DatapointBody, DatapointShown};
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::poller::Tick;
use crate::service::system::tree::Supervised;

/// How long a person waits for a datapoint: as long as Beeminder is tried, and a look that is before it.
const WRITE_PATIENCE: Duration = Duration::from_mins(3);

impl Supervised {
    /// The goals, with what is known of their source.
    #[must_use]
    pub fn goals(&self, now: Timestamp) -> GoalsShown {
        let mut sources = self.sources.shown(now).sources.into_iter();
        let source = sources.find(|source| source.name == beeminder::SYSTEM);
        GoalsShown { goals: self.queries.goals(now), source }
    }

    /// Carries out a command on local goals or feeds, waits until the views show it, and has the feeds looked at.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn command_goal(&self, command: DeskCommand) -> Result<(), ServiceError> {
        let facts = self.queries.facts(Timestamp::now());
        self.goals.local.execute((command, facts)).await?;
        // A full mailbox holds a look already.
        let _ = self.goals.datapoints.try_tell(Tick::Look.into());
        Ok(())
    }

    /// Writes a datapoint, or keeps it until it can be written.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn add_datapoint(
        &self,
        slug: GoalSlug,
        body: DatapointBody,
    ) -> Result<DatapointShown, ServiceError> {
        let (key, point) = self.queries.datapoint(slug, body, Timestamp::now())?;
        let (told_key, told_point) = (key.clone(), point.clone());
        let message = |reply| DatapointMessage::Add { key: told_key, point: told_point, reply };
        let asked = self.goals.datapoints.ask(message, WRITE_PATIENCE).await;
        let delivery = asked.map_err(|error| ServiceError::asking("the datapoints' actor", error))??;
        Ok(DatapointShown::new(&key, &point, delivery)?)
    }
}
