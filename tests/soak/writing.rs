//! Transcripts that grow, and the truth about them: what each call was meant to be, told apart from the reader.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// Files that grow side by side.
const FILES: usize = 6;
/// A file of so many bytes is rotated.
const FILE_BYTES_MAX: usize = 1_000_000;
/// Rotated files that stay; older ones are deleted.
const ROTATED_MAX: usize = 12;
/// How often something happens to one of the files.
const TURN: Duration = Duration::from_millis(1_300);

/// The models, and what a token costs in picodollars: input, output, cache writes of five minutes and of an hour, reads.
const MODELS: [(&str, [i128; 5]); 2] = [
    ("claude-opus-5", [5_000_000, 25_000_000, 6_250_000, 10_000_000, 500_000]),
    ("claude-haiku-4-5", [1_000_000, 5_000_000, 1_250_000, 2_000_000, 100_000]),
];

/// What all calls add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truth {
    pub messages: u64,
    /// In the order of the prices.
    pub tokens: [u64; 5],
    pub cost_pico: i128,
}

impl Truth {
    fn add(&mut self, (_, prices): &(&str, [i128; 5]), tokens: [u64; 5]) {
        self.messages += 1;
        for (sum, (count, price)) in self.tokens.iter_mut().zip(tokens.into_iter().zip(prices)) {
            *sum += count;
            self.cost_pico += i128::from(count) * price;
        }
    }

    /// As the API and the program tell it.
    pub fn told(total: &Value) -> Self {
        let number = |name: &str| total[name].as_u64().unwrap_or_else(|| panic!("{name}: {total}"));
        let names = [
            "input_tokens",
            "output_tokens",
            "cache_write_5m_tokens",
            "cache_write_1h_tokens",
            "cache_read_tokens",
        ];
        let cost = total["cost_usd"].as_str().unwrap_or("0");
        let cost_pico = mecris::domain::money::Picodollars::parse(cost).unwrap().0;
        Self { messages: number("messages"), tokens: names.map(number), cost_pico }
    }
}

/// A file that grows.
struct Growing {
    path: PathBuf,
    session: String,
    /// What it holds.
    text: Vec<u8>,
    /// Lines of calls that are not told to their end yet, the next last.
    ahead: Vec<String>,
    /// The second half of a line.
    torn: Vec<u8>,
}

/// See the module.
pub struct Writing {
    dir: PathBuf,
    random: SmallRng,
    files: Vec<Growing>,
    rotated: Vec<PathBuf>,
    next: u64,
    turns: u32,
    turned_at: Instant,
    pub lines: u64,
    /// What is told so far, once every call that has begun is told to its end.
    pub truth: Truth,
}

/// What happens to a file, one after the other.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// It goes away under another name, and a new one begins.
    Rotate,
    /// Another one with the same contents takes its place.
    Replace,
    /// Its contents are copied away, and it is cut off.
    CopyAndCut,
    /// It is cut off, and begins anew; only once all of it has been read.
    Cut,
    /// It is deleted, and begins anew; only once all of it has been read.
    Delete,
    /// It is hidden behind a FIFO, and comes back.
    Hide,
}

const TURNS: [Turn; 6] = [Turn::Rotate, Turn::Replace, Turn::CopyAndCut, Turn::Cut, Turn::Hide, Turn::Delete];

impl Writing {
    pub fn begin(claude: &Path, seed: u64) -> Self {
        let dir = claude.join("projects/-home-ada-soak");
        fs::create_dir_all(&dir).unwrap();
        let mut writing = Self {
            dir,
            random: SmallRng::seed_from_u64(seed),
            files: Vec::new(),
            rotated: Vec::new(),
            next: 0,
            turns: 0,
            turned_at: Instant::now(),
            lines: 0,
            truth: Truth::default(),
        };
        for number in 0..FILES {
            let path = writing.dir.join(format!("live-{number}.jsonl"));
            let session = format!("session-{number}");
            let (text, ahead, torn) = (Vec::new(), Vec::new(), Vec::new());
            writing.files.push(Growing { path, session, text, ahead, torn });
        }
        writing
    }

    /// A session of its own that has spent five dollars.
    pub fn dear(&mut self, session: &str) {
        let mut text = String::new();
        for _ in 0..2 {
            self.next += 1;
            let tokens = [0, 100_000, 0, 0, 0];
            text += &line(self.next, session, &MODELS[0], tokens, "dear");
            self.truth.add(&MODELS[0], tokens);
            self.lines += 1;
        }
        fs::write(self.dir.join("dear.jsonl"), text).unwrap();
    }

    /// Writes so many lines, to files that are chosen by lot.
    pub fn write(&mut self, count: u64) {
        for _ in 0..count {
            let at = self.random.random_range(0..FILES);
            if self.files[at].ahead.is_empty() {
                self.call(at);
            }
            let line = self.files[at].ahead.pop().unwrap();
            let mut bytes = std::mem::take(&mut self.files[at].torn);
            bytes.extend_from_slice(line.as_bytes());
            // Now and then only the half of a line is there for a while.
            if self.random.random_range(0..20) == 0 {
                self.files[at].torn = bytes.split_off(bytes.len() - line.len() / 2);
            }
            self.files[at].append(&bytes);
            self.lines += 1;
        }
    }

    /// One call, on one to three lines with a word of the person's between, told with growing output.
    fn call(&mut self, at: usize) {
        self.next += 1;
        let model = &MODELS[self.random.random_range(0..MODELS.len())];
        let tokens = [(1, 400), (20, 900), (0, 200), (0, 90), (0, 3_000)]
            .map(|(least, most)| self.random.random_range(least..most));
        self.truth.add(model, tokens);
        let words = "weaves algebraic patterns ".repeat(self.random.random_range(1..40));
        let session = self.files[at].session.clone();
        let parts = self.random.random_range(1..=3);
        let mut lines: Vec<String> = (1..=parts)
            .map(|part| {
                let output = if part == parts { tokens[1] } else { tokens[1] * part / (parts + 1) };
                let [input, _, five, hour, read] = tokens;
                line(self.next, &session, model, [input, output, five, hour, read], &words)
            })
            .collect();
        // A resumed session repeats what another file has told.
        if self.random.random_range(0..20) == 0 {
            let last = lines[lines.len() - 1].clone();
            let other = (at + 1) % FILES;
            self.files[other].ahead.insert(0, last);
        }
        lines.push(
            json!({"type": "user", "sessionId": session, "message": {"content": words}}).to_string() + "\n",
        );
        lines.reverse();
        self.files[at].ahead.extend(lines);
    }

    /// What is due to happen to a file now; where all must have been read before, the caller waits for that.
    pub fn turn(&mut self) -> Option<(usize, Turn)> {
        let full = self.files.iter().position(|file| file.text.len() > FILE_BYTES_MAX);
        if let Some(full) = full {
            return Some((full, Turn::Rotate));
        }
        if self.turned_at.elapsed() < TURN {
            return None;
        }
        self.turned_at = Instant::now();
        self.turns += 1;
        let turn = TURNS[self.turns as usize % TURNS.len()];
        Some((self.turns as usize / TURNS.len() % FILES, turn))
    }

    /// Tells every call to its end.
    pub fn complete(&mut self) {
        for file in &mut self.files {
            let mut rest = std::mem::take(&mut file.torn);
            while let Some(line) = file.ahead.pop() {
                rest.extend_from_slice(line.as_bytes());
                self.lines += 1;
            }
            file.append(&rest);
        }
    }

    pub fn carry_out(&mut self, at: usize, turn: Turn) {
        let number = self.turns;
        let file = &mut self.files[at];
        // A line that is half written stays whole in the file in which it began.
        let torn = std::mem::take(&mut file.torn);
        file.append(&torn);
        let old = self.dir.join(format!("old-{number}-{at}-{}.jsonl", self.lines));
        let aside = self.dir.join(format!("aside-{at}.tmp"));
        match turn {
            Turn::Rotate => {
                fs::rename(&file.path, &old).unwrap();
                file.begin_anew(number);
                self.rotated.push(old);
            }
            Turn::CopyAndCut => {
                fs::copy(&file.path, &aside).unwrap();
                fs::rename(&aside, &old).unwrap();
                File::create(&file.path).unwrap();
                file.begin_anew(number);
                self.rotated.push(old);
            }
            Turn::Cut => {
                File::create(&file.path).unwrap();
                file.begin_anew(number);
            }
            Turn::Delete => {
                fs::remove_file(&file.path).unwrap();
                file.begin_anew(number);
            }
            Turn::Replace => {
                fs::write(&aside, &file.text).unwrap();
                fs::rename(&aside, &file.path).unwrap();
            }
            Turn::Hide => {
                fs::rename(&file.path, &aside).unwrap();
                let made = std::process::Command::new("mkfifo").arg(&file.path).status().unwrap();
                assert!(made.success());
                std::thread::sleep(Duration::from_millis(400));
                fs::remove_file(&file.path).unwrap();
                fs::rename(&aside, &file.path).unwrap();
            }
        }
    }

    /// Deletes old files; only once all has been read.
    pub fn tidy(&mut self) {
        while self.rotated.len() > ROTATED_MAX {
            fs::remove_file(self.rotated.remove(0)).unwrap();
        }
    }
}

impl Growing {
    fn append(&mut self, bytes: &[u8]) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        file.write_all(bytes).unwrap();
        self.text.extend_from_slice(bytes);
    }

    fn begin_anew(&mut self, number: u32) {
        self.text.clear();
        self.session = format!("session-{}-{number}", self.path.file_stem().unwrap().display());
        OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
    }
}

fn line(number: u64, session: &str, model: &(&str, [i128; 5]), tokens: [u64; 5], words: &str) -> String {
    let [input, output, five, hour, read] = tokens;
    let usage = json!({
        "input_tokens": input, "output_tokens": output, "cache_read_input_tokens": read,
        "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
    });
    let line = json!({
        "type": "assistant", "timestamp": jiff::Timestamp::now().to_string(), "sessionId": session,
        "cwd": "/home/ada/soak", "requestId": format!("req_{number}"),
        "message": {
            "id": format!("msg_{number}"), "role": "assistant", "model": model.0,
            "content": [{"type": "text", "text": words}], "usage": usage,
        },
    });
    format!("{line}\n")
}
