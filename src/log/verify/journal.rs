//! Verifies the journal's segment files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Position, StreamId, TenantId, Version};
use crate::log::block::{BLOCK_BYTES_MAX, Block, BlockError, BlockHash, MAGIC};
use crate::log::disk::DiskFile;
use crate::log::journal::{list_segments, segment_path};
use crate::log::options::LogCopy;
use crate::log::shared::{Shared, read};
use crate::log::{Head, LogError, io_error};

use super::sled::HashAt;
use super::{Meter, Sources, VerifyReport};

const READ_BYTES: usize = 1024 * 1024;

/// Total size of the segment files.
pub(super) fn bytes(sources: &Sources<'_>) -> Result<u64, LogError> {
    let mut bytes = 0;
    for (_, file) in open_segments(sources)? {
        bytes += file.len().unwrap_or(0);
    }
    Ok(bytes)
}

type OpenSegment = (Position, Arc<dyn DiskFile>);

fn open_segments(sources: &Sources<'_>) -> Result<Vec<OpenSegment>, LogError> {
    let dir = sources.journal_dir;
    let firsts = list_segments(sources.disk, dir);
    let firsts = firsts.map_err(|error| io_error("listing the directory", dir, &error))?;
    let open = |first: Position| {
        let path = segment_path(dir, first);
        let file = sources.disk.open(&path).map_err(|error| io_error("opening", &path, &error))?;
        Ok((first, file))
    };
    firsts.into_iter().map(open).collect()
}

/// The state of the walk.
struct Walk<'a> {
    sources: &'a Sources<'a>,
    expected: Option<BlockHash>,
    next: Position,
    /// `None` after a gap.
    previous: Option<BlockHash>,
    /// Whether the last intact block ended its commit.
    commit_ended: bool,
    /// Blocks of a commit that has not ended, in bytes.
    unfinished: u64,
    versions: HashMap<Box<str>, HashMap<Box<str>, Version>>,
    /// Events, blocks and head at the end of the last finished commit.
    finished: (u64, u64, Head),
}

pub(super) fn walk(
    sources: &Sources<'_>,
    expected: Option<BlockHash>,
    report: &mut VerifyReport,
    meter: &mut Meter<'_, '_>,
    hashes: &HashAt,
) -> Result<(), LogError> {
    let mut walk = Walk {
        sources,
        expected,
        next: Position::FIRST,
        previous: Some([0; 32]),
        commit_ended: true,
        unfinished: 0,
        versions: HashMap::new(),
        finished: (0, 0, report.head),
    };
    let segments = open_segments(sources)?;
    for (number, (first, file)) in segments.iter().enumerate() {
        if walk.is_past_head() {
            break;
        }
        if *first != walk.next {
            // An empty last file is a segment that was started but not written.
            let begun = number + 1 == segments.len() && file.is_empty().unwrap_or(false);
            if !begun {
                let detail = format!("a segment starts at position {first}, and {} was expected", walk.next);
                report.problem(LogCopy::Journal, walk.next.min(*first), detail);
            }
            if *first < walk.next {
                continue;
            }
            walk.next = *first;
            walk.previous = None;
        }
        walk.segment(&**file, number + 1 == segments.len(), report, meter, hashes);
    }
    if sources.open.is_none() && !walk.commit_ended {
        // A commit that did not end was never acknowledged.
        (report.events, report.blocks, report.head) = walk.finished;
        report.torn_bytes = report.torn_bytes.max(walk.unfinished);
    }
    if let Some((position, _)) = hashes.last.filter(|(position, _)| *position > report.head.position) {
        let detail = format!("it ends before sled, which has position {position}");
        report.problem(LogCopy::Journal, report.head.position.next(), detail);
    }
    if let Some((shared, head)) = sources.open {
        walk.check_indexes(shared, report);
        if head != report.head && report.is_clean() {
            report.problem(LogCopy::Journal, head.position, "it does not end at the head of the open log");
        }
    }
    Ok(())
}

impl Walk<'_> {
    fn is_past_head(&self) -> bool {
        self.sources.open.is_some_and(|(_, head)| self.next > head.position)
    }

    fn segment(
        &mut self,
        file: &dyn DiskFile,
        is_last: bool,
        report: &mut VerifyReport,
        meter: &mut Meter<'_, '_>,
        hashes: &HashAt,
    ) {
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        loop {
            let read = match file.read_at(&mut buffer, offset) {
                Ok(read) => read,
                Err(error) => return report.problem(LogCopy::Journal, self.next, error.to_string()),
            };
            let mut at = 0;
            // A block that extends past the buffer is read again from its start.
            while at < read && (read < READ_BYTES || READ_BYTES - at >= BLOCK_BYTES_MAX) {
                if self.is_past_head() {
                    return;
                }
                let checked = Block::read_at(&buffer[at..read], self.next).and_then(|block| {
                    block.verify(&self.previous.unwrap_or(block.header().previous))?;
                    Ok(block)
                });
                match checked {
                    Ok(block) => {
                        self.block(&block, report, hashes);
                        at += block.bytes().len();
                        meter.add(block.bytes().len());
                    }
                    Err(error) => {
                        let Some(found) = self.damage(file, offset + at as u64, is_last, &error, report)
                        else {
                            return;
                        };
                        // Continue at the next intact block.
                        (offset, at) = (found, 0);
                        break;
                    }
                }
            }
            offset += at as u64;
            if read < READ_BYTES && at == read || read == 0 {
                return;
            }
        }
    }

    fn block(&mut self, block: &Block<'_>, report: &mut VerifyReport, hashes: &HashAt) {
        let header = block.header();
        report.block(block, self.expected.as_ref());
        self.previous = Some(block.hash());
        self.next = header.last().next();
        self.commit_ended = header.last_of_commit;
        self.unfinished = if self.commit_ended { 0 } else { self.unfinished + header.len as u64 };
        if self.commit_ended {
            self.finished = (report.events, report.blocks, report.head);
        }
        if hashes.last.is_some_and(|(position, hash)| position == header.last() && hash != block.hash()) {
            let detail = "the two copies have different blocks here";
            report.problem(LogCopy::Journal, header.first, detail);
        }
        let index = self.sources.open.map(|(shared, _)| read(&shared.index));
        for record in block.records().map_while(Result::ok) {
            let version = version_of(&mut self.versions, record.tenant, record.stream);
            if record.version != version.next() && *version != Version::NONE {
                let detail = format!("version {} of its stream follows {version}", record.version);
                report.problem(LogCopy::Journal, record.position, detail);
            }
            *version = record.version;
            if index.as_ref().is_some_and(|index| !index.holds(record.id, record.position)) {
                let detail = "the index of event ids does not know this event";
                report.problem(LogCopy::Journal, record.position, detail);
            }
        }
    }

    /// Records damage. Returns the offset of the file's next intact block, if there is one.
    fn damage(
        &mut self,
        file: &dyn DiskFile,
        offset: u64,
        is_last: bool,
        error: &BlockError,
        report: &mut VerifyReport,
    ) -> Option<u64> {
        let found = next_block(file, offset, self.next);
        let torn = is_last && self.sources.open.is_none() && report.sled < self.next;
        let durable = found.is_some_and(|(_, _, committed)| committed >= self.next);
        if torn && !durable {
            report.torn_bytes = file.len().unwrap_or(offset).saturating_sub(offset) + self.unfinished;
            return None;
        }
        report.problem(LogCopy::Journal, self.next, error.to_string());
        let (offset, first, _) = found?;
        self.next = first;
        self.previous = None;
        // Which streams had events in the gap is unknown.
        self.versions.clear();
        Some(offset)
    }

    fn check_indexes(&self, shared: &Shared, report: &mut VerifyReport) {
        let index = read(&shared.index);
        for (tenant, streams) in &self.versions {
            for (stream, version) in streams {
                let known = index.version(&TenantId::new(&**tenant), &StreamId::new(&**stream));
                if known < *version {
                    let detail =
                        format!("the index has {stream} at version {known}, its blocks at {version}");
                    report.problem(LogCopy::Journal, report.head.position, detail);
                }
            }
        }
    }
}

/// The last version seen of a stream, looked up without allocation if it is known.
fn version_of<'a>(
    versions: &'a mut HashMap<Box<str>, HashMap<Box<str>, Version>>,
    tenant: &str,
    stream: &str,
) -> &'a mut Version {
    if versions.get(tenant).is_none_or(|streams| !streams.contains_key(stream)) {
        versions.entry(tenant.into()).or_default().insert(stream.into(), Version::NONE);
    }
    versions.get_mut(tenant).and_then(|streams| streams.get_mut(stream)).expect("inserted above")
}

/// The next intact block after damage at `position`: its offset, first position, and committed position.
fn next_block(file: &dyn DiskFile, mut offset: u64, position: Position) -> Option<(u64, Position, Position)> {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let read = file.read_at(&mut bytes, offset).ok()?;
        for at in memchr::memmem::find_iter(&bytes[..read], &MAGIC) {
            if let Ok(block) = Block::read(&bytes[at..read])
                && block.header().first > position
            {
                let header = block.header();
                return Some((offset + at as u64, header.first, header.committed));
            }
        }
        if read < READ_BYTES {
            return None;
        }
        offset += (READ_BYTES - BLOCK_BYTES_MAX) as u64;
    }
}
