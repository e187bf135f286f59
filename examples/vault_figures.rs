//! Prints how fast a vault is read and followed.
//!
//! `cargo run --release --example vault_figures [notes]`: 5,000 notes by default, with everything in them that the tests
//! know. The last row is by a supervisor: from the write of a note to the moment at which `/api/v1/tasks` has it.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mecris::integration::obsidian;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[path = "../tests/support/vault.rs"]
#[allow(dead_code, missing_docs, clippy::missing_panics_doc)] // shared with the tests, which use more of it
mod vault;

const CHANGES: usize = 20;

fn start(program: &Path, home: &Path, vault: &Path) -> Result<(Child, String)> {
    let mut child = Command::new(program)
        .args(["run", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("HOME", home)
        .env("MECRIS_VAULT__PATH", vault)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    for line in BufReader::new(child.stdout.take().ok_or("no standard output")?).lines() {
        if let Some((_, rest)) = line?.split_once("Listening on http://") {
            let address = rest.split(' ').next().unwrap_or_default();
            return Ok((child, address.trim_end_matches('.').to_owned()));
        }
    }
    Err("the supervisor ended before it listened".into())
}

fn get(address: &str, token: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn wait_for(address: &str, token: &str, path: &str, text: &str) -> Result<()> {
    let start = Instant::now();
    while !get(address, token, path)?.contains(text) {
        if start.elapsed() > Duration::from_mins(1) {
            return Err(format!("{text} was not seen").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn main() -> Result<()> {
    let notes: usize = std::env::args().nth(1).map_or(Ok(5_000), |text| text.parse())?;
    let home = tempfile::tempdir()?;
    let root: PathBuf = home.path().join("Notes");
    std::fs::create_dir(&root)?;
    let truth = vault::generate(&root, vault::Plan { notes, seed: 7 });
    let (mebibytes, tasks) = (truth.bytes as f64 / f64::from(1 << 20), truth.tasks.len());
    println!("{notes} notes, {mebibytes:.1} MiB, {tasks} tasks\n\n| | |\n|---|---|");
    let begun = Instant::now();
    let first = obsidian::read(&root, None)?;
    println!("| first look | {:.0} ms |", begun.elapsed().as_secs_f64() * 1e3);
    std::thread::sleep(Duration::from_millis(2_100));
    let settled = obsidian::read(&root, Some(&first))?;
    let begun = Instant::now();
    obsidian::read(&root, Some(&settled))?;
    println!("| another look, nothing changed | {:.0} ms |", begun.elapsed().as_secs_f64() * 1e3);
    let own = std::env::current_exe()?;
    let program = own.parent().and_then(Path::parent).ok_or("no directory")?.join("mecris");
    if !program.exists() {
        println!("| a change is seen | run `cargo build --release` first |");
        return Ok(());
    }
    let (mut supervisor, address) = start(&program, home.path(), &root)?;
    let token = std::fs::read_to_string(home.path().join(".local/share/mecris/tenants/local/token"))?;
    let result = follow(&root, &address, token.trim());
    supervisor.kill()?;
    supervisor.wait()?;
    let mut times = result?;
    times.sort();
    let (median, worst) = (times[CHANGES / 2].as_secs_f64() * 1e3, times[CHANGES - 1].as_secs_f64() * 1e3);
    println!("| a change is seen, median and worst of {CHANGES} | {median:.0} ms, {worst:.0} ms |");
    Ok(())
}

fn follow(root: &Path, address: &str, token: &str) -> Result<Vec<Duration>> {
    wait_for(address, token, "/api/v1/vault", "\"read_at\"")?;
    let mut times = Vec::new();
    for number in 0..CHANGES {
        std::fs::write(root.join("Watched.md"), format!("- [ ] change-{number}.\n"))?;
        let begun = Instant::now();
        wait_for(address, token, "/api/v1/tasks?note=Watched", &format!("change-{number}."))?;
        times.push(begun.elapsed());
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(times)
}
