//! Queries about goals, for the faces.

use jiff::Timestamp;

use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::goals::{GoalLine, goals};

impl Snapshot {
    /// The polled goals, nearest to derailing first. `seen_at` is when Beeminder was last asked, if known.
    #[must_use]
    pub fn goals(&self, now: Timestamp, seen_at: Option<Timestamp>) -> Vec<GoalLine> {
        goals(self.view(), now, self.zone(), seen_at)
    }
}

impl Reads {
    /// See [`Snapshot::goals`].
    #[must_use]
    pub fn goals(&self, now: Timestamp, seen_at: Option<Timestamp>) -> Vec<GoalLine> {
        self.at(|at| at.goals(now, seen_at))
    }
}
