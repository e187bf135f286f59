//! Beeminder's API, version 1: the user, the goals, and datapoints that are written once.
//!
//! Sources: <https://api.beeminder.com>; responses recorded by public clients. Numbers come as integers or
//! floats for the same field, bodies of errors in five shapes, and unknown fields at any time, so reading is
//! lenient: each row and each field is read by itself ([`super::rows`]), and what is unknown is ignored.

pub mod wire;

use std::sync::Arc;

use crate::config::Secret;

use super::resilience::{Ask, Auth, OnBreaker, Outside, OutsideError, Policy, Repeat};
use super::rows::Listed;
use wire::datapoint;
pub use wire::{Changes, Datapoint, Goal, Goals, User, changes, datapoints, goal, goals, user};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = "beeminder";
/// Among how many datapoints one is looked for that is said to be there.
const RECENT: u32 = 500;
const FIX: &str = "set beeminder.token to the auth_token of https://www.beeminder.com/api/v1/auth_token.json";

/// A client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Beeminder {
    outside: Outside,
    username: Arc<str>,
}

/// A datapoint to write. The same `request_id` writes the same datapoint, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDatapoint {
    /// A decimal number.
    pub value: String,
    /// `YYYYMMDD`; said explicitly, because a goal's day is not the calendar's.
    pub daystamp: String,
    /// What to say with it; words that Beeminder would obey are made harmless.
    pub comment: String,
    /// The idempotency key, unique in its goal.
    pub request_id: String,
}

impl Beeminder {
    /// A client for the token's owner, or for `username`.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn new(
        settings: &crate::config::Beeminder,
        token: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let auth = Auth::Field("auth_token", token.to_secret());
        let base = settings.api_base.with_path("/api/v1");
        let outside = Outside::new(SYSTEM, FIX, &base, Some(auth), policy, on_breaker)?;
        Ok(Self { outside, username: settings.username.as_str().into() })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The user: one small answer, whose `updated_at` tells whether anything changed. Also how far the
    /// server's clock is ahead of ours, in seconds.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn user(&self) -> Result<(User, Option<i64>), OutsideError> {
        let ask = Ask::get("users/{}.json", &[&self.username]);
        self.outside.ask_for(&ask, |answer| Ok((user(answer)?, answer.clock_ahead()))).await
    }

    /// What changed since a user's `updated_at`: one answer, as large as the change. The graphs' lines and
    /// all datapoints but the newest are left out.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::Rejected`] where `since` makes no sense to Beeminder.
    pub async fn changes_since(&self, since: i64) -> Result<Changes, OutsideError> {
        let ask = Ask::get("users/{}.json", &[&self.username])
            .query("diff_since", since.to_string())
            .query("emaciated", "true")
            .query("datapoints_count", "1");
        self.outside.ask_for(&ask, changes).await
    }

    /// All goals that are not archived, the most urgent first.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn goals(&self) -> Result<Goals, OutsideError> {
        let ask = Ask::get("users/{}/goals.json", &[&self.username]).query("emaciated", "true");
        self.outside.ask_for(&ask, goals).await
    }

    /// One goal.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::NotFound`] where it is gone.
    pub async fn goal(&self, slug: &str) -> Result<Goal, OutsideError> {
        let ask = Ask::get("users/{}/goals/{}.json", &[&self.username, slug]).query("emaciated", "true");
        self.outside.ask_for(&ask, goal).await
    }

    /// The newest datapoints of a goal, at most `count`.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn datapoints(&self, slug: &str, count: u32) -> Result<Listed<Datapoint>, OutsideError> {
        let ask = Ask::get("users/{}/goals/{}/datapoints.json", &[&self.username, slug])
            .query("count", count.to_string());
        self.outside.ask_for(&ask, datapoints).await
    }

    /// Writes a datapoint; safe to repeat, because the request id makes it an upsert. That an identical one
    /// is there already may be told as an error (422): then the datapoint is read and compared.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn write(&self, slug: &str, new: &NewDatapoint) -> Result<Datapoint, OutsideError> {
        let ask = Ask::post("users/{}/goals/{}/datapoints.json", &[&self.username, slug], Repeat::Safe)
            .form("value", &new.value)
            .form("daystamp", &new.daystamp)
            .form("comment", harmless(&new.comment))
            .form("requestid", &new.request_id);
        let refused = match self.outside.ask_for(&ask, datapoint).await {
            Err(refused @ OutsideError::Rejected { status: 422, .. }) => refused,
            other => return other,
        };
        let known = self.datapoints(slug, RECENT).await?;
        let same = known.rows.into_iter().find(|known| known.requestid.as_deref() == Some(&new.request_id));
        match (same, new.value.parse::<f64>()) {
            // Both are the nearest float to the same decimal where they are the same.
            (Some(same), Ok(value)) if (same.value - value).abs() < f64::EPSILON * value.abs().max(1.0) => {
                Ok(same)
            }
            _ => Err(refused),
        }
    }

    /// Changes a datapoint that is known by its id.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::NotFound`] where it is gone.
    pub async fn update(
        &self,
        slug: &str,
        id: &str,
        value: &str,
        comment: &str,
    ) -> Result<Datapoint, OutsideError> {
        let ask = Ask::put("users/{}/goals/{}/datapoints/{}.json", &[&self.username, slug, id])
            .form("value", value)
            .form("comment", harmless(comment));
        self.outside.ask_for(&ask, datapoint).await
    }

    /// Deletes a datapoint; one that is gone is deleted.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn delete(&self, slug: &str, id: &str) -> Result<(), OutsideError> {
        let ask = Ask::delete("users/{}/goals/{}/datapoints/{}.json", &[&self.username, slug, id]);
        match self.outside.ask(&ask).await {
            Ok(_) | Err(OutsideError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Words that Beeminder obeys when they stand in a comment after `#` or `@` lose that sign.
/// Source: Beeminder's help on magic comments.
fn harmless(comment: &str) -> String {
    comment.replace(['#', '@'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_command_nothing() {
        assert_eq!(harmless("spent 3 USD #SELFDESTRUCT @ARCHIVE"), "spent 3 USD  SELFDESTRUCT  ARCHIVE");
    }
}
