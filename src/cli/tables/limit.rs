//! Tables about requests for more than the limits say.

use jiff::Timestamp;

use crate::service::budgets::limit_requests::{LimitAsked, LimitRequestLine, LimitRequestsShown};

use super::system::word;
use super::table;

/// `mecris limit list`.
#[must_use]
pub fn requests(shown: &LimitRequestsShown) -> String {
    if shown.requests.is_empty() {
        return "Nothing is asked for.\n".to_owned();
    }
    let mut rows = table(&["Request", "State", "USD", "For", "By", "Until", "Why"], 2);
    for line in &shown.requests {
        let until = line.grant.as_ref().map_or(line.expires_at, |grant| grant.until);
        rows.add_row(vec![
            line.number.to_string(),
            word(&line.state),
            amount(line),
            reach(line),
            line.by.clone(),
            minute(until),
            why(line),
        ]);
    }
    let is_open = shown.requests.iter().any(|line| word(&line.state) == "open");
    let how =
        "\nmecris limit grant NUMBER [--amount USD] [--for 2h], mecris limit refuse NUMBER [--reason TEXT]\n";
    format!("{}\n{}", rows.trim_fmt(), if is_open { how } else { "" })
}

/// `mecris limit request`.
#[must_use]
pub fn asked(asked: &LimitAsked) -> String {
    asked.text.clone()
}

fn amount(line: &LimitRequestLine) -> String {
    match &line.grant {
        Some(grant) if grant.amount_usd != line.amount_usd => {
            format!("{} of {}", grant.amount_usd.exact(), line.amount_usd.exact())
        }
        _ => line.amount_usd.exact(),
    }
}

fn reach(line: &LimitRequestLine) -> String {
    let limit = line.limit.as_deref().unwrap_or("all limits");
    let only = [("session", &line.session), ("in", &line.project)];
    let only = only.into_iter().filter_map(|(what, name)| Some(format!(", {what} {}", name.as_ref()?)));
    limit.to_owned() + &only.collect::<String>()
}

/// The asker's words, and the person's where they refused.
fn why(line: &LimitRequestLine) -> String {
    match line.refusal.as_deref() {
        None | Some("") => line.reason.clone(),
        Some(refusal) => format!("{} (refused: {refusal})", line.reason),
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
