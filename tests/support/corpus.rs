//! Claude Code transcripts made from a seed, and the truth about them, told apart from the reader:
//! the generator knows what it meant each call to cost, not how a transcript is read.

use mecris::domain::naming::resolve;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Bytes in all, about.
    pub bytes: u64,
    /// Files in all, about.
    pub files: u64,
    /// Days before the last one that calls are spread over.
    pub days: u64,
    /// Of the random numbers.
    pub seed: u64,
}

/// The last second of the corpus: 2026-11-20T23:59:59Z.
const END: u64 = 1_795_219_199;

/// Seven kinds of numbers, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    pub messages: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_write_5m_tokens: u64,
    pub cache_write_1h_tokens: u64,
    pub cache_read_tokens: u64,
    pub web_searches: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_write_5m_tokens += other.cache_write_5m_tokens;
        self.cache_write_1h_tokens += other.cache_write_1h_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.web_searches += other.web_searches;
    }
}

/// One call as it was meant.
#[derive(Debug, Clone)]
struct Call {
    model: &'static str,
    project: String,
    session: String,
    /// Seconds since the epoch, of its last line.
    at: u64,
    counts: Counts,
}

/// What the corpus adds up to.
#[derive(Debug, Default)]
pub struct Truth {
    calls: HashMap<String, Call>,
    pub bytes: u64,
    pub files: u64,
}

impl Truth {
    fn by<K: Ord>(&self, key: impl Fn(&Call) -> K) -> BTreeMap<K, Counts> {
        let mut sums: BTreeMap<K, Counts> = BTreeMap::new();
        for call in self.calls.values() {
            sums.entry(key(call)).or_default().add(&call.counts);
        }
        sums
    }

    /// By (UTC day, model), each by the name that all its names share.
    pub fn by_day_and_model(&self) -> BTreeMap<(String, String), Counts> {
        self.by(|call| {
            let model = resolve("anthropic", call.model).model.into_owned();
            (stamp(call.at)[..10].to_owned(), model)
        })
    }

    /// By project.
    pub fn by_project(&self) -> BTreeMap<String, Counts> {
        self.by(|call| call.project.clone())
    }

    /// By session.
    pub fn by_session(&self) -> BTreeMap<String, Counts> {
        self.by(|call| call.session.clone())
    }

    /// Everything.
    pub fn total(&self) -> Counts {
        self.by(|_| ()).remove(&()).unwrap_or_default()
    }
}

const MODELS: [&str; 5] = [
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5-20250929",
    "claude-nobody-knows-9",
];

fn stamp(at: u64) -> String {
    jiff::Timestamp::from_second(at.cast_signed()).unwrap().to_string()
}

struct Maker {
    random: SmallRng,
    /// JSON-safe text to cut from.
    filler: String,
    /// Where the filler has blanks.
    blanks: Vec<usize>,
    truth: Truth,
    next_id: u64,
}

/// A transcript being written.
struct Session {
    id: String,
    project: String,
    at: u64,
    text: String,
    is_side: bool,
}

/// Writes a corpus below `dir/projects` and tells the truth about it.
pub fn write(dir: &Path, plan: Plan) -> Truth {
    let mut random = SmallRng::seed_from_u64(plan.seed);
    let filler = filler(&mut random);
    let blanks = memchr::memchr_iter(b' ', filler.as_bytes()).collect();
    let mut maker = Maker { random, filler, blanks, truth: Truth::default(), next_id: plan.seed << 32 };
    let size = (plan.bytes / plan.files.max(1)).max(4_000) as usize;
    let mut previous: Option<Session> = None;
    for number in 0..plan.files {
        let project = format!("/home/ada/project-{}", number % 23);
        let folder = dir.join("projects").join(project.replace('/', "-"));
        let id = format!("{number:08x}-seed-4{:03x}-8000-{:012x}", plan.seed % 4096, number * 7919);
        let day = maker.random.random_range(0..plan.days.max(1));
        let at = END - day * 86_400 - maker.random.random_range(3_600..86_000);
        let mut session = Session { id, project, at, text: String::new(), is_side: false };
        if let Some(copied) = previous.as_ref().filter(|_| number % 29 == 7) {
            // A resumed session: everything that was said before, and then some more.
            session.text.clone_from(&copied.text);
            session.at = copied.at;
        }
        maker.fill(&mut session, size);
        let path = folder.join(format!("{}.jsonl", session.id));
        if number % 5 == 3 {
            let side = maker.subagent(&mut session, size / 4);
            let below = folder.join(&session.id).join("subagents");
            maker.save(&below.join(format!("agent-{number:x}.jsonl")), &side);
        }
        maker.save(&path, &session.text);
        previous = Some(session);
    }
    maker.truth
}

fn filler(random: &mut SmallRng) -> String {
    let words = [
        "the",
        "engine",
        "weaves",
        "algebraic",
        "patterns",
        "just",
        "as",
        "the",
        "Jacquard",
        "loom",
        "webt",
        "Blüten",
        "und",
        "葉",
        "fn main() {}",
        "\\n",
        "\\\"usage\\\": {\\\"input_tokens\\\": 12}",
        "→",
        "let x = [1, 2, 3];",
    ];
    let mut text = String::with_capacity(1 << 20);
    while text.len() < 1 << 20 {
        text.push_str(words[random.random_range(0..words.len())]);
        text.push(' ');
    }
    text
}

impl Maker {
    fn save(&mut self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.truth.bytes += text.len() as u64;
        self.truth.files += 1;
    }

    /// Text of a transcript's usual lengths: mostly a kilobyte or two, now and then a hundred.
    fn words(&mut self) -> &str {
        let length = match self.random.random_range(0..100) {
            0 => self.random.random_range(60_000..140_000),
            1..=60 => self.random.random_range(200..2_000),
            _ => self.random.random_range(1_000..7_000),
        };
        // Text is cut at blanks, so that no escape and no character is cut.
        let after = |at: usize| self.blanks[self.blanks.partition_point(|&blank| blank < at)];
        let start = after(self.random.random_range(0..self.filler.len() - 2 * length));
        &self.filler[start..after(start + length)]
    }

    fn fill(&mut self, session: &mut Session, size: usize) {
        let size = session.text.len() + size;
        while session.text.len() < size {
            session.at += self.random.random_range(1..30);
            match self.random.random_range(0..20) {
                0 => Self::summary(session),
                1 => self.synthetic(session),
                2..=5 => self.tool_result(session),
                6..=9 => self.user(session),
                _ => self.call(session),
            }
        }
    }

    /// A subagent's own transcript, some of whose calls the main one repeats as progress.
    fn subagent(&mut self, main: &mut Session, size: usize) -> String {
        let mut side = Session {
            id: main.id.clone(),
            project: main.project.clone(),
            at: main.at,
            text: String::new(),
            is_side: true,
        };
        self.fill(&mut side, size);
        for line in side.text.lines().filter(|line| line.contains("\"requestId\"")).step_by(3) {
            let _ = writeln!(
                main.text,
                r#"{{"type":"progress","sessionId":"{}","cwd":"{}","timestamp":"{}","data":{{"type":"agent_progress","prompt":"go on","message":{line}}}}}"#,
                main.id,
                main.project,
                stamp(side.at)
            );
        }
        side.text
    }

    fn head(&mut self, session: &Session) -> String {
        self.next_id += 1;
        format!(
            r#""parentUuid":null,"isSidechain":{},"userType":"external","cwd":"{}","sessionId":"{}","version":"2.1.240","gitBranch":"main","uuid":"u-{}","timestamp":"{}""#,
            session.is_side,
            session.project,
            session.id,
            self.next_id,
            stamp(session.at)
        )
    }

    fn user(&mut self, session: &mut Session) {
        let head = self.head(session);
        let words = self.words();
        let _ = writeln!(
            session.text,
            r#"{{{head},"type":"user","message":{{"role":"user","content":"{words}"}}}}"#
        );
    }

    fn summary(session: &mut Session) {
        let _ = writeln!(
            session.text,
            r#"{{"type":"summary","summary":"On \"usage\" of looms","leafUuid":"u-1"}}"#
        );
    }

    fn tool_result(&mut self, session: &mut Session) {
        let head = self.head(session);
        let words = self.words();
        // The totals that a subagent's call reports back: they repeat what its own lines say.
        let _ = writeln!(
            session.text,
            r#"{{{head},"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","content":"{words}"}}]}},"toolUseResult":{{"status":"completed","totalTokens":99999,"usage":{{"input_tokens":77777,"output_tokens":88888,"cache_read_input_tokens":5}}}}}}"#
        );
    }

    fn synthetic(&mut self, session: &mut Session) {
        let head = self.head(session);
        let _ = writeln!(
            session.text,
            r#"{{{head},"type":"assistant","message":{{"id":"synthetic","model":"<synthetic>","role":"assistant","content":[],"usage":{{"input_tokens":0,"output_tokens":0}}}}}}"#
        );
    }

    /// One call, told on one to four lines.
    fn call(&mut self, session: &mut Session) {
        self.next_id += 1;
        let id = self.next_id;
        let model = MODELS[[0, 0, 0, 1, 1, 1, 2, 2, 3, 4][self.random.random_range(0..10)]];
        let lines = self.random.random_range(1..5_u64);
        let final_output = self.random.random_range(20..3_000_u64);
        let has_split = self.random.random_bool(0.8);
        let (five, hour) = (
            self.random.random_range(0..9_000),
            if has_split { self.random.random_range(0..900) } else { 0 },
        );
        // Not every model has a price for web searches.
        let may_search = !model.contains("haiku");
        let searches =
            if may_search && self.random.random_bool(0.03) { self.random.random_range(1..4) } else { 0 };
        let counts = Counts {
            messages: 1,
            input_tokens: self.random.random_range(1..400),
            output_tokens: final_output,
            cache_write_5m_tokens: five,
            cache_write_1h_tokens: hour,
            cache_read_tokens: self.random.random_range(0..150_000),
            web_searches: searches,
        };
        let split = if has_split {
            format!(
                r#","cache_creation":{{"ephemeral_5m_input_tokens":{five},"ephemeral_1h_input_tokens":{hour}}}"#
            )
        } else {
            String::new()
        };
        let tools = if searches > 0 {
            format!(r#","server_tool_use":{{"web_search_requests":{searches}}}"#)
        } else {
            String::new()
        };
        for line in 1..=lines {
            session.at += self.random.random_range(0..4);
            let output = if line == lines { final_output } else { final_output * line / (lines + 1) };
            let head = self.head(session);
            let end = if id.is_multiple_of(97) { "\r\n" } else { "\n" };
            let words = self.words();
            let _ = write!(
                session.text,
                r#"{{{head},"type":"assistant","requestId":"req_{id:x}","message":{{"id":"msg_{id:x}","type":"message","role":"assistant","model":"{model}","content":[{{"type":"text","text":"{words}"}}],"stop_reason":null,"usage":{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{}{split},"output_tokens":{output},"service_tier":"standard"{tools}}}}}}}{end}"#,
                counts.input_tokens,
                five + hour,
                counts.cache_read_tokens
            );
        }
        let call = Call {
            model,
            project: session.project.clone(),
            session: session.id.clone(),
            at: session.at,
            counts,
        };
        self.truth.calls.insert(format!("{id:x}"), call);
    }
}
