//! Balances: of a running supervisor, or of the log itself.

use jiff::Timestamp;

use crate::service::balance_book::{BalanceBody, Balances, record};

use super::{Backend, CliError};

impl Backend {
    /// What is left at the providers.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn balances(&self) -> Result<Balances, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/balance", &[]),
            Self::Own(node) => Ok(Balances { balances: node.queries()?.balances(Timestamp::now()) }),
        }
    }

    /// Records what a provider says is left.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn read_balance(&self, body: BalanceBody) -> Result<Balances, CliError> {
        match self {
            Self::Running(remote) => remote.put("/api/v1/balance", &body),
            Self::Own(node) => {
                record(&*node.log, &node.tenant, body, Timestamp::now(), "cli")?;
                self.balances()
            }
        }
    }
}
