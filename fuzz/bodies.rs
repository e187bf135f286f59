//! The bodies of the fuzz targets: each parses its bytes as the program does, and checks the result's properties.
//! The fuzzer (`fuzz_targets/main.rs`) and the smoke run on every change (`tests/fuzz_smoke.rs`) call the same functions.
//!
//! `docs/fuzzing.md` has a row for each target; a test checks that.

#[path = "bodies/faces.rs"]
mod faces;
#[path = "bodies/files.rs"]
mod files;
#[path = "bodies/kept.rs"]
mod kept;
#[path = "bodies/providers.rs"]
mod providers;
#[path = "bodies/transcripts.rs"]
mod transcripts;
#[path = "bodies/typed.rs"]
mod typed;

use crate::hostility::Form;

/// A parser of foreign bytes, as a fuzz target.
pub struct Target {
    /// Its name, also of its corpus and of its row in the document.
    pub name: &'static str,
    /// The format of its input.
    pub form: Form,
    /// Handles an input.
    pub body: fn(&[u8]),
}

const fn target(name: &'static str, form: Form, body: fn(&[u8])) -> Target {
    Target { name, form, body }
}

pub const TARGETS: &[Target] = &[
    target("block", Form::Bytes, kept::block),
    target("record", Form::Bytes, kept::record),
    target("export", Form::Json, kept::export),
    target("cursors", Form::Json, kept::cursors),
    target("snapshot", Form::Bytes, kept::snapshot),
    target("transcript", Form::Json, transcripts::lines),
    target("transcript-file", Form::Json, transcripts::file),
    target("hook", Form::Json, faces::hook),
    target("hook-answer", Form::Text, faces::hook_answer),
    target("status-line", Form::Json, faces::status_line),
    target("mcp", Form::Json, faces::mcp),
    target("otlp-json", Form::Json, faces::otlp_json),
    target("otlp-protobuf", Form::Protobuf, faces::otlp_protobuf),
    target("otlp-gzip", Form::Bytes, faces::otlp_gzip),
    target("webhook", Form::Fields, faces::webhook),
    target("note", Form::Markdown, files::note),
    target("vault-settings", Form::Json, files::vault_settings),
    target("settings", Form::Toml, files::settings),
    target("prices", Form::Json, files::prices),
    target("recipe", Form::Toml, files::recipe),
    target("cookies", Form::Columns, files::cookies),
    target("browser", Form::Json, files::browser),
    target("api-body", Form::Json, faces::api_body),
    target("page", Form::Html, providers::page),
    target("anthropic", Form::Json, providers::anthropic),
    target("openai", Form::Json, providers::openai),
    target("openrouter", Form::Json, providers::openrouter),
    target("deepseek", Form::Json, providers::deepseek),
    target("moonshot", Form::Json, providers::moonshot),
    target("refusals", Form::Json, providers::refusals),
    target("beeminder", Form::Json, providers::beeminder),
    target("twilio", Form::Json, providers::twilio),
    target("calendar", Form::Text, typed::calendar),
    target("amounts", Form::Text, typed::amounts),
    target("names", Form::Text, typed::names),
    target("templates", Form::Text, typed::templates),
    target("shown", Form::Text, typed::shown),
];

/// A directory for this thread, deleted at its end; in memory if the machine has such a file system.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn make() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let usual = || if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let above = std::env::var_os("MECRIS_FUZZ_SCRATCH").map_or_else(usual, Into::into);
        let thread = format!("{:?}", std::thread::current().id());
        let number: String = thread.chars().filter(char::is_ascii_digit).collect();
        let own = above.join(format!("mecris-fuzz-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&own).expect("a directory for the files that are fuzzed");
        Self(own)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn scratch() -> std::path::PathBuf {
    thread_local! {
        static SCRATCH: Scratch = Scratch::make();
    }
    SCRATCH.with(|scratch| scratch.0.clone())
}

/// A file of these bytes.
fn file(name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = scratch().join(name);
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).expect("the file's directory");
    }
    std::fs::write(&path, bytes).expect("a file that is fuzzed");
    path
}

/// The input as text, lossy if it is not UTF-8.
fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}
