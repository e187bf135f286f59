//! What this system's events say.
//!
//! These structs are the stored layout, apart from the domain's types so that a rule can change
//! without touching history. A changed layout is a new version with an upcaster in
//! [`super::codec`]; no field is ever reordered, removed or skipped: bincode is not self-describing,
//! so such a change would be read silently wrong. `schemas/golden/` holds the bytes of every version.

mod access;
mod alert;
mod allowance;
mod balance;
mod budget;
mod datapoint;
mod goal;
mod limit;
mod odometer;
mod quota;
mod report;
mod telling;
mod token;
mod usage;
mod vault;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::AccessRefused;
pub use alert::{
    AlertAcknowledged, AlertGraded, AlertPayloadError, AlertQueued, AlertRaised, AlertResolved, AttemptEnded,
    AttemptStarted, ConsentChanged, DeliveryNoted, alert_change,
};
pub use allowance::{OverrideEnded, SpendOverridden, SpendOverriddenV1, VirtualBudgetSet, allowance_change};
pub use balance::{
    BalancePayloadError, BalanceRead, BalanceReadV1, BalanceToppedUp, balance_change, balance_event,
};
pub use budget::{BudgetPayloadError, BudgetRemoved, BudgetSet, BudgetSetV1, BudgetSetV2};
pub use datapoint::{
    DatapointIntended, DatapointRefused, DatapointWritten, datapoint_event_id, point_change,
};
pub use goal::{
    FeedStarted, FeedStopped, GoalGone, GoalObserved, GoalPayloadError, LocalGoalClosed, LocalGoalSet,
    desk_change, desk_event,
};
pub use limit::{LimitGranted, LimitRefused, LimitRequested, LimitWithdrawn, limit_change, limit_events};
pub use odometer::{OdometerCorrected, OdometerRead, OdometerStopped, odometer_change};
pub use quota::{QuotaPayloadError, QuotaRead, quota_event, quota_reading};
pub use report::{
    CostReported, ReportPayloadError, ReportedCost, ReportedUsage, UsageReported, report_change, report_event,
};
pub use telling::{
    MeteredPoint, UsageMetered, UsageMeteredV1, UsageTold, UsageToldV1, UsageWithdrawn, UsageWithdrawnV1,
    hear, session_event_id, told_event_id, withdrawn_event_id,
};
pub use token::{TokenIssued, TokenRevoked, token_change, token_event};
pub use usage::{
    CallId, ProjectAliased, SpeedV1, SupersededV1, TierV1, UsageRecorded, UsageRecordedV1, UsageRevised,
    UsageRevisedV1, repriced_event_id, usage_event_id,
};
pub use vault::{SessionLogged, TaskGone, TaskObserved, TaskPayloadError};

/// An event of this system, in its newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant)] // one lives at a time, and boxes would cost each decoded call an allocation
pub enum Event<'a> {
    /// A billed call was learned of.
    UsageRecorded(UsageRecorded<'a>),
    /// A billed call that was recorded has grown since.
    UsageRevised(UsageRevised<'a>),
    /// Telemetry told of a billed call.
    UsageTold(UsageTold<'a>),
    /// Telemetry told how a session's counters grew.
    UsageMetered(UsageMetered<'a>),
    /// What telemetry told counts no more.
    UsageWithdrawn(UsageWithdrawn<'a>),
    /// A budget was created or replaced.
    BudgetSet(BudgetSet),
    /// A budget was removed.
    BudgetRemoved(BudgetRemoved),
    /// One copy of the log was mended from the other.
    LogRepaired(LogRepaired),
    /// The supervisor did something about an actor.
    SupervisionNoted(SupervisionNoted),
    /// An outside system changed its state.
    SourceChanged(SourceChanged),
    /// Requests were refused.
    AccessRefused(AccessRefused),
    /// Something about a goal changed.
    GoalObserved(GoalObserved),
    /// A goal is gone.
    GoalGone(GoalGone),
    /// A local goal was made or changed.
    LocalGoalSet(LocalGoalSet),
    /// A local goal was closed.
    LocalGoalClosed(LocalGoalClosed),
    /// A goal is fed.
    FeedStarted(FeedStarted),
    /// A goal is fed no more.
    FeedStopped(FeedStopped),
    /// A datapoint is going to be written.
    DatapointIntended(DatapointIntended),
    /// A datapoint is written.
    DatapointWritten(DatapointWritten),
    /// A datapoint was refused.
    DatapointRefused(DatapointRefused),
    /// An alert's cause began.
    AlertRaised(AlertRaised),
    /// An alert is worse now, or less bad.
    AlertGraded(AlertGraded),
    /// The person has taken note of an alert.
    AlertAcknowledged(AlertAcknowledged),
    /// An alert's cause has gone.
    AlertResolved(AlertResolved),
    /// The person may be told of an alert now.
    AlertQueued(AlertQueued),
    /// An alert is about to be sent.
    AttemptStarted(AttemptStarted),
    /// It is known whether an attempt was sent.
    AttemptEnded(AttemptEnded),
    /// It is known what became of a message.
    DeliveryNoted(DeliveryNoted),
    /// A number may be written to, or may not any more.
    ConsentChanged(ConsentChanged),
    /// What was left at a provider was read.
    BalanceRead(BalanceRead),
    /// A month's sum was read by hand.
    OdometerRead(OdometerRead),
    /// A reading by hand takes another one's place.
    OdometerCorrected(OdometerCorrected),
    /// A month's sum is read by hand no more.
    OdometerStopped(OdometerStopped),
    /// Money was added at a provider.
    BalanceToppedUp(BalanceToppedUp),
    /// A provider reported what a day cost.
    CostReported(CostReported),
    /// How much of a subscription's limits is used was told.
    QuotaRead(QuotaRead),
    /// A provider reported what was consumed on a day.
    UsageReported(UsageReported),
    /// The budget over all providers was set, or removed.
    VirtualBudgetSet(VirtualBudgetSet),
    /// More than the limits say is allowed.
    SpendOverridden(SpendOverridden),
    /// What was allowed beyond the limits is over before its time.
    OverrideEnded(OverrideEnded),
    /// Somebody asks for more than the limits say.
    LimitRequested(LimitRequested),
    /// A person granted that.
    LimitGranted(LimitGranted),
    /// A person refused that.
    LimitRefused(LimitRefused),
    /// Whoever asked took it back.
    LimitWithdrawn(LimitWithdrawn),
    /// A token was given out.
    TokenIssued(TokenIssued),
    /// A token was taken back.
    TokenRevoked(TokenRevoked),
    /// Something became of a task in the vault.
    TaskObserved(TaskObserved),
    /// A task is gone from the vault.
    TaskGone(TaskGone),
    /// A line was written to a note of the vault.
    SessionLogged(SessionLogged),
    /// A person calls a directory by a name.
    ProjectAliased(ProjectAliased),
}

/// One copy of the log was mended from the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogRepaired {
    /// The copy that was damaged: `journal` or `sled`.
    pub copy: String,
    /// The first position of the blocks that were replaced.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// What was found.
    pub cause: String,
}

/// The supervisor did something about an actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupervisionNoted {
    /// The actor's path in the tree.
    pub actor: String,
    /// What was done, such as `restarted` or `escalated`.
    pub change: String,
    /// Why: the kind of failure, never a message's contents.
    pub reason: String,
}

/// An outside system changed its state, or its circuit breaker did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceChanged {
    /// The source's name, such as `beeminder`.
    pub source: String,
    /// `ok`, `failing`, `unauthorized`, `not-configured`, `breaker-open` or `breaker-closed`.
    pub state: String,
    /// Why, in words of ours: never what the outside system sent.
    pub reason: String,
}
