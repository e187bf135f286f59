//! Stopping under load, in order or not: what was acknowledged is there afterwards, and it takes no person.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::corpus::{self, Plan};
use crate::support::outside::Fault;
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::{Home, Running, terminate};

/// Only a program that hangs meets this; docs/figures.md has the figure.
const HANG: Duration = Duration::from_secs(30);

/// What was asked for and answered with 200: the last amount of each budget.
type Acknowledged = BTreeMap<String, u64>;

/// Sets budgets from several connections, until the supervisor does not answer any more. `started` hears of
/// the first answers.
async fn load(url: &str, token: &str, started: tokio::sync::mpsc::Sender<()>) -> Acknowledged {
    const WRITERS: u64 = 16;
    let acknowledged = Mutex::new(Acknowledged::new());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let write = |writer: u64| {
        let (client, acknowledged, started) = (client.clone(), &acknowledged, started.clone());
        async move {
            let name = format!("budget-{writer}");
            for amount in 1.. {
                let body = json!({"amount_usd": amount.to_string(), "period": "monthly"}).to_string();
                let request = client
                    .put(format!("{url}/api/v1/budgets/{name}"))
                    .bearer_auth(token)
                    .header("content-type", "application/json")
                    .body(body);
                let Ok(response) = request.send().await else { return };
                match response.status().as_u16() {
                    200 => {
                        acknowledged.lock().unwrap().insert(name.clone(), amount);
                        let _ = started.try_send(());
                    }
                    429 | 503 => tokio::task::yield_now().await,
                    // Cut off in the middle: it is not known what became of it.
                    500 => return,
                    other => panic!("{other}: {:?}", response.text().await),
                }
            }
        }
    };
    futures_util::future::join_all((0..WRITERS).map(write)).await;
    acknowledged.into_inner().unwrap()
}

/// Loads a supervisor, ends it by `end` in the middle, and says what it had acknowledged.
fn ended_under_load(running: &mut Running, end: impl FnOnce(&mut Running)) -> Acknowledged {
    let (url, token) = (running.url.clone(), running.token.clone());
    let (started, mut starts) = tokio::sync::mpsc::channel(64);
    let loading = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(load(&url, &token, started))
    });
    for _ in 0..50 {
        starts.blocking_recv().unwrap();
    }
    end(running);
    loading.join().unwrap()
}

/// Every acknowledged change is there, or a later one of the same budget that was not acknowledged any more.
fn nothing_is_lost(home: &Home, acknowledged: &Acknowledged) {
    assert!(!acknowledged.is_empty());
    let budgets = home.json(&["budget", "list"]);
    for (name, amount) in acknowledged {
        let found =
            budgets["budgets"].as_array().unwrap().iter().find(|budget| budget["name"] == name.as_str());
        let kept: u64 =
            found.unwrap_or_else(|| panic!("{name}"))["amount_usd"].as_str().unwrap().parse().unwrap();
        assert!(kept == *amount || kept == amount + 1, "{name}: {kept}, but {amount} was acknowledged");
    }
    let verified: Value = home.json(&["verify"]);
    assert_eq!(verified["problems"].as_array().map(Vec::len), Some(0), "{verified}");
}

#[test]
fn a_signal_under_load_loses_nothing_and_stops_in_time() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 200_000, files: 2, days: 2, seed: 91 });
    // Two systems that never answer: their actors are in the middle of a question.
    let (beeminder, twilio) = (Beeminder::start(), Twilio::start());
    beeminder.front.fault(Fault::Silent);
    twilio.front.fault(Fault::Silent);
    let bases = [beeminder.base(), twilio.front.url()];
    let variables = [
        ("BEEMINDER_API_BASE", bases[0].as_str()),
        ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
        ("TWILIO_API_BASE", bases[1].as_str()),
    ];
    let variables = [&variables[..], &twilio::VARIABLES].concat();
    let mut running = home.start_with(&[], &variables);
    let acknowledged = ended_under_load(&mut running, |running| {
        terminate(&running.child);
        let asked = Instant::now();
        while running.child.try_wait().unwrap().is_none() {
            assert!(asked.elapsed() < HANG, "it does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
        // For the figure in docs/faults.md: cargo test --test main -- --nocapture stopping
        println!("stopped under load in {} ms", asked.elapsed().as_millis());
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
    });
    nothing_is_lost(&home, &acknowledged);
    assert!(!home.root().join("server.json").exists(), "nobody is led to a supervisor that is gone");
}

#[test]
fn a_kill_under_load_loses_nothing_and_needs_no_person() {
    let home = Home::new();
    for _ in 0..3 {
        let mut running = home.start(&[]);
        let acknowledged = ended_under_load(&mut running, |running| {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
        });
        nothing_is_lost(&home, &acknowledged);
    }
    let running = home.start(&[]);
    assert_eq!(running.get("/health/ready").status, 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn what_a_supervisor_left_behind_leads_nobody_to_a_stranger() {
    let home = Home::new();
    home.json(&["budget", "set", "--amount", "5"]);
    // It was killed; its process id and its port are somebody else's now.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let url = format!("http://{}", stranger.local_addr().unwrap());
    let file = json!({ "url": url, "pid": std::process::id() }).to_string();
    std::fs::write(home.root().join("server.json"), file).unwrap();
    std::fs::write(home.data().join("token"), "0123456789abcdef0123456789abcdef").unwrap();
    let set = home.json(&["budget", "set", "--amount", "6"]);
    assert_eq!(set["budgets"][0]["amount_usd"], "6");
    assert_eq!(home.run(&["verify"]).code, 0);
    assert!(stranger.accept().is_err(), "the token was on its way to a stranger");
}
