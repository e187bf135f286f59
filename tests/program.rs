//! The program as a person meets it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, Running, Said, terminate, timeless};

/// A home with a small corpus, imported.
fn imported() -> Home {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 1_500_000, files: 12, days: 9, seed: 21 });
    home.json(&["import"]);
    home
}

fn call(id: u32, output: u32, at: &str) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"{at}","sessionId":"live","cwd":"/w","requestId":"req_{id}","message":{{"id":"msg_{id}","model":"claude-opus-5","content":[],"usage":{{"input_tokens":1000,"output_tokens":{output}}}}}}}"#
    ) + "\n"
}

/// Asks until the answer is as it should be; what is awaited happens in another process.
fn until(running: &Running, path: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let answer = running.get(path).json();
        if is_it(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path} still answers {answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn fails(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{said:?}");
    assert_eq!(said.err.trim_end().lines().count(), 1, "one line: {said:?}");
    assert!(said.err.starts_with("mecris: "), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "'{word}' is not in {said:?}");
    }
}

#[test]
fn an_empty_machine_is_told_what_to_do() {
    let home = Home::new();
    let running = home.start(&[]);
    for words in [
        "No transcripts were found",
        "CLAUDE_CONFIG_DIR",
        "mecris budget set",
        "Listening on http://127.0.0.1:",
    ] {
        assert!(running.said.contains(words), "{words}: {}", running.said);
    }
    assert_eq!(running.stop(), 0);
    let said = home.run(&["status"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("No budget. Set one"), "{said:?}");
}

#[test]
fn a_running_supervisor_and_the_log_itself_answer_alike() {
    let home = imported();
    let questions: [&[&str]; 8] = [
        &["report", "daily"],
        &["report", "weekly", "--tz", "Asia/Kathmandu"],
        &["report", "session", "--since", "2026-11-14", "--until", "2026-11-18"],
        &["report", "model"],
        &["replay"],
        &["replay", "--until", "200"],
        &["replay", "--explain", "2026-11-18"],
        &["head"],
    ];
    let own: Vec<Value> = questions.iter().map(|question| timeless(home.json(question))).collect();
    let running = home.start(&[]);
    for (question, own) in questions.iter().zip(&own) {
        assert_eq!(timeless(home.json(question)), *own, "{question:?}");
    }
    let actors = home.json(&["actors"]);
    let names: Vec<&str> =
        actors.as_array().unwrap().iter().map(|actor| actor["path"].as_str().unwrap()).collect();
    let below: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("root/tenants/local/")).collect();
    assert_eq!(
        below,
        [
            "beeminder",
            "twilio",
            "anthropic",
            "openai",
            "openrouter",
            "deepseek",
            "moonshot",
            "vault",
            "budgets",
            "balances",
            "quotas",
            "odometer",
            "allowance",
            "limits",
            "tokens",
            "projects",
            "alerts",
            "goals",
            "datapoints",
            "console",
            "otlp",
            "usage",
            "log",
        ]
    );
    assert_eq!(names[0], "root/projection");
    assert_eq!(running.stop(), 0);
    fails(&home.run(&["actors"]), 1, &["no supervisor runs", "mecris run"]);
}

#[test]
fn tables_fit_eighty_columns() {
    let home = imported();
    home.json(&["budget", "set", "--amount", "50"]);
    home.json(&["budget", "set", "--amount", "1234567.89", "--name", "a-rather-long-name-of-a-budget"]);
    let commands: [&[&str]; 9] = [
        &["status"],
        &["report", "daily"],
        &["report", "project"],
        &["report", "session"],
        &["report", "model"],
        &["budget", "list"],
        &["prices"],
        &["replay"],
        &["replay", "--explain", "2026-11-18"],
    ];
    for command in commands {
        let said = home.run(command);
        assert_eq!(said.code, 0, "{said:?}");
        for line in said.out.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
}

#[test]
fn budgets_are_set_listed_and_removed_with_or_without_a_supervisor() {
    let home = imported();
    // On the week's last day, too, nothing is said of its end.
    let set: &[&str] = &[
        "budget",
        "set",
        "--amount",
        "50",
        "--period",
        "weekly",
        "--model",
        "claude-opus-*",
        "--ending-days",
        "0",
    ];
    let expected = |budgets: &Value| {
        let line = &budgets["budgets"][0];
        assert_eq!(
            (&line["name"], &line["amount_usd"], &line["period"]),
            (&json!("main"), &json!("50"), &json!("weekly"))
        );
        assert_eq!((&line["model"], &line["health"]), (&json!("claude-opus-*"), &json!("GOOD")), "{line}");
    };
    expected(&home.json(set));
    let events = home.json(&["replay"])["head"].as_u64();
    expected(&home.json(set));
    assert_eq!(home.json(&["replay"])["head"].as_u64(), events, "setting the same again is no event");
    let running = home.start(&[]);
    expected(&home.json(&["budget", "list"]));
    assert_eq!(home.json(&["budget", "remove", "main"])["budgets"], json!([]));
    expected(&home.json(set));
    fails(&home.run(&["budget", "remove", "other"]), 2, &["no budget 'other'", "budget list"]);
    assert_eq!(running.stop(), 0);
    expected(&home.json(&["budget", "list"]));
    fails(&home.run(&["budget", "remove", "other"]), 2, &["no budget 'other'", "budget list"]);
    fails(
        &home.run(&["budget", "set", "--amount", "a lot"]),
        2,
        &["'a lot' is not an amount", "write it like"],
    );
    fails(&home.run(&["budget", "set", "--amount", "0"]), 2, &["above 0 USD"]);
    fails(&home.run(&["budget", "set", "--amount", "1", "--name", "My Budget"]), 2, &["not a budget name"]);
    let backwards = ["budget", "set", "--amount", "1", "--from", "2026-02-02", "--until", "2026-02-01"];
    fails(&home.run(&backwards), 2, &["cannot end"]);
}

#[test]
fn a_file_that_grows_is_followed_and_a_message_that_grows_is_revised() {
    let home = Home::new();
    let path = home.transcript("live.jsonl", call(1, 10, "2026-11-20T10:00:00Z"));
    let running = home.start(&[]);
    let messages = |count: u64, output: u64| {
        move |report: &Value| {
            (report["total"]["messages"].as_u64(), report["total"]["output_tokens"].as_u64())
                == (Some(count), Some(output))
        }
    };
    until(&running, "/api/v1/spend", messages(1, 10));
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(call(1, 400, "2026-11-20T10:00:05Z").as_bytes()).unwrap();
    until(&running, "/api/v1/spend", messages(1, 400));
    // Half a line counts when its other half has come.
    let second = call(2, 7, "2026-11-20T10:01:00Z");
    file.write_all(&second.as_bytes()[..50]).unwrap();
    file.flush().unwrap();
    file.write_all(&second.as_bytes()[50..]).unwrap();
    until(&running, "/api/v1/spend", messages(2, 407));
    // A session of its own, in a directory that was not there before.
    home.transcript("new/deep.jsonl", call(3, 1, "2026-11-20T10:02:00Z"));
    until(&running, "/api/v1/spend", messages(3, 408));

    let explained = home.json(&["replay", "--explain", "msg_1"]);
    let kinds: Vec<&str> = explained["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["usage-recorded", "usage-revised"]);
    assert_eq!(explained["total"]["cost_usd"], json!("0.015"), "1000 × 5 + 400 × 25 micro-USD");
    assert_eq!(explained["events"][1]["effect_usd"], json!("0.00975"));
    let before = home.json(&["replay", "--until", "1"]);
    assert_eq!(before["total"]["output_tokens"].as_u64(), Some(10), "how it stood then");
    assert_eq!(running.stop(), 0);
    assert_eq!(home.json(&["import", "--afresh"])["known"].as_u64(), Some(3), "a bulk import agrees");
}

#[test]
fn replay_tells_what_was_known_then_from_what_is_known_of_then() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1, 10, "2026-11-01T10:00:00Z"));
    home.json(&["import"]);
    let between = jiff::Timestamp::now().to_string();
    // An old call that is learned of late, from another machine's transcript.
    home.transcript("b.jsonl", call(2, 20, "2026-10-01T10:00:00Z"));
    home.json(&["import"]);
    let messages =
        |arguments: &[&str]| home.json(&[&["replay"], arguments].concat())["total"]["messages"].as_u64();
    assert_eq!(messages(&[]), Some(2));
    assert_eq!(messages(&["--until", &between]), Some(1));
    assert_eq!(messages(&["--until", &between, "--as-recorded"]), Some(1));
    assert_eq!(messages(&["--until", &between, "--as-occurred"]), Some(2));
    assert_eq!(messages(&["--until", "2026-10-15T00:00:00Z", "--as-occurred"]), Some(1));
    assert_eq!(messages(&["--until", "2026-10-15T00:00:00Z", "--as-recorded"]), Some(0));
    fails(&home.run(&["replay", "--until", "soon"]), 2, &["neither a position nor an instant"]);
}

#[test]
fn a_day_is_the_time_zone_s() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1, 10, "2026-11-01T23:30:00Z"));
    home.json(&["import"]);
    let day = |tz: &str| home.json(&["report", "daily", "--tz", tz])["days"][0]["day"].clone();
    assert_eq!(day("UTC"), json!("2026-11-01"));
    assert_eq!(day("Europe/Berlin"), json!("2026-11-02"));
    fails(&home.run(&["report", "daily", "--tz", "Mars"]), 2, &["'Mars' is not a time zone"]);
}

#[test]
fn verify_names_the_position_and_repair_says_what_it_would_do_before_it_does() {
    let home = imported();
    let journal = fs::read_dir(home.data().join("journal")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&journal).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&journal, &bytes).unwrap();
    let said = home.run(&["verify"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("position ") && said.out.contains("mecris repair"), "{said:?}");
    let planned = home.run(&["repair"]);
    assert_eq!(planned.code, 1, "{planned:?}");
    assert!(planned.out.contains("would:") && planned.out.contains("--yes"), "{planned:?}");
    assert_eq!(fs::read(&journal).unwrap(), bytes, "it has only said so");
    let repaired = home.run(&["repair", "--yes"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
    assert!(fs::read(&journal).unwrap().starts_with(&whole), "the same bytes, and the event of the repair");
    assert_eq!(home.run(&["verify"]).code, 0);
    assert_eq!(home.json(&["replay"])["incidents"].as_u64(), Some(1), "the repair is an event");
    assert!(home.run(&["repair"]).out.contains("nothing to repair"));
}

#[test]
fn a_backup_is_taken_while_it_runs_and_restored_elsewhere() {
    let home = imported();
    let report = home.json(&["report", "daily"]);
    let target = home.dir.path().join("backup");
    // What a supervisor is asked for over HTTP lies below this.
    let root = home.dir.path().to_str().unwrap();
    let running = home.start_with(&[], &[("MECRIS_BACKUP__ROOT", root)]);
    let first = home.json(&["backup", target.to_str().unwrap()]);
    assert!(first["copied"].as_u64() > Some(0), "{first}");
    assert_eq!(first["head"], home.json(&["head"]));
    home.json(&["budget", "set", "--amount", "7"]);
    // More is spent than that: what is told of it is told before the log is held against itself.
    home.json(&["alerts", "check"]);
    let exported = home.run(&["export"]);
    assert_eq!(running.stop(), 0);
    assert_eq!(home.run(&["export"]).out, exported.out, "the supervisor and the log itself export alike");
    let restored = home.dir.path().join("restored");
    let said = home.run(&["restore", target.to_str().unwrap(), "--to", restored.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    let data = ["--data-dir", restored.to_str().unwrap()];
    assert_eq!(timeless(home.json(&[&["report", "daily"], &data[..]].concat())), timeless(report));
    assert_eq!(
        home.json(&[&["budget", "list"], &data[..]].concat())["budgets"],
        json!([]),
        "that came later"
    );
    let hash = first["head"]["hash"].as_str().unwrap();
    let proof = home.json(&["verify", "--head", hash]);
    assert_eq!(proof["expected_at"], first["head"]["position"], "the later log still holds that head");
    let foreign = home.run(&["verify", "--head", &"0f".repeat(32)]);
    assert_eq!(foreign.code, 1, "{foreign:?}");
    assert!(foreign.out.contains("rewritten"), "{foreign:?}");
    let lines = exported.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let positions: Vec<u64> = lines.map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_price_file_overrides_the_table_but_not_history() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1, 1000, "2026-11-01T10:00:00Z"));
    home.json(&["import"]);
    let config = home.dir.path().join(".config/mecris");
    fs::create_dir_all(&config).unwrap();
    let prices = config.join("my-prices.json");
    fs::write(&prices, r#"{"models":{"anthropic/claude-opus-5":{"tiers":[{"above_prompt_tokens":0,"input":"1","output":"1"}]}}}"#).unwrap();
    fs::write(config.join("config.toml"), format!("prices = \"{}\"\n", prices.display())).unwrap();
    home.transcript("b.jsonl", call(2, 1000, "2026-11-01T11:00:00Z"));
    home.json(&["import"]);
    let explained = home.json(&["replay", "--explain", "2026-11-01"]);
    let effects: Vec<&Value> =
        explained["events"].as_array().unwrap().iter().map(|event| &event["effect_usd"]).collect();
    assert_eq!(effects, [&json!("0.03"), &json!("0.002")]);
    let tables: Vec<&Value> =
        explained["events"].as_array().unwrap().iter().map(|event| &event["price_table"]).collect();
    assert_ne!(tables[0], tables[1]);
    assert!(home.run(&["prices", "opus-5"]).out.contains("anthropic/claude-opus-5"));
}

#[test]
fn what_stands_in_the_way_of_starting_is_one_line_with_the_mend() {
    let home = Home::new();
    let running = home.start(&[]);
    let second = home.run(&["run", "--listen", "127.0.0.1:0"]);
    fails(&second, 1, &["another mecris holds", "--data-dir"]);
    let address = running.url.strip_prefix("http://").unwrap();
    let taken = home.run(&[
        "run",
        "--listen",
        address,
        "--data-dir",
        home.dir.path().join("other").to_str().unwrap(),
    ]);
    fails(&taken, 1, &[address, "--listen"]);
    assert_eq!(running.stop(), 0);

    let file = home.dir.path().join("a-file");
    fs::write(&file, "").unwrap();
    let blocked = home.run(&["run", "--data-dir", file.join("data").to_str().unwrap()]);
    fails(&blocked, 1, &["cannot use the data directory", "--data-dir"]);

    let config = home.dir.path().join("config.toml");
    fs::write(&config, "lisen = \"127.0.0.1:1\"\n").unwrap();
    let broken = home.run(&["run", "--config", config.to_str().unwrap()]);
    fails(&broken, 2, &["config.toml", "unknown key 'lisen'", "did you mean 'listen'?"]);
}

#[test]
fn a_full_disk_is_said_by_import_and_by_readiness_and_nothing_is_lost() {
    let home = Home::new();
    home.transcript("a.jsonl", call(1, 10, "2026-11-01T10:00:00Z"));
    // More than any disk has free, so that the guard finds too little.
    let config = home.dir.path().join("full.toml");
    fs::write(&config, "[log]\nreserve_mib = 1000000000000\n").unwrap();
    let config = config.to_str().unwrap().to_owned();
    fails(
        &home.run(&["import", "--config", &config]),
        1,
        &["does not accept events", "MiB are free", "lower the log's reserve"],
    );
    let running = home.start(&["--config", &config]);
    let ready = running.get("/health/ready");
    assert_eq!(ready.status, 503, "{ready:?}");
    assert_eq!(ready.json()["parts"]["log"]["ok"], json!(false));
    assert_eq!(running.get("/api/v1/status").status, 200, "reads go on");
    assert_eq!(running.stop(), 0);
    assert_eq!(home.json(&["import"])["recorded"].as_u64(), Some(1), "with space it is recorded");
}

#[test]
fn the_data_directory_is_its_owner_s_alone() {
    let home = Home::new();
    fs::create_dir_all(home.data()).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let running = home.start(&[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.data()), 0o700);
    assert_eq!(mode(&home.data().join("token")), 0o600);
    assert!(
        running.token.starts_with("mcr_own_") && running.token.len() == 44,
        "{} characters",
        running.token.len()
    );
    let token = running.token.clone();
    assert_eq!(running.stop(), 0);
    let again = home.start(&[]);
    assert_eq!(again.token, token, "it is made once");
    assert!(!again.said.contains(&token));
}

#[test]
fn a_stop_in_the_middle_of_writes_and_a_kill_lose_nothing_acknowledged() {
    let home = imported();
    for signal in ["TERM", "KILL"] {
        let mut running = home.start(&[]);
        let bearer = format!("Bearer {}", running.token);
        let mut acknowledged = 0;
        for number in 1..=40_u32 {
            let body = json!({ "amount_usd": number.to_string() }).to_string();
            let path = "/api/v1/budgets/main";
            let answer = running.send("PUT", path, &[("authorization", &bearer)], Some(&body));
            assert_eq!(answer.status, 200, "{answer:?}");
            acknowledged = number;
        }
        if signal == "TERM" {
            terminate(&running.child);
        } else {
            running.child.kill().unwrap();
        }
        let code = running.child.wait().unwrap().code();
        assert_eq!(code, (signal == "TERM").then_some(0), "{signal}");
        let budgets = home.json(&["budget", "list"]);
        assert_eq!(budgets["budgets"][0]["amount_usd"], json!(acknowledged.to_string()), "{signal}");
        assert_eq!(home.json(&["verify"])["problem_count"].as_u64(), Some(0), "{signal}");
    }
}

#[test]
fn the_demo_runs_on_its_own_data_and_leaves_nothing() {
    let home = Home::new();
    let running = home.start(&["--demo"]);
    assert!(running.said.contains("calls recorded") && running.said.contains("main"), "{}", running.said);
    let url = running.url.clone();
    assert!(!url.is_empty());
    assert_eq!(running.stop(), 0);
    let left: Vec<_> =
        fs::read_dir(home.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn completions_and_help_are_there() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = home.run(&["completions", shell]);
        assert!(said.code == 0 && said.out.contains("mecris"), "{said:?}");
    }
    let said = home.run(&["--help"]);
    for command in [
        "run", "status", "report", "import", "budget", "prices", "replay", "verify", "repair", "backup",
        "actors",
    ] {
        assert!(said.out.contains(command), "{command}: {said:?}");
    }
}

#[test]
fn an_actor_that_panics_comes_back_and_the_log_tells_of_it() {
    let home = imported();
    let running = home.start(&[]);
    let actor = |path: &str| {
        let actors = home.json(&["actors"]);
        let found = actors.as_array().unwrap().iter().find(|actor| actor["path"] == format!("root/{path}"));
        found.unwrap_or_else(|| panic!("{actors}")).clone()
    };
    for path in ["tenants/local/budgets", "tenants/local/usage", "projection"] {
        home.json(&["drill", path]);
        while !(actor(path)["restarts"].as_u64() >= Some(1) && actor(path)["state"] == "running") {
            std::thread::sleep(Duration::from_millis(10));
        }
        // It works as before.
        let budgets = home.json(&["budget", "set", "--amount", "50"]);
        assert_eq!(budgets["budgets"][0]["amount_usd"], "50", "after {path}");
        home.json(&["import"]);
    }
    let incidents = home.json(&["incidents"]);
    let told: Vec<(&str, &str)> = incidents["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| (incident["subject"].as_str().unwrap(), incident["change"].as_str().unwrap()))
        .collect();
    for path in ["root/tenants/local/budgets", "root/tenants/local/usage", "root/projection"] {
        assert!(told.contains(&(path, "restarted")), "{told:?}");
    }
    fails(&home.run(&["drill", "nobody"]), 2, &["no such actor", "mecris actors"]);
    assert_eq!(running.stop(), 0);
}
