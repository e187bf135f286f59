//! Prints what telemetry costs: commands and questions of the running program, without it, sampled, whole, and with
//! collectors that are dead, hang or refuse. All of them run at once and are asked in turns, a hundredth of the work at a
//! time, so that whatever else the machine does falls upon all of them alike.
//!
//! `cargo build --release && cargo run --release --example telemetry_cost [rounds]`: 100 rounds by default.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// In each round: commands one after another, for the latency.
const ALONE: usize = 100;
/// Commands and questions by this many callers at once, for the throughput.
const CALLERS: usize = 16;
const EACH: usize = 15;
/// A command of the command line is slow to start: one in so many rounds.
const LINE_EVERY: usize = 2;

/// A name, what is at the endpoint, and further variables.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    ("off", "none", &[]),
    (
        "sampled at 1 %",
        "takes",
        &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.01")],
    ),
    ("all of it", "takes", &[]),
    ("all, no collector", "dead", &[]),
    ("all, collector hangs", "hangs", &[]),
    ("all, collector refuses", "refuses", &[]),
];

fn answer(mut stream: TcpStream, kind: &str) {
    let status = if kind == "takes" { "200 OK" } else { "503 Service Unavailable" };
    let mut reader = match stream.try_clone() {
        Ok(clone) => BufReader::new(clone),
        Err(_) => return,
    };
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        let reply =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
        if reader.read_exact(&mut body).is_err() || stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// What is at the endpoint, for as long as the listener lives.
fn collector(kind: &'static str) -> Result<(String, Option<TcpListener>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    if kind == "dead" {
        return Ok((endpoint, None));
    }
    if kind != "hangs" {
        let own = listener.try_clone()?;
        std::thread::spawn(move || {
            for stream in own.incoming().map_while(std::result::Result::ok) {
                std::thread::spawn(move || answer(stream, kind));
            }
        });
    }
    Ok((endpoint, Some(listener)))
}

/// A supervisor, ended when dropped.
struct Running {
    child: Child,
    home: tempfile::TempDir,
    url: String,
    token: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(program: &Path, variables: &[(&str, &str)]) -> Result<Running> {
    let home = tempfile::tempdir()?;
    let mut child = Command::new(program)
        .args(["run", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("HOME", home.path())
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    for line in lines {
        if let Some((_, rest)) = line?.split_once("Listening on ") {
            let url = rest.split(' ').next().unwrap_or_default().to_owned();
            let token = std::fs::read_to_string(home.path().join(".local/share/mecris/tenants/local/token"))?;
            return Ok(Running { child, home, url, token });
        }
    }
    Err("the supervisor ended before it listened".into())
}

/// What a case showed; each list is sorted at the end, and its median is told.
#[derive(Default)]
struct Figures {
    /// Milliseconds of a durable command over HTTP.
    command: Vec<f64>,
    /// Milliseconds of the same on the command line, the program's start included.
    line: Vec<f64>,
    /// Per second.
    commands: Vec<f64>,
    /// Per second.
    questions: Vec<f64>,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

fn per_second(begun: Instant) -> f64 {
    (CALLERS * EACH) as f64 / begun.elapsed().as_secs_f64()
}

async fn set(client: &reqwest::Client, running: &Running, caller: usize, amount: usize) -> Result<()> {
    let body = format!("{{\"amount_usd\":\"{amount}\",\"period\":\"monthly\"}}");
    let url = format!("{}/api/v1/budgets/b{caller}", running.url);
    let request = client.put(url).bearer_auth(&running.token).header("content-type", "application/json");
    request.body(body).send().await?.error_for_status()?;
    Ok(())
}

async fn ask(client: &reqwest::Client, running: &Running) -> Result<()> {
    let request = client.get(format!("{}/api/v1/budgets", running.url)).bearer_auth(&running.token);
    request.send().await?.error_for_status()?.bytes().await?;
    Ok(())
}

async fn measure(
    client: &reqwest::Client,
    running: &Running,
    round: usize,
    figures: &mut Figures,
) -> Result<()> {
    for n in 0..ALONE {
        let begun = Instant::now();
        set(client, running, 0, 1 + round * (ALONE + EACH) + n).await?;
        figures.command.push(milliseconds(begun));
    }
    let begun = Instant::now();
    let commands = (0..CALLERS).map(async |caller| {
        for n in 0..EACH {
            set(client, running, caller, 1 + round * (ALONE + EACH) + ALONE + n).await?;
        }
        Result::Ok(())
    });
    try_join_all(commands).await?;
    figures.commands.push(per_second(begun));
    let begun = Instant::now();
    let questions = (0..CALLERS).map(async |_| {
        for _ in 0..EACH {
            ask(client, running).await?;
        }
        Result::Ok(())
    });
    try_join_all(questions).await?;
    figures.questions.push(per_second(begun));
    Ok(())
}

/// The same command as a person gives it.
fn give(program: &Path, running: &Running, round: usize, figures: &mut Figures) -> Result<()> {
    let begun = Instant::now();
    let status = Command::new(program)
        .args([
            "budget",
            "set",
            "--amount",
            &(round + 1).to_string(),
            "--period",
            "monthly",
            "--name",
            "line",
        ])
        .env_clear()
        .env("HOME", running.home.path())
        .stdout(Stdio::null())
        .status()?;
    figures.line.push(milliseconds(begun));
    if status.success() { Ok(()) } else { Err("`mecris budget set` failed".into()) }
}

/// The most memory that was held, in MiB.
fn peak(child: &Child) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.split_whitespace().next().ok_or("no number")?.parse()?;
    Ok(kib / 1024.0)
}

/// Seconds from the signal to the end.
fn stop(running: &mut Running) -> Result<f64> {
    let begun = Instant::now();
    Command::new("kill").args(["-TERM", &running.child.id().to_string()]).status()?;
    running.child.wait()?;
    Ok(begun.elapsed().as_secs_f64())
}

fn main() -> Result<()> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(100), |text| text.parse())?;
    let own = std::env::current_exe()?;
    let program: PathBuf = own.ancestors().nth(2).ok_or("where am I?")?.join("mecris");
    let runtime = tokio::runtime::Runtime::new()?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut cases = Vec::new();
    for (name, kind, variables) in CASES {
        let (endpoint, listener) = collector(kind)?;
        let mut variables = variables.to_vec();
        if *kind != "none" {
            variables.extend([
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ]);
        }
        cases.push((*name, start(&program, &variables)?, Figures::default(), listener));
    }
    // What a start does in the background is done.
    std::thread::sleep(Duration::from_secs(2));
    for round in 0..rounds {
        eprint!("\rround {} of {rounds}", round + 1);
        // Each is once the first of a round, and has each of the others before it.
        let shift = round % cases.len();
        cases.rotate_left(shift);
        for (_, running, figures, _) in &mut cases {
            runtime.block_on(measure(&client, running, round, figures))?;
            if round.is_multiple_of(LINE_EVERY) {
                give(&program, running, round, figures)?;
            }
        }
        cases.rotate_right(shift);
    }
    eprintln!();
    println!(
        "| telemetry | a command over HTTP, p50 | to off | on the command line | to off | commands/s, {CALLERS} callers | \
         to off | questions/s | to off | memory | stop |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut off = None;
    for (name, running, figures, _listener) in &mut cases {
        let Figures { command, line, commands, questions } = figures;
        let now = [median(command), median(line), median(commands), median(questions)];
        let to_off = *off.get_or_insert(now);
        let ratio = |at: usize| now[at] / to_off[at];
        println!(
            "| {name} | {:.3} ms | {:.2} | {:.1} ms | {:.2} | {:.0} | {:.2} | {:.0} | {:.2} | {:.0} MiB | {:.2} s |",
            now[0],
            ratio(0),
            now[1],
            ratio(1),
            now[2],
            ratio(2),
            now[3],
            ratio(3),
            peak(&running.child)?,
            stop(running)?,
        );
    }
    Ok(())
}
