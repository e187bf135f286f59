//! Prints what telemetry costs: commands and questions of the running program, without it, sampled, whole, and with
//! collectors that are dead, hang or refuse; in turns within one run, so that the ratios mean something.
//!
//! `cargo build --release && cargo run --release --example telemetry_cost [rounds]`: 3 rounds by default.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Commands one after another, for the latency.
const ALONE: usize = 400;
/// Commands and questions by this many callers at once, for the throughput.
const CALLERS: usize = 16;
const EACH: usize = 150;

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
    url: String,
    token: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(program: &Path, home: &Path, variables: &[(&str, &str)]) -> Result<Running> {
    let mut child = Command::new(program)
        .args(["run", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("HOME", home)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    for line in lines {
        if let Some((_, rest)) = line?.split_once("Listening on ") {
            let url = rest.split(' ').next().unwrap_or_default().to_owned();
            let token = std::fs::read_to_string(home.join(".local/share/mecris/token"))?;
            return Ok(Running { child, url, token });
        }
    }
    Err("the supervisor ended before it listened".into())
}

/// What one run of a case showed.
#[derive(Clone, Copy)]
struct Figures {
    /// Milliseconds of a durable command, the median.
    command: f64,
    commands: f64,
    questions: f64,
}

async fn set(client: &reqwest::Client, running: &Running, caller: usize, n: usize) -> Result<()> {
    let body = format!("{{\"amount_usd\":\"{}\",\"period\":\"monthly\"}}", n + 1);
    let url = format!("{}/api/v1/budgets/b{caller}", running.url);
    let request = client.put(url).bearer_auth(&running.token).header("content-type", "application/json");
    request.body(body).send().await?.error_for_status()?;
    Ok(())
}

async fn measure(running: &Running) -> Result<Figures> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut times = Vec::with_capacity(ALONE);
    for n in 0..ALONE {
        let begun = Instant::now();
        set(&client, running, 0, n).await?;
        times.push(begun.elapsed());
    }
    times.sort();
    let rate = |begun: Instant| (CALLERS * EACH) as f64 / begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let commands = (0..CALLERS).map(|caller| {
        let client = &client;
        async move {
            for n in 0..EACH {
                set(client, running, caller, ALONE + n).await?;
            }
            Result::Ok(())
        }
    });
    futures_util::future::try_join_all(commands).await?;
    let commands = rate(begun);
    let begun = Instant::now();
    let questions = (0..CALLERS).map(|_| {
        let client = &client;
        async move {
            for _ in 0..EACH {
                let request =
                    client.get(format!("{}/api/v1/budgets", running.url)).bearer_auth(&running.token);
                request.send().await?.error_for_status()?.bytes().await?;
            }
            Result::Ok(())
        }
    });
    futures_util::future::try_join_all(questions).await?;
    Ok(Figures { command: times[times.len() / 2].as_secs_f64() * 1e3, commands, questions: rate(begun) })
}

fn main() -> Result<()> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(3), |text| text.parse())?;
    let own = std::env::current_exe()?;
    let program: PathBuf = own.ancestors().nth(2).ok_or("where am I?")?.join("mecris");
    let runtime = tokio::runtime::Runtime::new()?;
    let mut best: Vec<Option<Figures>> = vec![None; CASES.len()];
    for _ in 0..rounds {
        for ((_, kind, variables), best) in CASES.iter().zip(&mut best) {
            let (endpoint, listener) = collector(kind)?;
            let home = tempfile::tempdir()?;
            let mut all = variables.to_vec();
            if *kind != "none" {
                all.extend([
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ]);
            }
            let running = start(&program, home.path(), &all)?;
            std::thread::sleep(Duration::from_millis(500));
            let figures = runtime.block_on(measure(&running))?;
            *best = Some(best.map_or(figures, |known| Figures {
                command: known.command.min(figures.command),
                commands: known.commands.max(figures.commands),
                questions: known.questions.max(figures.questions),
            }));
            drop((running, listener));
        }
    }
    let off = best[0].ok_or("no round")?;
    println!(
        "| telemetry | a command, p50 | to off | commands/s, {CALLERS} callers | to off | questions/s | to off |"
    );
    println!("|---|---|---|---|---|---|---|");
    for ((name, ..), figures) in CASES.iter().zip(best.into_iter().flatten()) {
        println!(
            "| {name} | {:.2} ms | {:.2} | {:.0} | {:.2} | {:.0} | {:.2} |",
            figures.command,
            figures.command / off.command,
            figures.commands,
            figures.commands / off.commands,
            figures.questions,
            figures.questions / off.questions
        );
    }
    Ok(())
}
