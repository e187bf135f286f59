//! The table of odometers.

use crate::domain::money::Picodollars;
use crate::service::balances::odometer::Odometers;
use crate::view::odometer::{OdometerLine, OdometerState};

use super::system::{age, word};
use super::{sparkline, table};

/// `mecris odometer`.
#[must_use]
pub fn odometers(shown: &Odometers) -> String {
    if shown.odometers.is_empty() {
        return "No odometer was read. Tell the month's sum that the page shows: mecris odometer record 1.06\n"
            .to_owned();
    }
    shown.odometers.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(line: &OdometerLine) -> String {
    let mut rows = table(&["Odometer", "Month", "Sum", "State", "Read"], 2);
    for (number, month) in line.months.iter().rev().enumerate() {
        rows.add_row(vec![
            if number == 0 { line.provider.clone() } else { String::new() },
            month.month.to_string(),
            month.total_usd.map_or_else(|| "-".to_owned(), |total| total.to_string()),
            word(&month.state),
            month.read_at.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()),
        ]);
    }
    let days: Vec<Picodollars> = line.inferred_days.iter().map(|day| day.cost_usd).collect();
    let last = format!("{} read {} ago", line.value_usd, age(line.age_seconds));
    let note = if line.note.is_empty() { String::new() } else { format!(": {}", line.note) };
    let due = match line.state {
        OdometerState::Normal => "",
        OdometerState::Stopped => "It is read no more.\n",
        OdometerState::Stale => "The last reading is old: look again.\n",
        OdometerState::MonthEnds => "The month ends soon: look again before it does.\n",
        OdometerState::LastDay => "The month ends today, and its sum with it: look again.\n",
        OdometerState::Unfinished => "A month is over and nobody has looked since: look again.\n",
    };
    format!("{}\n\n{}  the last 14 days (inferred)\n{last}{note}\n{due}", rows.trim_fmt(), sparkline(&days))
}
