//! The person's commands on alerts.

use crate::domain::code::{Code, Coded};

use super::book::AlertState;
use super::{AlertChange, AlertId};

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    /// No such alert.
    #[error("there is no alert {0}; `mecris alerts --all` lists those there were")]
    Unknown(AlertId),
}

impl Coded for AlertError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown(_) => Code::AlertUnknown,
        }
    }
}

/// Acknowledges an alert: nothing more is sent unless it gets worse. `None`: nothing changes.
///
/// # Errors
/// [`AlertError`].
pub fn acknowledge(book: &AlertState, id: AlertId) -> Result<Option<AlertChange>, AlertError> {
    let alert = book.get(id).ok_or(AlertError::Unknown(id))?;
    let is_new = alert.is_open() && !alert.is_acknowledged();
    Ok(is_new.then_some(AlertChange::Acknowledged { id }))
}
