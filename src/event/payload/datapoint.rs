//! What was to be written to a goal, and what became of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::datapoint::{Decimal, Point, PointChange, PointKey};

use super::Event;
use super::goal::{GoalPayloadError, keeper, part};
use crate::event::envelope::EventId;

/// A datapoint is going to be written: told before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatapointIntended {
    /// The goal.
    pub slug: String,
    /// The idempotency key, unique in the goal.
    pub request_id: String,
    /// Counts what was meant to be written under that key, from 1.
    pub revision: u32,
    /// Who keeps the goal: `beeminder` or `local`.
    pub keeper: String,
    /// The day that it counts for, `YYYY-MM-DD`.
    pub day: String,
    /// An exact decimal number.
    pub value: String,
    /// What is said with it, or empty.
    pub comment: String,
    /// The feed that it comes from; none where a person wrote it.
    pub feed: Option<String>,
}

/// A datapoint is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatapointWritten {
    /// The goal.
    pub slug: String,
    /// See [`DatapointIntended`].
    pub request_id: String,
    /// Which of what was meant.
    pub revision: u32,
    /// What the goal's keeper calls it; empty for a local goal's.
    pub datapoint_id: String,
}

/// A datapoint was refused, and is not sent again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatapointRefused {
    /// The goal.
    pub slug: String,
    /// See [`DatapointIntended`].
    pub request_id: String,
    /// Which of what was meant.
    pub revision: u32,
    /// Why, in words of ours: never what the outside system sent.
    pub reason: String,
}

classes! {
    DatapointIntended {
        None: revision, keeper, day;
        Pseudonymous: request_id, feed;
        Personal: slug, value;
        FreeText: comment;
    }
    DatapointWritten { None: revision; Pseudonymous: request_id, datapoint_id; Personal: slug; }
    DatapointRefused { None: revision, reason; Pseudonymous: request_id; Personal: slug; }
}

impl DatapointIntended {
    /// The event's contents for an intent.
    #[must_use]
    pub fn new(key: &PointKey, revision: u32, point: &Point) -> Self {
        Self {
            slug: key.slug.to_string(),
            request_id: key.request_id.as_str().to_owned(),
            revision,
            keeper: point.keeper.word().into(),
            day: point.day.to_string(),
            value: point.value.to_string(),
            comment: point.comment.clone(),
            feed: point.feed.clone(),
        }
    }
}

/// The id of the event of this kind about a revision of a datapoint: each is told once, for ever.
#[must_use]
pub fn datapoint_event_id(kind: &str, tenant: &str, key: &PointKey, revision: u32) -> EventId {
    EventId::derive(kind, &[tenant, key.slug.as_str(), key.request_id.as_str(), &revision.to_string()])
}

fn key(slug: &str, request_id: &str) -> Result<PointKey, GoalPayloadError> {
    let request_id = request_id.to_owned().try_into().map_err(|_| GoalPayloadError(request_id.to_owned()))?;
    Ok(PointKey { slug: part(slug)?, request_id })
}

/// What an event tells of a datapoint: which one, the revision, and what happened to it.
///
/// # Errors
/// [`GoalPayloadError`].
pub fn point_change(
    occurred_at: Timestamp,
    event: &Event<'_>,
) -> Result<Option<(PointKey, u32, PointChange)>, GoalPayloadError> {
    Ok(Some(match event {
        Event::DatapointIntended(stored) => {
            let value = Decimal::try_from(stored.value.clone());
            let point = Point {
                keeper: keeper(&stored.keeper)?,
                day: part(&stored.day)?,
                value: value.map_err(|_| GoalPayloadError(stored.value.clone()))?,
                comment: stored.comment.clone(),
                feed: stored.feed.clone(),
            };
            (key(&stored.slug, &stored.request_id)?, stored.revision, PointChange::Intended(point))
        }
        Event::DatapointWritten(stored) => {
            (key(&stored.slug, &stored.request_id)?, stored.revision, PointChange::Written)
        }
        Event::DatapointRefused(stored) => {
            let refused = PointChange::Refused { at: occurred_at, reason: stored.reason.clone() };
            (key(&stored.slug, &stored.request_id)?, stored.revision, refused)
        }
        _ => return Ok(None),
    }))
}
