//! Reconciliation: what is recorded here, held against what the providers reported and how their balances fell.
//!
//! A provider's days are UTC days, so the estimate is reckoned on UTC days too, from the cube of quarters. The
//! calibration factor (what the provider reported for what is recorded here, on settled days) is shown and applied
//! to nothing.

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

/// So many days are shown where nobody says which.
const DAYS_SHOWN: i64 = 30;
/// The decimals of a calibration factor.
const FACTOR_DECIMALS: u32 = 4;

/// What to reconcile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The first UTC day; the last thirty days where none is named.
    pub since: Option<Date>,
    /// The last UTC day, included.
    pub until: Option<Date>,
    /// Only this provider.
    pub provider: Option<String>,
}

impl Wanted {
    /// Everything that is known: from the first day on that was recorded or reported.
    #[must_use]
    pub fn all(view: &TenantView) -> Self {
        let recorded = view.spend.cells().next().map(|cell| cell.quarter.start());
        let recorded = recorded.map(|first| calendar::day_of(first, &TimeZone::UTC));
        let reported = view.reports.costs().map(|(key, _)| key.day).min();
        Self { since: recorded.into_iter().chain(reported).min(), ..Self::default() }
    }
}

/// A part of a drift, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CauseShown {
    /// `unpriced-model`, `cache-tier`, `usage-elsewhere`, `late-data`, `not-billed`, `price`, `top-up-untold`,
    /// `rounding` or `unknown`.
    #[schema(value_type = String)]
    pub cause: Cause,
    /// How much of the drift; those of a day add up to it.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// The models it is about.
    pub models: Vec<String>,
}

impl From<Attribution> for CauseShown {
    fn from(part: Attribution) -> Self {
        Self { cause: part.cause, amount_usd: part.amount, models: part.models }
    }
}

/// A provider's day, from both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledDay {
    /// Who is paid.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// The UTC day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// What is recorded here.
    #[schema(value_type = String)]
    pub estimate_usd: Picodollars,
    /// What the provider reported; null where it has told nothing of the day.
    #[schema(value_type = Option<String>)]
    pub actual_usd: Option<Picodollars>,
    /// Actual less estimate.
    #[schema(value_type = Option<String>)]
    pub drift_usd: Option<Picodollars>,
    /// The drift in percent of the actual, to one place; null where that is nothing.
    pub drift_percent: Option<String>,
    /// Why, the largest part first; empty where there is no drift.
    pub causes: Vec<CauseShown>,
    /// `open` (told before the day's end), `provisional` (told within two days of it) or `settled`.
    #[schema(value_type = Option<String>)]
    pub standing: Option<Standing>,
    /// Where the report comes from.
    #[schema(value_type = Option<String>)]
    pub source: Option<ReportSource>,
    /// When it was told.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub told_at: Option<Timestamp>,
    /// How long ago that is.
    pub age_seconds: Option<i64>,
    /// How often it was told anew before.
    pub revision: Option<u32>,
    /// Calls that are recorded here.
    pub calls: u64,
    /// Those of them without a price: their cost is not in the estimate.
    pub unpriced_calls: u64,
}

/// What a provider's figures rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Its reports of days.
    Reports,
    /// Readings of its odometer, by hand.
    Odometer,
    /// Readings of its balance.
    Readings,
    /// Nothing that the provider said.
    Nothing,
}

/// A provider over all the days that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledProvider {
    /// Who is paid.
    #[schema(example = "anthropic")]
    pub provider: String,
    /// What is compared with: `reports`, else `odometer`, else `readings`, else `nothing`.
    pub basis: Basis,
    /// Days that are over, or spans between readings, that are compared.
    pub compared: u64,
    /// What is recorded here of them.
    #[schema(value_type = String)]
    pub estimate_usd: Picodollars,
    /// What the provider says of them; null where there is nothing.
    #[schema(value_type = Option<String>)]
    pub actual_usd: Option<Picodollars>,
    /// Actual less estimate.
    #[schema(value_type = Option<String>)]
    pub drift_usd: Option<Picodollars>,
    /// The drift in percent of the actual, to one place.
    pub drift_percent: Option<String>,
    /// Actual for one dollar of estimate, over what is settled. It is shown, and applied to nothing.
    pub calibration: Option<String>,
    /// What is missing for more, and what one can do.
    pub advice: Option<String>,
}

/// A day that was reported in another currency: shown, never converted, never summed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForeignDay {
    /// Who is paid.
    pub provider: String,
    /// The UTC day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// The currency's code.
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    /// What it cost, in that currency.
    #[schema(value_type = String)]
    pub cost: Picodollars,
    /// When it was told.
    #[schema(value_type = String, format = DateTime)]
    pub told_at: Timestamp,
}

/// The estimate held against the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reconciliation {
    /// The first UTC day.
    #[schema(value_type = String, format = Date)]
    pub since: Date,
    /// The last UTC day, included.
    #[schema(value_type = String, format = Date)]
    pub until: Date,
    /// By provider.
    pub providers: Vec<ReconciledProvider>,
    /// By provider and day: the days since its first report.
    pub days: Vec<ReconciledDay>,
    /// By provider and time: how its balance fell and its odometer rose between readings.
    pub spans: Vec<SpanLine>,
    /// Days that were reported in other currencies.
    pub foreign: Vec<ForeignDay>,
}

type Key = (String, Date);

/// Reconciles, as things are known at `now`; the months of odometers are those of `zone`.
#[must_use]
pub fn reconcile(view: &TenantView, wanted: &Wanted, now: Timestamp, zone: &TimeZone) -> Reconciliation {
    let until = wanted.until.unwrap_or_else(|| calendar::day_of(now, &TimeZone::UTC));
    let since = wanted.since.unwrap_or_else(|| until.saturating_sub((DAYS_SHOWN - 1).days()));
    let is_wanted = |provider: &str| wanted.provider.as_deref().is_none_or(|name| name == provider);
    let is_within = |provider: &str, day: Date| is_wanted(provider) && (since..=until).contains(&day);

    let (mut costs, mut first, mut foreign) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    // Sources stand in the order of their trust: the last one counts.
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
    let drift = actual.map(|actual| actual - sum.cost);
    let causes = report.zip(standing).map_or_else(Vec::new, |(latest, standing)| {
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
        calls: sum.calls,
        unpriced_calls: sum.unpriced,
    }
}

/// Sums of what is compared.
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
    let pair = |day: &ReconciledDay| day.actual_usd.map(|actual| (day.estimate_usd, actual));
    let is_reported = own().any(|day| day.actual_usd.is_some());
    // What a provider says of a day that is not over is shown, and compared with nothing.
    let over = own().filter(|day| day.standing > Some(Standing::Open));
    let reported = Compared::of(over.filter_map(pair));
    let settled = own().filter(|day| day.standing == Some(Standing::Settled)).filter_map(pair);
    // A span in which money was added that nobody told of says nothing about what was spent.
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
