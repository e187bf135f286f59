//! What the faces ask of the allowance, the gate and requests for more, through the actors.

use jiff::Timestamp;

use crate::domain::access::Principal;
use crate::domain::allowance::AllowanceCommand;
use crate::domain::budget::BudgetCommand;
use crate::domain::limit_request::LimitOrder;
use crate::integration::claude_code::hook::{HookAnswer, HookCall};
use crate::service::balances::quota::{QuotaBody, RateLimits};
use crate::service::budgets::gate::{GateParams, GateShown, StatuslineBody, StatuslineShown};
use crate::service::budgets::limit::LimitFailure;
use crate::service::budgets::limit_requests::{LimitAsked, LimitBody};
use crate::service::runtime::client::ServiceError;
use crate::service::system::meters;
use crate::service::system::tree::Supervised;

impl Supervised {
    /// Carries out a command on a budget, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn command_budget(&self, command: BudgetCommand) -> Result<(), ServiceError> {
        self.budgets.execute(command).await
    }

    /// Carries out a command, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn command_allowance(&self, command: AllowanceCommand) -> Result<(), ServiceError> {
        self.allowance.execute(command).await
    }

    /// Carries out an order of `by` on the requests, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn order_limit(&self, order: LimitOrder, by: Principal) -> Result<(), ServiceError> {
        if let LimitOrder::Ask(wish) = &order {
            self.queries.check_wish(wish).map_err(LimitFailure::from)?;
        }
        self.limits.execute((order, by)).await
    }

    /// Asks for more, and says how it stands.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn ask_for_more(&self, body: LimitBody, by: Principal) -> Result<LimitAsked, ServiceError> {
        let wish = body.into_wish()?;
        self.order_limit(LimitOrder::Ask(wish.clone()), by.clone()).await?;
        let asked = self.queries.limit_asked(&by, &wish, Timestamp::now());
        asked.ok_or(ServiceError::UnknownOutcome { what: "the request" })
    }

    /// Whether work may go on. What comes of it is counted.
    #[must_use]
    pub fn gate(&self, asked: &GateParams, now: Timestamp) -> GateShown {
        let shown = self.queries.gate(asked, now);
        meters::ruled(shown.verdict);
        shown
    }

    /// The answer to a hook's call.
    #[must_use]
    pub fn answer_hook(&self, call: HookCall, now: Timestamp) -> HookAnswer {
        let event = call.hook_event_name.clone();
        let shown = self.gate(&call.into(), now);
        HookAnswer::to(&event, shown.verdict, &shown.text(), &shown.text_for_agents())
    }

    /// How things stand, in one line.
    #[must_use]
    pub fn statusline(&self, body: &StatuslineBody, now: Timestamp) -> StatuslineShown {
        let goals = self.goals(now);
        let is_stale = goals.source.is_some_and(|source| source.stale);
        self.queries.statusline(body, is_stale, now)
    }

    /// Records how far the subscription's windows are used. Nobody waits for it.
    pub async fn note_quota(&self, rate_limits: RateLimits) {
        if let Err(error) = self.read_quota(QuotaBody { rate_limits: Some(rate_limits) }).await {
            tracing::warn!(%error, "what the status line told of a subscription's limits is not recorded");
        }
    }
}
