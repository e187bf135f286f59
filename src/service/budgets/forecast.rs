//! Forecast queries. The simulation runs on a snapshot and blocks no writer.

use jiff::Timestamp;

use crate::domain::calendar;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::forecast::{
    BacktestShown, ForecastLine, ForecastShown, backtested, balance_subjects, budget_subjects, line,
    past_days,
};

impl Snapshot {
    /// When the money at each provider runs out.
    #[must_use]
    pub fn runways(&self, now: Timestamp) -> Vec<ForecastLine> {
        let subjects = balance_subjects(self.view(), now, self.zone()).into_iter();
        subjects.map(|subject| line(subject, now, self.zone())).collect()
    }
}

impl Reads {
    /// When the money runs out: for each balance, the virtual budget, and each budget with a current period.
    /// Expensive.
    #[must_use]
    pub fn forecast(&self, now: Timestamp) -> ForecastShown {
        let zone = self.zone();
        let subjects = self.with_view(|view| {
            let mut subjects = balance_subjects(view, now, &zone);
            subjects.extend(budget_subjects(view, now, &zone));
            subjects
        });
        ForecastShown { forecasts: subjects.into_iter().map(|subject| line(subject, now, &zone)).collect() }
    }

    /// Backtests the forecasts of the past year. Takes some seconds after a full year.
    #[must_use]
    pub fn backtest(&self, now: Timestamp) -> BacktestShown {
        let zone = self.zone();
        let spent = self.with_view(|view| past_days(view, now, &zone));
        backtested(&spent, calendar::day_of(now, &zone))
    }
}
