//! A day's activity: spend, datapoints, finished tasks, and alerts raised.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::datapoint::Fate;
use crate::domain::narrator::one_line;
use crate::domain::vault::State;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::report::{Grouping, Only, Range, Report, Totals, report};

/// Maximum length of a note's text, in characters.
pub(in crate::service) const TEXT_MAX: usize = 80;

/// Activity of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// The day, in the configured time zone.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Spend and tokens.
    pub usage: Totals,
    /// Sessions that made calls.
    pub sessions: usize,
    /// Datapoints written for goals, including those of feeds.
    pub datapoints: Vec<Entered>,
    /// Finished tasks of the vault; empty if no vault is configured.
    pub tasks_done: Vec<DoneTask>,
    /// Numbers of the alerts that were raised.
    pub alerts_raised: Vec<u64>,
}

/// A datapoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entered {
    /// The goal.
    #[schema(example = "exercise")]
    pub slug: String,
    /// The value as it was written.
    pub value: String,
}

/// A finished task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoneTask {
    /// Its note.
    pub note: String,
    /// Its text as one line, truncated. This is data from the vault.
    pub text: String,
}

impl Reads {
    /// See [`Snapshot::activity`].
    #[must_use]
    pub fn activity(&self, day: Option<Date>, now: Timestamp) -> Activity {
        self.at(|at| at.activity(day, now))
    }
}

impl Snapshot {
    /// The activity of a day; today if none is given.
    #[must_use]
    pub fn activity(&self, day: Option<Date>, now: Timestamp) -> Activity {
        let (view, zone) = (self.view(), self.zone());
        let day = day.unwrap_or_else(|| calendar::day_of(now, zone));
        let range = Range { since: Some(day), until: Some(day) };
        let week = self.loaded().config.week_starts;
        let by_session = report(&view.spend, Grouping::Session, &range, &Only::default(), zone, week);
        let sessions = if let Report::Session { sessions, .. } = &by_session { sessions.len() } else { 0 };
        let usage = by_session.total().clone();
        let written = view.ledger.entries().filter(|(_, entry)| entry.fate == Fate::Written);
        let of_day = written.filter(|(_, entry)| entry.point.day == day);
        let entered = |slug: &str, value: &str| Entered { slug: slug.to_owned(), value: value.to_owned() };
        let datapoints =
            of_day.map(|(key, entry)| entered(key.slug.as_str(), entry.point.value.as_str())).collect();
        let raised = view.alerts.alerts().filter(|alert| calendar::day_of(alert.raised_at, zone) == day);
        let alerts_raised = raised.map(|alert| alert.id.0).collect();
        Activity { day, usage, sessions, datapoints, tasks_done: self.tasks_done(day), alerts_raised }
    }

    fn tasks_done(&self, day: Date) -> Vec<DoneTask> {
        let Ok(snapshot) = self.reads().vault_snapshot() else { return Vec::new() };
        let done =
            snapshot.tasks().filter(|(_, task, state)| *state == State::Done && task.done == Some(day));
        let shown = |(path, task, _): (&str, &crate::domain::vault::Task, State)| DoneTask {
            note: one_line(path, TEXT_MAX),
            text: one_line(&task.text, TEXT_MAX),
        };
        done.map(shown).collect()
    }
}
