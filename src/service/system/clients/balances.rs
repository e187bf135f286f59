//! What the faces ask of balances, odometers, quotas and pages, through the actors.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::balance::BalanceChange;
use crate::domain::odometer::OdometerOrder;
use crate::event::Position;
use crate::service::balances::balance::{BalanceBody, BalanceFailure, TopUpBody};
use crate::service::balances::console::{ConsoleBody, ConsoleRead};
use crate::service::balances::console_actor::ScraperMessage;
use crate::service::balances::odometer::{OdometerBody, OdometerFailure};
use crate::service::balances::quota::{QuotaBody, QuotaFailure};
use crate::service::runtime::client::ServiceError;
use crate::service::system::tree::Supervised;

/// A person waits for one page: the browser's start, the page, and its end.
const READ_PATIENCE: Duration = Duration::from_mins(3);

impl Supervised {
    /// Records what a status line was told, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_quota(&self, body: QuotaBody) -> Result<(), ServiceError> {
        let readings = body.into_readings().map_err(QuotaFailure::from)?;
        if readings.is_empty() {
            return Ok(());
        }
        self.quotas.execute(readings).await
    }

    /// Reads a provider's page now, and waits until the views show what it said.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_console(&self, body: ConsoleBody) -> Result<ConsoleRead, ServiceError> {
        let message = |reply| ScraperMessage::Read { provider: body.provider, reply };
        let asked = self.scraper.ask(message, READ_PATIENCE).await;
        let read = asked.map_err(|error| ServiceError::asking("the pages' reader", error))??;
        self.shown_from(read.position.map(Position)).await;
        Ok(read)
    }

    /// Records a reading of an odometer, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_odometer(&self, body: OdometerBody) -> Result<(), ServiceError> {
        let command = body.into_command(Timestamp::now()).map_err(OdometerFailure::from)?;
        self.order_odometer(OdometerOrder::Read(command)).await
    }

    /// Carries out an order on an odometer, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn order_odometer(&self, order: OdometerOrder) -> Result<(), ServiceError> {
        self.odometer.execute((order, self.queries.zone())).await
    }

    /// Records what a person has read of a balance, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn read_balance(&self, body: BalanceBody) -> Result<(), ServiceError> {
        let reading = body.into_reading(Timestamp::now()).map_err(BalanceFailure::from)?;
        self.balances.execute(BalanceChange::Read(reading)).await
    }

    /// Records money that was added, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn top_up_balance(&self, body: TopUpBody) -> Result<(), ServiceError> {
        let top_up = body.into_top_up(Timestamp::now()).map_err(BalanceFailure::from)?;
        self.balances.execute(BalanceChange::ToppedUp(top_up)).await
    }
}
