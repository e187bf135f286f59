//! What a person calls directories, as the log has it, and the one way to change it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::project::{AliasChange, AliasError, Aliases};
use crate::event::payload::ProjectAliased;
use crate::event::{Event, EventId, Position, TenantId, Version};
use crate::log::EventLog;
use crate::service::aggregate::caller;
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{BookFailure, Refusal};
use crate::service::runtime::client::{ServiceError, shown_from};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Queries;
use crate::service::system::tree::Supervised;
use crate::view::ViewError;
use crate::view::projects::{ProjectsShown, projects};

use super::recorder::new_event;

/// The stream of all aliases of a tenant.
const STREAM: &str = "projects";

/// Why an alias was not recorded.
pub type ProjectFailure = BookFailure<AliasError>;

impl Refusal for AliasError {}

/// An alias to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasBody {
    /// The directory; all below it is called so too.
    #[schema(value_type = forms::Directory)]
    pub directory: String,
    /// What it is to be called.
    #[schema(value_type = forms::Directory)]
    pub name: String,
}

/// Calls a directory by a name, or, where there is none, as it is again; blocks. The event's position, or none where it is
/// called so already.
///
/// # Errors
/// [`ProjectFailure`].
pub fn alias(
    log: &dyn EventLog,
    tenant: &TenantId,
    directory: &str,
    name: Option<&str>,
    actor: &'static str,
) -> Result<Option<Position>, ProjectFailure> {
    repository::anew(|| {
        let (aliases, version) = load(log, tenant)?;
        let Some(change) = aliases.decide(directory, name)? else { return Ok(None) };
        let id = event_id(tenant, version, &change);
        let event = Event::ProjectAliased(ProjectAliased::from(change));
        let events = vec![new_event(id, &event, Timestamp::now(), &repository::by(actor))];
        Ok(repository::append(log, tenant, STREAM, version, events)?)
    })
}

/// The same change of the same aliases is one event.
fn event_id(tenant: &TenantId, version: Version, change: &AliasChange) -> EventId {
    let name = change.name.as_deref().unwrap_or_default();
    EventId::derive("project-aliased", &[tenant.as_str(), &version.0.to_string(), &change.directory, name])
}

fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<(Aliases, Version), ViewError> {
    let mut aliases = Aliases::default();
    let version = repository::fold(log, tenant, STREAM, |_, event| {
        if let Event::ProjectAliased(stored) = &event {
            aliases.evolve(stored.into());
        }
        Ok::<_, ViewError>(())
    })?;
    Ok((aliases, version))
}

impl Queries {
    /// What was folded into which project, and what each cost.
    #[must_use]
    pub fn projects(&self) -> ProjectsShown {
        self.with_view(|view| projects(&view.spend))
    }
}

impl Supervised {
    /// Calls a directory by a name, or as it is again, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn alias_project(&self, directory: String, name: Option<String>) -> Result<(), ServiceError> {
        let (log, tenant) = (self.queries.log.clone(), self.queries.tenant.clone());
        let work = move || alias(&*log, &tenant, &directory, name.as_deref(), "http");
        let done = caller::blocking(work).await;
        let position = done.map_err(|_| ServiceError::UnknownOutcome { what: "the alias" })??;
        shown_from(&self.projected, position).await;
        Ok(())
    }
}
