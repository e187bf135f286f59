//! A task: a list item with a checkbox, and the fields after its text.
//!
//! Source: obsidian-tasks-group/obsidian-tasks, `src/Task/TaskRegularExpressions.ts` and
//! `src/TaskSerializer/{Default,Dataview}TaskSerializer.ts`. Its parser takes fields from the end of the line
//! backwards until something is not a field, so that text after a field hides it. It reads signs (📅) or
//! Dataview's form, `[due:: 2026-01-31]` or `(due:: 2026-01-31)`, as its setting says; where no setting says so,
//! both are read here, also mixed. If a field occurs twice, the left one counts, as in the plugin.

use std::sync::LazyLock;

use super::recurrence::is_rule;
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
    fn of_sign(sign: &str) -> Self {
        match sign {
            "🔺" => Self::Highest,
            "⏫" => Self::High,
            "🔼" => Self::Medium,
            "🔽" => Self::Low,
            "⏬" => Self::Lowest,
            _ => Self::None,
        }
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
    /// 🔁: the rule, in the person's words.
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

/// Which fields are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forms {
    #[default]
    Both,
    /// 📅 2026-01-31
    Signs,
    /// `[due:: 2026-01-31]`
    Dataview,
}

/// Which lines are tasks, and how they are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    pub forms: Forms,
    /// Only lines that contain this text after their checkbox are tasks; empty for all. A substring with its case,
    /// not a word (`src/Config/GlobalFilter.ts`: `includedIn`).
    pub filter: String,
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

/// The task on a line, if there is one by these rules. The caller checks that the line is Markdown text.
#[must_use]
pub fn parse(line: &str, rules: &Rules) -> Option<Task> {
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
    // Before the fields are taken from it: a filter may be a field, or a part of one (`Task.fromLine`).
    if !rest.contains(rules.filter.as_str()) {
        return None;
    }
    // Tags may be among the fields: they are text.
    let mut tags: Vec<&str> = Vec::new();
    for _ in 0..FIELDS_MAX {
        // Only the end of the line is searched, up to the maximum length of a field.
        let (before, end) = rest.split_at(rest.ceil_char_boundary(rest.len().saturating_sub(FIELD_MAX)));
        let left = if let Some(shorter) = take_field(&mut task, end, rules.forms) {
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
fn take_field<'a>(task: &mut Task, rest: &'a str, forms: Forms) -> Option<&'a str> {
    let before = |found: &regex::Captures<'a>| &rest[..found.get(0).map_or(0, |whole| whole.start())];
    // Most text has no field after it: an inline field ends with its bracket, and each of the others has its
    // symbol.
    let may_be_inline = forms != Forms::Signs && rest.ends_with([']', ')', ',']);
    if let Some(found) = may_be_inline.then(|| INLINE.captures(rest)).flatten() {
        let part = |bracket, round| found.get(bracket).or(found.get(round)).map_or("", |part| part.as_str());
        let (key, value) = (part(1, 3), part(2, 4));
        return set_inline(task, key, value).then(|| before(&found));
    }
    if rest.is_ascii() || forms == Forms::Dataview {
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
        task.priority = Priority::of_sign(&found[1]);
        return Some(before(&found));
    }
    if let Some(found) = DEPENDS.captures(rest) {
        task.depends_on = ids(&found[1]);
        return Some(before(&found));
    }
    if let Some(found) = ON_COMPLETION.captures(rest) {
        task.on_completion = on_completion(&found[1]);
        return Some(before(&found));
    }
    if let Some(found) = RECURRENCE.captures(rest) {
        task.recurrence = recurrence(&found[1]);
        return Some(before(&found));
    }
    let found = ID.captures(rest)?;
    task.id = Some(found[1].to_owned());
    Some(before(&found))
}

/// A rule, as it was written; a text that is none is no recurrence.
fn recurrence(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|rule| is_rule(rule))
}

/// `keep` or `delete`, in any case; the plugin ignores anything else (`src/Task/OnCompletion.ts`).
fn on_completion(text: &str) -> Option<String> {
    Some(text.trim().to_lowercase()).filter(|action| matches!(action.as_str(), "keep" | "delete"))
}

fn ids(text: &str) -> Vec<String> {
    text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
}

/// False if it is not one of the plugin's fields: its key is another, or its value has another form.
fn set_inline(task: &mut Task, key: &str, value: &str) -> bool {
    let is_of = |also: &str| {
        !value.is_empty() && value.chars().all(|part| part.is_ascii_alphanumeric() || also.contains(part))
    };
    let date = match key {
        "due" => &mut task.due,
        "scheduled" => &mut task.scheduled,
        "start" => &mut task.start,
        "created" => &mut task.created,
        "completion" => &mut task.done,
        "cancelled" => &mut task.cancelled,
        "priority" => {
            let Some(priority) = Priority::of_word(value).filter(|priority| *priority != Priority::None)
            else {
                return false;
            };
            task.priority = priority;
            return true;
        }
        "repeat" if is_of(", !") => {
            task.recurrence = recurrence(value);
            return true;
        }
        "onCompletion" if is_of("") => {
            task.on_completion = on_completion(value);
            return true;
        }
        "id" if is_of("-_") => {
            task.id = Some(value.to_owned());
            return true;
        }
        "dependsOn" if is_of("-_, ") && ids(value).iter().all(|id| !id.contains(' ')) => {
            task.depends_on = ids(value);
            return true;
        }
        _ => return false,
    };
    let has_form = value.len() == 10
        && value.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if has_form {
        // An invalid date is still a field, without a value.
        *date = value.parse().ok();
    }
    has_form
}

#[cfg(test)]
mod tests;
