//! A storm over the whole tree: its actors are made to panic a thousand times while ten thousand commands
//! flow, and some thousand times more. It runs in a process of its own, so that its tasks and its memory can be counted.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use mecris::actor::{self, Backoff, Intensity, Shutdown};
use mecris::domain::allowance::{AllowanceCommand, VirtualBudget};
use mecris::domain::balance::BalanceChange;
use mecris::domain::budget::{Budget, BudgetCommand, Scope, Thresholds};
use mecris::domain::calendar::Period;
use mecris::domain::local_goal::{LocalGoal, Priority};
use mecris::domain::local_goals::LocalGoalCommand;
use mecris::domain::money::Picodollars;
use mecris::event::Event;
use mecris::event::Position;
use mecris::event::decode;
use mecris::log::verify::verify;
use mecris::log::{EventLog, Options};
use mecris::service::aggregate::repository::{Aggregate, Repository};
use mecris::service::balances::balance::{BalanceAggregate, TopUpBody};
use mecris::service::budgets::allowance::AllowanceAggregate;
use mecris::service::budgets::budget::BudgetAggregate;
use mecris::service::goals::local::LocalGoalAggregate;
use mecris::service::runtime::client::ServiceError;
use mecris::service::runtime::incidents;
use mecris::service::runtime::node::Node;
use mecris::service::runtime::place::Place;
use mecris::service::runtime::settings::Settings;
use mecris::service::runtime::sources::Sources;
use mecris::service::system::tree;
use mecris::service::system::tree::{Restarts, Supervised};
use mecris::service::usage::projects::AliasAggregate;
use mecris::view::replay::{Until, replay};

/// Set for the child: where its data is.
const DATA: &str = "STORM_DATA";
const NAME: &str = "storm::the_child_of_the_storm";
const COMMANDS: u64 = 10_000;
const SENDERS: u64 = 8;
const RESTARTS: u64 = 1_000;
/// Rounds without commands, at most, of so many looks at the memory with half as many restarts each.
const ROUNDS_MAX: usize = 6;
const LOOKS: usize = 3;

/// What a sender heard of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Done,
    /// Refused by name: nothing was done.
    Refused,
    /// It may or may not have been done.
    Unknown,
}

fn budget(number: u64) -> BudgetCommand {
    BudgetCommand::Set(Budget {
        name: format!("budget-{}", number % 32).parse().unwrap(),
        amount: amount(number),
        period: Period::Monthly,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    })
}

fn goal(number: u64) -> LocalGoalCommand {
    LocalGoalCommand::SetGoal(LocalGoal {
        slug: format!("goal-{}", number % 32).parse().unwrap(),
        title: number.to_string(),
        priority: Priority::Medium,
        due: jiff::civil::date(2030, 1, 1),
    })
}

/// By which a command is known in its event.
fn amount(number: u64) -> Picodollars {
    Picodollars(i128::from(number) + 1)
}

/// The number of the command that an event has come of.
fn number(event: &Event<'_>) -> Option<u64> {
    let of = |amount: Picodollars| u64::try_from(amount.0).ok()?.checked_sub(1);
    match event {
        Event::BudgetSet(set) => of(set.amount),
        Event::BalanceToppedUp(added) => of(added.amount),
        Event::VirtualBudgetSet(set) => of(set.daily?),
        Event::LocalGoalSet(set) => set.title.parse().ok(),
        Event::ProjectAliased(aliased) => aliased.name.as_ref()?.strip_prefix("/name-")?.parse().ok(),
        _ => None,
    }
}

/// Commands of five aggregates in turn: those of which any may be the next, whatever has become of the ones before.
async fn send(system: &Supervised, number: u64) -> Heard {
    let sent = match number % 5 {
        0 => system.execute::<BudgetAggregate>(budget(number)).await,
        1 => {
            let amount_usd = amount(number).exact();
            let body = TopUpBody { amount_usd, provider: "groq".into(), at: None };
            let top_up = body.into_top_up(Timestamp::now()).unwrap();
            system.execute::<BalanceAggregate>(BalanceChange::ToppedUp(top_up)).await
        }
        2 => {
            let daily = Some(amount(number));
            let budget = VirtualBudget { daily, monthly: None, reserve_percent: 20 };
            system.execute::<AllowanceAggregate>(AllowanceCommand::Set(budget)).await
        }
        3 => {
            let facts = system.queries.facts(None);
            system.execute::<LocalGoalAggregate>((goal(number), facts)).await
        }
        _ => {
            let (directory, name) = (format!("/dir-{}", number % 32), format!("/name-{number}"));
            system.execute::<AliasAggregate>((directory, Some(name))).await
        }
    };
    match sent {
        Ok(()) => Heard::Done,
        Err(ServiceError::Busy | ServiceError::Unavailable { .. }) => Heard::Refused,
        Err(ServiceError::UnknownOutcome { .. }) => Heard::Unknown,
        Err(other) => panic!("{other}"),
    }
}

fn restarts(system: &Supervised) -> u64 {
    system.actors().iter().map(|actor| actor.restarts).sum()
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends the commands of a range while actors panic, one after the other, until both are enough.
async fn rage(
    system: &Arc<Supervised>,
    commands: std::ops::Range<u64>,
    until_restarts: u64,
) -> Vec<(u64, Heard)> {
    let next = Arc::new(AtomicU64::new(commands.start));
    let senders = (0..SENDERS).map(|_| {
        let (system, next, end) = (system.clone(), next.clone(), commands.end);
        tokio::spawn(async move {
            let mut heard = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return heard;
                }
                heard.push((number, send(&system, number).await));
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    let paths: Vec<String> = system.actors().iter().map(|actor| actor.path.clone()).collect();
    for path in paths.iter().cycle() {
        if restarts(system) >= until_restarts {
            break;
        }
        assert!(system.drill(path));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut heard = Vec::new();
    for sender in senders {
        heard.extend(sender.await.unwrap());
    }
    heard
}

/// What is read at a start is there or not at the moment of looking: the middle one is the level.
fn median(levels: &[u64]) -> u64 {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// How often each command is in the log.
fn done(log: &dyn EventLog) -> HashMap<u64, u64> {
    let mut done = HashMap::new();
    log.scan(Position::FIRST, log.head().unwrap().position, &mut |record| {
        if let Some(number) = decode(record).ok().and_then(|event| number(&event)) {
            *done.entry(number).or_default() += 1;
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    done
}

/// What the command side knows.
fn known<A: Aggregate>(node: &Node) -> A::State {
    Repository::<A>::load(node.log.clone(), node.tenant.clone()).unwrap().into_state()
}

async fn storm(dir: &std::path::Path) {
    let settings = Settings::load(None).unwrap();
    let node = Node::open(&Place::local(dir), settings).unwrap();
    let (noted, notes) = tokio::sync::mpsc::unbounded_channel();
    let sources = Sources::load(&*node.log, &node.tenant, noted.clone()).unwrap();
    let queries = node.queries().unwrap();
    let screen = tree::UiCallbacks { on_step: Arc::new(|_| {}), on_alert: Arc::new(|_, _, _, _| {}) };
    let quick = Restarts {
        backoff: Backoff {
            initial: Duration::from_micros(10),
            max: Duration::from_millis(1),
            reset_after: Duration::from_secs(1),
        },
        intensity: Intensity { restarts: usize::MAX, within: Duration::from_hours(1) },
    };
    let (system, supervisor) = tree::build(&node, queries, sources, noted, &screen, quick);
    let (system, shutdown) = (Arc::new(system), Shutdown::default());
    let recording = tokio::spawn(incidents::record(node.log.clone(), node.tenant.clone(), notes));
    let tree = tokio::task::spawn_local(supervisor.run_until(shutdown.clone()));

    let heard = rage(&system, 0..COMMANDS, RESTARTS).await;
    // Restarts without commands, which would let the log and its caches grow. What an actor reads at its start is
    // given back but kept by the allocator, so the first rounds find the level: sooner or later a round must hold
    // that of the round before within a tenth. What leaks never does.
    let metrics = tokio::runtime::Handle::current().metrics();
    let tasks = metrics.num_alive_tasks();
    let mut target = RESTARTS;
    let mut levels = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let mut round = Vec::new();
        for _ in 0..LOOKS {
            target += RESTARTS / 2;
            rage(&system, 0..0, target).await;
            round.push(resident_kib());
        }
        levels.push(median(&round));
        if levels.iter().rev().nth(1).is_some_and(|before| levels[levels.len() - 1] * 10 <= before * 11) {
            break;
        }
    }
    // What was stirred up settles.
    let settled = async {
        while metrics.num_alive_tasks() > tasks || system.actors().iter().any(|actor| actor.mailbox_depth > 0)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), settled).await.expect("tasks or permits are left over");
    let total_restarts = restarts(&system);

    // Every command was heard of once, and what was heard is true.
    assert_eq!(heard.len() as u64, COMMANDS);
    let done = done(&*node.log);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (number, heard) in &heard {
        let times = done.get(number).copied().unwrap_or_default();
        let is_true = match heard {
            Heard::Done => times == 1,
            Heard::Refused => times == 0,
            Heard::Unknown => times <= 1,
        };
        assert!(is_true, "command {number}: {heard:?}, and it is in the log {times} times");
        *counts
            .entry(match heard {
                Heard::Done => "done",
                Heard::Refused => "refused",
                Heard::Unknown => "unknown",
            })
            .or_default() += 1;
    }
    assert!(counts["done"] > COMMANDS / 2, "{counts:?}");

    // The views are those of a replay.
    let head = node.log.head().unwrap().position;
    let mut projected = system.projected.clone();
    projected.wait_for(|projected| *projected >= head).await.unwrap();
    shutdown.request();
    tree.await.unwrap();
    let log = node.log.clone();
    let (position, shown) =
        system.queries.views.read(|views| (views.position, views.tenant(&node.tenant).cloned()));
    drop(system);
    recording.await.unwrap();
    let replayed = replay(&*log, Until::Position(position), &mut |_, _| {}).unwrap();
    let (shown, expected) = (shown.unwrap(), replayed.tenant(&node.tenant).cloned().unwrap());
    assert!(shown == expected, "the views are not those of a replay");
    // And what the next command of each aggregate would be decided on is what they show.
    assert_eq!(known::<BudgetAggregate>(&node), *expected.budgets);
    assert_eq!(known::<BalanceAggregate>(&node), expected.balances.accounts);
    assert_eq!(known::<AllowanceAggregate>(&node), *expected.allowance);
    assert_eq!(known::<LocalGoalAggregate>(&node), *expected.local_goals);
    log.close();
    println!("storm: {total_restarts} restarts, {counts:?}, {levels:?} KiB, {tasks} tasks");
    let last_two = &levels[levels.len() - 2..];
    assert!(last_two[1] * 10 <= last_two[0] * 11, "memory does not hold its level: {levels:?} KiB");
    assert!(total_restarts >= target);
}

/// Does nothing where the storm's parent has not started it.
#[test]
fn the_child_of_the_storm() {
    let Some(dir) = std::env::var_os(DATA) else { return };
    actor::run(storm(std::path::Path::new(&dir)));
}

#[test]
fn a_thousand_restarts_lose_no_command_and_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture", "--test-threads", "1"])
        .env_clear()
        .env("HOME", dir.path())
        .env("TZ", "UTC")
        // One arena: with one for each thread, what they happen to hold drowns what is kept.
        .env("MALLOC_ARENA_MAX", "1")
        .env(DATA, &data)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    // The harness has begun the line.
    let told = out.lines().find_map(|line| line.find("storm: ").map(|at| &line[at..]));
    let told = told.unwrap_or_else(|| panic!("{out}"));
    println!("{told}");
    let report = verify(&data.join("tenants/local"), &Options::default(), None, &mut |_, _| {}).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}
