//! What Beeminder told of goals, and what a person decided about them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::datapoint::Keeper;
use crate::domain::feed::Feed;
use crate::domain::goal::Goal;
use crate::domain::local_goal::{End, LocalGoal};
use crate::domain::local_goals::LocalGoalChange;
use crate::domain::money::Picodollars;

use super::Event;

/// A goal is new, or something about it changed: all that is known of it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalObserved {
    /// Survives a change of the slug.
    pub id: String,
    /// The name in addresses.
    pub slug: String,
    /// The name for people, or empty.
    pub title: String,
    /// Whole safe days.
    pub safebuf: Option<i64>,
    /// The instant of derailing, in microseconds since the Unix epoch.
    pub losedate_us: Option<i64>,
    /// Seconds from midnight to the deadline; the largest number where Beeminder said none.
    pub deadline_s: i64,
    /// What must be done to stay safe, in Beeminder's words, or empty.
    pub limsum: String,
    /// What must be done today, in Beeminder's words, or empty.
    pub baremin: String,
    /// What is charged when it derails, in USD.
    #[schemars(with = "String")]
    pub pledge: Picodollars,
    /// Whether there is a datapoint of today.
    pub has_data_today: bool,
    /// Whether it is followed: neither frozen nor won.
    pub is_active: bool,
    /// What feeds it; none where a person does.
    pub autodata: Option<String>,
}

/// A goal is not among the goals any more: deleted or archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalGone {
    /// Its id.
    pub id: String,
}

/// The account at Beeminder is in a time zone, or in another one than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoalAccountObserved {
    /// The zone by IANA's name, such as `Europe/Berlin`: goals' days are reckoned in it.
    pub timezone: String,
}

/// A local goal was made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalGoalSet {
    /// The name in addresses.
    pub slug: String,
    /// The name for people.
    pub title: String,
    /// `high`, `medium` or `low`.
    pub priority: String,
    /// The day on whose end it is late, `YYYY-MM-DD`.
    pub due: String,
}

/// A local goal was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalGoalClosed {
    /// The name in addresses.
    pub slug: String,
    /// `done` or `dropped`.
    pub end: String,
}

/// A goal is fed from now on, or in another way than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedStarted {
    /// Of this goal's feed, for ever.
    pub id: String,
    /// The goal.
    pub slug: String,
    /// Who keeps the goal: `beeminder` or `local`.
    pub keeper: String,
    /// From what: `spend`.
    pub from: String,
    /// The budget whose scope is counted; none: all spend.
    pub budget: Option<String>,
    /// The first day, `YYYY-MM-DD`.
    pub since: String,
}

/// A goal is fed no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedStopped {
    /// The goal.
    pub slug: String,
}

classes! {
    GoalObserved {
        None: deadline_s, is_active, autodata;
        Pseudonymous: id;
        Personal: slug, title, safebuf, losedate_us, limsum, baremin, pledge, has_data_today;
    }
    GoalGone { Pseudonymous: id; }
    GoalAccountObserved { Personal: timezone; }
    LocalGoalSet { None: priority; Personal: slug, due; FreeText: title; }
    LocalGoalClosed { None: end; Personal: slug; }
    FeedStarted { None: keeper, from, since; Pseudonymous: id; Personal: slug, budget; }
    FeedStopped { Personal: slug; }
}

/// Why a stored decision or datapoint is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not what it should be")]
pub struct GoalPayloadError(pub String);

/// Reads a part of a payload.
pub(super) fn part<T: std::str::FromStr>(text: &str) -> Result<T, GoalPayloadError> {
    text.parse().map_err(|_| GoalPayloadError(text.to_owned()))
}

pub(super) fn keeper(name: &str) -> Result<Keeper, GoalPayloadError> {
    Keeper::of_word(name).ok_or_else(|| GoalPayloadError(name.to_owned()))
}

/// The event that tells of a decision.
#[must_use]
pub fn local_goal_event(change: &LocalGoalChange) -> Event<'static> {
    match change {
        LocalGoalChange::GoalSet(goal) => Event::LocalGoalSet(LocalGoalSet {
            slug: goal.slug.to_string(),
            title: goal.title.clone(),
            priority: goal.priority.word().into(),
            due: goal.due.to_string(),
        }),
        LocalGoalChange::GoalClosed { slug, end } => {
            Event::LocalGoalClosed(LocalGoalClosed { slug: slug.to_string(), end: end.word().into() })
        }
        LocalGoalChange::FeedStarted(feed) => Event::FeedStarted(FeedStarted {
            id: feed.id.clone(),
            slug: feed.slug.to_string(),
            keeper: feed.keeper.word().into(),
            from: "spend".into(),
            budget: feed.budget.as_ref().map(ToString::to_string),
            since: feed.since.to_string(),
        }),
        LocalGoalChange::FeedStopped { slug } => Event::FeedStopped(FeedStopped { slug: slug.to_string() }),
    }
}

/// The decision that an event tells of, if it tells of one.
///
/// # Errors
/// [`GoalPayloadError`].
pub fn local_goal_change(
    occurred_at: Timestamp,
    event: &Event<'_>,
) -> Result<Option<LocalGoalChange>, GoalPayloadError> {
    Ok(Some(match event {
        Event::LocalGoalSet(stored) => LocalGoalChange::GoalSet(LocalGoal {
            slug: part(&stored.slug)?,
            title: stored.title.clone(),
            priority: part(&stored.priority)?,
            due: part(&stored.due)?,
        }),
        Event::LocalGoalClosed(stored) => {
            let end = End::of_word(&stored.end).ok_or_else(|| GoalPayloadError(stored.end.clone()))?;
            LocalGoalChange::GoalClosed { slug: part(&stored.slug)?, end }
        }
        Event::FeedStarted(stored) => LocalGoalChange::FeedStarted(Feed {
            id: stored.id.clone(),
            slug: part(&stored.slug)?,
            keeper: keeper(&stored.keeper)?,
            budget: stored.budget.as_deref().map(part).transpose()?,
            since: part(&stored.since)?,
            started_at: occurred_at,
            is_running: true,
        }),
        Event::FeedStopped(stored) => LocalGoalChange::FeedStopped { slug: part(&stored.slug)? },
        _ => return Ok(None),
    }))
}

impl From<&Goal> for GoalObserved {
    fn from(goal: &Goal) -> Self {
        Self {
            id: goal.id.clone(),
            slug: goal.slug.clone(),
            title: goal.title.clone(),
            safebuf: goal.safebuf,
            losedate_us: goal.losedate.map(Timestamp::as_microsecond),
            deadline_s: goal.deadline_s,
            limsum: goal.limsum.clone(),
            baremin: goal.baremin.clone(),
            pledge: goal.pledge,
            has_data_today: goal.has_data_today,
            is_active: goal.is_active,
            autodata: goal.autodata.clone(),
        }
    }
}

impl From<&GoalObserved> for Goal {
    fn from(stored: &GoalObserved) -> Self {
        let stored = stored.clone();
        Self {
            id: stored.id,
            slug: stored.slug,
            title: stored.title,
            safebuf: stored.safebuf,
            losedate: stored.losedate_us.and_then(|micros| Timestamp::from_microsecond(micros).ok()),
            deadline_s: stored.deadline_s,
            limsum: stored.limsum,
            baremin: stored.baremin,
            pledge: stored.pledge,
            has_data_today: stored.has_data_today,
            is_active: stored.is_active,
            autodata: stored.autodata,
        }
    }
}
