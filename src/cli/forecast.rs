//! `mecris forecast`: of a running supervisor, or of the log itself.

use jiff::Timestamp;

use crate::view::forecast::{BacktestShown, ForecastShown};

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// Carries out `mecris forecast`.
///
/// # Errors
/// [`CliError`].
pub fn forecast(common: &Common, is_backtest: bool) -> Result<(), CliError> {
    let backend = Backend::current(common)?;
    if is_backtest {
        return print(common.json, &backend.backtest()?, tables::forecast::backtest);
    }
    print(common.json, &backend.forecast()?, tables::forecast::forecast)
}

impl Backend {
    fn forecast(&self) -> Result<ForecastShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/forecast", &[]),
            Self::Own(node) => Ok(node.queries()?.forecast(Timestamp::now())),
        }
    }

    fn backtest(&self) -> Result<BacktestShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/forecast/backtest", &[]),
            Self::Own(node) => Ok(node.queries()?.backtest(Timestamp::now())),
        }
    }
}
