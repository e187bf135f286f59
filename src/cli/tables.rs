//! Tables for people: 80 columns, numbers to the right.

use comfy_table::{CellAlignment, ContentArrangement, presets};

use crate::domain::money::Picodollars;
use crate::domain::pricing::MEND;
use crate::domain::shown;
use crate::service::audit::Replayed;
use crate::service::audit::{HeadShown, Verified};
use crate::service::system::status::StatusShown;
use crate::service::usage::importer::ImportSummary;
use crate::view::budgets::BudgetLine;
use crate::view::explain::Explanation;
use crate::view::freshness::Freshness;
use crate::view::report::Totals;
use crate::view::status::Status;

pub mod affording;
pub mod alerts;
pub mod balance;
pub mod forecast;
pub mod goals;
pub mod limit;
pub mod narrator;
pub mod odometer;
pub mod people;
pub mod prices;
pub mod quota;
pub mod reconcile;
pub mod report;
pub mod system;
pub mod token;
pub mod usage;
pub mod vault;

/// The widest table.
const WIDTH: u16 = 80;

/// Rows of cells. What stands in a cell stays in it: an end of line from outside makes no row of its own.
struct Table(comfy_table::Table);

impl Table {
    fn add_row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.0.add_row(cells.into_iter().map(|cell| shown::line(cell.as_ref()).into_owned()));
    }

    fn trim_fmt(&self) -> String {
        self.0.trim_fmt()
    }
}

fn table(header: &[&str], right_from: usize) -> Table {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(header);
    for column in right_from..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Table(table)
}

/// A sentence on lines of the table's width, those after the first set in.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > usize::from(WIDTH) {
            lines += "\n  ";
            width = 2;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines += word;
        width += length;
    }
    lines + "\n"
}

/// `1234` as `1,234`; from a million on `1.2M`.
fn count(number: u64) -> String {
    match number {
        0..1_000_000 => {
            let digits = number.to_string();
            let (head, tail) = digits.split_at(digits.len() % 3);
            let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
            let parts: Vec<String> =
                std::iter::once(head.to_owned()).filter(|head| !head.is_empty()).chain(groups).collect();
            parts.join(",")
        }
        1_000_000..1_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.1}G", number as f64 / 1e9),
    }
}

fn cost(totals: &Totals) -> String {
    match totals.cost_usd {
        None => "unpriced".to_owned(),
        Some(cost) if totals.unpriced_messages + totals.partly_priced_messages > 0 => format!("{cost} +?"),
        Some(cost) => cost.to_string(),
    }
}

/// Keeps the end of a long name, which tells paths and ids apart.
fn shorten(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(length + 1 - width).collect();
    format!("…{tail}")
}

fn or_unknown(name: &str) -> &str {
    if name.is_empty() { "(unknown)" } else { name }
}

/// A line of blocks, as tall as the amounts.
fn sparkline(amounts: &[Picodollars]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = amounts.iter().map(|amount| amount.0).max().unwrap_or(0).max(1);
    let bar = |amount: &Picodollars| BARS[((amount.0.max(0) * 7 + most / 2) / most) as usize];
    amounts.iter().map(bar).collect()
}

/// `mecris status`.
#[must_use]
pub fn status(shown: &StatusShown) -> String {
    let status = &shown.status;
    let urgent = match shown.urgent_goals.as_slice() {
        [] => String::new(),
        urgent => format!("\n{}", goals::table_of(urgent)),
    };
    fresh(&shown.freshness)
        + &numbers(status)
        + &urgent
        + &alerts::open(&shown.alerts)
        + &system::trouble(&shown.sources)
}

/// What to know before figures are believed: what is not in them.
#[must_use]
pub fn fresh(freshness: &Freshness) -> String {
    freshness.text().map(|text| text + "\n\n").unwrap_or_default()
}

fn numbers(status: &Status) -> String {
    let mut spent = table(&["Spend", "Cost", "Messages", "Output", "Cache read"], 1);
    let rows = [
        ("Today", &status.today),
        ("Last 7 days", &status.last_7_days),
        ("This month", &status.this_month),
        ("All time", &status.all_time),
    ];
    for (name, totals) in rows {
        let cells = [
            cost(totals),
            count(totals.messages),
            count(totals.output_tokens),
            count(totals.cache_read_tokens),
        ];
        spent.add_row(std::iter::once(name.to_owned()).chain(cells));
    }
    let days = sparkline(&status.last_14_days_usd);
    let mut text = format!("{}\n\n{days}  the last 14 days ({})\n", spent.trim_fmt(), status.time_zone);
    if !status.unpriced.is_empty() {
        let names: Vec<String> =
            status.unpriced.iter().map(|(name, calls)| format!("{name} ({calls})")).collect();
        text += &format!("\nUnpriced, so not in the cost: {}\n", names.join(", "));
        text += &wrapped(&format!("To have them counted, {MEND}"));
    }
    text += "\n";
    if !status.balances.is_empty() {
        text += &(balance::balances(&status.balances) + &forecast::runways(&status.forecast) + "\n");
    }
    if !status.providers.is_empty() {
        text += &(reconcile::truth(&status.providers) + "\n");
    }
    if status.allowance.virtual_budget.is_some() || !status.allowance.overrides.is_empty() {
        text += &(affording::allowance(&status.allowance) + "\n");
    }
    if !status.quotas.is_empty() {
        text += &(quota::lines(&status.quotas) + "\n");
    }
    if status.budgets.is_empty() {
        text += "No budget. Set one: mecris budget set --amount 50 --period monthly\n";
    } else {
        text += &budgets(&status.budgets);
    }
    let newest = status
        .newest_usage
        .map_or_else(|| "none".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    text + &format!("\nNewest usage: {newest}. Events: {}.\n", status.position)
}

/// `mecris budget list`.
#[must_use]
pub fn budgets(budgets: &[BudgetLine]) -> String {
    if budgets.is_empty() {
        return "No budget. Set one: mecris budget set --amount 50 --period monthly\n".to_owned();
    }
    let mut rows = table(&["Budget", "Health", "Used", "Of", "Left", "Days", "Today", "A day", "By end"], 2);
    for line in budgets {
        let money = |amount: Picodollars| amount.to_string();
        rows.add_row(vec![
            shorten(&line.name, 16),
            serde_json::to_value(line.health)
                .ok()
                .and_then(|word| word.as_str().map(str::to_owned))
                .unwrap_or_default(),
            money(line.used_usd),
            money(line.amount_usd),
            money(line.remaining_usd),
            line.days.map_or_else(|| line.days_left.to_string(), |days| format!("last {days}")),
            money(line.spent_today_usd),
            money(line.burn_rate_usd),
            money(line.projected_total_usd),
        ]);
    }
    let mut text = format!("{}\n", rows.trim_fmt());
    for line in budgets.iter().filter(|line| !line.flags.is_empty()) {
        let flags: Vec<String> = line
            .flags
            .iter()
            .filter_map(|flag| serde_json::to_value(flag).ok()?.as_str().map(str::to_owned))
            .collect();
        text += &format!("{}: {}\n", line.name, flags.join(", "));
    }
    text
}

/// `mecris import`.
#[must_use]
pub fn import(summary: &ImportSummary) -> String {
    let mut text = format!(
        "{} transcripts, {:.1} MB read: {} calls recorded, {} revised, {} known already\n",
        count(summary.files),
        summary.bytes as f64 / 1e6,
        count(summary.recorded),
        count(summary.revised),
        count(summary.known),
    );
    if summary.files == 0 {
        text += "No transcripts were found: name Claude Code's directory, `mecris import DIR` or CLAUDE_CONFIG_DIR\n";
    }
    let obstacles = summary.bad_lines + summary.bad_files;
    if obstacles > 0 {
        text += &format!("{} bad lines, {} unreadable files:\n", summary.bad_lines, summary.bad_files);
        for obstacle in &summary.obstacles {
            text += &format!("  {}: {}\n", obstacle.at, obstacle.reason);
        }
        let unnamed = obstacles.saturating_sub(summary.obstacles.len() as u64);
        if unnamed > 0 {
            text += &format!("  and {unnamed} more\n");
        }
    }
    text
}

/// `mecris replay --explain`.
#[must_use]
pub fn explanation(explanation: &Explanation) -> String {
    let mut rows = table(&["Position", "Happened", "Message", "Model", "Adds", "Sum"], 4);
    for event in &explanation.events {
        let (id, remark) = match event.event.as_str() {
            "usage-revised" if event.reason.as_deref() == Some("repriced") => {
                (&event.message_id, " (repriced)")
            }
            "usage-revised" => (&event.message_id, " (revised)"),
            "usage-told" => (&event.request_id, " (telemetry)"),
            "usage-metered" => (&event.session, " (metrics)"),
            "usage-withdrawn" => (&event.request_id, " (taken back)"),
            _ => (&event.message_id, ""),
        };
        rows.add_row(vec![
            event.position.to_string(),
            event.occurred_at.strftime("%m-%d %H:%M:%S").to_string(),
            format!("{}{remark}", shorten(id, 14)),
            shorten(event.model.strip_prefix("claude-").unwrap_or(&event.model), 16),
            event.effect_usd.map_or_else(|| "unpriced".to_owned(), |effect| effect.to_string()),
            event.running_usd.to_string(),
        ]);
    }
    let exact = explanation
        .total
        .cost_usd
        .map_or_else(|| "unpriced".to_owned(), |cost| format!("{} USD", cost.exact()));
    format!(
        "{}\n\n{}: {} events, exactly {exact}\n",
        rows.trim_fmt(),
        explanation.subject,
        explanation.events.len()
    )
}

/// `mecris replay`.
#[must_use]
pub fn replayed(replayed: &Replayed) -> String {
    let mut text = report::report(&replayed.report);
    text += "\n";
    if !replayed.budgets.is_empty() {
        text += &budgets(&replayed.budgets);
        text += "\n";
    }
    if !replayed.balances.balances.is_empty() || !replayed.balances.foreign.is_empty() {
        text += &balance::all(&replayed.balances);
        text += "\n";
    }
    if !replayed.reconciliation.days.is_empty() {
        text += &reconcile::reconciliation(&replayed.reconciliation);
        text += "\n";
    }
    let exact =
        replayed.total.cost_usd.map_or_else(|| "unpriced".to_owned(), |cost| format!("{} USD", cost.exact()));
    text + &format!("Replayed {} of {} events: exactly {exact}\n", replayed.position, replayed.head)
}

/// `mecris verify`.
#[must_use]
pub fn verified(report: &Verified) -> String {
    let mut text = String::new();
    for problem in &report.problems {
        text += &format!("position {}: {}: {}\n", problem.position, problem.copy, problem.detail);
    }
    let verdict = match report.problem_count {
        0 => "all is well".to_owned(),
        1 => "1 problem; `mecris repair` says what to do".to_owned(),
        problems => format!("{problems} problems; `mecris repair` says what to do"),
    };
    if let Some(position) = report.expected_at {
        text += &format!("the hash that was written down is the one at position {position}\n");
    }
    text + &format!(
        "{} events in {} blocks: {verdict}\n{}",
        count(report.events),
        count(report.blocks),
        head(&report.head)
    )
}

/// `mecris head`.
#[must_use]
pub fn head(head: &HeadShown) -> String {
    let hash = head.hash.as_deref().unwrap_or("without a hash: this log is no chain of blocks");
    format!("head {} {hash}\n     recorded {}\n", head.position, head.recorded_at)
}
