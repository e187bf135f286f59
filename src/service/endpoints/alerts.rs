//! Alerts, and whose numbers may be written to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::domain::alert::AlertId;
use crate::domain::consent::By;
use crate::service::aggregate::caller;
use crate::service::aggregate::repository::Aggregate;
use crate::service::alerts::alert::AlertAggregate;
use crate::service::alerts::consent::ConsentAggregate;
use crate::service::alerts::requests::{AlertsShown, ConsentBody, ConsentsShown, consents_shown};
use crate::service::runtime::client::ServiceError;

use super::host::execute;
use super::{Endpoint, Host, Method};

/// The alerts, the worst first.
#[derive(Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAlerts {
    /// Also those whose cause has gone.
    #[serde(default)]
    pub all: bool,
}

impl Endpoint for ListAlerts {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/alerts";
    type Out = AlertsShown;

    async fn answer(self, host: &Host) -> Result<AlertsShown, ServiceError> {
        let now = Timestamp::now();
        match host {
            // Its actor knows what each waits for.
            Host::Tree(system) => Ok(system.alerts(now, self.all)),
            Host::Alone { .. } => host.ask(|reads| AlertsShown { alerts: reads.alerts(now, self.all) }).await,
        }
    }
}

/// Looks now whether there is something to be told, and sends what is due.
#[derive(Serialize)]
pub struct CheckAlerts;

impl Endpoint for CheckAlerts {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/alerts/check";
    type Out = AlertsShown;

    async fn answer(self, host: &Host) -> Result<AlertsShown, ServiceError> {
        host.supervised()?.check_alerts().await?;
        ListAlerts::default().answer(host).await
    }
}

/// Takes note of an alert: nothing more is sent unless it gets worse.
#[derive(Serialize)]
pub struct AcknowledgeAlert {
    /// Its number.
    pub id: u64,
}

impl Endpoint for AcknowledgeAlert {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/alerts/{id}/ack";
    const HAS_BODY: bool = false;
    type Out = AlertsShown;

    async fn answer(self, host: &Host) -> Result<AlertsShown, ServiceError> {
        let id = AlertId(self.id);
        match host {
            Host::Tree(system) => system.acknowledge(id).await?,
            Host::Alone { node, .. } => execute::<AlertAggregate>(node, id, host.actor()).await?,
        }
        ListAlerts::default().answer(host).await
    }
}

/// Whose numbers may be written to.
#[derive(Serialize)]
pub struct ListConsents;

impl Endpoint for ListConsents {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/consent";
    type Out = ConsentsShown;

    async fn answer(self, host: &Host) -> Result<ConsentsShown, ServiceError> {
        let contacts = host.contacts();
        let shown = host.ask_blocking(move |reads| {
            consents_shown(&reads.with_view(|view| view.consents.clone()), &contacts)
        });
        Ok(shown.await??)
    }
}

/// Grants or revokes the consent to write to a number.
#[derive(Serialize)]
pub struct DecideConsent(pub ConsentBody);

impl Endpoint for DecideConsent {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/consent";
    type Out = ConsentsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check()?)
    }

    async fn answer(self, host: &Host) -> Result<ConsentsShown, ServiceError> {
        let (number, command) = self.0.resolve(&host.settings().current().config)?;
        match host {
            Host::Tree(system) => system.decide_consent(number, command, By::Person).await?,
            Host::Alone { node, .. } => {
                let contacts = host.contacts();
                let contact = caller::blocking(move || contacts.of(&number, command, By::Person)).await??;
                if let Some(contact) = contact {
                    let decided = (contact, command, By::Person);
                    execute::<ConsentAggregate>(node, decided, ConsentAggregate::ACTOR).await?;
                }
            }
        }
        ListConsents.answer(host).await
    }
}
