//! Names that a terminal would obey: in models, directories, names of transcripts, tasks and goals. No command sends one to
//! the terminal, JSON means what it meant, and what an agent is given holds nothing that a person would not see.

use serde_json::{Value, json};

use crate::hostility::EVIL;
use crate::mcp::given;
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::program::Home;

/// What must reach no terminal.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

struct World {
    home: Home,
    beeminder: Beeminder,
}

impl World {
    fn make() -> Self {
        let home = Home::new();
        let text = json!(EVIL).to_string();
        let evil = text.trim_matches('"');
        let today = jiff::Timestamp::now().to_string();
        let lines: Vec<String> = (0..3)
            .map(|n| {
                format!(
                    r#"{{"type":"assistant","timestamp":"{today}","sessionId":"s{evil}","cwd":"/w/{evil}\nBudget  GOOD","requestId":"r{n}{evil}","message":{{"id":"m{n}{evil}","model":"claude-{evil}","usage":{{"input_tokens":100,"output_tokens":10}}}}}}"#
                )
            })
            .collect();
        home.transcript(&format!("{EVIL}.jsonl"), lines.join("\n") + "\nnot a line\n");
        let vault = home.dir.path().join("Notes");
        std::fs::create_dir_all(vault.join(".obsidian")).unwrap();
        let task = EVIL.replace(['\r', '\u{2028}'], "");
        std::fs::write(vault.join(format!("{task}.md")), format!("- [ ] task {task} 📅 2026-01-01\n"))
            .unwrap();
        let config = home.dir.path().join(".config/mecris/config.toml");
        std::fs::create_dir_all(config.parent().unwrap()).unwrap();
        std::fs::write(config, format!("[vault]\npath = {:?}\n", vault.display())).unwrap();
        let beeminder = Beeminder::start();
        let goal = beeminder.world.lock().goal("walk", 0, jiff::Timestamp::now().as_second() + 3_600).clone();
        assert!(goal["title"].is_string(), "{goal}");
        beeminder.world.lock().goal("walk", 0, jiff::Timestamp::now().as_second() + 3_600)["title"] =
            json!(EVIL);
        Self { home, beeminder }
    }

    fn variables(&self) -> [(String, String); 2] {
        let token = beeminder::TOKEN.to_owned();
        [("BEEMINDER_API_BASE".to_owned(), self.beeminder.base()), ("BEEMINDER_AUTH_TOKEN".to_owned(), token)]
    }
}

/// Each command that shows something, with what it must be given.
const COMMANDS: &[&[&str]] = &[
    &["import"],
    &["status"],
    &["report", "daily"],
    &["report", "project"],
    &["report", "session"],
    &["report", "model"],
    &["budget", "list"],
    &["replay"],
    &["replay", "--explain", "s"],
    &["balance"],
    &["cost"],
    &["forecast"],
    &["can-afford", "1"],
    &["reconcile"],
    &["odometer"],
    &["quota"],
    &["goals"],
    &["alerts"],
    &["tasks"],
    &["vault"],
    &["narrator"],
    &["activity"],
    &["sources"],
    &["incidents"],
    &["actors"],
    &["doctor", "--offline"],
    &["export"],
    &["prices"],
    &["config", "show"],
    &["gate", "check", "--project", "\u{1b}[2J\u{202e}"],
    &["budget", "remove", "\u{1b}[2J\u{202e}"],
    &["replay", "--explain", "\u{1b}[2J\u{202e}"],
    &["status", "--config", "/nowhere/\u{1b}[2J\u{202e}"],
    &["status", "--data-dir", "/proc/\u{1b}[2J\u{202e}"],
    &["restore", "/nowhere/\u{1b}[2J\u{202e}", "--to", "/nowhere/\u{1b}[2J"],
];

#[test]
fn no_command_sends_a_terminal_what_it_would_obey() {
    let world = World::make();
    let run = |arguments: &[&str]| {
        let output = world.home.command(arguments).envs(world.variables()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let check = |arguments: &[&str]| {
        let json: Vec<&str> = [arguments, &["--json"]].concat();
        for arguments in [arguments, &json] {
            let (out, err) = run(arguments);
            assert!(!out.chars().any(is_obeyed), "{arguments:?}: {out:?}");
            // clap repeats what a person typed, as the person typed it.
            assert!(err.contains("Usage:") || !err.chars().any(is_obeyed), "{arguments:?}: {err:?}");
            assert!(!out.contains("\nBudget  GOOD"), "a name makes no row: {out}");
        }
    };
    check(&["import"]);
    COMMANDS.iter().for_each(|arguments| check(arguments));
    let variables = world.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let running = world.home.start_with(&[], &variables);
    assert!(!running.said.chars().any(is_obeyed), "{:?}", running.said);
    COMMANDS.iter().for_each(|arguments| check(arguments));
}

#[test]
fn json_means_what_the_data_say() {
    let world = World::make();
    world.home.json(&["import"]);
    let models = world.home.json(&["report", "model"]);
    assert_eq!(models["models"][0]["model"], format!("claude-{EVIL}"), "{models}");
}

#[test]
fn an_agent_reads_nothing_that_a_person_would_not_see() {
    let world = World::make();
    let variables = world.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let running = world.home.start_with(&[], &variables);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while given(&running, "get_beeminder_status", &json!({}))["goals"] == json!([])
        || given(&running, "list_tasks", &json!({}))["tasks"] == json!([])
    {
        assert!(std::time::Instant::now() < until, "goals and tasks were never read");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for tool in
        ["get_narrator_context", "get_beeminder_status", "list_tasks", "get_alerts", "get_system_health"]
    {
        let answer = given(&running, tool, &json!({})).to_string();
        assert!(!answer.chars().any(is_obeyed), "{tool}: {answer:?}");
    }
    let narration = given(&running, "get_narrator_context", &json!({ "detail": true }));
    let said = narration["recommendations"].to_string();
    assert!(!said.contains("ZXZpbA"), "a recommendation repeats what somebody wrote: {said}");
    let usage: Value = given(&running, "get_recent_usage", &json!({ "by": "project" }));
    assert!(!usage.to_string().chars().any(is_obeyed), "{usage}");
}
