//! The estimate held against the truth: sixty days at two providers, with late data and corrections, whose truth is
//! known; what was believed at each moment; and that no sum depends on its order or on where it is cut.

#[path = "reconcile/market.rs"]
mod market;
#[path = "reconcile/sources.rs"]
mod sources;
#[path = "reconcile/sums.rs"]
mod sums;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::config::Config;
use mecris::domain::balance::{BalanceChange, Reading, Source, TopUp};
use mecris::domain::currency::Currency;
use mecris::domain::money::Picodollars;
use mecris::domain::pricing::{Lack, Priced};
use mecris::domain::report::{CostLine, DayReport, ReportSource, Standing};
use mecris::domain::tokens::Tokens;
use mecris::domain::usage::{MessageKey, Usage};
use mecris::event::payload::{UsageRecorded, usage_event_id};
use mecris::event::{Event, Metadata, NewEvent, Position, StreamId, TenantId};
use mecris::log::{Append, EventLog, Expected, Options, SledLog};
use mecris::service::aggregate::repository::new_event;
use mecris::service::aggregate::repository::{Repository, metadata_for};
use mecris::service::balances::balance::BalanceAggregate;
use mecris::service::providers::reconcile::reconciled;
use mecris::service::providers::reports::{ReportAggregate, ReportFailure, ReportsTaken, record_days};
use mecris::view::balances::{BalanceLine, balances};
use mecris::view::reconcile::{Basis, Reconciliation, Wanted};
use mecris::view::replay::{Until, catch_up, replay};
use mecris::view::{Horizon, Views};
use serde_json::Value;

use crate::support::program::Home;
use market::{BOUGHT, Call, DAYS, Here, Market, PROVIDERS, STEP_HOURS, day, instant};

/// A log whose clock is turned by hand.
pub struct Clocked {
    pub log: Arc<dyn EventLog>,
    clock: Arc<AtomicI64>,
}

impl Clocked {
    pub fn open(dir: &Path) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let told = clock.clone();
        let now = move || Timestamp::from_microsecond(told.load(Ordering::Relaxed)).unwrap();
        let options = Options { reserve_bytes: 0, clock: Arc::new(now), ..Options::default() };
        Self { log: Arc::new(SledLog::open(dir, options).unwrap().0), clock }
    }

    pub fn turn(&self, now: Timestamp) {
        self.clock.store(now.as_microsecond(), Ordering::Relaxed);
    }
}

/// The write sides of what providers tell.
pub struct Records {
    balances: Repository<BalanceAggregate>,
    reports: Repository<ReportAggregate>,
}

impl Records {
    pub fn new(log: &Arc<dyn EventLog>) -> Self {
        let tenant = TenantId::local();
        Self {
            balances: Repository::new(log.clone(), tenant.clone()),
            reports: Repository::new(log.clone(), tenant),
        }
    }

    /// The event's position, or none where it is no news.
    pub fn balance(&mut self, change: BalanceChange, now: Timestamp) -> Option<Position> {
        self.balances.execute(change, now, &metadata_for("test")).unwrap()
    }

    pub fn days(&mut self, reports: &[DayReport], now: Timestamp) -> Result<ReportsTaken, ReportFailure> {
        record_days(&mut self.reports, reports, now, "test")
    }
}

/// The event of a call that this machine saw.
pub fn recorded(tenant: &TenantId, call: &Call) -> NewEvent {
    let key = MessageKey { message_id: format!("msg_{}", call.number).into(), request_id: "".into() };
    let id = usage_event_id(tenant.as_str(), &key, 0);
    let usage = Usage {
        key,
        provider: call.provider.into(),
        model: call.model.into(),
        project: "/home/ada".into(),
        session: "s".into(),
        tokens: Tokens { output: 1, ..Tokens::default() },
        occurred_at: call.at,
        ..Usage::default()
    };
    let priced = if call.here == Here::Priced {
        Priced { cost: Some(Picodollars(call.cost)), ..Priced::default() }
    } else {
        Priced {
            missing: vec![Lack::Model(call.model.to_owned())],
            lacking: usage.tokens,
            ..Priced::default()
        }
    };
    let event = Event::UsageRecorded(UsageRecorded::new(&usage, &priced, "test"));
    new_event(id, &event, call.at, &Metadata::default())
}

pub fn append_usage(log: &dyn EventLog, tenant: &TenantId, events: Vec<NewEvent>) {
    if !events.is_empty() {
        let stream = StreamId::new("usage");
        log.append(Append { tenant: tenant.clone(), stream, expected: Expected::Any, events })
            .wait()
            .unwrap();
    }
}

/// What is believed at a moment.
#[derive(Debug, PartialEq)]
struct Belief {
    reconciliation: Reconciliation,
    balances: Vec<BalanceLine>,
}

fn belief(views: &Views, now: Timestamp) -> Belief {
    let empty = mecris::view::TenantView::default();
    let view = views.tenant(&TenantId::local()).unwrap_or(&empty);
    let reconciliation = reconciled(view, &Wanted::all(view), now, &TimeZone::UTC, &Config::default());
    Belief { reconciliation, balances: balances(view, now) }
}

/// Every event of the log, as its bytes and envelope are.
fn all_events(log: &dyn EventLog) -> Vec<String> {
    let mut events = Vec::new();
    log.scan(Position::FIRST, log.head().unwrap().position, &mut |record| {
        let (at, told, payload) = (record.occurred_at, record.recorded_at, record.payload);
        events.push(format!("{} {} {at} {told} {payload:?}", record.position, record.id));
        ControlFlow::Continue(())
    })
    .unwrap();
    events
}

/// A reading or a top-up that a person told: `(provider, at, amount of a top-up, or none)`.
type Told = (&'static str, Timestamp, Option<i64>);

/// Sixty days, and five more in which nothing is spent and the last days settle.
struct Run {
    market: Market,
    beliefs: Vec<(Timestamp, Belief)>,
    told: Vec<Told>,
    /// What the log held when half of it was written.
    half: Vec<String>,
}

fn run(clocked: &Clocked, market: Market) -> Run {
    let (tenant, log) = (TenantId::local(), &*clocked.log);
    let mut recorded_by = Records::new(&clocked.log);
    let (mut views, mut beliefs, mut told, mut half) = (Views::default(), Vec::new(), Vec::new(), Vec::new());
    let mut last = instant(0, 0);
    for step in 0..(DAYS + 5) * 24 / STEP_HOURS {
        let (number, hours) = (step * STEP_HOURS / 24, step * STEP_HOURS % 24);
        let now = instant(number, hours);
        clocked.turn(now);
        let seen = market.calls.iter().filter(|call| call.here != Here::Unseen);
        let seen = seen.filter(|call| call.seen_from > last && call.seen_from <= now);
        append_usage(log, &tenant, seen.map(|call| recorded(&tenant, call)).collect());
        for (place, provider) in (0..).zip(PROVIDERS) {
            // One provider is read every week, the other nearly; once each, money is added.
            if hours == 12 && number % (7 - place) == 3 {
                let left = BOUGHT + added(&told, provider, now);
                let left = Picodollars::usd(left) - Picodollars(market.spent(provider, now));
                let reading = Reading::usd(provider, left, now, Source::Hand, "");
                recorded_by.balance(BalanceChange::Read(reading), now).expect("news");
                told.push((provider, now, None));
            }
            if hours == 15 && number == 30 + place {
                let amount = Picodollars::usd(250);
                let top_up = TopUp { provider: provider.into(), amount, at: now };
                recorded_by.balance(BalanceChange::ToppedUp(top_up), now).expect("news");
                told.push((provider, now, Some(250)));
            }
            if hours % 6 == 0 {
                let reports: Vec<DayReport> = (number - 3..=number)
                    .filter(|day| *day >= 0)
                    .map(|day| report(&market, provider, day, now))
                    .collect();
                recorded_by.days(&reports, now).unwrap();
            }
        }
        catch_up(log, &mut views, log.head().unwrap().position, Horizon::Unbounded, &mut |_, _| {}).unwrap();
        beliefs.push((now, belief(&views, now)));
        if number == DAYS / 2 && half.is_empty() {
            half = all_events(log);
        }
        last = now;
    }
    Run { market, beliefs, told, half }
}

fn added(told: &[Told], provider: &str, until: Timestamp) -> i64 {
    let own = told.iter().filter(|(name, at, _)| *name == provider && *at <= until);
    own.filter_map(|(.., amount)| *amount).sum()
}

/// A day as the provider tells it, in two lines for each model.
fn report(market: &Market, provider: &str, number: i64, now: Timestamp) -> DayReport {
    let lines = market.reported(provider, number, now).into_iter().flat_map(|(model, cost)| {
        let line =
            |kind: &str, pico| CostLine { model: model.into(), kind: kind.into(), cost: Picodollars(pico) };
        [line("output_tokens", cost / 3), line("uncached_input_tokens", cost - cost / 3)]
    });
    DayReport::cost(provider, day(number), ReportSource::ProviderApi, Currency::USD, lines)
}

#[test]
fn sixty_days_are_reconciled_to_the_picodollar_and_what_was_believed_is_kept() {
    let home = Home::new();
    let dir = home.data();
    std::fs::create_dir_all(&dir).unwrap();
    let clocked = Clocked::open(&dir);
    let run = run(&clocked, Market::new(6));
    let end = run.beliefs.last().unwrap();
    days_equal_the_truth(&run.market, &end.1.reconciliation);
    beliefs_equal_what_was_told(&run);
    // No correction has changed a past event.
    let all = all_events(&*clocked.log);
    assert!(run.half.len() > 500 && all.len() > run.half.len());
    assert_eq!(all[..run.half.len()], run.half);
    // What was believed then, of the log as it is now.
    for (now, then) in run.beliefs.iter().step_by(7) {
        let views = replay(&*clocked.log, Until::Recorded(*now), &mut |_, _| {}).unwrap();
        assert_eq!(&belief(&views, *now), then, "{now}");
    }
    drop(clocked);
    the_program_says_the_same(&home, &run);
}

/// Each day's estimate and actual, and what they add up to.
fn days_equal_the_truth(market: &Market, shown: &Reconciliation) {
    let mut by_day = BTreeMap::new();
    for line in &shown.days {
        assert!(by_day.insert((line.provider.as_str(), line.day), line).is_none());
    }
    for provider in PROVIDERS {
        let (mut actual, mut estimate) = (0, 0);
        for number in 0..DAYS {
            let line = by_day[&(provider, day(number))];
            let (truth, known) = (market.truth(provider, number), market.estimate(provider, number));
            assert_eq!(line.actual_usd, Some(Picodollars(truth)), "{provider} {number}");
            assert_eq!(line.estimate_usd, Picodollars(known), "{provider} {number}");
            assert_eq!(line.drift_usd, Some(Picodollars(truth - known)), "{provider} {number}");
            assert_eq!(line.standing, Some(Standing::Settled), "{provider} {number}");
            let parts: Picodollars = line.causes.iter().map(|part| part.amount_usd).sum();
            assert_eq!(parts, Picodollars(truth - known), "{provider} {number}");
            actual += truth;
            estimate += known;
        }
        let sum = shown.providers.iter().find(|line| line.provider == provider).unwrap();
        assert_eq!((sum.basis, sum.compared), (Basis::Reports, DAYS as u64 + 4));
        assert_eq!((sum.estimate_usd, sum.actual_usd), (Picodollars(estimate), Some(Picodollars(actual))));
        assert_eq!(sum.drift_usd, Some(Picodollars(actual - estimate)));
        assert!(sum.calibration.as_ref().is_some_and(|factor| factor.as_str() > "1"), "{sum:?}");
    }
}

/// At each moment the program believed what it could know: the last report, the last reading less what was seen.
fn beliefs_equal_what_was_told(run: &Run) {
    let (market, mut differed) = (&run.market, 0);
    for (now, then) in &run.beliefs {
        // Reports are read every six hours.
        let told = instant(0, now.duration_since(instant(0, 0)).as_hours() / 6 * 6);
        for line in &then.reconciliation.days {
            let number = line.day.since(day(0)).unwrap().get_days().into();
            let asked = told.min(instant(number + 3, 18));
            let reported: i128 = market.reported(&line.provider, number, asked).values().sum();
            assert_eq!(line.actual_usd, Some(Picodollars(reported)), "{now} {line:?}");
            differed += usize::from(reported != market.truth(&line.provider, number));
        }
        for line in &then.balances {
            let read = run
                .told
                .iter()
                .rfind(|(name, at, top_up)| *name == line.provider && at <= now && top_up.is_none());
            let (.., taken_at, _) = *read.unwrap();
            assert_eq!(line.taken_at, taken_at, "{now}");
            let bought = BOUGHT + added(&run.told, &line.provider, *now);
            let true_then = Picodollars::usd(bought) - Picodollars(market.spent(&line.provider, taken_at));
            let seen = market.seen_since(&line.provider, taken_at, *now);
            assert_eq!(line.left_usd, true_then - Picodollars(seen), "{now} {line:?}");
            assert_eq!(line.age_seconds, now.duration_since(taken_at).as_secs());
        }
    }
    assert!(differed > 100, "what was believed was often not yet the truth: {differed}");
    // Between readings the balance fell by what was spent in truth.
    for span in &run.beliefs.last().unwrap().1.reconciliation.spans {
        let spent = market.spent(&span.provider, span.until) - market.spent(&span.provider, span.since);
        assert_eq!(span.fell_usd, Picodollars(spent), "{span:?}");
        let end = run.beliefs.last().unwrap().0;
        let seen = |at| market.seen_since(&span.provider, at, end);
        assert_eq!(span.recorded_usd, Picodollars(seen(span.since) - seen(span.until)), "{span:?}");
    }
}

/// The real program, on the same log.
fn the_program_says_the_same(home: &Home, run: &Run) {
    let as_json = |value: &Reconciliation| serde_json::to_value(value).unwrap();
    let (first, last) = (day(0).to_string(), day(DAYS + 4).to_string());
    let shown = home.json(&["reconcile", "--since", &first, "--until", &last]);
    let end = as_json(&run.beliefs.last().unwrap().1.reconciliation);
    let numbers = |value: &Value| -> Vec<[Value; 6]> {
        let fields = ["provider", "day", "estimate_usd", "actual_usd", "drift_usd", "standing"];
        let days = value["days"].as_array().unwrap();
        days.iter().map(|line| fields.map(|field| line[field].clone())).collect()
    };
    assert_eq!(numbers(&shown), numbers(&end));
    assert_eq!(shown["spans"], end["spans"]);
    let only = home.json(&["reconcile", "--since", &first, "--until", &last, "--provider", "openai"]);
    assert_eq!(only["providers"].as_array().unwrap().len(), 1, "{only}");
    let (now, then) = &run.beliefs[run.beliefs.len() / 3];
    let replayed = home.json(&["replay", "--until", &now.to_string()]);
    assert_eq!(replayed["reconciliation"], as_json(&then.reconciliation));
    assert_eq!(replayed["balances"]["balances"], serde_json::to_value(&then.balances).unwrap());
    let running = home.start(&[]);
    assert_eq!(numbers(&home.json(&["reconcile", "--since", &first, "--until", &last])), numbers(&end));
    assert_eq!(running.stop(), 0);
    let said = home.run(&["reconcile", "--since", &first, "--until", &last]);
    assert!(said.out.contains("unpriced-model") && said.out.contains("settled"), "{said:?}");
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    let said = home.run(&["replay", "--until", &(*now + SignedDuration::from_secs(1)).to_string()]);
    assert!(said.out.contains("by hand"), "{said:?}");
}

/// What one can do, by what is there: the keys that are set, and what was told by hand.
#[test]
fn who_has_no_report_is_told_what_can_be_done() {
    let home = Home::new();
    let at = |minutes: i64| (Timestamp::now() - SignedDuration::from_mins(minutes)).to_string();
    let line = serde_json::json!({
        "type": "assistant", "timestamp": at(300), "sessionId": "s1", "requestId": "req_1",
        "message": {"id": "msg_1", "model": "claude-opus-5", "usage": {"input_tokens": 1000, "output_tokens": 100_000}},
    });
    home.transcript("a.jsonl", format!("{line}\n"));
    home.json(&["import"]);
    let says = |variables: &[(&str, &str)], command: &str, expected: &str| {
        let said = home.command(&[command]).envs(variables.iter().copied()).output().unwrap();
        let out = String::from_utf8(said.stdout).unwrap();
        // As a sentence: lines are broken at eighty columns.
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains(expected), "{variables:?} {command}: '{expected}' is not in\n{out}");
    };
    let (none, ordinary) = ([], [("ANTHROPIC_API_KEY", "sk-ant-api03-x")]);
    let admin = [("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-x")];
    says(&none, "status", "recorded in 30 days, and nothing to hold it against");
    says(&none, "reconcile", "`mecris balance set AMOUNT`");
    says(&none, "reconcile", "days need an organisation's admin key");
    says(&ordinary, "reconcile", "the ordinary key that is set shows no cost");
    says(&admin, "reconcile", "`mecris sources` shows whether it answers");
    // One reading, two readings, and an odometer.
    home.json(&["balance", "set", "20", "--at", &at(400)]);
    says(&none, "reconcile", "the next reading of the balance shows the drift");
    home.json(&["balance", "set", "10", "--at", &at(200)]);
    let shown = home.json(&["reconcile"]);
    let provider = &shown["providers"][0];
    assert_eq!((&provider["basis"], &provider["actual_usd"]), (&"readings".into(), &"10".into()), "{shown}");
    assert_eq!(shown["spans"][0]["cause"], "unknown", "{shown}");
    says(&none, "status", "$10.00 in truth by 2 readings of its balance");
    home.json(&["balance", "set", "50", "--at", &at(100)]);
    let shown = home.json(&["reconcile"]);
    assert_eq!(shown["spans"][1]["cause"], "top-up-untold", "{shown}");
    assert_eq!(shown["providers"][0]["actual_usd"], "10", "what rose says nothing about what was spent");
    home.json(&["odometer", "record", "1.06"]);
    let shown = home.json(&["reconcile", "--provider", "groq"]);
    assert_eq!(shown["providers"][0]["basis"], "odometer", "{shown}");
    assert_eq!(shown["spans"][0]["gauge"], "odometer", "{shown}");
    assert_eq!(shown["spans"][0]["cause"], "usage-elsewhere", "{shown}");
    says(&none, "reconcile", "its odometer");
}

#[test]
fn days_that_make_no_sense_are_refused() {
    let home = Home::new();
    for (arguments, mend) in [
        (["reconcile", "--since", "2026-11-02", "--until", "2026-11-01"], "exchange the two"),
        (["reconcile", "--since", "2026-11-01", "--provider", "An thropic"], "use one like anthropic"),
    ] {
        let said = home.run(&arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(mend), "{said:?}");
    }
    let nothing = home.json(&["reconcile"]);
    assert_eq!((&nothing["days"], &nothing["providers"]), (&serde_json::json!([]), &serde_json::json!([])));
    let running = home.start(&[]);
    assert_eq!(running.get("/api/v1/reconcile?since=2026-11-02&until=2026-11-01").status, 422);
    assert_eq!(running.get("/api/v1/reconcile?provider=A").status, 400);
    assert_eq!(running.get("/api/v1/reconcile").status, 200);
    assert_eq!(running.stop(), 0);
}
