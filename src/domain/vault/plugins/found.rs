//! A vault's own settings as they were found, and which plugins are on.
//!
//! Sources: Obsidian's `.obsidian/community-plugins.json`, a list of ids, and `core-plugins.json`, a list of ids or an
//! object of ids and whether each is on. A core plugin that the object does not name is as Obsidian ships it.

use serde_json::Value;

/// The folder of a vault's settings.
pub const FOLDER: &str = ".obsidian";

/// A file of settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Found {
    /// There is none, or it is empty.
    #[default]
    Missing,
    /// It is there, and what it says is not known.
    Broken,
    Json(Value),
}

impl Found {
    /// What it says, if it is there and can be read.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Missing | Self::Broken => None,
        }
    }
}

/// The files that say where notes lie and what tasks are. Paths are relative to [`FOLDER`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    pub core_plugins: Found,
    pub community_plugins: Found,
    pub app: Found,
    pub daily: Found,
    pub periodic: Found,
    /// The plugin's version: its settings have another form from 1.0.0 on.
    pub periodic_manifest: Found,
    pub calendar: Found,
    pub tasks: Found,
}

impl Files {
    /// Each file's name, and its place here.
    #[must_use]
    pub fn named(&mut self) -> [(&'static str, &mut Found); 8] {
        [
            (CORE_PLUGINS, &mut self.core_plugins),
            (COMMUNITY_PLUGINS, &mut self.community_plugins),
            ("app.json", &mut self.app),
            (DAILY, &mut self.daily),
            (PERIODIC, &mut self.periodic),
            ("plugins/periodic-notes/manifest.json", &mut self.periodic_manifest),
            (CALENDAR, &mut self.calendar),
            (TASKS, &mut self.tasks),
        ]
    }

    /// Whether the core plugin Daily notes is on.
    #[must_use]
    pub fn daily_notes(&self) -> Switch {
        match &self.core_plugins {
            Found::Missing => Switch::On,
            Found::Broken => Switch::Unknown,
            Found::Json(Value::Object(plugins)) => match plugins.get("daily-notes") {
                // It is on where nobody has switched it off.
                None | Some(Value::Bool(true)) => Switch::On,
                Some(Value::Bool(false)) => Switch::Off,
                Some(_) => Switch::Unknown,
            },
            Found::Json(list) => listed(list, "daily-notes"),
        }
    }

    /// Whether a community plugin is on. Without the list it is not known: a vault may be synced without it.
    #[must_use]
    pub fn community(&self, id: &str) -> Switch {
        self.community_plugins.json().map_or(Switch::Unknown, |list| listed(list, id))
    }
}

pub const CORE_PLUGINS: &str = "core-plugins.json";
pub const COMMUNITY_PLUGINS: &str = "community-plugins.json";
pub const DAILY: &str = "daily-notes.json";
pub const PERIODIC: &str = "plugins/periodic-notes/data.json";
pub const CALENDAR: &str = "plugins/calendar/data.json";
pub const TASKS: &str = "plugins/obsidian-tasks-plugin/data.json";

/// Whether a plugin is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    On,
    Off,
    Unknown,
}

fn listed(list: &Value, id: &str) -> Switch {
    match list.as_array() {
        Some(ids) if ids.iter().all(Value::is_string) => {
            if ids.iter().any(|known| known == id) {
                Switch::On
            } else {
                Switch::Off
            }
        }
        _ => Switch::Unknown,
    }
}

/// Something about a setting that is not certain, with the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The file that is in the way, relative to [`FOLDER`].
    pub file: &'static str,
    /// What is not certain, and the mend.
    pub reason: String,
}

impl Doubt {
    #[must_use]
    pub fn new(file: &'static str, reason: impl Into<String>) -> Self {
        Self { file, reason: reason.into() }
    }

    /// That it is not known which community plugins are on.
    #[must_use]
    pub fn of_list(plugin: &str) -> Self {
        Self::new(
            COMMUNITY_PLUGINS,
            format!(
                "it does not say whether the plugin {plugin} is on, which has settings here; switch a community \
                 plugin off and on in Obsidian, which writes the list, or copy it here"
            ),
        )
    }
}
