//! The queries of a screen, over four years with a million cells and twenty budgets: with lookups, and as before with a pass
//! over the whole cube for each budget. And the cost of the projection's next step while a reader holds a snapshot.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::config::{self, Config, Loaded};
use mecris::domain::balance::{BalanceChange, Reading, Source};
use mecris::domain::budget::{Budget, Scope, Thresholds, status};
use mecris::domain::calendar::{self, Period, WeekStart, YearStart};
use mecris::domain::money::Picodollars;
use mecris::event::payload::UsageRecorded;
use mecris::event::{Event, EventId, Metadata, StreamId, TenantId};
use mecris::log::{Append, EventLog, Expected, Location, MemoryLog, Options};
use mecris::service::aggregate::repository::new_event;
use mecris::service::runtime::last_look::SharedVault;
use mecris::service::runtime::prices::Prices;
use mecris::service::runtime::reading::SharedReading;
use mecris::service::runtime::reads::{Reads, SharedViews};
use mecris::service::runtime::settings::Settings;
use mecris::view::spend::{Cell, Sum};
use mecris::view::{Horizon, TenantView, Views};

const DAYS: i64 = 4 * 365;
const QUARTERS: i64 = 40;
const CELLS: usize = 1_000_000;
const CELLS_COUNT: i64 = 1_000_000;

fn now() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().expect("an instant")
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").expect("a zone")
}

fn usage(number: usize) -> UsageRecorded<'static> {
    let models = ["claude-opus-5", "claude-sonnet-5", "gpt-6"];
    let model = models[number % 3];
    UsageRecorded {
        message_id: number.to_string().into(),
        provider: if model == "gpt-6" { "openai" } else { "anthropic" }.into(),
        model: model.into(),
        project: format!("/work/{}", number % 6).into(),
        session: format!("session-{}-{}", number / 1_530, number % 17).into(),
        cost: Some(Picodollars(40_000_000_000 + 1_000_000 * (number % 17) as i128)),
        ..UsageRecorded::default()
    }
}

fn budget(number: usize) -> Budget {
    let year = Period::Yearly { starts: YearStart::default() };
    let week = Period::Weekly { starts: WeekStart::default() };
    let scope = Scope {
        provider: (number % 4 == 1).then(|| "anthropic".to_owned()),
        model: (number % 4 == 2).then(|| "claude-*".to_owned()),
        project: (number % 4 == 3).then(|| format!("/work/{}", number % 6)),
    };
    Budget {
        name: format!("budget-{number}").parse().expect("a name"),
        amount: Picodollars::usd(1_000),
        period: [Period::Monthly, week, year, Period::Daily][number / 4 % 4],
        scope,
        thresholds: Thresholds::default(),
    }
}

/// A million cells in the working hours of four years.
fn lived() -> Views {
    let mut view = TenantView::default();
    for (number, count) in (0..CELLS).zip(0..) {
        let quarter = count * DAYS * QUARTERS / CELLS_COUNT;
        let back = SignedDuration::from_hours(24 * (DAYS - 1 - quarter / QUARTERS))
            + SignedDuration::from_mins(15 * (quarter % QUARTERS));
        view.spend.add(now() - back, &usage(number));
    }
    assert!(view.spend.cells().count() > CELLS * 99 / 100);
    let read_at = now() - SignedDuration::from_hours(24 * 20);
    let reading = Reading::usd("anthropic", Picodollars::usd(500), read_at, Source::Hand, "");
    view.balances.change(BalanceChange::Read(reading), &view.spend);
    for budget in (0..20).map(budget) {
        view.budgets.insert(budget.name.clone(), budget);
    }
    Views::of(TenantId::local(), view)
}

/// The former cost of budgets and totals: a pass over the cube for each budget, once for its line and once for its
/// alert, and two for the totals.
fn scanned(view: &TenantView, zone: &TimeZone) -> (usize, Sum, BTreeMap<Date, Picodollars>) {
    let by_day = |covers: &dyn Fn(&Cell<'_>) -> bool| view.spend.by_day(zone, None, covers);
    let mut flags = 0;
    for budget in view.budgets.values() {
        for _ in 0..2 {
            let spent = by_day(&|cell| cell.is_in(&budget.scope));
            flags += status(budget, &spent, now(), zone).flags.len();
        }
    }
    let today = calendar::day_of(now(), zone);
    let mut sum = Sum::default();
    for cell in view.spend.cells().filter(|cell| calendar::day_of(cell.quarter.start(), zone) <= today) {
        sum.add(cell.sum);
    }
    (flags, sum, by_day(&|_| true))
}

/// Over a log without events: nothing here reads it.
fn reads(dir: &Path, views: Views) -> Reads {
    let config = Config::default();
    let loaded = Loaded { config: config.clone(), file: None, zone: zone(), origins: BTreeMap::new() };
    let log = Location::new(dir, Options::default()).open().expect("a log").log;
    Reads {
        head: log.watch().expect("the log's head"),
        log,
        tenant: TenantId::local(),
        settings: Settings::new(config::Source::Person(None), config, loaded),
        views: SharedViews::new(views),
        vault: SharedVault::default(),
        prices: Prices::default(),
        reading: SharedReading::default(),
    }
}

fn reading(criterion: &mut Criterion) {
    let views = lived();
    let view = views.shared(&TenantId::local()).expect("the tenant");
    let dir = tempfile::tempdir().expect("a directory");
    let reads = reads(dir.path(), views);
    let mut group = criterion.benchmark_group("status_of_a_million_cells_and_twenty_budgets");
    group.sample_size(10);
    group.bench_function("scanned", |bencher| bencher.iter(|| black_box(scanned(&view, &zone()))));
    // A new position invalidates every cached value.
    let next = || reads.views.write(|_| ());
    group.bench_function("looked_up", |bencher| {
        bencher.iter_batched(next, |()| black_box(reads.status(now())), BatchSize::PerIteration);
    });
    group.bench_function("budgets_alone", |bencher| {
        bencher.iter_batched(next, |()| black_box(reads.budgets_shown(now())), BatchSize::PerIteration);
    });
    group.bench_function("asked_again", |bencher| bencher.iter(|| black_box(reads.budgets_shown(now()))));
    group.finish();

    let log = MemoryLog::new();
    let event = |number: usize| {
        let id = EventId::random();
        new_event(id, &Event::UsageRecorded(usage(number)), now(), &Metadata::default())
    };
    let append = Append {
        tenant: TenantId::local(),
        stream: StreamId::new("usage"),
        expected: Expected::Any,
        events: (0..2_048).map(event).collect(),
    };
    log.append(append).wait().expect("it is taken");
    let mut group = criterion.benchmark_group("projection_of_a_million_cells");
    for count in [1, 2_048] {
        let until = mecris::event::Position(count);
        let apply = |views: &mut Views| {
            log.scan(mecris::event::Position(1), until, &mut |record| {
                views.apply(record, Horizon::Unbounded).expect("it can be read");
                std::ops::ControlFlow::Continue(())
            })
            .expect("the log can be read");
        };
        group.bench_function(format!("{count}_events_in_place"), |bencher| {
            let mut own = reads.views.read(Clone::clone);
            apply(&mut own);
            bencher.iter(|| apply(&mut own));
        });
        group.bench_function(format!("{count}_events_beside_readers"), |bencher| {
            bencher.iter(|| reads.views.write(apply));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
