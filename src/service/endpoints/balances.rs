//! What is left at the providers, and how much of a subscription's limits is used.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::balance::BalanceChange;
use crate::service::balances::balance::{BalanceAggregate, BalanceBody, Balances, TopUpBody};
use crate::service::balances::console::{ConsoleBody, ConsoleRead, ConsoleReader};
use crate::service::balances::quota::{QuotaAggregate, QuotaBody, QuotasShown};
use crate::service::runtime::client::ServiceError;

use super::{Endpoint, Host, Method};

/// What is left at the providers whose balance was read.
#[derive(Serialize)]
pub struct ListBalances;

impl Endpoint for ListBalances {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/balance";
    type Out = Balances;

    async fn answer(self, host: &Host) -> Result<Balances, ServiceError> {
        host.ask(|reads| reads.all_balances(Timestamp::now())).await
    }
}

/// Records what a provider says is left.
#[derive(Serialize)]
pub struct ReadBalance(pub BalanceBody);

impl Endpoint for ReadBalance {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/balance";
    type Out = Balances;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<Balances, ServiceError> {
        let reading = self.0.into_reading(Timestamp::now())?;
        host.execute::<BalanceAggregate>(BalanceChange::Read(reading)).await?;
        ListBalances.answer(host).await
    }
}

/// Records money that was added at a provider.
#[derive(Serialize)]
pub struct TopUpBalance(pub TopUpBody);

impl Endpoint for TopUpBalance {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/balance/top-ups";
    type Out = Balances;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<Balances, ServiceError> {
        let top_up = self.0.into_top_up(Timestamp::now())?;
        host.execute::<BalanceAggregate>(BalanceChange::ToppedUp(top_up)).await?;
        ListBalances.answer(host).await
    }
}

/// How much of a subscription's windows is used.
#[derive(Serialize)]
pub struct ListQuotas;

impl Endpoint for ListQuotas {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/quota";
    type Out = QuotasShown;

    async fn answer(self, host: &Host) -> Result<QuotasShown, ServiceError> {
        host.ask(|reads| reads.quotas(Timestamp::now())).await
    }
}

/// Records what Claude Code gave to its status line.
#[derive(Serialize)]
pub struct RecordQuota(pub QuotaBody);

impl Endpoint for RecordQuota {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/quota";
    type Out = QuotasShown;

    async fn answer(self, host: &Host) -> Result<QuotasShown, ServiceError> {
        let readings = self.0.into_readings()?;
        if !readings.is_empty() {
            host.execute::<QuotaAggregate>(readings).await?;
        }
        ListQuotas.answer(host).await
    }
}

/// Reads a provider's own page in a browser, and records what is left.
#[derive(Serialize)]
pub struct ReadConsole(pub ConsoleBody);

impl Endpoint for ReadConsole {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/console/read";
    type Out = ConsoleRead;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check()?)
    }

    async fn answer(self, host: &Host) -> Result<ConsoleRead, ServiceError> {
        match host {
            Host::Tree(system) => system.read_console(self.0).await,
            Host::Alone { node, .. } => {
                let reads = host.reads().await?;
                let reader = ConsoleReader::new(node.log.clone(), node.tenant.clone(), reads, &node.dir);
                Ok(reader.read(&self.0.provider, host.actor()).await?)
            }
        }
    }
}
