//! Settings of vaults as plugins leave them behind, and what they mean.

use serde_json::json;

use super::found::{COMMUNITY_PLUGINS, Found, TASKS};
use super::*;
use crate::domain::vault::Note;

/// The files by their names in `.obsidian`; `"broken"` is a file that cannot be read.
fn files(of: &Value) -> Files {
    let mut files = Files::default();
    for (name, found) in files.named() {
        *found = match of.get(name) {
            None => Found::Missing,
            Some(text) if text == "broken" => Found::Broken,
            Some(json) => Found::Json(json.clone()),
        };
    }
    let known: Vec<&str> = Files::default().named().iter().map(|(name, _)| *name).collect();
    let unknown = of.as_object().unwrap().keys().find(|name| !known.contains(&name.as_str()));
    assert_eq!(unknown, None);
    files
}

/// Where the note of a kind lies on Wednesday, 4 November 2026; with `?` and the file in doubt where that is not certain.
fn shown(of: &Value, period: Period) -> String {
    let (settings, _) = VaultSettings::of(&files(of));
    let path = settings.path(period, jiff::civil::date(2026, 11, 4), Weeks::Sunday).unwrap_or_default();
    match settings.place(period).doubt {
        Some(doubt) => format!("{path} ? {}", doubt.file),
        None => path,
    }
}

const ON: &str = "periodic-notes";

#[test]
fn daily_notes_lie_where_the_plugin_that_is_on_says() {
    let core = json!({"folder": "Core", "format": "YYYY-MM-DD"});
    let periodic = json!({"daily": {"enabled": true, "folder": "Periodic", "format": "", "template": ""}});
    let sets = |active: &str| {
        json!({"activeCalendarSet": active, "calendarSets": [
            {"id": "Work", "day": {"enabled": true, "folder": "Work", "format": "YYYY-MM-DD"}},
            {"id": "Default", "day": {"enabled": true, "folder": " Sets/ ", "format": "YYYY/MM/DD"}},
            {"id": "Off", "day": {"enabled": false, "folder": "Off"}},
        ]})
    };
    let both = json!({"daily": periodic["daily"], "calendarSets": sets("")["calendarSets"]});
    let cases = [
        // Nothing is there.
        (json!({}), "2026-11-04.md"),
        // The core plugin alone.
        (json!({"daily-notes.json": core}), "Core/2026-11-04.md"),
        (json!({"daily-notes.json": core, "community-plugins.json": []}), "Core/2026-11-04.md"),
        // The plugin is on, and its daily notes are.
        (
            json!({"daily-notes.json": core, "community-plugins.json": [ON], "plugins/periodic-notes/data.json": periodic}),
            "Periodic/2026-11-04.md",
        ),
        // It is on, and its daily notes are not; or it was never set up.
        (
            json!({"daily-notes.json": core, "community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": {"daily": {"enabled": false, "folder": "Periodic"}}}),
            "Core/2026-11-04.md",
        ),
        (
            json!({"daily-notes.json": core, "community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": {"weekly": {"enabled": true}}}),
            "Core/2026-11-04.md",
        ),
        (json!({"daily-notes.json": core, "community-plugins.json": [ON]}), "Core/2026-11-04.md"),
        // It is off, and its settings are left.
        (
            json!({"daily-notes.json": core, "community-plugins.json": ["calendar"],
                "plugins/periodic-notes/data.json": periodic}),
            "Core/2026-11-04.md",
        ),
        (
            json!({"daily-notes.json": core, "community-plugins.json": [],
                "plugins/periodic-notes/data.json": sets("Default")}),
            "Core/2026-11-04.md",
        ),
        (
            json!({"daily-notes.json": core, "community-plugins.json": [],
                "plugins/periodic-notes/data.json": "broken"}),
            "Core/2026-11-04.md",
        ),
        // The beta's calendar sets.
        (
            json!({"community-plugins.json": [ON], "plugins/periodic-notes/data.json": sets("Default")}),
            "Sets/2026/11/04.md",
        ),
        (
            json!({"community-plugins.json": [ON], "plugins/periodic-notes/data.json": sets("Work")}),
            "Work/2026-11-04.md",
        ),
        (
            json!({"daily-notes.json": core, "community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": sets("Off")}),
            "Core/2026-11-04.md",
        ),
        (
            json!({"daily-notes.json": core, "community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": sets("Lost")}),
            "Core/2026-11-04.md ? plugins/periodic-notes/data.json",
        ),
        (
            json!({"community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": {"calendarSets": {"id": "Default"}}}),
            "2026-11-04.md ? plugins/periodic-notes/data.json",
        ),
        (
            json!({"community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": {"calendarSets": [], "daily": periodic["daily"]}}),
            "Periodic/2026-11-04.md",
        ),
        // The settings of both versions: the one that is installed counts.
        (
            json!({"community-plugins.json": [ON], "plugins/periodic-notes/data.json": both}),
            "2026-11-04.md ? plugins/periodic-notes/data.json",
        ),
        (
            json!({"community-plugins.json": [ON], "plugins/periodic-notes/data.json": both,
                "plugins/periodic-notes/manifest.json": {"version": "0.0.17"}}),
            "Periodic/2026-11-04.md",
        ),
        (
            json!({"community-plugins.json": [ON], "plugins/periodic-notes/data.json": both,
                "plugins/periodic-notes/manifest.json": {"version": "1.0.0-beta.3"}}),
            "Sets/2026/11/04.md",
        ),
        // Which plugins are on is not known: certain only where it makes no difference.
        (
            json!({"daily-notes.json": core, "plugins/periodic-notes/data.json": periodic}),
            "Periodic/2026-11-04.md ? community-plugins.json",
        ),
        (
            json!({"daily-notes.json": core, "plugins/periodic-notes/data.json": periodic,
                "community-plugins.json": "broken"}),
            "Periodic/2026-11-04.md ? community-plugins.json",
        ),
        (
            json!({"daily-notes.json": core, "plugins/periodic-notes/data.json": periodic,
                "community-plugins.json": {"periodic-notes": true}}),
            "Periodic/2026-11-04.md ? community-plugins.json",
        ),
        (
            json!({"daily-notes.json": {"folder": "Periodic"}, "plugins/periodic-notes/data.json": periodic}),
            "Periodic/2026-11-04.md",
        ),
        (
            json!({"daily-notes.json": core, "plugins/periodic-notes/data.json": {"daily": {"enabled": false}}}),
            "Core/2026-11-04.md",
        ),
        // The core plugin is off, and nothing else makes daily notes.
        (
            json!({"daily-notes.json": core, "core-plugins.json": {"daily-notes": false}}),
            "Core/2026-11-04.md ? core-plugins.json",
        ),
        (
            json!({"daily-notes.json": core, "core-plugins.json": ["file-explorer"]}),
            "Core/2026-11-04.md ? core-plugins.json",
        ),
        (
            json!({"daily-notes.json": core, "core-plugins.json": {"daily-notes": "yes"}}),
            "Core/2026-11-04.md ? core-plugins.json",
        ),
        (
            json!({"daily-notes.json": core, "core-plugins.json": "broken"}),
            "Core/2026-11-04.md ? core-plugins.json",
        ),
        (json!({"daily-notes.json": core, "core-plugins.json": {"graph": true}}), "Core/2026-11-04.md"),
        (json!({"daily-notes.json": core, "core-plugins.json": ["daily-notes"]}), "Core/2026-11-04.md"),
        (
            json!({"core-plugins.json": {"daily-notes": false}, "community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": periodic}),
            "Periodic/2026-11-04.md",
        ),
        // Settings that cannot be read, or are of no form that Obsidian writes.
        (json!({"daily-notes.json": "broken"}), "2026-11-04.md ? daily-notes.json"),
        (json!({"daily-notes.json": []}), "2026-11-04.md ? daily-notes.json"),
        (json!({"daily-notes.json": {"folder": 7}}), "2026-11-04.md ? daily-notes.json"),
        (json!({"daily-notes.json": {"format": ["YYYY"]}}), "2026-11-04.md ? daily-notes.json"),
        (
            json!({"daily-notes.json": core, "community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": "broken"}),
            "Core/2026-11-04.md ? plugins/periodic-notes/data.json",
        ),
        (
            json!({"community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": {"daily": {"enabled": "true", "folder": "Periodic"}}}),
            "2026-11-04.md ? plugins/periodic-notes/data.json",
        ),
        (
            json!({"community-plugins.json": [ON],
                "plugins/periodic-notes/data.json": {"daily": {"enabled": true, "format": 7}}}),
            "2026-11-04.md ? plugins/periodic-notes/data.json",
        ),
        // A format that names another note a minute later.
        (json!({"daily-notes.json": {"format": "YYYY-MM-DD HHmm"}}), "2026-11-04 0000.md ? daily-notes.json"),
        (json!({"daily-notes.json": {"format": "YYYY-MM-DD [HHmm]"}}), "2026-11-04 HHmm.md"),
    ];
    for (of, expected) in cases {
        assert_eq!(shown(&of, Period::Daily), expected, "{of}");
    }
}

#[test]
fn weeks_and_languages_are_those_that_the_calendar_plugin_sets() {
    let calendar = |settings: Value, format: &str| {
        json!({"community-plugins.json": ["calendar"], "plugins/calendar/data.json": settings,
               "daily-notes.json": {"format": format}})
    };
    let weekly = |settings: Value| shown(&calendar(settings, ""), Period::Weekly);
    assert_eq!(weekly(json!({})), "2026-W45.md");
    let week = json!({"weeklyNoteFolder": "Weeks", "weeklyNoteFormat": "[Week of] YYYY-MM-DD"});
    let with = |key: &str, value: &str| {
        let mut settings = week.clone();
        settings[key] = json!(value);
        settings
    };
    assert_eq!(weekly(week.clone()), "Weeks/Week of 2026-11-01.md");
    assert_eq!(weekly(with("weekStart", "locale")), "Weeks/Week of 2026-11-01.md");
    assert_eq!(weekly(with("weekStart", "monday")), "Weeks/Week of 2026-11-02.md");
    assert_eq!(weekly(with("weekStart", "saturday")), "Weeks/Week of 2026-10-31.md");
    assert_eq!(weekly(with("localeOverride", "en-gb")), "Weeks/Week of 2026-11-02.md");
    assert_eq!(weekly(with("localeOverride", "en-US")), "Weeks/Week of 2026-11-01.md");
    assert_eq!(weekly(with("localeOverride", "de")), "Weeks/Week of 2026-11-02.md");
    // Periodic Notes' own weekly notes come first; the week's first day is still the calendar's.
    let mut both = calendar(with("weekStart", "monday"), "");
    both["community-plugins.json"] = json!(["calendar", ON]);
    both["plugins/periodic-notes/data.json"] = json!({"weekly": {"enabled": true, "format": "YYYY-MM-DD"}});
    assert_eq!(shown(&both, Period::Weekly), "2026-11-02.md");
    both["community-plugins.json"] = json!([ON]);
    assert_eq!(shown(&both, Period::Weekly), "2026-11-01.md");
    // The beta has its week in app.json.
    let beta = json!({"community-plugins.json": [ON], "app.json": {"weekStart": "monday"},
        "plugins/periodic-notes/data.json": {"calendarSets": [{"id": "Default", "week": {"enabled": true, "format": "YYYY-MM-DD"}}]}});
    assert_eq!(shown(&beta, Period::Weekly), "2026-11-02.md");
    // Where a name depends on what is not known here, it is not certain.
    let daily = |settings: Value, format: &str| shown(&calendar(settings, format), Period::Daily);
    let cases = [
        (json!({"localeOverride": "de"}), "YYYY-MM-DD", "2026-11-04.md"),
        (
            json!({"localeOverride": "de"}),
            "YYYY-MM-DD dddd",
            "2026-11-04 Wednesday.md ? plugins/calendar/data.json",
        ),
        (json!({"localeOverride": "de"}), "gggg-[W]ww", "2026-W45.md"),
        (json!({"localeOverride": "en-gb"}), "YYYY MMMM Do", "2026 November 4th.md"),
        (json!({"localeOverride": "ar"}), "YYYY-MM-DD", "2026-11-04.md ? plugins/calendar/data.json"),
        (json!({"localeOverride": "fa"}), "YYYY-MM-DD", "2026-11-04.md ? plugins/calendar/data.json"),
        (json!({"localeOverride": 7}), "YYYY-MM-DD", "2026-11-04.md"),
        (json!({"localeOverride": 7}), "MMMM", "November.md ? plugins/calendar/data.json"),
        (json!({"weekStart": "someday"}), "YYYY-MM-DD", "2026-11-04.md"),
        (json!({"weekStart": "someday"}), "gggg-ww", "2026-45.md ? plugins/calendar/data.json"),
    ];
    for (settings, format, expected) in cases {
        assert_eq!(daily(settings.clone(), format), expected, "{settings} {format}");
    }
    let usual = VaultSettings::of(&files(&json!({}))).0;
    assert_eq!((usual.weeks(Weeks::Iso), usual.weeks(Weeks::Sunday)), (Weeks::Iso, Weeks::Sunday));
}

/// `symbol state` of each task of a note, by the Tasks plugin's settings.
fn tasks(of: &Value, text: &str) -> String {
    let (settings, _) = VaultSettings::of(&files(of));
    let note = Note::parse_by(text, settings.rules());
    let states = note.tasks.iter().filter_map(|task| Some((task.symbol, settings.state_of(task)?)));
    states.map(|(symbol, state)| format!("{symbol}={}", state.word())).collect::<Vec<_>>().join(" ")
}

fn plugin(settings: &Value) -> Value {
    json!({"community-plugins.json": ["obsidian-tasks-plugin"], TASKS: settings})
}

#[test]
fn statuses_are_the_plugin_s_where_it_is_on() {
    let boxes = "- [ ] a\n- [x] a\n- [X] a\n- [/] a\n- [-] a\n- [h] a\n- [!] a\n- [Q] a";
    let status = |symbol: &str, of: &str| json!({"symbol": symbol, "name": "n", "type": of});
    let own = |core: Value, custom: Value| {
        plugin(&json!({"statusSettings": {"coreStatuses": core, "customStatuses": custom}}))
    };
    let cases = [
        // The plugin is off, or not there.
        (json!({}), " =todo x=done X=done /=in-progress -=cancelled h=on-hold !=todo Q=todo"),
        (
            json!({"community-plugins.json": [], TASKS: {"globalFilter": "#task"}}),
            " =todo x=done X=done /=in-progress -=cancelled h=on-hold !=todo Q=todo",
        ),
        // It has statuses of its own before anybody changes them; any other box is to do.
        (plugin(&json!({})), " =todo x=done X=todo /=in-progress -=cancelled h=todo !=todo Q=todo"),
        // Of two with one symbol the first counts, and core before custom.
        (
            own(
                json!([status(" ", "TODO"), status("x", "DONE")]),
                json!([
                    status("!", "IN_PROGRESS"),
                    status("!", "DONE"),
                    status("x", "CANCELLED"),
                    status("Q", "NON_TASK")
                ]),
            ),
            " =todo x=done X=todo /=todo -=todo h=todo !=in-progress",
        ),
        (
            own(
                json!([status("!", "ON_HOLD")]),
                json!([status("!", "DONE"), status("/", "DONE"), status("/", "TODO")]),
            ),
            " =todo x=todo X=todo /=done -=todo h=todo !=on-hold Q=todo",
        ),
        // A type that the plugin does not know is to do; a symbol of two letters is in no box.
        (
            own(
                json!([]),
                json!([status("x", "FINISHED"), status("h!", "DONE"), status("", "DONE"), {"type": "DONE"}]),
            ),
            " =done x=todo X=todo /=todo -=todo h=todo !=todo Q=todo",
        ),
    ];
    for (of, expected) in cases {
        assert_eq!(tasks(&of, boxes), expected, "{of}");
    }
}

#[test]
fn what_the_tasks_plugin_says_counts_only_while_it_is_on_and_is_understood() {
    let text = "- [ ] a #task\n- [x] b\n- [-] c #tasks/sub";
    let filter = json!({"globalFilter": "#task"});
    assert_eq!(tasks(&plugin(&filter), text), " =todo -=cancelled");
    assert_eq!(
        tasks(&json!({"community-plugins.json": ["calendar"], TASKS: filter}), text),
        " =todo x=done -=cancelled"
    );
    // The list is missing: its settings are taken as in force, and that is said.
    let unknown = json!({TASKS: filter});
    assert_eq!(tasks(&unknown, text), " =todo -=cancelled");
    let doubts = |of: &Value| -> Vec<(&'static str, String)> {
        VaultSettings::of(&files(of)).1.into_iter().map(|doubt| (doubt.file, doubt.reason)).collect()
    };
    let said = doubts(&unknown);
    assert!(said.len() == 1 && said[0].0 == COMMUNITY_PLUGINS && said[0].1.contains("Tasks"), "{said:?}");
    assert_eq!(doubts(&plugin(&filter)), []);
    for (settings, word) in [
        (json!({"globalFilter": 7}), "globalFilter"),
        (json!({"taskFormat": "org"}), "taskFormat"),
        (json!({"taskFormat": 7}), "taskFormat"),
        (json!({"useFilenameAsScheduledDate": true, "filenameAsScheduledDateFormat": "Do"}), "filenameAs"),
    ] {
        let said = doubts(&plugin(&settings));
        assert!(said.len() == 1 && said[0].0 == TASKS && said[0].1.contains(word), "{settings}: {said:?}");
        assert_eq!(tasks(&plugin(&settings), text), " =todo x=done -=cancelled", "{settings}");
    }
}

#[test]
fn a_day_in_a_note_s_name_schedules_its_tasks_where_the_plugin_does_so() {
    // obsidian-tasks, `src/DateTime/DateFallback.ts`.
    let on = |folders: Value| {
        plugin(&json!({"useFilenameAsScheduledDate": true, "filenameAsDateFolders": folders}))
    };
    let cases = [
        (plugin(&json!({})), "2026-11-04.md", "- [ ] a", None),
        (on(json!([])), "2026-11-04.md", "- [ ] a", Some("2026-11-04")),
        (on(json!([])), "a/rd. 2026-11-04 x.md", "- [ ] a", Some("2026-11-04")),
        (on(json!([])), "20261104 x.md", "- [ ] a", Some("2026-11-04")),
        (on(json!([])), "20261105 2026-11-04.md", "- [ ] a", Some("2026-11-04")),
        (on(json!([])), "2026-11-04/x.md", "- [ ] a", None),
        (on(json!([])), "2026-02-30 20261104.md", "- [ ] a", None),
        (on(json!([])), "2026-11-04.md", "- [ ] a ⏳ 2026-01-01", Some("2026-01-01")),
        (on(json!([])), "2026-11-04.md", "- [ ] a 📅 2026-01-01", None),
        (on(json!([])), "2026-11-04.md", "- [ ] a 🛫 2026-01-01", None),
        (on(json!([])), "2026-11-04.md", "- [ ] a ➕ 2026-01-01", Some("2026-11-04")),
        (on(json!(["daily"])), "daily/deep/2026-11-04.md", "- [ ] a", Some("2026-11-04")),
        (on(json!(["daily"])), "dailys/2026-11-04.md", "- [ ] a", None),
        (on(json!(["x", "daily"])), "daily/2026-11-04.md", "- [ ] a", Some("2026-11-04")),
    ];
    for (of, path, line, expected) in cases {
        let (settings, _) = VaultSettings::of(&files(&of));
        let note = Note::parse_by(line, settings.rules());
        let day = settings.scheduled(path, &note.tasks[0]).map(|day| day.to_string());
        assert_eq!(day.as_deref(), expected, "{of} {path} {line}");
    }
}
