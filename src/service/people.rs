//! Who of an organisation used Claude Code on a day: asked anew each time, because nobody's name is kept.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Loaded;
use crate::domain::money::Picodollars;
use crate::integration::anthropic::{Anthropic, Person, Who};
use crate::integration::resilience::OutsideError;

use super::pacemaker::{policy, state_after};
use super::sources::SourceState;

/// What one person, or one key, did with Claude Code on a day, with one kind of terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonLine {
    /// The person's address or the key's name.
    #[schema(example = "ada@example.com")]
    pub name: String,
    /// Whether that is a key's.
    pub is_key: bool,
    /// `api` or `subscription`.
    pub customer_type: String,
    /// `vscode`, `tmux`, …
    pub terminal: String,
    /// How many sessions.
    pub sessions: u64,
    /// Lines that were added.
    pub lines_added: u64,
    /// Lines that were removed.
    pub lines_removed: u64,
    /// Commits by Claude Code.
    pub commits: u64,
    /// Pull requests by Claude Code.
    pub pull_requests: u64,
    /// Tokens in and out, the cache's among them.
    pub tokens: u64,
    /// What Anthropic estimates that to cost; null where that is not in USD.
    #[schema(value_type = Option<String>)]
    pub estimated_usd: Option<Picodollars>,
}

/// The people of a day, or why they are not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeopleShown {
    /// The UTC day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Whether Anthropic answers: `ok`, `not-configured`, `unauthorized` or `failing`.
    pub state: SourceState,
    /// Why, with the mend.
    pub reason: String,
    /// By name.
    pub people: Vec<PersonLine>,
}

/// Asks Anthropic who used Claude Code on a UTC day; for an organisation's admin key.
pub async fn people(loaded: &Loaded, day: Date) -> PeopleShown {
    let shown = |state, reason: String, people| PeopleShown { day, state, reason, people };
    let settings = &loaded.config.anthropic;
    let Some(key) = &settings.admin_key else {
        let reason = "set anthropic.admin_key to an organisation's; individual accounts have none";
        return shown(SourceState::NotConfigured, reason.to_owned(), Vec::new());
    };
    let asked: Result<Vec<Person>, OutsideError> = async {
        let client = Anthropic::with_admin_key(settings, key, policy(loaded), Arc::new(|_, _| {}))?;
        client.people(day).await
    }
    .await;
    match asked {
        Ok(people) => {
            shown(SourceState::Ok, String::new(), people.into_iter().map(PersonLine::from).collect())
        }
        Err(error) => shown(state_after(&error), error.to_string(), Vec::new()),
    }
}

impl From<Person> for PersonLine {
    fn from(person: Person) -> Self {
        let (name, is_key) = match person.who {
            Who::User(name) => (name.0, false),
            Who::Key(name) => (name.0, true),
        };
        let tokens = person.tokens;
        Self {
            name,
            is_key,
            customer_type: person.customer_type,
            terminal: person.terminal,
            sessions: person.sessions,
            lines_added: person.lines_added,
            lines_removed: person.lines_removed,
            commits: person.commits,
            pull_requests: person.pull_requests,
            tokens: tokens.prompt() + tokens.output,
            estimated_usd: person.estimated_cost,
        }
    }
}
