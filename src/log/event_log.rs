//! [`SledLog`]: the durable log.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::event::{EventId, Position, StreamId, TenantId, Version};
use crate::files::own;

use super::applier;
use super::block::Header;
use super::disk::Disk;
use super::health::{Footprint, SecondCopy};
use super::hold::take_lock;
use super::open::{self, Floor, Mode, Opening};
use super::options::{OpenReport, Options, Repair};
use super::page::Page;
use super::shared::{IdCache, ReadOnly, Shared, Trail, corrupt, lock, read};
use super::writer::{Command, Tail, Writer, append_bytes, plan};
use super::{Append, Appending, EventLog, Head, LogError, io_error};

/// Bytes of appends that may wait for the writer; more fail with [`LogError::Busy`].
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Maximum size of one append in bytes.
pub const APPEND_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The log of one data directory: a journal that is synced before an append is acknowledged, and sled as the
/// second copy.
///
/// ```text
/// <data>/lock       held while the log is open
/// <data>/closed     how far it reached when it was last closed in order
/// <data>/journal/   segment files, see journal.rs
/// <data>/sled/      see store.rs
/// ```
#[derive(Debug)]
pub struct SledLog {
    shared: Arc<Shared>,
    data: PathBuf,
    /// `None` if the log was opened read-only.
    commands: Option<Sender<Command>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closed: AtomicBool,
    /// Held, not read: the system releases it when the process ends, however it ends.
    lock: Mutex<Option<File>>,
}

impl SledLog {
    /// Opens the log of a data directory, creating it if there is none, and heals what it can.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Corrupt`] when both copies are damaged at one position,
    /// [`LogError::Io`].
    pub fn open(data: &Path, options: Options) -> Result<(Self, OpenReport), LogError> {
        own::dir(data).map_err(|error| io_error("creating the directory", data, &error))?;
        let lock = take_lock(data)?;
        // Files that older versions left readable are closed; the browser manages its own profile, in a
        // directory that is closed.
        own::sweep(data, &["profile"]).map_err(|error| io_error("closing to others", data, &error))?;
        open::finish_interrupted(data)?;
        let mut opening = open::open(data, &options, Mode::Write)?;
        let report = report(&mut opening);
        let tail = opening.journal.last_segment().and_then(|segment| segment.file.clone()).map(|file| Tail {
            file,
            offset: opening.tail_len,
            last_block: opening.last_block,
        });
        let shared = Arc::new(share(data, options.disk.clone(), options.reserve_bytes, opening));
        let mut writer = Writer::new(shared.clone(), tail, options);
        writer.record(&report.repairs);
        let (commands, receiver) = channel();
        let threads = vec![
            spawn("log-writer", move || writer.run(&receiver))?,
            spawn("log-applier", {
                let shared = shared.clone();
                move || applier::run(&shared)
            })?,
        ];
        let log = Self {
            shared,
            data: data.to_owned(),
            commands: Some(commands),
            threads: Mutex::new(threads),
            closed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
        };
        Ok((log, report))
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.data
    }

    /// Opens the log read-only, and writes nothing to the journal. Everything before the first damage of both
    /// copies is served, and the report's error describes that damage. Appends return [`LogError::ReadOnly`].
    /// The sled copy is opened too, as the second source.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Io`].
    pub fn open_read_only(
        data: &Path,
        options: Options,
    ) -> Result<(Self, OpenReport, Option<LogError>), LogError> {
        let lock = take_lock(data)?;
        let mut opening = open::open(data, &options, Mode::Read)?;
        let report = report(&mut opening);
        let corruption = opening.corrupt.clone();
        let reason = match &corruption {
            Some(error) => error.to_string(),
            None => "it was opened to be read".to_owned(),
        };
        let shared = share(data, options.disk, options.reserve_bytes, opening);
        let fix = "run `mecris verify` to see its state".to_owned();
        *super::shared::write(&shared.read_only) = Some(ReadOnly { reason, fix });
        let log = Self {
            shared: Arc::new(shared),
            data: data.to_owned(),
            commands: None,
            threads: Mutex::default(),
            closed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
        };
        Ok((log, report, corruption))
    }

    /// Drains the writer and the second copy, and closes. Later appends return [`LogError::Closed`]; reads of
    /// the journal still work. Blocks until done.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(commands) = &self.commands {
            // If the writer is already gone, there is nothing to drain.
            drop(commands.send(Command::Close));
        }
        let mut threads = std::mem::take(&mut *lock(&self.threads)).into_iter();
        join(threads.next());
        lock(&self.shared.trail).closing = true;
        self.shared.trail_moved.notify_all();
        threads.for_each(|thread| join(Some(thread)));
        if let Some(store) = &self.shared.store {
            store.close();
        }
        if self.commands.is_some() {
            let floor = Floor { journal: self.head().position, sled: lock(&self.shared.trail).applied };
            if let Err(error) = floor.write(&self.data) {
                tracing::warn!(%error, "the log could not note how far it reached");
            }
        }
        lock(&self.lock).take();
    }

    /// After a failed write: cuts the journal back to its last durable byte, verifies the block that ends
    /// there, and accepts appends again. Callers that received [`LogError::UnknownOutcome`] send their events
    /// again with the same ids.
    ///
    /// # Errors
    /// [`LogError::ReadOnly`] if the disk still fails.
    pub fn reopen(&self) -> Result<(), LogError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Reopen(answer))?;
        answered.blocking_recv().map_err(|_| LogError::Closed)?
    }

    /// Why the writer stopped after a failed write, if it did; [`SledLog::reopen`] restarts it. A full disk
    /// that was detected before writing does not stop it: that refusal ends by itself.
    #[must_use]
    pub fn latched(&self) -> Option<String> {
        let latched = read(&self.shared.read_only);
        latched.as_ref().filter(|_| self.commands.is_some()).map(|latched| latched.reason.clone())
    }

    /// Why appends are currently refused, if they are.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        self.shared.refusal(0).map(|refusal| format!("{}; {}", refusal.reason, refusal.fix))
    }

    /// The end of the log. For a log that is open here this needs no I/O.
    #[must_use]
    pub fn head(&self) -> Head {
        *self.shared.head.borrow()
    }

    /// Disk and queue usage at this moment. One call to the file system.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let shared = &self.shared;
        Footprint {
            journal: read(&shared.journal).bytes(),
            queued: shared.queued_bytes.load(Ordering::Relaxed) as u64,
            free: shared.disk.free_bytes(&shared.journal_dir).ok(),
            reserve: shared.reserve_bytes,
        }
    }

    /// Rewrites the blocks that readers found damaged in the journal, and records each repair.
    ///
    /// # Errors
    /// [`LogError::Closed`], [`LogError::ReadOnly`] if it was opened read-only.
    pub fn heal(&self) -> Result<Vec<Repair>, LogError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Heal(answer))?;
        answered.blocking_recv().map_err(|_| LogError::Closed)
    }

    /// How far the second copy is.
    #[must_use]
    pub fn second_copy(&self) -> SecondCopy {
        let trail = lock(&self.shared.trail);
        SecondCopy { applied: trail.applied, failed: trail.failed.clone() }
    }

    /// Waits until the second copy has everything up to the current head, or has failed.
    #[must_use]
    pub fn wait_for_second_copy(&self) -> SecondCopy {
        if self.commands.is_none() {
            return self.second_copy();
        }
        let head = self.head().position;
        let behind = |trail: &mut Trail| trail.applied < head && trail.failed.is_none() && !trail.closing;
        let trail = lock(&self.shared.trail);
        let trail = self.shared.trail_moved.wait_while(trail, behind);
        let trail = trail.unwrap_or_else(std::sync::PoisonError::into_inner);
        SecondCopy { applied: trail.applied, failed: trail.failed.clone() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn command(&self, command: Command) -> Result<(), LogError> {
        let Some(commands) = &self.commands else {
            return Err(read(&self.shared.read_only).as_ref().map_or(LogError::Closed, ReadOnly::error));
        };
        commands.send(command).map_err(|_| LogError::Closed)
    }

    fn submit(&self, append: Append) -> (Result<(), LogError>, Appending) {
        let (reply, appending) = Appending::channel();
        let checked = plan::check(&append, APPEND_BYTES_MAX).and_then(|()| {
            let bytes = append_bytes(&append);
            let queued = self.shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
            let sent = if queued > 0 && queued + bytes > QUEUE_BYTES_MAX {
                Err(LogError::Busy { queued_bytes: queued })
            } else {
                // The reply is dropped with the command if the writer is closed, which the caller sees.
                return self.command(Command::Append(append, reply, bytes));
            };
            self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            sent
        });
        (checked, appending)
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl EventLog for SledLog {
    fn append(&self, append: Append) -> Appending {
        match self.submit(append) {
            (Ok(()), appending) => appending,
            (Err(error), _) => {
                let (reply, appending) = Appending::channel();
                drop(reply.send(Err(error)));
                appending
            }
        }
    }

    fn head(&self) -> Result<Head, LogError> {
        Ok(SledLog::head(self))
    }

    fn watch(&self) -> Result<watch::Receiver<Head>, LogError> {
        Ok(self.shared.head.subscribe())
    }

    fn read(&self, from: Position, limit: u64, page: &mut Page) -> Result<(), LogError> {
        self.shared.page(from, limit, page)
    }

    fn read_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        limit: u64,
        page: &mut Page,
    ) -> Result<(), LogError> {
        self.shared.stream_page((tenant, stream), from, limit, page)
    }

    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Result<Version, LogError> {
        Ok(read(&self.shared.index).version(tenant, stream))
    }

    fn find_many(&self, ids: &[EventId]) -> Result<Vec<Option<Position>>, LogError> {
        let mut cache = IdCache::default();
        let mut id_at = |position| cache.id_at(&self.shared, position);
        // The lock is taken per id: a hit reads a block, and the writer must not wait for all of them.
        ids.iter().map(|id| read(&self.shared.index).find(*id, &mut id_at)).collect()
    }

    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError> {
        let head = self.head();
        if head.recorded_at <= recorded_at {
            return Ok(head.position);
        }
        // All records of a block share their time, so a search over the blocks is enough.
        let (mut low, mut high) = (0, read(&self.shared.journal).block_count());
        while low < high {
            let middle = low.midpoint(high);
            let header = self.header(middle)?;
            if header.recorded_at <= recorded_at { low = middle + 1 } else { high = middle }
        }
        let block = read(&self.shared.journal).block(low);
        Ok(block.map_or(head.position, |(first, _)| Position(first.0 - 1)))
    }
}

impl SledLog {
    /// The header of a block by number.
    fn header(&self, number: usize) -> Result<Header, LogError> {
        let Some((first, _)) = read(&self.shared.journal).block(number) else {
            return Err(corrupt(Position::START, &super::block::BlockError::NoMagic));
        };
        let mut header = None;
        self.shared.blocks(first, first, &mut |block| {
            header = Some(*block.header());
            Ok(ControlFlow::Break(()))
        })?;
        header.ok_or_else(|| corrupt(first, &super::block::BlockError::NoMagic))
    }
}

fn report(opening: &mut Opening) -> OpenReport {
    OpenReport {
        head: opening.head,
        blocks: opening.journal.block_count(),
        segments: opening.journal.segments().len(),
        scanned_bytes: opening.scanned_bytes,
        torn_bytes: opening.torn_bytes,
        repairs: std::mem::take(&mut opening.repairs),
        store_error: opening.store_error.clone(),
    }
}

fn share(data: &Path, disk: Arc<dyn Disk>, reserve_bytes: u64, opening: Opening) -> Shared {
    let trail = Trail {
        applied: opening.applied,
        waiting_bytes: 0,
        closing: false,
        failed: opening.store_error.clone(),
    };
    Shared {
        disk,
        journal_dir: data.join("journal"),
        reserve_bytes,
        journal: RwLock::new(opening.journal),
        index: RwLock::new(opening.index),
        store: opening.store,
        head: watch::Sender::new(opening.head),
        read_only: RwLock::new(None),
        queued_bytes: AtomicUsize::new(0),
        trail: Mutex::new(trail),
        trail_moved: Condvar::new(),
        damage: Mutex::default(),
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LogError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map_err(|error| io_error("starting the thread", Path::new(name), &error))
}

fn join(thread: Option<JoinHandle<()>>) {
    if thread.is_some_and(|thread| thread.join().is_err()) {
        tracing::error!("a thread of the log panicked");
    }
}
