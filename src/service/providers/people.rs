//! Who of an organisation used Claude Code on a day: asked anew each time, because nobody's name is kept.
//!
//! What a colleague costs can be seen without seeing who they are, so they have pseudonyms ([`Pseudonyms`]) unless the owner asks
//! for names, and each time who did so is in the log lines. What tells of somebody's work and not of its cost is left out
//! unless `people.activity` is set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Loaded;
use crate::domain::money::Picodollars;
use crate::integration::anthropic::{Anthropic, Person, Who};
use crate::integration::resilience::OutsideError;
use crate::integration::rows::Listed;
use crate::service::runtime::poller::{policy, state_after};
use crate::service::runtime::sources::SourceState;

use super::pseudonyms::Pseudonyms;

/// What one person, or one key, did with Claude Code on a day, with one kind of terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonLine {
    /// Their pseudonym; where names were asked for, the person's address or the key's name.
    #[schema(example = "m-9f3a01c2d4e5b677")]
    pub name: String,
    /// Whether that is a key's.
    pub is_key: bool,
    /// `api` or `subscription`.
    pub customer_type: String,
    /// `vscode`, `tmux`, …
    pub terminal: String,
    /// How many sessions.
    pub sessions: u64,
    /// Lines that were added; absent, as the next three, unless `people.activity` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_added: Option<u64>,
    /// Lines that were removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_removed: Option<u64>,
    /// Commits by Claude Code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<u64>,
    /// Pull requests by Claude Code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_requests: Option<u64>,
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
    /// Whether Anthropic answers: `ok`, `degraded` (a part of its answer could not be read), `not-configured`,
    /// `unauthorized` or `failing`.
    pub state: SourceState,
    /// Why, with the mend.
    pub reason: String,
    /// Whether they are shown by name, and not by pseudonym.
    #[serde(default)]
    pub named: bool,
    /// By what they are called here.
    pub people: Vec<PersonLine>,
}

/// Which people, and how they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The UTC day.
    pub day: Date,
    /// By name.
    pub names: bool,
}

/// Asks Anthropic who used Claude Code on a UTC day; for an organisation's admin key. `by` is who asks: that they wanted names
/// is told in the log lines.
pub async fn people(loaded: &Loaded, data_dir: &Path, wanted: Wanted, by: &str) -> PeopleShown {
    let Wanted { day, names } = wanted;
    let shown = |state, reason: String, people| PeopleShown { day, state, reason, named: names, people };
    let settings = &loaded.config.anthropic;
    let Some(key) = &settings.admin_key else {
        let reason = "set anthropic.admin_key to an organisation's; individual accounts have none";
        return shown(SourceState::NotConfigured, reason.to_owned(), Vec::new());
    };
    let pseudonyms = match pseudonyms(data_dir.to_owned(), names).await {
        Ok(pseudonyms) => pseudonyms,
        Err(reason) => return shown(SourceState::Failing, reason, Vec::new()),
    };
    let asked: Result<Listed<Person>, OutsideError> = async {
        let client = Anthropic::with_admin_key(settings, key, policy(loaded), Arc::new(|_, _| {}))?;
        client.people(day).await
    }
    .await;
    match asked {
        Ok(Listed { rows: people, odd }) => {
            if names {
                tracing::info!(by, %day, people = people.len(), "people of the organisation are shown by name");
            }
            let line = |person| line(person, pseudonyms.as_ref(), loaded.config.people.activity);
            let mut lines: Vec<PersonLine> = people.into_iter().map(line).collect();
            // In the names' order a pseudonym's place would tell of the name.
            lines.sort_by(|a, b| (&a.name, &a.terminal).cmp(&(&b.name, &b.terminal)));
            match odd.text() {
                None => shown(SourceState::Ok, String::new(), lines),
                Some(odd) => shown(SourceState::Degraded, odd, lines),
            }
        }
        Err(error) => shown(state_after(&error), error.to_string(), Vec::new()),
    }
}

/// What makes pseudonyms; none where names are wanted.
async fn pseudonyms(data_dir: PathBuf, names: bool) -> Result<Option<Pseudonyms>, String> {
    if names {
        return Ok(None);
    }
    let made = tokio::task::spawn_blocking(move || Pseudonyms::of(&data_dir)).await;
    let made = made.map_err(|_| "reading the secret of the data directory was cut short".to_owned())?;
    made.map(Some).map_err(|error| error.to_string())
}

fn line(person: Person, pseudonyms: Option<&Pseudonyms>, activity: bool) -> PersonLine {
    let (name, is_key) = match (person.who, pseudonyms) {
        (Who::User(name), Some(pseudonyms)) => (pseudonyms.person(&name.0), false),
        (Who::Key(name), Some(pseudonyms)) => (pseudonyms.key(&name.0), true),
        (Who::User(name), None) => (name.0, false),
        (Who::Key(name), None) => (name.0, true),
    };
    let tokens = person.tokens;
    PersonLine {
        name,
        is_key,
        customer_type: person.customer_type,
        terminal: person.terminal,
        sessions: person.sessions,
        lines_added: activity.then_some(person.lines_added),
        lines_removed: activity.then_some(person.lines_removed),
        commits: activity.then_some(person.commits),
        pull_requests: activity.then_some(person.pull_requests),
        tokens: tokens.prompt() + tokens.output,
        estimated_usd: person.estimated_cost,
    }
}
