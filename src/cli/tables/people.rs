//! The table of an organisation's people.

use crate::service::providers::people::PeopleShown;
use crate::service::runtime::sources::SourceState;

use super::{count, table};

/// `mecris people`.
#[must_use]
pub fn all(shown: &PeopleShown) -> String {
    if !shown.state.answers() {
        return format!("Who used Claude Code on {} is not known: {}\n", shown.day, shown.reason);
    }
    if shown.people.is_empty() && shown.state == SourceState::Ok {
        return format!("Nobody used Claude Code on {} (UTC).\n", shown.day);
    }
    let activity = shown.people.iter().any(|person| person.lines_added.is_some());
    let mut titles = vec!["Who", "Terminal", "Sessions"];
    if activity {
        titles.extend(["Lines", "Commits", "Pull requests"]);
    }
    titles.extend(["Tokens", "Estimated"]);
    let mut rows = table(&titles, 2);
    for person in &shown.people {
        let mut row = vec![person.name.clone(), person.terminal.clone(), person.sessions.to_string()];
        if activity {
            let number =
                |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            row.push(format!("+{} -{}", number(person.lines_added), number(person.lines_removed)));
            row.extend([number(person.commits), number(person.pull_requests)]);
        }
        row.push(count(person.tokens));
        row.push(person.estimated_usd.map_or_else(|| "?".to_owned(), |usd| usd.to_string()));
        rows.add_row(row);
    }
    let how =
        if shown.named { "" } else { "Pseudonyms of this data directory; --names shows who they are.\n" };
    let odd = match shown.state {
        SourceState::Degraded => format!("Not all are here: {}\n", shown.reason),
        _ => String::new(),
    };
    format!("{}\n{odd}{how}", rows.trim_fmt())
}
