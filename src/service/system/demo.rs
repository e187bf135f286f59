//! Sample data: a month of a small team's transcripts, generated for the current day.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::domain::budget::{Budget, BudgetCommand, Scope, Thresholds};
use crate::domain::calendar::Period;
use crate::domain::money::Picodollars;
use crate::files::own;
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::runtime::node::Node;

/// Days of sample data.
const DAYS: i64 = 30;
const PROJECTS: [&str; 3] = ["/home/ada/engine", "/home/ada/notes", "/home/ada/website"];
const MODELS: [&str; 3] = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"];

/// The sample's directory, deleted on drop.
pub struct Demo(PathBuf);

impl Demo {
    /// Writes the sample to a new temporary directory.
    ///
    /// # Errors
    /// An error of the file system.
    pub fn make() -> std::io::Result<Self> {
        let name = format!("mecris-demo-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let demo = Self(std::env::temp_dir().join(name));
        // In a directory that everyone can write to, an existing directory may be a trap.
        own::new_dir(&demo.0)?;
        let mut random = SmallRng::seed_from_u64(1843);
        let now = Timestamp::now();
        for day in 0..DAYS {
            for (number, project) in PROJECTS.iter().enumerate() {
                if random.random_bool(0.6) {
                    let session = format!("{day:02}{number}5a1e-0000-4000-8000-00000000demo");
                    let dir = demo.claude_dir().join("projects").join(project.replace('/', "-"));
                    own::dir(&dir)?;
                    let start = now - SignedDuration::from_hours(24 * day + 2);
                    let text = session_text(&mut random, &session, project, start);
                    own::make(&dir.join(format!("{session}.jsonl")))?.write_all(text.as_bytes())?;
                }
            }
        }
        Ok(demo)
    }

    /// The data directory for the sample's log.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Replaces `~/.claude`.
    #[must_use]
    pub fn claude_dir(&self) -> PathBuf {
        self.0.join("claude")
    }

    /// Sets a budget for the sample. Blocks.
    pub fn set_budget(node: &Node) {
        let Ok(name) = "main".parse() else { return };
        let budget = Budget {
            name,
            amount: Picodollars::usd(50),
            period: Period::Monthly,
            scope: Scope::default(),
            thresholds: Thresholds::default(),
        };
        let set = node.execute::<BudgetAggregate>(BudgetCommand::Set(budget), Timestamp::now(), "demo");
        if let Err(error) = set {
            tracing::warn!(%error, "the sample has no budget");
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // If this fails, the system clears its temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn session_text(random: &mut SmallRng, session: &str, project: &str, start: Timestamp) -> String {
    let model = MODELS[random.random_range(0..MODELS.len())];
    let mut text = String::new();
    let mut at = start;
    let mut context: u64 = random.random_range(8_000..20_000);
    for turn in 0..random.random_range(4..24) {
        at += SignedDuration::from_secs(random.random_range(20..240));
        let (added, output) = (random.random_range(200..4_000_u64), random.random_range(80..1_800_u64));
        let side = random.random_bool(0.15);
        let _ = writeln!(
            text,
            r#"{{"type":"assistant","sessionId":"{session}","cwd":"{project}","isSidechain":{side},"timestamp":"{at}","uuid":"{session}-{turn}","requestId":"req_{session}_{turn}","message":{{"id":"msg_{session}_{turn}","type":"message","role":"assistant","model":"{model}","content":[],"usage":{{"input_tokens":{input},"output_tokens":{output},"cache_creation_input_tokens":{added},"cache_read_input_tokens":{context},"service_tier":"standard"}}}}}}"#,
            input = random.random_range(3..60),
        );
        context += added + output;
    }
    text
}
