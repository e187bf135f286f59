//! Beeminder's API, version 1: the user, the goals, and datapoints that are written once.
//!
//! Sources: <https://api.beeminder.com>; responses recorded by public clients. Numbers come as integers or
//! floats for the same field, bodies of errors in five shapes, and unknown fields at any time, so reading is
//! lenient: what is absent is `None`, what is unknown is ignored.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::config::Secret;

use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy, Repeat};

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

/// What is read of a user.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct User {
    /// The name.
    pub username: String,
    /// The IANA time zone that days are reckoned in.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Changes with every change of a goal or a datapoint; Unix seconds.
    #[serde(deserialize_with = "whole")]
    pub updated_at: i64,
    /// Whether a payment failed, so that pledges cannot be charged.
    #[serde(default)]
    pub deadbeat: bool,
}

/// What is read of a goal.
#[allow(clippy::struct_excessive_bools)] // the wire's own shape
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Goal {
    /// Survives a change of the slug.
    pub id: String,
    /// The name in addresses.
    pub slug: String,
    /// The name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// Whole safe days; 0 on the day on which it derails.
    #[serde(default, deserialize_with = "maybe_whole")]
    pub safebuf: Option<i64>,
    /// The instant of derailing if nothing is entered; Unix seconds.
    #[serde(default, deserialize_with = "maybe_whole")]
    pub losedate: Option<i64>,
    /// Seconds from midnight; negative before it.
    #[serde(default, deserialize_with = "maybe_whole")]
    pub deadline: Option<i64>,
    /// What must be done to stay safe, in Beeminder's words.
    #[serde(default)]
    pub limsum: Option<String>,
    /// What must be done today.
    #[serde(default)]
    pub baremin: Option<String>,
    /// The amount at risk, in USD.
    #[serde(default)]
    pub pledge: Option<serde_json::Number>,
    /// Its numbers are being computed anew, and are old until then.
    #[serde(default)]
    pub queued: bool,
    /// Whether there is a datapoint of today.
    #[serde(default)]
    pub todayta: bool,
    /// It must be restarted before it goes on.
    #[serde(default)]
    pub frozen: bool,
    /// It is reached.
    #[serde(default)]
    pub won: bool,
    /// It is off its line.
    #[serde(default)]
    pub lost: bool,
    /// What feeds it; none where a person does.
    #[serde(default)]
    pub autodata: Option<String>,
    /// Unix seconds.
    #[serde(default, deserialize_with = "maybe_whole")]
    pub updated_at: Option<i64>,
}

/// What changed since a moment: goals that are not in it are as they were.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Changes {
    /// See [`User::updated_at`].
    #[serde(deserialize_with = "whole")]
    pub updated_at: i64,
    /// The goals that changed.
    #[serde(default)]
    pub goals: Vec<Goal>,
    /// Those that were deleted.
    #[serde(default)]
    pub deleted_goals: Vec<Deleted>,
}

/// A goal that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deleted {
    /// See [`Goal::id`].
    pub id: String,
}

/// A datapoint.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Datapoint {
    /// Its id.
    pub id: String,
    /// `YYYYMMDD`, in the goal's own terms.
    #[serde(default)]
    pub daystamp: String,
    /// Its value.
    pub value: f64,
    /// What was said with it.
    #[serde(default)]
    pub comment: String,
    /// The idempotency key that it was written with.
    #[serde(default)]
    pub requestid: Option<String>,
    /// On writes: `created` or `updated`.
    #[serde(default)]
    pub status: Option<String>,
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
        self.outside.ask_for(&ask, |answer| Ok((answer.json()?, answer.clock_ahead()))).await
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
        self.outside.ask_for(&ask, Answer::json).await
    }

    /// All goals that are not archived, the most urgent first.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn goals(&self) -> Result<Vec<Goal>, OutsideError> {
        let ask = Ask::get("users/{}/goals.json", &[&self.username]).query("emaciated", "true");
        self.outside.ask_for(&ask, Answer::json).await
    }

    /// One goal.
    ///
    /// # Errors
    /// [`OutsideError`]; [`OutsideError::NotFound`] where it is gone.
    pub async fn goal(&self, slug: &str) -> Result<Goal, OutsideError> {
        let ask = Ask::get("users/{}/goals/{}.json", &[&self.username, slug]).query("emaciated", "true");
        self.outside.ask_for(&ask, Answer::json).await
    }

    /// The newest datapoints of a goal, at most `count`.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn datapoints(&self, slug: &str, count: u32) -> Result<Vec<Datapoint>, OutsideError> {
        let ask = Ask::get("users/{}/goals/{}/datapoints.json", &[&self.username, slug])
            .query("count", count.to_string());
        self.outside.ask_for(&ask, Answer::json).await
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
        let refused = match self.outside.ask_for(&ask, Answer::json).await {
            Err(refused @ OutsideError::Rejected { status: 422, .. }) => refused,
            other => return other,
        };
        let known = self.datapoints(slug, RECENT).await?;
        let same = known.into_iter().find(|known| known.requestid.as_deref() == Some(&new.request_id));
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
        self.outside.ask_for(&ask, Answer::json).await
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

/// Whole numbers beyond this are not the same in every reader of JSON (RFC 8259, section 6), and are no time and no count
/// of days. So what is read can be reckoned with.
const EXACT: std::ops::RangeInclusive<i64> = -(1 << 53)..=1 << 53;

fn maybe_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(deserializer)?;
    let whole = number
        .and_then(|number| number.as_i64().or_else(|| number.as_f64().map(|float| float.floor() as i64)));
    Ok(whole.filter(|whole| EXACT.contains(whole)))
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    maybe_whole(deserializer)?.ok_or_else(|| serde::de::Error::custom("a number is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_several_kinds_and_what_is_unknown_is_ignored() {
        let text = r#"{"slug":"spend","id":"66b0","title":"","safebuf":null,"losedate":1788235199.0,"deadline":-3600,
            "limsum":"+1 due today","pledge":5.0,"queued":true,"newest_field":{"a":1},"road":[[1,2,null]]}"#;
        let goal: Goal = serde_json::from_str(text).unwrap();
        assert_eq!((goal.safebuf, goal.losedate, goal.deadline), (None, Some(1_788_235_199), Some(-3600)));
        assert!(goal.queued && !goal.frozen);
        let user: User = serde_json::from_str(r#"{"username":"alice","updated_at":1788150000}"#).unwrap();
        assert_eq!(user.updated_at, 1_788_150_000);
        for odd in ["null", "-9223372036854775808", "9223372036854775807", "1e300"] {
            let text = format!(r#"{{"username":"alice","updated_at":{odd}}}"#);
            assert!(serde_json::from_str::<User>(&text).is_err(), "{odd}");
        }
    }

    #[test]
    fn comments_command_nothing() {
        assert_eq!(harmless("spent 3 USD #SELFDESTRUCT @ARCHIVE"), "spent 3 USD  SELFDESTRUCT  ARCHIVE");
    }
}
