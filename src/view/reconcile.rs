//! Query: reconciliation compares recorded usage with the providers' reports and with changes of their
//! balances.
//!
//! Providers report UTC days, so the estimate is summed by UTC day too, from the cube's quarters. The
//! calibration factor (reported cost divided by estimate, over settled days) is shown and never applied.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::clock;
use crate::domain::currency::Currency;
use crate::domain::money::{Picodollars, percent, ratio};
use crate::domain::reconcile::{Attribution, Cause, ModelUse, Recorded, attribute};
use crate::domain::report::{CostReport, Latest, ReportSource, Standing, UsageReport};

use super::TenantView;
use super::spans::{Gauge, SpanLine, spans};

/// Default number of days.
const DAYS_SHOWN: i64 = 30;
/// Decimal places of a calibration factor.
const FACTOR_DECIMALS: u32 = 4;

/// What to reconcile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The first UTC day; thirty days before the last one if absent.
    pub since: Option<Date>,
    /// The last UTC day, inclusive.
    pub until: Option<Date>,
    /// Only this provider.
    pub provider: Option<String>,
}

impl Wanted {
    /// Everything since the first recorded or reported day.
    #[must_use]
    pub fn all(view: &TenantView) -> Self {
        let recorded = view.spend.cells().next().map(|cell| cell.quarter.start());
        let recorded = recorded.map(|first| calendar::day_of(first, &TimeZone::UTC));
        let reported = view.reports.costs().map(|(key, _)| key.day).min();
        Self { since: recorded.into_iter().chain(reported).min(), ..Self::default() }
    }
}

/// A part of a drift, and its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CauseShown {
    /// `unpriced-model`, `cache-tier`, `usage-elsewhere`, `late-data`, `not-billed`, `price`, `top-up-untold`,
    /// `rounding` or `unknown`.
    #[schema(value_type = String)]
    pub cause: Cause,
    /// Its part of the drift; the parts of a day add up to the drift.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// The models concerned.
    pub models: Vec<String>,
}

impl From<Attribution> for CauseShown {
    fn from(part: Attribution) -> Self {
        Self { cause: part.cause, amount_usd: part.amount, models: part.models }
    }
}

/// A provider's day, recorded and reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledDay {
    /// The provider.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// The UTC day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// The recorded cost.
    #[schema(value_type = String)]
    pub estimate_usd: Picodollars,
    /// The reported cost; null without a report.
    #[schema(value_type = Option<String>)]
    pub actual_usd: Option<Picodollars>,
    /// Actual minus estimate.
    #[schema(value_type = Option<String>)]
    pub drift_usd: Option<Picodollars>,
    /// The drift as a percentage of the actual cost, to one decimal place; null if the actual cost is zero.
    pub drift_percent: Option<String>,
    /// The causes, largest part first; empty without a drift.
    pub causes: Vec<CauseShown>,
    /// `open` (reported before the day's end), `provisional` (reported within two days of it) or `settled`.
    #[schema(value_type = Option<String>)]
    pub standing: Option<Standing>,
    /// Where the report comes from.
    #[schema(value_type = Option<String>)]
    pub source: Option<ReportSource>,
    /// When it was reported.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub told_at: Option<Timestamp>,
    /// Age of the report, in seconds.
    pub age_seconds: Option<i64>,
    /// Number of corrections so far.
    pub revision: Option<u32>,
    /// Rows of the report that could not be read: the reported cost is without them, and is compared with nothing. Absent
    /// if none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u32,
    /// Recorded calls.
    pub calls: u64,
    /// Recorded calls without a price, which the estimate leaves out.
    pub unpriced_calls: u64,
}

/// What the actual cost is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Reports of days.
    Reports,
    /// Odometer readings, by hand.
    Odometer,
    /// Balance readings.
    Readings,
    /// Nothing from the provider.
    Nothing,
}

/// A provider over all comparable days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledProvider {
    /// The provider.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// The basis: `reports`, else `odometer`, else `readings`, else `nothing`.
    pub basis: Basis,
    /// Number of ended days, or of spans between readings, that are compared.
    pub compared: u64,
    /// Their recorded cost.
    #[schema(value_type = String)]
    pub estimate_usd: Picodollars,
    /// Their actual cost; null if unknown.
    #[schema(value_type = Option<String>)]
    pub actual_usd: Option<Picodollars>,
    /// Actual minus estimate.
    #[schema(value_type = Option<String>)]
    pub drift_usd: Option<Picodollars>,
    /// The drift as a percentage of the actual cost, to one decimal place.
    pub drift_percent: Option<String>,
    /// Actual cost per dollar of estimate, over settled days. Shown and never applied.
    pub calibration: Option<String>,
    /// What is missing for a better comparison, and how to get it.
    pub advice: Option<String>,
}

/// A day reported in another currency: shown, never converted, never summed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForeignDay {
    /// The provider.
    pub provider: String,
    /// The UTC day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// ISO 4217 code of the currency.
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    /// The cost in that currency.
    #[schema(value_type = String)]
    pub cost: Picodollars,
    /// Rows of the report that could not be read: the cost is without them. Absent if none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u32,
    /// When it was reported.
    #[schema(value_type = String, format = DateTime)]
    pub told_at: Timestamp,
}

/// The estimate compared with the actual cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reconciliation {
    /// The first UTC day.
    #[schema(value_type = String, format = Date)]
    pub since: Date,
    /// The last UTC day, inclusive.
    #[schema(value_type = String, format = Date)]
    pub until: Date,
    /// By provider.
    pub providers: Vec<ReconciledProvider>,
    /// By provider and day: the days since the first report.
    pub days: Vec<ReconciledDay>,
    /// By provider and time: how balances fell and odometers rose between readings.
    pub spans: Vec<SpanLine>,
    /// Days reported in other currencies.
    pub foreign: Vec<ForeignDay>,
}

type Key = (String, Date);

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde wants it
fn is_none(rows: &u32) -> bool {
    *rows == 0
}

/// Reconciles, as known at `now`. Odometer months are in `zone`.
#[must_use]
pub fn reconcile(view: &TenantView, wanted: &Wanted, now: Timestamp, zone: &TimeZone) -> Reconciliation {
    let until = wanted.until.unwrap_or_else(|| calendar::day_of(now, &TimeZone::UTC));
    let since = wanted.since.unwrap_or_else(|| until.saturating_sub((DAYS_SHOWN - 1).days()));
    let is_wanted = |provider: &str| wanted.provider.as_deref().is_none_or(|name| name == provider);
    let is_within = |provider: &str, day: Date| is_wanted(provider) && (since..=until).contains(&day);

    let (mut costs, mut first, mut foreign) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    // Sources are sorted by trust: the last one counts.
    for (key, latest) in view.reports.costs() {
        if latest.report.currency == Currency::USD {
            let first = first.entry(key.provider.clone()).or_insert(key.day);
            *first = key.day.min(*first);
            if is_within(&key.provider, key.day) {
                costs.insert((key.provider.clone(), key.day), (key.source, latest));
            }
        } else if is_within(&key.provider, key.day) {
            foreign.push(ForeignDay {
                provider: key.provider.clone(),
                day: key.day,
                currency: latest.report.currency,
                cost: latest.report.total(),
                left_out: latest.report.left_out,
                told_at: latest.told_at,
            });
        }
    }
    let mut usages: BTreeMap<Key, &Latest<UsageReport>> = BTreeMap::new();
    for (key, latest) in view.reports.usages().filter(|(key, _)| is_within(&key.provider, key.day)) {
        usages.insert((key.provider.clone(), key.day), latest);
    }
    let recorded = recorded(view, (since, until), is_wanted);

    let keys: BTreeSet<&Key> = costs.keys().chain(recorded.keys()).collect();
    let is_reported = |key: &&&Key| first.get(&key.0).is_some_and(|first| *first <= key.1);
    let day = |key: &Key| {
        let nothing = Recorded::new();
        let used = recorded.get(key).unwrap_or(&nothing);
        line(key, used, costs.get(key).copied(), usages.get(key).copied(), now)
    };
    let days: Vec<ReconciledDay> = keys.iter().filter(is_reported).map(|key| day(key)).collect();
    let (start, end) = (calendar::start_of(since, &TimeZone::UTC), calendar::end_of(until, &TimeZone::UTC));
    let spans: Vec<SpanLine> =
        spans(view, start, end, zone).into_iter().filter(|span| is_wanted(&span.provider)).collect();
    let mut names: BTreeSet<&str> = keys.iter().map(|key| key.0.as_str()).collect();
    names.extend(view.balances.accounts.iter().map(|(name, _)| name.as_str()));
    names.extend(view.odometer.meters.keys().map(String::as_str));
    let names = names.into_iter().filter(|name| is_wanted(name));
    let providers = names.map(|name| provider(name, &days, &spans, &recorded)).collect();
    Reconciliation { since, until, providers, days, spans, foreign }
}

fn recorded(
    view: &TenantView,
    (since, until): (Date, Date),
    is_wanted: impl Fn(&str) -> bool,
) -> BTreeMap<Key, Recorded> {
    let mut recorded: BTreeMap<Key, Recorded> = BTreeMap::new();
    for (day, part) in view.spend.utc_days(since, until) {
        if is_wanted(part.provider) {
            let models = recorded.entry((part.provider.to_owned(), day)).or_default();
            models.entry(part.model.to_owned()).or_default().add(&ModelUse::from(part.sum));
        }
    }
    recorded
}

fn line(
    (provider, day): &Key,
    used: &Recorded,
    cost: Option<(ReportSource, &Latest<CostReport>)>,
    usage: Option<&Latest<UsageReport>>,
    now: Timestamp,
) -> ReconciledDay {
    let mut sum = ModelUse::default();
    for model in used.values() {
        sum.add(model);
    }
    let report = cost.map(|(_, latest)| latest);
    let standing = report.map(|latest| Standing::of(*day, latest.told_at));
    let actual = report.map(|latest| latest.report.total());
    let left_out = report.map_or(0, |latest| latest.report.left_out);
    // A part of a cost differs from the whole by what is not known.
    let drift = actual.filter(|_| left_out == 0).map(|actual| actual - sum.cost);
    let usage = usage.filter(|latest| latest.report.left_out == 0);
    let causes =
        report.filter(|_| left_out == 0).zip(standing).map_or_else(Vec::new, |(latest, standing)| {
            attribute(used, &latest.report, usage.map(|latest| &latest.report), standing)
        });
    ReconciledDay {
        provider: provider.clone(),
        day: *day,
        estimate_usd: sum.cost,
        actual_usd: actual,
        drift_usd: drift,
        drift_percent: drift.zip(actual).and_then(|(drift, actual)| percent(drift, actual)),
        causes: causes.into_iter().map(CauseShown::from).collect(),
        standing,
        source: cost.map(|(source, _)| source),
        told_at: report.map(|latest| latest.told_at),
        age_seconds: report.map(|latest| clock::age(latest.told_at, now).as_secs()),
        revision: report.map(|latest| latest.revision),
        left_out,
        calls: sum.calls,
        unpriced_calls: sum.unpriced,
    }
}

/// Sums of the comparable days or spans.
#[derive(Default)]
struct Compared {
    count: u64,
    estimate: Picodollars,
    actual: Picodollars,
}

impl Compared {
    fn of(pairs: impl Iterator<Item = (Picodollars, Picodollars)>) -> Self {
        pairs.fold(Self::default(), |sum, (estimate, actual)| Self {
            count: sum.count + 1,
            estimate: sum.estimate + estimate,
            actual: sum.actual + actual,
        })
    }

    fn factor(&self) -> Option<String> {
        ratio(self.actual, self.estimate, FACTOR_DECIMALS)
    }
}

fn provider(
    name: &str,
    days: &[ReconciledDay],
    spans: &[SpanLine],
    recorded: &BTreeMap<Key, Recorded>,
) -> ReconciledProvider {
    let own = || days.iter().filter(|day| day.provider == name);
    // A report without some of its rows is compared with nothing.
    let pair = |day: &ReconciledDay| {
        let actual = day.actual_usd.filter(|_| day.left_out == 0)?;
        Some((day.estimate_usd, actual))
    };
    let is_reported = own().any(|day| pair(day).is_some());
    // The report of a day that has not ended is shown, and compared with nothing.
    let over = own().filter(|day| day.standing > Some(Standing::Open));
    let reported = Compared::of(over.filter_map(pair));
    let settled = own().filter(|day| day.standing == Some(Standing::Settled)).filter_map(pair);
    // A span with an unreported top-up says nothing about spend.
    let is_known = |span: &&SpanLine| span.provider == name && span.cause != Some(Cause::TopUpUntold);
    let by = |gauge| {
        let own = spans.iter().filter(is_known).filter(|span| span.gauge == gauge);
        Compared::of(own.map(|span| (span.recorded_usd, span.fell_usd)))
    };
    let (risen, fallen) = (by(Gauge::Odometer), by(Gauge::Balance));
    let (basis, compared, calibration) = if is_reported {
        (Basis::Reports, reported, Compared::of(settled).factor())
    } else if risen.count > 0 {
        let factor = risen.factor();
        (Basis::Odometer, risen, factor)
    } else if fallen.count > 0 {
        let factor = fallen.factor();
        (Basis::Readings, fallen, factor)
    } else {
        let all = recorded.iter().filter(|((provider, _), _)| provider == name);
        let estimate = all.flat_map(|(_, models)| models.values()).map(|used| used.cost).sum();
        (Basis::Nothing, Compared { estimate, ..Compared::default() }, None)
    };
    let actual = (basis != Basis::Nothing).then_some(compared.actual);
    let drift = actual.map(|actual| actual - compared.estimate);
    ReconciledProvider {
        provider: name.to_owned(),
        basis,
        compared: compared.count,
        estimate_usd: compared.estimate,
        actual_usd: actual,
        drift_usd: drift,
        drift_percent: drift.zip(actual).and_then(|(drift, actual)| percent(drift, actual)),
        calibration,
        advice: None,
    }
}
