//! Metrics of goals and alerts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use opentelemetry::KeyValue;

use crate::domain::alert::Severity;
use crate::domain::alert::book::Alert;
use crate::domain::alert::codes::meaning_of;
use crate::service::runtime::reads::Snapshot;

use super::catalogue::{ALERTS, ATTEMPTS, FAILURES, GOAL_BUFFER, GOAL_LEFT, GOAL_PLEDGE};
use super::money::usd;
use super::{Survey, named};

/// Reads no cube.
pub(super) fn look(at: &Snapshot, now: Timestamp, survey: &mut Survey) {
    // Nearest to derailing first, so that the safest are the ones left out.
    for goal in at.goals(now, None) {
        let keeper = goal.source.word();
        let of = || [named("mecris.goal.slug", &goal.slug), KeyValue::new("mecris.goal.keeper", keeper)];
        if let Some(days) = goal.safe_days {
            survey.add(GOAL_BUFFER, days as f64, of());
        }
        if let Some(seconds) = goal.seconds_left {
            survey.add(GOAL_LEFT, seconds as f64, of());
        }
        survey.add(GOAL_PLEDGE, usd(goal.pledge_usd), of());
    }
    let view = at.view();
    {
        let mut open: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for severity in Severity::ALL {
            open.insert(("open", severity.word()), 0);
            open.insert(("acknowledged", severity.word()), 0);
        }
        for alert in view.alerts.open() {
            let state = if alert.is_acknowledged() { "acknowledged" } else { "open" };
            *open.entry((state, alert.grade.severity.word())).or_default() += 1;
        }
        for ((state, severity), count) in open {
            let of = [
                KeyValue::new("mecris.alert.state", state),
                KeyValue::new("mecris.alert.severity", severity),
            ];
            survey.add(ALERTS, f64::from(count), of);
        }
        let mut attempts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for attempt in view.alerts.alerts().flat_map(Alert::attempts) {
            *attempts.entry((attempt.parcel.channel.word(), attempt.state.name())).or_default() += 1;
        }
        let mut failures: BTreeMap<(&str, Cow<'static, str>), u32> = BTreeMap::new();
        for attempt in view.alerts.alerts().flat_map(Alert::attempts) {
            let channel = attempt.parcel.channel.word();
            if !attempt.has_failed() {
                // A channel that works shows that it does.
                failures.entry((channel, Cow::Borrowed("none"))).or_default();
                continue;
            }
            let code = attempt.failure.as_ref().and_then(|failure| failure.code);
            let code = match code {
                None => Cow::Borrowed("none"),
                // Codes that are not in the table would be as many as anybody likes to send.
                Some(code) if meaning_of(code).is_some() => Cow::Owned(code.to_string()),
                Some(_) => Cow::Borrowed("other"),
            };
            *failures.entry((channel, code)).or_default() += 1;
        }
        for ((channel, code), count) in failures {
            let of = [
                KeyValue::new("mecris.alert.channel", channel),
                KeyValue::new("mecris.attempt.code", code.into_owned()),
            ];
            survey.add(FAILURES, f64::from(count), of);
        }
        for ((channel, state), count) in attempts {
            let of = [
                KeyValue::new("mecris.alert.channel", channel),
                KeyValue::new("mecris.attempt.state", state),
            ];
            survey.add(ATTEMPTS, f64::from(count), of);
        }
    }
}
