use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::{Config, Source};
use crate::domain::budget::{Budget, Scope, Thresholds};
use crate::domain::calendar::Period;
use crate::domain::money::Picodollars;
use crate::event::payload::{BudgetSet, UsageRecorded};
use crate::event::{Event, EventId, Metadata, StreamId};
use crate::log::{Append, EventLog, Expected, Location, Log, Options};
use crate::service::aggregate::repository::new_event;
use crate::view::Horizon;
use crate::view::replay::catch_up;

use super::*;

/// The two tenants of these tests, with the dollars that each has spent in a session of the same name.
pub(in crate::service) const TENANTS: [(&str, i64); 2] = [("ada", 5), ("grace", 7)];

pub(in crate::service) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn settings() -> Settings {
    let config = Config::default();
    let loaded = Loaded { config: config.clone(), file: None, zone: TimeZone::UTC, origins: BTreeMap::new() };
    Settings::new(Source::Person(None), config, loaded)
}

fn budget(amount: i64) -> Budget {
    Budget {
        name: "all".parse().unwrap(),
        amount: Picodollars::usd(amount),
        period: Period::Monthly,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    }
}

fn append(log: &dyn EventLog, tenant: &str, stream: &str, events: &[Event<'_>]) {
    let event = |event: &Event<'_>| new_event(EventId::random(), event, now(), &Metadata::default());
    let append = Append {
        tenant: TenantId::new(tenant),
        stream: StreamId::new(stream),
        expected: Expected::Any,
        events: events.iter().map(event).collect(),
    };
    log.append(append).wait().unwrap();
}

/// A log of two tenants, whose events stand between each other's: each has called a model twice, and has a budget.
pub(in crate::service) fn two_tenants() -> (tempfile::TempDir, Arc<dyn Log>) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let log = Location::new(dir.path(), options).open().unwrap().log;
    for part in 0..2 {
        for (tenant, dollars) in TENANTS {
            let cost = if part == 0 { 1 } else { dollars - 1 };
            let usage = UsageRecorded {
                message_id: format!("{tenant}-{part}").into(),
                provider: "anthropic".into(),
                model: "claude-opus-5".into(),
                project: format!("/home/{tenant}").into(),
                session: "s".into(),
                cost: Some(Picodollars::usd(cost)),
                ..UsageRecorded::default()
            };
            append(&*log, tenant, "usage", &[Event::UsageRecorded(usage)]);
            append(&*log, tenant, "budgets", &[Event::BudgetSet(BudgetSet::from(&budget(100 * dollars)))]);
        }
    }
    (dir, log)
}

/// What is known of each tenant of a log: they share the views, as they would in one supervisor.
pub(in crate::service) fn reads_of(log: &Arc<dyn Log>) -> [Reads; 2] {
    let views = SharedViews::default();
    views.write(|views| {
        catch_up(&**log, views, log.head().unwrap().position, Horizon::Unbounded, &mut |_, _| {}).unwrap();
    });
    TENANTS.map(|(tenant, _)| Reads {
        log: log.clone(),
        head: log.watch().unwrap(),
        tenant: TenantId::new(tenant),
        settings: settings(),
        views: views.clone(),
        vault: SharedVault::default(),
        prices: Prices::default(),
        reading: SharedReading::default(),
    })
}

#[test]
fn what_was_reckoned_is_kept_for_its_position_its_day_and_its_prices() {
    let (_dir, log) = two_tenants();
    let [reads, _] = reads_of(&log);
    let at = reads.snapshot();
    let standing = at.standing(now());
    assert!(Arc::ptr_eq(&standing, &reads.snapshot().standing(now())), "for all who ask of this position");
    let tomorrow = now() + jiff::SignedDuration::from_hours(24);
    assert_eq!(at.standing(tomorrow).today, Picodollars::ZERO);
    append(&*log, "ada", "budgets", &[Event::BudgetSet(BudgetSet::from(&budget(1)))]);
    reads.views.write(|views| {
        catch_up(&*log, views, log.head().unwrap().position, Horizon::Unbounded, &mut |_, _| {}).unwrap();
    });
    assert_eq!(reads.snapshot().standing(now()).uses[0].budget.amount, Picodollars::usd(1));
    assert_eq!(at.standing(now()).uses[0].budget.amount, Picodollars::usd(500), "a snapshot stays as it is");
    let known = reads.snapshot().standing(now());
    reads.prices.replace(crate::config::prices::price_table(None).unwrap());
    assert!(!Arc::ptr_eq(&known, &reads.snapshot().standing(now())), "bounds are of the prices in force");
}

#[test]
fn a_reader_waits_for_no_writer_and_a_writer_for_no_reader() {
    let (_dir, log) = two_tenants();
    let [reads, _] = reads_of(&log);
    let before = reads.snapshot();
    let has_read = AtomicBool::new(false);
    std::thread::scope(|threads| {
        reads.views.write(|views| {
            views.position = Position(99);
            // While the next views are being made, another reads the ones before.
            let read = || {
                assert_eq!(reads.at(Snapshot::position), before.position());
                has_read.store(true, Ordering::Release);
            };
            threads.spawn(read).join().unwrap();
        });
    });
    assert!(has_read.load(Ordering::Acquire));
    // While a reader holds its views, another writes.
    assert_eq!(
        (reads.at(Snapshot::position), before.position()),
        (Position(99), log.head().unwrap().position)
    );
}
