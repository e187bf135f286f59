//! The alerts as the log has them, and the one way to change them.

use jiff::Timestamp;

use crate::domain::alert::book::AlertState;
use crate::domain::alert::command::{AlertError, acknowledge};
use crate::domain::alert::{AlertChange, AlertId};
use crate::event::{Event, Position};
use crate::service::aggregate::repository::{
    self, Aggregate, CommandError, Fact, Next, Rejection, Repository,
};

/// Why nothing was changed.
pub type AlertFailure = CommandError<AlertError>;

impl Rejection for AlertError {}

/// The alerts of a tenant. Its command is that the person has taken note of one; all else the actor decides by
/// [`crate::domain::alert::step`].
pub struct AlertAggregate;

impl Aggregate for AlertAggregate {
    const STREAM: &'static str = "alerts";
    const ACTOR: &'static str = "alerts";

    type State = AlertState;
    type Command = AlertId;
    type Change = AlertChange;
    type Error = AlertError;

    fn decide(alerts: &AlertState, id: AlertId, _: Timestamp) -> Result<Vec<AlertChange>, AlertError> {
        Ok(acknowledge(alerts, id)?.into_iter().collect())
    }

    fn event(_: &AlertState, change: &AlertChange, next: &Next<'_>) -> Fact {
        next.fact(Event::from(change))
    }

    fn label(_: &AlertId) -> &'static str {
        "acknowledge"
    }
}

/// Appends changes together. Where the last of them stands.
///
/// # Errors
/// [`crate::log::LogError`]. Nothing has changed; after a conflict the alerts must be read again.
pub async fn append(
    alerts: &mut Repository<AlertAggregate>,
    changes: &[AlertChange],
    now: Timestamp,
) -> Result<Option<Position>, crate::log::LogError> {
    alerts.commit_async(changes, now, &repository::metadata_for(AlertAggregate::ACTOR)).await
}

/// Takes note of an alert. Where the event stands, or none where nothing changed.
///
/// # Errors
/// [`AlertFailure`].
pub async fn take_note(
    alerts: &mut Repository<AlertAggregate>,
    id: AlertId,
    now: Timestamp,
) -> Result<Option<Position>, AlertFailure> {
    let changes = AlertAggregate::decide(alerts.state(), id, now)?;
    Ok(append(alerts, &changes, now).await?)
}
