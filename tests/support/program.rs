//! The real program, as a child process with a home of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A person's machine: a home directory with Claude Code's and Mecris's own directories.
pub struct Home {
    pub dir: tempfile::TempDir,
}

/// Whatever a run of the program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// An answer without how old it is: two that are asked one after the other are the same then.
pub fn timeless(mut answer: Value) -> Value {
    if let Some(answer) = answer.as_object_mut() {
        for age in ["as_of", "unread", "refused_lines"] {
            answer.remove(age);
        }
    }
    answer
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn claude(&self) -> PathBuf {
        self.dir.path().join(".claude")
    }

    /// The data directory.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join(".local/share/mecris")
    }

    /// The directory of the tenant `local`.
    pub fn data(&self) -> PathBuf {
        self.root().join("tenants/local")
    }

    /// Writes a transcript of a project.
    pub fn transcript(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.claude().join("projects/-home-ada").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, knowing nothing but this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mecris"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("TZ", "UTC")
            .env("TMPDIR", self.dir.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// Starts the supervisor, and waits until it has said where it listens.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, &[])
    }

    /// The same, with these environment variables.
    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let all = [&["run", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut command = self.command(&all);
        command.envs(variables.iter().copied());
        self.wait_for(command)
    }

    /// The same, from a shell that lets everybody read and write what is made in it.
    pub fn start_open(&self) -> Running {
        let program = self.command(&["run", "--listen", "127.0.0.1:0"]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
        shell.arg(program.get_program()).args(program.get_args()).env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.wait_for(shell)
    }

    /// Starts a supervisor by a command of the test's own, and waits until it has said where it listens.
    pub fn wait_for(&self, mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let Some(line) = lines.next() else {
                let output: Said = child.wait_with_output().unwrap().into();
                panic!("it ended before it listened: {said}{output:?}");
            };
            let line = line.unwrap();
            said += &format!("{line}\n");
            if let Some((_, rest)) = line.split_once("Listening on ") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        Running {
            child,
            url,
            said,
            token: std::fs::read_to_string(self.data().join("token")).unwrap_or_default(),
        }
    }

    /// Starts a supervisor by a command of the test's own, with its data in `data`; beside it, all that it says on
    /// standard error until its end.
    pub fn start_command(
        &self,
        mut command: Command,
        data: &Path,
    ) -> (Running, std::thread::JoinHandle<String>) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let told = std::thread::spawn(move || {
            let mut told = String::new();
            let _ = std::io::Read::read_to_string(&mut errors, &mut told);
            told
        });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines
            .into_iter()
            .find_map(|line| Some(line.split_once("Listening on ")?.1.split(' ').next()?.to_owned()));
        let Some(url) = url else { panic!("it ended before it listened: {}", told.join().unwrap()) };
        // In a mount namespace of its own, where it has one.
        let inside = PathBuf::from(format!("/proc/{}/root", child.id()));
        let token = inside.join(data.strip_prefix("/").unwrap()).join("token");
        let token = std::fs::read_to_string(token).unwrap();
        (Running { child, url, said: String::new(), token }, told)
    }
}

/// A supervisor that listens.
pub struct Running {
    pub child: Child,
    pub url: String,
    pub token: String,
    /// What it printed at its start.
    pub said: String,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Running {
    /// Sends a request with these headers, and JSON where there is a body.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let json = [("content-type", "application/json")];
        let headers = if body.is_some() { [&json[..], headers].concat() } else { headers.to_vec() };
        self.request(method, path, &headers, body)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut request = client.request(method.parse().unwrap(), format!("{}{path}", self.url));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(body) = body {
                request = request.body(body.to_owned());
            }
            let response = request.send().await.unwrap();
            let content_type = response.headers().get("content-type");
            let content_type = content_type.map_or("", |value| value.to_str().unwrap()).to_owned();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Answer { status, content_type, headers, body: response.text().await.unwrap() }
        })
    }

    /// Asks for a backup, with the token.
    pub fn backup(&self, dir: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let body = serde_json::json!({ "dir": dir }).to_string();
        self.send("POST", "/api/v1/backup", &[("authorization", &bearer)], Some(&body))
    }

    /// Posts a form with these headers.
    pub fn send_form(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.request("POST", path, headers, Some(body))
    }

    /// Asks with the token.
    pub fn get(&self, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.send("GET", path, &[("authorization", &bearer)], None)
    }

    /// How many events the log has, but for those that tell of refusals, and of the alert where they are many: whoever is refused
    /// leaves those and no other.
    pub fn recorded(&self) -> usize {
        let page = self.get("/api/v1/events?limit=1000").json();
        let events = page["events"].as_array().unwrap();
        assert!(events.len() < 1000, "count them page by page");
        let of_refusals = ["access-refused", "alert-raised", "alert-graded", "alert-queued"];
        events.iter().filter(|event| !of_refusals.contains(&event["type"].as_str().unwrap())).count()
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(mut self) -> i32 {
        terminate(&self.child);
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

/// Asks a process to end.
pub fn terminate(child: &Child) {
    let done = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed must not leave it behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything below a directory, as one text, to look for what must not be there.
pub fn everything_below(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything_below(&path));
        } else if path.is_file() {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
    all
}
