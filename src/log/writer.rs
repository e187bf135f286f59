//! The writer: the one thread that appends.
//!
//! ```text
//!   appends wait ──▶ take all that wait ──▶ plan: ids, versions, positions ──▶ blocks
//!                                                                                 │
//!   answer ◀── publish the head ◀── indexes ◀── fdatasync ◀── one write ◀─────────┘
//! ```
//!
//! Taking all waiting appends is the group commit: while one `fdatasync` runs, the next group gathers, so no
//! timer delays anyone. Every answer of a group, including conflicts and duplicates, is sent after its
//! `fdatasync`, because it may depend on events of the same group.
//!
//! A failed write or sync stops (latches) the writer: what reached the disk is unknown for good (the kernel
//! may drop unwritten pages and report the next sync as a success), so nothing more is written until
//! [`Command::Reopen`] has cut the journal back to what was known to be durable.

pub(super) mod plan;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::event::Position;
use crate::event::step::{Ended, Step};

use super::block::{BLOCK_BYTES_MAX, Block, BlockHash, Commit, CommitWriter, Sealed};
use super::disk::DiskFile;
use super::journal::{Segment, segment_path};
use super::options::{Options, Repair, RepairEvent};
use super::shared::{IdCache, ReadOnly, Shared, lock, write};
use super::{Append, Appended, Expected, Head, LogError, heal, meters};
use plan::Plan;

/// A group is closed at this size, so that a flood of appends does not grow one commit without limit.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Maximum number of links of a commit's span.
const LINKS_MAX: usize = 32;

/// The fix for a failed write: a running supervisor reopens the log by itself.
const FIX: &str = "fix the disk; a running supervisor then reopens the log by itself, or start mecris again";

type Reply = oneshot::Sender<Result<Appended, LogError>>;

/// The writer's commands.
#[derive(Debug)]
pub(super) enum Command {
    /// Append, and reply; the number is its share of the queue in bytes.
    Append(Append, Reply, usize),
    /// Heal the damaged blocks that readers have found, and reply with the repairs.
    Heal(oneshot::Sender<Vec<Repair>>),
    /// After a failed write: cut back, check, and accept events again.
    Reopen(oneshot::Sender<Result<(), LogError>>),
    /// Finish pending appends, and stop.
    Close,
}

/// The end of the last segment.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    pub file: Arc<dyn DiskFile>,
    pub offset: u64,
    /// The length of the last block, for the check after a failure.
    pub last_block: usize,
}

/// The writer's own state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// `None` before the first segment.
    tail: Option<Tail>,
    segment_bytes: u64,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    repair_event: Option<RepairEvent>,
    cache: IdCache,
    buffer: Vec<u8>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, tail: Option<Tail>, options: Options) -> Self {
        Self {
            shared,
            tail,
            segment_bytes: options.segment_bytes,
            clock: options.clock,
            repair_event: options.repair_event,
            cache: IdCache::default(),
            buffer: Vec::new(),
        }
    }

    /// Runs until it is closed or every sender is gone.
    pub fn run(mut self, commands: &Receiver<Command>) {
        let mut group = Vec::new();
        while let Ok(first) = commands.recv() {
            let mut bytes = 0;
            let mut next = Some(first);
            // Take all waiting appends, up to the group's limit or a command of another kind.
            while let Some(Command::Append(append, reply, size)) = next {
                bytes += size;
                group.push((append, reply));
                next = if bytes >= GROUP_BYTES_MAX { None } else { commands.try_recv().ok() };
            }
            if !group.is_empty() {
                self.commit(std::mem::take(&mut group));
                self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            }
            match next {
                None | Some(Command::Append(..)) => {}
                Some(Command::Heal(answer)) => drop(answer.send(self.heal())),
                Some(Command::Reopen(answer)) => drop(answer.send(self.reopen())),
                Some(Command::Close) => return,
            }
        }
    }

    /// Commits a group: one write, one `fdatasync`, then all answers.
    fn commit(&mut self, group: Vec<(Append, Reply)>) {
        let payload: usize = group.iter().map(|(append, _)| append_bytes(append)).sum();
        if let Some(refusal) = self.shared.refusal(payload as u64) {
            for (_, reply) in group {
                drop(reply.send(Err(refusal.error())));
            }
            return;
        }
        let head = *self.shared.head.borrow();
        let mut plan = Plan::new(&self.shared, &mut self.cache, head.position.next());
        let (appends, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let answers: Vec<_> = appends.iter().map(|append| plan.add(append)).collect();
        let written = match plan.into_new() {
            new if new.is_empty() => Ok(None),
            new => self.write(&appends, &new, head).map(Some),
        };
        if let Err(error) = &written {
            self.latch(error);
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // The appender may have gone; its events are appended all the same.
            drop(reply.send(match &written {
                Ok(_) => answer,
                Err(error) => Err(LogError::UnknownOutcome { reason: error.to_string() }),
            }));
        }
        if let Ok(Some(written)) = written {
            written.tell(&appends);
        }
    }

    fn write(&mut self, appends: &[Append], new: &[plan::New], head: Head) -> io::Result<Written> {
        let (first, last) = (head.position.next(), Position(head.position.0 + new.len() as u64));
        let (step, begun) = (Step::begin(), Instant::now());
        let starts_segment = self.roll(first)?;
        let now = Timestamp::from_microsecond((self.clock)().as_microsecond());
        let recorded_at = now.unwrap_or(head.recorded_at).max(head.recorded_at);
        let commit = Commit { committed: head.position, recorded_at, starts_segment };
        let mut writer = CommitWriter::new(commit, first, head.hash(), std::mem::take(&mut self.buffer));
        for event in new {
            writer.push(&event.record(appends, recorded_at)).map_err(io::Error::other)?;
        }
        let (bytes, blocks) = writer.finish();
        let tail = self.tail.as_mut().ok_or_else(|| io::Error::other("the journal has no segment"))?;
        tail.file.write_at(&bytes, tail.offset)?;
        let syncing = Instant::now();
        tail.file.sync_data()?;
        let synced = syncing.elapsed();
        meters::synced(synced);
        let offset = tail.offset;
        tail.offset += bytes.len() as u64;
        tail.last_block = blocks.last().map_or(0, |block| block.header.len);
        self.publish(appends, new, &blocks, offset);
        meters::committed(new.len(), begun.elapsed());
        let waiting = bytes.len();
        self.buffer = bytes;
        self.buffer.shrink_to(GROUP_BYTES_MAX / 4);
        self.wake_applier(waiting);
        Ok(Written { first, last, synced, step: step.end() })
    }

    /// Ensures a segment with room; `true` if the next block is its first.
    fn roll(&mut self, first: Position) -> io::Result<bool> {
        if let Some(tail) = self.tail.as_ref().filter(|tail| tail.offset < self.segment_bytes) {
            // A segment whose first commit failed is still at its start.
            return Ok(tail.offset == 0);
        }
        let dir = &self.shared.journal_dir;
        let file = self.shared.disk.create(&segment_path(dir, first))?;
        // Left over from a commit that failed: it was never acknowledged.
        file.set_len(0)?;
        self.shared.disk.sync_dir(dir)?;
        self.tail = Some(Tail { file: file.clone(), offset: 0, last_block: 0 });
        write(&self.shared.journal).push_segment(Segment { first, file: Some(file) });
        Ok(true)
    }

    /// Makes the events visible to readers: first directory and indexes, then the head.
    fn publish(&self, appends: &[Append], new: &[plan::New], blocks: &[Sealed], mut offset: u64) {
        let mut journal = write(&self.shared.journal);
        for block in blocks {
            journal.push_block(block.header.first, block.header.count, offset, block.header.len);
            offset += block.header.len as u64;
        }
        drop(journal);
        let mut index = write(&self.shared.index);
        let mut number = (usize::MAX, 0);
        for event in new {
            if number.0 != event.append {
                let append = &appends[event.append];
                number = (event.append, index.number(append.tenant.as_str(), append.stream.as_str()));
            }
            index.insert(number.1, event.id(appends), event.position, event.version);
        }
        drop(index);
        if let Some(last) = blocks.last() {
            self.shared.head.send_replace(Head {
                position: last.header.last(),
                chain: Some(last.hash),
                recorded_at: last.header.recorded_at,
            });
        }
    }

    fn wake_applier(&self, bytes: usize) {
        let mut trail = lock(&self.shared.trail);
        let before = trail.waiting_bytes;
        trail.waiting_bytes += bytes;
        // Once to begin and once when a run is full: waking it for each commit would take the processor from
        // the callers.
        if before == 0 || (before < BLOCK_BYTES_MAX && trail.waiting_bytes >= BLOCK_BYTES_MAX) {
            drop(trail);
            self.shared.trail_moved.notify_all();
        }
    }

    fn latch(&self, error: &io::Error) {
        tracing::error!(%error, "a write to the journal failed; nothing more is written until it was opened again");
        *write(&self.shared.read_only) =
            Some(ReadOnly { reason: format!("a write to the journal failed: {error}"), fix: FIX.to_owned() });
    }

    /// Cuts the journal back to its last durable byte, and checks the block that ends there.
    fn reopen(&mut self) -> Result<(), LogError> {
        self.cut_back().map_err(|error| {
            self.latch(&error);
            LogError::ReadOnly {
                reason: format!("the journal cannot be opened again: {error}"),
                fix: FIX.to_owned(),
            }
        })?;
        *write(&self.shared.read_only) = None;
        Ok(())
    }

    fn cut_back(&mut self) -> io::Result<()> {
        let Some(tail) = &mut self.tail else {
            return Ok(());
        };
        tail.file.set_len(tail.offset)?;
        tail.file.sync_data()?;
        self.shared.disk.sync_dir(&self.shared.journal_dir)?;
        let mut block = vec![0; tail.last_block];
        let read = tail.file.read_at(&mut block, tail.offset - tail.last_block as u64)?;
        if tail.last_block == 0 {
            return Ok(());
        }
        let hash: BlockHash = self.shared.head.borrow().hash();
        match Block::read(&block[..read]) {
            Ok(block) if block.hash() == hash => Ok(()),
            Ok(_) => Err(io::Error::other("the last durable block is another one")),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Heals what readers have found damaged, and records each repair.
    fn heal(&mut self) -> Vec<Repair> {
        let damage = std::mem::take(&mut *lock(&self.shared.damage));
        let mut repairs = Vec::new();
        for (position, detail) in damage {
            match heal::block(&self.shared, position, &detail) {
                Ok(repair) => repairs.extend(repair),
                Err(error) => {
                    tracing::error!(%position, %error, "a damaged block of the journal could not be written again");
                }
            }
        }
        self.record(&repairs);
        repairs
    }

    /// Appends the events of repairs.
    pub fn record(&mut self, repairs: &[Repair]) {
        let Some(repair_event) = self.repair_event.clone() else {
            return;
        };
        for repair in repairs {
            let (tenant, stream, event) = repair_event(repair);
            let append = Append { tenant, stream, expected: Expected::Any, events: vec![event] };
            let (reply, mut answer) = oneshot::channel();
            match plan::check(&append, GROUP_BYTES_MAX) {
                Ok(()) => self.commit(vec![(append, reply)]),
                Err(error) => drop(reply.send(Err(error))),
            }
            if let Ok(Err(error)) = answer.try_recv() {
                tracing::warn!(%error, ?repair, "a repair could not be recorded as an event");
            }
        }
    }
}

/// An append's share of the queue: its payloads, and an estimate for each envelope.
pub(super) fn append_bytes(append: &Append) -> usize {
    append.events.iter().map(|event| event.payload.len() + event.metadata.actor.len() + 128).sum()
}

/// The span of a written group.
struct Written {
    first: Position,
    last: Position,
    synced: Duration,
    step: Ended,
}

impl Written {
    /// One commit contains the appends of many callers: its span is a child of the first one's, and linked to
    /// the others'.
    fn tell(self, appends: &[Append]) {
        let mut traces = appends.iter().filter_map(|append| append.events.first()?.metadata.trace);
        self.step.tell("log.append", traces.next(), |told| {
            told.set(
                "mecris.log.stream",
                appends.first().map_or("", |append| append.stream.as_str()).to_owned(),
            );
            told.count("mecris.log.appends", appends.len() as u64);
            told.count("mecris.log.sync_us", self.synced.as_micros() as u64);
            told.count("mecris.event.first", self.first.0);
            told.count("mecris.event.position", self.last.0);
            traces.take(LINKS_MAX).for_each(|trace| told.link(&trace));
        });
    }
}
