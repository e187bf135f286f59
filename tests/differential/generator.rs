//! Small corpora of transcripts, made from a seed, in which everything meets everything: what streams, forks, resumes,
//! repeats, wraps, is odd, is refused or is no call at all. What they add up to is the reference's business.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::noise;
use super::reference::{Files, Object};

/// What is new or has grown before an import: the path below `projects/`, and all bytes that the file has by then.
pub type Step = Vec<(PathBuf, Vec<u8>)>;

/// What is there in the end.
pub fn files(steps: &[Step]) -> Files {
    steps.iter().flatten().cloned().collect()
}

/// A line before it is written.
#[derive(Clone)]
pub enum Line {
    /// Milliseconds since the epoch, and the line.
    Told(i64, Object),
    Rubbish(Vec<u8>),
}

/// A file before it is written.
pub struct Transcript {
    path: PathBuf,
    /// The session's own file, in a subagent's.
    main: Option<PathBuf>,
    session: String,
    cwd: Option<String>,
    is_side: bool,
    pub at_ms: i64,
    pub lines: Vec<Line>,
}

/// No session begins after this, 2026-11-12; copies add some days at most, so that all is past on 2026-11-20.
const LATEST_MS: i64 = 1_794_441_600_000;
const DAY_MS: i64 = 86_400_000;

const FOLDERS: [&str; 5] = ["/w/alpha", "/w/beta", "/w/größe", "C:\\w\\alpha", "/home/ada/my project"];

pub struct Maker {
    pub random: SmallRng,
    named: u64,
}

/// The steps in which a seed's corpus is imported.
pub fn corpus(seed: u64) -> Vec<Step> {
    let mut maker = Maker { random: SmallRng::seed_from_u64(seed), named: 0 };
    let mut mains: Vec<Transcript> = Vec::new();
    let mut sides = Vec::new();
    let mut lost = Vec::new();
    for _ in 0..maker.random.random_range(1..=4) {
        let mut main = match mains.len() {
            0 => maker.session(),
            _ if maker.one_in(3) => maker.session(),
            known => {
                let copied = maker.random.random_range(0..known);
                maker.copy(&mains[copied])
            }
        };
        for _ in 0..maker.random.random_range(1..=12) {
            if maker.one_in(2) {
                let line = noise::line(&mut maker, &main);
                main.lines.push(line);
            }
            maker.call(&mut main);
        }
        if maker.one_in(3) {
            sides.push(maker.subagent(&mut main));
            // A session of which only the subagent is left.
            if maker.one_in(8) {
                lost.push(main.path.clone());
            }
        }
        if maker.one_in(6) {
            main.lines.shuffle(&mut maker.random);
        }
        mains.push(main);
    }
    mains.retain(|main| !lost.contains(&main.path));
    mains.extend(sides);
    maker.split(&mains)
}

pub fn set(object: &mut Object, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}

/// Of a literal that is one.
pub fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

impl Maker {
    pub fn one_in(&mut self, number: u32) -> bool {
        self.random.random_range(0..number) == 0
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.random.random_range(0..list.len())].clone()
    }

    /// A name of its own, whose place among others is by chance.
    pub fn name(&mut self, prefix: &str) -> String {
        self.named += 1;
        format!("{prefix}{:08x}-{}", self.random.random::<u32>(), self.named)
    }

    /// A session without a call so far.
    fn session(&mut self) -> Transcript {
        let cwd = if self.one_in(10) { None } else { Some(self.pick(&FOLDERS).to_owned()) };
        let folder = cwd.as_deref().unwrap_or("/nowhere");
        let folder = folder.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let session = self.name("");
        let mut begun = Transcript {
            path: PathBuf::from(format!("{folder}/{session}.jsonl")),
            main: None,
            session,
            cwd,
            is_side: false,
            at_ms: LATEST_MS - self.random.random_range(0..12 * DAY_MS),
            lines: Vec::new(),
        };
        for _ in 0..self.random.random_range(0..3) {
            let trap = noise::without_cwd(self);
            begun.lines.push(trap);
        }
        begun
    }

    /// Another session that begins with what one has said: a fork, which tells so, or a resumed one, which does not.
    fn copy(&mut self, of: &Transcript) -> Transcript {
        let mut copy = self.session();
        let is_fork = self.random.random_bool(0.6);
        let is_elsewhere = self.one_in(3);
        let later_ms = if is_fork { 0 } else { self.pick(&[0, 0, 500, 3_600_000, DAY_MS]) };
        let is_smaller = !is_fork && self.one_in(2);
        let until = self.random.random_range(1..=of.lines.len());
        for line in &of.lines[..until] {
            let Line::Told(at_ms, line) = line else { continue };
            if line.get("type").is_some_and(|kind| kind == "progress") {
                continue;
            }
            let (at_ms, mut line) = (at_ms + later_ms, line.clone());
            let origin = line.insert("sessionId".to_owned(), json!(copy.session));
            if is_fork {
                let origin = origin.unwrap_or_else(|| json!(of.session));
                let odd =
                    [json!(null), json!({}), json!({"sessionId": ""}), json!({"sessionId": copy.session})];
                let odd = self.one_in(12).then(|| self.pick(&odd));
                set(
                    &mut line,
                    "forkedFrom",
                    odd.unwrap_or_else(|| json!({"sessionId": origin, "messageUuid": "u"})),
                );
            }
            if later_ms > 0 || self.one_in(12) {
                set(&mut line, "timestamp", self.stamp(at_ms));
            }
            if is_elsewhere && line.contains_key("cwd") {
                set(&mut line, "cwd", copy.cwd.clone());
            }
            let usage = line.get_mut("message").and_then(|message| message.get_mut("usage"));
            if let Some(usage) = usage.and_then(Value::as_object_mut).filter(|_| is_smaller) {
                set(usage, "output_tokens", 1);
            }
            copy.at_ms = copy.at_ms.max(at_ms);
            copy.lines.push(Line::Told(at_ms, line));
        }
        copy
    }

    /// A subagent's file: calls of its own, which the main file may repeat, and calls of the main file told again.
    fn subagent(&mut self, main: &mut Transcript) -> Transcript {
        let below = self.pick(&["", "", "deep/", "workflows/wf-1/"]);
        let name = self.name("agent-");
        let mut side = Transcript {
            path: main.path.with_extension("").join(format!("subagents/{below}{name}.jsonl")),
            main: Some(main.path.clone()),
            session: main.session.clone(),
            cwd: if self.one_in(3) { Some("/w/side".to_owned()) } else { main.cwd.clone() },
            is_side: true,
            at_ms: main.at_ms,
            lines: Vec::new(),
        };
        for _ in 0..self.random.random_range(1..=3) {
            self.call(&mut side);
        }
        for line in side.lines.clone() {
            if let Line::Told(_, line) = line
                && self.one_in(2)
            {
                self.progress(main, line);
            }
        }
        for line in main.lines.clone() {
            let Line::Told(at_ms, mut line) = line else { continue };
            if !line.contains_key("message") || !self.one_in(6) {
                continue;
            }
            let at_ms = at_ms + self.pick(&[0, 0, 5_000, DAY_MS]);
            set(&mut line, "isSidechain", true);
            set(&mut line, "requestId", self.name("req_"));
            set(&mut line, "timestamp", self.stamp(at_ms));
            side.lines.push(Line::Told(at_ms, line));
        }
        side
    }

    /// The main file's word on a subagent's line. What the inner line leaves out, the outer one has.
    fn progress(&mut self, main: &mut Transcript, mut inner: Object) {
        inner.remove("forkedFrom");
        for name in ["timestamp", "sessionId", "cwd"] {
            match self.random.random_range(0..4) {
                0 => drop(inner.remove(name)),
                1 => set(&mut inner, name, Value::Null),
                _ => {}
            }
        }
        let mut outer = self.head(main, "progress");
        if let Some(cwd) = &main.cwd {
            set(&mut outer, "cwd", cwd.as_str());
        } else {
            inner.remove("cwd");
        }
        if !inner.contains_key("uuid") {
            outer.remove("uuid");
        }
        set(&mut outer, "data", json!({"type": "agent_progress", "prompt": "go on", "message": inner}));
        main.lines.push(Line::Told(main.at_ms, outer));
    }

    /// What every line of a session has.
    pub fn head(&mut self, of: &Transcript, kind: &str) -> Object {
        let mut line = object(json!({"parentUuid": null, "userType": "external", "version": "2.1.240"}));
        set(&mut line, "type", kind);
        set(&mut line, "uuid", self.name("u-"));
        set(&mut line, "timestamp", self.stamp(of.at_ms));
        if !self.one_in(12) {
            set(&mut line, "isSidechain", of.is_side || self.one_in(15));
        }
        if !self.one_in(40) {
            set(&mut line, "sessionId", of.session.as_str());
        }
        if let Some(cwd) = of.cwd.as_deref().filter(|_| !self.one_in(10)) {
            let slash = if cwd.contains('\\') { '\\' } else { '/' };
            let cwd = match self.random.random_range(0..12) {
                0 => "/w/elsewhere".to_owned(),
                1 | 2 => format!("{cwd}{slash}sub"),
                _ => cwd.to_owned(),
            };
            set(&mut line, "cwd", cwd);
        }
        line
    }

    /// The files, written and cut into the steps of their import: any file may come at any time and grow by whole
    /// lines or by half ones, but a subagent's never comes before its main one, and the line that tells where a
    /// session began is there from the beginning.
    fn split(&mut self, transcripts: &[Transcript]) -> Vec<Step> {
        let count = self.random.random_range(1..=4);
        let mut steps = vec![Step::new(); count];
        let mut came: BTreeMap<&PathBuf, usize> = BTreeMap::new();
        for transcript in transcripts {
            let (bytes, least) = self.write(&transcript.lines);
            let earliest = transcript.main.as_ref().and_then(|main| came.get(main)).copied().unwrap_or(0);
            let first = self.random.random_range(earliest..count);
            came.insert(&transcript.path, first);
            let mut cuts: Vec<usize> = (first + 1..count).map(|_| self.cut(&bytes, least)).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            cuts.dedup();
            for (step, cut) in (first..).zip(cuts) {
                steps[step].push((transcript.path.clone(), bytes[..cut].to_vec()));
            }
        }
        for step in &mut steps {
            step.shuffle(&mut self.random);
        }
        steps.retain(|step| !step.is_empty());
        steps
    }

    fn cut(&mut self, bytes: &[u8], least: usize) -> usize {
        let cut = self.random.random_range(least..=bytes.len());
        if self.one_in(2) {
            return cut;
        }
        bytes[..cut].iter().rposition(|&byte| byte == b'\n').map_or(least, |end| least.max(end + 1))
    }
}
