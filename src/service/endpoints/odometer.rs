//! Odometers: months' sums that are read by hand.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::balance::is_provider;
use crate::domain::odometer::{OdometerError, OdometerOrder};
use crate::service::balances::odometer::{OdometerAggregate, OdometerBody, Odometers};
use crate::service::providers::summary::MeteredShown;
use crate::service::runtime::client::ServiceError;

use super::{Endpoint, Host, Method};

/// The odometers, and what the days cost by inference.
#[derive(Serialize)]
pub struct ListOdometers;

impl Endpoint for ListOdometers {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/odometer";
    type Out = Odometers;

    async fn answer(self, host: &Host) -> Result<Odometers, ServiceError> {
        host.ask(|reads| reads.odometers(Timestamp::now())).await
    }
}

/// Records a month's sum so far, or mends a typing error.
#[derive(Serialize)]
pub struct ReadOdometer(pub OdometerBody);

impl Endpoint for ReadOdometer {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/odometer";
    type Out = Odometers;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<Odometers, ServiceError> {
        let command = self.0.into_command(Timestamp::now())?;
        carry_out(host, OdometerOrder::Read(command)).await
    }
}

/// Stops asking for readings of an odometer; the next reading begins it again.
#[derive(Serialize)]
pub struct StopOdometer {
    /// Whose.
    pub provider: String,
}

impl Endpoint for StopOdometer {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/odometer/{provider}";
    type Out = Odometers;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        let known = is_provider(&self.provider);
        if known { Ok(()) } else { Err(OdometerError::Provider(self.provider.clone()).into()) }
    }

    async fn answer(self, host: &Host) -> Result<Odometers, ServiceError> {
        carry_out(host, OdometerOrder::Stop { provider: self.provider }).await
    }
}

async fn carry_out(host: &Host, order: OdometerOrder) -> Result<Odometers, ServiceError> {
    let zone = host.settings().current().zone.clone();
    host.execute::<OdometerAggregate>((order, zone)).await?;
    ListOdometers.answer(host).await
}

/// A provider that is read by hand: its odometer, its part of the month, and what to do next.
#[derive(Serialize)]
pub struct GetMetered {
    /// Which.
    pub provider: String,
}

impl Endpoint for GetMetered {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/odometer/{provider}";
    type Out = MeteredShown;

    async fn answer(self, host: &Host) -> Result<MeteredShown, ServiceError> {
        host.ask(|reads| reads.metered(&self.provider, Timestamp::now())).await
    }
}
