//! Tables about alerts and consent.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::service::alerts::requests::{AlertsShown, ConsentsShown};
use crate::view::alerts::{AlertLine, AttemptLine};

use super::system::{age, word};
use super::table;

/// `mecris alerts`.
#[must_use]
pub fn alerts(shown: &AlertsShown) -> String {
    if shown.alerts.is_empty() {
        return "Nothing to be told.\n".to_owned();
    }
    let now = Timestamp::now();
    let mut rows = table(&["Alert", "Severity", "About", "Since", "Told", "What"], 6);
    for alert in &shown.alerts {
        rows.add_row(vec![
            alert.id.to_string(),
            word(&alert.severity),
            format!("{} {}", word(&alert.kind), alert.subject),
            ago(alert.raised_at, now),
            told(alert, now),
            [&alert.text, &alert.mend]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        ]);
    }
    let waiting = shown.alerts.iter().filter_map(|alert| {
        let waits_for = alert.waits_for.as_ref()?;
        Some(format!("alert {} waits for {waits_for}\n", alert.id))
    });
    let failed = shown.alerts.iter().flat_map(failures);
    let notes: String = failed.chain(waiting).collect();
    let gap = if notes.is_empty() { "" } else { "\n" };
    format!("{}\n{gap}{notes}", rows.trim_fmt())
}

/// Of each channel, why the alert's last message did not arrive, and the mend.
fn failures(alert: &AlertLine) -> Vec<String> {
    let last: BTreeMap<&str, &AttemptLine> =
        alert.attempts.iter().map(|attempt| (attempt.channel.as_str(), attempt)).collect();
    let line = |attempt: &&AttemptLine| {
        let failure = attempt.failure.as_ref()?;
        let code = failure.code.map_or_else(String::new, |code| format!("{code}, "));
        Some(format!(
            "alert {}, {} {}: {code}{}; to mend it: {}\n",
            alert.id, attempt.channel, attempt.state, failure.what, failure.mend
        ))
    };
    last.values().filter_map(line).collect()
}

/// A line for `mecris status`: how many there are, and the worst.
#[must_use]
pub fn open(alerts: &[AlertLine]) -> String {
    let Some(worst) = alerts.first() else { return String::new() };
    let what = format!("{}: {} {}", word(&worst.severity), word(&worst.kind), worst.subject);
    match alerts.len() {
        1 => format!("\n1 alert, {what}; see `mecris alerts`\n"),
        count => format!("\n{count} alerts, the worst {what}; see `mecris alerts`\n"),
    }
}

fn told(alert: &AlertLine, now: Timestamp) -> String {
    let last = alert.attempts.last();
    match (alert.resolved_at, alert.acknowledged_at, alert.told_at, last) {
        (Some(at), ..) => format!("over, {}", ago(at, now)),
        (_, Some(at), ..) => format!("taken note of, {}", ago(at, now)),
        (_, _, Some(at), Some(last)) => format!("{} {}, {}", last.channel, last.state, ago(at, now)),
        (.., Some(last)) => format!("{} {}", last.channel, last.state),
        (.., None) => "here".to_owned(),
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", age(now.duration_since(at).as_secs()))
}

/// `mecris consent`.
#[must_use]
pub fn consents(shown: &ConsentsShown) -> String {
    if shown.contacts.is_empty() {
        return "No number may be written to; `mecris consent grant +15558675310` allows one.\n".to_owned();
    }
    let mut rows = table(&["Contact", "Number", "May be written to", "By", "Since (UTC)"], 5);
    for contact in &shown.contacts {
        rows.add_row(vec![
            contact.contact.clone(),
            contact.number.clone().unwrap_or_else(|| "(removed)".to_owned()),
            if contact.is_granted { "yes" } else { "no" }.to_owned(),
            word(&contact.by),
            contact.at.strftime("%Y-%m-%d %H:%M").to_string(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}
