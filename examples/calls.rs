//! Prints how long `mecris gate` and `mecris statusline` take, from the start of the process to its end.
//!
//! `cargo build --release && cargo run --release --example calls [calls]`: 300 calls of each by default, one after
//! another, then a hundred at once, beside a supervisor with some 100 MB of made-up transcripts.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[path = "../tests/support/corpus.rs"]
#[allow(dead_code)]
mod corpus;

struct Machine {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Machine {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("MECRIS_GATE__DAY_USD", "1000000");
        command
    }

    /// One call; its time, and whether it was answered.
    fn call(&self, arguments: &[&str], told: &str) -> Result<(Duration, bool)> {
        let start = Instant::now();
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        child.stdin.take().ok_or("no standard input")?.write_all(told.as_bytes())?;
        let output = child.wait_with_output()?;
        let took = start.elapsed();
        let said = String::from_utf8(output.stdout)?;
        Ok((took, !said.contains("Mecris does not answer") && !said.contains("not watched")))
    }
}

fn start(machine: &Machine) -> Result<Child> {
    let mut child = machine
        .command(&["run", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    for line in lines {
        if line?.contains("Listening on ") {
            return Ok(child);
        }
    }
    Err("the supervisor ended before it listened".into())
}

fn show(name: &str, mut times: Vec<(Duration, bool)>) {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].0.as_secs_f64() * 1e3;
    let answered = times.iter().filter(|(_, answered)| *answered).count();
    println!(
        "| {name} | {} | {answered} | {:.1} ms | {:.1} ms | {:.1} ms |",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}

fn main() -> Result<()> {
    let calls: usize = std::env::args().nth(1).map_or(Ok(300), |text| text.parse())?;
    let own = std::env::current_exe()?;
    let program = own.parent().and_then(Path::parent).ok_or("no directory")?.join("mecris");
    if !program.exists() {
        return Err(format!("{} is not there: run `cargo build --release` first", program.display()).into());
    }
    let machine = Machine { program, home: tempfile::tempdir()? };
    let plan = corpus::Plan { bytes: 100_000_000, files: 200, days: 365, seed: 7 };
    corpus::write(&machine.home.path().join(".claude"), plan);
    let imported = machine.command(&["import", "--json"]).output()?;
    if !imported.status.success() {
        return Err("the usage was not imported".into());
    }
    let mut supervisor = start(&machine)?;
    let hook = r#"{"hook_event_name":"PreToolUse","session_id":"s-1","cwd":"/home/ada","tool_name":"Bash"}"#;
    let status = r#"{"session_id":"s-1","cwd":"/home/ada","model":{"id":"claude-opus-5"},"cost":{"total_cost_usd":0.42}}"#;
    println!("| | calls | answered in time | median | 99 % | worst |\n|---|---|---|---|---|---|");
    for (name, told) in [("gate", hook), ("statusline", status)] {
        let alone: Result<Vec<_>> = (0..calls).map(|_| machine.call(&[name], told)).collect();
        show(&format!("`mecris {name}`"), alone?);
    }
    let at_once: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| machine.call(&["gate"], hook).map_err(|error| error.to_string())))
            .collect();
        calls.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let times: std::result::Result<Vec<_>, String> =
        at_once.into_iter().map(|joined| joined.unwrap_or_else(|_| Err("a call panicked".into()))).collect();
    show("`mecris gate`, 100 at once", times?);
    supervisor.kill()?;
    supervisor.wait()?;
    Ok(())
}
