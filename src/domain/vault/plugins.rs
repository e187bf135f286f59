//! A vault as its plugins see it: where notes of days and other periods lie, what is ignored, what is a task.
//!
//! What is read here decides where a line is written. Where a setting is not understood, or it is not known which plugin
//! is on, the place is doubtful, and nothing is written there. Restricted mode, which turns all community plugins off, is
//! kept by Obsidian outside of the vault and is not known here.

use std::collections::BTreeMap;

use jiff::civil::Date;
use regex::Regex;
use serde_json::Value;

use super::moment::Weeks;
use super::periodic::{Pattern, Period};
use super::task::{Rules, State, Task};

pub mod found;
mod locale;
mod places;
mod tasks;

use found::{CORE_PLUGINS, Doubt, Files};
use locale::Locale;
pub use places::Place;
use tasks::TaskSettings;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct VaultSettings {
    places: BTreeMap<Period, Place>,
    locale: Locale,
    tasks: TaskSettings,
    /// Prefixes of paths.
    ignored: Vec<String>,
    ignored_patterns: Vec<Regex>,
}

impl VaultSettings {
    /// The settings by what was found, and what is not certain about them.
    #[must_use]
    pub fn of(files: &Files) -> (Self, Vec<Doubt>) {
        let locale = Locale::of(files);
        let (tasks, mut doubts) = TaskSettings::of(files);
        let places: BTreeMap<Period, Place> =
            Period::ALL.into_iter().map(|period| (period, places::place(files, &locale, period))).collect();
        // Who has switched daily notes off knows it; the command that would write one says so.
        let of_places = places.values().filter_map(|place| place.doubt.clone());
        for doubt in of_places.filter(|doubt| doubt.file != CORE_PLUGINS) {
            if !doubts.contains(&doubt) {
                doubts.push(doubt);
            }
        }
        let mut settings = Self { places, locale, tasks, ..Self::default() };
        settings.ignore(files, &mut doubts);
        (settings, doubts)
    }

    fn ignore(&mut self, files: &Files, doubts: &mut Vec<Doubt>) {
        let filters = files.app.json().and_then(|app| app.get("userIgnoreFilters")?.as_array());
        for filter in filters.into_iter().flatten().filter_map(Value::as_str) {
            // As in Obsidian: between slashes it is a regular expression, else the beginning of a path.
            let inner = filter.strip_prefix('/').and_then(|filter| filter.strip_suffix('/'));
            match inner.map(Regex::new) {
                Some(Ok(pattern)) => self.ignored_patterns.push(pattern),
                Some(Err(_)) => doubts.push(Doubt::new(
                    "app.json",
                    "one of userIgnoreFilters is no regular expression that is known here; mend it",
                )),
                None if filter.is_empty() => {}
                None => self.ignored.push(filter.to_owned()),
            }
        }
    }

    /// Where the notes of a kind lie, and whether that is certain.
    #[must_use]
    pub fn place(&self, period: Period) -> Place {
        let standard = || Place { pattern: Pattern::standard(period), is_periodic: false, doubt: None };
        self.places.get(&period).cloned().unwrap_or_else(standard)
    }

    /// The pattern of the notes of a kind.
    #[must_use]
    pub fn pattern(&self, period: Period) -> Pattern {
        self.place(period).pattern
    }

    /// The numbering of weeks; `usual` is what Obsidian's language has, where no plugin says otherwise.
    #[must_use]
    pub fn weeks(&self, usual: Weeks) -> Weeks {
        self.locale.weeks(usual)
    }

    /// The path of the note that a day belongs to; none if it would be outside of the vault.
    #[must_use]
    pub fn path(&self, period: Period, day: Date, usual: Weeks) -> Option<String> {
        let weeks = self.weeks(usual);
        self.pattern(period).path(period.first_day(day, weeks), weeks)
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

    /// Which lines are tasks, and how they are read.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.tasks.rules
    }

    /// How a task stands by the vault's own settings; none where it is none by them.
    #[must_use]
    pub fn state_of(&self, task: &Task) -> Option<State> {
        self.tasks.state_of(task)
    }

    /// The day that a task is scheduled for: its own, or that of its note's name where the Tasks plugin looks for it.
    #[must_use]
    pub fn scheduled(&self, path: &str, task: &Task) -> Option<Date> {
        self.tasks.scheduled(path, task)
    }
}

#[cfg(test)]
mod tests;
