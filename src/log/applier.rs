//! The applier: a thread that brings sled up to the journal, some way behind the acknowledgement.
//!
//! It reads the blocks from the journal, so nothing waits in memory however far it trails, and it
//! waits a moment for more: sled pays by the item, and a run of many small blocks is one item.

use std::sync::Arc;
use std::time::Duration;

use super::block::{BLOCK_BYTES_MAX, Block};
use super::shared::{Shared, lock, read};
use super::store::Store;
use crate::event::Position;

/// How long a block may wait for others to share its run.
const LINGER: Duration = Duration::from_millis(100);

/// Runs until the log closes or sled fails.
pub(super) fn run(shared: &Arc<Shared>) {
    let Some(store) = &shared.store else {
        return;
    };
    while let Some(applied) = wait(shared) {
        let head = shared.head.borrow().position;
        match apply_until(shared, store, applied, head) {
            Ok(applied) => {
                lock(&shared.trail).applied = applied;
                shared.trail_moved.notify_all();
                if shared.head.borrow().position == applied {
                    store.rest();
                }
            }
            Err(detail) => {
                tracing::error!(%detail, "the log's second copy has failed; the journal carries on alone");
                lock(&shared.trail).failed = Some(detail);
                shared.trail_moved.notify_all();
                return;
            }
        }
    }
}

/// Waits until there is something to apply; `None` when the log closes and there is nothing.
fn wait(shared: &Shared) -> Option<Position> {
    let behind = |applied| shared.head.borrow().position > applied;
    let mut trail = lock(&shared.trail);
    while !behind(trail.applied) {
        if trail.closing {
            return None;
        }
        trail = shared.trail_moved.wait(trail).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    if !trail.closing && trail.waiting_bytes < BLOCK_BYTES_MAX {
        let full = |trail: &mut super::shared::Trail| !trail.closing && trail.waiting_bytes < BLOCK_BYTES_MAX;
        (trail, _) = shared
            .trail_moved
            .wait_timeout_while(trail, LINGER, full)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    trail.waiting_bytes = 0;
    Some(trail.applied)
}

/// Applies what the journal has behind `applied`, up to `head`, a run at a time.
fn apply_until(
    shared: &Shared,
    store: &Store,
    applied: Position,
    head: Position,
) -> Result<Position, String> {
    let mut next = applied.next();
    let mut buffer = Vec::new();
    while next <= head {
        let span = read(&shared.journal).span(next, head, BLOCK_BYTES_MAX);
        let span = span.ok_or("the journal's directory ends before the head")?;
        span.read(&mut buffer);
        let mut offset = 0;
        for (first, len) in &span.blocks {
            let bytes = buffer.get(offset..offset + len).unwrap_or_default();
            Block::read_at(bytes, *first)
                .map_err(|error| format!("the journal is damaged at position {first}: {error}"))?;
            offset += len;
        }
        store.apply(next, &buffer).map_err(|error| error.to_string())?;
        next = span.end;
        lock(&shared.trail).applied = Position(next.0 - 1);
    }
    Ok(Position(next.0 - 1))
}
