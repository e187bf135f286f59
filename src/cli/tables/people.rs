//! The table of an organisation's people.

use crate::service::people::PeopleShown;
use crate::service::sources::SourceState;

use super::{count, table};

/// `mecris people`.
#[must_use]
pub fn all(shown: &PeopleShown) -> String {
    if shown.state != SourceState::Ok {
        return format!("Who used Claude Code on {} is not known: {}\n", shown.day, shown.reason);
    }
    if shown.people.is_empty() {
        return format!("Nobody used Claude Code on {} (UTC).\n", shown.day);
    }
    let mut rows = table(&["Who", "Terminal", "Sessions", "Lines", "Commits", "Tokens", "Estimated"], 2);
    for person in &shown.people {
        rows.add_row(vec![
            person.name.clone(),
            person.terminal.clone(),
            person.sessions.to_string(),
            format!("+{} -{}", person.lines_added, person.lines_removed),
            person.commits.to_string(),
            count(person.tokens),
            person.estimated_usd.map_or_else(|| "?".to_owned(), |usd| usd.to_string()),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}
