//! What Claude Code's hooks and status line ask.

use jiff::Timestamp;
use serde::Serialize;

use crate::integration::claude_code::hook::{HookAnswer, HookCall};
use crate::service::balances::quota::QuotaBody;
use crate::service::budgets::gate::{GateParams, GateShown, StatuslineBody, StatuslineShown};
use crate::service::runtime::client::ServiceError;
use crate::service::system::meters;

use super::balances::RecordQuota;
use super::goals::ListGoals;
use super::{Endpoint, Host, Method};

/// Whether work may go on, by what is spent. What comes of it is counted.
#[derive(Serialize)]
pub struct AskGate(pub GateParams);

impl Endpoint for AskGate {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/gate";
    type Out = GateShown;

    async fn answer(self, host: &Host) -> Result<GateShown, ServiceError> {
        let shown = host.ask(|reads| reads.gate(&self.0, Timestamp::now())).await?;
        meters::ruled(shown.verdict);
        Ok(shown)
    }
}

/// Answers a hook's call in the hook's own form.
#[derive(Serialize)]
pub struct AnswerHook(pub HookCall);

impl Endpoint for AnswerHook {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/gate";
    type Out = HookAnswer;

    async fn answer(self, host: &Host) -> Result<HookAnswer, ServiceError> {
        let shown = host.ask(|reads| reads.gate_for_hook(&self.0, Timestamp::now())).await?;
        meters::ruled(shown.verdict);
        // Without a supervisor nobody remembers what was said.
        let said = host.supervised().map(|system| system.said.clone()).unwrap_or_default();
        Ok(shown.answer_to(&self.0, &said))
    }
}

/// How things stand, in one line.
#[derive(Serialize)]
pub struct GetStatusline(pub GateParams);

impl Endpoint for GetStatusline {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/statusline";
    type Out = StatuslineShown;

    async fn answer(self, host: &Host) -> Result<StatuslineShown, ServiceError> {
        let GateParams { session, project, model, .. } = self.0;
        line(host, StatuslineBody { session, project, model, ..StatuslineBody::default() }).await
    }
}

/// The same for what Claude Code's status line tells, which is recorded; nobody waits for that.
#[derive(Serialize)]
pub struct TellStatusline(pub StatuslineBody);

impl Endpoint for TellStatusline {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/statusline";
    type Out = StatuslineShown;

    async fn answer(self, host: &Host) -> Result<StatuslineShown, ServiceError> {
        let mut body = self.0;
        if let Some(rate_limits) = body.rate_limits.take() {
            let host = host.clone();
            tokio::spawn(async move {
                // A window that makes no sense takes not the other with it.
                for window in rate_limits.apart() {
                    let told = QuotaBody { rate_limits: Some(window) };
                    if let Err(error) = RecordQuota(told).answer(&host).await {
                        tracing::warn!(%error, "what the status line told of a subscription's limits is not recorded");
                    }
                }
            });
        }
        line(host, body).await
    }
}

async fn line(host: &Host, body: StatuslineBody) -> Result<StatuslineShown, ServiceError> {
    let goals = ListGoals.answer(host).await?;
    let first = goals.goals.first();
    let is_stale = goals.source.is_some_and(|source| {
        source.stale || source.old.iter().any(|part| first.is_some_and(|first| first.slug == part.name))
    });
    host.ask(|reads| reads.statusline(&body, is_stale, Timestamp::now())).await
}
