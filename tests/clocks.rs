//! Clocks that are set by a year, forward and back, before, between and while the program runs: nothing hangs or is counted
//! twice or not at all, nobody is flooded, a line says what happened, and all is well once the clock is right again.
//! The clock is libfaketime's (Debian's package `faketime`); the machine's own is not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::outside::beeminder::Beeminder;
use crate::support::outside::ntfy::Ntfy;
use crate::support::outside::purses::{self, BalanceApi};
use crate::support::outside::{Fault, variables};
use crate::support::program::{Answer, Home, Running, Said};

const BOUND: Duration = Duration::from_secs(90);
const YEAR: &str = "+365d";
const YEAR_BACK: &str = "-365d";
const RIGHT: &str = "+0";
/// Beyond all clocks of these tests.
const FAR: i64 = 2_500_000_000;

/// Where the library is that stands between the program and the clock.
pub fn library() -> PathBuf {
    let libraries = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut found = libraries.map(|dir| dir.join("faketime/libfaketimeMT.so.1")).filter(|path| path.exists());
    found.next().expect("install Debian's package `faketime`: its library sets the clock of these tests")
}

/// A person's machine whose clock can be set.
struct World {
    home: Home,
    beeminder: Beeminder,
    ntfy: Ntfy,
    openrouter: BalanceApi,
    calls: u32,
}

type Told = JoinHandle<String>;

impl World {
    fn new() -> Self {
        let (home, beeminder, ntfy) = (Home::new(), Beeminder::start(), Ntfy::start());
        beeminder.world.lock().goal("walk", 9, FAR);
        let world = Self { home, beeminder, ntfy, openrouter: purses::openrouter(), calls: 0 };
        world.set(RIGHT);
        world
    }

    fn file(&self) -> PathBuf {
        self.home.dir.path().join("clock")
    }

    /// Sets the clock, against the machine's own.
    fn set(&self, offset: &str) {
        let beside = self.home.dir.path().join("clock.new");
        fs::write(&beside, format!("{offset}\n")).unwrap();
        fs::rename(beside, self.file()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.file());
        for switch in
            ["FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"]
        {
            command.env(switch, "1");
        }
        command
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said: Said = self.command(&[arguments, &["--json"]].concat()).output().unwrap().into();
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    fn start(&self) -> (Running, Told) {
        let mut command = self.command(&["run", "--listen", "127.0.0.1:0", "--log-level", "warn"]);
        let (base, topic, purse) = (self.beeminder.base(), self.ntfy.url(), self.openrouter.front.url());
        command.envs(variables(&base, &topic, &purse));
        command.envs([
            ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
            ("MECRIS_PROVIDERS__POLL_SECONDS", "1"),
            ("MECRIS_TRANSCRIPTS__POLL_SECONDS", "1"),
            ("MECRIS_ALERTS__SETTLE_SECONDS", "1"),
            ("MECRIS_ALERTS__RETRY_SECONDS", "1"),
            ("MECRIS_ALERTS__MESSAGES_PER_HOUR", "1"),
            ("MECRIS_GATE__SESSION_USD", "5"),
        ]);
        self.home.start_command(command, &self.home.data())
    }

    /// Calls that happen now, by the machine's own clock.
    fn call(&mut self, count: u32) {
        let lines = (0..count).map(|_| {
            self.calls += 1;
            let number = self.calls;
            let line = json!({
                "type": "assistant", "timestamp": Timestamp::now().to_string(), "sessionId": "live", "cwd": "/home/ada",
                "requestId": format!("req_{number}"),
                "message": {
                    "id": format!("msg_{number}"), "model": "claude-opus-5", "content": [],
                    "usage": {"input_tokens": 100, "output_tokens": 10},
                },
            });
            format!("{line}\n")
        });
        let text: String = lines.collect();
        let path = self.home.claude().join("projects/-home-ada/live.jsonl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    fn messages(&self) -> Vec<String> {
        let world = self.ntfy.world.lock();
        world.messages.iter().map(|message| message["message"].as_str().unwrap().to_owned()).collect()
    }

    fn points(&self) -> Vec<String> {
        let world = self.beeminder.world.lock();
        let points = world.datapoints.values().flatten();
        points.map(|point| point["daystamp"].as_str().unwrap().to_owned()).collect()
    }

    /// The log alone tells the same, and all that is there was counted once.
    fn is_whole(&self) {
        let verified = self.json(&["verify"]);
        assert_eq!(verified["problem_count"], 0, "{verified}");
        let replayed = self.json(&["replay"]);
        assert_eq!(replayed["total"]["messages"], self.calls, "{replayed}");
        let again = self.json(&["import", "--afresh"]);
        assert_eq!((&again["recorded"], &again["bad_lines"]), (&json!(0), &json!(0)), "{again}");
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < BOUND, "it did not come about: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn counts(running: &Running, expected: u32) {
    until("all calls are counted", || {
        let counted = running.get("/api/v1/spend").json()["total"]["messages"].as_u64().unwrap();
        assert!(counted <= u64::from(expected), "{counted} of {expected}");
        (counted == u64::from(expected)).then_some(())
    });
}

fn source(running: &Running, name: &str) -> Value {
    let shown = running.get("/api/v1/sources").json();
    let sources = shown["sources"].as_array().unwrap();
    sources.iter().find(|source| source["name"] == name).unwrap_or_else(|| panic!("{shown}")).clone()
}

/// What is asked every second answered a moment ago and is asked again in a moment, by whatever clock.
fn sources_are_young(running: &Running, by: SignedDuration) {
    let now = Timestamp::now() + by;
    for name in ["beeminder", "openrouter"] {
        let source = source(running, name);
        let age = source["age_seconds"].as_i64().unwrap();
        assert!((0..3_600).contains(&age) && source["state"] == "ok", "{source}");
        let next: Timestamp = source["next_attempt"].as_str().unwrap().parse().unwrap();
        assert!(next.duration_since(now).abs() < SignedDuration::from_hours(25), "{source}, {now}");
    }
    for balance in running.get("/api/v1/balance").json()["balances"].as_array().unwrap() {
        assert!(balance["age_seconds"].as_i64().unwrap() >= 0, "{balance}");
    }
}

fn with(running: &Running, token: &str, path: &str) -> Answer {
    running.send("GET", path, &[("authorization", &format!("Bearer {token}"))], None)
}

fn cpu_ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_ascii_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Whoever waits for nothing would use most of these seconds.
fn is_at_rest(running: &Running) {
    let (before, lasts) = (cpu_ticks(running.child.id()), Duration::from_secs(4));
    std::thread::sleep(lasts);
    let used = (cpu_ticks(running.child.id()) - before) * 10;
    assert!(used < 2_000, "{used} ms of the processor in {lasts:?}");
}

fn alert_events(running: &Running) -> usize {
    let events = running.get("/api/v1/events?limit=1000").json()["events"].as_array().unwrap().clone();
    let is_alert = |event: &&Value| event["type"].as_str().unwrap().starts_with("alert-");
    events.iter().filter(is_alert).count()
}

#[test]
fn a_clock_that_is_set_while_it_runs_and_set_right_again_changes_nothing_for_good() {
    let mut world = World::new();
    let since = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().unwrap().to_string();
    let token = world.json(&["token", "new", "--kind", "auditor", "--expires", "30d"]);
    let token = token["token"].as_str().unwrap().to_owned();
    world.call(3);
    let (running, told) = world.start();
    counts(&running, 3);
    world.json(&["goal", "feed", "walk", "--from", "spend", "--since", &since]);
    world.json(&["override", "--usd", "5", "--reason", "the demo is tonight", "--hours", "2"]);
    let overrides = |running: &Running| {
        running.get("/api/v1/virtual-budget").json()["overrides"].as_array().unwrap().len()
    };
    until("the feed has posted", || (world.points().len() >= 2).then_some(()));
    until("the sources answer", || {
        let are_ok = ["beeminder", "openrouter"].iter().all(|name| source(&running, name)["state"] == "ok");
        are_ok.then_some(())
    });
    let year = SignedDuration::from_hours(365 * 24);
    let (points, alerts) = (world.points(), alert_events(&running));
    for (offset, by, held, seen) in [
        (YEAR, year, 0, true),
        (RIGHT, SignedDuration::ZERO, 1, true),
        (YEAR_BACK, -year, 0, false),
        (RIGHT, SignedDuration::ZERO, 1, true),
    ] {
        let before = world.calls;
        world.set(offset);
        world.call(5);
        // By a clock that is a year behind, what is told now is not believed yet: it waits, and is counted later.
        counts(&running, if seen { world.calls } else { before });
        is_at_rest(&running);
        sources_are_young(&running, by);
        assert_eq!(
            with(&running, &token, "/api/v1/status").status,
            if by == year { 401 } else { 200 },
            "{offset}"
        );
        assert_eq!(overrides(&running), held, "{offset}");
        let ready = running.get("/health/ready").json();
        assert_eq!(ready["ready"], true, "{ready}");
        for path in ["/api/v1/forecast", "/api/v1/alerts", "/api/v1/reconcile", "/api/v1/feeds", "/metrics"] {
            assert_eq!(running.get(path).status, 200, "{offset} {path}");
        }
        assert_eq!(world.points(), points, "{offset}: no day has ended on such a clock's word");
        assert_eq!((alert_events(&running), world.messages()), (alerts, vec![]), "{offset}");
    }
    // What comes now is told now, and not when the clock has come to where it was for a moment.
    world.beeminder.world.lock().goal("walk", 0, FAR);
    until("it is told", || (world.messages().len() == 1).then_some(()));
    for actor in running.get("/api/v1/actors").json().as_array().unwrap() {
        assert_eq!(actor["restarts"], 0, "{actor}");
    }
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    for (line, times) in [
        ("the clock was set forward by 365 d", 2),
        ("the clock was set back by 365 d", 2),
        ("and is where it was", 2),
        ("panicked", 0),
        ("ERROR", 0),
    ] {
        assert_eq!(told.matches(line).count(), times, "{line}: {told}");
    }
    world.is_whole();
}

#[test]
fn what_was_recorded_by_a_clock_that_was_a_year_ahead_holds_nothing_up_when_it_is_right() {
    let mut world = World::new();
    world.set(YEAR);
    world.call(4);
    // One goal is told of, and no more in an hour; of a second one nobody can be told.
    world.beeminder.world.lock().goal("walk", 0, FAR);
    world.json(&["balance", "set", "40"]);
    let (running, told) = world.start();
    counts(&running, 4);
    until("the first is told", || (world.messages().len() == 1).then_some(()));
    until("the purse was read", || (source(&running, "openrouter")["state"] == "ok").then_some(()));
    world.ntfy.front.fault(Fault::Refused);
    world.beeminder.world.lock().goal("read", 0, FAR);
    until("the second is raised", || {
        let alerts = running.get("/api/v1/alerts").json()["alerts"].as_array().unwrap().clone();
        (alerts.iter().filter(|alert| alert["kind"] == "goal").count() == 2).then_some(())
    });
    assert_eq!(running.stop(), 0);
    assert!(!told.join().unwrap().contains("the clock was set"), "nothing was set while it ran");
    world.set(RIGHT);
    world.ntfy.front.fault(Fault::None);
    world.call(4);
    let said = world.json(&["balance", "set", "30"]);
    let anthropic = said["balances"].as_array().unwrap().iter().find(|line| line["provider"] == "anthropic");
    assert_eq!(anthropic.unwrap()["read_usd"], "30", "{said}");
    let (running, told) = world.start();
    counts(&running, 8);
    until("the second is told", || (world.messages().len() == 2).then_some(()));
    until("the purse is read", || (source(&running, "openrouter")["state"] == "ok").then_some(()));
    sources_are_young(&running, SignedDuration::ZERO);
    is_at_rest(&running);
    assert_eq!(world.messages().len(), 2, "{:?}", world.messages());
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    assert_eq!(told.matches("ahead of the clock: one of the two was wrong").count(), 1, "{told}");
    // And by one that is a year behind.
    world.set(YEAR_BACK);
    let (running, told) = world.start();
    world.json(&["budget", "set", "--amount", "7"]);
    is_at_rest(&running);
    assert_eq!(running.get("/api/v1/budgets").json()["budgets"][0]["amount_usd"], "7");
    assert_eq!(running.stop(), 0);
    assert!(told.join().unwrap().contains("ahead of the clock"));
    world.set(RIGHT);
    world.is_whole();
}

#[test]
fn sixty_jumps_in_a_minute_flood_nobody() {
    let mut world = World::new();
    world.call(2);
    let (running, told) = world.start();
    counts(&running, 2);
    for number in 0..60 {
        world.set([YEAR, YEAR_BACK, RIGHT][number % 3]);
        world.call(1);
        std::thread::sleep(Duration::from_millis(250));
    }
    world.set(RIGHT);
    counts(&running, 62);
    is_at_rest(&running);
    assert_eq!(world.messages().len(), 0);
    let requests = world.beeminder.front.requests();
    assert!(requests < 200, "{requests} requests for a poll of one second");
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    assert!(told.matches("the clock was set").count() <= 61, "{told}");
    world.is_whole();
}

/// The tests that set a clock see the program's own: without the library they would prove nothing.
#[test]
fn the_clock_of_these_tests_is_set() {
    let world = World::new();
    world.set(YEAR);
    let set = world.json(&["balance", "set", "1"]);
    let taken: Timestamp = set["balances"][0]["taken_at"].as_str().unwrap().parse().unwrap();
    assert!(taken.duration_since(Timestamp::now()) > SignedDuration::from_hours(364 * 24), "{set}");
    assert!(Path::new(&library()).exists());
}
