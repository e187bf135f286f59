//! The readings of balances as the log has them, and the one way to add one.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::balance::{BalanceError, Reading, Readings, Source, decide, evolve, parse_amount};
use crate::event::codec::{CodecError, decode};
use crate::event::payload::BalanceRead;
use crate::event::{Event, EventId, Metadata, Position, RecordRef, StreamId, TenantId, Version};
use crate::log::{Append, EventLog, Expected, LogError};
use crate::view::ViewError;
use crate::view::balances::BalanceLine;

use super::recorder::new_event;

/// The stream of all readings of a tenant.
const STREAM: &str = "balances";
/// How often a reading is decided at most, where another came between.
const DECISIONS_MAX: usize = 4;

/// Why a reading was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BalanceFailure {
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] BalanceError),
    /// The log refused it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The readings there are cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ViewError),
}

/// A reading to record. Amounts are decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceBody {
    /// What is left.
    #[schema(example = "13.92")]
    pub left_usd: String,
    /// What was bought in all.
    #[serde(default)]
    #[schema(example = "24.02")]
    pub total_usd: Option<String>,
    /// Who is paid; `anthropic` where absent.
    #[serde(default = "anthropic")]
    #[schema(example = "anthropic")]
    pub provider: String,
    /// When it was read; now where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

impl BalanceBody {
    fn into_reading(self, now: Timestamp) -> Result<Reading, BalanceError> {
        Ok(Reading {
            provider: self.provider,
            left: parse_amount(&self.left_usd)?,
            total: self.total_usd.as_deref().map(parse_amount).transpose()?,
            // The log keeps microseconds: the same reading told twice shall be the same.
            taken_at: Timestamp::from_microsecond(self.at.unwrap_or(now).as_microsecond()).unwrap_or(now),
            source: Source::Hand,
        })
    }
}

/// The balances, by provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balances {
    /// By provider; those that were never read are not among them.
    pub balances: Vec<BalanceLine>,
}

/// Records a reading; blocks. The event's position, or none where the very same one is there.
///
/// # Errors
/// [`BalanceFailure`].
pub fn record(
    log: &dyn EventLog,
    tenant: &TenantId,
    body: BalanceBody,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, BalanceFailure> {
    let reading = body.into_reading(now)?;
    for _ in 1..DECISIONS_MAX {
        match record_once(log, tenant, reading.clone(), now, actor) {
            Err(BalanceFailure::Log(LogError::Conflict { .. })) => {}
            other => return other,
        }
    }
    record_once(log, tenant, reading, now, actor)
}

fn record_once(
    log: &dyn EventLog,
    tenant: &TenantId,
    reading: Reading,
    now: Timestamp,
    actor: &'static str,
) -> Result<Option<Position>, BalanceFailure> {
    let (readings, version) = load(log, tenant)?;
    let Some(reading) = decide(&readings, reading, now)? else { return Ok(None) };
    let metadata =
        Metadata { actor: actor.into(), trace: crate::telemetry::current_trace(), ..Metadata::default() };
    let event = Event::BalanceRead(BalanceRead::from(&reading));
    let append = Append {
        tenant: tenant.clone(),
        stream: StreamId::new(STREAM),
        expected: Expected::at(version),
        events: vec![new_event(EventId::random(), &event, reading.taken_at, &metadata)],
    };
    let appended = log.append(append).wait()?;
    Ok(appended.outcomes.first().map(|outcome| outcome.position()))
}

/// Reads the last readings from the log. Blocks.
fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Readings, Version), ViewError> {
    let (mut readings, mut version, mut failure) = (Readings::new(), Version::NONE, None);
    log.scan_stream(tenant, &StreamId::new(STREAM), Version(1), &mut |record| {
        match reading_of(record) {
            Ok(reading) => reading.into_iter().for_each(|reading| evolve(&mut readings, reading)),
            Err(source) => {
                failure = Some(ViewError::Event { position: record.position, source });
                return ControlFlow::Break(());
            }
        }
        version = record.version;
        ControlFlow::Continue(())
    })?;
    failure.map_or(Ok((readings, version)), Err)
}

fn reading_of(record: &RecordRef<'_>) -> Result<Option<Reading>, CodecError> {
    let Event::BalanceRead(stored) = decode(record)? else { return Ok(None) };
    let malformed = |detail: String| CodecError::Malformed {
        type_name: record.type_name.to_owned(),
        version: record.schema_version,
        detail,
    };
    stored.to_reading(record.occurred_at).map(Some).map_err(|error| malformed(error.to_string()))
}
