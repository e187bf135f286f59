//! Replay: rebuilds the views from the first event, trusting nothing but the log.

use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::event::{Position, TenantId};
use crate::log::{EventLog, Page};

use super::{Horizon, ViewError, Views};

/// How far to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// To the head.
    #[default]
    Head,
    /// To this position.
    Position(Position),
    /// What had been recorded by an instant: the state as known then.
    Recorded(Timestamp),
    /// What had occurred by an instant, as known now.
    Occurred(Timestamp),
}

/// Rebuilds the views, of all tenants or of one. `progress` receives (events done, total events) from time to
/// time.
///
/// # Errors
/// [`ViewError`] names the position of the event that could not be read.
pub fn replay(
    log: &dyn EventLog,
    until: Until,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Views, ViewError> {
    replay_of(log, None, until, progress)
}

/// The same for one tenant, if one is named: other tenants' events are skipped unread.
///
/// # Errors
/// As [`replay`].
pub fn replay_of(
    log: &dyn EventLog,
    tenant: Option<&TenantId>,
    until: Until,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Views, ViewError> {
    let head = log.head()?.position;
    let (last, horizon) = match until {
        Until::Head => (head, Horizon::Unbounded),
        Until::Position(position) => (position.min(head), Horizon::Unbounded),
        Until::Recorded(instant) => (log.position_at(instant)?, Horizon::Unbounded),
        Until::Occurred(instant) => (head, Horizon::OccurredBy(instant)),
    };
    let mut views = Views::default();
    apply_all(log, &mut views, tenant, (last, horizon), progress)?;
    Ok(views)
}

/// Applies the events after the views' position, up to `last`.
///
/// # Errors
/// As [`replay`]; the events before the failure have been applied.
pub fn catch_up(
    log: &dyn EventLog,
    views: &mut Views,
    last: Position,
    horizon: Horizon,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), ViewError> {
    apply_all(log, views, None, (last, horizon), progress)
}

fn apply_all(
    log: &dyn EventLog,
    views: &mut Views,
    tenant: Option<&TenantId>,
    (last, horizon): (Position, Horizon),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), ViewError> {
    /// Events between two progress reports.
    const STEP: u64 = 16_384;
    let from = views.position.next();
    if from > last {
        return Ok(());
    }
    let mut failure = None;
    log.scan(from, last, &mut |record| {
        if tenant.is_some_and(|tenant| record.tenant != tenant.as_str()) {
            views.pass(record);
        } else if let Err(error) = views.apply(record, horizon) {
            failure = Some(error);
            return ControlFlow::Break(());
        }
        if record.position.0.is_multiple_of(STEP) {
            progress(record.position.0, last.0);
        }
        ControlFlow::Continue(())
    })?;
    progress(views.position.0, last.0);
    failure.map_or(Ok(()), Err)
}

/// Applies a page that begins after the views' position. Does not block.
///
/// # Errors
/// As [`replay`]; the events before the failure have been applied.
pub fn apply_page(page: &Page, views: &mut Views, horizon: Horizon) -> Result<(), ViewError> {
    let mut failure = None;
    let visited = page.visit(&mut |record| match views.apply(record, horizon) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    });
    visited.map_err(ViewError::from).and_then(|_| failure.map_or(Ok(()), Err))
}
