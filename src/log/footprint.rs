//! What the log takes, and has to itself, on the machine: for those who watch it.

use std::sync::atomic::Ordering;

use super::SledLog;
use super::shared::read;

/// See the module. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Of the journal's durable blocks; sled holds about as much again.
    pub journal: u64,
    /// Of appends that wait for the writer.
    pub queued: u64,
    /// Free for this process on the journal's disk; none where the system cannot say.
    pub free: Option<u64>,
    /// Below this much free space appends are refused.
    pub reserve: u64,
}

impl SledLog {
    /// What the log takes at this moment. One call to the file system.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let shared = self.shared();
        Footprint {
            journal: read(&shared.journal).bytes(),
            queued: shared.queued_bytes.load(Ordering::Relaxed) as u64,
            free: shared.disk.free_bytes(&shared.journal_dir).ok(),
            reserve: shared.reserve_bytes,
        }
    }
}
