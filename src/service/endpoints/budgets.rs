//! Budgets, and when the money ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::budget::{BudgetCommand, decide};
use crate::domain::calendar::WeekStart;
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::budgets::client::{BudgetBody, Budgets};
use crate::service::runtime::client::ServiceError;
use crate::view::forecast::{BacktestShown, ForecastShown};

use super::{Endpoint, Host, Method};

/// How the budgets stand.
#[derive(Serialize)]
pub struct ListBudgets;

impl Endpoint for ListBudgets {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/budgets";
    type Out = Budgets;

    async fn answer(self, host: &Host) -> Result<Budgets, ServiceError> {
        host.ask(|reads| reads.budgets_shown(Timestamp::now())).await
    }
}

/// Creates or replaces a budget.
#[derive(Serialize)]
pub struct SetBudget {
    /// Its name.
    pub name: String,
    /// The budget.
    #[serde(flatten)]
    pub body: BudgetBody,
}

impl SetBudget {
    fn command(&self, week: WeekStart) -> Result<BudgetCommand, ServiceError> {
        Ok(BudgetCommand::Set(self.body.clone().into_budget(self.name.parse()?, week)?))
    }
}

impl Endpoint for SetBudget {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/budgets/{name}";
    type Out = Budgets;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        // No week begins with a day that would be wrong.
        decide(&BTreeMap::new(), self.command(WeekStart::default())?)?;
        Ok(())
    }

    async fn answer(self, host: &Host) -> Result<Budgets, ServiceError> {
        let week = host.settings().current().config.week_starts;
        host.execute::<BudgetAggregate>(self.command(week)?).await?;
        ListBudgets.answer(host).await
    }
}

/// Removes a budget.
#[derive(Serialize)]
pub struct RemoveBudget {
    /// Its name.
    pub name: String,
}

impl RemoveBudget {
    fn command(&self) -> Result<BudgetCommand, ServiceError> {
        Ok(BudgetCommand::Remove(self.name.parse()?))
    }
}

impl Endpoint for RemoveBudget {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/budgets/{name}";
    type Out = Budgets;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        self.command().map(drop)
    }

    async fn answer(self, host: &Host) -> Result<Budgets, ServiceError> {
        host.execute::<BudgetAggregate>(self.command()?).await?;
        ListBudgets.answer(host).await
    }
}

/// When the money ends, for each balance and budget.
#[derive(Serialize)]
pub struct GetForecast;

impl Endpoint for GetForecast {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/forecast";
    const IS_LONG: bool = true;
    type Out = ForecastShown;

    async fn answer(self, host: &Host) -> Result<ForecastShown, ServiceError> {
        host.ask_blocking(|reads| reads.forecast(Timestamp::now())).await
    }
}

/// How good the forecasts of past days were.
#[derive(Serialize)]
pub struct GetBacktest;

impl Endpoint for GetBacktest {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/forecast/backtest";
    const IS_LONG: bool = true;
    type Out = BacktestShown;

    async fn answer(self, host: &Host) -> Result<BacktestShown, ServiceError> {
        host.ask_blocking(|reads| reads.backtest(Timestamp::now())).await
    }
}
