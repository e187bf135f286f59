//! Effectively once: the program is killed before and after each append to the log and each exchange with
//! Twilio, again and again, and each alert is taken by Twilio exactly once.
//!
//! `MECRIS_OUTBOX_ROUNDS` sets the rounds (8 by default; 200 in a long round). The seed of a round is its number.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::support::outside::Fault;
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::outside::twilio::{self, Twilio};
use crate::support::program::{Home, Running};

/// Alerts in each round: one for each goal.
const GOALS: [&str; 2] = ["walk", "read"];
/// Kills in each round.
const KILLS: usize = 3;
/// Rounds at the same time.
const AT_ONCE: usize = 4;
/// A test that waits longer has failed: a round takes seconds.
const HUNG: Duration = Duration::from_mins(2);

fn rounds() -> u64 {
    std::env::var("MECRIS_OUTBOX_ROUNDS").map_or(8, |rounds| rounds.parse().unwrap())
}

/// When the program is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Right after the log has grown for the so-many-th time: after one append, before what follows it.
    Grown(u32),
    /// Twilio has been handed a message, and has not looked at it.
    Handed,
    /// Twilio has taken a message, and its answer does not arrive.
    Taken,
    /// Twilio has taken a message, and its answer is on its way.
    Answered,
    /// Some milliseconds after the start.
    After(u64),
}

impl Moment {
    fn draw(random: &mut SmallRng) -> Self {
        match random.random_range(0..8) {
            0..=3 => Self::Grown(random.random_range(1..14)),
            4 => Self::Handed,
            5 => Self::Taken,
            6 => Self::Answered,
            _ => Self::After(random.random_range(20..600)),
        }
    }

    /// What is wrong with the way to Twilio until then.
    fn fault(self) -> Fault {
        match self {
            Self::Handed => Fault::Silent,
            Self::Taken => Fault::AnswerLost,
            _ => Fault::None,
        }
    }
}

struct Round {
    beeminder: Beeminder,
    twilio: Twilio,
    home: Home,
}

impl Round {
    fn prepare() -> Self {
        let round = Self { beeminder: Beeminder::start(), twilio: Twilio::start(), home: Home::new() };
        for goal in GOALS {
            round.beeminder.world.lock().goal(goal, 0, 1_900_000_000);
        }
        round.home.json(&["consent", "grant", "+15558675310"]);
        round
    }

    fn variables(&self) -> Vec<(String, String)> {
        let (beeminder, twilio) = (self.beeminder.base(), self.twilio.front.url());
        let variables = [
            ("BEEMINDER_API_BASE", beeminder.as_str()),
            ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
            ("TWILIO_API_BASE", twilio.as_str()),
            ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "10"),
            // What the kernel still carries of a killed process arrives within this.
            ("MECRIS_ALERTS__SETTLE_SECONDS", "1"),
            ("MECRIS_ALERTS__RETRY_SECONDS", "1"),
        ];
        let all = variables.iter().chain(&twilio::VARIABLES);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// From the very first moment on, not only from when it listens.
    fn spawn(&self) -> Child {
        let mut command = self.home.command(&["run", "--listen", "127.0.0.1:0"]);
        command.envs(self.variables()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn start(&self) -> Running {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.home.start_with(&[], &variables)
    }

    fn taken(&self) -> usize {
        self.twilio.world.lock().messages.len()
    }

    /// Runs until the moment, or until nothing is left to be told, and kills.
    fn run_until(&self, moment: Moment) {
        self.twilio.front.fault(moment.fault());
        let (handed, taken) = (self.twilio.front.requests(), self.taken());
        let (mut size, mut grown) = (journal(&self.home.data()), 0);
        let mut child = self.spawn();
        let begun = Instant::now();
        loop {
            let now = journal(&self.home.data());
            if now > size {
                (size, grown) = (now, grown + 1);
            }
            let has_come = match moment {
                Moment::Grown(times) => grown >= times,
                // The credentials are asked for too, twice: a message is a request after those.
                Moment::Handed => self.twilio.front.requests() > handed + 2,
                Moment::Taken | Moment::Answered => self.taken() > taken,
                Moment::After(millis) => begun.elapsed() >= Duration::from_millis(millis),
            };
            // Where an earlier run has told all, the moment does not come any more.
            if has_come || begun.elapsed() > Duration::from_secs(3) {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.twilio.front.fault(Fault::None);
    }

    /// Runs undisturbed until each goal was told.
    fn run_to_the_end(&self) -> Vec<Value> {
        let running = self.start();
        let begun = Instant::now();
        loop {
            let shown = running.get("/api/v1/alerts").json();
            let alerts = shown["alerts"].as_array().unwrap();
            let goals: Vec<&Value> = alerts.iter().filter(|alert| alert["kind"] == "goal").collect();
            if goals.len() == GOALS.len() && goals.iter().all(|alert| alert["told_at"].is_string()) {
                return alerts.clone();
            }
            assert!(begun.elapsed() < HUNG, "it does not come to its end: {shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// How long the journal is, in bytes.
fn journal(data: &Path) -> u64 {
    let Ok(segments) = std::fs::read_dir(data.join("journal")) else { return 0 };
    segments.filter_map(|segment| segment.ok()?.metadata().ok()).map(|segment| segment.len()).sum()
}

fn play(number: u64) -> (Vec<Moment>, usize) {
    let mut random = SmallRng::seed_from_u64(number);
    let moments: Vec<Moment> = (0..KILLS).map(|_| Moment::draw(&mut random)).collect();
    let round = Round::prepare();
    for moment in &moments {
        round.run_until(*moment);
    }
    let alerts = round.run_to_the_end();
    let messages = round.twilio.world.lock().messages.clone();
    let bodies: Vec<&str> = messages.iter().map(|message| message["body"].as_str().unwrap()).collect();
    for goal in GOALS {
        let of_goal = bodies.iter().filter(|body| body.contains(&format!("{goal} derails"))).count();
        assert_eq!(of_goal, 1, "round {number} {moments:?}: {bodies:?}; {alerts:?}");
    }
    assert_eq!(bodies.len(), GOALS.len(), "round {number} {moments:?}: {bodies:?}");
    let attempts = alerts.iter().map(|alert| alert["attempts"].as_array().unwrap().len()).sum();
    let verified = round.home.run(&["verify"]);
    assert_eq!(verified.code, 0, "round {number}: {verified:?}");
    (moments, attempts)
}

#[test]
fn each_alert_is_taken_exactly_once_wherever_the_program_is_killed() {
    let (next, last) = (AtomicU64::new(0), rounds());
    let (attempts, kills) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= last {
                        return;
                    }
                    let (moments, tried) = play(number);
                    kills.fetch_add(moments.len() as u64, Ordering::SeqCst);
                    attempts.fetch_add(tried as u64, Ordering::SeqCst);
                }
            });
        }
    });
    println!(
        "{last} rounds, {} kills, {} alerts, {} attempts, each alert taken exactly once",
        kills.into_inner(),
        last * GOALS.len() as u64,
        attempts.into_inner()
    );
}
