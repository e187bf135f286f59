//! The codes of errors: what a supervisor's answer makes of a command, and the table of them in the documentation.

use mecris::domain::code::{Code, URN};
use serde_json::{Value, json};

use super::Pretender;
use crate::support::program::Home;

/// How a command ends whose supervisor answers so: busy, forbidden and whatever else is hard to bring about.
#[test]
fn a_supervisor_s_answer_ends_a_command_as_its_code_says_and_in_its_words() {
    let home = Home::new();
    home.json(&["import"]);
    let pretender = Pretender::of(&home);
    let told = |problem: Value| {
        *pretender.problem.lock().unwrap() = problem;
        let said = home.run(&["goal", "done", "letter", "--json"]);
        (said.code, said.out, said.err)
    };
    let ended = |code: u8, detail: &str| (i32::from(code), String::new(), format!("mecris: {detail}\n"));
    for code in Code::ALL {
        let detail = format!("this is {code}; mend it");
        let problem = json!({"type": code.urn(), "title": "x", "status": code.status(), "detail": detail, "retry_after": 1});
        assert_eq!(told(problem), ended(code.exit(), &detail), "{code}");
    }
    // Those of another version say what this one does not know.
    for kind in [json!(format!("{URN}from-another-version")), json!("about:blank"), Value::Null] {
        let mut problem =
            json!({"type": kind, "title": "x", "status": 404, "detail": "gone; look elsewhere"});
        if kind.is_null() {
            problem.as_object_mut().unwrap().remove("type");
        }
        assert_eq!(told(problem), ended(1, "gone; look elsewhere"), "{kind}");
    }
}

fn table() -> String {
    let mut text = "# What errors are called\n\n\
        Written from the table in `src/domain/code.rs` by `MECRIS_BLESS=1 cargo test`; a test holds it against it. Over HTTP an error is\n\
        `application/problem+json` (RFC 9457) with this `type` and status; a command ends with this exit code, whether a supervisor runs\n\
        or not, and says `detail` on standard error. Exit code 2 is for what has to be written otherwise, 1 for everything else. A name\n\
        keeps its meaning; later versions may have more of them, which a command of this version ends with 1.\n\n\
        Some commands answer by their exit code too: `can-afford` ([affording](affording.md)), `gate check` ([gate](gate.md)), `verify`,\n\
        `repair`, `prices check` and `doctor` ([operating](operating.md)). `can-afford` ends with 2 for every error, for 1 is its no.\n\n\
        | `type` | status | exit code | try again after | what it means |\n|---|---|---|---|---|\n"
        .to_owned();
    for code in Code::ALL {
        let after = code.retry_after().map_or_else(String::new, |seconds| format!("{seconds} s"));
        let (urn, status, exit, says) = (code.urn(), code.status(), code.exit(), code.says());
        text += &format!("| `{urn}` | {status} | {exit} | {after} | {says} |\n");
    }
    text
}

#[test]
fn each_code_is_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/problems.md");
    let said = table();
    if std::env::var_os("MECRIS_BLESS").is_some() {
        std::fs::write(path, &said).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == said, "docs/problems.md is not what the table says; write it with MECRIS_BLESS=1");
}

#[test]
fn each_code_is_in_the_api_s_description() {
    let document = mecris::http::openapi();
    let kinds = &document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"];
    let all: Vec<String> = Code::ALL.iter().map(|code| code.urn()).collect();
    assert_eq!(*kinds, json!(all));
    let responses = document["components"]["responses"].as_object().unwrap();
    for code in Code::ALL {
        let named = format!("`{code}`: {}", code.says());
        let told =
            responses.values().any(|response| response["description"].as_str().unwrap().contains(&named));
        // A path that is not there under a method is told of in the document's own words.
        assert_eq!(told, code.status() != 405, "{code}");
    }
}
