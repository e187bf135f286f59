//! Tokens for people.

use jiff::Timestamp;

use crate::service::access::token::{TokenGiven, TokensShown};

use super::table;

/// `mecris token list`.
#[must_use]
pub fn all(shown: &TokensShown) -> String {
    if shown.tokens.is_empty() {
        return "No token was given out; the files 'token' (yours) and 'agent-token' in the data directory are two more.\n"
            .to_owned();
    }
    let mut rows = table(&["Token", "For", "Name", "Since (UTC)", "Until (UTC)", "Good", "By"], 7);
    for line in &shown.tokens {
        rows.add_row(vec![
            line.id.clone(),
            line.kind.clone(),
            line.name.clone(),
            day(line.issued_at),
            line.expires_at.map_or_else(|| "for ever".to_owned(), day),
            if line.is_good { "yes".to_owned() } else { "no".to_owned() },
            line.by.clone(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// A token, told this once.
#[must_use]
pub fn given(given: &TokenGiven) -> String {
    let until = given.expires_at.map_or_else(|| "for ever".to_owned(), |end| format!("until {}", day(end)));
    format!("{}\n\n{} ({}), good {until}. It is shown this once.\n", given.token, given.id, given.kind)
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}
