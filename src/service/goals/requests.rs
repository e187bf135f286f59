//! Requests and responses about goals, and the queries behind them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::datapoint::{DatapointError, Decimal, Keeper, Point, PointKey, RequestId, check_comment};
use crate::domain::goal_day::{DayUnknown, GoalClock};
use crate::domain::local_goal::{LocalGoal, Priority};
use crate::domain::local_goals::{Facts, LocalGoalCommand, LocalGoalError, check_title};
use crate::domain::slug::GoalSlug;
use crate::event::EventId;
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::SourceShown;
use crate::view::feeds::{FeedLine, feeds};
use crate::view::goals::{GoalLine, clock_of};

use super::datapoints::Delivery;
use super::local::GoalFailure;

/// A datapoint to write.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatapointBody {
    /// A decimal number.
    #[schema(value_type = forms::PointValue)]
    pub value: String,
    /// A comment of at most 200 characters.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub comment: String,
    /// The day that it counts for; the goal's own current day if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub day: Option<Date>,
    /// Idempotency key: the same key writes the same datapoint. Generated if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::RequestId>)]
    pub request_id: Option<String>,
}

impl DatapointBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`DatapointError`].
    pub fn check(&self) -> Result<(), DatapointError> {
        self.request_id.clone().map(RequestId::try_from).transpose()?;
        check_comment(&self.comment)?;
        Decimal::parse(&self.value).map(drop)
    }
}

/// The state of a datapoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatapointState {
    /// It is written.
    Written,
    /// It is recorded, and will be sent when the goal's keeper answers.
    Waiting,
}

/// A datapoint and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatapointShown {
    /// The goal.
    pub slug: String,
    /// The goal's keeper: `beeminder` or `local`.
    #[schema(value_type = String)]
    pub source: Keeper,
    /// The day that it counts for.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// An exact decimal number.
    #[schema(value_type = String)]
    pub value: Decimal,
    /// The idempotency key.
    pub request_id: String,
    /// Its state.
    pub state: DatapointState,
    /// Why it waits.
    pub reason: Option<String>,
}

impl DatapointShown {
    /// The response for a delivery.
    ///
    /// # Errors
    /// [`GoalFailure::NotTaken`].
    pub fn new(key: &PointKey, point: &Point, delivery: Delivery) -> Result<Self, GoalFailure> {
        let (state, reason) = match delivery {
            Delivery::Written | Delivery::Known => (DatapointState::Written, None),
            Delivery::Waiting(error) => (DatapointState::Waiting, Some(error.to_string())),
            Delivery::Refused(reason) => return Err(GoalFailure::NotTaken(reason)),
        };
        Ok(Self {
            slug: key.slug.to_string(),
            source: point.keeper,
            day: point.day,
            value: point.value.clone(),
            request_id: key.request_id.as_str().to_owned(),
            state,
            reason,
        })
    }
}

/// A local goal to create or change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalGoalBody {
    /// The title; at most 200 characters.
    #[schema(value_type = forms::GoalTitle)]
    pub title: String,
    /// `high`, `medium` or `low`.
    #[schema(value_type = forms::GoalPriority)]
    pub priority: Priority,
    /// The due date: it is late when that day has ended.
    #[schema(value_type = String, format = Date)]
    pub due: Date,
}

impl LocalGoalBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`LocalGoalError::Title`].
    pub fn check(&self) -> Result<(), LocalGoalError> {
        check_title(self.title.trim())
    }

    /// The command.
    #[must_use]
    pub fn into_command(self, slug: GoalSlug) -> LocalGoalCommand {
        let Self { title, priority, due } = self;
        LocalGoalCommand::SetGoal(LocalGoal { slug, title: title.trim().to_owned(), priority, due })
    }
}

/// What feeds a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeedSource {
    /// Spend in USD.
    Spend,
}

/// A feed to start or change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedBody {
    /// What feeds it: `spend`.
    pub from: FeedSource,
    /// The budget whose scope is counted; all spend if absent.
    #[serde(default)]
    #[schema(value_type = Option<forms::BudgetName>)]
    pub budget: Option<String>,
    /// The first day; the goal's own current day if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
}

impl FeedBody {
    /// The command.
    ///
    /// # Errors
    /// The budget's name is invalid.
    pub fn into_command(
        self,
        slug: GoalSlug,
    ) -> Result<LocalGoalCommand, crate::domain::budget::BudgetError> {
        let budget = self.budget.map(|name| name.parse()).transpose()?;
        // Half of an event id is enough, and leaves room for the day.
        let fresh_id = EventId::random().to_string()[..16].to_owned();
        Ok(LocalGoalCommand::StartFeed { slug, budget, since: self.since, fresh_id })
    }
}

/// The goals, with the state of their source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalsShown {
    /// Nearest to derailing first.
    pub goals: Vec<GoalLine>,
    /// The state of the source; null if no supervisor is running.
    pub source: Option<SourceShown>,
}

/// The feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedsShown {
    /// By the goal's slug.
    pub feeds: Vec<FeedLine>,
}

impl Reads {
    /// The feeds.
    #[must_use]
    pub fn feeds(&self) -> FeedsShown {
        FeedsShown { feeds: self.with_view(feeds) }
    }

    fn has_beeminder(&self) -> bool {
        self.settings.current().config.beeminder.token.is_some()
    }

    /// The facts that a command on goals is checked against; `today` is the goal's current day, if it is known and matters.
    #[must_use]
    pub fn facts(&self, today: Option<Date>) -> Facts {
        let has_beeminder = self.has_beeminder();
        self.with_view(|view| Facts {
            at_beeminder: view.goals.values().map(|goal| goal.slug.clone()).collect(),
            has_beeminder,
            budgets: view.budgets.keys().cloned().collect(),
            today,
        })
    }

    /// A goal's keeper, and what its days are reckoned by as far as that is known.
    ///
    /// # Errors
    /// [`LocalGoalError::NoKeeper`].
    pub fn goal_clock(
        &self,
        slug: &GoalSlug,
    ) -> Result<(Keeper, Result<GoalClock, DayUnknown>), LocalGoalError> {
        let (zone, has_beeminder) = (self.zone(), self.has_beeminder());
        self.with_view(|view| {
            let keeper = view.local_goals.keeper(slug, has_beeminder)?;
            Ok((keeper, clock_of(view, keeper, slug.as_str(), &zone)))
        })
    }

    /// Whether a feed of this goal runs.
    #[must_use]
    pub fn is_fed(&self, slug: &GoalSlug) -> bool {
        self.with_view(|view| view.local_goals.feeds.get(slug).is_some_and(|feed| feed.is_running))
    }

    /// The day of a request's datapoint without asking what the goal's day is: the one that it names, or that its
    /// idempotency key has already.
    #[must_use]
    pub fn named_day(&self, slug: &GoalSlug, body: &DatapointBody) -> Option<Date> {
        let known = || {
            let request_id = RequestId::try_from(body.request_id.clone()?).ok()?;
            let key = PointKey { slug: slug.clone(), request_id };
            self.with_view(|view| view.ledger.get(&key).map(|entry| entry.point.day))
        };
        body.day.or_else(known)
    }

    /// The datapoint of a request, for this day.
    ///
    /// # Errors
    /// [`GoalFailure`].
    pub fn datapoint(
        &self,
        slug: GoalSlug,
        body: DatapointBody,
        day: Date,
    ) -> Result<(PointKey, Point), GoalFailure> {
        let has_beeminder = self.has_beeminder();
        let request_id = body.request_id.unwrap_or_else(|| format!("mecris-{}", EventId::random()));
        let key = PointKey { slug, request_id: RequestId::try_from(request_id)? };
        let value = Decimal::parse(&body.value)?;
        let keeper = self.with_view(|view| view.local_goals.keeper(&key.slug, has_beeminder))?;
        let point = Point { keeper, day, value, comment: body.comment, feed: None }.checked()?;
        Ok((key, point))
    }
}
