//! Tables about what is to come.

use jiff::civil::Date;

use crate::domain::affording::LimitKind;
use crate::view::forecast::{AmountRange, BacktestShown, DayRange, ForecastLine, ForecastShown};

use super::table;

fn name(line: &ForecastLine) -> String {
    match line.subject {
        LimitKind::Balance => line.name.clone(),
        LimitKind::Daily => "all, today".to_owned(),
        LimitKind::Monthly => "all, this month".to_owned(),
        LimitKind::Budget | LimitKind::Cap => format!("budget {}", line.name),
    }
}

fn day(day: Option<Date>) -> String {
    day.map_or_else(|| "-".to_owned(), |day| day.to_string())
}

/// `mecris forecast`.
#[must_use]
pub fn forecast(shown: &ForecastShown) -> String {
    if shown.forecasts.is_empty() {
        return "Nothing to end: no balance was read and no budget is set. Tell one: mecris balance set 13.92\n"
            .to_owned();
    }
    let mut rows = table(&["Ends", "Left", "10 %", "50 %", "90 %", "Chance", "By"], 1);
    let mut notes = String::new();
    for line in &shown.forecasts {
        let DayRange { p10, p50, p90 } =
            line.runs_out.unwrap_or(DayRange { p10: None, p50: None, p90: None });
        let chance = line.chance_percent.map_or_else(|| "?".to_owned(), |percent| format!("{percent} %"));
        let until = line.until.map_or_else(|| "a year".to_owned(), |until| until.to_string());
        rows.add_row(vec![
            name(line),
            line.left_usd.to_string(),
            day(p10),
            day(p50),
            day(p90),
            chance,
            until,
        ]);
        if let (Some(AmountRange { p10, p50, p90 }), Some(until)) = (line.spend_usd, line.spend_until) {
            notes += &format!("{}: until {until} most likely {p50}, from {p10} to {p90}.\n", name(line));
        }
        if !line.reason.is_empty() {
            notes += &format!("{}: {}.\n", name(line), line.reason);
        }
        if line.lacking_messages > 0 {
            notes += &format!(
                "{}: {} calls lack a price or a part of one: it may end sooner.\n",
                name(line),
                line.lacking_messages
            );
        }
    }
    format!("{}\n\n{notes}", rows.trim_fmt())
}

/// What `mecris status` says of the balances.
#[must_use]
pub fn runways(lines: &[ForecastLine]) -> String {
    let mut text = String::new();
    for line in lines {
        let Some(DayRange { p10: Some(first), p50, p90 }) = line.runs_out else { continue };
        let last = p90.map_or_else(|| "in more than a year".to_owned(), |last| last.to_string());
        let likely = p50.map_or_else(String::new, |likely| format!(", most likely on {likely}"));
        text += &format!("The money at {} ends between {first} and {last}{likely}.\n", line.name);
    }
    text
}

/// `mecris forecast --backtest`.
#[must_use]
pub fn backtest(shown: &BacktestShown) -> String {
    let Some(since) = shown.since else {
        return "No history: nothing was spent before today.\n".to_owned();
    };
    let mut rows = table(&["Days ahead", "Asked", "Below", "Within 10-90 %", "Above", "Coverage"], 1);
    for line in &shown.horizons {
        let percent = line.coverage_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
        rows.add_row(vec![
            line.days.to_string(),
            line.asked.to_string(),
            line.below.to_string(),
            line.within.to_string(),
            line.above.to_string(),
            percent,
        ]);
    }
    format!("{}\n\nSince {since}, over all providers. Of a good forecast 80 % lie within.\n", rows.trim_fmt())
}
