//! Balances: of a running supervisor, or of the log itself.

use jiff::Timestamp;

use crate::domain::balance::BalanceChange;
use crate::service::balances::balance::{BalanceAggregate, BalanceBody, Balances, TopUpBody};

use super::{Backend, CliError};

impl Backend {
    /// What is left at the providers.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn balances(&self) -> Result<Balances, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/balance", &[]),
            Self::Own(node) => Ok(node.queries()?.all_balances(Timestamp::now())),
        }
    }

    /// Records what a provider says is left.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn read_balance(&self, body: BalanceBody) -> Result<Balances, CliError> {
        let now = Timestamp::now();
        body.check(now)?;
        match self {
            Self::Running(remote) => remote.put("/api/v1/balance", &body),
            Self::Own(node) => {
                let reading = body.into_reading(now)?;
                node.execute::<BalanceAggregate>(BalanceChange::Read(reading), now, "cli")?;
                self.balances()
            }
        }
    }

    /// Records money that was added at a provider.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn top_up_balance(&self, body: TopUpBody) -> Result<Balances, CliError> {
        let now = Timestamp::now();
        body.check(now)?;
        match self {
            Self::Running(remote) => remote.post_body("/api/v1/balance/top-ups", &body),
            Self::Own(node) => {
                let top_up = body.into_top_up(now)?;
                node.execute::<BalanceAggregate>(BalanceChange::ToppedUp(top_up), now, "cli")?;
                self.balances()
            }
        }
    }
}
