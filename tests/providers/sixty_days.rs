//! Sixty days of two providers' books, polled day by day while late data comes in.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::ToSpan;
use mecris::domain::lookback::days_to_read;
use mecris::domain::report::{CostReport, DayKey, ReportSource, UsageReport};
use mecris::event::Position;
use mecris::log::EventLog;

use super::*;
use crate::support::outside::books::Said;

const FIRST: Date = date(2026, 8, 30);
const DAYS: i64 = 60;

/// By model and kind in units of 10⁻¹² USD, as the books have it.
fn costs_of(said: &Said, provider: &str) -> BTreeMap<(String, String), i128> {
    let mut costs = BTreeMap::new();
    for row in &said.costs {
        let key = match provider {
            "anthropic" => (row.model.to_owned(), row.kind.to_owned()),
            // An invoice's line names both.
            _ => (String::new(), format!("{}, {}", row.model, row.kind)),
        };
        *costs.entry(key).or_default() += i128::from(row.units) * 100;
    }
    costs.retain(|_, cost| *cost != 0);
    costs
}

fn told_costs(report: &CostReport) -> BTreeMap<(String, String), i128> {
    report.lines.iter().map(|line| ((line.model.clone(), line.kind.clone()), line.cost.0)).collect()
}

/// By model: all input, what came from the cache, what was written to it, and output.
fn usages_of(said: &Said) -> BTreeMap<String, [u64; 4]> {
    let row = |row: &crate::support::outside::books::UsageRow| {
        (row.model.to_owned(), [row.input, row.cache_read, row.cache_write, row.output])
    };
    said.usages.iter().map(row).collect()
}

fn told_usages(report: &UsageReport) -> BTreeMap<String, [u64; 4]> {
    let line = |line: &mecris::domain::report::UsageLine| {
        let tokens = line.tokens;
        let written = tokens.cache_write_5m + tokens.cache_write_1h;
        (line.model.clone(), [tokens.input, tokens.cache_read, written, tokens.output])
    };
    report.lines.iter().map(line).collect()
}

/// Every event's bytes, by position.
fn events(log: &Arc<dyn EventLog>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    log.scan(Position::FIRST, log.head().unwrap().position, &mut |record| {
        all.push([record.type_name.as_bytes(), record.payload].concat());
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

/// What the views hold of a day is what the books said of it.
fn holds(view: &TenantView, said: &Said, provider: &str, day: Date) {
    let key = DayKey { provider: provider.to_owned(), day, source: ReportSource::ProviderApi };
    let cost = view.reports.costs().find(|(known, _)| **known == key).map(|(_, told)| &told.report);
    assert_eq!(told_costs(cost.unwrap()), costs_of(said, provider), "{provider}: {day}");
    let usage = view.reports.usages().find(|(known, _)| **known == key).map(|(_, told)| &told.report);
    assert_eq!(told_usages(usage.unwrap()), usages_of(said), "{provider}: {day}");
}

#[tokio::test]
async fn what_the_log_says_of_each_day_is_the_providers_truth_and_no_event_was_changed() {
    let (anthropic, openai) = (anthropic::Anthropic::start(), openai::OpenAi::start());
    let books = [Books::seeded(2_026, FIRST, DAYS), Books::seeded(830, FIRST, DAYS)];
    // Small pages, so that even four days are more than one.
    anthropic.world.lock().books = books[0].clone();
    anthropic.world.lock().page_size = 3;
    openai.world.lock().books = books[1].clone();
    openai.world.lock().page_size = 3;
    let clients = [
        client(Provider::Anthropic, &with_admin_key(&anthropic)),
        client(Provider::OpenAi, &with_openai(&openai)),
    ];
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
    let mut believed: Vec<(Date, Position)> = Vec::new();
    let (mut revised, mut before) = (0, Vec::new());
    // It was switched off from the 20th day to the 29th, and begins on the 10th.
    for number in (9..DAYS + 4).filter(|number| !(19..29).contains(number)) {
        let today = FIRST.saturating_add(number.days());
        anthropic.world.lock().today = today;
        openai.world.lock().today = today;
        let view = folded(&log);
        for client in &clients {
            let system = client.system();
            let own = view.reports.costs().map(|(key, _)| key).filter(|key| key.provider == system);
            let days = days_to_read(today, own.map(|key| key.day).max(), 31);
            let looked = client.look(days, noon(today)).await;
            assert_eq!(looked.failed, None, "{system} on {today}");
            // Told twice in a day it changes nothing.
            for is_first in [true, false] {
                let taken = taken(&log, system, looked.clone(), noon(today)).unwrap();
                assert_eq!(taken.refused, None, "{system} on {today}");
                assert!(is_first || (taken.new, taken.revised) == (0, 0), "{system} on {today}: {taken:?}");
                revised += taken.revised;
            }
        }
        let after = events(&log);
        assert_eq!(after[..before.len()], before[..], "past events are as they were");
        before = after;
        believed.push((today, log.head().unwrap().position));
    }
    assert!(revised > 100, "{revised} days were corrected");
    // In the end: the truth, of each day and provider.
    let view = folded(&log);
    for (provider, books) in ["anthropic", "openai"].into_iter().zip(&books) {
        for number in 0..DAYS {
            let day = FIRST.saturating_add(number.days());
            holds(&view, books.truth(day), provider, day);
        }
    }
    // And what was believed on each of the days is known to this day.
    for (today, position) in believed {
        let then = view_of(&replay(&*log, Until::Position(position), &mut |_, _| {}).unwrap());
        for (provider, books) in ["anthropic", "openai"].into_iter().zip(&books) {
            for back in 0..=3_i64 {
                let day = today.saturating_sub(back.days());
                if day >= FIRST && day < FIRST.saturating_add(DAYS.days()) {
                    holds(&then, books.said(day, today).unwrap(), provider, day);
                }
            }
        }
    }
}
