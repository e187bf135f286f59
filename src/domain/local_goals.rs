//! Local decisions about goals: local goals, and feeds of goals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::budget::BudgetName;
use super::datapoint::Keeper;
use super::feed::Feed;
use super::goal_day::latest_day;
use super::local_goal::{End, LocalGoal, PriorityError};
use super::slug::GoalSlug;

/// Maximum length of a title, in characters.
const TITLE_MAX: usize = 200;
/// Maximum number of open local goals: each is part of every answer about goals, and an agent may create
/// them.
const GOALS_MAX: usize = 1_000;

/// The state: open local goals, and feeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalGoals {
    /// By slug.
    pub goals: BTreeMap<GoalSlug, LocalGoal>,
    /// By the goal's slug; includes stopped feeds, which keep their ids.
    pub feeds: BTreeMap<GoalSlug, Feed>,
}

/// The facts, besides the state, that a command is checked against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The slugs of the known goals at Beeminder.
    pub at_beeminder: BTreeSet<String>,
    /// Whether Beeminder is configured.
    pub has_beeminder: bool,
    /// The existing budgets.
    pub budgets: BTreeSet<BudgetName>,
    /// The goal's current day; none if it is not known, or does not matter.
    pub today: Option<Date>,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalGoalError {
    /// Not a priority.
    #[error(transparent)]
    Priority(#[from] PriorityError),
    /// The title.
    #[error("a goal's title has 1 to {TITLE_MAX} characters, not {0}")]
    Title(usize),
    /// The slug is taken.
    #[error("there is a goal '{0}' at Beeminder; choose another slug")]
    Taken(GoalSlug),
    /// No such local goal.
    #[error("there is no local goal '{0}'; `mecris goals` lists the goals")]
    UnknownGoal(GoalSlug),
    /// No goal has this slug, local or at Beeminder.
    #[error(
        "there is no local goal '{0}', and Beeminder is not configured; set BEEMINDER_AUTH_TOKEN, or make one with `mecris goal new`"
    )]
    NoKeeper(GoalSlug),
    /// No such budget.
    #[error("there is no budget '{0}'; `mecris budget list` lists the budgets")]
    UnknownBudget(BudgetName),
    /// The goal has no feed.
    #[error("nothing feeds '{0}'; `mecris goal feeds` lists what feeds which goal")]
    UnknownFeed(GoalSlug),
    /// There are too many.
    #[error(
        "there are {GOALS_MAX} local goals, and no more can be; close some with `mecris goal done SLUG` or `drop`"
    )]
    TooMany,
    /// The feed would begin in the future.
    #[error("a feed cannot begin on {0}, which is still to come; name today or a day before")]
    Future(Date),
    /// The feed would begin on a day that is not known.
    #[error("which day '{0}' has now is not known; name the feed's first day with --since YYYY-MM-DD")]
    UnknownDay(GoalSlug),
}

impl Coded for LocalGoalError {
    fn code(&self) -> Code {
        match self {
            Self::UnknownGoal(_) | Self::NoKeeper(_) => Code::GoalUnknown,
            Self::UnknownFeed(_) => Code::FeedUnknown,
            _ => Code::Refused,
        }
    }
}

/// Validates a title.
///
/// # Errors
/// [`LocalGoalError::Title`].
pub fn check_title(title: &str) -> Result<(), LocalGoalError> {
    let length = title.chars().count();
    if (1..=TITLE_MAX).contains(&length) { Ok(()) } else { Err(LocalGoalError::Title(length)) }
}

/// The person's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalGoalCommand {
    /// Create or change a local goal.
    SetGoal(LocalGoal),
    /// Close a local goal.
    CloseGoal { slug: GoalSlug, end: End },
    /// Feed a goal from spend.
    StartFeed {
        slug: GoalSlug,
        /// The budget whose scope is counted; all spend if none.
        budget: Option<BudgetName>,
        /// The first day; today if none.
        since: Option<Date>,
        /// The id to use if the goal never had a feed.
        fresh_id: String,
    },
    /// Stop a feed.
    StopFeed { slug: GoalSlug },
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalGoalChange {
    GoalSet(LocalGoal),
    GoalClosed { slug: GoalSlug, end: End },
    FeedStarted(Feed),
    FeedStopped { slug: GoalSlug },
}

impl LocalGoals {
    /// The keeper of the goal with this slug. A local goal has precedence over one at Beeminder.
    ///
    /// # Errors
    /// [`LocalGoalError::NoKeeper`].
    pub fn keeper(&self, slug: &GoalSlug, has_beeminder: bool) -> Result<Keeper, LocalGoalError> {
        match (self.goals.contains_key(slug), has_beeminder) {
            (true, _) => Ok(Keeper::Local),
            (false, true) => Ok(Keeper::Beeminder),
            (false, false) => Err(LocalGoalError::NoKeeper(slug.clone())),
        }
    }

    /// Decides a command. An empty result means that nothing changes.
    ///
    /// # Errors
    /// [`LocalGoalError`] names what is wrong with the command.
    pub fn decide(
        &self,
        command: LocalGoalCommand,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<Vec<LocalGoalChange>, LocalGoalError> {
        match command {
            LocalGoalCommand::SetGoal(goal) => {
                check_title(&goal.title)?;
                if facts.at_beeminder.contains(goal.slug.as_str()) {
                    return Err(LocalGoalError::Taken(goal.slug));
                }
                if self.goals.len() >= GOALS_MAX && !self.goals.contains_key(&goal.slug) {
                    return Err(LocalGoalError::TooMany);
                }
                let is_same = self.goals.get(&goal.slug) == Some(&goal);
                Ok(if is_same { Vec::new() } else { vec![LocalGoalChange::GoalSet(goal)] })
            }
            LocalGoalCommand::CloseGoal { slug, end } => {
                if !self.goals.contains_key(&slug) {
                    return Err(LocalGoalError::UnknownGoal(slug));
                }
                // Its feed has nothing left to feed.
                let is_fed = self.feeds.get(&slug).is_some_and(|feed| feed.is_running);
                let stopped = is_fed.then(|| LocalGoalChange::FeedStopped { slug: slug.clone() });
                Ok(stopped.into_iter().chain([LocalGoalChange::GoalClosed { slug, end }]).collect())
            }
            LocalGoalCommand::StartFeed { slug, budget, since, fresh_id } => {
                self.start_feed(slug, budget, since, fresh_id, facts, now)
            }
            LocalGoalCommand::StopFeed { slug } => match self.feeds.get(&slug) {
                None => Err(LocalGoalError::UnknownFeed(slug)),
                Some(feed) if feed.is_running => Ok(vec![LocalGoalChange::FeedStopped { slug }]),
                Some(_) => Ok(Vec::new()),
            },
        }
    }

    fn start_feed(
        &self,
        slug: GoalSlug,
        budget: Option<BudgetName>,
        since: Option<Date>,
        fresh_id: String,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<Vec<LocalGoalChange>, LocalGoalError> {
        let keeper = self.keeper(&slug, facts.has_beeminder)?;
        if let Some(budget) = budget.as_ref().filter(|budget| !facts.budgets.contains(budget)) {
            return Err(LocalGoalError::UnknownBudget(budget.clone()));
        }
        let known = self.feeds.get(&slug);
        // A running feed keeps its first day; a stopped one starts over, so that the days in between stay as
        // the person left them.
        let running = known.filter(|feed| feed.is_running);
        let since = since.or_else(|| running.map(|feed| feed.since)).or(facts.today);
        let Some(since) = since else { return Err(LocalGoalError::UnknownDay(slug)) };
        if since > facts.today.unwrap_or_else(|| latest_day(now)) {
            return Err(LocalGoalError::Future(since));
        }
        let id = known.map_or(fresh_id, |feed| feed.id.clone());
        Ok(vec![LocalGoalChange::FeedStarted(Feed {
            id,
            slug,
            keeper,
            budget,
            since,
            started_at: now,
            is_running: true,
        })])
    }

    /// Applies a change.
    pub fn evolve(&mut self, change: LocalGoalChange) {
        match change {
            LocalGoalChange::GoalSet(goal) => {
                self.goals.insert(goal.slug.clone(), goal);
            }
            LocalGoalChange::GoalClosed { slug, .. } => {
                self.goals.remove(&slug);
            }
            LocalGoalChange::FeedStarted(feed) => {
                self.feeds.insert(feed.slug.clone(), feed);
            }
            LocalGoalChange::FeedStopped { slug } => {
                if let Some(feed) = self.feeds.get_mut(&slug) {
                    feed.is_running = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
