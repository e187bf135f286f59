//! Queries of the gate and of a screen: whether an amount can be afforded, over histories of one and of four years,
//! and when the money runs out.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::domain::affording::Ask;
use mecris::domain::allowance::VirtualBudget;
use mecris::domain::balance::{BalanceChange, Reading, Source};
use mecris::domain::budget::{Budget, Scope, Thresholds};
use mecris::domain::calendar::{Period, day_of};
use mecris::domain::lacking::Doubts;
use mecris::domain::money::Picodollars;
use mecris::domain::pricing::PriceTable;
use mecris::event::payload::UsageRecorded;
use mecris::view::TenantView;
use mecris::view::affording::affordability;
use mecris::view::forecast::{backtested, balance_subjects, line, past_days};

fn now() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().expect("an instant")
}

/// A history of this many days of ten hours, with calls of three models in two projects per quarter of an hour.
fn lived(days: i64) -> TenantView {
    let mut view = TenantView::default();
    let reading = Reading::usd("anthropic", Picodollars::usd(500), now(), Source::Hand, "");
    for day in 0..days {
        for quarter in 0..40 {
            let at = now() - SignedDuration::from_hours(24 * day) - SignedDuration::from_mins(15 * quarter);
            for (model, project) in [("claude-opus-5", "/a"), ("claude-sonnet-5", "/a"), ("gpt-6", "/b")] {
                let provider = if model == "gpt-6" { "openai" } else { "anthropic" };
                let usage = UsageRecorded {
                    provider: provider.into(),
                    model: model.into(),
                    project: project.into(),
                    session: "s".into(),
                    cost: Some(Picodollars(40_000_000_000 + 1_000_000_000 * i128::from(day % 17))),
                    ..UsageRecorded::default()
                };
                view.spend.add(at, &usage);
            }
        }
    }
    view.balances.change(BalanceChange::Read(reading), &view.spend);
    let budget = VirtualBudget {
        daily: Some(Picodollars::usd(50)),
        monthly: Some(Picodollars::usd(1_000)),
        reserve_percent: 20,
    };
    view.allowance.budget = Some(budget);
    for (name, project) in [("all", None), ("a", Some("/a".to_owned()))] {
        let name: mecris::domain::budget::BudgetName = name.parse().expect("a name");
        let scope = Scope { project, ..Scope::default() };
        let amount = Picodollars::usd(1_000);
        let thresholds = Thresholds::default();
        let period = Period::Monthly;
        view.budgets.insert(name.clone(), Budget { name, amount, period, scope, thresholds });
    }
    view
}

fn affording(criterion: &mut Criterion) {
    let (zone, views) = (TimeZone::UTC, [("a_year", lived(365)), ("four_years", lived(4 * 365))]);
    let prices = PriceTable::default();
    let ask = Ask { amount: Picodollars::usd(1), project: Some("/a".to_owned()), ..Ask::default() };
    let mut group = criterion.benchmark_group("can_afford");
    for (name, view) in &views {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| black_box(affordability(view, &ask, now(), &zone, &prices, Doubts::default())));
        });
    }
    group.finish();
    let view = &views[0].1;
    let mut group = criterion.benchmark_group("forecast");
    group.sample_size(10);
    group.bench_function("a_balance", |bencher| {
        bencher.iter(|| {
            let subjects = balance_subjects(view, now(), &zone);
            black_box(subjects.into_iter().map(|subject| line(subject, now(), &zone)).collect::<Vec<_>>())
        });
    });
    group.bench_function("backtest_of_a_year", |bencher| {
        let spent = past_days(view, now(), &zone);
        bencher.iter(|| black_box(backtested(&spent, day_of(now(), &zone))));
    });
    group.finish();
}

criterion_group!(benches, affording);
criterion_main!(benches);
