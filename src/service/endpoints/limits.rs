//! Requests for more than the limits say: an agent asks, a person answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::domain::limit_request::LimitOrder;
use crate::service::budgets::limit::LimitAggregate;
use crate::service::budgets::limit_requests::{
    GrantBody, LimitAsked, LimitBody, LimitRequestsShown, RefuseBody,
};
use crate::service::runtime::client::ServiceError;

use super::{Endpoint, Host, Method};

/// The requests that whoever asks may see, those that wait for a person first.
#[derive(Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListRequests {
    /// Also what is over for longer than a day.
    #[serde(default)]
    pub all: bool,
}

impl Endpoint for ListRequests {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/limit-requests";
    type Out = LimitRequestsShown;

    async fn answer(self, host: &Host) -> Result<LimitRequestsShown, ServiceError> {
        let by = host.asker();
        host.ask(|reads| reads.limit_requests(&by, self.all, Timestamp::now())).await
    }
}

/// Asks for more. The same again is the same request, and shows how it stands.
#[derive(Serialize)]
pub struct AskForMore(pub LimitBody);

impl Endpoint for AskForMore {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/limit-requests";
    type Out = LimitAsked;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<LimitAsked, ServiceError> {
        let (wish, by) = (self.0.into_wish()?, host.asker());
        host.ask(|reads| reads.check_wish(&wish)).await??;
        host.execute::<LimitAggregate>((LimitOrder::Ask(wish.clone()), by.clone())).await?;
        let asked = host.ask(|reads| reads.limit_asked(&by, &wish, Timestamp::now())).await?;
        asked.ok_or(ServiceError::UnknownOutcome { what: "the request" })
    }
}

/// Grants a request, for as much and as long as the person says.
#[derive(Serialize)]
pub struct Grant {
    /// The request's number.
    pub number: u32,
    /// How.
    #[serde(flatten)]
    pub body: GrantBody,
}

impl Endpoint for Grant {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/limit-requests/{number}/grant";
    type Out = LimitRequestsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(self.body.check()?)
    }

    async fn answer(self, host: &Host) -> Result<LimitRequestsShown, ServiceError> {
        let Self { number, body } = self;
        let order = host.ask(|reads| body.into_order(number, reads, Timestamp::now())).await??;
        carry_out(host, order).await
    }
}

/// Refuses a request.
#[derive(Serialize)]
pub struct Refuse {
    /// The request's number.
    pub number: u32,
    /// Why.
    #[serde(flatten)]
    pub body: RefuseBody,
}

impl Endpoint for Refuse {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/limit-requests/{number}/refuse";
    type Out = LimitRequestsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(self.body.check()?)
    }

    async fn answer(self, host: &Host) -> Result<LimitRequestsShown, ServiceError> {
        let reason = self.body.reason.unwrap_or_default().trim().to_owned();
        carry_out(host, LimitOrder::Refuse { number: self.number, reason }).await
    }
}

/// Takes one's own request back.
#[derive(Serialize)]
pub struct Withdraw {
    /// The request's number.
    pub number: u32,
}

impl Endpoint for Withdraw {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/limit-requests/{number}/withdraw";
    const HAS_BODY: bool = false;
    type Out = LimitRequestsShown;

    async fn answer(self, host: &Host) -> Result<LimitRequestsShown, ServiceError> {
        carry_out(host, LimitOrder::Withdraw { number: self.number }).await
    }
}

/// Ends what was granted on a request before its time.
#[derive(Serialize)]
pub struct EndGrant {
    /// The request's number.
    pub number: u32,
}

impl Endpoint for EndGrant {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/limit-requests/{number}/end";
    const HAS_BODY: bool = false;
    type Out = LimitRequestsShown;

    async fn answer(self, host: &Host) -> Result<LimitRequestsShown, ServiceError> {
        carry_out(host, LimitOrder::End { number: self.number }).await
    }
}

async fn carry_out(host: &Host, order: LimitOrder) -> Result<LimitRequestsShown, ServiceError> {
    host.execute::<LimitAggregate>((order, host.asker())).await?;
    ListRequests::default().answer(host).await
}
