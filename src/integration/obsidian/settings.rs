//! What a vault's own settings say, in `.obsidian/`: where daily notes lie, what is ignored, what is a task.
//!
//! Sources: Obsidian's core plugins (`daily-notes.json`, `app.json`), the plugins Periodic Notes and Tasks
//! (`plugins/…/data.json`). A file that is missing or broken leaves what is in force without it.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use regex::Regex;
use serde_json::Value;

use crate::domain::vault::periodic::{Pattern, Period};
use crate::domain::vault::{State, Task};
use crate::files::beneath::{Astray, Root};

use super::Problem;

/// No file of settings is longer, in bytes.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct VaultSettings {
    patterns: BTreeMap<Period, Pattern>,
    /// Prefixes of paths.
    ignored: Vec<String>,
    ignored_patterns: Vec<Regex>,
    /// Only lines with this tag are tasks.
    global_filter: Option<String>,
    /// Of the plugin's own boxes; none where one is no task.
    states: BTreeMap<char, Option<State>>,
}

impl VaultSettings {
    /// Where the notes of a kind lie.
    #[must_use]
    pub fn pattern(&self, period: Period) -> Pattern {
        self.patterns.get(&period).cloned().unwrap_or_else(|| Pattern::standard(period))
    }

    /// Whether the vault ignores a path.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let below = |prefix: &String| {
            path.strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
                || prefix.strip_suffix('/') == Some(path)
        };
        self.ignored.iter().any(below) || self.ignored_patterns.iter().any(|pattern| pattern.is_match(path))
    }

    /// How a task stands by the vault's own settings; none where it is none by them.
    #[must_use]
    pub fn state_of(&self, task: &Task) -> Option<State> {
        let has_filter = |filter: &String| task.text.split_whitespace().any(|word| word == filter);
        if !self.global_filter.as_ref().is_none_or(has_filter) {
            return None;
        }
        self.states.get(&task.symbol).copied().unwrap_or(Some(task.state()))
    }
}

/// Reads them, and what is wrong with them.
pub(crate) fn read(inside: &Root) -> (VaultSettings, Vec<Problem>) {
    let (mut settings, mut problems) = (VaultSettings::default(), Vec::new());
    let mut json = |name: &str| {
        let path = format!(".obsidian/{name}");
        read_json(inside, &path).unwrap_or_else(|reason| {
            problems.push(Problem { path, reason, hides: false });
            None
        })
    };
    if let Some(daily) = json("daily-notes.json") {
        settings.patterns.insert(Period::Daily, pattern(Period::Daily, &daily));
    }
    let filters = json("app.json").and_then(|app| app.get("userIgnoreFilters").cloned());
    if let Some(plugin) = json("plugins/periodic-notes/data.json") {
        for period in Period::ALL {
            let Some(own) = plugin.get(period.word()) else { continue };
            if own.get("enabled").and_then(Value::as_bool) == Some(true) {
                settings.patterns.insert(period, pattern(period, own));
            }
        }
    }
    if let Some(tasks) = json("plugins/obsidian-tasks-plugin/data.json") {
        let filter = tasks.get("globalFilter").and_then(Value::as_str).map(str::trim);
        settings.global_filter = filter.filter(|filter| !filter.is_empty()).map(str::to_owned);
        settings.states = states(&tasks);
    }
    for filter in filters.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
        // As in Obsidian: between slashes it is a regular expression, else the beginning of a path.
        let inner = filter.strip_prefix('/').and_then(|filter| filter.strip_suffix('/'));
        match inner.map(Regex::new) {
            Some(Ok(pattern)) => settings.ignored_patterns.push(pattern),
            Some(Err(_)) => problems.push(Problem {
                path: ".obsidian/app.json".to_owned(),
                reason: "one of userIgnoreFilters is no regular expression that is known here; mend it"
                    .to_owned(),
                hides: false,
            }),
            None if filter.is_empty() => {}
            None => settings.ignored.push(filter.to_owned()),
        }
    }
    (settings, problems)
}

fn read_json(inside: &Root, path: &str) -> Result<Option<Value>, String> {
    let bytes = match inside.read(path, FILE_MAX) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(Astray::Outside) => {
            return Err("it leads out of the vault, so what it says is not in force; copy it into the vault"
                .to_owned());
        }
        Err(Astray::Nowhere) => return Err("it is a link that leads nowhere; remove it".to_owned()),
        Err(Astray::File(error)) if error.kind() == ErrorKind::FileTooLarge => {
            return Err("it is too long for settings; what it says is not in force".to_owned());
        }
        Err(Astray::File(error)) => {
            return Err(format!("it cannot be read ({error}); check its owner and mode"));
        }
    };
    // An empty file is what a full disk leaves behind; Obsidian takes it for none.
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| "it is no JSON, so what it says is not in force; have Obsidian write it anew".to_owned())
}

fn pattern(period: Period, json: &Value) -> Pattern {
    let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let standard = Pattern::standard(period);
    Pattern {
        folder: text("folder").unwrap_or_default().trim_matches('/').to_owned(),
        format: text("format").map_or(standard.format, str::to_owned),
        template: text("template").map(str::to_owned),
    }
}

fn states(tasks: &Value) -> BTreeMap<char, Option<State>> {
    let lists = ["coreStatuses", "customStatuses"].into_iter();
    let lists = lists.filter_map(|name| tasks.pointer(&format!("/statusSettings/{name}"))?.as_array());
    let one = |status: &Value| {
        let symbol = status.get("symbol")?.as_str()?.chars().next()?;
        let state = match status.get("type")?.as_str()? {
            "TODO" => Some(State::Todo),
            "IN_PROGRESS" => Some(State::InProgress),
            "ON_HOLD" => Some(State::OnHold),
            "DONE" => Some(State::Done),
            "CANCELLED" => Some(State::Cancelled),
            "NON_TASK" => None,
            _ => return None,
        };
        Some((symbol, state))
    };
    lists.flatten().filter_map(one).collect()
}
