//! Queries about alerts, for the faces.

use jiff::Timestamp;

use crate::domain::alert::Causes;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::alerts::{AlertLine, alerts};

use super::conditions::{PollStatus, causes_of};

impl Snapshot {
    /// The causes for alerts at `now`.
    #[must_use]
    pub fn causes(&self, looks: PollStatus, now: Timestamp) -> Causes {
        causes_of(self, looks, now)
    }

    /// The alerts, worst first; with `all`, resolved ones too.
    #[must_use]
    pub fn alerts(&self, causes: &Causes, all: bool) -> Vec<AlertLine> {
        alerts(self.view(), causes, all)
    }
}

impl Reads {
    /// The alerts, if no supervisor is running.
    #[must_use]
    pub fn alerts(&self, now: Timestamp, all: bool) -> Vec<AlertLine> {
        self.at(|at| at.alerts(&at.causes(PollStatus::default(), now), all))
    }
}
