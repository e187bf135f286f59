//! The present day of a goal, for requests that name no day. What Beeminder has not said, or not lately, is
//! asked for before anything is written.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::datapoint::Keeper;
use crate::domain::goal_day::{DayUnknown, GoalClock};
use crate::domain::slug::GoalSlug;
use crate::integration::beeminder::{self, Beeminder};
use crate::integration::resilience::{OutsideError, Policy};
use crate::service::goals::beeminder::GoalAggregate;
use crate::service::goals::beeminder_actor::observed;
use crate::service::goals::days::{Told, not_set_up};
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::node::Node;
use crate::service::runtime::poller::{policy, wrong_settings};
use crate::service::runtime::sources::SourceState;
use crate::view::goals::zone_of;

use super::Host;
use super::host;

/// What a goal's days are reckoned by.
pub(super) enum Days {
    Known(GoalClock),
    /// Beeminder has not said, and does not say now: why, with the mend.
    Unknown(String),
    /// Beeminder knows no such goal.
    Gone(OutsideError),
}

/// Finds out what a goal's days are reckoned by. A supervisor that polls knows it; else Beeminder is asked, and where it
/// does not answer what it said last counts.
///
/// # Errors
/// The goal has no keeper; the log or the views cannot be read.
pub(super) async fn days(host: &Host, slug: &GoalSlug) -> Result<Days, ServiceError> {
    let (keeper, known) = host.ask(|reads| reads.goal_clock(slug)).await??;
    if keeper == Keeper::Local || (known.is_ok() && is_followed(host)) {
        return Ok(known.map_or_else(|why| Days::Unknown(why.to_string()), Days::Known));
    }
    let told = match told(host, slug, known.is_ok()).await? {
        Ok(told) => told,
        Err(gone @ OutsideError::NotFound { .. }) => return Ok(Days::Gone(gone)),
        Err(error) => return Ok(known.map_or_else(|_| Days::Unknown(error.to_string()), Days::Known)),
    };
    let days = host.ask(|reads| reads.with_view(|view| told.onto(&view.goal_days, slug))).await?;
    let clock: Result<GoalClock, DayUnknown> = days.clock(slug.as_str(), zone_of);
    Ok(clock.map_or_else(|why| Days::Unknown(why.to_string()), Days::Known))
}

/// Whether a supervisor has polled Beeminder lately.
fn is_followed(host: &Host) -> bool {
    let source = host.source(beeminder::SYSTEM, Timestamp::now());
    source.is_some_and(|source| source.state == SourceState::Ok && !source.stale)
}

/// Asks Beeminder, and has its answer recorded. Whoever can go on without it does not wait for long.
async fn told(
    host: &Host,
    slug: &GoalSlug,
    is_known: bool,
) -> Result<Result<Told, OutsideError>, ServiceError> {
    match host {
        Host::Tree(system) => system.learn_goal(slug).await,
        Host::Alone { node, .. } => {
            let Some(client) = client_of(node, is_known) else {
                return Ok(Err(not_set_up()));
            };
            let told = match Told::ask(&client, slug).await {
                Ok(told) => told,
                Err(error) => return Ok(Err(error)),
            };
            host::execute::<GoalAggregate>(node, observed(told.clone()), host.actor()).await?;
            Ok(Ok(told))
        }
    }
}

/// A client by a node's settings, if they are right. `once`: it does not try again.
pub(super) fn client_of(node: &Node, once: bool) -> Option<Beeminder> {
    let loaded = node.settings.current();
    let settings = &loaded.config.beeminder;
    let token = settings.token.as_ref().filter(|_| wrong_settings(&loaded, "beeminder.").is_none())?;
    let usual = policy(&loaded);
    let policy = if once { Policy { tries: 1, total: usual.each, ..usual } } else { usual };
    Beeminder::new(settings, token, policy, Arc::new(|_: &'static str, _| {})).ok()
}
