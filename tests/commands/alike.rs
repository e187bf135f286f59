//! Each command, with a supervisor and without one: the same exit code, the same JSON, the same words. Two homes begin alike,
//! one has a supervisor, and both are told the same, command by command.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::rows::{ROWS, Row, Told, WITHOUT_PRICES};
use super::{row_of, runnable};
use crate::limits::until;
use crate::support::program::{Home, Running, Said};

/// A home in which there is one of each thing: calls of today and of earlier days, a budget that is spent, its alert, a balance,
/// an odometer, a token, a goal, a feed, a vault, a request for more.
fn begun() -> Home {
    let home = Home::new();
    let call = |number: u32, at: Timestamp| {
        let line = json!({
            "type": "assistant", "timestamp": at.to_string(), "sessionId": format!("s{number}"), "cwd": "/home/ada/engine",
            "requestId": format!("req_{number}"),
            "message": {
                "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
                "usage": {"input_tokens": 0, "output_tokens": 100_000},
            },
        });
        format!("{line}\n")
    };
    let earlier: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
    home.transcript("a.jsonl", call(1, earlier) + &call(2, Timestamp::now()));
    let vault = home.dir.path().join("vault");
    std::fs::create_dir_all(vault.join(".obsidian")).unwrap();
    std::fs::write(vault.join("chores.md"), "# Chores\n\n- [ ] milk 📅 2026-11-03\n- [x] bread\n").unwrap();
    configure(&home);
    for words in [
        "import",
        "budget set --amount 1 --daily-limit 1 --low 0.5",
        "budget virtual --daily 500",
        "balance set 100",
        "odometer record 3",
        "goal new letter --due 2999-01-01",
        "goal feed letter --from spend",
        "projects alias /home/ada/engine engine",
        "limit request 5 --reason more",
        "token new --name first",
        "consent grant +15558675310",
    ] {
        home.json(&words.split(' ').collect::<Vec<_>>());
    }
    let running = home.start(&[]);
    let is_told = |alerts: String| {
        ["\"budget-threshold\"", "\"limit-request\""].iter().all(|kind| alerts.contains(kind))
    };
    until("the alerts", || is_told(home.json(&["alerts"])["alerts"].to_string()));
    until("the vault", || home.run(&["vault"]).code == 0);
    assert_eq!(running.stop(), 0);
    home
}

fn configure(home: &Home) {
    let dir = home.dir.path().join(".config/mecris");
    std::fs::create_dir_all(&dir).unwrap();
    let prices = dir.join("prices.json");
    let tiers = json!([{"above_prompt_tokens": 0, "input": "1", "output": "2"}]);
    let models = json!({"models": {"own/model": {"tiers": tiers}}});
    std::fs::write(&prices, models.to_string()).unwrap();
    let text = format!("prices = {prices:?}\n[vault]\npath = {:?}\n", home.dir.path().join("vault"));
    std::fs::write(dir.join("config.toml"), text).unwrap();
}

/// Another home with the same in it.
fn copied(home: &Home) -> Home {
    let copy = Home::new();
    let from = home.dir.path().join(".");
    let done = std::process::Command::new("cp").arg("-a").arg(from).arg(copy.dir.path()).status().unwrap();
    assert!(done.success());
    configure(&copy);
    copy
}

/// One of the two homes.
struct Side {
    home: Home,
    running: Option<Running>,
}

impl Side {
    fn run(&self, row: &Row) -> Said {
        let mut words: Vec<String> = row.words.split(' ').map(|word| word.replace('_', " ")).collect();
        for word in &mut words {
            *word = word
                .replace("HOME", self.home.dir.path().to_str().unwrap())
                .replace("LONG", &"a".repeat(300));
        }
        words.push("--json".to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut child = self
            .home
            .command(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever does not read it may have ended.
        let _ = child.stdin.take().unwrap().write_all(row.input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// What a command said, without what two homes and two moments make different.
    fn plain(&self, row: &Row, said: &Said) -> Plain {
        let here = self.home.dir.path().to_str().unwrap();
        let text = |text: &str| {
            let mut text = text.replace(here, "HOME");
            for (moving, still) in MOVING {
                text = regex::Regex::new(moving).unwrap().replace_all(&text, *still).into_owned();
            }
            text
        };
        let lines = |out: &str| -> Value {
            let lines = out.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
            lines.map_or_else(|_| Value::String(out.to_owned()), Value::Array)
        };
        let mut json = serde_json::from_str(&said.out).unwrap_or_else(|_| lines(&said.out));
        for name in ALWAYS.iter().chain(row.volatile) {
            blank(&mut json, name);
        }
        let json = serde_json::from_str(&text(&json.to_string())).unwrap();
        Plain { code: said.code, json, err: text(&said.err) }
    }
}

#[derive(Debug, PartialEq)]
struct Plain {
    code: i32,
    json: Value,
    err: String,
}

/// Words of a moment: an instant, how long a request is open, how old a reading is, the minute of a line in a note.
const MOVING: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "MOMENT"),
    (r"open for \d+ h \d+ min", "open for SOME TIME"),
    (r"read \d+ min ago", "read SOME TIME ago"),
    (r"- \d\d:\d\d ", "- MINUTE "),
];

/// Ages, positions (a supervisor's own events stand in its log too), and what a budget comes to by its end, which each second of
/// a day moves.
const ALWAYS: &[&str] =
    &["age_seconds", "seconds_left", "position", "projected_spend_usd", "projected_total_usd"];

/// Makes equal what is named: a field wherever it stands, what a pointer leads to, the order of a list (`sort:` and a pointer),
/// or a list of events without those of a kind (`without:` and how its name begins).
fn blank(json: &mut Value, name: &str) {
    if let Some(kind) = name.strip_prefix("without:") {
        let events = json.as_array_mut().unwrap();
        events.retain(|event| !event["type"].as_str().unwrap_or_default().starts_with(kind));
    } else if let Some(pointer) = name.strip_prefix("sort:") {
        let list = json.pointer_mut(pointer).and_then(Value::as_array_mut).unwrap();
        list.sort_by_key(Value::to_string);
    } else if name.starts_with('/') {
        *json.pointer_mut(name).unwrap() = "VOLATILE".into();
    } else {
        blank_fields(json, name);
    }
}

fn blank_fields(json: &mut Value, name: &str) {
    match json {
        Value::Object(fields) => {
            for (field, value) in fields {
                if field == name { *value = "VOLATILE".into() } else { blank_fields(value, name) }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| blank_fields(value, name)),
        _ => {}
    }
}

#[test]
fn every_command_has_a_row_that_is_told_with_a_supervisor_and_without() {
    let told: BTreeSet<String> = ROWS.iter().map(|row| row_of(row.words).to_owned()).collect();
    assert_eq!(told, runnable());
}

#[test]
fn each_command_ends_alike_with_a_supervisor_and_without() {
    let alone = Side { home: begun(), running: None };
    let home = copied(&alone.home);
    let running = home.start(&[]);
    let beside = Side { home, running: Some(running) };
    until("the vault", || beside.home.run(&["vault"]).code == 0);
    let mut wrong = Vec::new();
    for (at, row) in ROWS.iter().chain(WITHOUT_PRICES).enumerate() {
        if at == ROWS.len() {
            for side in [&alone, &beside] {
                std::fs::write(side.home.dir.path().join(".config/mecris/prices.json"), "{").unwrap();
            }
        }
        let (own, remote) = (alone.run(row), beside.run(row));
        let (plain, other) = (alone.plain(row, &own), beside.plain(row, &remote));
        let is_alike = match row.told {
            Told::Alike(code) => plain == other && plain.code == code,
            Told::Apart { alone, beside } => plain.code == alone && other.code == beside,
        };
        if !is_alike {
            wrong.push(format!("{}\n  alone:  {plain:?}\n  beside: {other:?}", row.words));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(beside.running.unwrap().stop(), 0);
}
