//! Health and disk usage of a log.

use crate::event::Position;

/// The health of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Why appends are currently refused, with the fix, if they are.
    pub refusal: Option<String>,
    /// Why the writer stopped after a failed write, if it did; [`LogAdmin::reopen`] restarts it. A full disk
    /// that was detected before writing does not stop it: that refusal ends by itself.
    pub stopped: Option<String>,
    /// How far the second copy is, if this log keeps one.
    pub second_copy: Option<SecondCopy>,
    /// Disk and queue usage.
    pub footprint: Footprint,
}

/// The state of the second copy, for readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondCopy {
    /// The last position that it has.
    pub applied: Position,
    /// Why it is no longer written, if it is not.
    pub failed: Option<String>,
}

/// Disk and queue usage of the log. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Durable blocks; a second copy needs about as much again.
    pub journal: u64,
    /// Appends that wait for the writer.
    pub queued: u64,
    /// Free space for this process on the log's disk; none if unknown.
    pub free: Option<u64>,
    /// Below this much free space appends are refused.
    pub reserve: u64,
}
