//! `mecris goal`: datapoints, feeds and local goals.

use clap::{Args, Subcommand};
use jiff::civil::Date;

use crate::domain::local_goal::{End, Priority};
use crate::service::endpoints::goals::{
    AddDatapoint, CloseBody, CloseGoal, ListFeeds, SetGoal, StartFeed, StopFeed,
};
use crate::service::goals::requests::{DatapointBody, FeedBody, FeedSource, LocalGoalBody};

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with goals.
#[derive(Debug, Subcommand)]
pub enum GoalCommand {
    /// Write a datapoint to a goal, at Beeminder or here
    Add(AddArgs),
    /// Post each day's spend to a goal, one datapoint a day, corrected when late usage arrives
    Feed(FeedArgs),
    /// What feeds which goal
    Feeds,
    /// Make a local goal, or change it
    New(NewArgs),
    /// Close a local goal: it is reached
    Done {
        /// The goal
        slug: String,
    },
    /// Close a local goal: it is given up
    Drop {
        /// The goal
        slug: String,
    },
}

/// Options of `goal add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The goal
    pub slug: String,
    /// A decimal number
    #[arg(allow_negative_numbers = true)]
    pub value: String,
    /// What to say with it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub comment: String,
    /// The day that it counts for, YYYY-MM-DD [default: the goal's present day]
    #[arg(long)]
    pub day: Option<Date>,
    /// The same again writes the same datapoint and not another one [default: a new one]
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
}

/// Options of `goal feed`.
#[derive(Debug, Args)]
pub struct FeedArgs {
    /// The goal
    pub slug: String,
    /// From what
    #[arg(long, value_parser = ["spend"], required_unless_present = "stop")]
    pub from: Option<String>,
    /// Count only what this budget covers [default: all spend]
    #[arg(long, value_name = "NAME")]
    pub budget: Option<String>,
    /// The first day, YYYY-MM-DD [default: the goal's present day]
    #[arg(long, value_name = "DAY")]
    pub since: Option<Date>,
    /// Feed it no more; what was posted stays
    #[arg(long, conflicts_with_all = ["from", "budget", "since"])]
    pub stop: bool,
}

/// Options of `goal new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The goal
    pub slug: String,
    /// The name for people [default: the slug]
    #[arg(long)]
    pub title: Option<String>,
    /// How much it matters
    #[arg(long, default_value = "medium", value_parser = ["high", "medium", "low"])]
    pub priority: String,
    /// The day on whose end it is late, YYYY-MM-DD
    #[arg(long)]
    pub due: Date,
}

/// Carries out `mecris goal`.
///
/// # Errors
/// [`CliError`].
pub fn goal(common: &Common, command: GoalCommand) -> Result<(), CliError> {
    let backend = || Backend::open(common);
    let json = common.json;
    match command {
        GoalCommand::Add(args) => {
            let AddArgs { slug, value, comment, day, request_id } = args;
            let body = DatapointBody { value, comment, day, request_id };
            print(json, &backend()?.call(AddDatapoint { slug, body })?, tables::goals::datapoint)
        }
        GoalCommand::Feeds => print(json, &backend()?.call(ListFeeds)?, tables::goals::feeds),
        GoalCommand::Feed(args) => {
            let FeedArgs { slug, budget, since, stop, .. } = args;
            let shown = if stop {
                backend()?.call(StopFeed { slug })?
            } else {
                let body = FeedBody { from: FeedSource::Spend, budget, since };
                backend()?.call(StartFeed { slug, body })?
            };
            print(json, &shown, tables::goals::feeds)
        }
        GoalCommand::New(args) => {
            let NewArgs { slug, title, priority, due } = args;
            let title = title.unwrap_or_else(|| slug.clone());
            let body = LocalGoalBody { title, priority: priority.parse::<Priority>()?, due };
            print(json, &backend()?.call(SetGoal { slug, body })?, tables::goals::goals)
        }
        GoalCommand::Done { slug } => close(common, slug, End::Done),
        GoalCommand::Drop { slug } => close(common, slug, End::Dropped),
    }
}

fn close(common: &Common, slug: String, end: End) -> Result<(), CliError> {
    let body = CloseBody { end };
    print(common.json, &Backend::open(common)?.call(CloseGoal { slug, body })?, tables::goals::goals)
}
