//! What the faces ask of what providers report, through the actors.

use jiff::Timestamp;

use crate::domain::access::Principal;
use crate::service::providers::people;
use crate::service::providers::people::PeopleShown;
use crate::service::providers::reconcile::WantedError;
use crate::service::providers::summary::ReportedShown;
use crate::service::system::tree::Supervised;
use crate::view::reconcile::Wanted;

impl Supervised {
    /// What a provider reports of itself, with the age of what it said.
    ///
    /// # Errors
    /// [`WantedError`].
    pub fn reported(&self, wanted: Wanted, now: Timestamp) -> Result<ReportedShown, WantedError> {
        let mut sources = self.sources.shown(now).sources.into_iter();
        let source = wanted.provider.as_ref().and_then(|name| sources.find(|source| source.name == *name));
        Ok(ReportedShown { source, ..self.queries.reported(wanted, now)? })
    }

    /// Who of the organisation used Claude Code on a UTC day.
    pub async fn people(&self, wanted: people::Wanted, by: &Principal) -> PeopleShown {
        let loaded = self.queries.settings.current();
        people::people(&loaded, &self.dir, wanted, &by.reference).await
    }
}
