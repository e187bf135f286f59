//! The narrator's context and a day, for a person.

use std::fmt::Write;

use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::{LeftOut, Narration};

use super::system::age;

/// `mecris narrator`.
#[must_use]
pub fn narration(told: &Narration) -> String {
    let mut text = format!("{}\n\n", told.summary);
    for told in &told.recommendations {
        let urgency = format!("{:?}", told.urgency).to_lowercase();
        let _ = writeln!(text, "{urgency:>6}  {}", told.text);
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}\n");
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
        }
    };
    let goals = told.goals.iter().map(|goal| {
        let left = goal.left.as_deref().unwrap_or("not known");
        let doubt = if goal.is_old { " (may be old)" } else { "" };
        format!("{}: {left}{doubt}; {}", goal.slug, goal.todo)
    });
    section("Goals", goals.collect());
    let budgets = told.budgets.iter().map(|budget| {
        let (left, of) = (budget.left_usd.rounded(2), budget.of_usd.rounded(2));
        let days = match budget.rolling_days {
            Some(days) => format!("of the last {days} days"),
            None => format!("{} days", budget.days_left),
        };
        format!("{}: {left} of {of} USD left, {days}", budget.name)
    });
    section("Budgets", budgets.collect());
    let balances = told.balances.iter().map(|balance| {
        let left = balance.left_usd.rounded(2);
        format!("{}: {left} USD, read {} ago", balance.provider, age(balance.age_seconds))
    });
    section("Balances", balances.collect());
    let alerts = told.alerts.iter().map(|alert| {
        let seen = if alert.is_acknowledged { ", seen" } else { "" };
        format!("{} {} {} ({}{seen})", alert.id, alert.kind.word(), alert.subject, alert.severity.word())
    });
    section("Alerts", alerts.collect());
    if let Some(tasks) = &told.tasks {
        let due = tasks.due.iter().map(|task| {
            let due = task.due.map_or_else(String::new, |due| format!("{due} "));
            format!("{due}{} ({})", task.text, task.note)
        });
        section("Tasks", due.collect());
    }
    let sources =
        told.sources.iter().filter(|source| source.stale || source.state.needs_a_look()).map(|source| {
            let heard = source
                .age_seconds
                .map_or_else(|| "never heard of".to_owned(), |of| format!("{} old", age(of)));
            format!("{}: {}, {heard}", source.name, source.state.name())
        });
    section("Sources to look at", sources.collect());
    if let Some(left_out) = &told.left_out {
        let _ = write!(text, "\n{} more with --detail\n", count(left_out));
    }
    text
}

fn count(left_out: &LeftOut) -> usize {
    let LeftOut { recommendations, goals, budgets, balances, alerts, tasks, odometers, sources } = left_out;
    [recommendations, goals, budgets, balances, alerts, tasks, odometers, sources].into_iter().sum()
}

/// `mecris activity`.
#[must_use]
pub fn activity(of: &Activity) -> String {
    let cost = of.usage.cost_usd.map_or_else(|| "0".to_owned(), |cost| cost.rounded(2));
    let mut text =
        format!("{}: {cost} USD, {} calls in {} sessions\n", of.day, of.usage.messages, of.sessions);
    for entered in &of.datapoints {
        let _ = writeln!(text, "  {} entered for {}", entered.value, entered.slug);
    }
    for task in &of.tasks_done {
        let _ = writeln!(text, "  done: {} ({})", task.text, task.note);
    }
    for id in &of.alerts_raised {
        let _ = writeln!(text, "  alert {id} began");
    }
    text
}
