//! Two tenants, driven through everything there is: no answer, file, metric or line of one holds anything of the other.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{BOUND, dir, send, token};
use crate::commands::rows::ROWS;
use crate::described::{Api, with_query};
use crate::mcp;
use crate::support::dice::Dice;
use crate::support::program::{Home, Running, everything_below};

/// Names that only one of the two knows.
const MARKS: [&str; 2] = ["zanzibarquark", "oxbowfjordlynx"];
/// Not `acme`, which the rows of the command table add and remove.
const NAMES: [&str; 2] = ["alpha", "beta"];

struct Two {
    home: Home,
    running: Running,
    tokens: [String; 2],
}

impl Two {
    fn start() -> Self {
        let home = Home::new();
        for (name, mark) in NAMES.iter().zip(MARKS) {
            home.json(&["tenant", "add", name]);
            // Each has transcripts and a vault of its own.
            let own = home.dir.path().join(name);
            let project = own.join("claude/projects").join(mark);
            std::fs::create_dir_all(&project).unwrap();
            let line = json!({
                "type": "assistant", "timestamp": jiff::Timestamp::now().to_string(), "sessionId": format!("s-{mark}"),
                "cwd": format!("/home/ada/{mark}"), "requestId": format!("r-{mark}"),
                "message": { "id": format!("m-{mark}"), "model": "claude-opus-5",
                    "usage": { "input_tokens": 1000, "output_tokens": 1000 } },
            });
            std::fs::write(project.join("a.jsonl"), format!("{line}\n")).unwrap();
            std::fs::create_dir_all(own.join("vault/.obsidian")).unwrap();
            std::fs::write(own.join("vault/chores.md"), format!("- [ ] buy {mark} 📅 2026-11-03\n")).unwrap();
            let settings = format!(
                "[transcripts]\nenabled = true\nroots = [{:?}]\n[vault]\npath = {:?}\n",
                own.join("claude"),
                own.join("vault")
            );
            std::fs::write(dir(&home, name).join("config.toml"), settings).unwrap();
        }
        let running = home.start(&[]);
        let tokens = NAMES.map(|name| token(&home, name));
        for name in NAMES {
            super::until_state(&home, name, "working");
        }
        Self { home, running, tokens }
    }

    fn send(&self, whose: usize, method: &str, path: &str, body: &Value) -> u16 {
        let answer = send(&self.running, &self.tokens[whose], method, path, Some(body));
        self.clean(whose, &format!("{method} {path}"), &answer.body);
        assert!(answer.status < 500, "{method} {path} {body}: {answer:?}");
        answer.status
    }

    /// What a tenant is told holds nothing of the other.
    fn clean(&self, whose: usize, what: &str, told: &str) {
        let other = 1 - whose;
        assert!(!told.contains(MARKS[other]), "{what} tells {} of {}: {told}", NAMES[whose], NAMES[other]);
        // Its name, but where the person's own directories are named.
        let named = told.replace(&dir(&self.home, NAMES[other]).display().to_string(), "");
        assert!(!named.contains(&format!("\"{}/", NAMES[other])), "{what}: {told}");
    }

    /// Does one of the things by which a tenant says something of its own.
    fn step(&self, dice: &mut Dice) {
        let whose = usize::try_from(dice.below(2)).unwrap();
        let (mark, number) = (MARKS[whose], dice.below(5));
        let usd = format!("{}.{:02}", dice.below(90) + 1, dice.below(100));
        let (method, path, body) = match dice.below(12) {
            0 => (
                "PUT",
                format!("/api/v1/budgets/{mark}{number}"),
                json!({ "amount_usd": usd, "ending_days": 0 }),
            ),
            1 => ("DELETE", format!("/api/v1/budgets/{mark}{number}"), Value::Null),
            2 => (
                "PUT",
                format!("/api/v1/goals/{mark}-{number}"),
                json!({ "title": mark, "due": "2999-01-01" }),
            ),
            3 => ("POST", format!("/api/v1/goals/{mark}-{number}/close"), json!({ "how": "done" })),
            4 => ("PUT", "/api/v1/balance".into(), json!({ "provider": mark, "left_usd": usd })),
            5 => (
                "POST",
                "/api/v1/odometer".into(),
                json!({ "provider": mark, "value_usd": usd, "note": mark }),
            ),
            6 => (
                "PUT",
                "/api/v1/projects/aliases".into(),
                json!({ "directory": format!("/home/ada/{mark}"), "name": mark }),
            ),
            7 => (
                "POST",
                "/api/v1/limit-requests".into(),
                json!({ "usd": usd, "reason": mark, "session": mark }),
            ),
            8 => ("POST", "/api/v1/tokens".into(), json!({ "kind": "auditor", "name": mark })),
            9 => ("POST", "/api/v1/daily".into(), json!({ "text": format!("thought of {mark}") })),
            10 => ("PUT", format!("/api/v1/feeds/{mark}-{number}"), json!({ "metric": "spend" })),
            _ => (
                "POST",
                "/api/v1/usage".into(),
                json!({ "model": "claude-opus-5", "input_tokens": 9, "output_tokens": 9, "session": mark, "project": mark }),
            ),
        };
        self.send(whose, method, &path, &body);
    }

    /// Asks for everything that there is, in the name of one.
    fn ask_everything(&mut self, whose: usize) {
        let own = self.running.token.clone();
        self.running.token.clone_from(&self.tokens[whose]);
        let (home, running) = (Home::new(), std::mem::replace(&mut self.running, idle()));
        let api = Api::of(home, running);
        let mut answers = Vec::new();
        for operation in api.operations() {
            // It would end the other's peace too: tried below.
            if operation.path == "/api/v1/drill" {
                continue;
            }
            let path = with_query(&api.path(&operation), &api.query(&operation));
            let schema = &operation.told["requestBody"]["content"]["application/json"]["schema"];
            let body = schema.is_object().then(|| api.body(schema).to_string());
            let answer = api.send(&operation.method, &path, body.as_deref());
            answers.push((
                format!("{} {path}", operation.method),
                format!("{:?} {}", answer.headers, answer.body),
            ));
        }
        for more in [
            "/api/v1/export",
            "/metrics",
            "/health/ready",
            "/api/v1/alerts?all=true",
            "/api/v1/events?limit=1000",
            "/api/v1/spend?by=project",
        ] {
            answers.push((more.to_owned(), api.running.get(more).body));
        }
        let listed = mcp::ask(&api.running, "tools/list", json!({}));
        let tools: Vec<String> = listed["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect();
        assert!(tools.len() > 20, "{tools:?}");
        for tool in tools {
            answers.push((tool.clone(), mcp::call(&api.running, &tool, &json!({})).to_string()));
        }
        for (method, params) in [("resources/list", json!({})), ("prompts/list", json!({}))] {
            answers.push((method.to_owned(), mcp::ask(&api.running, method, params).to_string()));
        }
        self.running = api.running;
        self.running.token = own;
        let told: usize = answers.iter().filter(|(_, told)| told.contains(MARKS[whose])).count();
        assert!(told > 20, "too little of its own is told to mean anything: {told}");
        for (what, told) in answers {
            self.clean(whose, &what, &told);
        }
    }

    /// Gives every command to one.
    fn command_everything(&self, whose: usize) {
        for row in ROWS {
            let home = self.home.dir.path().join(NAMES[whose]).display().to_string();
            let words: Vec<String> = row
                .words
                .split(' ')
                .map(|word| word.replace('_', " ").replace("HOME", &home).replace("LONG", &"x".repeat(300)))
                .collect();
            if ["run", "login", "drill", "mcp", "doctor", "restore", "repair", "console"]
                .contains(&words[0].as_str())
            {
                continue;
            }
            let all: Vec<&str> =
                ["--tenant", NAMES[whose]].into_iter().chain(words.iter().map(String::as_str)).collect();
            let mut child = self
                .home
                .command(&all)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let _ = child.stdin.take().unwrap().write_all(row.input.as_bytes());
            let output = child.wait_with_output().unwrap();
            let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            self.clean(whose, row.words, &told);
        }
    }
}

/// A supervisor that is none: it holds a place.
fn idle() -> Running {
    let child = std::process::Command::new("sleep").arg("0").spawn().unwrap();
    Running { child, url: String::new(), token: String::new(), said: String::new() }
}

#[test]
fn two_tenants_hold_nothing_of_each_other_whatever_is_asked() {
    let mut two = Two::start();
    let mut dice = Dice::new(7);
    for _ in 0..3 {
        for _ in 0..120 {
            two.step(&mut dice);
        }
        for whose in 0..2 {
            two.ask_everything(whose);
        }
    }
    for whose in 0..2 {
        two.command_everything(whose);
        two.ask_everything(whose);
    }
    let (home, mut running) = (two.home, two.running);
    crate::support::program::terminate(&running.child);
    let mut said = String::new();
    std::io::Read::read_to_string(running.child.stderr.as_mut().unwrap(), &mut said).unwrap();
    for mark in MARKS {
        assert!(!said.contains(mark), "a log line tells of a tenant's own: {said}");
    }
    assert!(running.child.wait().unwrap().success());
    for whose in 0..2 {
        let kept = everything_below(&dir(&home, NAMES[whose]));
        let holds = |mark: &str| kept.windows(mark.len()).any(|window| window == mark.as_bytes());
        assert!(holds(MARKS[whose]) && !holds(MARKS[1 - whose]), "{}", NAMES[whose]);
    }
    let local = everything_below(&home.data());
    for mark in MARKS {
        assert!(!local.windows(mark.len()).any(|window| window == mark.as_bytes()), "local holds {mark}");
    }
}

/// With `--nocapture` it prints how long the other's answers took meanwhile.
#[test]
fn whatever_happens_to_one_tenant_s_actors_the_other_s_answer() {
    let two = Two::start();
    let actors = |whose: usize| send(&two.running, &two.tokens[whose], "GET", "/api/v1/actors", None).json();
    let paths: Vec<String> = actors(0)
        .as_array()
        .unwrap()
        .iter()
        .map(|actor| actor["path"].as_str().unwrap().to_owned())
        .filter(|path| path.contains("alpha/"))
        .collect();
    assert!(paths.len() > 15, "{paths:?}");
    let begun = std::time::Instant::now();
    let ask = || {
        let begun = std::time::Instant::now();
        let answer = send(&two.running, &two.tokens[1], "GET", "/api/v1/status", None);
        assert_eq!(answer.status, 200, "{answer:?}");
        begun.elapsed()
    };
    let mut quiet: Vec<_> = (0..100).map(|_| ask()).collect();
    let mut beside = Vec::new();
    for path in paths.iter().cycle().take(60) {
        let body = json!({ "actor": path });
        send(&two.running, &two.tokens[0], "POST", "/api/v1/drill", Some(&body));
        beside.push(ask());
        let set = two.send(1, "PUT", "/api/v1/budgets/calm", &json!({ "amount_usd": "9", "ending_days": 0 }));
        assert_eq!(set, 200);
        assert!(begun.elapsed() < BOUND);
    }
    quiet.sort();
    beside.sort();
    println!(
        "median of beta: {:?} alone, {:?} while alpha's actors panic",
        quiet[quiet.len() / 2],
        beside[beside.len() / 2]
    );
    let restarts = |whose: usize| -> u64 {
        actors(whose).as_array().unwrap().iter().map(|actor| actor["restarts"].as_u64().unwrap()).sum()
    };
    assert_eq!(restarts(1), 0, "nothing of the other's was restarted");
    let local = two.running.get("/api/v1/actors").json();
    assert!(local.as_array().unwrap().iter().all(|actor| actor["restarts"] == 0), "{local}");
}
