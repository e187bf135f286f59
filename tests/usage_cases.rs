//! Cases from the field: what users of neighbouring tools reported of counting and pricing, and siblings that nobody gave.
//!
//! The inputs of the given ones lie in `tests/data/usage`, logs that a program before them wrote in
//! `tests/data/usage_logs`. What is right was reckoned by hand from the prices of the day.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use mecris::domain::money::Picodollars;
use serde_json::{Value, json};

use crate::support::program::Home;

#[path = "usage_cases/aliases.rs"]
mod aliases;
#[path = "usage_cases/given.rs"]
mod given;
#[path = "usage_cases/identity.rs"]
mod identity;
#[path = "usage_cases/iterations.rs"]
mod iterations;
#[path = "usage_cases/lines.rs"]
mod lines;
#[path = "usage_cases/names.rs"]
mod names;
#[path = "usage_cases/owners.rs"]
mod owners;
#[path = "usage_cases/prices.rs"]
mod prices;
#[path = "usage_cases/projects.rs"]
mod projects;
#[path = "usage_cases/refused.rs"]
mod refused;
#[path = "usage_cases/repricing.rs"]
mod repricing;
#[path = "usage_cases/unpriced.rs"]
mod unpriced;

const SONNET: &str = "anthropic/claude-sonnet-4-5";
/// What a [`call`] is, as [`Sum`] shows it.
const ONE: &str = "1 call, 1000 in, 1000 out, 0.018 USD";
const TWO: &str = "2 calls, 2000 in, 2000 out, 0.036 USD";
const THREE: &str = "3 calls, 3000 in, 3000 out, 0.054 USD";

/// A line of a transcript that tells of a call.
#[derive(Clone)]
struct Call(Value);

/// A call of 1000 and 1000 tokens to Sonnet 4.5, in session `s` at `/w/a`, where nothing else is said.
fn call(id: &str) -> Call {
    Call(json!({
        "type": "assistant",
        "uuid": format!("u-{id}"),
        "sessionId": "s",
        "cwd": "/w/a",
        "isSidechain": false,
        "timestamp": "2026-11-10T10:00:00Z",
        "requestId": format!("req_{id}"),
        "message": {
            "id": id, "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
            "usage": {"input_tokens": 1000, "output_tokens": 1000},
        },
    }))
}

impl Call {
    /// With this part of the line.
    fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    /// With this part of `message.usage`.
    fn usage(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0["message"]["usage"][name] = value.into();
        self
    }

    /// Without this part of the line.
    fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(name);
        self
    }

    /// Known by its uuid alone.
    fn without_id(mut self) -> Self {
        self.0["message"].as_object_mut().unwrap().remove("id");
        self
    }

    fn at(self, timestamp: impl Into<Value>) -> Self {
        self.field("timestamp", timestamp)
    }

    fn session(self, id: &str) -> Self {
        self.field("sessionId", id)
    }

    fn cwd(self, directory: &str) -> Self {
        self.field("cwd", directory)
    }

    fn request(self, id: &str) -> Self {
        self.field("requestId", id)
    }

    fn model(mut self, name: &str) -> Self {
        self.0["message"]["model"] = name.into();
        self
    }

    fn tokens(self, input: u64, output: u64) -> Self {
        self.usage("input_tokens", input).usage("output_tokens", output)
    }

    /// Told by a subagent.
    fn sidechain(self) -> Self {
        self.field("isSidechain", true).field("agentId", "agent-1")
    }

    /// A copy that a fork of this session begins with.
    fn forked_from(self, session: &str) -> Self {
        let uuid = self.0["uuid"].clone();
        self.field("forkedFrom", json!({"sessionId": session, "messageUuid": uuid}))
    }

    /// As a line of its session's progress repeats it.
    fn in_progress(self) -> Self {
        let mut line = json!({"type": "progress", "uuid": "u-progress"});
        for name in ["sessionId", "cwd", "timestamp"] {
            line[name] = self.0[name].clone();
        }
        line["data"] = json!({"type": "agent_progress", "message": self.0});
        Self(line)
    }

    fn line(&self) -> String {
        format!("{}\n", self.0)
    }
}

/// The lines of these calls.
fn file(calls: &[Call]) -> String {
    calls.iter().map(Call::line).collect()
}

/// Imports; no line and no file is bad.
#[track_caller]
fn import(home: &Home) -> Value {
    let imported = home.json(&["import"]);
    assert_eq!((&imported["bad_lines"], &imported["bad_files"]), (&json!(0), &json!(0)), "{imported}");
    imported
}

/// A home with one transcript of these calls, imported.
#[track_caller]
fn home_with(calls: &[Call]) -> Home {
    let home = Home::new();
    home.transcript("a.jsonl", file(calls));
    import(&home);
    home
}

/// A home into which these transcripts came one after another, with an import after each.
#[track_caller]
fn home_in_steps(steps: &[Vec<Call>]) -> Home {
    let home = Home::new();
    for (number, calls) in steps.iter().enumerate() {
        home.transcript(&format!("step-{number}.jsonl"), file(calls));
        import(&home);
    }
    home
}

/// Below `tests/data`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// A home with the transcripts of a case, not imported yet.
fn home_of(case: &str) -> Home {
    let home = Home::new();
    copy(&data("usage").join(case), &home.claude());
    home
}

/// Puts these models over those of the bundled price table.
fn write_prices(home: &Home, models: &Value) {
    let config = home.dir.path().join(".config/mecris");
    fs::create_dir_all(&config).unwrap();
    let prices = config.join("prices.json");
    fs::write(&prices, json!({ "models": models }).to_string()).unwrap();
    fs::write(config.join("config.toml"), format!("prices = \"{}\"\n", prices.display())).unwrap();
}

/// Prices of 1 and 2 USD a million tokens in and out, and of nothing else.
fn bare_prices() -> Value {
    json!({"tiers": [{"above_prompt_tokens": 0, "input": "1", "output": "2"}]})
}

/// What a report says of some calls, added up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    counts: [u64; 9],
    cost: Option<Picodollars>,
}

/// By their names in reports, and as they are shown here; those before the cost, and those after it.
const COUNTS: [(&str, &str); 9] = [
    ("messages", "calls"),
    ("input_tokens", "in"),
    ("output_tokens", "out"),
    ("cache_write_5m_tokens", "5m"),
    ("cache_write_1h_tokens", "1h"),
    ("cache_read_tokens", "read"),
    ("web_searches", "searches"),
    ("unpriced_messages", "unpriced"),
    ("partly_priced_messages", "partly priced"),
];
const BEFORE_COST: usize = 7;

impl Sum {
    fn of(lines: &[Value]) -> Self {
        let mut sum = Self::default();
        for line in lines {
            for (count, (name, _)) in sum.counts.iter_mut().zip(COUNTS) {
                *count += line[name].as_u64().unwrap_or(0);
            }
            if let Some(usd) = line["cost_usd"].as_str() {
                let usd = Picodollars::parse(usd).unwrap();
                sum.cost = Some(sum.cost.map_or(usd, |so_far| so_far + usd));
            }
        }
        sum
    }
}

/// Such as `2 calls, 10 in, 20 out, 0.018 USD, 1 unpriced`.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |index: usize| {
            let (count, (name, word)) = (self.counts[index], COUNTS[index]);
            let word = if name == "messages" && count == 1 { "call" } else { word };
            (count > 0).then(|| format!("{count} {word}"))
        };
        let cost = self.cost.map_or_else(|| "no price".to_owned(), |cost| format!("{} USD", cost.exact()));
        let before = (0..BEFORE_COST).filter_map(shown);
        let parts: Vec<String> =
            before.chain([cost]).chain((BEFORE_COST..COUNTS.len()).filter_map(shown)).collect();
        f.write_str(&parts.join(", "))
    }
}

/// What all calls add up to.
fn total(home: &Home) -> String {
    Sum::of(&[home.json(&["report", "model"])["total"].clone()]).to_string()
}

/// Each group's sum in `report daily`, `project`, `session` or `model`; models as `provider/model`.
#[track_caller]
fn groups(home: &Home, by: &str) -> BTreeMap<String, String> {
    let report = home.json(&["report", by]);
    let (list, name) = match by {
        "daily" => ("days", "day"),
        "project" => ("projects", "project"),
        "session" => ("sessions", "session"),
        _ => ("models", "model"),
    };
    let (mut told, mut all) = (BTreeMap::new(), Vec::new());
    for group in report[list].as_array().unwrap() {
        let name = group[name].as_str().unwrap();
        let (name, lines) = match group["models"].as_array() {
            Some(lines) => (name.to_owned(), lines.clone()),
            None => (format!("{}/{name}", group["provider"].as_str().unwrap()), vec![group.clone()]),
        };
        assert!(told.insert(name, Sum::of(&lines).to_string()).is_none(), "a group stands twice: {report}");
        all.extend(lines);
    }
    if !all.is_empty() {
        assert_eq!(Sum::of(&all), Sum::of(&[report["total"].clone()]), "the total of {report}");
    }
    told
}

/// Holds all groups of a report against what is right.
#[track_caller]
fn assert_report(home: &Home, by: &str, right: &[(&str, &str)]) {
    let right: BTreeMap<String, String> =
        right.iter().map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned())).collect();
    assert_eq!(groups(home, by), right, "by {by}");
}

/// Asks for JSON where the exit code is part of the answer.
fn ask(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let said = home.run(&[arguments, &["--json"]].concat());
    let answer = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    (said.code, answer)
}

/// Sets a budget of 100 USD for November 2026, with these options, and tells what was used of it.
#[track_caller]
fn used_of_november(home: &Home, options: &[&str]) -> String {
    let set = ["budget", "set", "--name", "november", "--amount", "100", "--from", "2026-11-01"];
    let budgets = home.json(&[&set[..], &["--until", "2026-11-30"], options].concat());
    let lines = budgets["budgets"].as_array().unwrap();
    let line = lines.iter().find(|line| line["name"] == "november").unwrap();
    line["used_usd"].as_str().unwrap().to_owned()
}
