//! The aggregate of alerts.

use jiff::Timestamp;

use crate::domain::alert::book::AlertState;
use crate::domain::alert::command::{AlertError, acknowledge};
use crate::domain::alert::{AlertChange, AlertId};
use crate::event::{Event, Position};
use crate::service::aggregate::repository::{
    self, Aggregate, CommandError, Fact, Next, Rejection, Repository,
};

/// Why a command on an alert failed.
pub type AlertFailure = CommandError<AlertError>;

impl Rejection for AlertError {}

/// The alerts of a tenant. Its only command is acknowledging an alert; all other changes are decided by
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

/// Appends changes in one append. Returns the position of the last.
///
/// # Errors
/// [`crate::log::LogError`]. Nothing has changed; after a conflict the alerts must be loaded again.
pub async fn append(
    alerts: &mut Repository<AlertAggregate>,
    changes: &[AlertChange],
    now: Timestamp,
) -> Result<Option<Position>, crate::log::LogError> {
    alerts.commit_async(changes, now, &repository::metadata_for(AlertAggregate::ACTOR)).await
}

/// Acknowledges an alert. Returns the event's position, or none if nothing changed.
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
