//! What lacks a price, projects and refused lines, as a person reads them.

use crate::domain::pricing::MEND;
use crate::domain::shown::line as one_line;
use crate::service::usage::recorder::reprice::{Repriced, WhatIf};
use crate::service::usage::refused::RefusedShown;
use crate::service::usage::repricing::Lacks;
use crate::view::projects::ProjectsShown;

use super::{cost, count, or_unknown, shorten, table, wrapped};

/// `mecris reprice`.
#[must_use]
pub fn repriced(done: &Repriced) -> String {
    let mut text = wrapped(&format!(
        "{} calls priced, which adds {} USD; by the price table {}",
        count(done.repriced),
        done.added_usd.exact(),
        done.price_table
    ));
    if done.lacking > 0 {
        text += &wrapped(&format!(
            "{} calls still lack a price or a part of one: `mecris prices check` names them",
            count(done.lacking)
        ));
    }
    text
}

/// `mecris reprice --all`.
#[must_use]
pub fn what_if(what_if: &WhatIf) -> String {
    let mut rows = table(&["Provider", "Model", "Calls", "Recorded", "Would be", "Lacking"], 2);
    for line in &what_if.models {
        rows.add_row(vec![
            shorten(&line.provider, 16),
            shorten(&line.model, 28),
            count(line.messages),
            line.recorded_usd.to_string(),
            line.would_be_usd.to_string(),
            count(line.lacking),
        ]);
    }
    let total = [what_if.recorded_usd, what_if.would_be_usd].map(|usd| usd.to_string());
    let [recorded, would_be] = total;
    rows.add_row(vec!["Total".into(), String::new(), String::new(), recorded, would_be, String::new()]);
    let note = format!(
        "All calls by the prices of {}. Nothing was written. What lacks a price is not in the sums.",
        what_if.as_of
    );
    format!("{}\n\n{}", rows.trim_fmt(), wrapped(&note))
}

/// `mecris prices check`.
#[must_use]
pub fn lacks(lacks: &Lacks) -> String {
    if lacks.models.is_empty() {
        return "No call lacks a price.\n".to_owned();
    }
    let mut rows = table(&["Model", "What is lacking", "Calls", "Can be priced"], 2);
    for line in &lacks.models {
        let why = if line.missing.is_empty() {
            "nothing any more: `mecris reprice`".to_owned()
        } else {
            line.missing.join(", ")
        };
        rows.add_row(vec![
            shorten(&format!("{}/{}", line.provider, line.model), 34),
            why,
            count(line.messages),
            count(line.can_be_priced),
        ]);
    }
    let mend = if lacks.can_be_priced == lacks.messages {
        "the price file has them now: `mecris reprice`".to_owned()
    } else {
        MEND.to_owned()
    };
    let calls = if lacks.messages == 1 { "call lacks" } else { "calls lack" };
    let note = format!("{} {calls} a price or a part of one; {mend}", count(lacks.messages));
    format!("{}\n\n{}", rows.trim_fmt(), wrapped(&note))
}

/// `mecris projects`.
#[must_use]
pub fn projects(shown: &ProjectsShown) -> String {
    if shown.projects.is_empty() && shown.aliases.is_empty() {
        return "No project: nothing is recorded yet.\n".to_owned();
    }
    let mut rows = table(&["Project", "Calls", "Cost"], 1);
    for line in &shown.projects {
        rows.add_row(vec![
            shorten(or_unknown(&line.project), 60),
            count(line.totals.messages),
            cost(&line.totals),
        ]);
    }
    let mut text = format!("{}\n", rows.trim_fmt());
    let mut folded = String::new();
    for line in &shown.projects {
        // A directory that is its own project was not folded.
        for from in line.folded.iter().filter(|from| from.began_in != line.project) {
            let (began, project) = (or_unknown(&from.began_in), or_unknown(&line.project));
            let (began, project) = (one_line(began), one_line(project));
            let mut by = Vec::new();
            if !from.repository.is_empty() && from.repository != from.began_in {
                by.push(format!("repository {}", one_line(&from.repository)));
            }
            if from.directory != line.project && from.directory != from.began_in {
                by.push(format!("directory {}", one_line(&from.directory)));
            }
            let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
            folded += &format!("  {began} → {project}{by}\n");
        }
    }
    if !folded.is_empty() {
        text += &format!("\nFolded:\n{folded}");
    }
    if !shown.aliases.is_empty() {
        text += "\nCalled by a name:\n";
        for alias in &shown.aliases {
            text += &format!("  {} → {}\n", alias.directory, alias.name);
        }
    }
    text
}

/// `mecris import --refused`.
#[must_use]
pub fn refused(shown: &RefusedShown) -> String {
    if shown.refused.is_empty() && shown.files.is_empty() && shown.more == 0 {
        return "nothing is refused\n".to_owned();
    }
    let mut text = String::new();
    for line in &shown.refused {
        let cost = if line.may_cost { "" } else { " (no call)" };
        let until = line.until.map_or_else(String::new, |until| {
            format!("; it is read again by itself from {} on", until.strftime("%Y-%m-%d %H:%M:%S UTC"))
        });
        text += &format!("{}:{}: {}{cost}{until}\n", one_line(&line.file), line.line, line.reason);
    }
    if shown.more > 0 {
        text += &format!("and {} more lines\n", count(shown.more));
    }
    for file in &shown.files {
        text += &format!("{}: {}\n", one_line(&file.file), file.reason);
    }
    text
}
