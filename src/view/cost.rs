//! Query: the unified cost, which takes the best available source for each provider.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::cost::{ByBasis, Cost, ProviderCost};
use crate::domain::currency::Currency;
use crate::domain::lacking::Spent;
use crate::domain::money::Picodollars;
use crate::domain::pricing::PriceTable;

use super::TenantView;
use super::freshness::Freshness;
use super::lacking::LackingSum;
use super::report::Range;
use super::spend::Cell;

/// The unified cost of a range of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostShown {
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub since: Date,
    /// The last day, inclusive.
    #[schema(value_type = String, format = Date)]
    pub until: Date,
    /// The time zone of the days.
    pub time_zone: String,
    /// By provider, the most expensive first.
    pub providers: Vec<CostLine>,
    /// All providers together.
    pub total: CostSum,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// The cost at a provider, and what each source says by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostLine {
    /// The provider.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// The cost that counts.
    #[serde(flatten)]
    pub sum: CostSum,
    /// Estimate from all recorded calls in the range, whether it counts or not.
    #[schema(value_type = String)]
    pub all_estimated_usd: Picodollars,
    /// The odometer's total for the range, whether it counts or not; null if there is none.
    #[schema(value_type = Option<String>)]
    pub all_inferred_usd: Option<Picodollars>,
    /// UTC days in the range that the provider has reported.
    pub reported_days: u32,
    /// Calls without a price, which no estimate includes.
    pub unpriced_messages: u64,
    /// Calls with a part of a price.
    pub partly_priced_messages: u64,
}

/// A cost, divided by source. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostSum {
    /// The cost that counts.
    #[schema(value_type = String)]
    pub cost_usd: Picodollars,
    /// The part reported by the provider.
    #[schema(value_type = String)]
    pub actual_usd: Picodollars,
    /// The part inferred from an odometer.
    #[schema(value_type = String)]
    pub inferred_usd: Picodollars,
    /// The part estimated from recorded calls.
    #[schema(value_type = String)]
    pub estimated_usd: Picodollars,
}

impl From<ByBasis> for CostSum {
    fn from(by: ByBasis) -> Self {
        Self {
            cost_usd: by.total(),
            actual_usd: by.actual,
            inferred_usd: by.inferred,
            estimated_usd: by.estimated,
        }
    }
}

/// A provider's cost, and the calls without a price or with a part of one.
#[derive(Debug, Default)]
struct Known<'a> {
    cost: ProviderCost,
    unpriced: u64,
    lacking: Vec<Cell<'a>>,
}

impl<'a> Known<'a> {
    /// What the estimate between two instants leaves out, except on days that the provider has reported.
    fn lacks(&self, from: Timestamp, until: Timestamp, sum: &mut LackingSum<'a>) {
        let counts = |cell: &&Cell<'a>| {
            let at = cell.quarter.start();
            let is_reported = self.cost.actual.contains_key(&calendar::day_of(at, &TimeZone::UTC));
            at >= from && at < until && !is_reported
        };
        self.lacking.iter().filter(counts).for_each(|cell| sum.add(&cell.part()));
    }
}

/// The cost of each provider between two instants, as known at `now`. Reads only the cells in between.
fn known<'a>(
    view: &'a TenantView,
    from: Timestamp,
    until: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> BTreeMap<&'a str, Known<'a>> {
    let mut known: BTreeMap<&str, Known<'a>> = BTreeMap::new();
    for cell in view.spend.cells_between(from, until) {
        let provider = known.entry(cell.provider).or_default();
        provider.unpriced += cell.sum.unpriced;
        if !cell.sum.is_whole() {
            provider.lacking.push(cell);
        }
        match provider.cost.estimated.last_mut() {
            Some((quarter, amount)) if *quarter == cell.quarter => *amount += cell.sum.cost,
            _ => provider.cost.estimated.push((cell.quarter, cell.sum.cost)),
        }
    }
    for (provider, meter) in &view.odometer.meters {
        let spreads = meter.spreads(zone).into_iter();
        let own: Vec<_> = spreads.filter(|spread| spread.from < until && spread.until >= from).collect();
        if !own.is_empty() {
            known.entry(provider).or_default().cost.inferred = own;
        }
    }
    for (provider, day, amount) in reported(view) {
        let (first, end) = (calendar::start_of(day, &TimeZone::UTC), calendar::end_of(day, &TimeZone::UTC));
        // The report of a day that has not ended is incomplete.
        if first < until && end > from && end <= now {
            known.entry(provider).or_default().cost.actual.insert(day, amount);
        }
    }
    known
}

/// Reported costs by provider and UTC day, in USD. Of two sources the better one comes last. A report without some of its
/// rows is no cost of a day: partial is not whole.
fn reported(view: &TenantView) -> impl Iterator<Item = (&str, Date, Picodollars)> {
    let in_usd = view
        .reports
        .costs()
        .filter(|(_, latest)| latest.report.currency == Currency::USD && latest.report.left_out == 0);
    in_usd.map(|(key, latest)| (key.provider.as_str(), key.day, latest.report.total()))
}

/// The cost over all providers between two instants, one range inside the other: the outer and the inner
/// cost. `prices` gives an upper bound for spend without a price.
#[must_use]
pub fn cost_of(
    view: &TenantView,
    outer: (Timestamp, Timestamp),
    inner: (Timestamp, Timestamp),
    now: Timestamp,
    zone: &TimeZone,
    prices: Option<&PriceTable>,
) -> (Spent, Spent) {
    let mut sums = (ByBasis::default(), ByBasis::default());
    let mut lacking = (LackingSum::default(), LackingSum::default());
    let known = known(view, outer.0, outer.1, now, zone);
    for provider in known.values() {
        sums.0.add(&provider.cost.between(outer.0, outer.1).counted);
        sums.1.add(&provider.cost.between(inner.0, inner.1).counted);
        provider.lacks(outer.0, outer.1, &mut lacking.0);
        provider.lacks(inner.0, inner.1, &mut lacking.1);
    }
    let spent =
        |sum: ByBasis, lacking: &LackingSum<'_>| Spent { known: sum.total(), lacking: lacking.total(prices) };
    (spent(sums.0, &lacking.0), spent(sums.1, &lacking.1))
}

/// The cost of one provider, or of all, on each day of a range, both ends inclusive.
#[must_use]
pub fn cost_by_day(
    view: &TenantView,
    provider: Option<&str>,
    first: Date,
    last: Date,
    now: Timestamp,
    zone: &TimeZone,
) -> BTreeMap<Date, Picodollars> {
    let (from, until) = (calendar::start_of(first, zone), calendar::end_of(last, zone));
    let mut days = BTreeMap::new();
    let known = known(view, from, until, now, zone).into_iter();
    for (_, own) in known.filter(|(name, _)| provider.is_none_or(|provider| provider == *name)) {
        for day in first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last) {
            let (start, end) = (calendar::start_of(day, zone), calendar::end_of(day, zone));
            let cost = own.cost.between(start, end).counted.total();
            if cost != Picodollars::ZERO {
                *days.entry(day).or_default() += cost;
            }
        }
    }
    days
}

/// The unified cost of a range of days; without a first day, of the last day's month.
#[must_use]
pub fn unified_cost(view: &TenantView, range: &Range, now: Timestamp, zone: &TimeZone) -> CostShown {
    let today = calendar::day_of(now, zone);
    let until = range.until.unwrap_or(today);
    let since = range.since.unwrap_or_else(|| until.first_of_month());
    let (from, end) = (calendar::start_of(since, zone), calendar::end_of(until, zone));
    let mut total = ByBasis::default();
    let line = |(provider, known): (&str, Known<'_>)| {
        let Cost { counted, told } = known.cost.between(from, end);
        total.add(&counted);
        CostLine {
            provider: provider.to_owned(),
            sum: counted.into(),
            all_estimated_usd: told.estimated,
            all_inferred_usd: (!known.cost.inferred.is_empty()).then_some(told.inferred),
            reported_days: u32::try_from(known.cost.actual.len()).unwrap_or(u32::MAX),
            unpriced_messages: known.unpriced,
            partly_priced_messages: known.lacking.iter().map(|cell| cell.sum.partial).sum(),
        }
    };
    let mut providers: Vec<CostLine> = known(view, from, end, now, zone).into_iter().map(line).collect();
    providers.sort_by_key(|line| (std::cmp::Reverse(line.sum.cost_usd), line.provider.clone()));
    CostShown {
        since,
        until,
        time_zone: calendar::zone_name(zone),
        providers,
        total: total.into(),
        freshness: Freshness::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::odometer::{OdometerCommand, decide_reading, evolve};
    use crate::domain::report::{CostLine as ReportedLine, DayReport, ReportSource};
    use crate::event::payload::UsageRecorded;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn usd(text: &str) -> Picodollars {
        Picodollars::parse(text).unwrap()
    }

    fn call(view: &mut TenantView, provider: &'static str, instant: &str, cost: Option<&str>) {
        let usage = UsageRecorded {
            message_id: "m".into(),
            provider: provider.into(),
            model: "model".into(),
            cost: cost.map(usd),
            ..UsageRecorded::default()
        };
        view.spend.add(at(instant), &usage);
    }

    fn report(view: &mut TenantView, day: &str, source: ReportSource, currency: Currency, cost: &str) {
        let line = ReportedLine { model: String::new(), kind: String::new(), cost: usd(cost) };
        let report = DayReport::cost("anthropic", day.parse().unwrap(), source, currency, [line]);
        let change = view.reports.decide(report, at("2026-11-25T00:00:00Z")).unwrap().unwrap();
        view.reports.evolve(at("2026-11-25T00:00:00Z"), change);
    }

    #[test]
    fn reports_readings_and_calls_are_one_cost_and_each_says_which_it_is() {
        let mut view = TenantView::default();
        call(&mut view, "anthropic", "2026-11-20T10:00:00Z", Some("1"));
        call(&mut view, "anthropic", "2026-11-21T10:00:00Z", Some("2"));
        call(&mut view, "anthropic", "2026-11-21T11:00:00Z", None);
        call(&mut view, "anthropic", "2026-10-31T23:59:00Z", Some("64"));
        call(&mut view, "openai", "2026-11-20T10:00:00Z", Some("4"));
        report(&mut view, "2026-11-20", ReportSource::Console, Currency::USD, "7");
        report(&mut view, "2026-11-20", ReportSource::ProviderApi, Currency::USD, "1.25");
        report(&mut view, "2026-11-21", ReportSource::ProviderApi, Currency::parse("EUR").unwrap(), "9");
        // Without some of its rows it is no day's cost.
        let line = ReportedLine { model: String::new(), kind: String::new(), cost: usd("512") };
        let key = ("2026-11-21".parse().unwrap(), ReportSource::Console);
        let part = DayReport::cost("anthropic", key.0, key.1, Currency::USD, [line]).without(1);
        let change = view.reports.decide(part, at("2026-11-25T00:00:00Z")).unwrap().unwrap();
        view.reports.evolve(at("2026-11-25T00:00:00Z"), change);
        // Not over yet.
        report(&mut view, "2026-11-25", ReportSource::ProviderApi, Currency::USD, "9");
        let now = at("2026-11-25T12:00:00Z");
        let command = OdometerCommand {
            provider: "groq".into(),
            month: None,
            value: usd("3"),
            taken_at: now,
            note: String::new(),
            is_correction: false,
        };
        let change = decide_reading(&view.odometer, command, now, &TimeZone::UTC).unwrap().unwrap();
        evolve(&mut view.odometer, change);
        let shown = unified_cost(&view, &Range::default(), now, &TimeZone::UTC);
        let lines: Vec<String> = shown
            .providers
            .iter()
            .map(|line| {
                let CostSum { cost_usd, actual_usd, inferred_usd, estimated_usd } = line.sum;
                let amounts = [cost_usd, actual_usd, inferred_usd, estimated_usd, line.all_estimated_usd];
                let amounts: Vec<String> = amounts.into_iter().map(Picodollars::exact).collect();
                format!("{} {} {}", line.provider, amounts.join(" "), line.unpriced_messages)
            })
            .collect();
        assert_eq!(lines, ["openai 4 0 0 4 4 0", "anthropic 3.25 1.25 0 2 3 1", "groq 3 0 3 0 0 0"]);
        assert_eq!(shown.total.cost_usd, usd("10.25"));
        // The same by day, in a time zone whose days differ from UTC days.
        let zone = TimeZone::get("Asia/Kathmandu").unwrap();
        let days = cost_by_day(
            &view,
            None,
            "2026-10-01".parse().unwrap(),
            "2026-12-31".parse().unwrap(),
            now,
            &zone,
        );
        assert_eq!(days.values().copied().sum::<Picodollars>(), usd("74.25"));
    }
}
