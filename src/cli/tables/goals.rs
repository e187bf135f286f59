//! Tables of goals, datapoints and feeds.

use crate::domain::datapoint::Keeper;
use crate::service::goals::requests::GoalsShown;
use crate::service::goals::requests::{DatapointShown, DatapointState, FeedsShown};
use crate::view::goals::GoalLine;

use super::{shorten, system, table};

/// `mecris goals`.
#[must_use]
pub fn goals(shown: &GoalsShown) -> String {
    let table = match shown.goals.as_slice() {
        [] => "No goals are known. Set BEEMINDER_AUTH_TOKEN, or make one: \
               mecris goal new SLUG --due YYYY-MM-DD\n"
            .to_owned(),
        goals => table_of(goals),
    };
    table + &system::trouble(shown.source.as_slice())
}

/// The goals that need something done, in `mecris status` too.
#[must_use]
pub fn table_of(goals: &[GoalLine]) -> String {
    let mut rows = table(&["Goal", "Risk", "Safe days", "Left", "To do", "Pledge", "Today"], 2);
    for goal in goals {
        let left = match goal.seconds_left {
            None => "?".to_owned(),
            Some(..0) => "over".to_owned(),
            Some(seconds) => system::age(seconds),
        };
        let pledge = match goal.source {
            Keeper::Beeminder => goal.pledge_usd.to_string(),
            Keeper::Local => goal.priority.map_or_else(String::new, |priority| priority.word().to_owned()),
        };
        rows.add_row(vec![
            shorten(&goal.slug, 20),
            system::word(&goal.risk),
            goal.safe_days.map_or_else(|| "?".to_owned(), |days| days.to_string()),
            left,
            shorten(&goal.limsum, 24),
            pledge,
            if goal.has_data_today { "done".to_owned() } else { "-".to_owned() },
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// `mecris goal add`.
#[must_use]
pub fn datapoint(shown: &DatapointShown) -> String {
    let DatapointShown { slug, day, value, request_id, .. } = shown;
    match (shown.state, &shown.reason) {
        (DatapointState::Written, _) => {
            format!("{slug}: {value} on {day} is written (request id {request_id})\n")
        }
        (DatapointState::Waiting, reason) => format!(
            "{slug}: {value} on {day} is kept and will be sent (request id {request_id}); not yet, because {}\n",
            reason.as_deref().unwrap_or("nobody answered")
        ),
    }
}

/// `mecris goal feeds`.
#[must_use]
pub fn feeds(shown: &FeedsShown) -> String {
    if shown.feeds.is_empty() {
        return "Nothing is fed. Begin: mecris goal feed SLUG --from spend\n".to_owned();
    }
    let mut rows = table(&["Goal", "Spend of", "State", "Since", "Days", "Last day", "USD"], 4);
    for feed in &shown.feeds {
        rows.add_row(vec![
            shorten(&feed.slug, 20),
            shorten(feed.budget.as_deref().unwrap_or("all"), 14),
            system::word(&feed.state),
            feed.since.to_string(),
            feed.days_written.to_string(),
            feed.last_day.map_or_else(|| "-".to_owned(), |day| day.to_string()),
            feed.last_value.as_ref().map_or_else(|| "-".to_owned(), |value| shorten(value.as_str(), 16)),
        ]);
    }
    let mut text = format!("{}\n", rows.trim_fmt());
    for feed in &shown.feeds {
        if let Some(reason) = &feed.reason {
            text += &format!("{}: {reason}; tried again tomorrow, or when it is fed anew\n", feed.slug);
        }
    }
    text
}
