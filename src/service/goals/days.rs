//! Asks Beeminder what a goal's days are reckoned by: the account's time zone, and the goal's deadline.

use crate::domain::goal_day::GoalDays;
use crate::domain::slug::GoalSlug;
use crate::integration::beeminder::{self, Beeminder};
use crate::integration::resilience::OutsideError;

/// The error where nobody can be asked: there is no token, or another setting is wrong.
#[must_use]
pub fn not_set_up() -> OutsideError {
    let what = "its settings are not right; `mecris doctor` says which";
    OutsideError::Invalid { system: beeminder::SYSTEM, what }
}

/// What Beeminder said of a goal and of the account.
#[derive(Debug, Clone)]
pub struct Told {
    pub(super) timezone: Option<String>,
    pub(super) goal: beeminder::Goal,
}

impl Told {
    /// Asks.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::NotFound`] where there is no such goal.
    pub async fn ask(client: &Beeminder, slug: &GoalSlug) -> Result<Self, OutsideError> {
        let goal = client.goal(slug.as_str()).await?;
        let (user, _) = client.user().await?;
        Ok(Self { timezone: user.timezone, goal })
    }

    /// What is known with this, on top of what was known.
    #[must_use]
    pub fn onto(&self, known: &GoalDays, slug: &GoalSlug) -> GoalDays {
        let mut days = known.clone();
        if let Some(timezone) = &self.timezone {
            days.tell_account(timezone);
        }
        if let Some(deadline_s) = self.goal.deadline {
            days.tell_goal(slug.as_str(), deadline_s);
        }
        days
    }
}
