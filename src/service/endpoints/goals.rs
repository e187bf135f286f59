//! Goals, their datapoints, and what feeds them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::local_goal::End;
use crate::domain::local_goals::LocalGoalCommand;
use crate::domain::slug::GoalSlug;
use crate::integration::beeminder;
use crate::service::goals::datapoints::{DatapointWriter, Delivery};
use crate::service::goals::local::{GoalFailure, LocalGoalAggregate};
use crate::service::goals::requests::{
    DatapointBody, DatapointShown, FeedBody, FeedsShown, GoalsShown, LocalGoalBody,
};
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;
use crate::service::runtime::node::Node;
use crate::service::runtime::reads::Reads;

use super::goal_day::{Days, client_of, days};
use super::{Endpoint, Host, Method};

/// The goals that are followed, with the source's age and state where a supervisor follows them.
#[derive(Serialize)]
pub struct ListGoals;

impl Endpoint for ListGoals {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/goals";
    type Out = GoalsShown;

    async fn answer(self, host: &Host) -> Result<GoalsShown, ServiceError> {
        let now = Timestamp::now();
        let source = host.source(beeminder::SYSTEM, now);
        let seen_at = source.as_ref().and_then(|source| source.last_success);
        Ok(GoalsShown { goals: host.ask(|reads| reads.goals(now, seen_at)).await?, source })
    }
}

/// Makes a local goal, or changes it.
#[derive(Serialize)]
pub struct SetGoal {
    /// Which.
    pub slug: String,
    /// The goal.
    #[serde(flatten)]
    pub body: LocalGoalBody,
}

impl Endpoint for SetGoal {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/goals/{slug}";
    type Out = GoalsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        slug(&self.slug)?;
        Ok(self.body.check()?)
    }

    async fn answer(self, host: &Host) -> Result<GoalsShown, ServiceError> {
        carry_out(host, self.body.into_command(slug(&self.slug)?), None).await?;
        ListGoals.answer(host).await
    }
}

/// How a local goal ends.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseBody {
    /// `done` or `dropped`.
    #[schema(value_type = forms::GoalEnd)]
    pub end: End,
}

/// Closes a local goal.
#[derive(Serialize)]
pub struct CloseGoal {
    /// Which.
    pub slug: String,
    /// How it ends.
    #[serde(flatten)]
    pub body: CloseBody,
}

impl Endpoint for CloseGoal {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/goals/{slug}/close";
    type Out = GoalsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        slug(&self.slug).map(drop)
    }

    async fn answer(self, host: &Host) -> Result<GoalsShown, ServiceError> {
        let command = LocalGoalCommand::CloseGoal { slug: slug(&self.slug)?, end: self.body.end };
        carry_out(host, command, None).await?;
        ListGoals.answer(host).await
    }
}

/// Writes a datapoint to a goal, here or at Beeminder.
#[derive(Serialize)]
pub struct AddDatapoint {
    /// Which goal.
    pub slug: String,
    /// The datapoint.
    #[serde(flatten)]
    pub body: DatapointBody,
}

impl Endpoint for AddDatapoint {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/goals/{slug}/datapoints";
    type Out = DatapointShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        slug(&self.slug)?;
        Ok(self.body.check()?)
    }

    async fn answer(self, host: &Host) -> Result<DatapointShown, ServiceError> {
        // What is no datapoint asks nobody for its day.
        self.body.check()?;
        let slug = slug(&self.slug)?;
        let day = match host.ask(|reads| reads.named_day(&slug, &self.body)).await? {
            Some(day) => day,
            None => present_day(host, &slug).await?,
        };
        let (key, point) = host.ask(|reads| reads.datapoint(slug, self.body, day)).await??;
        let delivery = match host {
            Host::Tree(system) => system.deliver(&key, &point).await?,
            Host::Alone { node, .. } => {
                let (client, mut writer) = (client_of(node, false), writer_of(node, host.actor())?);
                let delivery = writer.put(client.as_ref(), &key, &point).await?;
                if delivery == Delivery::Written {
                    // What was left open by those before goes the same way.
                    writer.put_open(client.as_ref()).await?;
                }
                delivery
            }
        };
        Ok(DatapointShown::new(&key, &point, delivery)?)
    }
}

/// The goal's current day, for a datapoint that names none.
async fn present_day(host: &Host, slug: &GoalSlug) -> Result<Date, ServiceError> {
    match days(host, slug).await? {
        Days::Known(clock) => Ok(clock.day(Timestamp::now())),
        Days::Unknown(why) => {
            Err(GoalFailure::UnknownDay { slug: slug.clone(), why, option: "--day" }.into())
        }
        Days::Gone(error) => Err(GoalFailure::NotTaken(error.to_string()).into()),
    }
}

fn writer_of(node: &Node, actor: &'static str) -> Result<DatapointWriter, ServiceError> {
    Ok(DatapointWriter::load(node.log.clone(), node.tenant.clone(), actor)?)
}

/// What feeds which goal.
#[derive(Serialize)]
pub struct ListFeeds;

impl Endpoint for ListFeeds {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/feeds";
    type Out = FeedsShown;

    async fn answer(self, host: &Host) -> Result<FeedsShown, ServiceError> {
        host.ask(Reads::feeds).await
    }
}

/// Feeds a goal with each day's spend, or changes how.
#[derive(Serialize)]
pub struct StartFeed {
    /// Which goal.
    pub slug: String,
    /// The feed.
    #[serde(flatten)]
    pub body: FeedBody,
}

impl StartFeed {
    fn command(&self) -> Result<LocalGoalCommand, ServiceError> {
        Ok(self.body.clone().into_command(slug(&self.slug)?)?)
    }
}

impl Endpoint for StartFeed {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/feeds/{slug}";
    type Out = FeedsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        self.command().map(drop)
    }

    async fn answer(self, host: &Host) -> Result<FeedsShown, ServiceError> {
        let command = self.command()?;
        let slug = slug(&self.slug)?;
        let today = match days(host, &slug).await? {
            Days::Known(clock) => Some(clock.day(Timestamp::now())),
            Days::Unknown(why) => {
                // A first day is known: what is posted for it waits until Beeminder says when days end.
                let is_named = self.body.since.is_some() || host.ask(|reads| reads.is_fed(&slug)).await?;
                if !is_named {
                    return Err(GoalFailure::UnknownDay { slug, why, option: "--since" }.into());
                }
                None
            }
            Days::Gone(_) => return Err(GoalFailure::Unknown(slug).into()),
        };
        carry_out(host, command, today).await?;
        ListFeeds.answer(host).await
    }
}

/// Feeds a goal no more.
#[derive(Serialize)]
pub struct StopFeed {
    /// Which goal.
    pub slug: String,
}

impl Endpoint for StopFeed {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/feeds/{slug}";
    type Out = FeedsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        slug(&self.slug).map(drop)
    }

    async fn answer(self, host: &Host) -> Result<FeedsShown, ServiceError> {
        carry_out(host, LocalGoalCommand::StopFeed { slug: slug(&self.slug)? }, None).await?;
        ListFeeds.answer(host).await
    }
}

fn slug(text: &str) -> Result<GoalSlug, ServiceError> {
    Ok(text.parse()?)
}

/// Carries out a command on local goals or feeds, `today` being the goal's current day if it matters; where a supervisor runs, it looks at the feeds afterwards.
async fn carry_out(host: &Host, command: LocalGoalCommand, today: Option<Date>) -> Result<(), ServiceError> {
    let facts = host.ask(|reads| reads.facts(today)).await?;
    host.execute::<LocalGoalAggregate>((command, facts)).await?;
    if let Host::Tree(system) = host {
        system.look_at_feeds();
    }
    Ok(())
}
