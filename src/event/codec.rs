//! Payload bytes: bincode, pinned to one configuration, chosen by the envelope's type name and version.
//!
//! bincode 2.0.1 is frozen; should it have to go, `wincode` writes the same bytes as
//! `config::legacy()`. The golden files in `schemas/golden/` hold whichever codec to them.

use serde::{Deserialize, Serialize};

use super::payload::{
    AccessRefused, AlertAcknowledged, AlertGraded, AlertQueued, AlertRaised, AlertResolved, AttemptEnded,
    AttemptStarted, BalanceRead, BalanceReadV1, BalanceToppedUp, BudgetRemoved, BudgetSet, BudgetSetV1,
    BudgetSetV2, ConsentChanged, CostReported, DatapointIntended, DatapointRefused, DatapointWritten,
    DeliveryNoted, Event, FeedStarted, FeedStopped, GoalGone, GoalObserved, LimitGranted, LimitRefused,
    LimitRequested, LimitWithdrawn, LocalGoalClosed, LocalGoalSet, LogRepaired, OdometerCorrected,
    OdometerRead, OdometerStopped, OverrideEnded, ProjectAliased, QuotaRead, SessionLogged, SourceChanged,
    SpendOverridden, SpendOverriddenV1, SupervisionNoted, TaskGone, TaskObserved, TokenIssued, TokenRevoked,
    UsageMetered, UsageMeteredV1, UsageRecorded, UsageRecordedV1, UsageReported, UsageRevised,
    UsageRevisedV1, UsageTold, UsageToldV1, UsageWithdrawn, UsageWithdrawnV1, VirtualBudgetSet,
};
use super::record::RecordRef;

/// No payload is longer: a block holds at most 64 KiB. Without a limit, bincode panics on a length
/// that is not one (`payloads_that_do_not_fit_are_refused`).
const LIMIT: usize = 64 * 1024;

/// The one configuration of every payload ever written.
const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Fixint,
    bincode::config::Limit<LIMIT>,
> = bincode::config::legacy().with_limit::<LIMIT>();

/// Why a payload cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A newer program wrote it.
    #[error("event type {type_name} version {version} is not known to this mecris; use a newer one")]
    Unknown {
        /// The envelope's type name.
        type_name: String,
        /// The envelope's schema version.
        version: u16,
    },
    /// The bytes do not fit the type.
    #[error("payload of {type_name} version {version} cannot be read: {detail}")]
    Malformed {
        /// The envelope's type name.
        type_name: String,
        /// The envelope's schema version.
        version: u16,
        /// What bincode said.
        detail: String,
    },
}

impl Event<'_> {
    /// The newest type name and schema version of this event.
    #[must_use]
    pub fn type_and_version(&self) -> (&'static str, u16) {
        match self {
            Self::UsageRecorded(_) => ("usage-recorded", 2),
            Self::UsageRevised(_) => ("usage-revised", 2),
            Self::UsageTold(_) => ("usage-told", 2),
            Self::UsageMetered(_) => ("usage-metered", 2),
            Self::UsageWithdrawn(_) => ("usage-withdrawn", 2),
            Self::BudgetSet(_) => ("budget-set", 3),
            Self::BudgetRemoved(_) => ("budget-removed", 1),
            Self::LogRepaired(_) => ("log-repaired", 1),
            Self::SupervisionNoted(_) => ("supervision-noted", 1),
            Self::SourceChanged(_) => ("source-changed", 1),
            Self::AccessRefused(_) => ("access-refused", 1),
            Self::GoalObserved(_) => ("goal-observed", 1),
            Self::GoalGone(_) => ("goal-gone", 1),
            Self::LocalGoalSet(_) => ("local-goal-set", 1),
            Self::LocalGoalClosed(_) => ("local-goal-closed", 1),
            Self::FeedStarted(_) => ("feed-started", 1),
            Self::FeedStopped(_) => ("feed-stopped", 1),
            Self::DatapointIntended(_) => ("datapoint-intended", 1),
            Self::DatapointWritten(_) => ("datapoint-written", 1),
            Self::DatapointRefused(_) => ("datapoint-refused", 1),
            Self::AlertRaised(_) => ("alert-raised", 1),
            Self::AlertGraded(_) => ("alert-graded", 1),
            Self::AlertAcknowledged(_) => ("alert-acknowledged", 1),
            Self::AlertResolved(_) => ("alert-resolved", 1),
            Self::AlertQueued(_) => ("alert-queued", 1),
            Self::AttemptStarted(_) => ("attempt-started", 1),
            Self::AttemptEnded(_) => ("attempt-ended", 1),
            Self::DeliveryNoted(_) => ("delivery-noted", 1),
            Self::ConsentChanged(_) => ("consent-changed", 1),
            Self::OdometerRead(_) => ("odometer-read", 1),
            Self::OdometerCorrected(_) => ("odometer-corrected", 1),
            Self::OdometerStopped(_) => ("odometer-stopped", 1),
            Self::BalanceRead(_) => ("balance-read", 2),
            Self::BalanceToppedUp(_) => ("balance-topped-up", 1),
            Self::CostReported(_) => ("cost-reported", 1),
            Self::UsageReported(_) => ("usage-reported", 1),
            Self::QuotaRead(_) => ("quota-read", 1),
            Self::VirtualBudgetSet(_) => ("virtual-budget-set", 1),
            Self::SpendOverridden(_) => ("spend-overridden", 2),
            Self::OverrideEnded(_) => ("override-ended", 1),
            Self::LimitRequested(_) => ("limit-requested", 1),
            Self::LimitGranted(_) => ("limit-granted", 1),
            Self::LimitRefused(_) => ("limit-refused", 1),
            Self::LimitWithdrawn(_) => ("limit-withdrawn", 1),
            Self::TokenIssued(_) => ("token-issued", 1),
            Self::TokenRevoked(_) => ("token-revoked", 1),
            Self::TaskObserved(_) => ("task-observed", 1),
            Self::TaskGone(_) => ("task-gone", 1),
            Self::SessionLogged(_) => ("session-logged", 1),
            Self::ProjectAliased(_) => ("project-aliased", 1),
        }
    }
}

/// The bytes of a payload in its newest version.
///
/// # Panics
/// Never for these types: they are plain data, and the buffer grows.
#[must_use]
pub fn encode(event: &Event<'_>) -> Vec<u8> {
    match event {
        Event::UsageRecorded(payload) => to_bytes(payload),
        Event::UsageRevised(payload) => to_bytes(payload),
        Event::UsageTold(payload) => to_bytes(payload),
        Event::UsageMetered(payload) => to_bytes(payload),
        Event::UsageWithdrawn(payload) => to_bytes(payload),
        Event::BudgetSet(payload) => to_bytes(payload),
        Event::BudgetRemoved(payload) => to_bytes(payload),
        Event::LogRepaired(payload) => to_bytes(payload),
        Event::SupervisionNoted(payload) => to_bytes(payload),
        Event::SourceChanged(payload) => to_bytes(payload),
        Event::AccessRefused(payload) => to_bytes(payload),
        Event::GoalObserved(payload) => to_bytes(payload),
        Event::GoalGone(payload) => to_bytes(payload),
        Event::LocalGoalSet(payload) => to_bytes(payload),
        Event::LocalGoalClosed(payload) => to_bytes(payload),
        Event::FeedStarted(payload) => to_bytes(payload),
        Event::FeedStopped(payload) => to_bytes(payload),
        Event::DatapointIntended(payload) => to_bytes(payload),
        Event::DatapointWritten(payload) => to_bytes(payload),
        Event::DatapointRefused(payload) => to_bytes(payload),
        Event::AlertRaised(payload) => to_bytes(payload),
        Event::AlertGraded(payload) => to_bytes(payload),
        Event::AlertAcknowledged(payload) => to_bytes(payload),
        Event::AlertResolved(payload) => to_bytes(payload),
        Event::AlertQueued(payload) => to_bytes(payload),
        Event::AttemptStarted(payload) => to_bytes(payload),
        Event::AttemptEnded(payload) => to_bytes(payload),
        Event::DeliveryNoted(payload) => to_bytes(payload),
        Event::ConsentChanged(payload) => to_bytes(payload),
        Event::BalanceRead(payload) => to_bytes(payload),
        Event::OdometerRead(payload) => to_bytes(payload),
        Event::OdometerCorrected(payload) => to_bytes(payload),
        Event::OdometerStopped(payload) => to_bytes(payload),
        Event::BalanceToppedUp(payload) => to_bytes(payload),
        Event::CostReported(payload) => to_bytes(payload),
        Event::UsageReported(payload) => to_bytes(payload),
        Event::QuotaRead(payload) => to_bytes(payload),
        Event::VirtualBudgetSet(payload) => to_bytes(payload),
        Event::SpendOverridden(payload) => to_bytes(payload),
        Event::OverrideEnded(payload) => to_bytes(payload),
        Event::LimitRequested(payload) => to_bytes(payload),
        Event::LimitGranted(payload) => to_bytes(payload),
        Event::LimitRefused(payload) => to_bytes(payload),
        Event::LimitWithdrawn(payload) => to_bytes(payload),
        Event::TokenIssued(payload) => to_bytes(payload),
        Event::TokenRevoked(payload) => to_bytes(payload),
        Event::TaskObserved(payload) => to_bytes(payload),
        Event::TaskGone(payload) => to_bytes(payload),
        Event::SessionLogged(payload) => to_bytes(payload),
        Event::ProjectAliased(payload) => to_bytes(payload),
    }
}

/// Reads a record's payload, lifted to its newest version; text is borrowed from the record.
///
/// # Errors
/// [`CodecError`]: the type is unknown here, or the bytes do not fit it.
pub fn decode<'a>(record: &RecordRef<'a>) -> Result<Event<'a>, CodecError> {
    Ok(match (record.type_name, record.schema_version) {
        ("usage-recorded", 1) => Event::UsageRecorded(from_bytes::<UsageRecordedV1<'_>>(record)?.into()),
        ("usage-recorded", 2) => Event::UsageRecorded(from_bytes(record)?),
        ("usage-revised", 1) => Event::UsageRevised(from_bytes::<UsageRevisedV1<'_>>(record)?.into()),
        ("usage-revised", 2) => Event::UsageRevised(from_bytes(record)?),
        ("usage-told", 1) => Event::UsageTold(from_bytes::<UsageToldV1<'_>>(record)?.into()),
        ("usage-told", 2) => Event::UsageTold(from_bytes(record)?),
        ("usage-metered", 1) => Event::UsageMetered(from_bytes::<UsageMeteredV1<'_>>(record)?.into()),
        ("usage-metered", 2) => Event::UsageMetered(from_bytes(record)?),
        ("usage-withdrawn", 1) => Event::UsageWithdrawn(from_bytes::<UsageWithdrawnV1<'_>>(record)?.into()),
        ("usage-withdrawn", 2) => Event::UsageWithdrawn(from_bytes(record)?),
        ("budget-set", 1) => Event::BudgetSet(BudgetSetV2::from(from_bytes::<BudgetSetV1>(record)?).into()),
        ("budget-set", 2) => Event::BudgetSet(from_bytes::<BudgetSetV2>(record)?.into()),
        ("budget-set", 3) => Event::BudgetSet(from_bytes(record)?),
        ("budget-removed", 1) => Event::BudgetRemoved(from_bytes(record)?),
        ("log-repaired", 1) => Event::LogRepaired(from_bytes(record)?),
        ("supervision-noted", 1) => Event::SupervisionNoted(from_bytes(record)?),
        ("source-changed", 1) => Event::SourceChanged(from_bytes(record)?),
        ("access-refused", 1) => Event::AccessRefused(from_bytes(record)?),
        ("goal-observed", 1) => Event::GoalObserved(from_bytes(record)?),
        ("goal-gone", 1) => Event::GoalGone(from_bytes(record)?),
        ("local-goal-set", 1) => Event::LocalGoalSet(from_bytes(record)?),
        ("local-goal-closed", 1) => Event::LocalGoalClosed(from_bytes(record)?),
        ("feed-started", 1) => Event::FeedStarted(from_bytes(record)?),
        ("feed-stopped", 1) => Event::FeedStopped(from_bytes(record)?),
        ("datapoint-intended", 1) => Event::DatapointIntended(from_bytes(record)?),
        ("datapoint-written", 1) => Event::DatapointWritten(from_bytes(record)?),
        ("datapoint-refused", 1) => Event::DatapointRefused(from_bytes(record)?),
        ("alert-raised", 1) => Event::AlertRaised(from_bytes(record)?),
        ("alert-graded", 1) => Event::AlertGraded(from_bytes(record)?),
        ("alert-acknowledged", 1) => Event::AlertAcknowledged(from_bytes(record)?),
        ("alert-resolved", 1) => Event::AlertResolved(from_bytes(record)?),
        ("alert-queued", 1) => Event::AlertQueued(from_bytes(record)?),
        ("attempt-started", 1) => Event::AttemptStarted(from_bytes(record)?),
        ("attempt-ended", 1) => Event::AttemptEnded(from_bytes(record)?),
        ("delivery-noted", 1) => Event::DeliveryNoted(from_bytes(record)?),
        ("consent-changed", 1) => Event::ConsentChanged(from_bytes(record)?),
        ("odometer-read", 1) => Event::OdometerRead(from_bytes(record)?),
        ("odometer-corrected", 1) => Event::OdometerCorrected(from_bytes(record)?),
        ("odometer-stopped", 1) => Event::OdometerStopped(from_bytes(record)?),
        ("balance-read", 1) => Event::BalanceRead(from_bytes::<BalanceReadV1>(record)?.into()),
        ("balance-read", 2) => Event::BalanceRead(from_bytes(record)?),
        ("balance-topped-up", 1) => Event::BalanceToppedUp(from_bytes(record)?),
        ("cost-reported", 1) => Event::CostReported(from_bytes(record)?),
        ("usage-reported", 1) => Event::UsageReported(from_bytes(record)?),
        ("quota-read", 1) => Event::QuotaRead(from_bytes(record)?),
        ("virtual-budget-set", 1) => Event::VirtualBudgetSet(from_bytes(record)?),
        ("spend-overridden", 1) => Event::SpendOverridden(from_bytes::<SpendOverriddenV1>(record)?.into()),
        ("spend-overridden", 2) => Event::SpendOverridden(from_bytes(record)?),
        ("override-ended", 1) => Event::OverrideEnded(from_bytes(record)?),
        ("limit-requested", 1) => Event::LimitRequested(from_bytes(record)?),
        ("limit-granted", 1) => Event::LimitGranted(from_bytes(record)?),
        ("limit-refused", 1) => Event::LimitRefused(from_bytes(record)?),
        ("limit-withdrawn", 1) => Event::LimitWithdrawn(from_bytes(record)?),
        ("token-issued", 1) => Event::TokenIssued(from_bytes(record)?),
        ("token-revoked", 1) => Event::TokenRevoked(from_bytes(record)?),
        ("task-observed", 1) => Event::TaskObserved(from_bytes(record)?),
        ("task-gone", 1) => Event::TaskGone(from_bytes(record)?),
        ("session-logged", 1) => Event::SessionLogged(from_bytes(record)?),
        ("project-aliased", 1) => Event::ProjectAliased(from_bytes(record)?),
        (type_name, version) => {
            return Err(CodecError::Unknown { type_name: type_name.to_owned(), version });
        }
    })
}

/// The JSON Schema of every event type and version, as (file name, schema).
#[must_use]
pub fn schemas() -> Vec<(String, schemars::Schema)> {
    let named = |name: &str, version: u16, schema| (format!("{name}.v{version}.json"), schema);
    vec![
        named("usage-recorded", 1, schemars::schema_for!(UsageRecordedV1<'static>)),
        named("usage-recorded", 2, schemars::schema_for!(UsageRecorded<'static>)),
        named("usage-revised", 1, schemars::schema_for!(UsageRevisedV1<'static>)),
        named("usage-revised", 2, schemars::schema_for!(UsageRevised<'static>)),
        named("usage-told", 1, schemars::schema_for!(UsageToldV1<'static>)),
        named("usage-told", 2, schemars::schema_for!(UsageTold<'static>)),
        named("usage-metered", 1, schemars::schema_for!(UsageMeteredV1<'static>)),
        named("usage-metered", 2, schemars::schema_for!(UsageMetered<'static>)),
        named("usage-withdrawn", 1, schemars::schema_for!(UsageWithdrawnV1<'static>)),
        named("usage-withdrawn", 2, schemars::schema_for!(UsageWithdrawn<'static>)),
        named("budget-set", 1, schemars::schema_for!(BudgetSetV1)),
        named("budget-set", 2, schemars::schema_for!(BudgetSetV2)),
        named("budget-set", 3, schemars::schema_for!(BudgetSet)),
        named("budget-removed", 1, schemars::schema_for!(BudgetRemoved)),
        named("log-repaired", 1, schemars::schema_for!(LogRepaired)),
        named("supervision-noted", 1, schemars::schema_for!(SupervisionNoted)),
        named("source-changed", 1, schemars::schema_for!(SourceChanged)),
        named("access-refused", 1, schemars::schema_for!(AccessRefused)),
        named("goal-observed", 1, schemars::schema_for!(GoalObserved)),
        named("goal-gone", 1, schemars::schema_for!(GoalGone)),
        named("local-goal-set", 1, schemars::schema_for!(LocalGoalSet)),
        named("local-goal-closed", 1, schemars::schema_for!(LocalGoalClosed)),
        named("feed-started", 1, schemars::schema_for!(FeedStarted)),
        named("feed-stopped", 1, schemars::schema_for!(FeedStopped)),
        named("datapoint-intended", 1, schemars::schema_for!(DatapointIntended)),
        named("datapoint-written", 1, schemars::schema_for!(DatapointWritten)),
        named("datapoint-refused", 1, schemars::schema_for!(DatapointRefused)),
        named("alert-raised", 1, schemars::schema_for!(AlertRaised)),
        named("alert-graded", 1, schemars::schema_for!(AlertGraded)),
        named("alert-acknowledged", 1, schemars::schema_for!(AlertAcknowledged)),
        named("alert-resolved", 1, schemars::schema_for!(AlertResolved)),
        named("alert-queued", 1, schemars::schema_for!(AlertQueued)),
        named("attempt-started", 1, schemars::schema_for!(AttemptStarted)),
        named("attempt-ended", 1, schemars::schema_for!(AttemptEnded)),
        named("delivery-noted", 1, schemars::schema_for!(DeliveryNoted)),
        named("consent-changed", 1, schemars::schema_for!(ConsentChanged)),
        named("odometer-read", 1, schemars::schema_for!(OdometerRead)),
        named("odometer-corrected", 1, schemars::schema_for!(OdometerCorrected)),
        named("odometer-stopped", 1, schemars::schema_for!(OdometerStopped)),
        named("balance-read", 1, schemars::schema_for!(BalanceReadV1)),
        named("balance-read", 2, schemars::schema_for!(BalanceRead)),
        named("balance-topped-up", 1, schemars::schema_for!(BalanceToppedUp)),
        named("cost-reported", 1, schemars::schema_for!(CostReported)),
        named("usage-reported", 1, schemars::schema_for!(UsageReported)),
        named("quota-read", 1, schemars::schema_for!(QuotaRead)),
        named("virtual-budget-set", 1, schemars::schema_for!(VirtualBudgetSet)),
        named("spend-overridden", 1, schemars::schema_for!(SpendOverriddenV1)),
        named("spend-overridden", 2, schemars::schema_for!(SpendOverridden)),
        named("override-ended", 1, schemars::schema_for!(OverrideEnded)),
        named("limit-requested", 1, schemars::schema_for!(LimitRequested)),
        named("limit-granted", 1, schemars::schema_for!(LimitGranted)),
        named("limit-refused", 1, schemars::schema_for!(LimitRefused)),
        named("limit-withdrawn", 1, schemars::schema_for!(LimitWithdrawn)),
        named("token-issued", 1, schemars::schema_for!(TokenIssued)),
        named("token-revoked", 1, schemars::schema_for!(TokenRevoked)),
        named("task-observed", 1, schemars::schema_for!(TaskObserved)),
        named("task-gone", 1, schemars::schema_for!(TaskGone)),
        named("session-logged", 1, schemars::schema_for!(SessionLogged)),
        named("project-aliased", 1, schemars::schema_for!(ProjectAliased)),
    ]
}

/// The bytes of any payload type, for the golden files.
///
/// # Panics
/// As [`encode`].
pub fn to_bytes<T: Serialize>(payload: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(payload, CONFIG).expect("plain data into a growing buffer")
}

fn from_bytes<'a, T: Deserialize<'a>>(record: &RecordRef<'a>) -> Result<T, CodecError> {
    let malformed = |detail: String| CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail,
    };
    let (payload, read) = bincode::serde::borrow_decode_from_slice(record.payload, CONFIG)
        .map_err(|error| malformed(error.to_string()))?;
    if read != record.payload.len() {
        return Err(malformed(format!("{} bytes are left over", record.payload.len() - read)));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests;
