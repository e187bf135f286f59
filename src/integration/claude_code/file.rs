//! One file, line by line, from where reading stopped.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use crate::files::others;
use crate::integration::transcripts::cursor::{FileCursor, Start, written_us};

/// A longer line is skipped, without holding it in memory.
pub const MAX_LINE: usize = 8 * 1024 * 1024;

/// Bytes asked for at once.
const CHUNK: usize = 512 * 1024;

/// What reading a file hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole line, without its end.
    Line(&'a [u8]),
    /// What follows the last line end. It may be a line that is still being written.
    Tail(&'a [u8]),
    /// A line over [`MAX_LINE`].
    TooLong,
}

/// A piece of a file, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed<'a> {
    /// The number of its line, from 1.
    pub line: u64,
    /// Where it begins.
    pub offset: u64,
    /// What it is.
    pub piece: Piece<'a>,
}

/// Reads the rest of a file from where its cursor says that reading goes on at `now`, or all of it where it was truncated
/// or replaced. `visit` gets each piece. The new cursor stands after the last line end; beside
/// it, where reading began, and when the file had last been written (see [`written_us`]).
///
/// # Errors
/// What the file system said.
pub fn read_file(
    path: &Path,
    cursor: Option<&FileCursor>,
    now: Timestamp,
    buffer: &mut Vec<u8>,
    visit: &mut dyn FnMut(Start, Placed<'_>),
) -> io::Result<(FileCursor, Start, i64)> {
    let mut file = others::open(path)?;
    let start = cursor.map_or_else(Start::default, |cursor| cursor.resume(&file, now));
    let mut reading = Reading { line: start.line, filled: 0, skipping: start.is_within };
    // The rest of a line that was refused at an earlier look is no other one.
    let is_known = |placed: &Placed<'_>| {
        start.is_within && placed.line == start.line + 1 && placed.piece == Piece::TooLong
    };
    let mut visit = |placed: Placed<'_>| {
        if !is_known(&placed) {
            visit(start, placed);
        }
    };
    let mut offset = start.offset;
    file.seek(SeekFrom::Start(offset))?;
    loop {
        if buffer.len() < reading.filled + CHUNK {
            buffer.resize(reading.filled + CHUNK, 0);
        }
        let read = match file.read(&mut buffer[reading.filled..]) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        offset += reading.take(buffer, read, offset, &mut visit);
    }
    let line = reading.line + 1;
    if reading.skipping {
        visit(Placed { line, offset, piece: Piece::TooLong });
    } else if reading.filled > 0 {
        visit(Placed { line, offset, piece: Piece::Tail(&buffer[..reading.filled]) });
    }
    // A giant line must not keep its memory for all files after it.
    if buffer.len() > 2 * CHUNK {
        buffer.truncate(2 * CHUNK);
        buffer.shrink_to_fit();
    }
    Ok((FileCursor::after(&file, offset, reading.line, reading.skipping)?, start, written_us(&file)?))
}

struct Reading {
    /// Lines that are done.
    line: u64,
    /// Bytes at the front of the buffer that belong to a line whose end has not come yet.
    filled: usize,
    /// Within a line that is too long.
    skipping: bool,
}

impl Reading {
    /// Hands over the lines that `read` more bytes complete, of a buffer that begins `at` this byte of the file. How many
    /// bytes are done with now, those of a skipped line that were dropped before included.
    fn take(&mut self, buffer: &mut [u8], read: usize, at: u64, visit: &mut dyn FnMut(Placed<'_>)) -> u64 {
        let end = self.filled + read;
        let mut start = 0;
        let mut done = 0;
        for newline in memchr::memchr_iter(b'\n', &buffer[self.filled..end]) {
            let newline = self.filled + newline;
            self.line += 1;
            let piece = if std::mem::take(&mut self.skipping) {
                Piece::TooLong
            } else {
                Piece::Line(&buffer[start..newline])
            };
            visit(Placed { line: self.line, offset: at + start as u64, piece });
            start = newline + 1;
        }
        done += start as u64;
        buffer.copy_within(start..end, 0);
        self.filled = end - start;
        if self.filled > MAX_LINE || self.skipping {
            // These bytes count as done: what is dropped cannot be read again from here.
            done += self.filled as u64;
            self.filled = 0;
            self.skipping = true;
        }
        done
    }
}
