//! What the faces ask of the narrator, through the actors.

use jiff::Timestamp;

use crate::actor::State;
use crate::service::briefing::narrator::Running;
use crate::service::briefing::shape::Narration;
use crate::service::system::tree::Supervised;

impl Supervised {
    /// How things stand and what to do.
    #[must_use]
    pub fn narrator(&self, detail: bool, now: Timestamp) -> Narration {
        let is_down = |state: State| !matches!(state, State::Running | State::Starting);
        let actors = self.actors().into_iter();
        let running = Running {
            is_there: true,
            sources: self.sources.shown(now).sources,
            actors_down: actors.filter(|actor| is_down(actor.state)).map(|actor| actor.path).collect(),
        };
        self.queries.at(|at| at.narrate(running, &self.alerts_at(at, now, false).alerts, detail, now))
    }
}
