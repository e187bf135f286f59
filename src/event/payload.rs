//! What this system's events say. The table below is the only list of them.
//!
//! These structs are the stored layout, apart from the domain's types so that a rule can change
//! without touching history. A changed layout is a new version: the old struct stays, with a `From` that lifts
//! it to the newest, and its number in the table; no field is ever reordered, removed or skipped: bincode is not self-describing,
//! so such a change would be read silently wrong. `schemas/golden/` holds the bytes of every version.

mod access;
mod alert;
mod allowance;
mod balance;
mod budget;
mod class;
mod datapoint;
mod goal;
mod limit;
mod odometer;
mod quota;
mod report;
mod system;
mod table;
mod telling;
mod token;
mod usage;
mod vault;

use table::events;

pub use access::AccessRefused;
pub use alert::{
    AlertAcknowledged, AlertGraded, AlertPayloadError, AlertQueued, AlertRaised, AlertResolved, AttemptEnded,
    AttemptStarted, ConsentChanged, DeliveryNoted, alert_change,
};
pub use allowance::{OverrideEnded, SpendOverridden, SpendOverriddenV1, VirtualBudgetSet, allowance_change};
pub use balance::{
    BalanceDoubted, BalancePayloadError, BalanceRead, BalanceReadV1, BalanceToppedUp, balance_change,
    balance_event,
};
pub use budget::{BudgetPayloadError, BudgetRemoved, BudgetSet, BudgetSetV1, BudgetSetV2};
pub use class::{Class, Classified, Field, Held};
pub use datapoint::{
    DatapointIntended, DatapointRefused, DatapointWritten, datapoint_event_id, point_change,
};
pub use goal::{
    FeedStarted, FeedStopped, GoalAccountObserved, GoalGone, GoalObserved, GoalPayloadError, LocalGoalClosed,
    LocalGoalSet, local_goal_change, local_goal_event,
};
pub use limit::{LimitGranted, LimitRefused, LimitRequested, LimitWithdrawn, limit_change, limit_events};
pub use odometer::{OdometerCorrected, OdometerRead, OdometerStopped, odometer_change};
pub use quota::{QuotaPayloadError, QuotaRead, quota_event, quota_reading};
pub use report::{
    CostReported, CostReportedV1, ReportPayloadError, ReportedCost, ReportedUsage, UsageReported,
    UsageReportedV1, report_change, report_event,
};
pub use system::{LogRepaired, SourceChanged, SupervisionNoted};
pub use table::{EventType, EventVersion};
pub use telling::{
    MeteredPoint, UsageMetered, UsageMeteredV1, UsageTold, UsageToldV1, UsageWithdrawn, UsageWithdrawnV1,
    hear, session_event_id, told_event_id, withdrawn_event_id,
};
pub use token::{TokenIssued, TokenRevoked, token_change, token_event};
pub use usage::{
    CallId, ProjectAliased, SpeedV1, SupersededV1, TierV1, UsageRecorded, UsageRecordedV1, UsageRevised,
    UsageRevisedV1, repriced_event_id, usage_event_id,
};
pub use vault::{NoteRestored, NoteWritten, SessionLogged, TaskGone, TaskObserved, TaskPayloadError};

events! {
    /// An event of this system, in its newest version.
    Event<'a>

    usage {
        /// A billed call was learned of.
        "usage-recorded" { 2: UsageRecorded<'a>, 1: UsageRecordedV1<'a> }
        /// A billed call that was recorded has grown since.
        "usage-revised" { 2: UsageRevised<'a>, 1: UsageRevisedV1<'a> }
        /// Telemetry told of a billed call.
        "usage-told" { 2: UsageTold<'a>, 1: UsageToldV1<'a> }
        /// Telemetry told how a session's counters grew.
        "usage-metered" { 2: UsageMetered<'a>, 1: UsageMeteredV1<'a> }
        /// What telemetry told counts no more.
        "usage-withdrawn" { 2: UsageWithdrawn<'a>, 1: UsageWithdrawnV1<'a> }
        /// A person calls a directory by a name.
        "project-aliased" { 1: ProjectAliased }
    }

    budgets {
        /// A budget was created or replaced.
        "budget-set" { 3: BudgetSet, 2: BudgetSetV2, 1: BudgetSetV1 }
        /// A budget was removed.
        "budget-removed" { 1: BudgetRemoved }
        /// The budget over all providers was set, or removed.
        "virtual-budget-set" { 1: VirtualBudgetSet }
        /// More than the limits say is allowed.
        "spend-overridden" { 2: SpendOverridden, 1: SpendOverriddenV1 }
        /// What was allowed beyond the limits is over before its time.
        "override-ended" { 1: OverrideEnded }
        /// Somebody asks for more than the limits say.
        "limit-requested" { 1: LimitRequested }
        /// A person granted that.
        "limit-granted" { 1: LimitGranted }
        /// A person refused that.
        "limit-refused" { 1: LimitRefused }
        /// Whoever asked took it back.
        "limit-withdrawn" { 1: LimitWithdrawn }
    }

    balances {
        /// What was left at a provider was read.
        "balance-read" { 2: BalanceRead, 1: BalanceReadV1 }
        /// What was read at a provider is not believed yet.
        "balance-doubted" { 1: BalanceDoubted }
        /// Money was added at a provider.
        "balance-topped-up" { 1: BalanceToppedUp }
        /// A month's sum was read by hand.
        "odometer-read" { 1: OdometerRead }
        /// A reading by hand takes another one's place.
        "odometer-corrected" { 1: OdometerCorrected }
        /// A month's sum is read by hand no more.
        "odometer-stopped" { 1: OdometerStopped }
        /// How much of a subscription's limits is used was told.
        "quota-read" { 1: QuotaRead }
    }

    providers {
        /// A provider reported what a day cost.
        "cost-reported" { 2: CostReported, 1: CostReportedV1 }
        /// A provider reported what was consumed on a day.
        "usage-reported" { 2: UsageReported, 1: UsageReportedV1 }
    }

    goals {
        /// Something about a goal changed.
        "goal-observed" { 1: GoalObserved }
        /// A goal is gone.
        "goal-gone" { 1: GoalGone }
        /// The time zone of the account at Beeminder was told.
        "goal-account-observed" { 1: GoalAccountObserved }
        /// A local goal was made or changed.
        "local-goal-set" { 1: LocalGoalSet }
        /// A local goal was closed.
        "local-goal-closed" { 1: LocalGoalClosed }
        /// A goal is fed.
        "feed-started" { 1: FeedStarted }
        /// A goal is fed no more.
        "feed-stopped" { 1: FeedStopped }
        /// A datapoint is going to be written.
        "datapoint-intended" { 1: DatapointIntended }
        /// A datapoint is written.
        "datapoint-written" { 1: DatapointWritten }
        /// A datapoint was refused.
        "datapoint-refused" { 1: DatapointRefused }
    }

    alerts {
        /// An alert's cause began.
        "alert-raised" { 1: AlertRaised }
        /// An alert is worse now, or less bad.
        "alert-graded" { 1: AlertGraded }
        /// The person has taken note of an alert.
        "alert-acknowledged" { 1: AlertAcknowledged }
        /// An alert's cause has gone.
        "alert-resolved" { 1: AlertResolved }
        /// The person may be told of an alert now.
        "alert-queued" { 1: AlertQueued }
        /// An alert is about to be sent.
        "attempt-started" { 1: AttemptStarted }
        /// It is known whether an attempt was sent.
        "attempt-ended" { 1: AttemptEnded }
        /// It is known what became of a message.
        "delivery-noted" { 1: DeliveryNoted }
        /// A number may be written to, or may not any more.
        "consent-changed" { 1: ConsentChanged }
    }

    vault {
        /// Something became of a task in the vault.
        "task-observed" { 1: TaskObserved }
        /// A task is gone from the vault.
        "task-gone" { 1: TaskGone }
        /// A line was written to a note of the vault.
        "session-logged" { 1: SessionLogged }
        /// Bytes were put into a note of the vault.
        "note-written" { 1: NoteWritten }
        /// What was written to a note of the vault was taken back.
        "note-restored" { 1: NoteRestored }
    }

    access {
        /// A token was given out.
        "token-issued" { 1: TokenIssued }
        /// A token was taken back.
        "token-revoked" { 1: TokenRevoked }
        /// Requests were refused.
        "access-refused" { 1: AccessRefused }
    }

    system {
        /// One copy of the log was mended from the other.
        "log-repaired" { 1: LogRepaired }
        /// The supervisor did something about an actor.
        "supervision-noted" { 1: SupervisionNoted }
        /// An outside system changed its state.
        "source-changed" { 1: SourceChanged }
    }
}

#[cfg(test)]
mod tests;
