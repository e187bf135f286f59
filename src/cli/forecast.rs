//! `mecris forecast`.

use crate::service::endpoints::budgets::{GetBacktest, GetForecast};

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
        return print(common.json, &backend.call(GetBacktest)?, tables::forecast::backtest);
    }
    print(common.json, &backend.call(GetForecast)?, tables::forecast::forecast)
}
