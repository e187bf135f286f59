//! A task: a list item with a checkbox, and the fields after its text.
//!
//! Sources: the Tasks plugin for Obsidian, whose parser takes fields from the end of the line backwards until
//! something is not a field (so that text after a field hides it), and its Dataview form, `[due::
//! 2026-01-31]` or `(due:: 2026-01-31)`. Both forms are read, also mixed. If a field occurs twice, the left
//! one counts, as in the plugin.

use std::sync::LazyLock;

use crate::domain::words::words;
use jiff::civil::Date;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not started.
    Todo,
    /// Started.
    InProgress,
    /// Waiting for something.
    OnHold,
    Done,
    Cancelled,
}

words! {
    State {
        Todo: "todo",
        InProgress: "in-progress",
        OnHold: "on-hold",
        Done: "done",
        Cancelled: "cancelled",
    }
}

impl State {
    /// The state of a checkbox character; an unknown one is `Todo`, as in the plugin.
    #[must_use]
    pub fn of(symbol: char) -> Self {
        match symbol {
            'x' | 'X' => Self::Done,
            '-' => Self::Cancelled,
            '/' => Self::InProgress,
            'h' => Self::OnHold,
            _ => Self::Todo,
        }
    }

    /// Whether it is still to be done.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Cancelled)
    }
}

/// The priority of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// 🔺
    Highest,
    /// ⏫
    High,
    /// 🔼
    Medium,
    /// No sign.
    #[default]
    None,
    /// 🔽
    Low,
    /// ⏬
    Lowest,
}

words! {
    Priority {
        Highest: "highest",
        High: "high",
        Medium: "medium",
        None: "none",
        Low: "low",
        Lowest: "lowest",
    }
}

impl Priority {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "🔺" | "highest" => Self::Highest,
            "⏫" | "high" => Self::High,
            "🔼" | "medium" => Self::Medium,
            "🔽" | "low" => Self::Low,
            "⏬" | "lowest" => Self::Lowest,
            _ => return None,
        })
    }
}

/// A parsed task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Task {
    /// The line number in its note, from 1.
    pub line: u32,
    /// The character in its checkbox.
    pub symbol: char,
    /// The text, without the fields.
    pub text: String,
    /// The heading above it.
    pub heading: Option<String>,
    /// 📅
    pub due: Option<Date>,
    /// ⏳
    pub scheduled: Option<Date>,
    /// 🛫
    pub start: Option<Date>,
    /// ➕
    pub created: Option<Date>,
    /// ✅
    pub done: Option<Date>,
    /// ❌
    pub cancelled: Option<Date>,
    /// See [`Priority`].
    pub priority: Priority,
    /// 🔁: the rule in the plugin's words.
    pub recurrence: Option<String>,
    /// 🏁: what happens to it when it is done.
    pub on_completion: Option<String>,
    /// 🆔
    pub id: Option<String>,
    /// ⛔: the ids of tasks that must be done first.
    pub depends_on: Vec<String>,
    /// `^name` at the end: the target for links to this line.
    pub block: Option<String>,
}

impl Task {
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self.symbol)
    }
}

/// Maximum length of a field, in bytes.
const FIELD_MAX: usize = 1_024;
/// Maximum number of fields and tags after the text; anything before them is text too.
const FIELDS_MAX: usize = 64;

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).unwrap_or_else(|error| unreachable!("{error}")));
    };
}

// `[\s>]*` before the marker: tasks may be nested, and inside quotes and callouts.
pattern!(LINE, r"^[\s>]*(?:[-*+]|[0-9]+[.)]) +\[(.)\](?: +(.*)|$)");
pattern!(BLOCK, r"(?:^| )\^([a-zA-Z0-9-]+)$");
pattern!(TAG, "(?:^|\\s)#[^ !@#$%^&*(),.?\":{}|<>]+$");
pattern!(DATE, "(📅|📆|🗓|⏳|⌛|🛫|➕|✅|❌)\u{fe0f}? *([0-9]{4}-[0-9]{2}-[0-9]{2})$");
pattern!(PRIORITY, "(🔺|⏫|🔼|🔽|⏬)\u{fe0f}?$");
pattern!(RECURRENCE, "🔁\u{fe0f}? *([a-zA-Z0-9, !]+)$");
pattern!(ON_COMPLETION, "🏁\u{fe0f}? *([a-zA-Z]+)$");
pattern!(ID, "🆔\u{fe0f}? *([a-zA-Z0-9_-]+)$");
pattern!(DEPENDS, "⛔\u{fe0f}? *([a-zA-Z0-9_-]+(?: *, *[a-zA-Z0-9_-]+)*)$");
pattern!(INLINE, r"(?:\[ *([a-zA-Z]+):: *([^\[\]]*?) *\]|\( *([a-zA-Z]+):: *([^()]*?) *\)) *,?$");

/// The task on a line, if there is one. The caller checks that the line is Markdown text.
#[must_use]
pub fn parse(line: &str) -> Option<Task> {
    // Most lines are not tasks.
    if !line.contains('[') {
        return None;
    }
    let parts = LINE.captures(line)?;
    let symbol = parts[1].chars().next()?;
    let mut task = Task { symbol, ..Task::default() };
    let mut rest = parts.get(2).map_or("", |text| text.as_str()).trim();
    if let Some(block) = rest.contains('^').then(|| BLOCK.captures(rest)).flatten() {
        task.block = Some(block[1].to_owned());
        rest = rest[..block.get(0).map_or(rest.len(), |found| found.start())].trim_end();
    }
    // Tags may be among the fields: they are text.
    let mut tags: Vec<&str> = Vec::new();
    for _ in 0..FIELDS_MAX {
        // Only the end of the line is searched, up to the maximum length of a field.
        let (before, end) = rest.split_at(rest.ceil_char_boundary(rest.len().saturating_sub(FIELD_MAX)));
        let left = if let Some(shorter) = take_field(&mut task, end) {
            shorter.len()
        } else if end.contains('#')
            && let Some(tag) = TAG.find(end).filter(|tag| before.is_empty() || tag.start() > 0)
        {
            tags.push(tag.as_str().trim());
            tag.start()
        } else {
            break;
        };
        rest = rest[..before.len() + left].trim_end();
    }
    let words = std::iter::once(rest).chain(tags.into_iter().rev()).filter(|part| !part.is_empty());
    task.text = words.collect::<Vec<_>>().join(" ");
    Some(task)
}

/// Removes the last field, and returns the text before it.
fn take_field<'a>(task: &mut Task, rest: &'a str) -> Option<&'a str> {
    let before = |found: &regex::Captures<'a>| &rest[..found.get(0).map_or(0, |whole| whole.start())];
    // Most text has no field after it: an inline field ends with its bracket, and each of the others has its
    // symbol.
    if let Some(found) = rest.ends_with([']', ')', ',']).then(|| INLINE.captures(rest)).flatten() {
        let part = |bracket, round| found.get(bracket).or(found.get(round)).map_or("", |part| part.as_str());
        let (key, value) = (part(1, 3), part(2, 4));
        return set_inline(task, key, value).then(|| before(&found));
    }
    if rest.is_ascii() {
        return None;
    }
    if let Some(found) = DATE.captures(rest) {
        // An invalid date is still a field, without a value.
        let date = found[2].parse().ok();
        *match &found[1] {
            "⏳" | "⌛" => &mut task.scheduled,
            "🛫" => &mut task.start,
            "➕" => &mut task.created,
            "✅" => &mut task.done,
            "❌" => &mut task.cancelled,
            _ => &mut task.due,
        } = date;
        return Some(before(&found));
    }
    if let Some(found) = PRIORITY.captures(rest) {
        task.priority = Priority::of(&found[1]).unwrap_or_default();
        return Some(before(&found));
    }
    let word = |pattern: &Regex, slot: &mut Option<String>| {
        let found = pattern.captures(rest)?;
        *slot = Some(found[1].trim().to_owned());
        Some(before(&found))
    };
    if let Some(found) = DEPENDS.captures(rest) {
        task.depends_on = ids(&found[1]);
        return Some(before(&found));
    }
    word(&RECURRENCE, &mut task.recurrence)
        .or_else(|| word(&ON_COMPLETION, &mut task.on_completion))
        .or_else(|| word(&ID, &mut task.id))
}

fn ids(text: &str) -> Vec<String> {
    text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
}

/// False if the key is not one of the plugin's.
fn set_inline(task: &mut Task, key: &str, value: &str) -> bool {
    let is_date = value.len() == 10;
    let date = || value.parse::<Date>().ok();
    let owned = || Some(value.to_owned());
    match key {
        "due" if is_date => task.due = date(),
        "scheduled" if is_date => task.scheduled = date(),
        "start" if is_date => task.start = date(),
        "created" if is_date => task.created = date(),
        "completion" if is_date => task.done = date(),
        "cancelled" if is_date => task.cancelled = date(),
        "priority" => match Priority::of(value) {
            Some(priority) => task.priority = priority,
            None => return false,
        },
        "repeat" => task.recurrence = owned(),
        "onCompletion" => task.on_completion = owned(),
        "id" => task.id = owned(),
        "dependsOn" => task.depends_on = ids(value),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests;
