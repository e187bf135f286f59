//! How things stand, as the actor takes it in before it decides.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::alert::policy::Usable;
use crate::domain::alert::{Causes, Channel};
use crate::integration::{beeminder, twilio};
use crate::log::LogError;
use crate::service::alerts::conditions::{Looks, usable};
use crate::service::runtime::reads::Snapshot;
use crate::service::runtime::sources::SourceState;

use super::AlertActor;

/// Why what is to be done now was not done.
pub(super) enum Undone {
    /// The log refused what was decided.
    Log(LogError),
    /// What is true could not be reckoned.
    Panicked,
}

impl From<LogError> for Undone {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl AlertActor {
    /// What is true at `now`, and what it rests on. It is reckoned beside the actors' thread, for it looks at all that was spent.
    pub(super) async fn causes(&self, now: Timestamp) -> Result<(Snapshot, Arc<Causes>), Undone> {
        let (of, looks) = (self.means.queries.snapshot(), self.looks());
        let reckon = move || {
            let causes = Arc::new(of.causes(looks, now));
            (of, causes)
        };
        let (of, causes) = tokio::task::spawn_blocking(reckon).await.map_err(|_| Undone::Panicked)?;
        self.means.causes.keep(&of, looks, &causes, now);
        Ok((of, causes))
    }

    fn looks(&self) -> Looks {
        let sources = &self.means.sources;
        Looks {
            last: sources.last_success(beeminder::SYSTEM),
            is_first_awaited: sources
                .state(beeminder::SYSTEM)
                .is_none_or(|state| state == SourceState::Waiting),
        }
    }

    /// The channels that may be used now.
    pub(super) fn usable(&self, of: &Snapshot) -> Vec<Usable> {
        // A key that is refused is looked at by its own actor, which tells when it is taken.
        let twilio_refuses = self.means.sources.state(twilio::SYSTEM) == Some(SourceState::Unauthorized);
        let is_set_up =
            |channel: Channel| self.dispatcher.has(channel) && !(channel.needs_consent() && twilio_refuses);
        usable(of.loaded(), &of.view().consents, &self.means.contacts, is_set_up)
    }
}
