//! What the faces ask of alerts and consent, through the actors.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::Phone;
use crate::domain::alert::AlertId;
use crate::domain::consent::{By, ConsentCommand};
use crate::integration::twilio::MessageStatus;
use crate::integration::twilio::channel::delivery_of;
use crate::service::alerts::AlertMessage;
use crate::service::alerts::conditions::PollStatus;
use crate::service::alerts::requests::{AlertsShown, waits_for};
use crate::service::runtime::client::{PATIENCE, ServiceError};
use crate::service::runtime::reads::Snapshot;
use crate::service::system::tree::Supervised;

impl Supervised {
    /// The alerts, the worst first; with `all` also those whose cause has gone.
    #[must_use]
    pub fn alerts(&self, now: Timestamp, all: bool) -> AlertsShown {
        self.queries.at(|at| self.alerts_at(at, now, all))
    }

    /// The same as of one position.
    #[must_use]
    pub fn alerts_at(&self, at: &Snapshot, now: Timestamp, all: bool) -> AlertsShown {
        // The actor has reckoned it already, unless something has just changed.
        let causes =
            self.causes.of(at, now).unwrap_or_else(|| Arc::new(at.causes(PollStatus::default(), now)));
        let mut alerts = at.alerts(&causes, all);
        let holds = self.holds.borrow();
        for alert in alerts.iter_mut().filter(|alert| alert.resolved_at.is_none()) {
            let hold = holds.get(&AlertId(alert.id)).copied();
            alert.waits_for =
                hold.map(|hold| waits_for(alert, hold, &at.loaded().config, &at.view().consents));
        }
        AlertsShown { alerts }
    }

    /// Looks now whether there is something to be told, and has sent what is due; waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn check_alerts(&self) -> Result<(), ServiceError> {
        let checked = self.alerts.ask(AlertMessage::Check, PATIENCE).await;
        checked.map_err(|error| ServiceError::asking("the alert actor", error))?;
        self.shown_all().await;
        Ok(())
    }

    /// Takes note of an alert, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn acknowledge(&self, id: AlertId) -> Result<(), ServiceError> {
        let answer = self.alerts.ask(|reply| AlertMessage::Acknowledge { id, reply }, PATIENCE).await;
        let position = answer.map_err(|error| ServiceError::asking("the alert actor", error))??;
        self.shown_from(position).await;
        Ok(())
    }

    /// Has somebody's decision about a number recorded, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn decide_consent(
        &self,
        number: Phone,
        command: ConsentCommand,
        by: By,
    ) -> Result<(), ServiceError> {
        let message = |reply| AlertMessage::Consent { number, command, by, reply };
        let answer = self.alerts.ask(message, PATIENCE).await;
        let position = answer.map_err(|error| ServiceError::asking("the alert actor", error))??;
        self.shown_from(position).await;
        Ok(())
    }

    /// A channel tells what became of a message.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn told_of_message(
        &self,
        id: &str,
        status: &MessageStatus,
        code: Option<u32>,
    ) -> Result<(), ServiceError> {
        let Some(delivery) = delivery_of(status, code) else { return Ok(()) };
        let told = AlertMessage::Told { channel_id: id.to_owned(), delivery };
        let sent = self.alerts.tell(told, PATIENCE).await;
        sent.map_err(|error| ServiceError::asking("the alert actor", error.into()))
    }

    /// The owner of a number, as a channel writes it, wants to be written to or not.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn wished(&self, address: &str, wants: bool) -> Result<(), ServiceError> {
        let number = Phone::new(address.strip_prefix("whatsapp:").unwrap_or(address));
        let command = if wants { ConsentCommand::Grant } else { ConsentCommand::Revoke };
        self.decide_consent(number, command, By::Message).await
    }
}
