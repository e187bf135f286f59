//! State shared by the log's threads and its readers, and reading blocks: from the journal, or from the
//! second copy if the journal is damaged.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::event::{EventId, Position, StreamId, TenantId, Version};

use super::block::{Block, BlockError};
use super::disk::Disk;
use super::index::Index;
use super::journal::{Journal, Span};
use super::page::{PAGE_BYTES, Page};
use super::store::Store;
use super::{Head, LogError};

/// Maximum number of damaged places that are remembered until they are healed.
const DAMAGE_MAX: usize = 1024;

/// Why appends are refused until the cause is fixed.
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

/// How far the second copy is; see `applier.rs`.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// The last position that sled has.
    pub applied: Position,
    /// Bytes that wait for sled.
    pub waiting_bytes: usize,
    /// The log is closing: apply the rest and stop.
    pub closing: bool,
    /// sled failed; the journal continues alone.
    pub failed: Option<String>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub journal_dir: PathBuf,
    pub reserve_bytes: u64,
    pub journal: RwLock<Journal>,
    pub index: RwLock<Index>,
    /// `None` if sled could not be opened at all.
    pub store: Option<Store>,
    pub head: watch::Sender<Head>,
    /// Set after a failed write, or from the start if the log was opened read-only.
    pub read_only: RwLock<Option<ReadOnly>>,
    /// Bytes of appends that wait for the writer.
    pub queued_bytes: AtomicUsize,
    pub trail: Mutex<Trail>,
    /// Wakes the applier, and threads that wait for it.
    pub trail_moved: Condvar,
    /// Blocks of the journal that a reader found damaged and took from sled.
    pub damage: Mutex<BTreeMap<Position, String>>,
}

/// A panic while a lock was held leaves consistent data: every critical section here assigns last.
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

/// Called for each block of a page, with the range of its records in the page, and the page's runs.
type TakeBlock<'a> = dyn FnMut(&Block<'_>, Range<usize>, &mut Vec<Range<usize>>) -> Result<(), LogError> + 'a;

impl Shared {
    /// Visits the blocks from `from` to `until` in order, each checked by its CRC32C.
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
            let Some(span) = read(&self.journal).span(next, until, PAGE_BYTES) else {
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

    /// Fills a page with at most `limit` records from `from` on; see [`super::EventLog::read`].
    pub fn page(&self, from: Position, limit: u64, page: &mut Page) -> Result<(), LogError> {
        page.clear();
        let from = from.max(Position::FIRST);
        let until = Position(from.0.saturating_add(limit).saturating_sub(1)).min(self.head.borrow().position);
        if from > until {
            return Ok(());
        }
        let Some(span) = read(&self.journal).span(from, until, PAGE_BYTES) else {
            return Err(corrupt(from, &BlockError::NoMagic));
        };
        let mut last = None;
        let taken = self.take_span(&span, 0, page, &mut |block, run, runs| {
            last = Some(block.header().last());
            runs.push(run);
            Ok(())
        });
        // The records before the damage are served; the next page begins with it and reports it.
        let Some(last) = last else { return taken.map(drop) };
        page.first = span.blocks.first().map_or(from, |(first, _)| *first);
        page.skip = from.0 - page.first.0;
        page.len = (last.min(until).0 + 1).saturating_sub(from.0);
        if page.len == 0 { taken.map(drop) } else { Ok(()) }
    }

    /// The same with the records of one stream; see [`super::EventLog::read_stream`].
    pub fn stream_page(
        &self,
        (tenant, stream): (&TenantId, &StreamId),
        from: Version,
        limit: u64,
        page: &mut Page,
    ) -> Result<(), LogError> {
        page.clear();
        let head = self.head.borrow().position;
        let mut next = from.max(Version(1));
        let (mut used, mut read_to) = (0, Position::START);
        loop {
            let range = read(&self.index).range(tenant, stream, next);
            let Some((first, last)) = range.filter(|(first, last)| *first <= head && *last > read_to) else {
                return Ok(());
            };
            let mut position = first.max(read_to.next());
            while position <= last.min(head) {
                if page.len == limit || (used >= PAGE_BYTES && page.len > 0) {
                    return Ok(());
                }
                let Some(span) = read(&self.journal).span(position, last.min(head), PAGE_BYTES) else {
                    break;
                };
                let (mut len, mut version) = (page.len, next);
                let taken = self.take_span(&span, used, page, &mut |block, run, runs| {
                    let mut at = run.start;
                    for record in block.records() {
                        let record = record.map_err(|error| corrupt(block.header().first, &error))?;
                        let end = at + record.encoded_len();
                        let is_wanted = record.version >= version
                            && record.stream == stream.as_str()
                            && record.tenant == tenant.as_str();
                        if is_wanted && len < limit {
                            (len, version) = (len + 1, record.version.next());
                            match runs.last_mut() {
                                Some(last) if last.end == at => last.end = end,
                                _ => runs.push(at..end),
                            }
                        }
                        at = end;
                    }
                    Ok(())
                });
                if page.len == 0 {
                    page.first = position;
                }
                (page.len, next) = (len, version);
                match taken {
                    Ok(end) => used = end,
                    // The records before the damage are served; the next page begins with it and reports it.
                    Err(_) if page.len > 0 => return Ok(()),
                    Err(error) => return Err(error),
                }
                position = span.end;
            }
            read_to = last;
        }
    }

    /// Reads a span into a page at `at`, and passes on each of its blocks, checked by its CRC32C, with the
    /// range of its records in the page and the page's runs. Returns the end of what was read.
    fn take_span(
        &self,
        span: &Span,
        at: usize,
        page: &mut Page,
        take: &mut TakeBlock<'_>,
    ) -> Result<usize, LogError> {
        let end = at + span.read_to(&mut page.bytes, at);
        // Blocks from the second copy are placed after what was read.
        let (mut offset, mut healed) = (at, at + span.bytes());
        for (first, len) in &span.blocks {
            let journal = page.bytes.get(..end).and_then(|bytes| bytes.get(offset..offset + len));
            match Block::read_at(journal.unwrap_or_default(), *first) {
                Ok(block) => {
                    let body = block.body();
                    take(&block, offset + body.start..offset + body.end, &mut page.runs)?;
                }
                Err(error) => {
                    let copy = self.stored_block(*first, &error)?;
                    let block = Block::read_at(&copy, *first).map_err(|error| corrupt(*first, &error))?;
                    let body = block.body();
                    take(&block, healed + body.start..healed + body.end, &mut page.runs)?;
                    page.bytes.truncate(healed);
                    page.bytes.extend_from_slice(&copy);
                    healed += copy.len();
                }
            }
            offset += len;
        }
        Ok(healed)
    }

    /// The second copy's version of a block that is damaged in the journal; notes the damage for healing.
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

    /// Why appends are currently refused: a failed write, or the disk's free space.
    pub fn refusal(&self, needed_bytes: u64) -> Option<ReadOnly> {
        let latched = read(&self.read_only).clone();
        latched.or_else(|| self.disk_full(needed_bytes))
    }

    fn disk_full(&self, needed_bytes: u64) -> Option<ReadOnly> {
        // A file system that cannot report its free space does not stop the log: the write itself will tell.
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

/// Reads the ids of blocks, and remembers the last few: a repeated import asks for neighbours.
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

/// The error for a block that neither copy has.
pub(super) fn corrupt(position: Position, error: &BlockError) -> LogError {
    LogError::Corrupt { position, detail: error.to_string() }
}
