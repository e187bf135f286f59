//! The log on disk: the journal that makes it durable, sled that it is read from, and the index over both.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::event::{EventId, Position, StreamId, TenantId, Version};

use super::block::Block;
use super::index::{BlockEntry, Index};
use super::journal::{self, Journal};
use super::recover::{Repair, recover};
use super::store::{Store, StoreError};
use super::writer::{Applied, Request, Writer};
use super::{Append, Appending, EventLog, Head, LogError, Visit};

/// Blocks that may wait for sled: 16 MiB.
const APPLIER_QUEUE: usize = 256;

/// A lock outlives its process for a moment where a child was being started just then: the child
/// holds it too until it has become its own program.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// How the log is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Events are refused when less of the disk is free, in bytes.
    pub reserve: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { reserve: 64 * 1024 * 1024 }
    }
}

/// What opening found and mended.
#[derive(Debug, Clone, Default)]
pub struct OpenReport {
    /// What was mended.
    pub repairs: Vec<Repair>,
    /// Bytes of a write that was never acknowledged, cut off.
    pub torn_bytes: u64,
}

/// What the writer and the readers share.
pub struct Shared {
    index: RwLock<Index>,
    /// The journal's segments, for reading.
    segments: RwLock<Vec<File>>,
    store: Store,
    head: watch::Sender<Head>,
    /// Why appends are refused until the log is opened again.
    latch: Mutex<Option<String>>,
    /// Why appends are refused just now.
    full: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> Head {
        *self.head.borrow()
    }

    pub(super) fn latch(&self, reason: String) {
        lock(&self.latch).get_or_insert(reason);
    }

    pub(super) fn latched(&self) -> Option<String> {
        lock(&self.latch).clone()
    }

    /// Looks at the disk's free space, and keeps the reason for refusing if there is one.
    pub(super) fn note_free_space(&self, dir: &Path, reserve: u64) -> Option<String> {
        let free = rustix::fs::statvfs(dir).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
        let reason = free.ok().filter(|free| *free < reserve).map(|free| {
            let mib = |bytes: u64| bytes / (1024 * 1024);
            let dir = dir.display();
            format!(
                "the disk of {dir} has {} MiB left, less than the reserve of {} MiB",
                mib(free),
                mib(reserve)
            )
        });
        lock(&self.full).clone_from(&reason);
        reason
    }

    /// Takes durable blocks into the index, and moves the head.
    pub(super) fn publish(
        &self,
        journal: &Journal,
        blocks: &[Vec<u8>],
        placed: &[(u32, u32)],
    ) -> std::io::Result<()> {
        let broken = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for (bytes, &(segment, offset)) in blocks.iter().zip(placed) {
            let block = Block::read(bytes).map_err(|error| broken(&error))?;
            index.add(&block, segment, offset).map_err(|error| broken(&error))?;
            let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
            while segments.len() <= segment as usize {
                let number = segments.len() as u32;
                segments.push(journal.reader(number)?);
            }
        }
        self.head.send_replace(index.head());
        Ok(())
    }

    /// Hands a block to `read`: sled's copy, or where that is missing or damaged the journal's.
    pub(super) fn with_block<T>(
        &self,
        entry: BlockEntry,
        read: impl FnOnce(&Block<'_>) -> T,
    ) -> Result<T, LogError> {
        let is_it =
            |block: &Block<'_>| block.header.first == entry.first && block.header.count == entry.count;
        if let Ok(Some(bytes)) = self.store.get(entry.first)
            && let Ok(block) = Block::read(&bytes)
            && is_it(&block)
        {
            return Ok(read(&block));
        }
        let corrupt = |detail: String| LogError::Corrupt { position: entry.first, detail };
        let bytes = {
            let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
            let segment =
                segments.get(entry.segment as usize).ok_or_else(|| corrupt("no such segment".into()))?;
            journal::read_at(segment, entry.offset, entry.len).map_err(|error| corrupt(error.to_string()))?
        };
        let block = Block::read(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if !is_it(&block) {
            return Err(corrupt("another block stands in its place".into()));
        }
        Ok(read(&block))
    }
}

/// The event log of one data directory. See the contract in [`super`].
pub struct SledLog {
    shared: Arc<Shared>,
    requests: Mutex<Option<Sender<Request>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    reserve: u64,
    dir: PathBuf,
    /// Held until the log is dropped.
    _lock: File,
}

impl SledLog {
    /// Opens the log of a data directory, mending either copy from the other.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Corrupt`], [`LogError::Io`].
    pub fn open(dir: &Path, options: Options) -> Result<(Self, OpenReport), LogError> {
        let lock_file = take_lock(dir)?;
        let journal_dir = dir.join("journal");
        make_dir(&journal_dir)?;
        let (store, was_lost) = open_store(&dir.join("sled"))?;
        let recovered = recover(&journal_dir, &store)?;
        let mut report = OpenReport { repairs: recovered.repairs, torn_bytes: recovered.torn_bytes };
        let journal =
            Journal::open(&journal_dir).map_err(|error| io_error("cannot open", &journal_dir, &error))?;
        let segments = (0..journal::segments(&journal_dir).map_or(0, |all| all.len() as u32))
            .map(|number| journal.reader(number))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| io_error("cannot open", &journal_dir, &error))?;
        let head = recovered.index.head();
        let shared = Arc::new(Shared {
            index: RwLock::new(recovered.index),
            segments: RwLock::new(segments),
            store,
            head: watch::Sender::new(head),
            latch: Mutex::new(None),
            full: Mutex::new(None),
        });
        report.repairs.extend(bring_up_store(&shared, was_lost)?);
        let (requests, receiver) = mpsc::channel();
        let (applier, blocks) = mpsc::sync_channel(APPLIER_QUEUE);
        let threads = start_threads(&shared, journal, dir, options.reserve, receiver, applier, blocks)?;
        let log = Self {
            shared,
            requests: Mutex::new(Some(requests)),
            threads: Mutex::new(threads),
            reserve: options.reserve,
            dir: dir.to_owned(),
            _lock: lock_file,
        };
        Ok((log, report))
    }

    /// Stops taking appends, finishes those that wait, and brings sled up to the head. Blocks.
    pub fn close(&self) {
        drop(lock(&self.requests).take());
        for thread in lock(&self.threads).drain(..) {
            // A panicked writer has already refused its callers.
            let _ = thread.join();
        }
        if let Err(error) = self.shared.store.flush() {
            tracing::warn!(%error, "sled was not flushed; the journal has everything");
        }
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn store(&self) -> &Store {
        &self.shared.store
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        self.close();
    }
}

fn io_error(action: &'static str, path: &Path, error: &std::io::Error) -> LogError {
    let fix = match error.kind() {
        std::io::ErrorKind::StorageFull => "free some space on that disk",
        _ => "check its owner, mode and disk, or name another directory with --data-dir",
    };
    LogError::Io { action, path: path.display().to_string(), source_text: error.to_string(), fix: fix.into() }
}

fn make_dir(dir: &Path) -> Result<(), LogError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| io_error("cannot make", dir, &error))
}

fn take_lock(dir: &Path) -> Result<File, LogError> {
    use std::os::unix::fs::OpenOptionsExt;
    make_dir(dir)?;
    let path = dir.join("lock");
    let mut options = File::options();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(|error| io_error("cannot open", &path, &error))?;
    for patience in (0..LOCK_TRIES).rev() {
        match file.try_lock() {
            Ok(()) => break,
            Err(std::fs::TryLockError::WouldBlock) if patience > 0 => std::thread::sleep(LOCK_PAUSE),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(LogError::Locked { path: dir.display().to_string() });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(io_error("cannot lock", &path, &error)),
        }
    }
    Ok(file)
}

/// Opens sled. Where its files are damaged beyond opening they are set aside, and an empty store
/// takes their place: the journal fills it again.
fn open_store(dir: &Path) -> Result<(Store, Option<StoreError>), LogError> {
    let mut tries = 0;
    let cause = loop {
        tries += 1;
        match Store::open(dir) {
            Ok(store) => return Ok((store, None)),
            Err(cause @ StoreError::Damaged(_)) => break cause,
            Err(StoreError::Io(_)) if tries < LOCK_TRIES => std::thread::sleep(LOCK_PAUSE),
            Err(StoreError::Io(reason)) => {
                return Err(io_error("cannot open", dir, &std::io::Error::other(reason)));
            }
        }
    };
    let aside = dir.with_extension("damaged");
    let _ = std::fs::remove_dir_all(&aside);
    std::fs::rename(dir, &aside).map_err(|error| io_error("cannot set aside", dir, &error))?;
    tracing::error!(%cause, aside = %aside.display(), "sled could not be opened and was set aside");
    let store = Store::open(dir)
        .map_err(|error| io_error("cannot make", dir, &std::io::Error::other(error.to_string())))?;
    Ok((store, Some(cause)))
}

/// Gives sled the blocks it lacks at its end.
fn bring_up_store(shared: &Shared, was_lost: Option<StoreError>) -> Result<Option<Repair>, LogError> {
    let index = shared.index();
    let start = match shared.store.last() {
        Ok(Some(last)) => index.block_at(last) + 1,
        _ => 0,
    };
    let missing: Vec<BlockEntry> =
        (start..index.block_count()).filter_map(|number| index.block(number)).collect();
    drop(index);
    for entry in &missing {
        let put = shared.with_block(*entry, |block| shared.store.put(entry.first, block.bytes))?;
        if let Err(error) = put {
            tracing::warn!(%error, "sled is behind; the journal is read instead");
            break;
        }
    }
    // Trailing behind the journal is how sled lives; having been lost is a repair.
    Ok(was_lost.and_then(|cause| {
        let (first, last) = (missing.first()?.first, missing.last()?.last());
        Some(Repair { copy: "sled", first, last, cause: cause.to_string() })
    }))
}

fn start_threads(
    shared: &Arc<Shared>,
    journal: Journal,
    dir: &Path,
    reserve: u64,
    requests: mpsc::Receiver<Request>,
    applier: SyncSender<Applied>,
    blocks: mpsc::Receiver<Applied>,
) -> Result<Vec<JoinHandle<()>>, LogError> {
    let writer = Writer { shared: shared.clone(), journal, applier, dir: dir.to_owned(), reserve };
    let applying = shared.clone();
    let failed = |error: std::io::Error| io_error("cannot start a thread for", dir, &error);
    let writing = std::thread::Builder::new().name("log-writer".into()).spawn(move || writer.run(&requests));
    let applying = std::thread::Builder::new().name("log-applier".into()).spawn(move || {
        for (first, bytes) in blocks {
            if let Err(error) = applying.store.put(first, &bytes) {
                tracing::warn!(%error, "sled did not take a block; the journal is read instead");
            }
        }
    });
    Ok(vec![writing.map_err(failed)?, applying.map_err(failed)?])
}

impl EventLog for SledLog {
    fn append(&self, append: Append) -> Appending {
        let (reply, appending) = Appending::channel();
        if append.events.is_empty() {
            drop(reply.send(Err(LogError::Invalid { reason: "an append has at least one event".into() })));
            return appending;
        }
        if let Some(requests) = lock(&self.requests).as_ref() {
            // A writer that is gone drops the reply, which is answered as closed.
            let _ = requests.send(Request { append, reply });
        }
        appending
    }

    fn head(&self) -> Head {
        self.shared.head()
    }

    fn watch(&self) -> watch::Receiver<Head> {
        self.shared.head.subscribe()
    }

    fn scan(&self, from: Position, until: Position, visit: &mut Visit<'_>) -> Result<(), LogError> {
        let until = until.min(self.head().position);
        let mut number = self.shared.index().block_at(from);
        loop {
            let entry = self.shared.index().block(number);
            let Some(entry) = entry.filter(|entry| entry.first <= until) else { return Ok(()) };
            let flow = self.shared.with_block(entry, |block| {
                visit_block(block, |record| {
                    if record.position < from {
                        ControlFlow::Continue(())
                    } else if record.position > until {
                        ControlFlow::Break(())
                    } else {
                        visit(record)
                    }
                })
            })??;
            if flow.is_break() {
                return Ok(());
            }
            number += 1;
        }
    }

    fn scan_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        visit: &mut Visit<'_>,
    ) -> Result<(), LogError> {
        let numbers = self.shared.index().stream_blocks(tenant.as_str(), stream.as_str(), from);
        for number in numbers {
            let Some(entry) = self.shared.index().block(number) else { break };
            let flow = self.shared.with_block(entry, |block| {
                visit_block(block, |record| {
                    let belongs = record.tenant == tenant.as_str() && record.stream == stream.as_str();
                    if belongs && record.version >= from { visit(record) } else { ControlFlow::Continue(()) }
                })
            })??;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Version {
        self.shared.index().version(tenant.as_str(), stream.as_str())
    }

    fn find(&self, id: EventId) -> Result<Option<Position>, LogError> {
        Ok(self.shared.index().find(id))
    }

    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError> {
        let (number, before) = {
            let index = self.shared.index();
            let number = index.block_after(recorded_at);
            let before = number.checked_sub(1).and_then(|before| index.block(before));
            (number, before.map_or(Position::START, |entry| entry.last()))
        };
        let Some(entry) = self.shared.index().block(number) else { return Ok(before) };
        let mut position = before;
        let _ = self.shared.with_block(entry, |block| {
            visit_block(block, |record| {
                if record.recorded_at > recorded_at {
                    return ControlFlow::Break(());
                }
                position = record.position;
                ControlFlow::Continue(())
            })
        })??;
        Ok(position)
    }

    fn read_only(&self) -> Option<String> {
        self.shared.latched().or_else(|| self.shared.note_free_space(&self.dir, self.reserve))
    }
}

fn visit_block(
    block: &Block<'_>,
    mut visit: impl FnMut(&crate::event::RecordRef<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, LogError> {
    for record in block.records() {
        let record = record
            .map_err(|error| LogError::Corrupt { position: block.header.first, detail: error.to_string() })?;
        if visit(&record).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
