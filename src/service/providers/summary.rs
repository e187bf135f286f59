//! One provider, with everything that is known of what it says: its reports, its odometer, what counts this month.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::SourceShown;
use crate::view::cost::{CostLine, unified_cost};
use crate::view::odometer::{OdometerLine, OdometerState, odometers};
use crate::view::reconcile::{Reconciliation, Wanted};
use crate::view::report::Range;

use super::reconcile::{WantedError, check};

/// What a provider itself reports of an account, held against what is recorded here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedShown {
    /// Whether its interface answers, and how old what it said is; null where no supervisor runs.
    pub source: Option<SourceShown>,
    /// Its days; those that it has not reported have no `actual_usd`.
    #[serde(flatten)]
    pub reported: Reconciliation,
}

/// A provider that is read by hand, with what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeteredShown {
    /// Who is paid.
    #[schema(example = "groq")]
    pub provider: String,
    /// Its odometer; null where none was ever read.
    pub odometer: Option<OdometerLine>,
    /// What it cost this month, and how that is known; null where nothing is.
    pub this_month: Option<CostLine>,
    /// What a person, or an agent that can see the page, should do; null where nothing.
    pub advice: Option<String>,
}

impl Reads {
    /// What a provider reports of itself.
    ///
    /// # Errors
    /// [`WantedError`].
    pub fn reported(&self, wanted: Wanted, now: Timestamp) -> Result<ReportedShown, WantedError> {
        Ok(ReportedShown { source: None, reported: self.reconcile(&check(wanted)?, now) })
    }

    /// A provider that is read by hand.
    #[must_use]
    pub fn metered(&self, provider: &str, now: Timestamp) -> MeteredShown {
        let at = self.snapshot();
        let mut lines = odometers(at.view(), now, at.zone()).into_iter();
        let odometer = lines.find(|line| line.provider == provider);
        let mut costs = unified_cost(at.view(), &Range::default(), now, at.zone()).providers.into_iter();
        let this_month = costs.find(|line| line.provider == provider);
        let advice = advice(provider, odometer.as_ref());
        MeteredShown { provider: provider.to_owned(), odometer, this_month, advice }
    }
}

fn advice(provider: &str, odometer: Option<&OdometerLine>) -> Option<String> {
    let how = format!("look at {provider}'s usage page and record the month's sum so far");
    Some(match odometer {
        None => format!("nothing was ever read; {how}"),
        Some(line) => match line.state {
            OdometerState::Normal => return None,
            OdometerState::Stopped => format!("it is read no more; a new reading begins it again: {how}"),
            OdometerState::Stale => format!("the last reading is a week old or more; {how}"),
            OdometerState::MonthEnds => format!("the month ends soon; {how}"),
            OdometerState::LastDay => format!("this is the month's last day; {how}, late in the day"),
            OdometerState::Unfinished => {
                format!(
                    "the month before is over without a last reading; look at {provider}'s page of that month \
                         and record its sum with its month, {}",
                    line.month
                )
            }
        },
    })
}
