//! `mecris goal`: datapoints, feeds and local goals, of a running supervisor or in the log itself.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::desk::{DeskCommand, Facts};
use crate::domain::local_goal::{End, Priority};
use crate::domain::slug::GoalSlug;
use crate::integration::beeminder::Beeminder;
use crate::service::goals::datapoints::{DatapointWriter, Delivery};
use crate::service::goals::local::{GoalFailure, LocalGoalAggregate};
use crate::service::goals::requests::GoalsShown;
use crate::service::goals::requests::{
    DatapointBody, DatapointShown, FeedBody, FeedSource, FeedsShown, LocalGoalBody,
};
use crate::service::runtime::node::Node;
use crate::service::runtime::poller::{policy, wrong_settings};

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
    /// The first day, YYYY-MM-DD [default: today]
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
            let shown = backend()?.add_datapoint(&parse(&slug)?, body)?;
            print(json, &shown, tables::goals::datapoint)
        }
        GoalCommand::Feeds => print(json, &backend()?.feeds()?, tables::goals::feeds),
        GoalCommand::Feed(args) => {
            let slug = parse(&args.slug)?;
            let body = FeedBody { from: FeedSource::Spend, budget: args.budget, since: args.since };
            let body = (!args.stop).then_some(body);
            print(json, &backend()?.feed(&slug, body)?, tables::goals::feeds)
        }
        GoalCommand::New(args) => {
            let slug = parse(&args.slug)?;
            let title = args.title.unwrap_or_else(|| slug.to_string());
            let priority: Priority = args.priority.parse()?;
            let body = LocalGoalBody { title, priority, due: args.due };
            print(json, &backend()?.set_goal(&slug, body)?, tables::goals::goals)
        }
        GoalCommand::Done { slug } => {
            print(json, &backend()?.close_goal(&parse(&slug)?, End::Done)?, tables::goals::goals)
        }
        GoalCommand::Drop { slug } => {
            print(json, &backend()?.close_goal(&parse(&slug)?, End::Dropped)?, tables::goals::goals)
        }
    }
}

fn parse(slug: &str) -> Result<GoalSlug, CliError> {
    Ok(slug.parse()?)
}

impl Backend {
    fn add_datapoint(&self, slug: &GoalSlug, body: DatapointBody) -> Result<DatapointShown, CliError> {
        body.check()?;
        match self {
            Self::Running(remote) => remote.post_body(&format!("/api/v1/goals/{slug}/datapoints"), &body),
            Self::Own(node) => add_here(node, slug, body),
        }
    }

    fn feeds(&self) -> Result<FeedsShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/feeds", &[]),
            Self::Own(node) => Ok(node.queries()?.feeds()),
        }
    }

    /// Starts a feed, or stops it.
    fn feed(&self, slug: &GoalSlug, body: Option<FeedBody>) -> Result<FeedsShown, CliError> {
        body.clone().map(|body| body.into_command(slug.clone())).transpose()?;
        match (self, body) {
            (Self::Running(remote), Some(body)) => remote.put(&format!("/api/v1/feeds/{slug}"), &body),
            (Self::Running(remote), None) => remote.delete(&format!("/api/v1/feeds/{slug}")),
            (Self::Own(node), Some(body)) => {
                execute(node, body.into_command(slug.clone())?)?;
                self.feeds()
            }
            (Self::Own(node), None) => {
                execute(node, DeskCommand::StopFeed { slug: slug.clone() })?;
                self.feeds()
            }
        }
    }

    fn set_goal(&self, slug: &GoalSlug, body: LocalGoalBody) -> Result<GoalsShown, CliError> {
        body.check()?;
        match self {
            Self::Running(remote) => remote.put(&format!("/api/v1/goals/{slug}"), &body),
            Self::Own(node) => {
                execute(node, body.into_command(slug.clone()))?;
                self.goals()
            }
        }
    }

    fn close_goal(&self, slug: &GoalSlug, end: End) -> Result<GoalsShown, CliError> {
        match self {
            Self::Running(remote) => {
                let body = serde_json::json!({ "end": end });
                remote.post_body(&format!("/api/v1/goals/{slug}/close"), &body)
            }
            Self::Own(node) => {
                execute(node, DeskCommand::CloseGoal { slug: slug.clone(), end })?;
                self.goals()
            }
        }
    }
}

fn execute(node: &Node, command: DeskCommand) -> Result<(), GoalFailure> {
    let facts: Facts = node.queries()?.facts(Timestamp::now());
    node.execute::<LocalGoalAggregate>((command, facts), Timestamp::now(), "cli")?;
    Ok(())
}

/// Writes a datapoint without a supervisor, and what was left open by those before.
fn add_here(node: &Node, slug: &GoalSlug, body: DatapointBody) -> Result<DatapointShown, CliError> {
    let (key, point) = node.queries()?.datapoint(slug.clone(), body, Timestamp::now())?;
    let loaded = node.settings.current();
    let settings = &loaded.config.beeminder;
    let token = settings.token.as_ref().filter(|_| wrong_settings(&loaded, "beeminder.").is_none());
    let on_breaker = std::sync::Arc::new(|_: &'static str, _| {});
    let client = token.and_then(|token| Beeminder::new(settings, token, policy(&loaded), on_breaker).ok());
    let mut writer = DatapointWriter::load(node.log.clone(), node.tenant.clone(), "cli")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Remote(error.to_string()))?;
    let delivery = runtime.block_on(async {
        let delivery = writer.put(client.as_ref(), &key, &point).await?;
        if delivery == Delivery::Written {
            writer.put_open(client.as_ref()).await?;
        }
        Ok::<_, GoalFailure>(delivery)
    })?;
    Ok(DatapointShown::new(&key, &point, delivery)?)
}
