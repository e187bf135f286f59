//! A log that waits and fails, as one over a network does: it holds the contract, and whoever uses it loses nothing,
//! does not hang, and never takes a failure for "nothing is there".

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mecris::actor::{self, Shutdown};
use mecris::config::prices::price_table;
use mecris::domain::balance::{BalanceChange, Reading, Source};
use mecris::domain::budget::{Budget, BudgetCommand, Scope, Thresholds};
use mecris::domain::calendar::Period;
use mecris::domain::money::Picodollars;
use mecris::domain::telemetry_usage::Export;
use mecris::domain::usage::Usage;
use mecris::event::{Metadata, Position, TenantId};
use mecris::integration::claude_code::line::{LineParser, Parsed};
use mecris::integration::claude_code::telemetry;
use mecris::log::conformance::{CHECKS, all};
use mecris::log::{EventLog, Log, LogError, MemoryLog};
use mecris::service::aggregate::repository::{Aggregate, CommandError, Repository, metadata_for};
use mecris::service::audit::readable;
use mecris::service::balances::balance::{BalanceAggregate, refused_in_passing};
use mecris::service::budgets::budget::BudgetAggregate;
use mecris::service::runtime::incidents::{self, incidents};
use mecris::service::runtime::node::Node;
use mecris::service::runtime::place::Place;
use mecris::service::runtime::reads::Reads;
use mecris::service::runtime::settings::Settings;
use mecris::service::runtime::snapshots::Snapshots;
use mecris::service::runtime::sources::Sources;
use mecris::service::system::tree::{self, Restarts, Supervised};
use mecris::service::usage::projects::AliasAggregate;
use mecris::service::usage::recorder::Recorder;
use mecris::service::usage::telemetry::TelemetryUsage;
use mecris::view::replay::{Until, replay};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::claude_telemetry::{Temporality, Told};
use crate::support::unsteady::{Failing, Unsteady};

const TENANT: &str = "local";

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn tenant() -> TenantId {
    TenantId::new(TENANT)
}

#[test]
fn a_log_that_waits_holds_the_contract() {
    for (name, check) in CHECKS {
        println!("{name}");
        check(&Unsteady::new(Arc::new(MemoryLog::new()), Duration::from_micros(50)));
    }
}

/// What stands in a log, whatever the order of what nobody orders: how often each fact.
fn facts(log: &dyn EventLog) -> BTreeMap<(String, String, String), u64> {
    let mut facts = BTreeMap::new();
    for record in all(log) {
        let payload = format!("{:?}", record.payload);
        *facts.entry((record.stream.to_string(), record.type_name.clone(), payload)).or_default() += 1;
    }
    facts
}

/// Does work on a log that fails at each of its calls in turn, in each way. The failure is told, and the same work
/// done again leaves what it leaves on a log that never fails.
fn survives<T, E: Debug>(
    what: &str,
    prepare: impl Fn(&Arc<dyn EventLog>),
    work: impl Fn(&Arc<dyn EventLog>) -> Result<T, E>,
) {
    let fresh = || {
        let memory: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        prepare(&memory);
        let unsteady = Arc::new(Unsteady::new(memory.clone(), Duration::ZERO));
        let log: Arc<dyn EventLog> = unsteady.clone();
        (memory, unsteady, log)
    };
    let (memory, unsteady, log) = fresh();
    unsteady.mend();
    work(&log).unwrap();
    let (calls, expected) = (unsteady.mend(), facts(&*memory));
    assert!(calls > 0, "{what} does not ask the log");
    for failing in [Failing::Unsent, Failing::Unheard] {
        for call in 1..=calls {
            let (memory, unsteady, log) = fresh();
            unsteady.fail_at(call, failing);
            let context = format!("{what}, call {call} of {calls}, {failing:?}");
            assert!(work(&log).is_err(), "{context}: the failure was not told");
            unsteady.mend();
            work(&log).unwrap_or_else(|error| panic!("{context}: {error:?}"));
            assert_eq!(facts(&*memory), expected, "{context}");
        }
    }
}

/// Calls of transcripts, and the exports that tell of the same ones.
fn told() -> (Vec<Usage>, Vec<Export>) {
    let mut told = Told::make(40, 3, 24).unwritten(13);
    let exports =
        told.events().iter().map(|export| telemetry::logs(export, now()).export).collect::<Vec<_>>();
    let metrics = told.metrics(Temporality::Cumulative);
    let points = metrics.iter().map(|export| telemetry::metrics(export, now()).export);
    let exports = exports.into_iter().chain(points).collect();
    let transcripts = told.transcripts();
    let usages =
        transcripts.values().flatten().map(|line| match LineParser::new(now()).parse(line.as_bytes()) {
            Parsed::Calls(usage, _) => *usage,
            other => panic!("{other:?}"),
        });
    (usages.collect(), exports)
}

fn recorder(log: &Arc<dyn EventLog>) -> Recorder {
    Recorder::new(log.clone(), tenant(), Arc::new(price_table(None).unwrap()), "test")
}

fn tell(log: &dyn EventLog, exports: &[Export]) -> Result<(), mecris::view::ViewError> {
    let (mut known, prices) = (TelemetryUsage::default(), price_table(None).unwrap());
    exports
        .iter()
        .try_for_each(|export| known.record(log, &tenant(), &prices, export, &Metadata::default()).map(drop))
}

#[test]
fn a_failure_at_any_call_loses_no_usage() {
    let (usages, exports) = told();
    // One call has grown since it was recorded.
    let mut grown = usages.clone();
    grown[1].tokens.output += 7;
    survives(
        "recording what telemetry told of",
        |log| tell(&**log, &exports).unwrap(),
        |log| recorder(log).record(&grown, &|_, _| {}),
    );
    survives(
        "recording again what has grown",
        |log| _ = recorder(log).record(&usages, &|_, _| {}).unwrap(),
        |log| recorder(log).record(&grown, &|_, _| {}),
    );
    survives(
        "telemetry of what was recorded",
        |log| _ = recorder(log).record(&usages[..usages.len() / 2], &|_, _| {}).unwrap(),
        |log| tell(&**log, &exports),
    );
    let unpriced = || {
        let mut table = price_table(None).unwrap();
        table.models.clear();
        table.version = "none".into();
        Arc::new(table)
    };
    survives(
        "pricing what had no price",
        |log| {
            let unpriced = unpriced();
            let mut known = TelemetryUsage::default();
            known.record(&**log, &tenant(), &unpriced, &exports[0], &Metadata::default()).unwrap();
            let (some, none) = (recorder(log).by(unpriced), &usages[usages.len() / 2..]);
            some.record(none, &|_, _| {}).unwrap();
        },
        |log| recorder(log).reprice(&|_, _| {}),
    );
}

/// A command on a repository that has read nothing yet.
fn execute<A: Aggregate>(
    log: &Arc<dyn EventLog>,
    command: A::Command,
    at: Timestamp,
) -> Result<Option<Position>, CommandError<A::Error>> {
    Repository::<A>::new(log.clone(), tenant()).execute(command, at, &metadata_for("test"))
}

fn set(amount: i128) -> BudgetCommand {
    BudgetCommand::Set(Budget {
        name: "all".parse().unwrap(),
        amount: Picodollars(amount),
        period: Period::Monthly,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    })
}

#[test]
fn a_failure_at_any_call_loses_no_decision() {
    let usd = |amount| Reading::usd("anthropic", Picodollars(amount), now(), Source::Refusal, "test");
    survives(
        "a reading of a balance",
        |log| _ = execute::<BalanceAggregate>(log, BalanceChange::Read(usd(5)), now()).unwrap(),
        |log| {
            let later = now() + jiff::SignedDuration::from_secs(60);
            let reading = Reading { taken_at: later, ..usd(3) };
            execute::<BalanceAggregate>(log, BalanceChange::Read(reading), later)
        },
    );
    survives(
        "a refusal in passing",
        |_| {},
        |log| refused_in_passing(&mut Repository::new(log.clone(), tenant()), now(), now()),
    );
    survives(
        "an alias",
        |_| {},
        |log| execute::<AliasAggregate>(log, ("/home/me/a".into(), Some("a".into())), now()),
    );
    survives(
        "a budget",
        |_| {},
        |log| {
            let views = replay(&**log, Until::Head, &mut |_, _| {}).map_err(|error| error.to_string())?;
            // Where only the answer was lost, it is set.
            let is_set = views.tenant(&tenant()).is_some_and(|view| view.budgets.len() == 1);
            if !is_set {
                execute::<BudgetAggregate>(log, set(7), now()).map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        },
    );
}

/// Asks while each call fails in turn: the failure is told, and never is another answer given.
fn answers<T: PartialEq + Debug, E: Debug>(
    what: &str,
    log: &Unsteady<dyn Log>,
    ask: impl Fn() -> Result<T, E>,
) {
    log.mend();
    let expected = ask().unwrap();
    let calls = log.mend();
    assert!(calls > 0, "{what} does not ask the log");
    for call in 1..=calls {
        log.fail_at(call, Failing::Unsent);
        let answer = ask();
        assert!(answer.is_err(), "{what}, call {call} of {calls}: a failure was taken for {answer:?}");
    }
    log.mend();
    assert_eq!(ask().unwrap(), expected, "{what}");
}

/// A node whose log can be made to fail, with some usage in it.
fn unsteady_node(dir: &std::path::Path) -> (Node, Arc<Unsteady<dyn Log>>) {
    let mut node = Node::open(&Place::local(dir), Settings::load(None).unwrap()).unwrap();
    let unsteady = Arc::new(Unsteady::new(node.log.clone(), Duration::from_micros(20)));
    node.log = unsteady.clone();
    (node, unsteady)
}

#[test]
fn a_failure_is_never_an_empty_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (node, log) = unsteady_node(dir.path());
    let (usages, _) = told();
    let events: Arc<dyn EventLog> = node.log.clone();
    recorder(&events).record(&usages, &|_, _| {}).unwrap();
    let views = replay(&*events, Until::Head, &mut |_, _| {}).unwrap();
    answers("a replay", &log, || replay(&*events, Until::Head, &mut |_, _| {}));
    answers("a replay to an instant", &log, || replay(&*events, Until::Recorded(now()), &mut |_, _| {}));
    let queries: Reads = node.queries().unwrap();
    answers("an explanation", &log, || queries.explain("2026-11-23", None, Timestamp::now()));
    answers("a page of events", &log, || queries.events(Position(1), 100).map(|page| page.events.len()));
    answers("an export", &log, || queries.export(Position(1), 200));
    answers("what became of the system", &log, || incidents(&*events, &tenant(), None));
    answers("what is known of a call", &log, || recorder(&events).known_usage(&usages[0]));
    let ids: Vec<_> = all(&*events).iter().map(|record| record.id).collect();
    answers("many ids", &log, || events.find_many(&ids));
    answers("one event", &log, || events.get(Position(2)));
    let (noted, _notes) = unbounded_channel();
    answers("the sources", &log, || {
        Sources::load(&*events, &tenant(), noted.clone()).map(|sources| sources.shown(now()).sources.len())
    });
    let kept = Snapshots::new(events.clone(), dir.path().join("kept"));
    kept.save(&views);
    answers("the kept views", &log, || kept.load());
    assert_eq!(kept.load().unwrap(), views);
    let mut lines = Vec::new();
    log.fail_at(2, Failing::Unsent);
    let cut = mecris::log::export::export(
        &*events,
        &tenant(),
        (Position::FIRST, u64::MAX),
        &mut lines,
        &readable,
        &mut |_, _| {},
    );
    assert!(cut.is_err());
    log.mend();
    node.log.close();
}

fn restarts(system: &Supervised) -> u64 {
    system.actors().iter().map(|actor| actor.restarts).sum()
}

/// The whole tree over a log that waits, and that cannot be reached for a while.
async fn outage(dir: std::path::PathBuf) {
    let (noted, notes) = unbounded_channel();
    let noting = noted.clone();
    let start = move || {
        let (node, log) = unsteady_node(&dir);
        let queries = node.queries().unwrap();
        let sources = Sources::load(&*node.log, &node.tenant, noting).unwrap();
        (node, log, queries, sources)
    };
    let (node, log, queries, sources) = tokio::task::spawn_blocking(start).await.unwrap();
    let screen = tree::UiCallbacks { on_step: Arc::new(|_| {}), on_alert: Arc::new(|_, _, _, _| {}) };
    let (system, supervisor) = tree::build(&node, queries, sources, noted, &screen, Restarts::default());
    let (system, shutdown) = (Arc::new(system), Shutdown::default());
    let recording = tokio::spawn(incidents::record(node.log.clone(), node.tenant.clone(), notes));
    let tree = tokio::task::spawn_local(supervisor.run_until(shutdown.clone()));

    system.execute::<BudgetAggregate>(set(1)).await.unwrap();
    assert_eq!(restarts(&system), 0, "an actor waited for the log on its own thread: {:?}", system.actors());
    log.cut();
    for amount in 2..6 {
        let refused = system.execute::<BudgetAggregate>(set(amount)).await;
        assert!(refused.unwrap_err().to_string().contains("cannot be reached"), "{amount}");
        let asking = system.clone();
        let events = tokio::task::spawn_blocking(move || asking.queries.events(Position(1), 10));
        assert!(events.await.unwrap().is_err());
        assert_eq!(system.queries.snapshot().budgets(Timestamp::now()).len(), 1, "what is known stays shown");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    log.mend();
    let again = async {
        while system.execute::<BudgetAggregate>(set(9)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), again).await.expect("the log is used again");
    let asking = node.log.clone();
    let head = tokio::task::spawn_blocking(move || asking.head()).await.unwrap().unwrap();
    let mut projected = system.projected.clone();
    let shown = projected.wait_for(|projected| *projected >= head.position);
    tokio::time::timeout(Duration::from_mins(1), shown).await.expect("the views follow again").unwrap();
    assert_eq!(system.queries.snapshot().budgets(Timestamp::now())[0].amount_usd, Picodollars(9));
    assert!(!tree.is_finished(), "the tree gave up");
    shutdown.request();
    tree.await.unwrap();
    drop(system);
    recording.await.unwrap();
    node.log.close();
}

#[test]
fn the_tree_outlives_a_log_that_cannot_be_reached() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    actor::run(outage(data.clone()));
    let log = data.join("tenants/local");
    let report =
        mecris::log::verify::verify(&log, &mecris::log::Options::default(), None, &mut |_, _| {}).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn what_is_not_sent_is_named_with_its_mend() {
    let log = Unsteady::new(Arc::new(MemoryLog::new()), Duration::ZERO);
    log.cut();
    let failed = log.head().unwrap_err();
    assert!(matches!(failed, LogError::Unavailable { .. }));
    assert_eq!(failed.to_string(), "the log cannot be reached: the line is cut; mend the line");
}
