//! The vault as its plugins see it: tasks, the places of periodic notes, which plugins are on, and the undo; by the real
//! program on real files.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::plugins::{DAYS, NOTES, SETTINGS};
use crate::support::program::{Home, Running};

fn vault(home: &Home) -> PathBuf {
    let vault = home.dir.path().join("Notes");
    std::fs::create_dir_all(vault.join(".obsidian")).unwrap();
    let config = home.dir.path().join(".config/mecris/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(config, format!("[vault]\npath = {:?}\npoll_seconds = 1\n", vault.display())).unwrap();
    vault
}

fn write(vault: &Path, note: &str, text: impl AsRef<[u8]>) {
    let path = vault.join(note);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn set(vault: &Path, name: &str, settings: &Value) {
    write(vault, &format!(".obsidian/{name}"), settings.to_string());
}

/// Everything below a folder but what Mecris keeps for itself: links by their targets, files by their bytes.
fn everything(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut waiting) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            if kind.is_dir() {
                found.insert(path.clone(), Vec::new());
                waiting.push(path);
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).unwrap();
                found.insert(path, target.into_os_string().into_encoded_bytes());
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn ready(running: &Running) {
    for _ in 0..2_400 {
        if running.get("/api/v1/vault").status == 200 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("the vault was not read");
}

/// A task as the tables write it.
fn row(task: &Value) -> String {
    let word = |key: &str| task[key].as_str().unwrap_or_default().to_owned();
    let mut said = format!("{} {} {}", task["line"], word("state"), word("text"));
    for (key, sign) in [
        ("due", "due"),
        ("scheduled", "scheduled"),
        ("start", "start"),
        ("created", "created"),
        ("done", "done"),
        ("cancelled", "cancelled"),
        ("recurrence", "repeat"),
        ("id", "id"),
    ] {
        if let Some(value) = task[key].as_str() {
            said += &format!(" | {sign} {value}");
        }
    }
    if task["priority"] != "none" {
        said += &format!(" | {}", word("priority"));
    }
    let after: Vec<&str> =
        task["depends_on"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    if !after.is_empty() {
        said += &format!(" | after {}", after.join("+"));
    }
    if task["is_blocked"] == true {
        said += " | blocked";
    }
    said
}

/// Sixty notes, written by hand against the plugins' sources, with what each of them is.
#[test]
fn sixty_notes_are_what_the_plugins_see() {
    let home = Home::new();
    let vault = vault(&home);
    for (name, text) in SETTINGS {
        write(&vault, &format!(".obsidian/{name}"), text);
    }
    for note in NOTES {
        write(&vault, note.path, note.text);
    }
    write(home.dir.path(), "outside/note.md", "- [ ] #task outside\n");
    symlink("../outside/note.md", vault.join("link out.md")).unwrap();
    symlink("../outside", vault.join("folder out")).unwrap();
    let (before, outside) = (everything(&vault), everything(&home.dir.path().join("outside")));

    let shown = home.json(&["tasks", "--all"]);
    let mut found: BTreeMap<&str, Vec<(u64, String)>> = BTreeMap::new();
    for task in shown["tasks"].as_array().unwrap() {
        let rows = found.entry(task["note"].as_str().unwrap()).or_default();
        rows.push((task["line"].as_u64().unwrap(), row(task)));
    }
    for note in NOTES {
        let mut rows = found.remove(note.path).unwrap_or_default();
        rows.sort();
        let rows: Vec<&str> = rows.iter().map(|(_, row)| row.as_str()).collect();
        assert_eq!(rows, note.tasks, "{}", note.path);
    }
    assert_eq!(found, BTreeMap::new(), "no other note has tasks");
    let counted = home.json(&["vault"]);
    assert_eq!((&counted["notes"], NOTES.len()), (&json!(60), 60), "{counted}");
    assert_eq!((&counted["links_left_out"], &counted["problem_count"]), (&json!(2), &json!(2)), "{counted}");

    // Each day's note of each kind, across months' and years' ends.
    let running = home.start(&[]);
    ready(&running);
    for (period, day, path) in DAYS {
        let shown = running.get(&format!("/api/v1/daily?date={day}&period={period}")).json();
        assert_eq!(shown["note"], *path, "{period} {day}");
        assert_eq!(shown["doubt"], Value::Null, "{shown}");
        let is_there = NOTES.iter().any(|note| note.path == *path);
        assert_eq!(shown["exists"], is_there, "{period} {day}");
        let rows: Vec<String> = shown["tasks"].as_array().unwrap().iter().map(row).collect();
        let meant = NOTES.iter().find(|note| note.path == *path).map_or(&[][..], |note| note.tasks);
        // Whether a task waits for another is known of all tasks together only.
        let meant: Vec<String> = meant.iter().map(|row| row.replace(" | blocked", "")).collect();
        assert_eq!(rows, meant, "{path}");
    }
    assert_eq!(everything(&vault), before, "reading writes nothing");

    // One line, in the last minutes of a year, and nothing else; and it is taken back.
    let logged = home.json(&["log-session", "closed the year", "--at", "2026-12-31T23:30:00Z"]);
    let path = DAYS.iter().find(|(period, day, _)| (*period, *day) == ("daily", "2026-12-31")).unwrap().2;
    assert_eq!(logged["note"], path);
    let mut after = everything(&vault);
    let note = after.insert(vault.join(path), before[&vault.join(path)].clone()).unwrap();
    assert_eq!(after, before, "no other file is written");
    assert!(String::from_utf8(note).unwrap().contains("\r\n- 23:30 closed the year\r\n"));
    let taken = home.json(&["vault", "undo"]);
    assert_eq!(taken, json!({"note": path, "removed": false, "changed": true}));
    assert_eq!(everything(&vault), before, "to the byte");
    assert_eq!(everything(&home.dir.path().join("outside")), outside, "nothing outside is written");
}

/// The note that a line is written to, or what the command says instead. Nothing may be written then.
fn written(home: &Home, vault: &Path) -> String {
    let before = everything(vault);
    let said = home.run(&["log-session", "a line", "--at", "2026-11-04T09:05:00Z", "--json"]);
    if said.code == 0 {
        let logged: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(logged["added"], true);
        return logged["note"].as_str().unwrap().to_owned();
    }
    assert_eq!(everything(vault), before, "{said:?}");
    format!("{}: {}", said.code, said.err)
}

#[test]
fn a_line_is_written_only_where_it_is_certain_that_the_note_lies() {
    let periodic = json!({"daily": {"enabled": true, "folder": "Periodic", "format": "", "template": ""}});
    let sets = json!({"activeCalendarSet": "Home", "calendarSets": [
        {"id": "Work", "day": {"enabled": true, "folder": "Work"}},
        {"id": "Home", "day": {"enabled": true, "folder": "Home", "format": "YYYY/YYYY-MM-DD", "templatePath": ""}},
    ]});
    let data = "plugins/periodic-notes/data.json";
    let core = ("daily-notes.json", json!({"folder": "Core"}));
    let list = |ids: &[&str]| ("community-plugins.json", json!(ids));
    /// A name, the files of settings, and the note or what is said instead.
    type Case<'a> = (&'a str, Vec<(&'a str, Value)>, &'a str);
    let cases: [Case<'_>; 10] = [
        (
            "off, and left",
            vec![core.clone(), list(&["calendar"]), (data, periodic.clone())],
            "Core/2026-11-04.md",
        ),
        (
            "on",
            vec![core.clone(), list(&["periodic-notes"]), (data, periodic.clone())],
            "Periodic/2026-11-04.md",
        ),
        (
            "the beta",
            vec![core.clone(), list(&["periodic-notes"]), (data, sets.clone())],
            "Home/2026/2026-11-04.md",
        ),
        ("the beta, off", vec![core.clone(), list(&[]), (data, sets)], "Core/2026-11-04.md"),
        ("no list", vec![core.clone(), (data, periodic.clone())], "1: .obsidian/community-plugins.json"),
        (
            "no set",
            vec![list(&["periodic-notes"]), (data, json!({"calendarSets": [{"id": "A"}]}))],
            "1: .obsidian/plugins/periodic-notes/data.json",
        ),
        ("no text", vec![("daily-notes.json", json!({"folder": 7}))], "1: .obsidian/daily-notes.json"),
        (
            "core off",
            vec![core.clone(), ("core-plugins.json", json!({"daily-notes": false}))],
            "1: .obsidian/core-plugins.json",
        ),
        (
            "a time",
            vec![("daily-notes.json", json!({"format": "YYYY-MM-DD HHmm"}))],
            "1: .obsidian/daily-notes.json",
        ),
        (
            "hidden",
            vec![("daily-notes.json", json!({"folder": ".obsidian/plugins"}))],
            "1: make no path inside of the vault",
        ),
    ];
    for (name, settings, expected) in cases {
        let home = Home::new();
        let vault = vault(&home);
        write(&vault, "a.md", "a\n");
        for (file, settings) in &settings {
            set(&vault, file, settings);
        }
        let said = written(&home, &vault);
        match expected.split_once(": ") {
            None => assert_eq!(said, expected, "{name}"),
            Some((code, words)) => {
                assert!(said.starts_with(code) && said.contains(words), "{name}: {said}");
            }
        }
    }
    // What is no JSON says nothing of where notes lie; once it is mended, the running supervisor follows at once.
    let home = Home::new();
    let vault = vault(&home);
    write(&vault, "a.md", "a\n");
    write(&vault, ".obsidian/daily-notes.json", "{\"folder\": \"Co");
    let running = home.start(&[]);
    ready(&running);
    let said = written(&home, &vault);
    assert!(
        said.contains(".obsidian/daily-notes.json") && said.contains("have Obsidian write it anew"),
        "{said}"
    );
    let shown = running.get("/api/v1/daily").json();
    assert!(shown["doubt"].as_str().unwrap().starts_with(".obsidian/daily-notes.json: "), "{shown}");
    set(&vault, "daily-notes.json", &json!({"folder": "Core"}));
    assert_eq!(written(&home, &vault), "Core/2026-11-04.md");
    assert_eq!(running.get("/api/v1/daily").json()["doubt"], Value::Null);
}

#[test]
fn templates_are_found_and_filled_as_the_plugin_that_makes_the_note_does() {
    let home = Home::new();
    let vault = vault(&home);
    write(&vault, "Deep/Templates/Day.md", "{{title}}|{{date}}|{{tomorrow}}|{{date+1d:D}}\n");
    set(&vault, "daily-notes.json", &json!({"folder": "Core", "format": "YYYY/DD-MM", "template": "day"}));
    let periodic = json!({"daily": {"enabled": true, "folder": "P", "format": "YYYY/DD-MM", "template": "Templates/Day"}});
    set(&vault, "plugins/periodic-notes/data.json", &periodic);
    let text = |note: &str| std::fs::read_to_string(vault.join(note)).unwrap();
    set(&vault, "community-plugins.json", &json!([]));
    assert_eq!(written(&home, &vault), "Core/2026/04-11.md");
    assert!(text("Core/2026/04-11.md").starts_with("04-11|2026-11-04|{{tomorrow}}|{{date+1d:D}}\n"));
    set(&vault, "community-plugins.json", &json!(["periodic-notes"]));
    assert_eq!(written(&home, &vault), "P/2026/04-11.md");
    assert!(text("P/2026/04-11.md").starts_with("2026/04-11|2026/04-11|2026/05-11|5\n"));
    // A template that is there and cannot be read: the note is not made without it.
    std::fs::remove_file(vault.join("P/2026/04-11.md")).unwrap();
    std::fs::create_dir_all(vault.join("Templates/Day.md")).unwrap();
    let said = written(&home, &vault);
    assert!(said.starts_with("1: ") && said.contains("Templates/Day.md"), "{said}");
    std::fs::remove_dir(vault.join("Templates/Day.md")).unwrap();
    // Two notes of the template's name: it is not guessed which is meant.
    write(&vault, "Other/Templates/Day.md", "other\n");
    let said = written(&home, &vault);
    assert!(said.contains("several notes have the name of the daily notes' template"), "{said}");
}

fn events(running: &Running, name: &str) -> Vec<Value> {
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap().iter();
    events.filter(|event| event["type"] == name).map(|event| event["data"].clone()).collect()
}

#[test]
fn the_last_write_is_taken_back_and_that_is_recorded() {
    let home = Home::new();
    let vault = vault(&home);
    let at = ["--at", "2026-11-04T09:05:00Z"];
    let log = |text: &str| home.json(&["log-session", text, at[0], at[1]]);
    let nothing = home.run(&["vault", "undo"]);
    assert!(nothing.code == 1 && nothing.err.contains("nothing was written to the vault"), "{nothing:?}");
    set(&vault, "daily-notes.json", &json!({"folder": "Days/of", "format": "YYYY/YYYY-MM-DD"}));
    // The folder is one that the vault ignores, so that its notes are not read.
    set(&vault, "app.json", &json!({"userIgnoreFilters": ["Days/"]}));
    write(&vault, "Days/mine.md", "mine");
    let empty = everything(&vault);
    let note = "Days/of/2026/2026-11-04.md";
    log("one");
    let one = everything(&vault);
    log("two");
    assert_eq!(log("two")["added"], false, "the same again is no write");
    // In turn, over a start of the program, and with the folders that were made.
    let running = home.start(&[]);
    ready(&running);
    let undo = |running: &Running| {
        let bearer = format!("Bearer {}", running.token);
        running.send("POST", "/api/v1/vault/undo", &[("authorization", &bearer)], None)
    };
    let taken = undo(&running);
    assert_eq!((taken.status, taken.json()), (200, json!({"note": note, "removed": false, "changed": true})));
    assert_eq!(everything(&vault), one);
    let said = home.run(&["vault", "undo"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "Removed Days/of/2026/2026-11-04.md, which the last write had made\n")
    );
    assert_eq!(everything(&vault), empty);
    let refused = undo(&running);
    assert_eq!(refused.status, 409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("all of it was taken back"), "{refused:?}");
    // The same line again is another write, and is taken back too.
    assert_eq!(log("one")["added"], true);
    assert_eq!(everything(&vault), one);
    assert_eq!(home.json(&["vault", "undo"])["removed"], true);
    assert_eq!(everything(&vault), empty);
    let (written, restored) = (events(&running, "note-written"), events(&running, "note-restored"));
    let numbers: Vec<u64> = restored.iter().map(|event| event["write"].as_u64().unwrap()).collect();
    assert_eq!((written.len(), numbers), (3, vec![2, 1, 3]));
    assert!(written.iter().all(|event| event["note"] == restored[0]["note"]));
    // No text and no path is in them.
    assert!(
        !crate::support::program::everything_below(&home.data())
            .windows(10)
            .any(|part| part == b"2026-11-04")
    );
}

#[test]
fn what_was_changed_since_is_not_taken_back_and_the_reason_is_told() {
    let home = Home::new();
    let vault = vault(&home);
    let log = |text: &str| home.json(&["log-session", text, "--at", "2026-11-04T09:05:00Z"]);
    let path = vault.join("2026-11-04.md");
    let refused = |words: &str| {
        let before = everything(home.dir.path().join("Notes").as_path());
        let said = home.run(&["vault", "undo"]);
        assert!(said.code == 1 && said.err.contains(words), "{said:?}");
        assert_eq!(everything(&vault), before);
    };
    // Line ends, a byte order mark and a missing last line end are given back.
    let bytes = "\u{feff}# Mecris\r\nx\r\n\r\n# B";
    std::fs::write(&path, bytes).unwrap();
    log("one");
    let with_line = std::fs::read(&path).unwrap();
    // Another line, another one's line end, or all of it.
    for other in
        [[with_line.as_slice(), b"\r\nmine"].concat(), bytes.replace('\r', "").into_bytes(), Vec::new()]
    {
        std::fs::write(&path, &other).unwrap();
        refused("2026-11-04.md was changed since the line was written, and stays as it is");
    }
    // Renamed, removed, or a link out of the vault by now.
    std::fs::rename(&path, vault.join("renamed.md")).unwrap();
    refused("2026-11-04.md is not there any more");
    std::fs::write(home.dir.path().join("victim"), &with_line).unwrap();
    symlink("../victim", &path).unwrap();
    refused("2026-11-04.md leads out of the vault");
    assert_eq!(std::fs::read(home.dir.path().join("victim")).unwrap(), with_line);
    // As it was: now it can be.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &with_line).unwrap();
    assert_eq!(home.json(&["vault", "undo"])["changed"], true);
    assert_eq!(std::fs::read(&path).unwrap(), bytes.as_bytes());
    // Somebody took the line back already: that is recorded, and nothing is changed.
    log("two");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(
        home.json(&["vault", "undo"]),
        json!({"note": "2026-11-04.md", "removed": false, "changed": false})
    );
    assert_eq!(std::fs::read(&path).unwrap(), bytes.as_bytes());
    assert_eq!(home.run(&["vault", "undo"]).code, 1);
}
