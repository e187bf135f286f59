//! What is a task, and how it stands, by the Tasks plugin's settings.
//!
//! Source: obsidian-tasks-group/obsidian-tasks: `src/Config/Settings.ts` (the defaults; `getUserSelectedTaskFormat`),
//! `src/Config/StatusSettings.ts` and `src/Statuses/StatusRegistry.ts` (core statuses before the person's own; of two with
//! one symbol the first counts; a symbol without a status is to do), `src/Statuses/Status.ts`
//! (`getTypeFromStatusTypeString`: an unknown type is to do), `src/DateTime/DateFallback.ts` (the day in a note's name).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;
use serde_json::Value;

use crate::domain::vault::task::{Forms, Rules, State, Task};

use super::found::{Doubt, Files, Found, Switch, TASKS};

/// The plugin's settings, as far as they are in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskSettings {
    pub rules: Rules,
    /// How a task with a symbol stands; none where it is no task. Nothing at all where the plugin is off.
    states: Option<BTreeMap<char, Option<State>>>,
    /// Notes below these folders have a day in their names, on which their tasks are scheduled; nothing where the plugin
    /// does not look for it.
    dated: Option<Vec<String>>,
}

impl TaskSettings {
    /// Reads them, and what is not certain about them.
    #[must_use]
    pub fn of(files: &Files) -> (Self, Vec<Doubt>) {
        let (mut settings, mut doubts) = (Self::default(), Vec::new());
        let switch = files.community("obsidian-tasks-plugin");
        let json = match (switch, &files.tasks) {
            (Switch::Off, _) | (Switch::Unknown, Found::Missing | Found::Broken) => {
                return (settings, doubts);
            }
            (Switch::On, Found::Missing | Found::Broken) => &Value::Null,
            (_, Found::Json(json)) => json,
        };
        if switch == Switch::Unknown {
            doubts.push(Doubt::of_list("Tasks"));
        }
        let mut odd = |reason: &str| doubts.push(Doubt::new(TASKS, reason));
        match json.get("globalFilter") {
            None | Some(Value::Null) => {}
            Some(Value::String(filter)) => settings.rules.filter.clone_from(filter),
            Some(_) => {
                odd("globalFilter is no text, so it is not in force; enter it anew in the plugin's settings");
            }
        }
        match json.get("taskFormat").map(Value::as_str) {
            None => {}
            Some(Some("tasksPluginEmoji")) => settings.rules.forms = Forms::Signs,
            Some(Some("dataview")) => settings.rules.forms = Forms::Dataview,
            Some(_) => {
                odd(
                    "taskFormat is none that is known here, so both forms of fields are read; choose it anew",
                );
            }
        }
        settings.states = Some(json.get("statusSettings").map_or_else(usual_states, states));
        if json.get("useFilenameAsScheduledDate") == Some(&Value::Bool(true)) {
            let folders = json.get("filenameAsDateFolders").and_then(Value::as_array);
            let folders = folders.into_iter().flatten().filter_map(Value::as_str);
            settings.dated = Some(folders.map(str::to_owned).collect());
            let own = json.get("filenameAsScheduledDateFormat").and_then(Value::as_str);
            if own.is_some_and(|format| !format.is_empty()) {
                odd(
                    "filenameAsScheduledDateFormat is not read here: of days in notes' names only YYYY-MM-DD and \
                     YYYYMMDD count; leave it empty, or write the dates into the tasks",
                );
            }
        }
        (settings, doubts)
    }

    /// How a task stands; none where it is none.
    #[must_use]
    pub fn state_of(&self, task: &Task) -> Option<State> {
        match &self.states {
            None => Some(task.state()),
            Some(states) => states.get(&task.symbol).copied().unwrap_or(Some(State::Todo)),
        }
    }

    /// The day that a task is scheduled for: its own, or that of its note's name if it has no date of that kind.
    #[must_use]
    pub fn scheduled(&self, path: &str, task: &Task) -> Option<Date> {
        let is_dated = task.scheduled.or(task.due).or(task.start).is_some();
        let folders = self.dated.as_ref().filter(|_| !is_dated);
        let Some(folders) = folders else { return task.scheduled };
        let is_below = |folder: &String| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        if !folders.is_empty() && !folders.iter().any(is_below) {
            return None;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        day_in(name.rsplit_once('.').map_or(name, |(name, _)| name))
    }
}

/// The first `YYYY-MM-DD` of a name, else the first eight digits; none if that is no day.
fn day_in(name: &str) -> Option<Date> {
    static DAY: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [r"([0-9]{4})-([0-9]{2})-([0-9]{2})", r"([0-9]{4})([0-9]{2})([0-9]{2})"]
            .map(|text| Regex::new(text).unwrap_or_else(|error| unreachable!("{error}")))
    });
    let found = DAY.iter().find_map(|pattern| pattern.captures(name))?;
    Date::new(found[1].parse().ok()?, found[2].parse().ok()?, found[3].parse().ok()?).ok()
}

/// The plugin's own statuses, before anybody has changed them.
fn usual_states() -> BTreeMap<char, Option<State>> {
    let usual = [(' ', State::Todo), ('x', State::Done), ('/', State::InProgress), ('-', State::Cancelled)];
    usual.into_iter().map(|(symbol, state)| (symbol, Some(state))).collect()
}

fn states(settings: &Value) -> BTreeMap<char, Option<State>> {
    let mut states = BTreeMap::new();
    for name in ["coreStatuses", "customStatuses"] {
        for status in settings.get(name).and_then(Value::as_array).into_iter().flatten() {
            let symbol = status.get("symbol").map_or(Some(" "), Value::as_str).unwrap_or_default();
            let mut symbol = symbol.chars();
            // A box holds one character: of any other symbol there is no task.
            let (Some(symbol), None) = (symbol.next(), symbol.next()) else { continue };
            let state = match status.get("type").and_then(Value::as_str) {
                Some("IN_PROGRESS") => Some(State::InProgress),
                Some("ON_HOLD") => Some(State::OnHold),
                Some("DONE") => Some(State::Done),
                Some("CANCELLED") => Some(State::Cancelled),
                Some("NON_TASK") => None,
                _ => Some(State::Todo),
            };
            states.entry(symbol).or_insert(state);
        }
    }
    states
}
