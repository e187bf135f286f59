//! The API's endpoints. Each is one item: the request itself, with its method, path, what goes in and what comes out, and the
//! one function that answers it.
//!
//! ```text
//!   http  ─▶ reads the request ────────────────┐
//!   mcp   ─▶ reads a tool's arguments ─────────┼─▶ Endpoint::answer(Host) ─▶ the supervisor's actors, or the log alone
//!   cli   ─▶ no supervisor runs ───────────────┘
//!         └▶ one does: Endpoint::check, then the same request over HTTP
//! ```
//!
//! A new endpoint is an item here and a handler in `http/` that describes it; a command that needs it calls it by its item.

pub mod access;
pub mod alerts;
pub mod allowance;
pub mod audit;
pub mod balances;
pub mod briefing;
pub mod budgets;
pub mod gate;
pub mod goals;
pub mod host;
pub mod limits;
pub mod odometer;
pub mod parts;
pub mod providers;
pub mod refusal;
pub mod system;
pub mod tenants;
pub mod usage;
pub mod vault;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::service::runtime::client::ServiceError;

pub use host::Host;
pub use parts::{Method, Parts};

/// A request to the API, and its answer.
pub trait Endpoint: Sized + Send + 'static {
    /// The method.
    const METHOD: Method;
    /// The path as the router matches it: at most one segment, whose name stands in braces, is the request's own.
    const PATH: &'static str;
    /// Whether the answer reads the log or reckons for long. Few of these are worked on at once.
    const IS_LONG: bool = false;

    /// The answer, as JSON.
    type Out: Serialize + DeserializeOwned + Send + 'static;

    /// What of it stands in the path, the query and the body.
    fn parts(&self) -> Parts {
        Parts::default()
    }

    /// Whether it makes sense, whatever is recorded. A command asks this before it asks a supervisor, so that a mistake is told
    /// in the same words with one and without.
    ///
    /// # Errors
    /// [`ServiceError::Refused`]: what the capability says.
    fn check(&self, _now: Timestamp) -> Result<(), ServiceError> {
        Ok(())
    }

    /// Answers it.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn answer(self, host: &Host) -> impl Future<Output = Result<Self::Out, ServiceError>> + Send;
}

const fn row<E: Endpoint>() -> (Method, &'static str) {
    (E::METHOD, E::PATH)
}

/// All of them, by method and path: tests hold the API's description and the table of who may what against it.
pub const ALL: &[(Method, &str)] = &[
    row::<access::ListTokens>(),
    row::<access::IssueToken>(),
    row::<access::RotateToken>(),
    row::<access::RevokeToken>(),
    row::<alerts::ListAlerts>(),
    row::<alerts::CheckAlerts>(),
    row::<alerts::AcknowledgeAlert>(),
    row::<alerts::ListConsents>(),
    row::<alerts::DecideConsent>(),
    row::<allowance::CanAfford>(),
    row::<allowance::GetCost>(),
    row::<allowance::GetAllowance>(),
    row::<allowance::SetVirtualBudget>(),
    row::<allowance::RemoveVirtualBudget>(),
    row::<allowance::GrantOverride>(),
    row::<audit::GetEvents>(),
    row::<audit::Explain>(),
    row::<audit::Replay>(),
    row::<audit::Verify>(),
    row::<audit::GetHead>(),
    row::<audit::Backup>(),
    row::<audit::Export>(),
    row::<audit::ListIncidents>(),
    row::<balances::ListBalances>(),
    row::<balances::ReadBalance>(),
    row::<balances::TopUpBalance>(),
    row::<balances::ListQuotas>(),
    row::<balances::RecordQuota>(),
    row::<balances::ReadConsole>(),
    row::<briefing::GetNarration>(),
    row::<briefing::GetActivity>(),
    row::<budgets::ListBudgets>(),
    row::<budgets::SetBudget>(),
    row::<budgets::RemoveBudget>(),
    row::<budgets::GetForecast>(),
    row::<budgets::GetBacktest>(),
    row::<gate::AskGate>(),
    row::<gate::AnswerHook>(),
    row::<gate::GetStatusline>(),
    row::<gate::TellStatusline>(),
    row::<goals::ListGoals>(),
    row::<goals::SetGoal>(),
    row::<goals::CloseGoal>(),
    row::<goals::AddDatapoint>(),
    row::<goals::ListFeeds>(),
    row::<goals::StartFeed>(),
    row::<goals::StopFeed>(),
    row::<limits::ListRequests>(),
    row::<limits::AskForMore>(),
    row::<limits::Grant>(),
    row::<limits::Refuse>(),
    row::<limits::Withdraw>(),
    row::<limits::EndGrant>(),
    row::<odometer::ListOdometers>(),
    row::<odometer::ReadOdometer>(),
    row::<odometer::StopOdometer>(),
    row::<odometer::GetMetered>(),
    row::<providers::Reconcile>(),
    row::<providers::GetReported>(),
    row::<providers::ListPeople>(),
    row::<system::GetStatus>(),
    row::<system::ListActors>(),
    row::<system::Drill>(),
    row::<system::ListSources>(),
    row::<system::Reload>(),
    row::<tenants::ListTenants>(),
    row::<tenants::AddTenant>(),
    row::<tenants::RemoveTenant>(),
    row::<usage::GetSpend>(),
    row::<usage::Import>(),
    row::<usage::Look>(),
    row::<usage::RecordUsage>(),
    row::<usage::Reprice>(),
    row::<usage::GetWhatIf>(),
    row::<usage::ListLacking>(),
    row::<usage::ListProjects>(),
    row::<usage::AliasProject>(),
    row::<usage::UnaliasProject>(),
    row::<usage::ListRefused>(),
    row::<vault::GetVault>(),
    row::<vault::ListTasks>(),
    row::<vault::GetDaily>(),
    row::<vault::LogSession>(),
];
