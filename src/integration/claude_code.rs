//! Claude Code's transcripts: JSON lines under `projects/` of its configuration directory.
//!
//! The format is not documented by its vendor. What is relied on: an assistant's line has
//! `message.usage`, `message.model`, `message.id`, `requestId`, `timestamp` and `sessionId`; a
//! message is written again while it streams, and copied when a session is resumed. Subagents'
//! calls stand in lines with `isSidechain`, often in files of their own under `subagents/`, and may
//! be repeated in `progress` lines; `toolUseResult` holds only their totals, which are passed over.

pub mod cursor;
pub mod discover;
pub mod file;
pub mod hook;
pub mod line;
pub mod place;
pub mod read;
pub mod status_line;
pub mod telemetry;

pub use cursor::{Cursors, FileCursor};
pub use discover::{Found, discover};
pub use read::{BadLine, Collected, Progress, read_all};
