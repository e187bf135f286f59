//! A vault made from a seed, and the truth about it, told apart from the reader: the generator knows what it meant
//! each line to be, not how lines are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Notes in all, those that must not be read left out.
    pub notes: usize,
    /// Of the random numbers.
    pub seed: u64,
}

/// What is meant by all of it.
#[derive(Debug, Default)]
pub struct Truth {
    /// Each task as `mecris tasks --all --json` must show it, by note and line.
    pub tasks: BTreeMap<(String, u64), Value>,
    /// Each goal as `mecris vault --json` must show it, by note.
    pub goals: BTreeMap<String, Value>,
    /// The daily notes.
    pub daily: BTreeMap<Date, String>,
    /// Notes that are read.
    pub notes: BTreeSet<String>,
    /// Notes that are named as problems.
    pub problems: BTreeSet<String>,
    /// Bytes of all notes.
    pub bytes: usize,
}

const WORDS: &[&str] = &[
    "milk",
    "letter",
    "Straße",
    "naïve",
    "買い物",
    "牛乳",
    "Привет",
    "🥛",
    "buy",
    "call",
    "the",
    "bank",
    "a/b",
    "(maybe)",
    "**bold**",
    "`code`",
    "[[Some Note|alias]]",
    "https://example.com/x?y=1",
    "e\u{301}tude",
    "مرحبا",
];
const TAGS: &[&str] = &["#home", "#work/deep", "#日本語", "#y2026", "#a-b_c"];
/// The folder and the format of daily notes: in the tokens of moment.js, and as this generator writes them.
const DAILY: (&str, &str, &str) = ("Journal", "YYYY/MM-MMMM/YYYY-MM-DD [on] dddd", "%Y/%m-%B/%Y-%m-%d on %A");
const FIRST_DAY: Date = date(2024, 2, 20);

/// A note as it grows: its lines, and what is meant by them.
struct Draft {
    random: SmallRng,
    path: String,
    lines: Vec<String>,
    heading: Option<String>,
    tasks: Vec<(u64, Value)>,
    open: usize,
    closed: usize,
    /// Counts ids over the whole vault.
    ids: u64,
}

impl Draft {
    fn words(&mut self) -> String {
        let count = self.random.random_range(1..6);
        let words: Vec<&str> = (0..count).filter_map(|_| WORDS.choose(&mut self.random).copied()).collect();
        words.join(" ")
    }

    fn push(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn day(&mut self) -> Date {
        date(2026, 1, 1).saturating_add(i64::from(self.random.random_range(0..700_u32)).days())
    }

    /// A line that is a task, behind this prefix.
    fn task(&mut self, prefix: &str) {
        let marker = *["-", "*", "+", "1.", "23)"].choose(&mut self.random).unwrap();
        let (symbol, state) = *[
            (' ', "todo"),
            (' ', "todo"),
            (' ', "todo"),
            ('x', "done"),
            ('X', "done"),
            ('/', "in-progress"),
            ('-', "cancelled"),
            ('h', "on-hold"),
            ('?', "todo"),
        ]
        .choose(&mut self.random)
        .unwrap();
        let mut text = self.words();
        let is_dataview = self.random.random_bool(0.3);
        let mut meant = json!({
            "note": self.path, "heading": self.heading, "state": state, "symbol": symbol.to_string(),
            "priority": "none", "due": null, "scheduled": null, "start": null, "created": null, "done": null,
            "cancelled": null, "recurrence": null, "id": null, "depends_on": [],
        });
        let mut fields: Vec<String> = Vec::new();
        let dates = [
            ("due", "due", "📅"),
            ("due", "due", "🗓\u{fe0f}"),
            ("scheduled", "scheduled", "⏳"),
            ("start", "start", "🛫"),
            ("created", "created", "➕"),
            ("done", "completion", "✅"),
            ("cancelled", "cancelled", "❌"),
        ];
        for (name, key, sign) in dates {
            if meant[name].is_null() && self.random.random_bool(0.3) {
                let day = self.day();
                meant[name] = json!(day.to_string());
                fields.push(if is_dataview { format!("[{key}:: {day}]") } else { format!("{sign} {day}") });
            }
        }
        if self.random.random_bool(0.3) {
            let (word, sign) =
                *[("highest", "🔺"), ("high", "⏫"), ("medium", "🔼"), ("low", "🔽"), ("lowest", "⏬")]
                    .choose(&mut self.random)
                    .unwrap();
            meant["priority"] = json!(word);
            fields.push(if is_dataview { format!("(priority:: {word})") } else { sign.to_owned() });
        }
        if self.random.random_bool(0.15) {
            let rule = "every 2 weeks on Monday";
            meant["recurrence"] = json!(rule);
            fields.push(if is_dataview { format!("[repeat:: {rule}]") } else { format!("🔁 {rule}") });
        }
        if self.random.random_bool(0.1) {
            self.ids += 1;
            let id = format!("t-{}", self.ids);
            fields.push(if is_dataview { format!("[id:: {id}]") } else { format!("🆔 {id}") });
            meant["id"] = json!(id);
        }
        if self.random.random_bool(0.05) {
            meant["depends_on"] = json!(["nobody", "no_one"]);
            fields.push(if is_dataview {
                "[dependsOn:: nobody, no_one]".into()
            } else {
                "⛔ nobody,no_one".into()
            });
        }
        if self.random.random_bool(0.3) {
            // A tag among the fields is one of the words.
            let tag = *TAGS.choose(&mut self.random).unwrap();
            let at = self.random.random_range(0..=fields.len());
            fields.insert(at, tag.to_owned());
            text = format!("{text} {tag}");
        }
        let fields = fields.join(" ");
        let mut line = format!("{prefix}{marker} [{symbol}] {}", text_before(&text));
        for part in [fields.as_str()] {
            if !part.is_empty() {
                line = format!("{line} {part}");
            }
        }
        if self.random.random_bool(0.05) {
            line += " ^block-1";
        }
        meant["text"] = json!(text);
        self.push(line);
        let number = self.lines.len() as u64;
        meant["line"] = json!(number);
        if matches!(state, "done" | "cancelled") {
            self.closed += 1;
        } else {
            self.open += 1;
        }
        self.tasks.push((number, meant));
    }

    fn fence(&mut self) {
        let fence = *["```", "~~~", "````", "```tasks"].choose(&mut self.random).unwrap();
        self.push(fence);
        self.push("- [ ] in code 📅 2026-01-01");
        self.push("# no heading #notag");
        if fence == "````" {
            self.push("```");
            self.push("- [ ] still in code");
        }
        self.push(fence.trim_end_matches("tasks"));
        self.push("");
    }

    fn block(&mut self) {
        match self.random.random_range(0..12) {
            0 => {
                let text = self.words();
                let text = text.replace('#', "");
                self.push("");
                self.push(format!("## {text}"));
                self.heading = Some(text);
                self.push("");
            }
            1 => self.fence(),
            2 => {
                let comment = ["%%", "- [ ] in a comment", "text", "%%", ""];
                for line in comment {
                    self.push(line);
                }
            }
            3 => {
                self.push("");
                let words = self.words();
                self.push(format!("A paragraph of {words}."));
                self.push("");
                self.push("    - [ ] indented code 📅 2026-01-01");
                self.push("\t- [x] indented code");
                self.push("");
                self.push("After it.");
            }
            4 => {
                self.push("");
                self.push("> [!todo]- A callout");
                self.task("> ");
                self.push("> words");
                self.task("> > ");
                self.push("");
            }
            5 => {
                self.push("");
                self.push("> ```");
                self.push("> - [ ] in quoted code");
                self.push("no quote any more, so no code");
                self.push("");
            }
            6 => {
                self.task("");
                self.task("    ");
                self.task("\t\t");
                self.push("");
            }
            7 => {
                self.push("| a | b |");
                self.push("|---|---|");
                self.push("| - [ ] | x |");
                self.push("");
            }
            8 => {
                let words = self.words();
                self.push(format!("words {words} - [ ] in the middle, key:: value, [mood:: good]"));
            }
            _ => {
                for _ in 0..self.random.random_range(1..4) {
                    self.task("");
                }
            }
        }
    }
}

/// The words without the tag that stands among the fields.
fn text_before(text: &str) -> &str {
    TAGS.iter().find_map(|tag| text.strip_suffix(tag)).map_or(text, str::trim_end)
}

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Obsidian's own settings, and what must not be read.
fn surroundings(root: &Path) {
    let daily = json!({"folder": DAILY.0, "format": DAILY.1, "template": "Templates/Day"});
    write(root, ".obsidian/daily-notes.json", daily.to_string().as_bytes());
    let app = json!({"userIgnoreFilters": ["Archive/", "/\\.excalidraw\\.md$/"], "promptDelete": false});
    write(root, ".obsidian/app.json", app.to_string().as_bytes());
    let task = b"- [ ] must not be read #goal\n";
    for path in [
        ".trash/a.md",
        ".obsidian/a.md",
        ".hidden/a.md",
        "Archive/2020/a.md",
        "Drawing.excalidraw.md",
        "Note.sync-conflict-20260101-000000-ABCDEFG.md",
        "Note (Ada's conflicted copy 2026-01-01).md",
        "Notes.txt",
        "Picture.png",
    ] {
        write(root, path, task);
    }
}

/// Writes a vault and tells what is meant by it.
pub fn generate(root: &Path, plan: Plan) -> Truth {
    let mut random = SmallRng::seed_from_u64(plan.seed);
    let mut truth = Truth::default();
    surroundings(root);
    let mut ids = 0;
    for number in 0..plan.notes {
        let (path, daily) = match number % 5 {
            0 => {
                let day = FIRST_DAY.saturating_add(i64::try_from(number / 5).unwrap().days());
                (format!("{}/{}.md", DAILY.0, day.strftime(DAILY.2)), Some(day))
            }
            1 if number % 100 == 1 => (format!("Goals/Goal {number}.md"), None),
            1 => (format!("Projekte/Größe {}/Note {number}.md", number % 17), None),
            2 => (format!("ノート/{}/メモ {number}.md", number % 7), None),
            _ => (format!("Note {number}.md"), None),
        };
        let mut draft = Draft {
            random: SmallRng::seed_from_u64(random.random()),
            path: path.clone(),
            lines: Vec::new(),
            heading: None,
            tasks: Vec::new(),
            open: 0,
            closed: 0,
            ids,
        };
        let goal = front_matter(&mut draft, number);
        // Some notes are as long as others are together.
        let blocks = if number % 1_000 == 7 { 3_000 } else { draft.random.random_range(0..9) };
        for _ in 0..blocks {
            draft.block();
        }
        if number % 50 == 3 {
            // Nothing closes it, so that nothing behind it is a task.
            draft.push("```");
            draft.push("- [ ] in code that is never closed");
        }
        let end = if draft.random.random_bool(0.3) { "\r\n" } else { "\n" };
        let mut bytes = draft.lines.join(end).into_bytes();
        if draft.random.random_bool(0.7) {
            bytes.extend_from_slice(end.as_bytes());
        }
        if draft.random.random_bool(0.1) {
            bytes.splice(0..0, "\u{feff}".bytes());
        }
        if number % 200 == 9 {
            // What is no UTF-8 stands below everything that is meant.
            bytes.extend_from_slice(b"\n\n\xff\xfe broken \x00 text \xc3\n");
        }
        write(root, &path, &bytes);
        truth.bytes += bytes.len();
        ids = draft.ids;
        if let Some(mut goal) = goal {
            goal["open_tasks"] = json!(draft.open);
            goal["closed_tasks"] = json!(draft.closed);
            truth.goals.insert(path.clone(), goal);
        }
        truth.tasks.extend(draft.tasks.into_iter().map(|(line, task)| ((path.clone(), line), task)));
        truth.daily.extend(daily.map(|day| (day, path.clone())));
        truth.notes.insert(path);
    }
    // Too long to be read: named, and nothing else.
    std::fs::File::create(root.join("Huge.md")).unwrap().set_len(17 << 20).unwrap();
    std::os::unix::fs::symlink("nowhere.md", root.join("Dangling.md")).unwrap();
    std::os::unix::fs::symlink("..", root.join("Goals/loop")).unwrap();
    truth.problems.extend(["Huge.md", "Dangling.md", "Goals/loop"].map(str::to_owned));
    truth
}

/// Properties, right, broken or none. What the note is as a goal, if it is one.
fn front_matter(draft: &mut Draft, number: usize) -> Option<Value> {
    let name = draft.path.rsplit('/').next().unwrap().trim_end_matches(".md").to_owned();
    let path = draft.path.clone();
    let goal = |title: &str, status: Value, due: Value| {
        Some(json!({"note": path, "title": title, "status": status, "due": due}))
    };
    let in_folder = draft.path.starts_with("Goals/");
    match number % 20 {
        4 => {
            let found = goal("A goal: große Dinge", json!("active"), json!("2026-12-31"));
            for line in [
                "---",
                "title: \"A goal: große Dinge\"",
                "tags:",
                "  - Goal/health",
                "  - other",
                "status: active",
                "due: 2026-12-31",
                "tasks: |",
                "  - [ ] in the properties",
                "---",
            ] {
                draft.push(line);
            }
            found
        }
        8 => {
            let found = goal(&name, Value::Null, Value::Null);
            draft.push("Words with #goal in them, and `#code`.");
            draft.push("");
            found
        }
        12 => {
            for line in ["---", "broken: [never closed", "tags: goal", "---"] {
                draft.push(line);
            }
            in_folder.then(|| goal(&name, Value::Null, Value::Null)).flatten()
        }
        16 => {
            for line in ["---", "tags: [goals, subgoal]", "---", "#goalkeeper is no goal.", ""] {
                draft.push(line);
            }
            in_folder.then(|| goal(&name, Value::Null, Value::Null)).flatten()
        }
        _ => in_folder.then(|| goal(&name, Value::Null, Value::Null)).flatten(),
    }
}
