//! How a log stands, and what it takes.

use crate::event::Position;

/// How a log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Why appends are refused just now, with the mend, if they are.
    pub refusal: Option<String>,
    /// Why the writer has stopped after a failed write, where it has: [`LogAdmin::reopen`] lets it begin
    /// again. A full disk that was seen before anything was written is none: that refusal goes by itself.
    pub stopped: Option<String>,
    /// How far the second copy is, where this log keeps one.
    pub second_copy: Option<SecondCopy>,
    /// What it takes.
    pub footprint: Footprint,
}

/// How far the second copy is behind, for readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondCopy {
    /// The last position that it has.
    pub applied: Position,
    /// Why it is no longer written, if it is not.
    pub failed: Option<String>,
}

/// What the log takes, and has to itself, on the machine. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Of the durable blocks; a second copy holds about as much again.
    pub journal: u64,
    /// Of appends that wait for the writer.
    pub queued: u64,
    /// Free for this process on the log's disk; none where nobody can say.
    pub free: Option<u64>,
    /// Below this much free space appends are refused.
    pub reserve: u64,
}
