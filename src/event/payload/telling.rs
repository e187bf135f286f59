//! Usage that Claude Code's telemetry told of.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use super::{Event, UsageRecorded, UsageRecordedV1};
use crate::domain::money::Picodollars;
use crate::domain::telemetry_usage::counter::Point;
use crate::domain::telemetry_usage::{Fingerprint, Heard};
use crate::domain::usage::is_told;
use crate::event::envelope::EventId;

/// An `api_request` event told of a call. When it happened stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageTold<'a> {
    /// The call; its message id is empty, and all cache writes stand as those of five minutes.
    #[serde(borrow)]
    pub usage: UsageRecorded<'a>,
    /// The client's own id of the call, or empty.
    #[serde(borrow)]
    pub client_request_id: Cow<'a, str>,
    /// What it is known by where it has no request id: half of a hash.
    pub key: [u8; 16],
    /// Its number in its session, where it has no request id.
    pub ordinal: Option<u32>,
    /// Whether it counts; otherwise a transcript tells of its session.
    pub counted: bool,
    /// What Claude Code reckons that it cost in USD: to compare, never added.
    #[schemars(with = "Option<String>")]
    pub told_cost: Option<Picodollars>,
}

/// Metrics told how much a session's counters have grown. The newest point's time stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageMetered<'a> {
    /// The growth, as if it were one call of this model.
    #[serde(borrow)]
    pub usage: UsageRecorded<'a>,
    /// Its number in its session.
    pub ordinal: u32,
    /// Whether it counts; otherwise a transcript or calls tell of its session.
    pub counted: bool,
    /// What Claude Code reckons that it cost in USD: to compare, never added.
    #[schemars(with = "String")]
    pub told_cost: Picodollars,
    /// The points that told it: what the next points are held against.
    pub points: Vec<MeteredPoint>,
}

/// A data point of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeteredPoint {
    /// Names the counter: half of a hash of its attributes.
    pub series: [u8; 16],
    /// From when on it counts, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// Until when.
    pub time_ns: u64,
    /// Tokens, or picodollars.
    pub value: i128,
    /// Whether it counts everything since its start.
    pub is_cumulative: bool,
}

/// What telemetry told does not count any more: something better tells of the same. When it happened stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageWithdrawn<'a> {
    /// What is taken back.
    #[serde(borrow)]
    pub usage: UsageRecorded<'a>,
    /// Its number in its session, where it has no request id.
    pub ordinal: Option<u32>,
    /// What tells better: `transcript`, `calls`, or `same-call` where version 1 took one call for two.
    pub by: String,
}

/// Version 1 of [`UsageTold`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageToldV1<'a> {
    /// The call.
    #[serde(borrow)]
    pub usage: UsageRecordedV1<'a>,
    /// The client's own id of the call, or empty.
    #[serde(borrow)]
    pub client_request_id: Cow<'a, str>,
    /// What it is known by where it has no request id.
    pub key: [u8; 16],
    /// Its number in its session, where it has no request id.
    pub ordinal: Option<u32>,
    /// Whether it counts.
    pub counted: bool,
    /// What Claude Code reckons that it cost in USD.
    #[schemars(with = "Option<String>")]
    pub told_cost: Option<Picodollars>,
}

/// Version 1 of [`UsageMetered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageMeteredV1<'a> {
    /// The growth.
    #[serde(borrow)]
    pub usage: UsageRecordedV1<'a>,
    /// Its number in its session.
    pub ordinal: u32,
    /// Whether it counts.
    pub counted: bool,
    /// What Claude Code reckons that it cost in USD.
    #[schemars(with = "String")]
    pub told_cost: Picodollars,
    /// The points that told it.
    pub points: Vec<MeteredPoint>,
}

/// Version 1 of [`UsageWithdrawn`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageWithdrawnV1<'a> {
    /// What is taken back.
    #[serde(borrow)]
    pub usage: UsageRecordedV1<'a>,
    /// Its number in its session, where it has no request id.
    pub ordinal: Option<u32>,
    /// What tells better.
    pub by: String,
}

classes! {
    UsageTold<'_> { None: ordinal, counted, told_cost; Pseudonymous: client_request_id, key; Parts: usage; }
    UsageToldV1<'_> { None: ordinal, counted, told_cost; Pseudonymous: client_request_id, key; Parts: usage; }
    UsageMetered<'_> { None: ordinal, counted, told_cost; Parts: usage, points; }
    UsageMeteredV1<'_> { None: ordinal, counted, told_cost; Parts: usage, points; }
    MeteredPoint { None: value, is_cumulative; Pseudonymous: series; Personal: start_ns, time_ns; }
    UsageWithdrawn<'_> { None: ordinal, by; Parts: usage; }
    UsageWithdrawnV1<'_> { None: ordinal, by; Parts: usage; }
}

impl<'a> From<UsageToldV1<'a>> for UsageTold<'a> {
    fn from(old: UsageToldV1<'a>) -> Self {
        let UsageToldV1 { usage, client_request_id, key, ordinal, counted, told_cost } = old;
        Self { usage: usage.into(), client_request_id, key, ordinal, counted, told_cost }
    }
}

impl<'a> From<UsageMeteredV1<'a>> for UsageMetered<'a> {
    fn from(old: UsageMeteredV1<'a>) -> Self {
        let UsageMeteredV1 { usage, ordinal, counted, told_cost, points } = old;
        Self { usage: usage.into(), ordinal, counted, told_cost, points }
    }
}

impl<'a> From<UsageWithdrawnV1<'a>> for UsageWithdrawn<'a> {
    fn from(old: UsageWithdrawnV1<'a>) -> Self {
        let UsageWithdrawnV1 { usage, ordinal, by } = old;
        Self { usage: usage.into(), ordinal, by }
    }
}

impl MeteredPoint {
    /// The stored form.
    #[must_use]
    pub fn new(series: Fingerprint, point: &Point) -> Self {
        let Point { start_ns, time_ns, value, is_cumulative } = *point;
        Self { series: series.0, start_ns, time_ns, value, is_cumulative }
    }

    /// The series, and the point.
    #[must_use]
    pub fn to_point(self) -> (Fingerprint, Point) {
        let Self { series, start_ns, time_ns, value, is_cumulative } = self;
        (Fingerprint(series), Point { start_ns, time_ns, value, is_cumulative })
    }
}

/// The id of the event that tells of a call by its request id.
#[must_use]
pub fn told_event_id(tenant: &str, request_id: &str) -> EventId {
    EventId::derive("usage-told", &[tenant, request_id])
}

/// The id of what is told of a session and not by a request id, by its number.
#[must_use]
pub fn session_event_id(tenant: &str, session: &str, ordinal: u32) -> EventId {
    EventId::derive("session-told", &[tenant, session, &ordinal.to_string()])
}

/// The id of the event that takes something back: there is one at most.
#[must_use]
pub fn withdrawn_event_id(told: EventId) -> EventId {
    EventId::derive("usage-withdrawn", &[&told.to_string()])
}

/// Adds what an event says of who told what.
pub fn hear(heard: &mut Heard, event: &Event<'_>) {
    match event {
        // A sum that somebody told is no transcript: else one small sum would keep all that telemetry tells of a session
        // from counting.
        Event::UsageRecorded(usage) if !is_told(&usage.message_id) => {
            heard.transcript(&usage.request_id, &usage.session);
        }
        Event::UsageTold(told) => {
            let of_session = told.ordinal.map(|ordinal| (ordinal, Fingerprint(told.key), told.counted));
            heard.told(&told.usage.request_id, &told.usage.session, of_session);
        }
        Event::UsageMetered(metered) => {
            let points = metered.points.iter().map(|point| point.to_point());
            heard.metered(&metered.usage.session, metered.ordinal, metered.counted, points);
        }
        Event::UsageWithdrawn(withdrawn) => {
            if let Some(ordinal) = withdrawn.ordinal {
                heard.withdrawn(&withdrawn.usage.session, ordinal);
            }
        }
        _ => {}
    }
}
