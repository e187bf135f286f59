//! Why the log did not do what it was asked.

use std::path::Path;

use crate::domain::code::{Code, Coded};
use crate::event::{Position, StreamId, Version};
use crate::files::{Refused, refusal};

/// What can go wrong, by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The stream moved: read it again and decide again.
    #[error("stream {stream} is at version {actual}, not as expected; read it again and decide again")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// Its version at the moment of the append.
        actual: Version,
    },
    /// Nothing was written, and nothing will be until the cause is gone.
    #[error("the log does not accept events: {reason}; {fix}")]
    ReadOnly {
        /// Why.
        reason: String,
        /// The mend.
        fix: String,
    },
    /// A write or sync failed: the events may or may not be there. Ask again with the same ids.
    #[error(
        "it is not known whether the events were written ({reason}); send them again with the same ids once the log is open"
    )]
    UnknownOutcome {
        /// What the disk said.
        reason: String,
    },
    /// Both copies are damaged.
    #[error(
        "the log is damaged at position {position}: {detail}; everything before it is readable; run `mecris verify`, then `mecris repair` or `mecris restore` from a backup"
    )]
    Corrupt {
        /// The first position that is lost.
        position: Position,
        /// What was found.
        detail: String,
    },
    /// Another process holds the log.
    #[error("another mecris holds {path}; stop it, or choose another directory with --data-dir")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// An event breaks a limit of the envelope.
    #[error("event refused: {reason}")]
    Invalid {
        /// Which limit.
        reason: String,
    },
    /// The disk or the file system said no.
    #[error("{action} {path}: {source_text}; {fix}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: String,
        /// What the system said.
        source_text: String,
        /// The mend.
        fix: String,
    },
    /// A file or directory is a link, somebody else's, or lies where it must not: it is left alone.
    #[error(transparent)]
    Unsafe(#[from] Refused),
    /// Too much waits for the disk.
    #[error("the log has {queued_bytes} bytes of events waiting for the disk; send this again in a moment")]
    Busy {
        /// What waits.
        queued_bytes: usize,
    },
    /// The log cannot be reached, or does not answer in time: nothing was read, and nothing was written.
    #[error("the log cannot be reached: {reason}; {fix}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// The mend.
        fix: String,
    },
    /// The log has been closed.
    #[error("the log is closed")]
    Closed,
}

impl Coded for LogError {
    fn code(&self) -> Code {
        match self {
            Self::Conflict { .. } => Code::Conflict,
            Self::ReadOnly { .. } | Self::Unavailable { .. } | Self::Closed => Code::Unavailable,
            Self::UnknownOutcome { .. } => Code::UnknownOutcome,
            Self::Corrupt { .. } => Code::LogDamaged,
            Self::Invalid { .. } | Self::Unsafe(_) => Code::EventRefused,
            Self::Busy { .. } => Code::Busy,
            Self::Locked { .. } | Self::Io { .. } => Code::Internal,
        }
    }
}

pub(super) fn io_error(action: &'static str, path: &Path, error: &std::io::Error) -> LogError {
    if let Some(refused) = refusal(error) {
        return LogError::Unsafe(refused.clone());
    }
    let fix = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "give this user the rights to it",
        std::io::ErrorKind::StorageFull => "free some space on its disk",
        std::io::ErrorKind::NotFound => "check the data directory",
        _ => "check the disk",
    };
    LogError::Io {
        action,
        path: path.display().to_string(),
        source_text: error.to_string(),
        fix: fix.to_owned(),
    }
}
