//! The vault: read whole, followed, and written to, by the real program on real files.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::mcp;
use crate::support::program::{Home, Running, everything_below};
use crate::support::vault::{Plan, generate};

fn configured(home: &Home, extra: &str) -> PathBuf {
    let vault = home.dir.path().join("Notes");
    std::fs::create_dir_all(&vault).unwrap();
    let config = home.dir.path().join(".config/mecris/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(config, format!("[vault]\npath = {:?}\npoll_seconds = 1\n{extra}\n", vault.display()))
        .unwrap();
    vault
}

fn write(vault: &Path, note: &str, text: &str) {
    let path = vault.join(note);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Waits for something that comes by itself.
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2_400 {
        if let Some(found) = found() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("it did not come: {what}");
}

fn by_place(tasks: &Value) -> BTreeMap<(String, u64), Value> {
    let place = |task: &Value| (task["note"].as_str().unwrap().to_owned(), task["line"].as_u64().unwrap());
    tasks.as_array().unwrap().iter().map(|task| (place(task), task.clone())).collect()
}

#[test]
fn five_thousand_notes_are_what_they_were_meant_to_be() {
    let home = Home::new();
    let vault = configured(&home, "goal_folder = \"Goals\"");
    let truth = generate(&vault, Plan { notes: 5_000, seed: 20_261_126 });
    assert!(
        truth.tasks.len() > 15_000 && truth.goals.len() > 500,
        "{} {}",
        truth.tasks.len(),
        truth.goals.len()
    );

    let shown = home.json(&["tasks", "--all"]);
    let found = by_place(&shown["tasks"]);
    for (place, meant) in &truth.tasks {
        let Some(found) = found.get(place) else { panic!("{place:?} is missing: {meant}") };
        for (key, value) in meant.as_object().unwrap() {
            assert_eq!(&found[key], value, "{place:?} {key}: {found}");
        }
    }
    let invented: Vec<_> = found.keys().filter(|place| !truth.tasks.contains_key(*place)).collect();
    assert!(invented.is_empty(), "{invented:?}");

    let shown = home.json(&["vault"]);
    let goals: BTreeMap<String, Value> = shown["goals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|goal| (goal["note"].as_str().unwrap().to_owned(), goal.clone()))
        .collect();
    assert_eq!(goals, truth.goals);
    assert_eq!(shown["notes"], json!(truth.notes.len()));
    let problems: Vec<&str> = shown["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["path"].as_str().unwrap())
        .collect();
    assert_eq!(problems.len(), truth.problems.len(), "{shown}");
    assert!(problems.iter().all(|path| truth.problems.contains(*path)), "{problems:?}");

    // The same by a supervisor, which reads the vault once.
    let running = home.start(&[]);
    until("the first look", || (running.get("/api/v1/vault").status == 200).then_some(()));
    for (day, path) in truth.daily.iter().step_by(7) {
        let daily = running.get(&format!("/api/v1/daily?date={day}")).json();
        assert_eq!((daily["note"].as_str(), daily["exists"].as_bool()), (Some(path.as_str()), Some(true)));
        let meant = truth.tasks.range((path.clone(), 0)..=(path.clone(), u64::MAX)).count();
        assert_eq!(daily["tasks"].as_array().unwrap().len(), meant, "{path}");
    }
    let after = truth.daily.keys().last().unwrap().tomorrow().unwrap();
    assert_eq!(running.get(&format!("/api/v1/daily?date={after}")).json()["exists"], false);
    let again = by_place(&running.get("/api/v1/tasks?all=true").json()["tasks"]);
    assert!(again == found, "the supervisor sees what a command sees");
}

/// The changes of tasks that the log tells of, from a position on: `change state due`.
fn changes(running: &Running, from: &mut u64) -> Vec<String> {
    let page = running.get(&format!("/api/v1/events?from={from}&limit=1000")).json();
    *from = page["head"].as_u64().unwrap() + 1;
    let events = page["events"].as_array().unwrap().iter();
    let mut said: Vec<String> = events
        .filter_map(|event| match event["type"].as_str().unwrap() {
            "task-observed" => {
                let data = &event["data"];
                let due = data["due"].as_str().unwrap_or("-");
                Some(format!(
                    "{} {} {due}",
                    data["change"].as_str().unwrap(),
                    data["state"].as_str().unwrap()
                ))
            }
            "task-gone" => Some("gone".to_owned()),
            _ => None,
        })
        .collect();
    said.sort();
    said
}

#[test]
fn changes_are_followed_and_a_note_that_is_renamed_is_no_news() {
    let home = Home::new();
    let vault = configured(&home, "");
    write(&vault, "a.md", "- [ ] marked milk 📅 2026-01-01\n- [x] marked old\n- [ ] marked tea\n");
    let running = home.start(&[]);
    let mut from = 1;
    let follow = |running: &Running, from: &mut u64, count: usize| {
        let mut all = Vec::new();
        until("changes", || {
            all.extend(changes(running, from));
            (all.len() >= count).then(|| all.clone())
        })
    };
    assert_eq!(follow(&running, &mut from, 2), ["appeared todo -", "appeared todo 2026-01-01"]);
    write(
        &vault,
        "a.md",
        "- [ ] marked milk 📅 2026-02-01\n- [x] marked old\n- [x] marked tea ✅ 2026-01-01\n- [ ] marked new\n",
    );
    assert_eq!(
        follow(&running, &mut from, 3),
        ["appeared todo -", "closed done -", "due-moved todo 2026-02-01"]
    );
    std::fs::rename(vault.join("a.md"), vault.join("b.md")).unwrap();
    assert_eq!(follow(&running, &mut from, 2), ["relocated todo -", "relocated todo 2026-02-01"]);
    write(&vault, "b.md", "- [ ] marked milk 📅 2026-02-01\n");
    assert_eq!(follow(&running, &mut from, 1), ["gone"]);
    let shown = running.get("/api/v1/tasks?due=2026-02-01").json();
    assert_eq!(shown["tasks"][0]["text"], "marked milk");
    assert_eq!(running.stop(), 0);
    // A start finds nothing new, and the log has none of the words.
    let running = home.start(&[]);
    until("a look", || running.get("/api/v1/vault").json()["read_at"].is_string().then_some(()));
    assert_eq!(changes(&running, &mut from), [""; 0]);
    assert_eq!(running.stop(), 0);
    assert!(!everything_below(&home.data()).windows(6).any(|window| window == b"marked"));
}

#[test]
fn words_are_kept_where_the_person_wants_it() {
    let home = Home::new();
    let vault = configured(&home, "record_text = true");
    write(&vault, "Folder/a.md", "- [ ] marked milk #home 📅 2026-01-01\n");
    let running = home.start(&[]);
    let data = until("the event", || {
        let page = running.get("/api/v1/events?limit=1000").json();
        let mut events = page["events"].as_array().unwrap().clone().into_iter();
        events.find(|event| event["type"] == "task-observed").map(|event| event["data"].clone())
    });
    assert_eq!((&data["text"], &data["path"]), (&json!("marked milk #home"), &json!("Folder/a.md")));
}

#[test]
fn a_vault_that_vanishes_is_said_to_be_gone_and_loses_nothing() {
    let home = Home::new();
    let vault = configured(&home, "");
    write(&vault, "a.md", "- [ ] milk\n");
    write(&vault, "sub/b.md", "- [ ] tea\n");
    let running = home.start(&[]);
    let source = |running: &Running| {
        let sources = running.get("/api/v1/sources").json();
        let mut sources = sources["sources"].as_array().unwrap().clone().into_iter();
        sources.find(|source| source["name"] == "vault").unwrap()
    };
    let mut from = 1;
    until("the tasks", || (changes(&running, &mut from).len() == 2).then_some(()));
    let away = home.dir.path().join("Away");
    std::fs::rename(&vault, &away).unwrap();
    let gone =
        until("that it is gone", || Some(source(&running)).filter(|source| source["state"] == "failing"));
    assert!(gone["reason"].as_str().unwrap().contains("is not there; mount it"), "{gone}");
    let shown = running.get("/api/v1/tasks").json();
    assert_eq!(shown["count"], 2, "what was seen stays shown");
    assert!(shown["trouble"].as_str().unwrap().contains("is not there"), "{shown}");
    // A mount point without its disk.
    std::fs::create_dir(&vault).unwrap();
    until("that it is empty", || {
        Some(source(&running)).filter(|source| source["reason"].as_str().unwrap().contains("holds no notes"))
    });
    std::fs::remove_dir(&vault).unwrap();
    std::fs::rename(&away, &vault).unwrap();
    until("that it is back", || Some(source(&running)).filter(|source| source["state"] == "ok"));
    assert_eq!(changes(&running, &mut from), [""; 0], "nothing was lost, so nothing is told");
    // A note that is too long to be read hides its tasks, and takes none of them.
    std::fs::OpenOptions::new().write(true).open(vault.join("a.md")).unwrap().set_len(17 << 20).unwrap();
    let vaulted = until("the problem", || {
        Some(running.get("/api/v1/vault").json()).filter(|shown| shown["problem_count"] == 1)
    });
    assert_eq!(vaulted["problems"][0]["path"], "a.md");
    write(&vault, "sub/b.md", "- [x] tea\n");
    let mut all = Vec::new();
    until("the other note", || {
        all.extend(changes(&running, &mut from));
        (!all.is_empty()).then_some(())
    });
    assert_eq!(all, ["closed done -"]);
}

#[test]
fn without_a_vault_each_command_says_how_to_name_one() {
    let home = Home::new();
    for arguments in [&["tasks"][..], &["daily"], &["vault"], &["log-session", "x"]] {
        let said = home.run(arguments);
        assert!(said.code != 0 && said.err.contains("set vault.path"), "{arguments:?}: {said:?}");
    }
    let running = home.start(&[]);
    let answer = running.get("/api/v1/tasks");
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (409, "application/problem+json"),
        "{answer:?}"
    );
    assert_eq!(running.stop(), 0);
    configured(&home, "");
    for arguments in
        [&["tasks", "--due", "someday"][..], &["daily", "--period", "hourly"], &["log-session", " "]]
    {
        let said = home.run(arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {said:?}");
    }
}

#[test]
fn tasks_are_chosen_by_day_and_put_in_order() {
    let home = Home::new();
    let vault = configured(&home, "");
    let today: jiff::civil::Date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = |days: i64| today.saturating_add(jiff::Span::new().days(days)).to_string();
    let text = format!(
        "- [ ] later 📅 {}\n- [ ] low 🔽 📅 {today}\n- [ ] high ⏫ 📅 {today}\n- [ ] late 📅 {}\n- [ ] ever\n- [x] done 📅 {}\n\
         - [ ] first 🆔 f1\n- [ ] then ⛔ f1 📅 {}\n",
        day(30),
        day(-3),
        day(-3),
        day(1)
    );
    write(&vault, "a.md", &text);
    let texts = |arguments: &[&str]| -> Vec<String> {
        let shown = home.json(&[&["tasks"], arguments].concat());
        let tasks = shown["tasks"].as_array().unwrap().iter();
        tasks.map(|task| task["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&[]), ["late", "high", "low", "then", "later", "ever", "first"]);
    assert_eq!(texts(&["--due", "overdue"]), ["late"]);
    assert_eq!(texts(&["--due", "today"]), ["late", "high", "low"]);
    assert_eq!(texts(&["--due", "tomorrow", "--all"]), ["late", "high", "low", "then", "done"]);
    assert_eq!(texts(&["--due", &day(30)]), ["late", "high", "low", "then", "later"]);
    assert_eq!(texts(&["--limit", "1"]), ["late"]);
    assert_eq!(texts(&["--note", "b"]), [""; 0]);
    assert_eq!(texts(&["--note", "a"]).len(), 7);
    let shown = home.json(&["tasks"]);
    assert_eq!(
        (&shown["tasks"][0]["days_left"], &shown["tasks"][3]["is_blocked"]),
        (&json!(-3), &json!(true))
    );
    // The same by a running supervisor.
    let running = home.start(&[]);
    until("a look", || (running.get("/api/v1/tasks").status == 200).then_some(()));
    let same = home.json(&["tasks"]);
    assert_eq!(same["tasks"], shown["tasks"]);
}

#[test]
fn a_session_is_written_to_the_daily_note_and_nothing_else_changes() {
    let home = Home::new();
    let vault = configured(&home, "");
    write(&vault, ".obsidian/daily-notes.json", r#"{"folder": "Days", "template": "Templates/Day"}"#);
    write(&vault, "Templates/Day.md", "# {{title}}\r\n{{date:dddd}} {{other}}\r\n");
    let log = |text: &str| home.json(&["log-session", text, "--at", "2026-11-03T09:05:00Z"]);
    let note = vault.join("Days/2026-11-03.md");
    let read = || std::fs::read_to_string(&note).unwrap();
    // There is none: it is made of the template.
    let logged = log("mended  the\nparser");
    assert_eq!((&logged["added"], &logged["note"]), (&json!(true), &json!("Days/2026-11-03.md")));
    let first = "# 2026-11-03\r\nTuesday {{other}}\r\n\r\n## Mecris\r\n\r\n- 09:05 mended the parser\r\n";
    assert_eq!(read(), first);
    // The same again is there already.
    assert_eq!(log("mended the parser")["added"], false);
    assert_eq!(read(), first);
    for (before, after) in [
        ("\u{feff}# Mecris\r\nx\r\n\r\n# B", "\u{feff}# Mecris\r\nx\r\n- 09:05 new\r\n\r\n# B"),
        ("no line end", "no line end\n\n## Mecris\n\n- 09:05 new"),
        ("", "## Mecris\n\n- 09:05 new\n"),
    ] {
        std::fs::write(&note, before).unwrap();
        assert_eq!(log("new")["added"], true, "{before:?}");
        assert_eq!(read(), after);
    }
    // What is no text is left alone.
    std::fs::write(&note, b"\xff\xfe").unwrap();
    let said = home.run(&["log-session", "new", "--at", "2026-11-03T09:05:00Z"]);
    assert!(said.code != 0 && said.err.contains("no UTF-8"), "{said:?}");
    assert_eq!(std::fs::read(&note).unwrap(), b"\xff\xfe");
    // Twenty at once lose none of their lines, and leave nothing behind.
    std::fs::write(&note, "# Mecris\n").unwrap();
    let running = home.start(&[]);
    until("a look", || (running.get("/api/v1/vault").status == 200).then_some(()));
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let text = format!("number {number}");
            home.command(&["log-session", &text, "--at", "2026-11-03T09:05:00Z"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut call in calls {
        assert!(call.wait().unwrap().success());
    }
    let text = read();
    assert_eq!(
        (0..20).filter(|number| text.contains(&format!("- 09:05 number {number}\n"))).count(),
        20,
        "{text}"
    );
    assert_eq!(std::fs::read_dir(vault.join("Days")).unwrap().count(), 1);
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["type"] == "session-logged").count(), 20 + 2);
}

/// A vault that is synced or cloned may hold whatever links another has made in it.
#[test]
fn no_face_writes_through_a_link_out_of_the_vault() {
    let home = Home::new();
    let vault = configured(&home, "");
    let (bashrc, elsewhere) = (home.dir.path().join(".bashrc"), home.dir.path().join("elsewhere"));
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(&bashrc, "# mine\n").unwrap();
    let running = home.start(&[]);
    until("a look", || (running.get("/api/v1/vault").status == 200).then_some(()));
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let hostile = "x; $(touch owned)";
    let refuse = |note: &str| {
        let bearer = format!("Bearer {}", running.token);
        let body = json!({ "text": hostile }).to_string();
        let answer = running.send("POST", "/api/v1/daily", &[("authorization", &bearer)], Some(&body));
        assert_eq!(answer.status, 409, "{answer:?}");
        let told = mcp::refused(&running, "log_session", &json!({ "text": hostile }));
        let by_command = home.run(&["log-session", hostile]);
        assert_ne!(by_command.code, 0, "{by_command:?}");
        for said in [&answer.body, &told, &by_command.err] {
            assert!(said.contains(&format!("{note} leads out of the vault")), "{said}");
        }
        // Nor is what lies there shown.
        let shown = home.run(&["daily"]);
        assert!(shown.code != 0 && !shown.out.contains("mine"), "{shown:?}");
        assert_eq!(std::fs::read_to_string(&bashrc).unwrap(), "# mine\n");
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    };
    let note = format!("{today}.md");
    for target in [bashrc.clone(), "../.bashrc".into(), "../elsewhere/new.md".into(), "../nothing".into()] {
        symlink(&target, vault.join(&note)).unwrap();
        refuse(&note);
        std::fs::remove_file(vault.join(&note)).unwrap();
    }
    // A folder above it.
    write(&vault, ".obsidian/daily-notes.json", r#"{"folder": "Days/deep", "template": "T"}"#);
    symlink("../elsewhere", vault.join("Days")).unwrap();
    until("the other settings", || {
        let shown = home.run(&["daily"]);
        shown.err.contains("Days").then_some(())
    });
    refuse(&format!("Days/deep/{note}"));
    std::fs::remove_file(vault.join("Days")).unwrap();
    // A template is read into a note that is synced: it does not come from elsewhere either.
    symlink(&bashrc, vault.join("T.md")).unwrap();
    let said = home.run(&["log-session", "y"]);
    assert!(said.code != 0 && said.err.contains("T.md leads out of the vault"), "{said:?}");
    assert!(!vault.join("Days").exists());
    std::fs::remove_file(vault.join("T.md")).unwrap();
    // A link that stays inside is as good as a note.
    write(&vault, "Real/Day.md", "# Mecris\n");
    std::fs::create_dir_all(vault.join("Days/deep")).unwrap();
    symlink("../../Real/Day.md", vault.join("Days/deep").join(&note)).unwrap();
    assert_eq!(home.json(&["log-session", hostile])["added"], true);
    assert!(std::fs::read_to_string(vault.join("Real/Day.md")).unwrap().contains(hostile));
    assert!(vault.join("Days/deep").join(&note).is_symlink());
}

#[test]
fn links_out_of_the_vault_are_not_read_and_are_counted() {
    let home = Home::new();
    let vault = configured(&home, "");
    let outside = home.dir.path().join("outside");
    write(&outside, "secret.txt", "- [ ] a secret of another place\n");
    write(&outside, "deep/note.md", "- [ ] a secret of another place\n");
    write(&outside, "app.json", r#"{"userIgnoreFilters": ["Seen"]}"#);
    write(&vault, "Seen/a.md", "- [ ] mine\n");
    symlink("../outside/secret.txt", vault.join("innocent.md")).unwrap();
    symlink(outside.join("deep"), vault.join("folder")).unwrap();
    symlink("../outside/secret.txt", vault.join("picture.png")).unwrap();
    // What stays inside is read once, and no loop is walked for ever.
    symlink("Seen/a.md", vault.join("z.md")).unwrap();
    symlink("..", vault.join("Seen/loop")).unwrap();
    std::fs::create_dir(vault.join(".obsidian")).unwrap();
    symlink("../../outside/app.json", vault.join(".obsidian/app.json")).unwrap();
    symlink("/dev/zero", vault.join(".obsidian/daily-notes.json")).unwrap();
    let shown = home.json(&["tasks", "--all"]);
    let texts: Vec<&str> =
        shown["tasks"].as_array().unwrap().iter().map(|task| task["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["mine"]);
    let shown = home.json(&["vault"]);
    assert_eq!((&shown["links_left_out"], &shown["notes"]), (&json!(2), &json!(1)), "{shown}");
    for path in ["innocent.md", "folder", ".obsidian/app.json", ".obsidian/daily-notes.json"] {
        let problems = shown["problems"].as_array().unwrap();
        let problem = problems.iter().find(|problem| problem["path"] == path);
        let reason = problem.unwrap_or_else(|| panic!("{path}: {shown}"))["reason"].as_str().unwrap();
        assert!(reason.contains("out of the vault"), "{path}: {reason}");
    }
    let said = home.run(&["vault"]);
    assert!(said.out.contains("links that lead out of the vault, and are left out: 2\n"), "{said:?}");
}
