//! Messages in a stream of bytes, each ended by a NUL byte.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Read at once, in bytes: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// Why there is no next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The end, between two messages.
    Ended,
    /// The end, within one.
    Cut,
    /// A message that goes on after its largest size.
    TooLong,
}

/// Takes messages of at most `max` bytes.
pub struct Frames<R> {
    from: BufReader<R>,
    max: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// From a stream.
    pub fn new(from: R, max: usize) -> Self {
        Self { from: BufReader::with_capacity(CHUNK, from), max }
    }

    /// The next message, without its end. Each byte is looked at once, and no more is held than the limit and a chunk.
    ///
    /// # Errors
    /// [`Broken`]; nothing comes after it.
    pub async fn next(&mut self) -> Result<Vec<u8>, Broken> {
        let mut message = Vec::new();
        loop {
            // A pipe that fails has no other end any more.
            let chunk = self.from.fill_buf().await.unwrap_or_default();
            if chunk.is_empty() {
                return Err(if message.is_empty() { Broken::Ended } else { Broken::Cut });
            }
            let end = memchr::memchr(0, chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            if message.len() + part.len() > self.max {
                return Err(Broken::TooLong);
            }
            message.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(message);
            }
        }
    }
}
