//! Several sources of one truth: which one counts, what is only shown, and what is refused whole.

use std::sync::Arc;

use jiff::tz::TimeZone;
use mecris::config::Config;
use mecris::domain::balance::{BalanceChange, Confidence, Reading, Source};
use mecris::domain::currency::Currency;
use mecris::domain::money::Picodollars;
use mecris::domain::report::{CostLine, DayReport, ReportError, ReportSource};
use mecris::event::codec::to_bytes;
use mecris::event::payload::BalanceReadV1;
use mecris::event::{EventId, Metadata, NewEvent, StreamId, TenantId};
use mecris::log::{Append, EventLog, Expected, MemoryLog};
use mecris::service::providers::reconcile::reconciled;
use mecris::service::providers::reports::{ReportFailure, ReportsTaken};
use mecris::view::reconcile::{Basis, Reconciliation, Wanted};
use mecris::view::replay::{Until, replay};
use serde_json::json;

use super::market::{day, instant};
use super::{Clocked, Records};
use crate::support::program::Home;

fn cost(provider: &str, number: i64, source: ReportSource, currency: &str, cents: i64) -> DayReport {
    let cost = Picodollars::usd(cents).scale(1, 100);
    let line = CostLine { model: "model".into(), kind: "output_tokens".into(), cost };
    DayReport::cost(provider, day(number), source, Currency::parse(currency).unwrap(), [line])
}

fn shown(log: &dyn EventLog) -> Reconciliation {
    let views = replay(log, Until::Head, &mut |_, _| {}).unwrap();
    let view = views.tenant(&TenantId::local()).unwrap();
    reconciled(view, &Wanted::all(view), instant(9, 0), &TimeZone::UTC, &Config::default())
}

#[test]
fn the_provider_s_interface_goes_before_its_console_and_another_currency_is_only_shown() {
    use ReportSource::{Console, ProviderApi};
    let (log, now): (Arc<dyn EventLog>, _) = (Arc::new(MemoryLog::new()), instant(5, 0));
    let mut records = Records::new(&log);
    let reports = [
        cost("openai", 0, ProviderApi, "USD", 250),
        cost("openai", 0, Console, "USD", 300),
        cost("openai", 1, Console, "USD", 125),
        cost("openai", 2, ProviderApi, "EUR", 999),
        cost("mistral", 0, ProviderApi, "eur", 100),
    ];
    // In any order they are told.
    for report in reports.iter().rev().chain(&reports) {
        records.days(std::slice::from_ref(report), now).unwrap();
    }
    assert_eq!(log.head().unwrap().position.0, 5, "told twice, each is one event");
    let shown = shown(&*log);
    let days: Vec<_> =
        shown.days.iter().map(|line| (line.day, line.source, line.actual_usd.unwrap().exact())).collect();
    assert_eq!(
        days,
        [(day(0), Some(ProviderApi), "2.5".to_owned()), (day(1), Some(Console), "1.25".to_owned())]
    );
    let foreign: Vec<_> = shown
        .foreign
        .iter()
        .map(|line| (line.provider.as_str(), line.currency.to_string(), line.cost.exact()))
        .collect();
    let eur = || "EUR".to_owned();
    assert_eq!(foreign, [("mistral", eur(), "1".to_owned()), ("openai", eur(), "9.99".to_owned())]);
    assert_eq!((shown.providers.len(), shown.providers[0].basis), (1, Basis::Reports));
    assert_eq!(shown.providers[0].actual_usd, Some(Picodollars::usd(375).scale(1, 100)));
}

#[test]
fn days_are_recorded_together_or_not_at_all_and_of_a_day_told_twice_the_last_counts() {
    let (log, now): (Arc<dyn EventLog>, _) = (Arc::new(MemoryLog::new()), instant(5, 0));
    let mut records = Records::new(&log);
    let report = |number, cents| cost("anthropic", number, ReportSource::ProviderApi, "USD", cents);
    let taken = records.days(&[report(0, 1), report(1, 2), report(0, 3)], now).unwrap();
    assert_eq!(ReportsTaken { position: None, ..taken }, ReportsTaken { new: 2, ..ReportsTaken::default() });
    assert_eq!(taken.position, Some(log.head().unwrap().position));
    let actual: Vec<_> = shown(&*log).days.iter().map(|line| line.actual_usd.unwrap().exact()).collect();
    assert_eq!(actual, ["0.03", "0.02"]);
    let taken = records.days(&[report(0, 3), report(1, 4), report(2, 5)], now).unwrap();
    assert_eq!((taken.new, taken.revised, taken.known), (1, 1, 1));
    let head = log.head().unwrap().position;
    let refused = records.days(&[report(0, 9), report(6, 1)], now).unwrap_err();
    assert!(matches!(refused, ReportFailure::Refused(ReportError::Future(at)) if at == day(6)), "{refused}");
    assert_eq!(log.head().unwrap().position, head, "and nothing of it is recorded");
}

/// A reading of before readings had a source, and one in another currency, in the program's own words.
#[test]
fn old_readings_are_by_hand_and_another_currency_is_kept_and_shown() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let clocked = Clocked::open(&home.data());
    let (tenant, now) = (TenantId::local(), instant(0, 12));
    clocked.turn(now);
    let old = BalanceReadV1 {
        provider: "anthropic".into(),
        left: Picodollars::usd(13),
        total: Some(Picodollars::usd(24)),
        source: "hand".into(),
    };
    let event = NewEvent {
        id: EventId::random(),
        type_name: "balance-read",
        schema_version: 1,
        occurred_at: now,
        metadata: Metadata::default(),
        payload: to_bytes(&old),
    };
    let (stream, expected) = (StreamId::new("balances"), Expected::Any);
    clocked
        .log
        .append(Append { tenant: tenant.clone(), stream, expected, events: vec![event] })
        .wait()
        .unwrap();
    let later = instant(0, 13);
    let reading = Reading {
        currency: Currency::parse("CNY").unwrap(),
        confidence: Confidence::Medium,
        ..Reading::usd("deepseek", Picodollars::usd(110), later, Source::ProviderApi, "user/balance")
    };
    Records::new(&clocked.log).balance(BalanceChange::Read(reading), later).expect("news");
    drop(clocked);
    let shown = home.json(&["balance"]);
    let line = &shown["balances"][0];
    let fields = ["provider", "left_usd", "total_usd", "source", "confidence", "found"];
    let told = fields.map(|field| line[field].clone());
    assert_eq!(json!(told), json!(["anthropic", "13", "24", "hand", "high", ""]), "{shown}");
    let foreign = &shown["foreign"][0];
    let fields = ["provider", "left", "currency", "source", "confidence", "found"];
    let told = fields.map(|field| foreign[field].clone());
    assert_eq!(
        json!(told),
        json!(["deepseek", "110", "CNY", "provider-api", "medium", "user/balance"]),
        "{shown}"
    );
    assert_eq!(shown["balances"].as_array().unwrap().len(), 1, "{shown}");
    let said = home.run(&["balance"]).out;
    assert!(said.contains("110 CNY by the provider's API (user/balance), medium confidence"), "{said}");
    assert!(said.contains("not reckoned with"), "{said}");
}
