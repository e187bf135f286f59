//! Restore: a backup becomes a data directory's journal. Everything is verified before anything is replaced,
//! and the previous log is set aside, not deleted.
//!
//! ```text
//!   manifest, file hashes, block chain ── any damage ──▶ error, nothing touched
//!            ▼
//!   <data>/journal.new/         written and synced
//!            ▼
//!   <data>/replaced-<time>/     takes the old sled, closed and journal, in this order
//!            ▼
//!   journal.new becomes journal; sled is built from it at the next opening
//! ```
//!
//! If a restore is interrupted between the last two steps, the next opening completes it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::event::Position;
use crate::files::{Refused, own};

use super::backup::{Manifest, ManifestSegment};
use super::block::{BLOCK_BYTES_MAX, Block, BlockHash, Commit, CommitWriter, HEADER_BYTES, Header};
use super::hold::take_lock;
use super::journal::{list_segments, segment_name};
use super::open::{EMPTY, FRESH};
use super::options::{Options, Progress};
use super::shared::corrupt;
use super::{Head, LogError, io_error};

/// Result of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// The head of the restored log.
    pub head: Head,
    /// Segments written.
    pub segments: usize,
    /// Where the previous log was moved, if there was one.
    pub replaced: Option<PathBuf>,
}

/// The state of the chain while reading.
struct Chain {
    next: Position,
    hash: BlockHash,
    recorded_at: Timestamp,
}

/// Restores a backup into a data directory, up to and including `until` if it is given.
///
/// # Errors
/// [`LogError::Corrupt`] if the backup is damaged: nothing is replaced then. [`LogError::Locked`],
/// [`LogError::Io`].
pub fn restore(
    backup: &Path,
    data: &Path,
    until: Option<Position>,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<RestoreReport, LogError> {
    let manifest = Manifest::read(backup)?.ok_or_else(|| LogError::Invalid {
        reason: format!("{} has no manifest.json; it is not a backup", backup.display()),
    })?;
    own::dir(data).map_err(|error| io_error("creating", data, &error))?;
    let _lock = take_lock(data)?;
    let bytes: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
    let mut meter = (0, bytes * 2);
    // First a pass over all of it without writing: a damaged backup must not cost the existing log.
    read_all(backup, &manifest, &mut meter, progress, &mut |_, _| Ok(()))?;
    let fresh = data.join(FRESH);
    if fresh.is_symlink() {
        return Err(io_error("removing", &fresh, &Refused::Link(fresh.display().to_string()).into()));
    }
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(|error| io_error("removing", &fresh, &error))?;
    }
    own::new_dir(&fresh).map_err(|error| io_error("creating", &fresh, &error))?;
    let until = until.unwrap_or(Position(u64::MAX));
    let mut writer = SegmentWriter { dir: &fresh, out: None, segments: 0, head: EMPTY };
    read_all(backup, &manifest, &mut meter, progress, &mut |first_of_file, block| {
        if block.header().first > until {
            return Ok(());
        }
        let cut = cut_block(block, until)?;
        writer.write(first_of_file, cut.as_deref().unwrap_or(block.bytes()))
    })?;
    let (segments, head) = (writer.segments, writer.head);
    writer.finish()?;
    let replaced = swap(data, options)?;
    Ok(RestoreReport { head, segments, replaced })
}

type OnBlock<'a> = dyn FnMut(bool, &Block<'_>) -> Result<(), LogError> + 'a;

/// Reads and verifies all of a backup.
fn read_all(
    backup: &Path,
    manifest: &Manifest,
    meter: &mut (u64, u64),
    progress: &mut Progress<'_>,
    on_block: &mut OnBlock<'_>,
) -> Result<(), LogError> {
    let mut chain = Chain { next: Position::FIRST, hash: EMPTY.hash(), recorded_at: EMPTY.recorded_at };
    for segment in &manifest.segments {
        read_segment(backup, segment, &mut chain, on_block)?;
        meter.0 += segment.bytes;
        progress(meter.0, meter.1);
    }
    let hash = blake3::Hash::from_bytes(chain.hash).to_string();
    if (chain.next, &hash) != (Position(manifest.position).next(), &manifest.hash) {
        let detail = "the backup does not end at the head that its manifest names".to_owned();
        return Err(LogError::Corrupt { position: chain.next, detail });
    }
    Ok(())
}

fn read_segment(
    backup: &Path,
    segment: &ManifestSegment,
    chain: &mut Chain,
    on_block: &mut OnBlock<'_>,
) -> Result<(), LogError> {
    let path = backup.join("journal").join(segment_name(Position(segment.first)));
    let failed = |error: std::io::Error| io_error("reading the backup", &path, &error);
    let damaged = |position, detail: &str| LogError::Corrupt {
        position,
        detail: format!("the backup's {}: {detail}", path.display()),
    };
    if chain.next != Position(segment.first) {
        return Err(damaged(chain.next, "it does not follow the segment before"));
    }
    let mut file =
        BufReader::with_capacity(1 << 18, own::open_to_read(&path).map_err(failed)?.take(segment.bytes));
    let mut hasher = blake3::Hasher::new();
    let (mut bytes, mut first_of_file) = (Vec::with_capacity(BLOCK_BYTES_MAX), true);
    while chain.next <= Position(segment.last) {
        bytes.resize(HEADER_BYTES, 0);
        file.read_exact(&mut bytes).map_err(|_| damaged(chain.next, "it ends early"))?;
        let header = Header::read(&bytes).map_err(|error| damaged(chain.next, &error.to_string()))?;
        bytes.resize(header.len, 0);
        file.read_exact(&mut bytes[HEADER_BYTES..]).map_err(|_| damaged(chain.next, "it ends early"))?;
        let block = Block::read_at(&bytes, chain.next)
            .and_then(|block| block.verify(&chain.hash).map(|()| block))
            .map_err(|error| damaged(chain.next, &error.to_string()))?;
        hasher.update(block.bytes());
        on_block(first_of_file, &block)?;
        first_of_file = false;
        *chain = Chain {
            next: header.last().next(),
            hash: block.hash(),
            recorded_at: header.recorded_at.max(chain.recorded_at),
        };
    }
    if hasher.finalize().to_string() != segment.blake3 {
        return Err(damaged(Position(segment.first), "its hash is not the manifest's"));
    }
    Ok(())
}

/// A block that must end at `until`, and as the end of a commit; `None` if it can stay as it is.
fn cut_block(block: &Block<'_>, until: Position) -> Result<Option<Vec<u8>>, LogError> {
    let header = block.header();
    if header.last() < until || (header.last() == until && header.last_of_commit) {
        return Ok(None);
    }
    let commit = Commit {
        committed: header.committed,
        recorded_at: header.recorded_at,
        starts_segment: header.first_of_segment,
    };
    let mut writer = CommitWriter::new(commit, header.first, header.previous, Vec::new());
    for record in block.records() {
        let record = record.map_err(|error| corrupt(header.first, &error))?;
        if record.position <= until {
            writer.push(&record).map_err(|error| LogError::Invalid { reason: error.to_string() })?;
        }
    }
    Ok(Some(writer.finish().0))
}

/// Writes segment files into a directory.
struct SegmentWriter<'a> {
    dir: &'a Path,
    out: Option<BufWriter<File>>,
    segments: usize,
    head: Head,
}

impl SegmentWriter<'_> {
    fn write(&mut self, first_of_file: bool, bytes: &[u8]) -> Result<(), LogError> {
        let block = Block::read(bytes).map_err(|error| corrupt(self.head.position.next(), &error))?;
        let header = block.header();
        if first_of_file {
            self.sync()?;
            let path = self.dir.join(segment_name(header.first));
            let file = own::make(&path).map_err(|error| io_error("creating", &path, &error))?;
            self.out = Some(BufWriter::with_capacity(1 << 18, file));
            self.segments += 1;
        }
        if let Some(out) = &mut self.out {
            out.write_all(bytes).map_err(|error| io_error("writing to", self.dir, &error))?;
        }
        self.head =
            Head { position: header.last(), chain: Some(block.hash()), recorded_at: header.recorded_at };
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        let Some(out) = self.out.take() else {
            return Ok(());
        };
        let synced = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        let synced = synced.and_then(|file| file.sync_all());
        synced.map_err(|error| io_error("writing to", self.dir, &error))
    }

    fn finish(mut self) -> Result<(), LogError> {
        self.sync()?;
        sync(self.dir)
    }
}

/// Replaces the existing journal by the fresh one.
fn swap(data: &Path, options: &Options) -> Result<Option<PathBuf>, LogError> {
    let journal = data.join("journal");
    let old = list_segments(&*options.disk, &journal);
    let had_log = !old.map_err(|error| io_error("listing", &journal, &error))?.is_empty();
    let aside = data.join(format!("replaced-{}", (options.clock)().as_millisecond()));
    own::new_dir(&aside).map_err(|error| io_error("creating", &aside, &error))?;
    for name in ["closed", "sled", "journal"] {
        let from = data.join(name);
        if from.exists() {
            rename(&from, &aside.join(name))?;
        }
    }
    sync(data)?;
    rename(&data.join(FRESH), &journal)?;
    sync(data)?;
    if had_log {
        return Ok(Some(aside));
    }
    // An empty journal and its sled are not worth keeping.
    std::fs::remove_dir_all(&aside).map_err(|error| io_error("removing", &aside, &error))?;
    Ok(None)
}

fn rename(from: &Path, to: &Path) -> Result<(), LogError> {
    std::fs::rename(from, to).map_err(|error| io_error("renaming", from, &error))
}

fn sync(dir: &Path) -> Result<(), LogError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| io_error("syncing", dir, &error))
}
