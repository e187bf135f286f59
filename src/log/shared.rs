//! What the log's threads and its readers share, and how blocks are read: from the journal, and from
//! the second copy where the journal is damaged.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use super::block::{Block, BlockError};
use super::disk::Disk;
use super::index::Index;
use super::journal::Journal;
use super::store::Store;
use super::{Head, LogError};
use crate::event::{EventId, Position};

/// A scan reads this much at a time.
const SPAN_BYTES: usize = 1024 * 1024;
/// Damaged places that are remembered until they are healed.
const DAMAGE_MAX: usize = 1024;

/// Why appends are refused for good, until the cause is mended.
#[derive(Debug, Clone)]
pub(super) struct ReadOnly {
    pub reason: String,
    pub fix: String,
}

impl ReadOnly {
    pub fn error(&self) -> LogError {
        LogError::ReadOnly { reason: self.reason.clone(), fix: self.fix.clone() }
    }
}

/// How far the second copy has come; see `applier.rs`.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// The last position that sled has.
    pub applied: Position,
    /// Bytes that wait for sled.
    pub waiting_bytes: usize,
    /// The log is closing: apply the rest and end.
    pub closing: bool,
    /// sled failed; the journal carries on alone.
    pub failed: Option<String>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub journal_dir: PathBuf,
    pub reserve_bytes: u64,
    pub journal: RwLock<Journal>,
    pub index: RwLock<Index>,
    /// `None` when sled could not be opened at all.
    pub store: Option<Store>,
    pub head: watch::Sender<Head>,
    /// Set by the writer's latch, or from the start of a log that was opened to be read.
    pub read_only: RwLock<Option<ReadOnly>>,
    /// Bytes of appends that wait for the writer.
    pub queued_bytes: AtomicUsize,
    pub trail: Mutex<Trail>,
    /// Wakes the applier, and those who wait for it.
    pub trail_moved: Condvar,
    /// Blocks of the journal that a reader found damaged and took from sled.
    pub damage: Mutex<BTreeMap<Position, String>>,
}

/// A panic while a lock was held leaves data that is whole: every critical section here assigns last.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Called for each block of a read.
pub(super) type VisitBlock<'a> = dyn FnMut(&Block<'_>) -> Result<ControlFlow<()>, LogError> + 'a;

impl Shared {
    /// Visits the blocks that hold `from` to `until`, in order, each checked by its CRC32C.
    pub fn blocks(
        &self,
        from: Position,
        until: Position,
        visit: &mut VisitBlock<'_>,
    ) -> Result<(), LogError> {
        let until = until.min(self.head.borrow().position);
        let mut next = from.max(Position::FIRST);
        let mut buffer = Vec::new();
        while next <= until {
            let Some(span) = read(&self.journal).span(next, until, SPAN_BYTES) else {
                return Ok(());
            };
            span.read(&mut buffer);
            let mut offset = 0;
            for (first, len) in &span.blocks {
                let bytes = buffer.get(offset..offset + len).unwrap_or_default();
                let flow = match Block::read_at(bytes, *first) {
                    Ok(block) => visit(&block)?,
                    Err(error) => {
                        let healthy = self.stored_block(*first, &error)?;
                        visit(&Block::read_at(&healthy, *first).map_err(|error| corrupt(*first, &error))?)?
                    }
                };
                if flow.is_break() {
                    return Ok(());
                }
                offset += len;
            }
            next = span.end;
        }
        Ok(())
    }

    /// The second copy of a block that the journal has damaged; notes the damage to be healed.
    fn stored_block(&self, first: Position, error: &BlockError) -> Result<Vec<u8>, LogError> {
        let healthy = self.store.as_ref().and_then(|store| store.block(first));
        let healthy = healthy.ok_or_else(|| corrupt(first, error))?;
        tracing::warn!(position = %first, %error, "a block of the journal is damaged; read from sled");
        let mut damage = lock(&self.damage);
        if damage.len() < DAMAGE_MAX {
            damage.insert(first, error.to_string());
        }
        Ok(healthy)
    }

    /// The last position of the block that holds a position.
    pub fn end_of_block(&self, position: Position) -> Position {
        let end = read(&self.journal).span(position, position, 1).map_or(position.next(), |span| span.end);
        Position(end.0 - 1)
    }

    /// The ids of the block that holds a position, with the block's first position.
    pub fn ids_of_block(&self, position: Position) -> Result<(Position, Vec<EventId>), LogError> {
        let (mut first, mut ids) = (position, Vec::new());
        self.blocks(position, position, &mut |block| {
            first = block.header().first;
            for record in block.records() {
                ids.push(record.map_err(|error| corrupt(first, &error))?.id);
            }
            Ok(ControlFlow::Break(()))
        })?;
        Ok((first, ids))
    }

    /// Why appends are refused just now: the latch, or the disk.
    pub fn refusal(&self, needed_bytes: u64) -> Option<ReadOnly> {
        let latched = read(&self.read_only).clone();
        latched.or_else(|| self.disk_full(needed_bytes))
    }

    fn disk_full(&self, needed_bytes: u64) -> Option<ReadOnly> {
        // A file system that cannot say how full it is does not stop the log: the write itself will tell.
        let free = self.disk.free_bytes(&self.journal_dir).unwrap_or(u64::MAX);
        let wanted = self.reserve_bytes.saturating_add(needed_bytes);
        (free < wanted).then(|| ReadOnly {
            reason: format!(
                "the disk is full: {} MiB are free, {} MiB is the reserve",
                free >> 20,
                wanted >> 20
            ),
            fix: format!(
                "free {} MiB or more on the disk of {}, or lower the log's reserve",
                ((wanted - free) >> 20) + 1,
                self.journal_dir.display()
            ),
        })
    }
}

/// Gives the ids of blocks, and remembers the last few: a re-import asks for neighbours.
#[derive(Debug, Default)]
pub(super) struct IdCache(Vec<(Position, Vec<EventId>)>);

impl IdCache {
    const BLOCKS: usize = 16;

    pub fn id_at(&mut self, shared: &Shared, position: Position) -> Result<EventId, LogError> {
        let within = |(first, ids): &(Position, Vec<EventId>)| {
            let index = usize::try_from(position.0.checked_sub(first.0)?).ok()?;
            ids.get(index).copied()
        };
        if let Some(id) = self.0.iter().rev().find_map(within) {
            return Ok(id);
        }
        if self.0.len() == Self::BLOCKS {
            self.0.remove(0);
        }
        let block = shared.ids_of_block(position)?;
        let id = within(&block).ok_or_else(|| corrupt(position, &BlockError::Records))?;
        self.0.push(block);
        Ok(id)
    }
}

/// Neither copy can give the block at a position.
pub(super) fn corrupt(position: Position, error: &BlockError) -> LogError {
    LogError::Corrupt { position, detail: error.to_string() }
}
