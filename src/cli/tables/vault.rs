//! The tables of the vault.

use crate::service::vault::queries::{DailyShown, Logged, VaultShown};
use crate::service::vault::tasks::{TaskLine, TasksShown};
use crate::service::vault::undo::TakenBack;

use super::system::age;
use super::table;

/// `mecris tasks`.
#[must_use]
pub fn tasks(shown: &TasksShown) -> String {
    let trouble = shown.trouble.as_ref().map(|trouble| format!("As it was before: {trouble}\n"));
    if shown.tasks.is_empty() {
        return trouble.unwrap_or_default() + "No such task.\n";
    }
    let left_out = shown.count - shown.tasks.len();
    let more = if left_out > 0 { format!("and {left_out} more\n") } else { String::new() };
    format!("{}{}\n{more}", trouble.unwrap_or_default(), task_table(&shown.tasks))
}

fn task_table(tasks: &[TaskLine]) -> String {
    let mut rows = table(&["", "Due", "Task", "Priority", "Note"], 1);
    for task in tasks {
        let due = match (task.due, task.days_left) {
            (Some(due), Some(days)) if days < 0 && task.state.is_open() => format!("{due} overdue"),
            (Some(due), Some(0)) => format!("{due} today"),
            (Some(due), _) => due.to_string(),
            (None, _) => String::new(),
        };
        let blocked = if task.is_blocked { " (waits for another)" } else { "" };
        rows.add_row(vec![
            format!("[{}]", task.symbol),
            due,
            format!("{}{blocked}", task.text),
            if task.priority.word() == "none" { String::new() } else { task.priority.word().to_owned() },
            format!("{}:{}", task.note, task.line),
        ]);
    }
    rows.trim_fmt()
}

/// `mecris daily`.
#[must_use]
pub fn daily(shown: &DailyShown) -> String {
    let doubt =
        shown.doubt.as_ref().map(|doubt| format!("It is not certain that this is the note. {doubt}\n"));
    let doubt = doubt.unwrap_or_default();
    match &shown.text {
        Some(text) => format!("{}\n{doubt}\n{text}", shown.note),
        None if !doubt.is_empty() => format!("{} is not there.\n{doubt}", shown.note),
        None => format!("{} is not there yet. `mecris log-session` makes it.\n", shown.note),
    }
}

/// `mecris log-session`.
#[must_use]
pub fn logged(shown: &Logged) -> String {
    let Logged { note, heading, line, added } = shown;
    let done = if *added { "Added" } else { "There already" };
    format!("{done}, to {note} below \"{heading}\": {line}\n")
}

/// `mecris vault undo`.
#[must_use]
pub fn taken_back(taken: &TakenBack) -> String {
    let TakenBack { note, removed, changed } = taken;
    match (removed, changed) {
        (true, true) => format!("Removed {note}, which the last write had made\n"),
        (false, true) => format!("{note} is as it was before the last write\n"),
        (_, false) => format!("{note} was as before the last write already\n"),
    }
}

/// `mecris vault`.
#[must_use]
pub fn vault(shown: &VaultShown) -> String {
    let read =
        shown.age_seconds.map_or_else(|| "never".to_owned(), |seconds| format!("{} ago", age(seconds)));
    let mut text = format!(
        "{}\n{} notes, {} tasks open, {} closed; read {read}\n",
        shown.path, shown.notes, shown.open_tasks, shown.closed_tasks
    );
    if shown.links_left_out > 0 {
        text += &format!("links that lead out of the vault, and are left out: {}\n", shown.links_left_out);
    }
    if let Some(trouble) = &shown.trouble {
        text += &format!("As it was before: {trouble}\n");
    }
    if !shown.goals.is_empty() {
        let mut rows = table(&["Goal", "Due", "Status", "Open", "Closed", "Note"], 1);
        for goal in &shown.goals {
            rows.add_row(vec![
                goal.title.clone(),
                goal.due.map(|due| due.to_string()).unwrap_or_default(),
                goal.status.clone().unwrap_or_default(),
                goal.open_tasks.to_string(),
                goal.closed_tasks.to_string(),
                goal.note.clone(),
            ]);
        }
        text += &format!("\n{}\n", rows.trim_fmt());
    }
    for problem in &shown.problems {
        text += &format!("{}: {}\n", problem.path, problem.reason);
    }
    if shown.problem_count > shown.problems.len() {
        text += &format!("and {} more\n", shown.problem_count - shown.problems.len());
    }
    text
}
