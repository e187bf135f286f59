//! Errors of the vault.

use crate::domain::code::{Code, Coded};
use crate::integration::obsidian::append::AppendError;
use crate::log::LogError;

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
    /// The line was not written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The line was written, but the log could not record it.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Coded for VaultFailure {
    fn code(&self) -> Code {
        match self {
            Self::Mistake(_) => Code::Refused,
            Self::NotConfigured | Self::NoPath(_) => Code::NotConfigured,
            Self::Append(AppendError::File { .. }) => Code::Internal,
            Self::Append(_) => Code::NoteNotWritten,
            Self::Waiting | Self::Unreadable(_) => Code::Unavailable,
            Self::Log(error) => error.code(),
        }
    }
}
