//! Options for opening the log, and the report of an opening.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::{NewEvent, Position, StreamId, TenantId};

use super::Head;
use super::disk::{Disk, RealDisk};
use super::journal::SEGMENT_BYTES;

/// Bytes that must stay free on the disk, so that a full disk never interrupts a commit.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// sled's own cache. Reads come from the journal, so it only serves sled's bookkeeping.
pub const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// Builds the event that records a repair: the log stores bytes and does not know what an event means.
pub type RepairEvent = Arc<dyn Fn(&Repair) -> (TenantId, StreamId, NewEvent) + Send + Sync>;

/// Called with the work done and the total, in bytes or events.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Options for opening the log.
#[derive(Clone)]
pub struct Options {
    /// See [`SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// See [`CACHE_BYTES`].
    pub cache_bytes: u64,
    /// See [`RESERVE_BYTES`].
    pub reserve_bytes: u64,
    /// Records a repair as an event; without it a repair is only reported.
    pub repair_event: Option<RepairEvent>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The journal's disk.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            cache_bytes: CACHE_BYTES,
            reserve_bytes: RESERVE_BYTES,
            repair_event: None,
            clock: Arc::new(Timestamp::now),
            disk: Arc::new(RealDisk),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("cache_bytes", &self.cache_bytes)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("repair_event", &self.repair_event.is_some())
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

/// One of the two copies of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogCopy {
    /// The segment files.
    Journal,
    /// The sled store.
    Sled,
}

impl fmt::Display for LogCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal => "journal",
            Self::Sled => "sled",
        })
    }
}

/// A range of one copy that was rewritten from the other, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The copy that was damaged.
    pub copy: LogCopy,
    /// The first position of the range.
    pub first: Position,
    /// The last position of the range.
    pub last: Position,
    /// What was damaged.
    pub detail: String,
}

/// What opening the log found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenReport {
    /// The head after opening, before any repair event.
    pub head: Head,
    /// Durable blocks.
    pub blocks: usize,
    /// Segment files.
    pub segments: usize,
    /// Bytes of the journal that had to be read and verified, because no index entry covered them.
    pub scanned_bytes: u64,
    /// Bytes of an unfinished commit that were truncated: they were never acknowledged.
    pub torn_bytes: u64,
    /// What was healed from the other copy.
    pub repairs: Vec<Repair>,
    /// Why there is no second copy, if there is none.
    pub store_error: Option<String>,
}
