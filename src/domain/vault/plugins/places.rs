//! Where daily notes and notes of other periods lie, by the plugins that are on.
//!
//! Sources: liamcain/obsidian-daily-notes-interface, `src/settings.ts` (Periodic Notes where it is on and its kind of
//! note is enabled, else the core plugin; weekly notes else by the Calendar plugin);
//! liamcain/obsidian-periodic-notes, 0.0.17 `src/settings/index.ts` (`daily`, `weekly`, …) and 1.0.0-beta
//! `src/calendarSetManager.ts` (`calendarSets`, of which the active one counts).

use serde_json::Value;

use crate::domain::vault::moment::needs;
use crate::domain::vault::periodic::{Pattern, Period};

use super::found::{CALENDAR, CORE_PLUGINS, DAILY, Doubt, Files, Found, PERIODIC, Switch};
use super::locale::Locale;

/// Where the notes of a kind lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub pattern: Pattern,
    /// Whether the Periodic Notes plugin makes the notes, and fills in their templates.
    pub is_periodic: bool,
    /// Why that is not certain: nothing is written there.
    pub doubt: Option<Doubt>,
}

impl Place {
    fn certain(pattern: Pattern) -> Self {
        Self { pattern, is_periodic: false, doubt: None }
    }

    fn doubtful(pattern: Pattern, doubt: Doubt) -> Self {
        Self { pattern, is_periodic: false, doubt: Some(doubt) }
    }
}

/// Where the notes of a kind lie, by the settings as found.
#[must_use]
pub fn place(files: &Files, locale: &Locale, period: Period) -> Place {
    let mut place = match (files.community("periodic-notes"), by_periodic(&files.periodic, files, period)) {
        (Switch::Off, _) | (_, Ok(None)) => without_periodic(files, period),
        (Switch::On, Ok(Some(pattern))) => Place { pattern, is_periodic: true, doubt: None },
        (_, Err(doubt)) => Place { doubt: Some(doubt), ..without_periodic(files, period) },
        (Switch::Unknown, Ok(Some(pattern))) => {
            let other = without_periodic(files, period);
            if other.pattern == pattern && other.doubt.is_none() {
                other
            } else {
                Place::doubtful(pattern, Doubt::of_list("Periodic Notes"))
            }
        }
    };
    place.doubt = place.doubt.or_else(|| {
        let needs = needs(&place.pattern.format);
        let file = match period {
            _ if place.is_periodic => PERIODIC,
            Period::Weekly => CALENDAR,
            _ => DAILY,
        };
        let is_timed = needs.time.then(|| {
            Doubt::new(
                file,
                "the format has a time of day, so that each moment's note is another one; remove it",
            )
        });
        is_timed.or_else(|| locale.doubt(needs))
    });
    place
}

/// Where they lie if the Periodic Notes plugin does not say it.
fn without_periodic(files: &Files, period: Period) -> Place {
    match period {
        Period::Daily => {
            let place = match pattern(&files.daily, DAILY, period, ["folder", "format", "template"]) {
                Ok(pattern) => Place::certain(pattern),
                Err(doubt) => Place::doubtful(Pattern::standard(period), doubt),
            };
            let off = match files.daily_notes() {
                Switch::On => return place,
                Switch::Off => {
                    "the core plugin Daily notes is switched off, and so are Periodic Notes' daily notes; \
                                switch one of them on in Obsidian"
                }
                Switch::Unknown => {
                    "it does not say whether the core plugin Daily notes is on; switch it off and on \
                                    in Obsidian"
                }
            };
            Place { doubt: Some(Doubt::new(CORE_PLUGINS, off)), ..place }
        }
        Period::Weekly if files.community("calendar") != Switch::Off => {
            let keys = ["weeklyNoteFolder", "weeklyNoteFormat", "weeklyNoteTemplate"];
            match pattern(&files.calendar, CALENDAR, period, keys) {
                Ok(pattern) => Place::certain(pattern),
                Err(doubt) => Place::doubtful(Pattern::standard(period), doubt),
            }
        }
        _ => Place::certain(Pattern::standard(period)),
    }
}

/// What the Periodic Notes plugin says of a kind of note; nothing where that is not enabled.
fn by_periodic(file: &Found, files: &Files, period: Period) -> Result<Option<Pattern>, Doubt> {
    let doubt = |reason: &str| Err(Doubt::new(PERIODIC, reason));
    let settings = match file {
        Found::Missing => return Ok(None),
        Found::Broken => {
            return doubt("what it says of the notes' folder is not known; have Obsidian write it anew");
        }
        Found::Json(settings) => settings,
    };
    let Some(settings) = settings.as_object() else {
        return doubt("it is no object of settings; have Obsidian write it anew");
    };
    let by_kind = match settings.get(period.word()) {
        Some(own) => Some(enabled(own, period, ["folder", "format", "template"])?),
        None => None,
    };
    let sets = match settings.get("calendarSets") {
        None | Some(Value::Null) => return Ok(by_kind.flatten()),
        Some(Value::Array(sets)) if sets.is_empty() => return Ok(by_kind.flatten()),
        Some(Value::Array(sets)) => sets,
        Some(_) => {
            return doubt("calendarSets is no list; choose the calendar set anew in the plugin's settings");
        }
    };
    let active = settings.get("activeCalendarSet").and_then(Value::as_str).unwrap_or("Default");
    let Some(set) = sets.iter().find(|set| set.get("id").and_then(Value::as_str) == Some(active)) else {
        return doubt(
            "it has no calendar set of the name that is active; choose one in the plugin's settings",
        );
    };
    let by_set = match set.get(in_sets(period)) {
        Some(own) => enabled(own, period, ["folder", "format", "templatePath"])?,
        None => None,
    };
    // Both forms, as after a change between the plugin's versions: the one that is installed reads its own.
    let Some(by_kind) = by_kind.filter(|by_kind| *by_kind != by_set) else { return Ok(by_set) };
    let version = files.periodic_manifest.json().and_then(|manifest| manifest.get("version")?.as_str());
    match version.and_then(|version| version.split('.').next()?.parse::<u32>().ok()) {
        Some(0) => Ok(by_kind),
        Some(_) => Ok(by_set),
        None => doubt(
            "it has settings of two versions of the plugin, and its manifest.json does not say which is installed; reinstall it",
        ),
    }
}

/// What the plugin's beta calls a kind of note.
fn in_sets(period: Period) -> &'static str {
    match period {
        Period::Daily => "day",
        Period::Weekly => "week",
        Period::Monthly => "month",
        Period::Quarterly => "quarter",
        Period::Yearly => "year",
    }
}

fn enabled(own: &Value, period: Period, keys: [&str; 3]) -> Result<Option<Pattern>, Doubt> {
    match own.get("enabled") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => of_json(own, PERIODIC, period, keys).map(Some),
        Some(_) => {
            Err(Doubt::new(PERIODIC, "enabled is neither true nor false; switch the kind of note off and on"))
        }
    }
}

/// A pattern from a file; the standard one where there is no file.
fn pattern(file: &Found, name: &'static str, period: Period, keys: [&str; 3]) -> Result<Pattern, Doubt> {
    match file {
        Found::Missing => Ok(Pattern::standard(period)),
        Found::Json(json) if json.is_object() => of_json(json, name, period, keys),
        Found::Broken | Found::Json(_) => Err(Doubt::new(
            name,
            "what it says of the notes' folder is not known; have Obsidian write it anew",
        )),
    }
}

fn of_json(json: &Value, name: &'static str, period: Period, keys: [&str; 3]) -> Result<Pattern, Doubt> {
    let text = |key: &str| match json.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(Doubt::new(name, format!("{key} is no text; enter it anew in Obsidian"))),
    };
    let [folder, format, template] = [text(keys[0])?, text(keys[1])?, text(keys[2])?];
    let standard = Pattern::standard(period);
    Ok(Pattern {
        folder: folder.trim().trim_matches('/').to_owned(),
        format: if format.trim().is_empty() { standard.format } else { format.to_owned() },
        template: Some(template.trim()).filter(|template| !template.is_empty()).map(str::to_owned),
    })
}
