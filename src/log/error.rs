//! Errors of the log.

use std::path::Path;

use crate::domain::code::{Code, Coded};
use crate::event::{Position, StreamId, Version};
use crate::files::{Refused, refusal};

/// The errors, distinguished by what the caller can do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The stream has moved on: read it again and decide again.
    #[error("stream {stream} is at version {actual}, not as expected; read it again and decide again")]
    Conflict {
        stream: StreamId,
        /// Its version at the moment of the append.
        actual: Version,
    },
    /// Nothing was written, and nothing will be until the cause is gone.
    #[error("the log does not accept events: {reason}; {fix}")]
    ReadOnly {
        reason: String,
        /// How to fix it.
        fix: String,
    },
    /// A write or sync failed: the events may or may not be there. Retry with the same ids.
    #[error(
        "it is not known whether the events were written ({reason}); send them again with the same ids once the log is open"
    )]
    UnknownOutcome {
        /// The error of the disk.
        reason: String,
    },
    /// Both copies are damaged.
    #[error(
        "the log is damaged at position {position}: {detail}; everything before it is readable; run `mecris verify`, then `mecris repair` or `mecris restore` from a backup"
    )]
    Corrupt {
        /// The first lost position.
        position: Position,
        detail: String,
    },
    /// Another process holds the log.
    #[error("another mecris holds {path}; stop it, or choose another directory with --data-dir")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// An event exceeds a limit of the envelope.
    #[error("event refused: {reason}")]
    Invalid {
        /// The limit.
        reason: String,
    },
    /// An error of the disk or file system.
    #[error("{action} {path}: {source_text}; {fix}")]
    Io {
        /// The action that failed.
        action: &'static str,
        /// The file or directory.
        path: String,
        /// The system's error.
        source_text: String,
        /// How to fix it.
        fix: String,
    },
    /// A file or directory is a symbolic link, belongs to somebody else, or is in the wrong place: it is left
    /// alone.
    #[error(transparent)]
    Unsafe(#[from] Refused),
    /// Too many appends wait for the disk.
    #[error("the log has {queued_bytes} bytes of events waiting for the disk; send this again in a moment")]
    Busy {
        /// Their size in bytes.
        queued_bytes: usize,
    },
    /// The log cannot be reached, or does not respond in time: nothing was read, and nothing was written.
    #[error("the log cannot be reached: {reason}; {fix}")]
    Unavailable {
        reason: String,
        /// How to fix it.
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
