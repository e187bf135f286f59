//! The tables of reconciliation.

use crate::domain::money::Picodollars;
use crate::view::reconcile::{Basis, CauseShown, ReconciledDay, ReconciledProvider, Reconciliation};
use crate::view::spans::SpanLine;

use super::{table, wrapped};

/// `mecris reconcile`.
#[must_use]
pub fn reconciliation(shown: &Reconciliation) -> String {
    let mut text = format!("{} to {}, days in UTC\n\n", shown.since, shown.until);
    if shown.providers.is_empty() {
        return text + "Nothing is recorded and nothing was reported.\n";
    }
    text += &providers(&shown.providers);
    for line in &shown.providers {
        let days: Vec<_> = shown.days.iter().filter(|day| day.provider == line.provider).collect();
        if !days.is_empty() {
            text += &format!("\n{}, by day\n{}", line.provider, days_of(&days));
        }
        let spans: Vec<_> = shown.spans.iter().filter(|span| span.provider == line.provider).collect();
        if !spans.is_empty() {
            text +=
                &format!("\n{}, between readings by hand or program\n{}", line.provider, spans_of(&spans));
        }
    }
    for day in &shown.foreign {
        let cost = day.cost.exact();
        text += &format!("{} {}: {cost} {}; not reckoned with\n", day.provider, day.day, day.currency);
    }
    let advice = shown.providers.iter().filter_map(|line| Some((&line.provider, line.advice.as_ref()?)));
    for (number, (provider, advice)) in advice.enumerate() {
        let gap = if number == 0 { "\n" } else { "" };
        text += gap;
        text += &wrapped(&format!("{provider}: {advice}"));
    }
    text
}

/// A line for each provider: how far what is recorded is from the truth.
#[must_use]
pub fn truth(lines: &[ReconciledProvider]) -> String {
    let line = |line: &ReconciledProvider| {
        let (name, recorded) = (&line.provider, line.estimate_usd);
        let Some(actual) = line.actual_usd else {
            return wrapped(&format!(
                "{name}: {recorded} recorded in 30 days, and nothing to hold it against; \
                 `mecris reconcile` says what can be done"
            ));
        };
        let by = match (line.basis, line.compared) {
            (Basis::Reports, 1) => "its report of 1 day".to_owned(),
            (Basis::Reports, days) => format!("its reports of {days} days"),
            (Basis::Odometer, _) => "its odometer".to_owned(),
            (Basis::Readings | Basis::Nothing, spans) => format!("{} readings of its balance", spans + 1),
        };
        let apart = line.drift_percent.as_ref().map_or_else(String::new, |drift| format!(", drift {drift}%"));
        wrapped(&format!("{name}: {recorded} recorded, {actual} in truth by {by}{apart}"))
    };
    lines.iter().map(line).collect()
}

fn money(amount: Option<Picodollars>) -> String {
    amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string())
}

fn share(percent: Option<&String>) -> String {
    percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
}

fn providers(lines: &[ReconciledProvider]) -> String {
    let header = ["Provider", "Known by", "Recorded", "In truth", "Drift", "", "Factor"];
    let mut rows = table(&header, 2);
    for line in lines {
        let basis = match (line.basis, line.compared) {
            (Basis::Reports, 1) => "1 day".to_owned(),
            (Basis::Reports, days) => format!("{days} days"),
            (Basis::Odometer, _) => "its odometer".to_owned(),
            (Basis::Readings, 1) => "2 readings".to_owned(),
            (Basis::Readings, spans) => format!("{} readings", spans + 1),
            (Basis::Nothing, _) => "nothing".to_owned(),
        };
        rows.add_row(vec![
            line.provider.clone(),
            basis,
            line.estimate_usd.to_string(),
            money(line.actual_usd),
            money(line.drift_usd),
            share(line.drift_percent.as_ref()),
            line.calibration.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn days_of(lines: &[&ReconciledDay]) -> String {
    let mut rows = table(&["Day", "Recorded", "Reported", "Drift", "", "Why", "Told"], 1);
    for line in lines {
        let told = match (line.standing, line.age_seconds) {
            (Some(standing), Some(seconds)) => format!("{} {}", standing.word(), short_age(seconds)),
            _ => "not yet".to_owned(),
        };
        rows.add_row(vec![
            line.day.strftime("%m-%d").to_string(),
            line.estimate_usd.to_string(),
            money(line.actual_usd) + if line.left_out > 0 { "+?" } else { "" },
            money(line.drift_usd),
            share(line.drift_percent.as_ref()),
            match line.left_out {
                0 => why(&line.causes),
                1 => "1 row left out".to_owned(),
                rows => format!("{rows} rows left out"),
            },
            told,
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn short_age(seconds: i64) -> String {
    match seconds {
        ..3_600 => format!("{} min", seconds.max(0) / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The largest part by name, and how many more there are.
fn why(causes: &[CauseShown]) -> String {
    match causes {
        [] => String::new(),
        [only] => only.cause.word().to_owned(),
        [first, more @ ..] => format!("{} +{}", first.cause.word(), more.len()),
    }
}

fn spans_of(lines: &[&SpanLine]) -> String {
    let mut rows = table(&["From", "To", "Recorded", "In truth", "Drift", "", "Why"], 2);
    let minute = |instant: jiff::Timestamp| instant.strftime("%m-%d %H:%M").to_string();
    for line in lines {
        rows.add_row(vec![
            minute(line.since),
            minute(line.until),
            line.recorded_usd.to_string(),
            line.fell_usd.to_string(),
            line.drift_usd.to_string(),
            share(line.drift_percent.as_ref()),
            line.cause.map(|cause| cause.word().to_owned()).unwrap_or_default(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}
