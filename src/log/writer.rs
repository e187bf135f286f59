//! The writer: one thread that takes all that waits, writes it, syncs once, and only then answers.
//!
//! Group commit comes by itself: while one group is being synced, the next one gathers. There is no timer.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::event::record::{Place, encode_record};
use crate::event::{EventId, Position, StreamId, TenantId, Version};

use super::block::{Block, Builder, Hash, MAX_RECORD};
use super::journal::Journal;
use super::sled_log::Shared;
use super::{Append, Appended, Expected, LogError, Outcome};

/// A group takes no more requests past this many bytes, so that the first of them need not wait long.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// An append and the place to answer it.
pub struct Request {
    /// What to append.
    pub append: Append,
    /// Who waits.
    pub reply: oneshot::Sender<Result<Appended, LogError>>,
}

/// A block on its way to sled.
pub type Applied = (Position, Arc<[u8]>);

/// The writer's state.
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) journal: Journal,
    pub(super) applier: SyncSender<Applied>,
    /// Where the free space is looked at.
    pub(super) dir: PathBuf,
    /// Events are refused when less is free, in bytes.
    pub(super) reserve: u64,
}

/// Finished requests wait here for the sync.
type Waiting = Vec<(oneshot::Sender<Result<Appended, LogError>>, Appended)>;

/// What one group will write, decided but not yet on disk.
struct Group {
    next: Position,
    chain: Hash,
    recorded_at: Timestamp,
    ids: HashMap<EventId, Position>,
    versions: HashMap<(TenantId, StreamId), Version>,
    builder: Builder,
    blocks: Vec<Vec<u8>>,
    bytes: usize,
    waiting: Waiting,
}

impl Writer {
    /// Serves requests until all senders are gone.
    pub fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut group = self.begin();
            self.take(&mut group, first);
            while group.bytes < GROUP_BYTES {
                let Ok(request) = requests.try_recv() else { break };
                self.take(&mut group, request);
            }
            self.commit(group);
        }
    }

    fn begin(&self) -> Group {
        let head = self.shared.head();
        Group {
            next: head.position.next(),
            chain: head.hash,
            // The clock may go back; the log does not.
            recorded_at: Timestamp::now().max(head.recorded_at),
            ids: HashMap::new(),
            versions: HashMap::new(),
            builder: Builder::new(head.position.next()),
            blocks: Vec::new(),
            bytes: 0,
            waiting: Vec::new(),
        }
    }

    fn take(&self, group: &mut Group, request: Request) {
        let answer = self.refusal().map_or_else(|| self.decide(group, &request.append), Err);
        match answer {
            Ok(appended) => group.waiting.push((request.reply, appended)),
            // Nobody waits any more: then nobody needs to know.
            Err(error) => drop(request.reply.send(Err(error))),
        }
    }

    fn refusal(&self) -> Option<LogError> {
        if let Some(reason) = self.shared.latched() {
            let fix = "stop mecris, check the disk, and start it again: it verifies the log as it opens";
            return Some(LogError::ReadOnly { reason, fix: fix.into() });
        }
        self.shared.note_free_space(&self.dir, self.reserve).map(|reason| LogError::ReadOnly {
            reason,
            fix: "free some space; events are accepted again by themselves".into(),
        })
    }

    /// Decides one append against the index and what the group holds already.
    fn decide(&self, group: &mut Group, append: &Append) -> Result<Appended, LogError> {
        let index = self.shared.index();
        let stream = (append.tenant.clone(), append.stream.clone());
        let version = group
            .versions
            .get(&stream)
            .copied()
            .unwrap_or_else(|| index.version(append.tenant.as_str(), append.stream.as_str()));
        let mut outcomes = Vec::with_capacity(append.events.len());
        let mut fresh: HashMap<EventId, Position> = HashMap::new();
        let mut next = group.next;
        for event in &append.events {
            let known = index.find(event.id).or_else(|| group.ids.get(&event.id).copied());
            let known = known.or_else(|| fresh.get(&event.id).copied());
            outcomes.push(known.map_or(Outcome::New(next), Outcome::Duplicate));
            if known.is_none() {
                fresh.insert(event.id, next);
                next = next.next();
            }
        }
        drop(index);
        if !fresh.is_empty() {
            let matches = match append.expected {
                Expected::Any => true,
                Expected::NoStream => version == Version::NONE,
                Expected::Exact(expected) => version == expected,
            };
            if !matches {
                return Err(LogError::Conflict { stream: append.stream.clone(), actual: version });
            }
            let version = group.write(append, &outcomes, version)?;
            group.versions.insert(stream, version);
            group.ids.extend(fresh);
        }
        Ok(Appended { outcomes })
    }

    /// Writes, syncs, publishes, answers: in this order.
    fn commit(&mut self, mut group: Group) {
        group.close_block();
        if let Err(error) = self.write(&group) {
            let reason = format!("cannot write the journal: {error}");
            tracing::error!(reason, "the log is read-only from here on");
            self.shared.latch(reason.clone());
            for (reply, _) in group.waiting {
                drop(reply.send(Err(LogError::UnknownOutcome { reason: reason.clone() })));
            }
            return;
        }
        for (reply, appended) in group.waiting {
            drop(reply.send(Ok(appended)));
        }
        for bytes in group.blocks {
            if let Ok(block) = Block::read(&bytes) {
                // The applier ends only after the writer; a full queue lets sled catch up.
                let _ = self.applier.send((block.header.first, bytes.into()));
            }
        }
    }

    fn write(&mut self, group: &Group) -> std::io::Result<()> {
        if group.blocks.is_empty() {
            return Ok(());
        }
        let span = tracing::info_span!(
            "log.append",
            mecris.event.position = group.next.0 - 1,
            blocks = group.blocks.len(),
            bytes = group.bytes,
        );
        let _entered = span.enter();
        let mut placed = Vec::with_capacity(group.blocks.len());
        let mut next = self.shared.head().position.next();
        for bytes in &group.blocks {
            placed.push(self.journal.place(next)?);
            self.journal.append(bytes)?;
            next = Block::read(bytes).map_or(next, |block| block.header.last().next());
        }
        self.journal.sync()?;
        self.shared.publish(&self.journal, &group.blocks, &placed)
    }
}

impl Group {
    /// Encodes the new events of an append into blocks. The stream's version after them.
    fn write(&mut self, append: &Append, outcomes: &[Outcome], from: Version) -> Result<Version, LogError> {
        let mut version = from;
        let mut records = Vec::with_capacity(outcomes.len());
        for (event, _) in append.events.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_new()) {
            version = version.next();
            let place = Place {
                tenant: append.tenant.as_str(),
                stream: append.stream.as_str(),
                version,
                recorded_at: self.recorded_at,
            };
            let mut record = Vec::with_capacity(event.payload.len() + 128);
            encode_record(&mut record, place, event)
                .map_err(|error| LogError::Invalid { reason: error.to_string() })?;
            if record.len() > MAX_RECORD {
                let reason = format!("it has {} bytes; {MAX_RECORD} is the most", record.len());
                return Err(LogError::Invalid { reason });
            }
            records.push(record);
        }
        // Only now, when nothing can be refused any more, does the group change.
        for record in records {
            if !self.builder.fits(record.len()) {
                self.close_block();
            }
            self.builder.push(&record);
            self.bytes += record.len();
            self.next = self.next.next();
        }
        Ok(version)
    }

    fn close_block(&mut self) {
        let builder = std::mem::replace(&mut self.builder, Builder::new(self.next));
        if !builder.is_empty() {
            let (bytes, hash) = builder.finish(&self.chain);
            self.chain = hash;
            self.blocks.push(bytes);
        }
    }
}
