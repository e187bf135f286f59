//! Snapshots of the views, so that a start does not fold the whole log.
//!
//! A snapshot is only a cache. One with another schema, a wrong checksum, or of another log (the event at its
//! position has another id) is ignored, and the views are folded from the first event. `replay` and `verify`
//! never use one. The same log gives the same bytes.
//!
//! ```text
//! 4 magic "MCVS"   4 schema   n bincode of [`Stored`]   4 CRC32C of everything before
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::access::refusals::Refused;
use crate::domain::access::register::Register;
use crate::domain::alert::book::AlertState;
use crate::domain::alert::rules::SourceFact;
use crate::domain::allowance::Allowance;
use crate::domain::budget::Budget;
use crate::domain::consent::Consents;
use crate::domain::datapoint::Ledger;
use crate::domain::goal::Goal;
use crate::domain::limit_request::LimitRequests;
use crate::domain::local_goals::LocalGoals;
use crate::domain::odometer::Odometer;
use crate::domain::quota::Quotas;
use crate::domain::report::Reports;
use crate::event::payload::{BudgetSet, GoalObserved};
use crate::event::{EventId, Position, TenantId};
use crate::log::{EventLog, LogError};

use super::balances::BalanceView;
use super::shared::Shared;
use super::spend::{SpendView, StoredSpend};
use super::{TenantView, Views};

const MAGIC: [u8; 4] = *b"MCVS";

/// Version of the views' content and of their folds: increment it when either changes.
pub const SCHEMA: u32 = 17;

/// Maximum size: some millions of sessions.
const LIMIT: usize = 1 << 30;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Fixint,
    bincode::config::Limit<LIMIT>,
> = bincode::config::legacy().with_limit::<LIMIT>();

#[derive(Serialize, Deserialize)]
struct Stored {
    position: u64,
    /// Id of the event at that position.
    event: [u8; 16],
    recorded_at_us: Option<i64>,
    tenants: Vec<StoredTenant>,
}

#[derive(Serialize, Deserialize)]
struct StoredTenant {
    tenant: String,
    spend: StoredSpend,
    balances: Shared<BalanceView>,
    odometer: Shared<Odometer>,
    reports: Shared<Reports>,
    quotas: Shared<Quotas>,
    allowance: Shared<Allowance>,
    requests: Shared<LimitRequests>,
    tokens: Shared<Register>,
    budgets: Vec<BudgetSet>,
    goals: Vec<GoalObserved>,
    goals_told_at: Option<Timestamp>,
    local_goals: Shared<LocalGoals>,
    ledger: Shared<Ledger>,
    alerts: Shared<AlertState>,
    consents: Shared<Consents>,
    sources: Shared<BTreeMap<String, SourceFact>>,
    gave_up: Shared<BTreeMap<String, Timestamp>>,
    refused: Shared<Refused>,
    incidents: u64,
}

/// Serializes the views; none if they are empty.
///
/// # Errors
/// [`LogError`]: the event at the views' position cannot be read.
pub fn to_bytes(views: &Views, log: &dyn EventLog) -> Result<Option<Vec<u8>>, LogError> {
    let Some(event) = log.get(views.position)? else { return Ok(None) };
    let tenant = |(tenant, view): (&TenantId, &Arc<TenantView>)| StoredTenant {
        tenant: tenant.to_string(),
        spend: view.spend.to_stored(),
        balances: view.balances.clone(),
        odometer: view.odometer.clone(),
        reports: view.reports.clone(),
        quotas: view.quotas.clone(),
        allowance: view.allowance.clone(),
        requests: view.requests.clone(),
        tokens: view.tokens.clone(),
        budgets: view.budgets.values().map(BudgetSet::from).collect(),
        goals: view.goals.values().map(GoalObserved::from).collect(),
        goals_told_at: view.goals_told_at,
        local_goals: view.local_goals.clone(),
        ledger: view.ledger.clone(),
        alerts: view.alerts.clone(),
        consents: view.consents.clone(),
        sources: view.sources.clone(),
        gave_up: view.gave_up.clone(),
        refused: view.refused.clone(),
        incidents: view.incidents,
    };
    let stored = Stored {
        position: views.position.0,
        event: event.id.0,
        recorded_at_us: views.recorded_at.map(Timestamp::as_microsecond),
        tenants: views.tenants.iter().map(tenant).collect(),
    };
    let mut bytes = [MAGIC.as_slice(), &SCHEMA.to_le_bytes()].concat();
    match bincode::serde::encode_to_vec(&stored, CONFIG) {
        Ok(body) => bytes.extend_from_slice(&body),
        Err(error) => {
            tracing::warn!(%error, "the views cannot be kept");
            return Ok(None);
        }
    }
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    Ok(Some(bytes))
}

/// Decodes a snapshot that uses all of its bytes. bincode allocates a length before reading it, so the limit
/// is bounded by the snapshot's size, in steps, because bincode's limit is a constant.
fn stored(body: &[u8]) -> Option<Stored> {
    const MIB: usize = 1 << 20;
    const SIXTEEN_MIB: usize = 16 * MIB;
    const QUARTER_GIB: usize = 256 * MIB;
    fn up_to<const MOST: usize>(body: &[u8]) -> Option<Stored> {
        let config = bincode::config::legacy().with_limit::<MOST>();
        let (stored, read) = bincode::serde::decode_from_slice(body, config).ok()?;
        (read == body.len()).then_some(stored)
    }
    match body.len() {
        0..MIB => up_to::<MIB>(body),
        MIB..SIXTEEN_MIB => up_to::<SIXTEEN_MIB>(body),
        SIXTEEN_MIB..QUARTER_GIB => up_to::<QUARTER_GIB>(body),
        QUARTER_GIB.. => up_to::<LIMIT>(body),
    }
}

/// The views of a snapshot of this log; none if it cannot be trusted.
///
/// # Errors
/// [`LogError`]: the event that the snapshot names cannot be read. A damaged snapshot is not an error: it is
/// ignored.
pub fn from_bytes(bytes: &[u8], log: &dyn EventLog) -> Result<Option<Views>, LogError> {
    let Some(stored) = whole(bytes) else { return Ok(None) };
    let event = match log.get(Position(stored.position)) {
        Err(LogError::Corrupt { .. }) => None,
        event => event?,
    };
    Ok(event.filter(|event| event.id == EventId(stored.event)).and_then(|_| views(stored)))
}

/// Decodes a snapshot with this schema and a valid checksum.
fn whole(bytes: &[u8]) -> Option<Stored> {
    let (covered, crc) = bytes.split_last_chunk()?;
    if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) {
        return None;
    }
    stored(covered.strip_prefix(&MAGIC)?.strip_prefix(&SCHEMA.to_le_bytes())?)
}

fn views(stored: Stored) -> Option<Views> {
    let mut tenants = BTreeMap::new();
    for tenant in stored.tenants {
        let budgets = tenant.budgets.iter().map(|budget| Budget::try_from(budget).ok());
        let budgets: Option<Vec<Budget>> = budgets.collect();
        let by_name = |budgets: Vec<Budget>| -> BTreeMap<_, _> {
            budgets.into_iter().map(|budget| (budget.name.clone(), budget)).collect()
        };
        let by_id = |goals: &[GoalObserved]| -> BTreeMap<_, _> {
            goals.iter().map(|goal| (goal.id.clone(), Goal::from(goal))).collect()
        };
        let view = TenantView {
            spend: SpendView::from_stored(tenant.spend)?,
            balances: tenant.balances,
            odometer: tenant.odometer,
            reports: tenant.reports,
            quotas: tenant.quotas,
            allowance: tenant.allowance,
            requests: tenant.requests,
            tokens: tenant.tokens,
            budgets: by_name(budgets?).into(),
            goals: by_id(&tenant.goals).into(),
            goals_told_at: tenant.goals_told_at,
            local_goals: tenant.local_goals,
            ledger: tenant.ledger,
            alerts: tenant.alerts,
            consents: tenant.consents,
            sources: tenant.sources,
            gave_up: tenant.gave_up,
            refused: tenant.refused,
            incidents: tenant.incidents,
        };
        tenants.insert(TenantId::new(tenant.tenant), Arc::new(view));
    }
    let recorded_at = stored.recorded_at_us.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    Some(Views { position: Position(stored.position), recorded_at, tenants })
}
