//! The vault's tasks: filtered and sorted for display.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::calendar;
use crate::domain::vault::{Note, Priority, State, Task, VaultSettings};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;

use super::error::VaultFailure;

/// Selects tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TasksFilter {
    /// Due by then: `overdue`, `today`, `tomorrow`, `week` (the next seven days) or a day, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<forms::DueBy>)]
    pub due: Option<String>,
    /// Whether to include closed tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// Only tasks of this note, or below this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Maximum number; unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1_000_000)]
    pub limit: Option<usize>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskLine {
    /// Its note's path in the vault.
    pub note: String,
    /// Its line number there, from 1.
    pub line: u32,
    /// The heading above it.
    pub heading: Option<String>,
    /// Its text, without the fields.
    pub text: String,
    /// `todo`, `in-progress`, `on-hold`, `done` or `cancelled`.
    #[schema(value_type = String)]
    pub state: State,
    /// The character in its checkbox.
    pub symbol: String,
    /// `highest`, `high`, `medium`, `none`, `low` or `lowest`.
    #[schema(value_type = String)]
    pub priority: Priority,
    /// The due date.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
    /// Days until the due date; negative if overdue.
    pub days_left: Option<i32>,
    /// The date it is scheduled for: its own, or that of its note's name where the Tasks plugin looks for it.
    #[schema(value_type = Option<String>, format = Date)]
    pub scheduled: Option<Date>,
    /// The earliest start date.
    #[schema(value_type = Option<String>, format = Date)]
    pub start: Option<Date>,
    /// When it was created.
    #[schema(value_type = Option<String>, format = Date)]
    pub created: Option<Date>,
    /// When it was done.
    #[schema(value_type = Option<String>, format = Date)]
    pub done: Option<Date>,
    /// When it was cancelled.
    #[schema(value_type = Option<String>, format = Date)]
    pub cancelled: Option<Date>,
    /// How it recurs, in the Tasks plugin's words.
    pub recurrence: Option<String>,
    /// Its own id.
    pub id: Option<String>,
    /// Ids of tasks that must be done first.
    pub depends_on: Vec<String>,
    /// Whether one of those is still open.
    pub is_blocked: bool,
}

/// The selected tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TasksShown {
    /// By due date, then by priority.
    pub tasks: Vec<TaskLine>,
    /// Total number, also beyond the limit.
    pub count: usize,
    /// When the vault was read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// Why it cannot be read now; null if it can. The tasks are then as old as `read_at` says.
    pub trouble: Option<String>,
}

fn line(path: &str, task: &Task, state: State, settings: &VaultSettings, today: Date) -> TaskLine {
    let days = |due: Date| due.since(today).map_or(0, |span| span.get_days());
    TaskLine {
        note: path.to_owned(),
        line: task.line,
        heading: task.heading.clone(),
        text: task.text.clone(),
        state,
        symbol: task.symbol.to_string(),
        priority: task.priority,
        due: task.due,
        days_left: task.due.map(days),
        scheduled: settings.scheduled(path, task),
        start: task.start,
        created: task.created,
        done: task.done,
        cancelled: task.cancelled,
        recurrence: task.recurrence.clone(),
        id: task.id.clone(),
        depends_on: task.depends_on.clone(),
        is_blocked: false,
    }
}

/// The tasks of one note, in its order.
#[must_use]
pub fn lines(path: &str, note: &Note, settings: &VaultSettings, today: Date) -> Vec<TaskLine> {
    let line = |task: &Task| Some(line(path, task, settings.state_of(task)?, settings, today));
    note.tasks.iter().filter_map(line).collect()
}

/// The last day that a filter word or a date covers.
fn by_day(word: &str, today: Date) -> Result<Date, VaultFailure> {
    let in_days = |days: i64| today.saturating_add(days.days());
    match word {
        "overdue" => Ok(in_days(-1)),
        "today" => Ok(today),
        "tomorrow" => Ok(in_days(1)),
        "week" => Ok(in_days(6)),
        day => day.parse().map_err(|_| {
            VaultFailure::Mistake(format!(
                "'{day}' is not a day; use overdue, today, tomorrow, week or a day such as 2026-11-23"
            ))
        }),
    }
}

impl TasksFilter {
    /// Validates the filter on a given day.
    ///
    /// # Errors
    /// [`VaultFailure::Mistake`].
    pub fn check(&self, today: Date) -> Result<(), VaultFailure> {
        if self.limit == Some(0) {
            return Err(VaultFailure::Mistake("no task at most is none; ask for one or more".to_owned()));
        }
        self.due.as_deref().map_or(Ok(()), |word| by_day(word, today).map(drop))
    }
}

impl Reads {
    /// The selected tasks, as of the last read.
    ///
    /// # Errors
    /// [`VaultFailure`].
    pub fn tasks(&self, filter: &TasksFilter, now: Timestamp) -> Result<TasksShown, VaultFailure> {
        let snapshot = self.vault_snapshot()?;
        let today = calendar::day_of(now, &self.zone());
        filter.check(today)?;
        let by = filter.due.as_deref().map(|word| by_day(word, today)).transpose()?;
        let all = filter.all.unwrap_or_default();
        let below = |path: &str| {
            filter.note.as_deref().is_none_or(|note| {
                let rest = path.strip_prefix(note.trim_end_matches('/'));
                rest.is_some_and(|rest| matches!(rest, "" | ".md") || rest.starts_with('/'))
            })
        };
        let mut open_ids = BTreeSet::new();
        let mut tasks = Vec::new();
        for (path, task, state) in snapshot.tasks() {
            if let Some(id) = task.id.as_deref().filter(|_| state.is_open()) {
                open_ids.insert(id);
            }
            let is_due = by.is_none_or(|by| task.due.is_some_and(|due| due <= by));
            if is_due && (all || state.is_open()) && below(path) {
                tasks.push(line(path, task, state, &snapshot.settings, today));
            }
        }
        tasks.sort_by(|a, b| {
            let key = |task: &TaskLine| (!task.state.is_open(), task.due.is_none(), task.due, task.priority);
            key(a).cmp(&key(b)).then_with(|| (&a.note, a.line).cmp(&(&b.note, b.line)))
        });
        let count = tasks.len();
        tasks.truncate(filter.limit.unwrap_or(usize::MAX));
        for task in &mut tasks {
            // What is done waits for nothing (obsidian-tasks, `src/Task/Task.ts`: `isBlocked`).
            task.is_blocked =
                task.state.is_open() && task.depends_on.iter().any(|id| open_ids.contains(id.as_str()));
        }
        let last = self.vault.last();
        Ok(TasksShown { tasks, count, read_at: last.at, trouble: last.error })
    }
}
