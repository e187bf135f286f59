//! What a browser says on its standard error: kept in the profile's log, up to a size.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::domain::shown;

/// Of what it says this much is kept, in bytes.
const LOG_MAX: usize = 64 << 10;
/// The line that tells most is looked for in this much, in bytes.
const TAIL_MAX: usize = 8 << 10;
/// And so much of it is told, in characters.
const LINE_MAX: usize = 300;
/// What a browser that has ended said is read within milliseconds.
const REST: Duration = Duration::from_millis(500);

/// Reads while it lives, so that a browser that talks much is never held up.
pub struct Said {
    tail: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Said {
    /// Begins to read, and to keep.
    pub fn start(mut said: impl AsyncRead + Unpin + Send + 'static, log: File) -> Self {
        let tail = Arc::new(Mutex::new(Vec::new()));
        let (into, mut log) = (tail.clone(), tokio::fs::File::from_std(log));
        let task = tokio::spawn(async move {
            let (mut chunk, mut kept) = (vec![0; 4 << 10], 0);
            // By chunks: a line has no largest length.
            while let Ok(count @ 1..) = said.read(&mut chunk).await {
                let part = &chunk[..count];
                let room = part.len().min(LOG_MAX - kept);
                kept += room;
                // A log that cannot be written is missed by nobody but who looks for it.
                let _ = log.write_all(&part[..room]).await;
                let mut tail = into.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend_from_slice(part);
                let surplus = tail.len().saturating_sub(TAIL_MAX);
                tail.drain(..surplus);
            }
            let _ = log.flush().await;
        });
        Self { tail, task }
    }

    /// The last line, or the one with which a Chromium dies, after which its reporter of crashes goes on to talk; once all is
    /// read. Only of a browser that has not shown a page yet: what it says then may be a page's.
    pub async fn last_line(&mut self) -> Option<String> {
        let _ = tokio::time::timeout(REST, &mut self.task).await;
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail).into_owned();
        let lines = || text.lines().map(str::trim).rev();
        let fatal = lines().find(|line| line.contains(":FATAL:"));
        let line = fatal.or_else(|| lines().find(|line| !line.is_empty()))?;
        Some(shown::line(line).chars().take(LINE_MAX).collect())
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        self.task.abort();
    }
}
