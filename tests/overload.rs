//! Too much at once: what is taken is answered, the rest is refused by name, and nothing grows without bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mecris::http::overload::IN_FLIGHT;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, Running};

/// The kernel keeps some thousand connections waiting, not ten thousand.
const FLOODS: usize = 4;

/// The program's resident memory at its highest, in KiB (Linux's `VmHWM`).
fn peak_kib(running: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    refused: usize,
    cut: usize,
}

/// Sends `count` requests at once, each on a connection of its own: all connect, then all ask.
async fn flood(running: &Running, path: &str, count: usize) -> Tally {
    let address = running.url.strip_prefix("http://").unwrap().to_owned();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        running.token
    );
    let connected = Arc::new(Barrier::new(count));
    let asking: Vec<_> = (0..count)
        .map(|_| {
            let (address, request, connected) = (address.clone(), request.clone(), connected.clone());
            tokio::spawn(async move {
                let stream = TcpStream::connect(&address).await;
                connected.wait().await;
                let mut stream = stream?;
                stream.write_all(request.as_bytes()).await?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await?;
                Ok::<_, std::io::Error>(answer)
            })
        })
        .collect();
    let mut tally = Tally::default();
    for answer in asking {
        // A connection that was cut off was not taken: the client knows that nothing was done.
        let Ok(answer) = answer.await.unwrap() else {
            tally.cut += 1;
            continue;
        };
        match answer.split(' ').nth(1) {
            Some("200") => tally.answered += 1,
            Some("429") => {
                assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
                assert!(answer.contains("application/problem+json"), "{answer}");
                tally.refused += 1;
            }
            _ => panic!("{answer}"),
        }
    }
    tally
}

#[test]
fn a_hundred_times_too_much_is_refused_by_name_while_health_answers() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 300_000, files: 3, days: 5, seed: 71 });
    let running = home.start(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let replay = "/api/v1/replay";
    let health = format!("{}/health/ready", running.url);
    // What the work itself needs, before there is too much of it.
    let usual = runtime.block_on(flood(&running, replay, IN_FLIGHT / 2));
    assert_eq!((usual.answered, usual.refused), (IN_FLIGHT / 2, 0), "half of the bound is not too much");
    let before = peak_kib(&running);
    let (tally, mut took) = runtime.block_on(async {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let watch = tokio::spawn(async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut took = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                assert_eq!(client.get(&health).send().await.unwrap().status().as_u16(), 200);
                took.push(asked.elapsed());
            }
            took
        });
        let mut tally = Tally::default();
        for _ in 0..FLOODS {
            let Tally { answered, refused, cut } = flood(&running, replay, IN_FLIGHT * 100 / FLOODS).await;
            tally.answered += answered;
            tally.refused += refused;
            tally.cut += cut;
        }
        is_over.store(true, Ordering::Relaxed);
        (tally, watch.await.unwrap())
    });
    assert_eq!(tally.answered + tally.refused + tally.cut, IN_FLIGHT * 100);
    assert!(tally.answered > 0 && tally.refused > 0, "{tally:?}");
    assert!(!took.is_empty(), "health was asked meanwhile");
    took.sort_unstable();
    // For the figure in docs/faults.md: cargo test --test main -- --nocapture overload
    println!(
        "overload: {tally:?}; health answered {} times meanwhile, p50 {:?}, p99 {:?}, at most {:?}",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1]
    );
    let grown = peak_kib(&running).saturating_sub(before);
    println!("overload: {grown} KiB more than before");
    assert!(grown < 160 * 1024, "{grown} KiB more for {} requests at once", IN_FLIGHT * 100);
    // Afterwards everything is as before.
    let after = runtime.block_on(flood(&running, replay, IN_FLIGHT / 2));
    assert_eq!(after.answered, IN_FLIGHT / 2);
    assert_eq!(running.stop(), 0);
}
