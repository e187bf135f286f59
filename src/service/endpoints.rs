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
mod goal_day;
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
pub use parts::Method;

/// A request to the API, and its answer. Its fields are what goes in: the one that the path names in braces stands there, the
/// others are the body or the query.
pub trait Endpoint: Serialize + Sized + Send + 'static {
    /// The method.
    const METHOD: Method;
    /// The path as the router matches it, with one field's name in braces at most.
    const PATH: &'static str;
    /// Whether the fields go as a JSON body; else they are the query.
    const HAS_BODY: bool = matches!(Self::METHOD, Method::Put | Method::Post);
    /// Whether the answer reads the log or reckons for long. Few of these are worked on at once.
    const IS_LONG: bool = false;

    /// The answer, as JSON.
    type Out: Serialize + DeserializeOwned + Send + 'static;

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

macro_rules! rows {
    ($($room:ident: $($request:ident)+;)*) => {
        &[$($((<$room::$request>::METHOD, <$room::$request>::PATH)),+),*]
    };
}

/// All of them, by method and path: a test holds the API's description against it.
pub const ALL: &[(Method, &str)] = rows! {
    access: ListTokens IssueToken RotateToken RevokeToken;
    alerts: ListAlerts CheckAlerts AcknowledgeAlert ListConsents DecideConsent;
    allowance: CanAfford GetCost GetAllowance SetVirtualBudget RemoveVirtualBudget GrantOverride;
    audit: GetEvents Explain Replay Verify GetHead Backup Export ListIncidents;
    balances: ListBalances ReadBalance TopUpBalance ListQuotas RecordQuota ReadConsole;
    briefing: GetNarration GetActivity;
    budgets: ListBudgets SetBudget RemoveBudget GetForecast GetBacktest;
    gate: AskGate AnswerHook GetStatusline TellStatusline;
    goals: ListGoals SetGoal CloseGoal AddDatapoint ListFeeds StartFeed StopFeed;
    limits: ListRequests AskForMore Grant Refuse Withdraw EndGrant;
    odometer: ListOdometers ReadOdometer StopOdometer GetMetered;
    providers: Reconcile GetReported ListPeople;
    system: GetStatus ListActors Drill ListSources Reload;
    tenants: ListTenants AddTenant RemoveTenant;
    usage: GetSpend Import Look RecordUsage Reprice GetWhatIf ListLacking ListProjects AliasProject UnaliasProject ListRefused;
    vault: GetVault ListTasks GetDaily LogSession UndoWrite;
};
