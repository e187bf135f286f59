//! Where reading stopped. Cursors are a convenience: without them everything is read again, and
//! adds nothing.
//!
//! A cursor says by which version of the reader it was made, for a newer one may understand what an older one refused, and
//! which lines were refused, for some of them only wait for the clock.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::files::own;

/// A million transcripts have some 200 bytes each; a longer file is none of ours.
const FILE_MAX: u64 = 512 << 20;

/// Bytes before the offset that tell whether a file is still the one that was read.
const FINGERPRINT: u64 = 256;

/// The version of the reader: files that another one has read are read again from their beginning. Raise it where more
/// of a line is understood than before.
pub const READER: u32 = 2;

/// More refused lines of one file are counted and not named.
const REFUSED_MAX: usize = 32;

/// A line that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its number, from 1.
    pub line: u64,
    /// Where it begins.
    pub offset: u64,
    /// Why; never its contents.
    pub reason: String,
    /// Whether it may be a call.
    pub may_cost: bool,
    /// From when on it will be believed, in microseconds since the Unix epoch, where that is all that is wrong.
    pub until_us: Option<i64>,
    /// When the file had last been written when it was read, in microseconds since the Unix epoch.
    pub written_us: i64,
}

/// How far a file has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileCursor {
    /// The file system's device.
    dev: u64,
    /// The inode.
    ino: u64,
    /// Bytes that have been read, up to the end of a line.
    pub offset: u64,
    /// Lines that have been read.
    pub line: u64,
    /// Whether that is within a line that is too long, and was refused already.
    #[serde(default, skip_serializing_if = "is_false")]
    is_within: bool,
    /// Of the bytes just before the offset.
    fingerprint: u64,
    /// See [`READER`].
    #[serde(default)]
    reader: u32,
    /// Where its sessions began: session and directory, in the order in which the file tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<(String, String)>,
    /// The first of the lines that were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// How many more there are.
    #[serde(default)]
    pub refused_more: u64,
    /// How many of those may be calls.
    #[serde(default)]
    pub more_may_cost: u64,
    /// When the file had last been written when the last of those was read, in microseconds since the Unix epoch.
    #[serde(default)]
    pub more_written_us: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The cursors of all files.
pub type Cursors = BTreeMap<PathBuf, FileCursor>;

/// When a file was last written, in microseconds since the Unix epoch.
///
/// # Errors
/// What the file system said.
pub fn written_us(file: &File) -> io::Result<i64> {
    let metadata = file.metadata()?;
    Ok(metadata.mtime().saturating_mul(1_000_000).saturating_add(metadata.mtime_nsec() / 1_000))
}

/// Where reading a file goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Start {
    /// The first byte.
    pub offset: u64,
    /// The lines before it.
    pub line: u64,
    /// Whether it is within a line that is too long, and was refused already.
    pub is_within: bool,
}

impl FileCursor {
    /// The cursor after reading `offset` bytes and `line` lines of a file; `is_within` a line that is too long.
    ///
    /// # Errors
    /// What the file system said.
    pub fn after(file: &File, offset: u64, line: u64, is_within: bool) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let fingerprint = fingerprint(file, offset)?;
        Ok(Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            offset,
            line,
            is_within,
            fingerprint,
            reader: READER,
            ..Self::default()
        })
    }

    /// Where reading goes on at `now`: after what was read, or at the first refused line whose time has come. From the
    /// beginning where this is not the file that was read, or an older reader has read it.
    #[must_use]
    pub fn resume(&self, file: &File, now: Timestamp) -> Start {
        let Ok(metadata) = file.metadata() else { return Start::default() };
        let is_same = (metadata.dev(), metadata.ino()) == (self.dev, self.ino)
            && metadata.len() >= self.offset
            && self.reader == READER
            && fingerprint(file, self.offset).is_ok_and(|found| found == self.fingerprint);
        if !is_same {
            return Start::default();
        }
        // The file that cursors are kept in may have been spoiled: what was not read is not read again.
        let is_read = |refused: &&Refused| {
            (1..=self.line).contains(&refused.line) && refused.offset <= self.offset && refused.is_due(now)
        };
        let due = self.refused.iter().filter(is_read).min_by_key(|refused| refused.offset);
        let Self { offset, line, is_within, .. } = *self;
        due.map_or(Start { offset, line, is_within }, |refused| Start {
            offset: refused.offset,
            line: refused.line - 1,
            is_within: false,
        })
    }

    /// Whether a file of this size has something to be read at `now`, as far as its cursor knows.
    #[must_use]
    pub fn has_more(&self, size: u64, now: Timestamp) -> bool {
        self.offset != size || self.reader != READER || self.refused.iter().any(|refused| refused.is_due(now))
    }

    /// Notes a line that was refused.
    pub fn refuse(&mut self, refused: Refused) {
        if self.refused.len() < REFUSED_MAX {
            self.refused.push(refused);
            return;
        }
        // Those that wait for the clock are named before the others, or they would wait for ever.
        let place =
            self.refused.iter_mut().find(|known| known.until_us.is_none() && refused.until_us.is_some());
        let unnamed = match place {
            Some(place) => std::mem::replace(place, refused),
            None => refused,
        };
        self.refused_more = self.refused_more.saturating_add(1);
        if unnamed.may_cost {
            self.more_may_cost = self.more_may_cost.saturating_add(1);
            self.more_written_us = self.more_written_us.max(unnamed.written_us);
        }
    }

    /// Takes over the lines that another cursor of the file counts and does not name.
    pub fn take_unnamed(&mut self, before: &Self) {
        self.refused_more = self.refused_more.saturating_add(before.refused_more);
        self.more_may_cost = self.more_may_cost.saturating_add(before.more_may_cost);
        self.more_written_us = self.more_written_us.max(before.more_written_us);
    }
}

impl Refused {
    fn is_due(&self, now: Timestamp) -> bool {
        self.until_us.is_some_and(|until| until <= now.as_microsecond())
    }
}

fn fingerprint(file: &File, offset: u64) -> io::Result<u64> {
    let start = offset.saturating_sub(FINGERPRINT);
    let mut bytes = vec![0; (offset - start) as usize];
    file.read_exact_at(&mut bytes, start)?;
    let hash = blake3::hash(&bytes);
    Ok(hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first)))
}

/// Reads cursors that were kept. What cannot be read counts as none.
#[must_use]
pub fn load(path: &Path) -> Cursors {
    let text = own::read(path, FILE_MAX).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The bytes in which cursors are kept.
#[must_use]
pub fn to_bytes(cursors: &Cursors) -> Vec<u8> {
    serde_json::to_vec(cursors).unwrap_or_default()
}
