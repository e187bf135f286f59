//! The state that a decision reads: causes, and usable channels.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::alert::policy::Usable;
use crate::domain::alert::{Causes, Channel};
use crate::integration::{beeminder, twilio};
use crate::log::LogError;
use crate::service::alerts::conditions::{PollStatus, usable};
use crate::service::runtime::reads::Snapshot;
use crate::service::runtime::sources::SourceState;

use super::AlertActor;

/// Why an evaluation did not finish.
pub(super) enum EvaluationError {
    /// The log refused the decision.
    Log(LogError),
    /// Computing the causes panicked.
    Panicked,
}

impl From<LogError> for EvaluationError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl AlertActor {
    /// The causes at `now`, and the snapshot they rest on. Computed on a blocking thread, because
    /// budgets read all spend.
    pub(super) async fn causes(&self, now: Timestamp) -> Result<(Snapshot, Arc<Causes>), EvaluationError> {
        let (of, looks) = (self.means.queries.snapshot(), self.looks());
        let reckon = move || {
            let causes = Arc::new(of.causes(looks, now));
            (of, causes)
        };
        let (of, causes) =
            tokio::task::spawn_blocking(reckon).await.map_err(|_| EvaluationError::Panicked)?;
        self.means.causes.keep(&of, looks, &causes, now);
        Ok((of, causes))
    }

    fn looks(&self) -> PollStatus {
        let sources = &self.means.sources;
        PollStatus {
            last: sources.last_success(beeminder::SYSTEM),
            is_first_awaited: sources
                .state(beeminder::SYSTEM)
                .is_none_or(|state| state == SourceState::Waiting),
        }
    }

    /// The channels that may be used now.
    pub(super) fn usable(&self, of: &Snapshot) -> Vec<Usable> {
        // A refused key is checked by its own actor, which reports when it is accepted.
        let twilio_refuses = self.means.sources.state(twilio::SYSTEM) == Some(SourceState::Unauthorized);
        let is_set_up =
            |channel: Channel| self.dispatcher.has(channel) && !(channel.needs_consent() && twilio_refuses);
        usable(of.loaded(), &of.view().consents, &self.means.contacts, is_set_up)
    }
}
