//! The journal: segment files of blocks, appended and synced. An acknowledgement waits for this alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::event::Position;

/// A segment that has grown past this is followed by a new one.
const SEGMENT_MAX: u64 = 64 * 1024 * 1024;

/// The file name of the segment that begins at a position.
#[must_use]
pub fn segment_name(first: Position) -> String {
    format!("{:020}.seg", first.0)
}

/// The segments of a directory as (first position, path), ascending.
///
/// # Errors
/// What the file system said.
pub fn segments(dir: &Path) -> io::Result<Vec<(Position, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let first = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".seg"))
            .and_then(|digits| digits.parse().ok());
        if let Some(first) = first {
            found.push((Position(first), path));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a whole segment in place of another, or of none.
///
/// # Errors
/// What the file system said; the old segment is then untouched.
pub fn replace_segment(dir: &Path, first: Position, bytes: &[u8]) -> io::Result<()> {
    let path = dir.join(segment_name(first));
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, &path)?;
    sync_dir(dir)
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The open journal.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    /// All segments, for readers; the last one is written to.
    segments: Vec<File>,
    /// Bytes in the last segment.
    length: u64,
}

impl Journal {
    /// Opens the segments of a directory that has been recovered.
    ///
    /// # Errors
    /// What the file system said.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for (_, path) in segments(dir)? {
            files.push(OpenOptions::new().read(true).append(true).open(path)?);
        }
        let length = files.last().map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()))?;
        Ok(Self { dir: dir.to_owned(), segments: files, length })
    }

    /// Where the next block will stand: the segment's number and the offset. Begins a new segment
    /// where the last one is full.
    ///
    /// # Errors
    /// What the file system said.
    pub fn place(&mut self, next: Position) -> io::Result<(u32, u32)> {
        if self.segments.is_empty() || self.length >= SEGMENT_MAX {
            // What stands in the old segment belongs to the same commit: `sync` reaches only the new one.
            self.sync()?;
            let path = self.dir.join(segment_name(next));
            let mut options = OpenOptions::new();
            let file = options.read(true).append(true).create_new(true).mode(0o600).open(path)?;
            sync_dir(&self.dir)?;
            self.segments.push(file);
            self.length = 0;
        }
        Ok((self.segments.len() as u32 - 1, self.length as u32))
    }

    /// Appends bytes to the last segment.
    ///
    /// # Errors
    /// What the file system said; some of the bytes may have been written.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.segments.last_mut().ok_or(io::ErrorKind::NotFound)?;
        file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Makes everything that was appended to the last segment durable (`fdatasync`).
    ///
    /// # Errors
    /// What the disk said. What was appended may then be lost, whatever a later sync answers.
    pub fn sync(&self) -> io::Result<()> {
        self.segments.last().map_or(Ok(()), File::sync_data)
    }

    /// A second handle for readers.
    ///
    /// # Errors
    /// What the file system said.
    pub fn reader(&self, segment: u32) -> io::Result<File> {
        self.segments.get(segment as usize).ok_or(io::ErrorKind::NotFound)?.try_clone()
    }
}

/// Reads a block's bytes from a segment.
///
/// # Errors
/// What the file system said.
pub fn read_at(segment: &File, offset: u32, len: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len as usize];
    segment.read_exact_at(&mut bytes, offset.into())?;
    Ok(bytes)
}
