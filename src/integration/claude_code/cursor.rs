//! Where reading stopped. Cursors are a convenience: without them everything is read again, and
//! adds nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::own;

/// A million transcripts have some 200 bytes each; a longer file is none of ours.
const FILE_MAX: u64 = 512 << 20;

/// Bytes before the offset that tell whether a file is still the one that was read.
const FINGERPRINT: u64 = 256;

/// How far a file has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileCursor {
    /// The file system's device.
    dev: u64,
    /// The inode.
    ino: u64,
    /// Bytes that have been read, up to the end of a line.
    pub offset: u64,
    /// Lines that have been read.
    pub line: u64,
    /// Of the bytes just before the offset.
    fingerprint: u64,
}

/// The cursors of all files.
pub type Cursors = BTreeMap<PathBuf, FileCursor>;

impl FileCursor {
    /// The cursor after reading `offset` bytes and `line` lines of a file.
    ///
    /// # Errors
    /// What the file system said.
    pub fn after(file: &File, offset: u64, line: u64) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let fingerprint = fingerprint(file, offset)?;
        Ok(Self { dev: metadata.dev(), ino: metadata.ino(), offset, line, fingerprint })
    }

    /// Whether this is still the file that was read, with at least as much in it.
    #[must_use]
    pub fn continues(&self, file: &File) -> bool {
        let Ok(metadata) = file.metadata() else { return false };
        let same = (metadata.dev(), metadata.ino()) == (self.dev, self.ino) && metadata.len() >= self.offset;
        same && fingerprint(file, self.offset).is_ok_and(|found| found == self.fingerprint)
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
