//! Money is exact through all of it: whatever the order in which things are learned, and wherever the days are cut, the
//! sums are the same picodollars.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::config::Config;
use mecris::domain::balance::{BalanceChange, Reading, Source, TopUp};
use mecris::domain::currency::Currency;
use mecris::domain::money::Picodollars;
use mecris::domain::report::{CostLine, DayReport, ReportSource};
use mecris::event::TenantId;
use mecris::log::{EventLog, MemoryLog};
use mecris::service::providers::reconcile::reconciled;
use mecris::view::TenantView;
use mecris::view::balances::balances;
use mecris::view::reconcile::{Reconciliation, Wanted};
use mecris::view::replay::{Until, replay};
use proptest::prelude::*;

use super::market::{Call, Here, PROVIDERS, day, instant};
use super::{Records, append_usage, recorded};

const DAYS: i64 = 8;
const MINUTES: i64 = DAYS * 24 * 60;

fn minute(number: i64) -> Timestamp {
    instant(0, 0) + SignedDuration::from_mins(number)
}

/// What happened, apart from when it is learned.
#[derive(Debug, Clone)]
struct Story {
    /// Provider, minute, picodollars, whether it has a price.
    calls: Vec<(usize, i64, i128, bool)>,
    /// Provider, minute, picodollars.
    readings: Vec<(usize, i64, i128)>,
    top_ups: Vec<(usize, i64, i128)>,
    /// Provider, day, and the cost of its lines.
    reports: BTreeMap<(usize, i64), Vec<i128>>,
}

fn story() -> impl Strategy<Value = Story> {
    let (provider, pico) = (0_usize..2, 1_i128..10_i128.pow(13));
    let call = (provider.clone(), 0..MINUTES, pico.clone(), prop::bool::weighted(0.9));
    let amount = (provider.clone(), 0..MINUTES, 0_i128..10_i128.pow(15));
    let top_up = (provider.clone(), 0..MINUTES, 1_i128..10_i128.pow(15));
    let lines = prop::collection::vec(-10_i128.pow(11)..10_i128.pow(13), 0..4);
    (
        prop::collection::vec(call, 0..30),
        prop::collection::vec(amount, 0..8),
        prop::collection::vec(top_up, 0..4),
        prop::collection::btree_map((provider, 0..DAYS), lines, 0..10),
    )
        .prop_map(|(calls, readings, top_ups, reports)| Story { calls, readings, top_ups, reports })
}

/// How it is learned: how many minutes after each call, and whether reports come at once or in parts, backwards.
struct Learning<'a> {
    delays: &'a [i64],
    in_parts: bool,
}

#[derive(Clone, Copy)]
enum Happening {
    Call(usize),
    Reading(usize, Picodollars),
    TopUp(usize, Picodollars),
}

/// The view after all of it.
fn view_of(story: &Story, learning: &Learning<'_>) -> TenantView {
    let (log, tenant): (Arc<dyn EventLog>, _) = (Arc::new(MemoryLog::new()), TenantId::local());
    let mut happenings = Vec::new();
    for (number, (_, at, ..)) in story.calls.iter().enumerate() {
        let learned = at + 1 + learning.delays[number % learning.delays.len()];
        happenings.push((learned, Happening::Call(number)));
    }
    for (provider, at, pico) in &story.readings {
        happenings.push((*at, Happening::Reading(*provider, Picodollars(*pico))));
    }
    for (provider, at, pico) in &story.top_ups {
        happenings.push((*at, Happening::TopUp(*provider, Picodollars(*pico))));
    }
    happenings.sort_by_key(|(learned, _)| *learned);
    for (at, happening) in happenings {
        tell(&log, &tenant, story, minute(at), happening);
    }
    tell_reports(&log, story, learning.in_parts);
    let views = replay(&*log, Until::Head, &mut |_, _| {}).unwrap();
    views.tenant(&tenant).cloned().unwrap_or_default()
}

fn tell(log: &Arc<dyn EventLog>, tenant: &TenantId, story: &Story, now: Timestamp, happening: Happening) {
    match happening {
        Happening::Call(number) => {
            let (provider, at, cost, is_priced) = story.calls[number];
            // Between two minutes: readings are taken on them.
            let at = minute(at) + SignedDuration::from_secs(30);
            let call = Call {
                number,
                provider: PROVIDERS[provider],
                model: "model",
                at,
                day: 0,
                cost,
                cost_at_first: cost,
                reported_from: at,
                corrected_from: at,
                here: if is_priced { Here::Priced } else { Here::Unpriced },
                seen_from: at,
            };
            append_usage(&**log, tenant, vec![recorded(tenant, &call)]);
        }
        Happening::Reading(provider, left) => {
            let reading = Reading::usd(PROVIDERS[provider], left, now, Source::Hand, "");
            Records::new(log).balance(BalanceChange::Read(reading), now);
        }
        Happening::TopUp(provider, amount) => {
            let top_up = TopUp { provider: PROVIDERS[provider].into(), amount, at: now };
            Records::new(log).balance(BalanceChange::ToppedUp(top_up), now);
        }
    }
}

fn tell_reports(log: &Arc<dyn EventLog>, story: &Story, in_parts: bool) {
    let mut records = Records::new(log);
    let line =
        |pico: &i128| CostLine { model: "model".into(), kind: String::new(), cost: Picodollars(*pico) };
    let mut tell = |provider: usize, number, lines: &[i128]| {
        let lines = lines.iter().map(line);
        let source = ReportSource::ProviderApi;
        let report = DayReport::cost(PROVIDERS[provider], day(number), source, Currency::USD, lines);
        records.days(&[report], instant(DAYS + 5, 0)).unwrap();
    };
    if in_parts {
        for ((provider, number), lines) in story.reports.iter().rev() {
            (0..lines.len()).for_each(|count| tell(*provider, *number, &lines[..count]));
            let backwards: Vec<i128> = lines.iter().rev().copied().collect();
            tell(*provider, *number, &backwards);
        }
    } else {
        story.reports.iter().for_each(|((provider, number), lines)| tell(*provider, *number, lines));
    }
}

fn reconcile(view: &TenantView, first: i64, last: i64) -> Reconciliation {
    let wanted = Wanted { since: Some(day(first)), until: Some(day(last)), provider: None };
    let mut shown = reconciled(view, &wanted, instant(DAYS + 6, 0), &TimeZone::UTC, &Config::default());
    // How often a report was corrected on its way is not what it says.
    shown.days.iter_mut().for_each(|line| line.revision = None);
    shown
}

/// Estimate, actual and drift, by provider.
fn sums(shown: &Reconciliation) -> BTreeMap<String, [Picodollars; 3]> {
    let mut sums: BTreeMap<String, [Picodollars; 3]> = BTreeMap::new();
    for line in &shown.days {
        let of = [Some(line.estimate_usd), line.actual_usd, line.drift_usd].map(Option::unwrap_or_default);
        let sum = sums.entry(line.provider.clone()).or_default();
        sum.iter_mut().zip(of).for_each(|(sum, amount)| *sum += amount);
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sums_are_the_same_in_any_order_and_over_any_partition_of_days(
        story in story(),
        delays in prop::collection::vec(0_i64..3_000, 1..9),
        others in prop::collection::vec(0_i64..3_000, 1..9),
        cuts in prop::collection::btree_set(1..DAYS, 0..5),
    ) {
        let view = view_of(&story, &Learning { delays: &delays, in_parts: false });
        let other = view_of(&story, &Learning { delays: &others, in_parts: true });
        let (end, whole) = (instant(DAYS + 6, 0), reconcile(&view, 0, DAYS + 6));
        prop_assert_eq!(&reconcile(&other, 0, DAYS + 6), &whole);
        prop_assert_eq!(balances(&other, end), balances(&view, end));

        // Days, cut anywhere.
        let mut parts: BTreeMap<String, [Picodollars; 3]> = BTreeMap::new();
        let mut first = 0;
        for next in cuts.into_iter().chain([DAYS + 7]) {
            for (provider, amounts) in sums(&reconcile(&view, first, next - 1)) {
                let part = parts.entry(provider).or_default();
                part.iter_mut().zip(amounts).for_each(|(part, amount)| *part += amount);
            }
            first = next;
        }
        prop_assert_eq!(parts, sums(&whole));
        let by_day = view.spend.by_day(&TimeZone::UTC, None, |_| true);
        prop_assert_eq!(by_day.values().copied().sum::<Picodollars>(), view.spend.total().cost);

        for (number, provider) in PROVIDERS.into_iter().enumerate() {
            balance_is_exact(&story, &view, number, provider, &whole)?;
        }
    }
}

/// The balance and what lies between readings, reckoned anew from the story.
fn balance_is_exact(
    story: &Story,
    view: &TenantView,
    number: usize,
    provider: &str,
    whole: &Reconciliation,
) -> Result<(), TestCaseError> {
    let spent = |from: i64, until: i64| -> i128 {
        let within = story
            .calls
            .iter()
            .filter(|(who, at, _, is_priced)| *who == number && *is_priced && *at >= from && *at < until);
        within.map(|(_, _, pico, _)| pico).sum()
    };
    let added = |from: i64, until: i64| -> i128 {
        let top_ups: std::collections::BTreeSet<_> = story.top_ups.iter().collect();
        let within = top_ups.into_iter().filter(|(who, at, _)| *who == number && *at > from && *at <= until);
        within.map(|(_, _, pico)| pico).sum()
    };
    let mut readings: Vec<(i64, i128)> = Vec::new();
    for (_, at, pico) in story.readings.iter().filter(|(who, ..)| *who == number) {
        readings.push((*at, *pico));
    }
    readings.sort_by_key(|(at, _)| *at);
    let spans: Vec<_> = whole.spans.iter().filter(|span| span.provider == provider).collect();
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        prop_assert!(spans.is_empty());
        return Ok(());
    };
    // Of readings of one minute the last that was told counts.
    let of_minute = |at: i64| readings.iter().rfind(|(other, _)| *other == at).unwrap().1;
    let lines = balances(view, instant(DAYS + 6, 0));
    let line = lines.iter().find(|line| line.provider == provider).unwrap();
    let left = last.1 - spent(last.0, MINUTES) + added(last.0, MINUTES);
    prop_assert_eq!(line.left_usd, Picodollars(left));
    let fell: Picodollars = spans.iter().map(|span| span.fell_usd).sum();
    let seen: Picodollars = spans.iter().map(|span| span.recorded_usd).sum();
    let expected = of_minute(first.0) + added(first.0, last.0) - last.1;
    prop_assert_eq!(fell, Picodollars(if spans.is_empty() { 0 } else { expected }));
    prop_assert_eq!(seen, Picodollars(if spans.is_empty() { 0 } else { spent(first.0, last.0) }));
    Ok(())
}
