//! Alerts and consent: of a running supervisor, or of the log itself.

use jiff::Timestamp;

use crate::domain::alert::AlertId;
use crate::domain::consent::By;
use crate::service::aggregate::repository::Repository;
use crate::service::alerts::alert::AlertAggregate;
use crate::service::alerts::consent::{ConsentAggregate, ConsentFailure};
use crate::service::alerts::contacts::Contacts;
use crate::service::alerts::requests::{AlertsShown, ConsentBody, ConsentsShown, consents_shown};
use crate::service::runtime::node::Node;

use super::{Backend, CliError};

impl Backend {
    /// The alerts; `all` also those whose cause has gone.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn alerts(&self, all: bool) -> Result<AlertsShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/alerts", &[("all", all.to_string())]),
            Self::Own(node) => Ok(AlertsShown { alerts: node.queries()?.alerts(Timestamp::now(), all) }),
        }
    }

    /// Looks now whether something must be told.
    ///
    /// # Errors
    /// [`CliError::NotRunning`]: without a supervisor nobody sends.
    pub fn check_alerts(&self) -> Result<AlertsShown, CliError> {
        match self {
            Self::Running(remote) => remote.post("/api/v1/alerts/check"),
            Self::Own(node) => Err(CliError::NotRunning(node.dir.display().to_string())),
        }
    }

    /// Takes note of an alert.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn acknowledge(&self, id: u64) -> Result<AlertsShown, CliError> {
        match self {
            Self::Running(remote) => remote.post(&format!("/api/v1/alerts/{id}/ack")),
            Self::Own(node) => {
                node.execute::<AlertAggregate>(AlertId(id), Timestamp::now(), "cli")?;
                self.alerts(false)
            }
        }
    }

    /// Whose numbers may be written to.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn consents(&self) -> Result<ConsentsShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/consent", &[]),
            Self::Own(node) => {
                let consents = Repository::<ConsentAggregate>::load(node.log.clone(), node.tenant.clone())?;
                Ok(consents_shown(consents.state(), &Contacts::new(&node.dir))?)
            }
        }
    }

    /// Grants or revokes the consent to write to a number.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn consent(&self, body: &ConsentBody) -> Result<ConsentsShown, CliError> {
        body.check()?;
        match self {
            Self::Running(remote) => remote.put("/api/v1/consent", body),
            Self::Own(node) => {
                decide(node, body)?;
                self.consents()
            }
        }
    }
}

fn decide(node: &Node, body: &ConsentBody) -> Result<(), CliError> {
    let (number, command) = body.resolve(&node.settings.current().config)?;
    if let Some(contact) = Contacts::new(&node.dir).of(&number, command, By::Person)? {
        let decided = (contact, command, By::Person);
        node.execute::<ConsentAggregate>(decided, Timestamp::now(), "consent")
            .map_err(ConsentFailure::from)?;
    }
    Ok(())
}
