//! The applier: a thread that applies the journal to sled, some way behind the acknowledgement.
//!
//! It reads the blocks from the journal, so its lag costs no memory. It lingers briefly to batch blocks:
//! sled's cost is per item, and a run of many small blocks is one item.

use std::sync::Arc;
use std::time::Duration;

use crate::event::Position;

use super::block::{BLOCK_BYTES_MAX, Block};
use super::shared::{Shared, lock, read};
use super::store::Store;

/// How long a block may wait for others to share its run.
const LINGER: Duration = Duration::from_millis(100);

/// The first pause before a failed copy is retried; it doubles each time.
const PAUSE: Duration = Duration::from_secs(1);
/// Maximum pause.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Runs until the log closes. If sled fails, as on a full disk, it is reopened and retried.
pub(super) fn run(shared: &Arc<Shared>) {
    let Some(store) = &shared.store else {
        return;
    };
    let mut pause = PAUSE;
    while let Some(applied) = wait(shared) {
        let head = shared.head.borrow().position;
        match apply_until(shared, store, applied, head) {
            Ok(applied) => {
                if succeed(shared, applied) {
                    tracing::warn!("the log's second copy is written again");
                }
                pause = PAUSE;
                if shared.head.borrow().position == applied {
                    store.rest();
                }
            }
            Err(detail) => {
                if fail(shared, &detail) {
                    tracing::error!(
                        %detail,
                        "the log's second copy has failed; the journal carries on alone, and the copy is tried again"
                    );
                }
                if !rest(shared, pause) {
                    return;
                }
                pause = (pause * 2).min(PAUSE_MAX);
                // What sled accepted but did not keep shows in what it has now.
                match store.reopen() {
                    Ok(applied) => lock(&shared.trail).applied = applied.min(head),
                    Err(error) => drop(fail(shared, &error.to_string())),
                }
            }
        }
    }
}

/// Marks the second copy as complete up to a position. Returns whether it had failed before.
fn succeed(shared: &Shared, applied: Position) -> bool {
    let mut trail = lock(&shared.trail);
    trail.applied = applied;
    let had_failed = trail.failed.take().is_some();
    drop(trail);
    shared.trail_moved.notify_all();
    had_failed
}

/// Marks the second copy as failed. Returns whether that is a change.
fn fail(shared: &Shared, detail: &str) -> bool {
    let is_news = lock(&shared.trail).failed.replace(detail.to_owned()).is_none();
    shared.trail_moved.notify_all();
    is_news
}

/// Sleeps. Returns false if the log closes.
fn rest(shared: &Shared, pause: Duration) -> bool {
    let trail = lock(&shared.trail);
    let waited = shared.trail_moved.wait_timeout_while(trail, pause, |trail| !trail.closing);
    !waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.closing
}

/// Waits until there is something to apply; `None` if the log closes and nothing is left.
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

/// Applies the journal's blocks after `applied`, up to `head`, a run at a time.
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
