//! Money, goals and the system's own state as metrics, computed when they are collected.
//!
//! ```text
//! scrape, or the OTLP reader's tick ──▶ each instrument's callback ──▶ the survey, at most a second old
//!                                                                         ├── money: cached for its position, a minute at most
//!                                                                         └── the rest: read from each part
//! ```
//!
//! Every instrument of the [`catalogue`] is observed from one [`Survey`], so that a collection computes it
//! once for all instruments, and not at all if no event has arrived since. Only here is money a float: the
//! API has the exact number (`/api/v1/status`, `/api/v1/spend`).
//!
//! **Bounds.** Everything that a log can name without limit is capped. There are at most
//! [`money::PROVIDERS_MAX`] providers and [`money::MODELS_MAX`] of their models, the most expensive ones; the
//! rest is summed as `other`. Every other metric has at most [`SERIES_MAX`] series, and a metric counts how
//! many were left out. Values are truncated at [`LABEL_MAX`] characters. The SDK's own limit (2,000 series
//! per instrument) is never reached.

pub mod catalogue;
mod goals;
mod money;
mod process;
mod system;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::service::runtime::reads::Reads;
use crate::service::system::meters;
use crate::service::system::tree::Supervised;

use catalogue::{ALL, Kind, LEFT_OUT, Measure};
use money::Money;

/// How long a survey is reused: for all instruments of a collection, and for concurrent collections.
const FRESH: Duration = Duration::from_secs(1);
/// Maximum number of series per metric.
pub const SERIES_MAX: usize = 200;
/// Maximum length of a label's value, in characters.
pub const LABEL_MAX: usize = 80;

/// The observed values, by metric.
#[derive(Debug, Default)]
pub struct Survey {
    points: BTreeMap<&'static str, Vec<(f64, Vec<KeyValue>)>>,
    left_out: u64,
    money: Option<Arc<Survey>>,
}

impl Survey {
    /// Adds a value of a metric.
    pub fn add(&mut self, of: Measure, value: f64, attributes: impl IntoIterator<Item = KeyValue>) {
        let points = self.points.entry(of.name).or_default();
        if points.len() < SERIES_MAX {
            points.push((value, attributes.into_iter().collect()));
        } else {
            self.left_out += 1;
        }
    }

    /// The values of a metric.
    pub fn of(&self, name: &str) -> impl Iterator<Item = &(f64, Vec<KeyValue>)> {
        let money = self.money.as_ref().and_then(|money| money.points.get(name));
        self.points.get(name).into_iter().chain(money).flatten()
    }
}

/// An attribute whose value comes from outside: truncated, and without control characters.
fn named(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, label(value))
}

/// A name as a label value.
fn label(name: &str) -> String {
    let mut label: String = name.chars().take(LABEL_MAX).collect();
    if label.len() < name.len() {
        label.pop();
        label.push('…');
    }
    label.retain(|letter| !letter.is_control());
    label
}

fn is(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

/// Surveys one running system.
struct Surveyor {
    system: Arc<Supervised>,
    kept: Mutex<Option<(Instant, Arc<Survey>)>>,
    money: Mutex<Option<Money>>,
}

impl Surveyor {
    /// The current survey, or one at most a second old. Blocks.
    fn survey(&self) -> Arc<Survey> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, survey)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return survey.clone();
        }
        let survey = Arc::new(self.look(Timestamp::now()));
        *kept = Some((Instant::now(), survey.clone()));
        survey
    }

    fn look(&self, now: Timestamp) -> Survey {
        let at = &self.system.queries.snapshot();
        let mut survey = Survey::default();
        let mut kept = self.money.lock().unwrap_or_else(PoisonError::into_inner);
        let money = match kept.take().filter(|money| money.holds(at, now)) {
            Some(money) => money,
            None => Money::of(at, now),
        };
        money.ages(now, &mut survey);
        survey.money = Some(money.survey.clone());
        *kept = Some(money);
        goals::look(at, now, &mut survey);
        system::look(&self.system, at, now, &mut survey);
        process::look(&mut survey);
        let left_out = survey.left_out + survey.money.as_ref().map_or(0, |money| money.left_out);
        survey.add(LEFT_OUT, left_out as f64, []);
        survey
    }
}

/// Has the instruments of the catalogue observe a tenant's system, on a meter of which it is the only one. Call it once for each.
pub fn observe(system: Arc<Supervised>, meter: &Meter) {
    meters::begin();
    let surveyor = Arc::new(Surveyor { system, kept: Mutex::default(), money: Mutex::default() });
    for measure in ALL {
        register(meter, *measure, surveyor.clone());
    }
}

fn register(meter: &Meter, measure: Measure, surveyor: Arc<Surveyor>) {
    let Measure { name, kind, unit, says } = measure;
    let look = move |observer: &dyn AsyncInstrument<f64>| {
        for (value, attributes) in surveyor.survey().of(name) {
            observer.observe(*value, attributes);
        }
    };
    // The callback lives as long as the provider: the returned handle is not needed.
    match kind {
        Kind::Gauge => {
            let gauge = meter.f64_observable_gauge(name).with_unit(unit).with_description(says);
            gauge.with_callback(look).build();
        }
        Kind::Sum => {
            let sum = meter.f64_observable_up_down_counter(name).with_unit(unit).with_description(says);
            sum.with_callback(look).build();
        }
        Kind::Counter => {
            let counter = meter.f64_observable_counter(name).with_unit(unit).with_description(says);
            counter.with_callback(look).build();
        }
    }
}

/// The money and goal metrics alone at `now`, for benchmarks.
#[must_use]
pub fn survey_of(queries: &Reads, now: Timestamp) -> Survey {
    let mut survey = Survey::default();
    let at = &queries.snapshot();
    let money = Money::of(at, now);
    money.ages(now, &mut survey);
    survey.money = Some(money.survey);
    goals::look(at, now, &mut survey);
    survey
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::GOAL_BUFFER;

    #[test]
    fn no_metric_has_more_series_than_its_bound_and_what_is_left_out_is_told() {
        let mut survey = Survey::default();
        for number in 0..SERIES_MAX + 7 {
            survey.add(GOAL_BUFFER, 1.0, [named("mecris.goal.slug", &number.to_string())]);
        }
        assert_eq!((survey.of(GOAL_BUFFER.name).count(), survey.left_out), (SERIES_MAX, 7));
    }

    #[test]
    fn a_name_from_outside_is_cut_and_harmless() {
        for (name, expected) in [
            ("claude-opus-5", "claude-opus-5".to_owned()),
            ("", String::new()),
            ("a\nb\u{7}c\u{0}", "abc".to_owned()),
            (&"ä".repeat(80), "ä".repeat(80)),
            (&"ä".repeat(81), "ä".repeat(79) + "…"),
        ] {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn the_catalogue_names_each_once_and_in_the_conventions_form() {
        let mut seen = std::collections::BTreeSet::new();
        for measure in ALL {
            assert!(seen.insert(measure.name), "{} stands twice", measure.name);
            let is_word = |part: &str| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            assert!(measure.name.split('.').all(is_word), "{}", measure.name);
            assert!(measure.says.ends_with('.'), "{}", measure.name);
            // No name is a prefix namespace of another.
            let below = format!("{}.", measure.name);
            assert!(!ALL.iter().any(|other| other.name.starts_with(&below)), "{}", measure.name);
        }
    }
}
