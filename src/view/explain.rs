//! Query: the events behind a number.

use std::fmt;
use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar::{self, Days, WeekStart};
use crate::domain::money::Picodollars;
use crate::event::decode;
use crate::event::envelope::hex;
use crate::event::payload::{UsageMetered, UsageRecorded, UsageTold};
use crate::event::{Event, Position, RecordRef, TenantId};
use crate::log::EventLog;

use super::ViewError;
use super::report::Totals;
use super::spend::Sum;

/// The number to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The spend of the days from one to another.
    Days(Date, Date),
    /// A session's spend, or a message's or request's cost: whichever has this id or an id with this prefix.
    Id(String),
}

impl Subject {
    /// Reads days as of today; any other text is an id.
    #[must_use]
    pub fn parse(text: &str, today: Date, week: WeekStart) -> Self {
        match text.parse::<Days>() {
            Ok(days) => {
                let (first, last) = days.span(today, week);
                Self::Days(first, last)
            }
            Err(_) => Self::Id(text.to_owned()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(first, last) if first == last => write!(f, "{first}"),
            Self::Days(first, last) => write!(f, "{first} to {last}"),
            Self::Id(id) => f.write_str(id),
        }
    }
}

/// One event behind the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedEvent {
    /// Position in the log.
    pub position: u64,
    /// `usage-recorded` or `usage-revised`; for telemetry `usage-told`, `usage-metered` or `usage-withdrawn`.
    pub event: String,
    /// When the call happened.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// When the log recorded it.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// The provider's message id.
    pub message_id: String,
    /// The provider's request id, or empty.
    pub request_id: String,
    /// The session, or empty.
    pub session: String,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Whether a subagent made the call.
    pub sidechain: bool,
    /// The price table used for the cost.
    pub price_table: String,
    /// Why a call was revised: `told` or `repriced`; absent for other events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the cost leaves out or relies on; absent if it is complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What the event adds to the number, in USD; for a revision the difference. Null if unpriced.
    #[schema(value_type = Option<String>)]
    pub effect_usd: Option<Picodollars>,
    /// The running total after it, in USD.
    #[schema(value_type = String)]
    pub running_usd: Picodollars,
    /// Trace id of the recording, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// The events behind a number, and their total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// What is explained.
    pub subject: String,
    /// In log order.
    pub events: Vec<ExplainedEvent>,
    /// The total.
    pub total: Totals,
}

/// Reads the whole log for the events behind a number: each is handed on in log order, and the explanation keeps none.
///
/// # Errors
/// [`ViewError`] names the position of the event that could not be read.
pub fn explain_each(
    log: &dyn EventLog,
    tenant: &TenantId,
    subject: &Subject,
    zone: &TimeZone,
    until: Position,
    each: &mut dyn FnMut(ExplainedEvent),
) -> Result<Explanation, ViewError> {
    let mut gathering = Gathering { subject, zone, sum: Sum::default(), each };
    let mut failure = None;
    log.scan(Position::FIRST, until.min(log.head()?.position), &mut |record| {
        if record.tenant != tenant.as_str() {
            return ControlFlow::Continue(());
        }
        match decode(record) {
            Ok(event) => gathering.take(record, &event),
            Err(source) => {
                failure = Some(ViewError::Event { position: record.position, source });
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    failure.map_or(Ok(()), Err)?;
    Ok(Explanation { subject: subject.to_string(), total: (&gathering.sum).into(), events: Vec::new() })
}

struct Gathering<'a> {
    subject: &'a Subject,
    zone: &'a TimeZone,
    sum: Sum,
    each: &'a mut dyn FnMut(ExplainedEvent),
}

impl Gathering<'_> {
    fn concerns(&self, usage: &UsageRecorded<'_>, occurred_at: Timestamp) -> bool {
        match self.subject {
            Subject::Days(first, last) => {
                (*first..=*last).contains(&calendar::day_of(occurred_at, self.zone))
            }
            Subject::Id(id) => {
                let ids = [&usage.session, &usage.message_id, &usage.request_id];
                ids.iter().any(|known| known.starts_with(id.as_str()))
            }
        }
    }

    fn take(&mut self, record: &RecordRef<'_>, event: &Event<'_>) {
        let at = record.occurred_at;
        // What the event adds and removes, as far as the subject is concerned.
        let (usage, added, taken_back) = match event {
            Event::UsageRecorded(usage)
            | Event::UsageTold(UsageTold { usage, counted: true, .. })
            | Event::UsageMetered(UsageMetered { usage, counted: true, .. }) => (usage, Some(usage), None),
            Event::UsageWithdrawn(withdrawn) => (&withdrawn.usage, None, Some((&withdrawn.usage, at))),
            Event::UsageRevised(revised) => {
                (&revised.usage, Some(&revised.usage), Some((&revised.superseded, revised.superseded_at())))
            }
            _ => return,
        };
        let added = added.filter(|usage| self.concerns(usage, at));
        let taken_back = taken_back.filter(|(usage, at)| self.concerns(usage, *at)).map(|(usage, _)| usage);
        if added.is_none() && taken_back.is_none() {
            return;
        }
        let mut effect = Some(Picodollars::ZERO);
        if let Some(before) = taken_back {
            self.sum.take_back(&Sum::one(before));
            effect = before.cost.map(|cost| -cost);
        }
        if let Some(now) = added {
            self.sum.add(&Sum::one(now));
            effect = now.cost.map(|cost| cost + effect.unwrap_or_default());
        }
        (self.each)(ExplainedEvent {
            position: record.position.0,
            event: record.type_name.to_owned(),
            occurred_at: record.occurred_at,
            recorded_at: record.recorded_at,
            message_id: usage.message_id.to_string(),
            request_id: usage.request_id.to_string(),
            session: usage.session.to_string(),
            provider: usage.provider.to_string(),
            model: usage.model.to_string(),
            sidechain: usage.sidechain,
            price_table: usage.price_table.to_string(),
            reason: if let Event::UsageRevised(revised) = event {
                Some(revised.reason.clone())
            } else {
                None
            },
            missing: usage.missing.clone(),
            effect_usd: effect,
            running_usd: self.sum.cost,
            trace_id: record.trace.map(|trace| hex(&trace.trace_id)),
        });
    }
}
