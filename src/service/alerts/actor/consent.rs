//! Consent decisions that reach the actor: by the person, by an inbound message, or by the carrier.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::Phone;
use crate::domain::alert::{AlertId, AttemptId};
use crate::domain::consent::{By, ConsentCommand};
use crate::event::Position;
use crate::service::aggregate::caller;
use crate::service::aggregate::repository::{self, Aggregate, CommandError, Repository};

use super::super::consent::{ConsentAggregate, ConsentFailure};
use super::{AlertActor, in_flight};

impl AlertActor {
    /// The carrier refuses the message because the number has opted out: this revokes consent.
    pub(super) async fn opted_out(&mut self, id: AlertId, attempt: AttemptId) {
        let Ok(alerts) = self.take_alerts().await else { return };
        let attempt = in_flight::find(alerts.state(), id, attempt);
        let contact = attempt.and_then(|attempt| attempt.parcel.contact.clone());
        self.alerts = Some(alerts);
        if let Some(contact) = contact
            && let Err(error) = self.decide_consent(contact, ConsentCommand::Revoke, By::Carrier).await
        {
            tracing::warn!(%error, "an opt-out could not be recorded");
        }
    }

    pub(super) async fn consent(
        &mut self,
        number: Phone,
        command: ConsentCommand,
        by: By,
    ) -> Result<Option<Position>, ConsentFailure> {
        let contacts = self.means.contacts.clone();
        let contact = caller::blocking(move || contacts.of(&number, command, by)).await;
        match contact.map_err(CommandError::from)?? {
            Some(contact) => self.decide_consent(contact, command, by).await,
            None => Ok(None),
        }
    }

    async fn decide_consent(
        &mut self,
        contact: String,
        command: ConsentCommand,
        by: By,
    ) -> Result<Option<Position>, ConsentFailure> {
        let queries = &self.means.queries;
        let make = || Repository::<ConsentAggregate>::new(queries.log.clone(), queries.tenant.clone());
        let decided = caller::blocking_with(&mut self.consents, make, move |consents| {
            let metadata = repository::metadata_for(ConsentAggregate::ACTOR);
            consents.execute((contact, command, by), Timestamp::now(), &metadata)
        });
        let position = decided.await.map_err(CommandError::from)??;
        if let Some(position) = position {
            // The next decision must see the change.
            let mut projected = self.means.projected.clone();
            let shown = projected.wait_for(|projected| *projected >= position);
            let _ = tokio::time::timeout(Duration::from_secs(5), shown).await;
        }
        Ok(position)
    }
}
