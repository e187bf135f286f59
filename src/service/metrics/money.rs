//! Metrics of money and tokens: computed once for all instruments, and cached until an event arrives or a
//! minute has passed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use opentelemetry::KeyValue;

use crate::domain::money::{PICO, Picodollars};
use crate::event::Position;
use crate::service::runtime::reads::Snapshot;
use crate::view::balances::{balances, doubted};
use crate::view::quotas::quotas;
use crate::view::reconcile::{ReconciledProvider, Wanted};
use crate::view::spend::Sum;
use crate::view::uses::BudgetUse;

use super::catalogue::{
    ALLOWANCE_LIMIT, ALLOWANCE_USED, BALANCE_AGE, BALANCE_LEFT, BUDGET_LEFT, BUDGET_LIMIT, BUDGET_RATIO,
    BUDGET_USED, CALLS, DOUBTED, DRIFT, QUOTA, SPEND, TODAY, TOKENS, UNPRICED, USAGE_AGE,
};
use super::{Survey, label, named};

/// Providers with series of their own, the most expensive first.
pub const PROVIDERS_MAX: usize = 12;
/// Models with series of their own over all providers, the most expensive first.
pub const MODELS_MAX: usize = 40;
/// The label under which the rest is summed.
pub const OTHER: &str = "other";
/// How often values that depend on the day or on a reading's age are computed again.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

pub(super) const PROVIDER: &str = "gen_ai.provider.name";
const MODEL: &str = "gen_ai.request.model";

/// An amount as a float, for metrics alone.
pub(super) fn usd(amount: Picodollars) -> f64 {
    amount.0 as f64 / PICO as f64
}

/// See the module.
pub(super) struct Money {
    pub(super) survey: Arc<Survey>,
    position: Position,
    reckoned_at: Timestamp,
    /// When each balance was read, by provider.
    read_at: Vec<(String, Timestamp)>,
    newest_usage: Option<Timestamp>,
}

impl Money {
    /// Whether the cached values are still valid.
    pub(super) fn holds(&self, at: &Snapshot, now: Timestamp) -> bool {
        self.position == at.position()
            && (SignedDuration::ZERO..KEPT).contains(&now.duration_since(self.reckoned_at))
    }

    pub(super) fn of(at: &Snapshot, now: Timestamp) -> Self {
        let mut survey = Survey::default();
        let view = at.view();
        let (lines, windows) = (balances(view, now), quotas(view, now));
        spend(&capped(&view.spend.by_model()), &mut survey);
        budgets(at, now, &mut survey);
        let mut read_at = Vec::new();
        let mut doubts: BTreeMap<String, u32> = lines.iter().map(|line| (line.provider.clone(), 0)).collect();
        for line in doubted(view, now) {
            *doubts.entry(line.provider).or_default() += 1;
        }
        for (provider, count) in doubts {
            survey.add(DOUBTED, f64::from(count), [named(PROVIDER, &provider)]);
        }
        for line in lines {
            survey.add(BALANCE_LEFT, usd(line.left_usd), [named(PROVIDER, &line.provider)]);
            read_at.push((line.provider, line.taken_at));
        }
        for window in windows {
            let used = window.used_percent.and_then(|percent| percent.parse::<f64>().ok());
            if let Some(used) = used {
                survey.add(QUOTA, used / 100.0, [named("mecris.quota.window", &window.window)]);
            }
        }
        for provider in at.reconcile(&Wanted::default(), now).providers {
            if let Some(drift) = drift(&provider) {
                survey.add(DRIFT, drift, [named(PROVIDER, &provider.provider)]);
            }
        }
        Self {
            survey: Arc::new(survey),
            position: at.position(),
            reckoned_at: now,
            read_at,
            newest_usage: view.spend.newest,
        }
    }

    /// The ages of readings, which change with the clock alone.
    pub(super) fn ages(&self, now: Timestamp, survey: &mut Survey) {
        let age = |at: Timestamp| now.duration_since(at).as_secs_f64().max(0.0);
        for (provider, taken_at) in &self.read_at {
            survey.add(BALANCE_AGE, age(*taken_at), [named(PROVIDER, provider)]);
        }
        if let Some(newest) = self.newest_usage {
            survey.add(USAGE_AGE, age(newest), []);
        }
    }
}

fn spend(sums: &BTreeMap<(String, String), Sum>, survey: &mut Survey) {
    for ((provider, model), sum) in sums {
        let of = || vec![KeyValue::new(PROVIDER, provider.clone()), KeyValue::new(MODEL, model.clone())];
        survey.add(SPEND, usd(sum.cost), of());
        survey.add(CALLS, sum.messages as f64, of());
        survey.add(UNPRICED, sum.unpriced as f64, of());
        let tokens = &sum.tokens;
        let types = [
            ("input", tokens.input),
            ("output", tokens.output),
            ("cache_read", tokens.cache_read),
            ("cache_creation", tokens.cache_write_5m + tokens.cache_write_1h),
        ];
        for (name, count) in types {
            let mut of = of();
            of.push(KeyValue::new("gen_ai.token.type", name));
            survey.add(TOKENS, count as f64, of);
        }
    }
}

fn budgets(at: &Snapshot, now: Timestamp, survey: &mut Survey) {
    let standing = at.standing(now);
    survey.add(TODAY, usd(standing.today), []);
    for BudgetUse { budget, used, .. } in standing.budgets() {
        let of = || [named("mecris.budget.name", &budget.name.to_string())];
        let (limit, used) = (usd(budget.amount), usd(used.period));
        survey.add(BUDGET_LIMIT, limit, of());
        survey.add(BUDGET_USED, used, of());
        survey.add(BUDGET_LEFT, limit - used, of());
        if limit > 0.0 {
            survey.add(BUDGET_RATIO, used / limit, of());
        }
    }
    for (period, used, limit) in standing.virtual_budget() {
        let of = || [KeyValue::new("mecris.allowance.period", period)];
        if let Some(limit) = limit {
            survey.add(ALLOWANCE_LIMIT, usd(limit), of());
            survey.add(ALLOWANCE_USED, usd(used), of());
        }
    }
}

fn drift(provider: &ReconciledProvider) -> Option<f64> {
    let actual = provider.actual_usd.filter(|actual| *actual > Picodollars::ZERO)?;
    Some(usd(provider.drift_usd?) / usd(actual))
}

/// The most expensive providers and models by name; the rest of each provider, and the rest of the providers,
/// summed. The same log gives the same series.
fn capped(sums: &BTreeMap<(&str, &str), Sum>) -> BTreeMap<(String, String), Sum> {
    let mut providers: BTreeMap<String, Sum> = BTreeMap::new();
    for ((provider, _), sum) in sums {
        providers.entry(label(provider)).or_default().add(sum);
    }
    let providers = dearest(&providers, PROVIDERS_MAX);
    let mut models: BTreeMap<(String, String), Sum> = BTreeMap::new();
    for ((provider, model), sum) in sums {
        let (provider, model) = (label(provider), label(model));
        let key =
            if providers.contains(&provider) { (provider, model) } else { (OTHER.into(), OTHER.into()) };
        models.entry(key).or_default().add(sum);
    }
    let own = dearest(&models, MODELS_MAX);
    let mut kept: BTreeMap<(String, String), Sum> = BTreeMap::new();
    for (key, sum) in models {
        let key = if own.contains(&key) { key } else { (key.0, OTHER.into()) };
        kept.entry(key).or_default().add(&sum);
    }
    kept
}

fn dearest<K: Ord + Clone>(sums: &BTreeMap<K, Sum>, count: usize) -> BTreeSet<K> {
    let mut ranked: Vec<(&K, &Sum)> = sums.iter().collect();
    // The order before was by name, and decides ties.
    ranked.sort_by_key(|(_, sum)| Reverse((sum.cost, sum.messages)));
    ranked.into_iter().take(count).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tokens::Tokens;
    use crate::service::metrics::LABEL_MAX;

    fn sum(cost: i64) -> Sum {
        Sum {
            messages: 1,
            unpriced: 0,
            partial: 0,
            lacking: Tokens::default(),
            tokens: Tokens { input: 10, ..Tokens::default() },
            cost: Picodollars::usd(cost),
        }
    }

    #[test]
    fn a_hostile_log_makes_no_more_series_and_loses_nothing() {
        let names: Vec<(String, String)> = (0..5_000)
            .map(|number| {
                (format!("provider-{}", number % 700), format!("model-{number}-{}", "x".repeat(500)))
            })
            .collect();
        let sums: BTreeMap<(&str, &str), Sum> = names
            .iter()
            .zip(1..)
            .map(|((provider, model), cost)| ((provider.as_str(), model.as_str()), sum(cost)))
            .collect();
        let total: Picodollars = sums.values().map(|sum| sum.cost).sum();
        let kept = capped(&sums);
        assert!(kept.len() <= MODELS_MAX + PROVIDERS_MAX + 1, "{}", kept.len());
        assert_eq!(kept.values().map(|sum| sum.cost).sum::<Picodollars>(), total);
        assert_eq!(kept.values().map(|sum| sum.messages).sum::<u64>(), 5_000);
        for (provider, model) in kept.keys() {
            assert!(provider.chars().count() <= LABEL_MAX && model.chars().count() <= LABEL_MAX);
        }
        assert!(kept.contains_key(&(OTHER.to_owned(), OTHER.to_owned())));
    }

    #[test]
    fn the_dearest_keep_their_names() {
        let names: Vec<String> = (0..100).map(|number| format!("m{number:03}")).collect();
        let sums = names.iter().zip(0..).map(|(name, cost)| (("anthropic", name.as_str()), sum(cost)));
        let kept = capped(&sums.collect());
        for number in 60..100 {
            assert_eq!(
                kept[&("anthropic".to_owned(), format!("m{number:03}"))].cost,
                Picodollars::usd(number)
            );
        }
        assert_eq!(kept[&("anthropic".to_owned(), OTHER.to_owned())].messages, 60);
        let few: BTreeMap<(&str, &str), Sum> = [(("a", "m"), sum(1)), (("b", "m"), sum(2))].into();
        assert_eq!(capped(&few).into_keys().map(|(provider, _)| provider).collect::<Vec<_>>(), ["a", "b"]);
    }
}
