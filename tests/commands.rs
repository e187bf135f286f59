//! Who may what, by the commands of the command line: each has its row, asks a supervisor for no more and no less than the
//! row says, and comes as who the table says; and the matrix of it all in the documentation.

#[path = "commands/alike.rs"]
mod alike;
#[path = "commands/codes.rs"]
mod codes;
#[path = "commands/rows.rs"]
pub mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use clap::CommandFactory;
use mecris::domain::access::commands::{AS_AGENT, COMMANDS, command};
use mecris::domain::access::{Kind, Scope, table};
use serde_json::{Value, json};

use crate::support::program::Home;

/// All that can be run: the leaves, and what does something without a subcommand too.
fn runnable() -> BTreeSet<String> {
    let program = mecris::cli::Cli::command();
    let mut found = BTreeSet::new();
    let mut open: Vec<(String, &clap::Command)> = vec![(String::new(), &program)];
    while let Some((path, command)) = open.pop() {
        if !path.is_empty() && !command.is_subcommand_required_set() {
            found.insert(path.clone());
        }
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        open.extend(below.map(|below| (format!("{path} {}", below.get_name()).trim().to_owned(), below)));
    }
    found
}

#[test]
fn every_command_has_its_row() {
    let rows: BTreeSet<String> = COMMANDS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(rows.len(), COMMANDS.len(), "a command has two rows");
    assert_eq!(runnable(), rows);
    assert!(COMMANDS.is_sorted(), "the rows are in the order of their names");
    for path in AS_AGENT {
        let needed = command(path).unwrap().unwrap();
        assert!(Kind::Agent.scopes().contains(&needed), "{path} comes as an agent and needs {needed:?}");
    }
}

/// What was asked of a supervisor.
#[derive(Debug)]
struct Asked {
    method: String,
    path: String,
    as_agent: bool,
}

/// Whoever holds a home's directory, as far as its programs can see: it refuses all with one problem, and says what it was
/// asked.
struct Pretender {
    heard: Receiver<Asked>,
    problem: Arc<Mutex<Value>>,
    _lock: std::fs::File,
}

impl Pretender {
    fn of(home: &Home) -> Self {
        let lock = std::fs::File::options().write(true).open(home.root().join("lock")).unwrap();
        lock.lock().unwrap();
        let server = json!({ "url": "http://127.0.0.1:1", "pid": std::process::id() }).to_string();
        std::fs::write(home.root().join("server.json"), server).unwrap();
        let listener = UnixListener::bind(home.root().join("mecris.sock")).unwrap();
        let (tell, heard) = channel();
        let problem =
            json!({"type": "urn:mecris:problem:x", "title": "x", "status": 404, "detail": "refused"});
        let problem = Arc::new(Mutex::new(problem));
        let told = problem.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let problem = told.lock().unwrap().clone();
                let _ = refuse(stream.unwrap(), &tell, &problem);
            }
        });
        Self { heard, problem, _lock: lock }
    }
}

/// Reads a request, tells of it, and then refuses it: whoever asked has ended no sooner. Nothing where somebody only looked who
/// is there.
fn refuse(mut stream: UnixStream, tell: &Sender<Asked>, problem: &Value) -> Option<()> {
    let (mut told, mut chunk) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(at) = memchr::memmem::find(&told, b"\r\n\r\n") {
            break at + 4;
        }
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        told.extend_from_slice(&chunk[..read]);
    };
    let head = String::from_utf8(told[..end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while told.len() < end + length {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        told.extend_from_slice(&chunk[..read]);
    }
    let (status, body) = (&problem["status"], problem.to_string());
    let answer = format!(
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let line = String::from_utf8(told[..end].to_vec()).unwrap();
    let mut words = line.split(' ');
    let method = words.next()?.to_owned();
    let path = words.next()?.split('?').next()?.to_owned();
    let _ = tell.send(Asked { method, path, as_agent: head.contains("mecris-as: agent") });
    stream.write_all(answer.as_bytes()).ok()
}

/// What a request needs, by the table.
fn needed(asked: &Asked) -> Scope {
    let parts: Vec<&str> = asked.path.split('/').collect();
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == parts.len()
            && known.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
    };
    let found = table::ENDPOINTS.iter().find(|(method, path, _)| *method == asked.method && fits(path));
    found.unwrap_or_else(|| panic!("{asked:?} has no row")).2
}

/// One way or more to write each command that asks a supervisor; together they ask for all that the command can ask for.
const WAYS: &[&str] = &[
    "activity",
    "actors",
    "alerts",
    "alerts ack 1",
    "alerts check",
    "backup somewhere",
    "balance",
    "balance set 5",
    "balance top-up 5",
    "budget list",
    "budget remove main",
    "budget set --amount 5",
    "budget virtual",
    "budget virtual --daily 5",
    "can-afford 5",
    "consent",
    "consent grant +15558675310",
    "consent revoke +15558675310",
    "console read",
    "cost",
    "daily",
    "drill tenants/local/usage",
    "export",
    "forecast",
    "forecast --backtest",
    "gate",
    "gate check",
    "goal add letter 1",
    "goal done letter",
    "goal drop letter",
    "goal feed letter --from spend",
    "goal feed letter --stop",
    "goal feeds",
    "goal new letter --due 2999-01-01",
    "goals",
    "head",
    "import",
    "import --refused",
    "incidents",
    "limit",
    "limit end 1",
    "limit grant 1",
    "limit list",
    "limit refuse 1",
    "limit request 5 --reason x",
    "limit withdraw 1",
    "log-session x",
    "narrator",
    "odometer",
    "odometer record 1",
    "odometer status",
    "odometer stop",
    "override --usd 5 --reason x",
    "people",
    "people --names",
    "prices check",
    "projects",
    "projects alias /home/ada x",
    "projects unalias /home/ada",
    "quota",
    "reconcile",
    "record-usage --model claude-opus-5 --session s --output 5",
    "reload",
    "replay",
    "replay --explain s1",
    "report daily",
    "reprice",
    "reprice --all --as-of 2026-11-01",
    "sources",
    "status",
    "statusline",
    "tasks",
    "tenant",
    "tenant add acme",
    "tenant list",
    "tenant remove acme --yes",
    "token",
    "token list",
    "token new",
    "token revoke agt-1",
    "token rotate agt-1",
    "vault",
    "vault undo",
    "verify",
];

/// Those that ask no supervisor for what they do: they work on files, or ask outside systems, as whoever starts them. `mcp`
/// asks with every tool what that tool needs (`access::each_principal_sees_…`).
const APART: &[&str] = &[
    "completions",
    "config example",
    "config schema",
    "console check",
    "doctor",
    "login",
    "mcp",
    "prices",
    "repair",
    "restore",
    "run",
];

/// The row that a line of words belongs to: the longest that it begins with.
fn row_of(way: &str) -> &'static str {
    let rows = COMMANDS.iter().map(|(path, _)| *path);
    let fits = rows.filter(|path| way == *path || way.starts_with(&format!("{path} ")));
    fits.max_by_key(|path| path.len()).unwrap_or_else(|| panic!("{way} is no command"))
}

/// What Claude Code tells its hooks.
const HOOK: &[u8] = br#"{"hook_event_name":"PreToolUse","session_id":"s","cwd":"/w","tool_name":"Bash"}"#;

#[test]
fn each_command_asks_for_what_its_row_says_and_comes_as_who_it_says() {
    let home = Home::new();
    home.json(&["import"]);
    let pretender = Pretender::of(&home);
    let mut asked_for: BTreeMap<&str, BTreeSet<Scope>> = BTreeMap::new();
    for way in WAYS {
        let row = row_of(way);
        let mut arguments: Vec<&str> = way.split(' ').collect();
        if AS_AGENT.contains(&row) {
            arguments.extend(["--within", "60000"]);
        }
        let mut child = home
            .command(&arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(HOOK).unwrap();
        let said = child.wait_with_output().unwrap();
        let asked: Vec<Asked> = pretender
            .heard
            .try_iter()
            // What is new is read before many an answer; whoever may read may ask for that too, but for an auditor.
            .filter(|asked| asked.path != "/api/v1/look")
            .collect();
        assert!(!asked.is_empty(), "{way} asked for nothing: {}", String::from_utf8_lossy(&said.stderr));
        for asked in asked {
            assert_eq!(asked.as_agent, AS_AGENT.contains(&row), "{way} {asked:?}");
            asked_for.entry(row).or_default().insert(needed(&asked));
        }
    }
    for (path, scope) in COMMANDS {
        let asked = asked_for.get(path);
        assert_eq!(asked.is_none(), APART.contains(path), "{path}: {asked:?}");
        let Some(mut asked) = asked.cloned() else { continue };
        // With other options it may ask for less.
        if asked.len() > 1 {
            asked.remove(&Scope::Read);
        }
        assert_eq!((asked.len(), asked.first()), (1, scope.as_ref()), "{path}: {asked:?}");
    }
}

/// A process of the owner's that says it acts for an agent is answered what an agent is, and refused the rest.
#[test]
fn whoever_comes_as_an_agent_by_the_socket_may_do_no_more_than_one() {
    let home = Home::new();
    let running = home.start(&[]);
    let send = |method: &str, path: &str, lowered: &str| -> u16 {
        let mut stream = UnixStream::connect(home.root().join("mecris.sock")).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{lowered}content-type: application/json\r\ncontent-length: 1\r\nconnection: close\r\n\r\n7"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("{method} {path}: {answer}")).parse().unwrap()
    };
    let before = running.recorded();
    for (method, path, scope) in table::ENDPOINTS.iter().filter(|(_, path, _)| path.starts_with("/api/")) {
        if Kind::Agent.scopes().contains(scope) {
            continue;
        }
        let path: Vec<&str> =
            path.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect();
        // Whatever they say that they are, it lowers.
        for lowered in ["mecris-as: agent\r\n", "mecris-as: owner\r\n", "mecris-as:\r\n"] {
            assert_eq!(send(method, &path.join("/"), lowered), 403, "{method} {path:?} {lowered:?}");
        }
    }
    assert_eq!(running.recorded(), before);
    assert_eq!(send("GET", "/api/v1/tokens", ""), 200, "without a word it is the owner");
}

/// The whole matrix, as `docs/access.md` shows it.
fn matrix() -> String {
    let mark = |kind: Kind, scope: Option<Scope>| match scope {
        Some(scope) if !kind.scopes().contains(&scope) => "-",
        _ => "x",
    };
    let word = |scope: Option<Scope>| scope.map_or("nothing", Scope::word);
    let header = |what: &str| {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        format!("| {what} | needs | {} |\n|---|---|{}\n", kinds.join(" | "), "---|".repeat(kinds.len()))
    };
    let row = |what: &str, scope: Option<Scope>| {
        let marks: Vec<&str> = Kind::ALL.iter().map(|kind| mark(*kind, scope)).collect();
        format!("| `{what}` | {} | {} |\n", word(scope), marks.join(" | "))
    };
    let mut text = "# Who may what\n\n\
        Written from the tables in `src/domain/access/` by `MECRIS_BLESS=1 cargo test`; a test holds it against them. What the kinds of\n\
        principals and their tokens are is in [tokens](tokens.md). What has no row is the owner's alone, but for `/health/live` and\n\
        `/health/ready`, which are for all, and Twilio's callbacks, which are signed.\n\n\
        ## Endpoints\n\n"
        .to_owned();
    text += &header("endpoint");
    text.extend(
        table::ENDPOINTS.iter().map(|(method, path, scope)| row(&format!("{method} {path}"), Some(*scope))),
    );
    text += "\n## Tools\n\nOver MCP, beside the scope of `/mcp` itself.\n\n";
    text += &header("tool");
    text.extend(table::TOOLS.iter().map(|(name, scope)| row(name, Some(*scope))));
    text += "\n## Commands\n\n\
        Whoever can start a command has the machine's account, and is answered as the owner; the columns say whose token would do for what the\n\
        command asks of a supervisor, with whatever options. `gate`, `mcp` and `statusline` come as an agent, and may do no more than one.\n\n";
    text += &header("command");
    text.extend(COMMANDS.iter().map(|(path, scope)| row(&format!("mecris {path}"), *scope)));
    text
}

#[test]
fn the_matrix_in_the_documentation_is_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/access.md");
    let said = matrix();
    if std::env::var_os("MECRIS_BLESS").is_some() {
        std::fs::write(path, &said).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == said, "docs/access.md is not what the tables say; write it with MECRIS_BLESS=1");
}
