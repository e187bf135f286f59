//! Errors of the vault.

use std::convert::Infallible;

use crate::domain::code::{Code, Coded};
use crate::integration::obsidian::append::AppendError;
use crate::log::LogError;
use crate::service::aggregate::repository::CommandError;

/// Why the vault does not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultFailure {
    /// No vault is configured.
    #[error("no vault is named; set vault.path to an Obsidian vault's folder")]
    NotConfigured,
    /// The first read has not finished.
    #[error("the vault is being read for the first time; try again in a moment")]
    Waiting,
    /// It cannot be read, and never could.
    #[error("{0}")]
    Unreadable(String),
    /// An invalid request.
    #[error("{0}")]
    Mistake(String),
    /// The settings of the daily notes lead nowhere.
    #[error("the {0} notes' folder and format make no path inside of the vault; fix them in Obsidian")]
    NoPath(&'static str),
    /// It is not certain where the note lies.
    #[error("nothing is written, since it is not certain where the note lies: .obsidian/{file}: {reason}")]
    Doubtful {
        /// The file of the vault's settings that is in the way.
        file: &'static str,
        /// Why, and the mend.
        reason: String,
    },
    /// There is nothing to take back.
    #[error("nothing was written to the vault, or all of it was taken back")]
    NothingWritten,
    /// There is no note of the path that was written to.
    #[error(
        "the note that was written to last is not in the vault any more: it was moved, renamed or removed; nothing was changed"
    )]
    NoteLost,
    /// The line was not written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The line was written, but the log could not record it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The note was written or taken back, but the log could not record it; or the log cannot be read.
    #[error(transparent)]
    Record(#[from] CommandError<Infallible>),
}

impl Coded for VaultFailure {
    fn code(&self) -> Code {
        match self {
            Self::Mistake(_) => Code::Refused,
            Self::NotConfigured | Self::NoPath(_) => Code::NotConfigured,
            Self::Append(AppendError::File { .. }) => Code::Internal,
            Self::Append(_) | Self::Doubtful { .. } | Self::NothingWritten | Self::NoteLost => {
                Code::NoteNotWritten
            }
            Self::Waiting | Self::Unreadable(_) => Code::Unavailable,
            Self::Log(error) => error.code(),
            Self::Record(error) => error.code(),
        }
    }
}
