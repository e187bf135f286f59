//! Hours of work, in short: transcripts that grow by fifty lines a second and are rotated, cut off and replaced, outside
//! systems that come and go, commands by every face, scrapes and reloads. Nothing is lost or counted twice, every command
//! comes out as it should, and the process does not grow but by what it keeps of each event by design.
//!
//! `MECRIS_SOAK=3600 cargo test --test main -- soak:: --nocapture` is the hour; without the variable it is a minute and a half.

#[path = "soak/commands.rs"]
mod commands;
#[path = "soak/levels.rs"]
mod levels;
#[path = "soak/writing.rs"]
mod writing;

use std::ops::ControlFlow;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mecris::event::decode;
use mecris::event::{Event, Position};
use mecris::log::{EventLog, Options, SledLog};

use crate::support::outside::beeminder::Beeminder;
use crate::support::outside::front::Front;
use crate::support::outside::ntfy::Ntfy;
use crate::support::outside::purses::{self, BalanceApi};
use crate::support::outside::{Fault, variables};
use crate::support::program::Home;

use commands::{Asking, Ledger, reload};
use levels::{Level, slopes};
use writing::{Truth, Turn, Writing};

/// A session that is over its cap.
pub const DEAR: &str = "dear";
const LINES_A_SECOND: u64 = 50;
/// What is waited for at most, so that what hangs fails.
const BOUND: Duration = Duration::from_mins(2);
/// How long an outside system stays as it is.
const FAULT: Duration = Duration::from_millis(1_700);

const FAULTS: [Fault; 12] = [
    Fault::Flapping,
    Fault::None,
    Fault::Refused,
    Fault::Status(500),
    Fault::None,
    Fault::Truncated,
    Fault::Reset,
    Fault::None,
    Fault::Html,
    Fault::Later(1),
    Fault::Status(401),
    Fault::Silent,
];

struct Outside {
    beeminder: Beeminder,
    ntfy: Ntfy,
    openrouter: BalanceApi,
}

impl Outside {
    fn start() -> Self {
        let (beeminder, ntfy, openrouter) = (Beeminder::start(), Ntfy::start(), purses::openrouter());
        beeminder.world.lock().goal("walk", 0, 1_900_000_000);
        beeminder.world.lock().goal("spend", 12, 1_950_000_000);
        Self { beeminder, ntfy, openrouter }
    }

    fn fronts(&self) -> [&Front; 3] {
        [&self.beeminder.front, &self.ntfy.front, &self.openrouter.front]
    }

    fn flap(&self, is_over: &AtomicBool) {
        for (number, fault) in FAULTS.iter().cycle().enumerate() {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            self.fronts()[number % 3].fault(*fault);
            std::thread::sleep(FAULT);
        }
        for front in self.fronts() {
            front.fault(Fault::None);
        }
    }
}

fn program(home: &Home, outside: &Outside) -> Command {
    let config = home.dir.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let (base, topic, purse) = (outside.beeminder.base(), outside.ntfy.url(), outside.openrouter.front.url());
    let mut command = home.command(&[
        "run",
        "--listen",
        "127.0.0.1:0",
        "--log-level",
        "warn",
        "--config",
        config.to_str().unwrap(),
    ]);
    command.envs(variables(&base, &topic, &purse));
    command.envs([
        ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "1"),
        ("MECRIS_GATE__SESSION_USD", "5"),
        ("MECRIS_GATE__BUDGETS", "false"),
        ("MECRIS_LOG__RESERVE_MIB", "0"),
    ]);
    command
}

/// Waits until the sum is the truth; it is never more on the way.
fn until_counted(asking: &Asking<'_>, truth: &Truth) {
    let begun = Instant::now();
    loop {
        let shown = asking.json("HTTP: the sum", "/api/v1/spend");
        let told = Truth::told(&shown["total"]);
        if told == *truth {
            return;
        }
        assert!(told.messages <= truth.messages && told.cost_pico <= truth.cost_pico, "{told:?}, {truth:?}");
        assert!(begun.elapsed() < BOUND, "{told:?}, {truth:?}: {}", asking.json("actors", "/api/v1/actors"));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Writes lines at their pace, does to files what is due, and looks at the process each second.
fn write(writing: &mut Writing, asking: &Asking<'_>, process: u32, lasts: Duration) -> Vec<Level> {
    let (begun, mut levels, mut turns) = (Instant::now(), Vec::new(), 0);
    while begun.elapsed() < lasts {
        let due = (begun.elapsed().as_secs_f64() * LINES_A_SECOND as f64) as u64;
        writing.write(due.saturating_sub(writing.lines));
        if let Some((file, turn)) = writing.turn() {
            // What is cut off or deleted before anybody has read it is nobody's to count.
            if matches!(turn, Turn::Cut | Turn::Delete) {
                writing.complete();
                until_counted(asking, &writing.truth);
                writing.tidy();
            }
            writing.carry_out(file, turn);
            turns += 1;
        }
        if levels.len() as u64 <= begun.elapsed().as_secs() {
            let events = asking.json("HTTP: the head", "/api/v1/head")["position"].as_u64().unwrap();
            levels.push(Level::of(process, begun.elapsed(), events).expect("the process is there"));
            if levels.len().is_multiple_of(60) {
                println!("soak: {:?}", levels[levels.len() - 1]);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("soak: {} lines, {turns} turns of files, in {:?}", writing.lines, begun.elapsed());
    levels
}

#[test]
fn hours_of_work_lose_nothing_double_nothing_and_grow_by_nothing() {
    let lasts = std::env::var("MECRIS_SOAK").map_or(90, |text| text.parse().unwrap());
    let (home, outside, ledger) = (Home::new(), Outside::start(), Ledger::default());
    let mut writing = Writing::begin(&home.claude(), 17);
    writing.dear(DEAR);
    home.json(&["budget", "set", "--name", "spent", "--amount", "1"]);
    let (running, told) = home.start_command(program(&home, &outside), &home.data());
    let process = running.child.id();
    let asking = || Asking::new(&running, &home, &ledger);
    until_counted(&asking(), &writing.truth);
    let is_over = AtomicBool::new(false);
    let levels = std::thread::scope(|scope| {
        // Whoever fails ends the others.
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        scope.spawn(|| outside.flap(&is_over));
        scope.spawn(|| {
            let _over = Over(&is_over);
            commands::by_http(&asking(), &is_over);
        });
        scope.spawn(|| {
            let _over = Over(&is_over);
            commands::by_cli(&asking(), &is_over);
        });
        let _over = Over(&is_over);
        write(&mut writing, &asking(), process, Duration::from_secs(lasts))
    });
    let asking = asking();
    writing.complete();
    until_counted(&asking, &writing.truth);
    recover(&asking);
    let slopes = slopes(&levels);
    println!("soak: {slopes:?}\nsoak: from {:?}\nsoak: to {:?}", levels[0], levels[levels.len() - 1]);
    println!("{}", ledger.stated());
    for actor in asking.json("actors", "/api/v1/actors").as_array().unwrap() {
        assert_eq!(actor["restarts"], 0, "{actor}");
    }
    drop(asking);
    assert_eq!(running.stop(), 0);
    let told = told.join().unwrap();
    for word in ["ERROR", "panicked"] {
        assert!(!told.contains(word), "{told}");
    }
    is_kept(&home, &writing.truth, &ledger);
    messages_are_told_once(&outside);
    let series = ledger.series();
    let (warm, last) = (series[series.len() / 3], series[series.len() - 1]);
    println!("soak: {warm} series in a scrape after the warm-up, {last} in the last");
    assert!(last <= warm + 60, "{series:?}");
    slopes.verdict().unwrap_or_else(|wrong| panic!("{wrong}; {levels:?}"));
}

/// With all outside systems well again, so is what is known of them.
fn recover(asking: &Asking<'_>) {
    reload(asking, 0);
    reload(asking, 6);
    let begun = Instant::now();
    loop {
        let shown = asking.json("HTTP: sources", "/api/v1/sources");
        let sources = shown["sources"].as_array().unwrap();
        let state =
            |name: &str| sources.iter().find(|source| source["name"] == name).unwrap()["state"].clone();
        if ["beeminder", "openrouter"].map(state) == ["ok", "ok"] {
            return;
        }
        assert!(begun.elapsed() < BOUND, "{shown}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The log alone tells the same: it is whole, a replay has the same sum, reading all that is there again adds nothing, and
/// each command is in it once.
fn is_kept(home: &Home, truth: &Truth, ledger: &Ledger) {
    let verified = home.json(&["verify"]);
    assert_eq!(verified["problem_count"], 0, "{verified}");
    let replayed = home.json(&["replay"]);
    assert_eq!(Truth::told(&replayed["total"]), *truth, "{}", replayed["total"]);
    let again = home.json(&["import", "--afresh"]);
    assert_eq!((again["recorded"].as_u64(), again["revised"].as_u64()), (Some(0), Some(0)), "{again}");
    let (log, _) = SledLog::open(&home.data(), Options::default()).unwrap();
    let mut done = Vec::new();
    log.scan(Position::FIRST, log.head().position, &mut |record| {
        if let Ok(Event::BudgetSet(set)) = decode(record)
            && set.name.as_ref() as &str != "spent"
        {
            done.push(u64::try_from(set.amount.0 / 10_000_000_000).unwrap());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    done.sort_unstable();
    assert_eq!(done, ledger.set());
}

/// However often a server fell silent, no text came twice.
fn messages_are_told_once(outside: &Outside) {
    let messages = outside.ntfy.world.lock().messages.clone();
    let texts: Vec<String> =
        messages.iter().map(|message| format!("{} {}", message["title"], message["message"])).collect();
    println!("soak: {} messages: {texts:#?}", texts.len());
    let mut once = texts.clone();
    once.sort();
    once.dedup();
    assert!(!texts.is_empty() && once.len() == texts.len(), "{texts:#?}");
}
