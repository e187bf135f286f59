//! Records what a provider told: its balances, its days, and that it refused because no credit is left.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::balance::{BalanceChange, Doubted, Reading, Source};
use crate::domain::money::Picodollars;
use crate::event::TenantId;
use crate::integration::official::Looked;
use crate::integration::resilience::OutsideError;
use crate::log::EventLog;
use crate::service::aggregate::repository::{self, Repository};
use crate::service::balances::balance::{BalanceAggregate, BalanceFailure};

use super::reports::{ReportAggregate, ReportFailure, record_days};

/// Why what was told could not be recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TakeFailure {
    /// A balance.
    #[error(transparent)]
    Balance(#[from] BalanceFailure),
    /// A report.
    #[error(transparent)]
    Report(#[from] ReportFailure),
}

/// What came of what was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Days of which something was told for the first time.
    pub new: usize,
    /// Days that were corrected.
    pub revised: usize,
    /// Why something of it was refused: the first reason. All else is recorded.
    pub refused: Option<String>,
    /// What of it is not believed, and why.
    pub doubted: Option<String>,
    /// Whether another look would end a doubt.
    pub awaits_a_look: bool,
}

/// What a provider's words are recorded in.
pub struct Ingest {
    balances: Repository<BalanceAggregate>,
    reports: Repository<ReportAggregate>,
}

impl Ingest {
    /// For one tenant. Reads nothing yet.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: &TenantId) -> Self {
        Self {
            balances: Repository::new(log.clone(), tenant.clone()),
            reports: Repository::new(log, tenant.clone()),
        }
    }

    /// Records what a look brought; blocks on the disk. What the domain refuses is left out and told of.
    ///
    /// # Errors
    /// [`TakeFailure`]: the log. The next look tells all of it again.
    pub fn take(
        &mut self,
        system: &'static str,
        looked: Looked,
        now: Timestamp,
    ) -> Result<Taken, TakeFailure> {
        let (mut taken, metadata) = (Taken::default(), repository::metadata_for(system));
        let mut told = looked.told;
        let mut readings = std::mem::take(&mut told.balances);
        // Money in one currency explains nothing in another.
        readings.sort_by_key(|reading| reading.left <= Picodollars::ZERO);
        for reading in readings.into_iter().chain(refusal(system, looked.failed.as_ref(), now)) {
            let change = match told.doubt(reading.currency).filter(|_| reading.source == Source::ProviderApi)
            {
                Some(why) => BalanceChange::Doubted(Doubted { reading, why }),
                None => BalanceChange::Read(reading),
            };
            match self.balances.execute(change, now, &metadata) {
                Err(BalanceFailure::Refused(error)) => {
                    taken.refused.get_or_insert_with(|| error.to_string());
                }
                other => drop(other?),
            }
        }
        if let Some(account) = self.balances.state().get(system) {
            let own = || account.doubted().filter(|held| held.reading.source == Source::ProviderApi);
            taken.doubted = own().next().map(|held| held.why.words().to_owned());
            taken.awaits_a_look = own().any(|held| held.why.ends_by_a_second_look());
        }
        let reports = told.reports;
        let told_days: BTreeSet<Date> = reports.iter().map(|report| report.key.day).collect();
        match record_days(&mut self.reports, &reports, now, system) {
            Ok(told) => (taken.new, taken.revised) = (told.new, told.revised),
            // One day that makes no sense takes no other with it.
            Err(ReportFailure::Refused(_)) => {
                for report in reports {
                    match record_days(&mut self.reports, &[report], now, system) {
                        Ok(told) => {
                            taken.new += told.new;
                            taken.revised += told.revised;
                        }
                        Err(ReportFailure::Refused(error)) => {
                            taken.refused.get_or_insert_with(|| error.to_string());
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(day) = self.reports.state().doubted(system).min() {
            let why = format!("its report of {day} fell to nothing, and counts when it is told so again");
            taken.doubted.get_or_insert(why);
            // A day that is not told any more ends no doubt, however often it is looked for.
            taken.awaits_a_look |= told_days.contains(&day);
        }
        Ok(taken)
    }
}

/// That no credit is left is a reading as well: of nothing.
fn refusal(system: &'static str, failed: Option<&OutsideError>, now: Timestamp) -> Option<Reading> {
    let Some(OutsideError::NoCredit { status, .. }) = failed else { return None };
    let found = format!("HTTP {status}");
    Some(Reading::usd(system, Picodollars::ZERO, now, Source::Refusal, &found))
}
