//! Why the vault does not answer.

use crate::domain::code::{Code, Coded};
use crate::integration::obsidian::append::AppendError;
use crate::log::LogError;

/// Why the vault does not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultFailure {
    /// None is named.
    #[error("no vault is named; set vault.path to an Obsidian vault's folder")]
    NotConfigured,
    /// The first look is not done.
    #[error("the vault is being read for the first time; try again in a moment")]
    Waiting,
    /// It cannot be read, and never was.
    #[error("{0}")]
    Unreadable(String),
    /// A question that makes no sense.
    #[error("{0}")]
    Mistake(String),
    /// The daily notes' settings lead nowhere.
    #[error("the {0} notes' folder and format make no path inside of the vault; mend them in Obsidian")]
    NoPath(&'static str),
    /// The line is not written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// It is written, and the log does not say so.
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
