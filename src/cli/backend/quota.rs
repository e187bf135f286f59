//! Subscriptions' limits, of a running supervisor or of the log itself.

use jiff::Timestamp;

use crate::service::balances::quota::QuotasShown;

use super::{Backend, CliError};

impl Backend {
    /// How much of the subscription's limits is used.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn quotas(&self) -> Result<QuotasShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/quota", &[]),
            Self::Own(node) => Ok(node.queries()?.quotas(Timestamp::now())),
        }
    }
}
