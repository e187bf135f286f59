//! What the faces ask of the alerts' actor.

use jiff::Timestamp;

use crate::domain::alert::Causes;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::alerts::{AlertLine, alerts};

use super::conditions::{Looks, causes_of};

impl Snapshot {
    /// What is true at `now` that a person must hear of.
    #[must_use]
    pub fn causes(&self, looks: Looks, now: Timestamp) -> Causes {
        causes_of(self, looks, now)
    }

    /// The alerts, the worst first; with `all` also those whose cause has gone.
    #[must_use]
    pub fn alerts(&self, causes: &Causes, all: bool) -> Vec<AlertLine> {
        alerts(self.view(), causes, all)
    }
}

impl Reads {
    /// The alerts, where no supervisor runs.
    #[must_use]
    pub fn alerts(&self, now: Timestamp, all: bool) -> Vec<AlertLine> {
        self.at(|at| at.alerts(&at.causes(Looks::default(), now), all))
    }
}
