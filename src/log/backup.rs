//! Backup: copies the journal's segments into another directory, with a manifest that describes them.
//!
//! Online: it copies what is durable when it starts. Incremental: a segment that the last manifest has
//! completely is not copied again. Every block is verified on the way, and read from sled if the journal is
//! damaged, so that a backup never copies damage.
//!
//! ```text
//! <backup>/manifest.json              written last, whole or not at all
//! <backup>/journal/<first>.seg
//! ```

use std::fs::{File, TryLockError};
use std::io::{BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::files::own;

use super::journal::segment_name;
use super::options::Progress;
use super::shared::{corrupt, read};
use super::{Head, LogError, SledLog, io_error};

/// The format of the manifest.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The manifest's format, 1.
    pub format: u32,
    /// The last position.
    pub position: u64,
    /// The head's hash, 64 hexadecimal digits; it proves later that nothing was rewritten.
    pub hash: String,
    /// When the last event was recorded.
    pub recorded_at: Timestamp,
    /// The segment files, in order.
    pub segments: Vec<ManifestSegment>,
}

/// A segment file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSegment {
    /// Its first position.
    pub first: u64,
    /// Its last position.
    pub last: u64,
    /// Its length in bytes. A later backup may extend the file, and these bytes stay the same.
    pub bytes: u64,
    /// BLAKE3 of these bytes, 64 hexadecimal digits.
    pub blake3: String,
}

/// Result of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The head of the backup.
    pub head: Head,
    /// Segments in the backup.
    pub segments: usize,
    /// Segments copied now.
    pub copied: usize,
    /// Bytes copied now.
    pub copied_bytes: u64,
}

impl Manifest {
    /// Reads the manifest of a backup; `None` if there is none yet.
    ///
    /// # Errors
    /// [`LogError::Io`] if it cannot be read or parsed.
    pub fn read(backup: &Path) -> Result<Option<Self>, LogError> {
        let path = backup.join(MANIFEST);
        let failed = |error: std::io::Error| io_error("reading the manifest", &path, &error);
        let file = match own::open_to_read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let mut text = String::new();
        // Some 150 bytes per segment: enough for 25 TB of journal.
        file.take(64 * 1024 * 1024).read_to_string(&mut text).map_err(failed)?;
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| failed(std::io::Error::other(error)))?;
        if manifest.format != FORMAT {
            let unknown = format!("format {} is not known to this mecris; use a newer one", manifest.format);
            return Err(failed(std::io::Error::other(unknown)));
        }
        Ok(Some(manifest))
    }

    fn write(&self, backup: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        own::write(&backup.join(MANIFEST), &text)
    }
}

/// A segment, as far as the backup's head.
struct Wanted {
    first: Position,
    last: Position,
    bytes: u64,
}

/// Backs an open log up into a directory; creates it if needed. The directory and its content are readable by
/// their owner alone, and no symbolic link in it is followed: otherwise whoever prepared the directory could
/// choose what is overwritten.
///
/// # Errors
/// [`LogError::Corrupt`] if neither copy has a block, [`LogError::Unsafe`], [`LogError::Io`]. An earlier
/// backup stays valid.
pub fn backup(log: &SledLog, target: &Path, progress: &mut Progress<'_>) -> Result<BackupReport, LogError> {
    back_up_until(log, target, log.head(), progress)
}

/// Backs up to a head that the log has or had.
pub(super) fn back_up_until(
    log: &SledLog,
    target: &Path,
    head: Head,
    progress: &mut Progress<'_>,
) -> Result<BackupReport, LogError> {
    let journal = target.join("journal");
    own::dir(target).map_err(|error| io_error("creating", target, &error))?;
    let _turn = take_turn(target)?;
    own::inner_dir(&journal).map_err(|error| io_error("creating", &journal, &error))?;
    // Backups of older versions were readable by others, and a killed backup left temporary files.
    own::sweep(target, &[]).map_err(|error| io_error("closing to others", target, &error))?;
    let before = Manifest::read(target)?;
    let wanted = segments_until(log, head.position);
    let total = wanted.iter().map(|segment| segment.bytes).sum();
    let (mut done, mut segments) = (0, Vec::new());
    let mut report = BackupReport { head, segments: wanted.len(), copied: 0, copied_bytes: 0 };
    for segment in &wanted {
        let entry =
            if let Some(entry) = before.as_ref().and_then(|manifest| kept(manifest, segment, &journal)) {
                entry
            } else {
                report.copied += 1;
                report.copied_bytes += segment.bytes;
                copy_segment(log, segment, &journal)?
            };
        segments.push(entry);
        done += segment.bytes;
        progress(done, total);
    }
    let failed = |error: std::io::Error| io_error("writing the backup", target, &error);
    File::open(&journal).and_then(|dir| dir.sync_all()).map_err(failed)?;
    let manifest = Manifest {
        format: FORMAT,
        position: head.position.0,
        hash: blake3::Hash::from_bytes(head.hash()).to_string(),
        recorded_at: head.recorded_at,
        segments,
    };
    manifest.write(target).map_err(failed)?;
    Ok(report)
}

/// Only one backup writes to a directory at a time. On a file system without locks the person must ensure
/// that.
fn take_turn(target: &Path) -> Result<File, LogError> {
    let dir = File::open(target).map_err(|error| io_error("opening", target, &error))?;
    match dir.try_lock() {
        Err(TryLockError::WouldBlock) => Err(LogError::Invalid {
            reason: format!("another backup is written to {}; wait until it is done", target.display()),
        }),
        _ => Ok(dir),
    }
}

/// The segments up to a position, the last one as far as that position's block.
fn segments_until(log: &SledLog, until: Position) -> Vec<Wanted> {
    let journal = read(&log.shared().journal);
    let mut wanted = Vec::new();
    let mut next = Position::FIRST;
    // One span per segment: spans end with their file.
    while let Some(span) = journal.span(next, until, usize::MAX).filter(|_| next <= until) {
        wanted.push(Wanted { first: next, last: Position(span.end.0 - 1), bytes: span.bytes() as u64 });
        next = span.end;
    }
    wanted
}

/// The manifest's entry of a segment that need not be copied again.
fn kept(manifest: &Manifest, segment: &Wanted, journal: &Path) -> Option<ManifestSegment> {
    let same = |entry: &&ManifestSegment| {
        (entry.first, entry.last, entry.bytes) == (segment.first.0, segment.last.0, segment.bytes)
    };
    let entry = manifest.segments.iter().find(same)?;
    let kept = std::fs::symlink_metadata(journal.join(segment_name(segment.first))).ok()?;
    (kept.is_file() && kept.len() >= segment.bytes).then(|| entry.clone())
}

fn copy_segment(log: &SledLog, segment: &Wanted, journal: &Path) -> Result<ManifestSegment, LogError> {
    let path = journal.join(segment_name(segment.first));
    let failed = |error: std::io::Error| io_error("writing", &path, &error);
    let mut out = BufWriter::with_capacity(1 << 18, own::Fresh::beside(&path).map_err(failed)?);
    let mut hasher = blake3::Hasher::new();
    let mut written = 0;
    log.shared().blocks(segment.first, segment.last, &mut |block| {
        let header = block.header();
        block.verify(&header.previous).map_err(|error| corrupt(header.first, &error))?;
        hasher.update(block.bytes());
        written += block.bytes().len() as u64;
        out.write_all(block.bytes()).map_err(failed)?;
        Ok(ControlFlow::Continue(()))
    })?;
    let fresh = out.into_inner().map_err(|error| failed(error.into_error()))?;
    if written != segment.bytes {
        return Err(failed(std::io::Error::other("the segment changed while it was copied")));
    }
    fresh.keep().map_err(failed)?;
    Ok(ManifestSegment {
        first: segment.first.0,
        last: segment.last.0,
        bytes: segment.bytes,
        blake3: hasher.finalize().to_string(),
    })
}
