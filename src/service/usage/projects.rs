//! The aggregate of project aliases: a person's names for directories.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::project::{AliasChange, AliasError, Aliases};
use crate::event::payload::ProjectAliased;
use crate::event::{Event, EventId};
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::view::projects::{ProjectsShown, projects};

/// Why an alias was not recorded.
pub type ProjectFailure = CommandError<AliasError>;

impl Rejection for AliasError {}

/// An alias to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasBody {
    /// The directory; the alias covers everything below it.
    #[schema(value_type = forms::Directory)]
    pub directory: String,
    /// The name.
    #[schema(value_type = forms::Directory)]
    pub name: String,
}

/// The project aliases of a tenant.
pub struct AliasAggregate;

impl Aggregate for AliasAggregate {
    const STREAM: &'static str = "projects";
    const ACTOR: &'static str = "projects";

    type State = Aliases;
    /// A directory, and its name; none removes the alias.
    type Command = (String, Option<String>);
    type Change = AliasChange;
    type Error = AliasError;

    fn decide(
        aliases: &Aliases,
        (directory, name): Self::Command,
        _: Timestamp,
    ) -> Result<Vec<AliasChange>, AliasError> {
        Ok(aliases.decide(&directory, name.as_deref())?.into_iter().collect())
    }

    /// The same change to the same state has the same event id.
    fn event(_: &Aliases, change: &AliasChange, next: &Next<'_>) -> Fact {
        let name = change.name.as_deref().unwrap_or_default();
        let before = (next.version.0 - 1).to_string();
        let id = EventId::derive("project-aliased", &[next.tenant, &before, &change.directory, name]);
        Fact { id, event: Event::ProjectAliased(ProjectAliased::from(change.clone())), at: next.now }
    }

    fn label((_, name): &Self::Command) -> &'static str {
        if name.is_some() { "alias-project" } else { "unalias-project" }
    }
}

impl Reads {
    /// Which directories belong to each project, and what each cost.
    #[must_use]
    pub fn projects(&self) -> ProjectsShown {
        self.with_view(|view| projects(&view.spend))
    }
}
